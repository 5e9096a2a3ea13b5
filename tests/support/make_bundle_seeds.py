#!/usr/bin/env python3
"""Writes the seeds of tests/fuzz/fuzz_bundle.c and fuzz_yaml.c from the sample scenario."""

import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))
SCENARIO = os.path.join(HERE, "..", "..", "config", "scenario")
SEEDS = os.path.join(HERE, "..", "fuzz", "seeds")


def write(what, name, data):
    folder = os.path.join(SEEDS, what)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data)


def main():
    blob = b""
    for name in sorted(os.listdir(SCENARIO)):
        with open(os.path.join(SCENARIO, name), "rb") as file:
            text = file.read()
        write("yaml", name, text)
        blob += struct.pack(">H", len(name)) + name.encode() + struct.pack(">I", len(text)) + text
    write("bundle", "scenario", blob)
    write("bundle", "plural", "{n} {n, plural, one {a {n}} few {b} many {c} other {d}}.".encode())
    write("bundle", "name", "Ветрова́ Анна, ул. Ёлочная, 1-а, +7 000 000-12-34".encode())
    for name in ("vedomod.yaml", "node.yaml"):
        with open(os.path.join(SCENARIO, "..", name), "rb") as file:
            write("yaml", name, file.read())
    write("yaml", "aliases", b"a: &a [1, 2]\nb: *a\nc: {d: *a}\n")


if __name__ == "__main__":
    main()
