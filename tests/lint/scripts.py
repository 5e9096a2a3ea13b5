#!/usr/bin/env python3
"""Scripts are read before they are run: `bash -n` and Python's compiler over each of them, an
interpreter line and the executable bit where there is one. `scripts.py [ROOT]`."""

import os
import subprocess
import sys

import source

FOLDERS = ["deploy", "tests", ".ci"]


def check(root):
    for path in source.files(root, FOLDERS, ("",)):
        full = os.path.join(root, path)
        with open(full, "rb") as file:
            first = file.readline(80)
        if first.startswith(b"#!") and not os.access(full, os.X_OK):
            yield path, 1, "has an interpreter line, but is not executable"
        if path.endswith(".py") or b"python3" in first[:40] and first.startswith(b"#!"):
            try:
                compile(source.text(root, path), path, "exec")
            except SyntaxError as error:
                yield path, error.lineno or 1, error.msg
        elif path.endswith(".sh") or first.startswith(b"#!") and b"bash" in first:
            result = subprocess.run(["bash", "-n", full], capture_output=True, text=True, check=False)
            if result.returncode != 0:
                yield path, 1, result.stderr.strip().replace("\n", "; ")


if __name__ == "__main__":
    sys.exit(source.report(check))
