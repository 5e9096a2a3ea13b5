#!/usr/bin/env python3
"""Signs, with a log's own key, a checkpoint of a tree that never was: what a dishonest broker could
show. Used to test that a kept checkpoint catches it.

    forge_checkpoint.py LOG.key SIZE OUT
"""

import base64
import hashlib
import sys

from nacl.signing import SigningKey


def main():
    fields = {}
    with open(sys.argv[1], encoding="ascii") as file:
        for line in file.read().splitlines()[1:]:
            name, _, value = line.partition(" ")
            fields[name] = value
    origin = fields["node"]
    key = SigningKey(base64.b64decode(fields["sign-seed"]))
    public = bytes(key.verify_key)
    root = base64.b64encode(hashlib.sha256(b"another tree").digest()).decode()
    text = "%s\n%s\n%s\n" % (origin, sys.argv[2], root)
    key_id = hashlib.sha256(origin.encode() + b"\n\x01" + public).digest()[:4]
    signature = base64.b64encode(key_id + key.sign(text.encode()).signature).decode()
    with open(sys.argv[3], "w", encoding="utf-8") as file:
        file.write("%s\n\u2014 %s %s\n" % (text, origin, signature))


main()
