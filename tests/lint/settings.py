#!/usr/bin/env python3
"""A setting does something: each member of the structs that a configuration file is read into is read
by the program, outside of src/config.

Where a struct is used under a name (`const struct config_vedomod *settings`), its member counts as read
when some file of the program has `settings->member`. Prints one line for each member that nothing
reads, `file:line: words`; exit 1 if there was any. `settings.py [ROOT]`.
"""

import os
import re
import sys

import source

HEADER = "src/config/config.h"
WITNESS_HEADER = "src/config/witness.h"

# Which folders make up the program, and which structs its file is read into.
PROGRAMS = [
    ("vedomod", HEADER, ["src/broker", "src/cmd/vedomod"], ["config_vedomod"]),
    ("vedomo-node", HEADER, ["src/node", "src/cmd/node"],
     ["config_node", "config_register", "config_dataset", "config_column"]),
    ("vedomo witness", WITNESS_HEADER, ["src/witness", "src/cmd/vedomo"], ["config_witness", "config_log"]),
]

# What the loading itself needs and nobody after it.
LOADING = {("config_register", "line"), ("config_dataset", "line")}

MEMBER = re.compile(r"^[\w\s]*?[\s*](\w+);$")


def members(text, struct):
    """(line, path) of each member; those of an inner struct as `inner.member`."""
    lines = source.code_only(text).split("\n")
    start = next((i for i, line in enumerate(lines) if line == "struct %s {" % struct), None)
    if start is None:
        return []
    found, inner = [], []
    for number, line in enumerate(lines[start + 1:], start + 2):
        line = line.strip()
        if line == "struct {":
            inner = []
        elif line.startswith("}"):
            if line == "};":
                return found
            found = [(n, line[1:-1].strip() + "." + path) if (n, path) in inner else (n, path)
                     for n, path in found]
        elif MEMBER.match(line):
            found.append((number, MEMBER.match(line).group(1)))
            inner.append(found[-1])
    return found


def is_read(code, struct, path):
    """Whether some text of `code` reads the member of something declared as `struct`."""
    names = set(re.findall(r"\bstruct %s\s*\*?(?:const\s+)?\s*(\w+)" % struct, code))
    holders = "|".join([r"\b%s" % name for name in sorted(names)] + [r"\b%s\([^()]*\)" % struct])
    member = r"\s*\.\s*".join(re.escape(part) for part in path.split("."))
    return re.search(r"(?:%s)(?:\[[^][]*\])?\s*(?:->|\.)\s*%s\b" % (holders, member), code) is not None


def check(root):
    """All violations below `root`, as (path, line, words)."""
    for program, header, folders, structs in PROGRAMS:
        if not os.path.exists(os.path.join(root, header)):
            continue
        text = source.text(root, header)
        code = "\n".join(source.code_only(source.text(root, path))
                         for path in source.files(root, folders, (".c", ".h")))
        for struct in structs:
            for number, path in members(text, struct):
                if (struct, path) not in LOADING and not is_read(code, struct, path):
                    yield header, number, "nothing in %s reads '%s' of %s" % (program, path, struct)


if __name__ == "__main__":
    sys.exit(source.report(check))
