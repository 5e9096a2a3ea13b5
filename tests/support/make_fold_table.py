#!/usr/bin/env python3
"""Writes src/catalogue/fold_table.c from Python's Unicode data; with --check says whether the file is
what it would write. For each letter that changes: NFD of its case folding, ё as е."""

import os
import sys
import unicodedata

RANGES = [(0x41, 0x24F), (0x300, 0x36F), (0x400, 0x52F), (0x1E00, 0x1EFF)]
PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "src", "catalogue",
                    "fold_table.c")
HEAD = """// How letters fold before they are compared: the canonical decomposition (NFD) of the case
// folding, for Latin (with supplements A, B and Additional), Cyrillic (with its supplement) and the
// combining marks U+0300..U+036F. Written by tests/support/make_fold_table.py; a test keeps the two
// in step.
#include "catalogue/fold_table.h"

// clang-format off
"""


def folded(point):
    text = unicodedata.normalize("NFD", unicodedata.normalize("NFD", chr(point)).casefold())
    return [ord(c) for c in text]


def rows():
    for low, high in RANGES:
        for point in range(low, high + 1):
            if unicodedata.category(chr(point)) == "Cn":
                continue
            result = folded(point)
            if result != [point]:
                yield point, result


def lines(items, per_line):
    for at in range(0, len(items), per_line):
        yield "    " + " ".join(items[at:at + per_line]) + "\n"


def source():
    table = list(rows())
    longest = max(len(result) for _, result in table)
    assert longest <= 4, longest
    items = ["{0x%04X, {%s}}," % (point, ", ".join("0x%04X" % c for c in result))
             for point, result in table]
    classes = ["%d," % unicodedata.combining(chr(point)) for point in range(0x300, 0x370)]
    return (HEAD + "const struct catalogue_fold catalogue_folds[] = {\n" + "".join(lines(items, 4)) +
            "};\n\nconst size_t catalogue_fold_count = sizeof(catalogue_folds) / "
            "sizeof(catalogue_folds[0]);\n\nconst uint8_t catalogue_mark_classes[0x70] = {\n" +
            "".join(lines(classes, 16)) + "};\n")


def main():
    if "--check" in sys.argv:
        with open(PATH, encoding="utf-8") as file:
            same = file.read() == source()
        print("fold_table.c is %s" % ("in step" if same else "not what make_fold_table.py writes"))
        return 0 if same else 1
    with open(PATH, "w", encoding="utf-8") as file:
        file.write(source())
    return 0


if __name__ == "__main__":
    sys.exit(main())
