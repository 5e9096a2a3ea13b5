#!/usr/bin/env python3
"""How the C is written, as far as a script can see it: lengths, calls that are not used here,
words that do not belong into a tree, and the log's door that never overwrites.

A file that must be longer says why in a line `// Length: ...` of its opening comment.
Prints one line a violation; exit 1 if there was any. `style.py [ROOT]`.
"""

import re
import sys

import source

HEADER_LINES = 200
FILE_LINES = 600
FUNCTION_LINES = 60

BANNED = re.compile(
    r"(?<![\w.>])(strcpy|strcat|stpcpy|sprintf|vsprintf|gets|strtok|rand|random|srand|srandom|system"
    r"|popen|atoi|atol|atoll|atof|tmpnam|mktemp|alloca|setjmp|longjmp)\s*\(")
# srand() is here to be called: libzmq draws routing ids from rand().
BANNED_BUT = {"src/bus/": {"srand"}}

# A string-building call in the door to SQL would be a query made from text.
SQL_TEXT = re.compile(r"\b(sqlite3_exec|sqlite3_get_table)\s*\((?![^,()]+,\s*\")")

UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
# A comment is about the code, not about whoever wrote it, where, or on whose wish.
WORKPLACE = re.compile(
    r"(?<![\w.$}~-])/(?:work|home|Users)/\w"
    r"|(?<!libzmq )(?<!lmdb )(?<!cmocka )\bissues? #?\d+"
    r"|\bas (?:requested|discussed|instructed)\b|\bper your\b|\bcolleague'?s?\b|\bfounders?\b"
    r"|\blanguage model\b|\bCONTRACTS\.md\b", re.IGNORECASE)

# The log only grows: its journal has no call that takes an entry away or writes one again.
JOURNAL = re.compile(r"^src/audit/journal\w*\.[ch]$")
JOURNAL_BANNED = re.compile(r"\b(store_remove|store_delete|store_drop|store_clear)\w*\s*\(")
JOURNAL_PUT = re.compile(r"\bstore_put(?:_new)?\s*\([^;]*\bentr(?:y|ies)\b")

CODE = ["src", "include", "tests"]
TEXT = ["src", "include", "tests", "proto", "config", "deploy", "docs", ".ci"]


def functions(lines):
    """(first line, name, lines between the braces) of each function: the layout puts the braces
    of functions, and of nothing else, into the first column."""
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start is not None:
            name = next((m.group(1) for m in (re.search(r"([A-Za-z_]\w*)\s*\(", lines[i])
                                              for i in range(start - 2, max(start - 12, -1), -1)
                                              if lines[i] and not lines[i].startswith(" ")) if m), "?")
            yield start, name, number - start - 1
            start = None


def lengths(path, text):
    lines = text.rstrip("\n").split("\n")
    if re.search(r"^// Length: \S", source.head_comment(text), re.MULTILINE):
        return
    limit = HEADER_LINES if path.endswith(".h") else FILE_LINES
    if len(lines) > limit:
        yield 1, "%d lines, at most %d" % (len(lines), limit)
    for number, name, count in functions(lines):
        if count > FUNCTION_LINES:
            yield number, "%s has %d lines, at most %d" % (name, count, FUNCTION_LINES)


def calls(path, text):
    code = source.code_only(text)
    excused = set().union(*[v for k, v in BANNED_BUT.items() if path.startswith(k)])
    for number, line in enumerate(code.split("\n"), 1):
        for match in BANNED.finditer(line):
            if match.group(1) not in excused and not line.startswith("#define"):
                yield number, "'%s' is not used here" % match.group(1)
        if path.startswith("src/") and SQL_TEXT.search(line):
            yield number, "'%s' takes SQL as text" % SQL_TEXT.search(line).group(1)
        if path.startswith("src/") and path.endswith(".c") and re.match(r"\s*extern\b", line):
            yield number, "'extern' in a source file"
    if JOURNAL.match(path):
        for pattern in (JOURNAL_BANNED, JOURNAL_PUT):
            for match in pattern.finditer(code):
                yield code.count("\n", 0, match.start()) + 1, "the journal only appends entries"


def words(path, text):
    for number, line in enumerate(text.split("\n"), 1):
        for pattern, what in ((UNFINISHED, "unfinished"), (WORKPLACE, "does not belong here")):
            match = pattern.search(line)
            if match:
                yield number, "'%s': %s" % (match.group(0), what)


def layout(path, text):
    guard = "#ifndef VEDOMO_" if path.startswith("include/") else "#pragma once"
    if path.endswith(".h") and guard not in text:
        yield 1, "no %s" % guard
    if not text.startswith("//") and not path.startswith("tests/"):
        yield 1, "the file does not open with what it is for"
    if not text.endswith("\n"):
        yield text.count("\n") + 1, "no newline at the end"


def check(root):
    """All violations below `root`, as (path, line, words)."""
    for path in source.files(root, CODE, (".c", ".h")):
        text = source.text(root, path)
        rules = [layout, calls] + ([lengths] if not path.startswith("tests/") else [])
        for rule in rules:
            for number, problem in rule(path, text):
                yield path, number, problem
    endings = (".c", ".h", ".py", ".sh", ".md", ".yaml", ".yml", ".txt", ".proto", ".cmake", "run",
               "up", "down", "install", "registers", ".service")
    own = ("tests/lint/style.py", "tests/lint/selftest.py")
    for path in source.files(root, TEXT, endings):
        if path not in own:
            for number, problem in words(path, source.text(root, path)):
                yield path, number, problem


if __name__ == "__main__":
    sys.exit(source.report(check))
