#!/usr/bin/env python3
"""The message reference: every field and every message of the .proto files has a comment of its own, and
no number stands twice in a message. `protos.py [ROOT]`."""

import re
import sys

import source

FIELD = re.compile(r"^\s+(?:repeated )?\w+ (\w+) = (\d+);(.*)$")


def check(root):
    for path in source.files(root, ["proto"], (".proto",)):
        before, numbers = "", set()
        for number, line in enumerate(source.text(root, path).split("\n"), 1):
            field = FIELD.match(line)
            commented = before.startswith("//") or field and "//" in field.group(3)
            if field:
                if not commented:
                    yield path, number, "field '%s' has no comment" % field.group(1)
                if field.group(2) in numbers:
                    yield path, number, "number %s stands twice" % field.group(2)
                numbers.add(field.group(2))
            elif line.startswith("message "):
                numbers = set()
                # Small helpers are spoken of where they are used.
                if not before.startswith("//") and before != "":
                    yield path, number, "'%s' follows something else than a comment" % line.rstrip(" {")
            before = line.strip()


if __name__ == "__main__":
    sys.exit(source.report(check))
