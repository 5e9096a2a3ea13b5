#!/usr/bin/env python3
"""What a document points at is there: relative links in Markdown, and paths in `backticks` that begin
with one of the tree's folders. `links.py [ROOT]`."""

import os
import re
import sys

import source

LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)\s#]+)(?:#[^)]*)?\)")
CODE_PATH = re.compile(r"`((?:src|tests|deploy|config|docs|proto|include)/[A-Za-z0-9_./-]+)`")


def check(root):
    documents = [name for name in sorted(os.listdir(root)) if name.endswith(".md")]
    documents += source.files(root, ["docs", "config", "deploy", "tests"], (".md",))
    for path in documents:
        folder = os.path.dirname(os.path.join(root, path))
        for number, line in enumerate(source.text(root, path).split("\n"), 1):
            for target in LINK.findall(line):
                if not os.path.exists(os.path.join(folder, target)):
                    yield path, number, "points at '%s', which is not there" % target
            for target in CODE_PATH.findall(line):
                if not os.path.exists(os.path.join(root, target)):
                    yield path, number, "names '%s', which is not there" % target


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else source.ROOT
    found = list(check(root))
    for path, number, problem in found:
        print("%s:%d: %s" % (path, number, problem))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
