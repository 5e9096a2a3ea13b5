#!/usr/bin/env python3
"""What a document points at is there: relative links in Markdown, paths in `backticks` that begin with
one of the tree's folders, and tests by name, written `unit/<module>: a_sentence, another_one` or
`integration/<file>: a_sentence`. `links.py [ROOT]`."""

import os
import re
import sys

import source

LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)\s#]+)(?:#[^)]*)?\)")
CODE_PATH = re.compile(r"`((?:src|tests|deploy|config|docs|proto|include)/[A-Za-z0-9_./-]+)`")


NAME = r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+"
TESTS = re.compile(r"\b(unit/[a-z]+|integration/[a-z_]+\.py): (%s(?:, %s)*)" % (NAME, NAME))


def tests_in(root, place):
    """The names of the tests of a folder of unit tests, or of a file of integration tests."""
    place = os.path.join("tests", place)
    if place.endswith(".py"):
        paths = [place] if os.path.exists(os.path.join(root, place)) else []
    else:
        paths = source.files(root, [place], (".c",))
    text = "\n".join(source.text(root, path) for path in paths)
    return set(re.findall(r"^(?:TEST\(|def )(%s)\(?" % NAME, text, re.MULTILINE))


def missing_tests(root, line):
    for place, names in TESTS.findall(line):
        known = tests_in(root, place)
        for name in names.split(", "):
            if name not in known:
                yield "names the test '%s', which is not in tests/%s" % (name, place)


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
            for problem in missing_tests(root, line):
                yield path, number, problem


if __name__ == "__main__":
    sys.exit(source.report(check))
