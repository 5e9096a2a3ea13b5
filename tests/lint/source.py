"""Reading the tree for the lints: which files there are, and C without comments and strings."""

import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

_TOKENS = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.DOTALL)


def report(check):
    """Prints what check(root) finds, one line each; gives the exit status. The root is the first argument, or the
    tree that this file is in."""
    found = list(check(sys.argv[1] if len(sys.argv) > 1 else ROOT))
    for path, number, words in found:
        print("%s:%d: %s" % (path, number, words))
    return 1 if found else 0


def files(root, tops, endings):
    """Paths below `root` (relative, sorted) in the folders `tops` with one of the endings."""
    found = []
    for top in tops:
        for folder, folders, names in os.walk(os.path.join(root, top)):
            folders[:] = sorted(f for f in folders if f != "__pycache__")
            for name in sorted(names):
                if name.endswith(endings):
                    found.append(os.path.relpath(os.path.join(folder, name), root))
    return found


def text(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def code_only(source):
    """The same lines with comments and the insides of strings blanked, #include lines kept."""

    def blank(match):
        token = match.group(0)
        kept = token[0] + token[-1] if token[0] in "\"'" else " "
        return kept + "\n" * token.count("\n")

    kept = []
    for line in source.split("\n"):
        kept.append("\0" + line if line.lstrip().startswith("#include") else line)
    masked = "\n".join(kept)
    includes = re.findall(r"^\0.*$", masked, re.MULTILINE)
    masked = re.sub(r"^\0.*$", "\0", masked, flags=re.MULTILINE)
    masked = _TOKENS.sub(blank, masked)
    for line in includes:
        masked = masked.replace("\0", line[1:], 1)
    return masked


def head_comment(source):
    """The comment that a file opens with."""
    lines = []
    for line in source.split("\n"):
        if not line.startswith("//"):
            break
        lines.append(line)
    return "\n".join(lines)
