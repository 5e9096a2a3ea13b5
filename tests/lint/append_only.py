#!/usr/bin/env python3
"""The log only grows: whoever replaces or removes items of a store is the views, and the views
never see the journal's tables.

Prints one line a violation, `file:line: words`; exit 1 if there was any. `append_only.py [ROOT]`.
"""

import re
import sys

import source

# Calls of the store's door that change or remove what is there, and who may make them.
CHANGING = re.compile(r"\bstore_(?:put|remove|clear|drop|replace)\s*\(")
VIEWS = re.compile(r"^src/audit/views?(?:_\w+)?\.c$")

# The journal's tables and its folder.
JOURNAL = re.compile(r"\b(?:AUDIT_JOURNAL_\w+|audit_journal_tables|audit_journal_store)\b")

# Who may open the journal's environment, and how the checker must.
OPENERS = {"src/audit/backup.c", "src/audit/backup_restore.c", "src/audit/export_home.c", "src/audit/journal.c",
           "src/audit/verify.c", "src/audit/scan.c", "src/audit/verify_walk.c"}
FOLDER = re.compile(r"\bAUDIT_JOURNAL_FOLDER\b")
DEFINES = re.compile(r"^\s*#\s*define\s+AUDIT_JOURNAL_")
WRITES = re.compile(r"\bstore_(?:begin_write|put_new|append|commit)\s*\(")


def check_file(path, text):
    for number, line in enumerate(source.code_only(text).split("\n"), 1):
        views = bool(VIEWS.match(path))
        changing = CHANGING.search(line)
        if changing and not views:
            yield number, "'%s' outside the views: the log only grows" % changing.group(0).rstrip(" (")
        if views and JOURNAL.search(line):
            yield number, "the views name '%s' of the journal" % JOURNAL.search(line).group(0)
        if FOLDER.search(line) and path not in OPENERS and not DEFINES.match(line):
            yield number, "only the journal, its checker, copies and exports open the log's environment"
        if ("/verify" in path or "/export" in path or path.endswith("/backup.c")) and WRITES.search(line):
            yield number, "whoever only reads the log writes nothing"


def check(root):
    """All violations below `root`, as (path, line, words)."""
    for path in source.files(root, ["src"], (".c", ".h")):
        if path.startswith("src/store/"):
            continue  # the door itself
        for number, words in check_file(path, source.text(root, path)):
            yield path, number, words


if __name__ == "__main__":
    sys.exit(source.report(check))
