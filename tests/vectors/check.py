#!/usr/bin/env python3
"""Computes every vector of docs/protocol-vectors.txt again, from the rules of docs/protocol.md alone.

Shares no code with the product: hashes from hashlib, curves and boxes from PyNaCl, protobuf read by
hand. `check.py FILE`: exit 1 and a line for each vector that differs, or that nothing checks.
"""

import base64
import hashlib
import sys

import nacl.bindings as sodium
import nacl.signing


def read(path):
    values = {}
    for line in open(path, encoding="utf-8"):
        line = line.rstrip("\n")
        if not line or line.startswith("#"):
            continue
        name, _, value = line.partition(" = ")
        if name in values:
            sys.exit("%s: %s stands there twice" % (path, name))
        if value.startswith('"'):
            values[name] = value[1:-1].encode()
        elif name.endswith((".size", ".index", ".minutes", ".tree_size")):
            values[name] = int(value)
        else:
            values[name] = bytes.fromhex(value)
    return values


def H(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def blake2b(key, *parts):
    return hashlib.blake2b(b"".join(parts), key=key, digest_size=32).digest()


def lp(text):
    return len(text).to_bytes(2, "big") + text


def label(text):
    return b"vedomo/1 " + text + b"\0"


def mth(leaves):
    """RFC 6962 tree hash over leaf hashes."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return H(b"\x01", mth(leaves[:k]), mth(leaves[k:]))


def path(m, leaves):
    """RFC 6962 inclusion path, the leaf's sibling first."""
    if len(leaves) == 1:
        return b""
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    if m < k:
        return path(m, leaves[:k]) + mth(leaves[k:])
    return path(m - k, leaves[k:]) + mth(leaves[:k])


def box(key, nonce, ad, plain):
    return sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(plain, ad, nonce, key)


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def message(data):
    """A protobuf message as {field: [values]}: numbers and bytes."""
    fields, at = {}, 0
    while at < len(data):
        tag, at = varint(data, at)
        if tag & 7 == 0:
            value, at = varint(data, at)
        elif tag & 7 == 2:
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
            assert len(value) == size
        else:
            raise ValueError("wire type %d" % (tag & 7))
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def field(number, value):
    """One protobuf field packed."""
    def pack(n):
        out = b""
        while n >= 0x80:
            out += bytes([n & 0x7F | 0x80])
            n >>= 7
        return out + bytes([n])
    if isinstance(value, int):
        return pack(number << 3) + pack(value)
    return pack(number << 3 | 2) + pack(len(value)) + value


class Check:
    def __init__(self, values):
        self.values = values
        self.seen = set()
        self.failures = []

    def given(self, name):
        """An input: taken as it stands."""
        self.seen.add(name)
        return self.values[name]

    def equal(self, name, computed):
        """A result: has to be what the rules give."""
        self.seen.add(name)
        if self.values.get(name) != computed:
            self.failures.append("%s differs" % name)
        return computed

    def holds(self, what, truth):
        if not truth:
            self.failures.append("%s does not hold" % what)


def check_parties(c):
    audience = c.equal("audience", H(c.given("origin")))
    announced = {}
    for side in ("asker", "holder"):
        signer = nacl.signing.SigningKey(c.given(side + ".batch.seed"))
        c.equal(side + ".batch.key", signer.verify_key.encode())
        key = c.equal(side + ".sealing.key",
                      sodium.crypto_scalarmult_base(c.given(side + ".sealing.secret")))
        payload = c.given(side + ".announcement.payload")
        m = message(payload)
        c.holds(side + " announcement", m[1] == [1] and m[2] == [c.given(side + ".member")]
                and m[4] == [audience] and m[5] == [key] and 0 < m[7][0] - m[6][0] <= 3600000)
        announced[side] = c.equal(side + ".announcement.hash", H(payload))
    return announced["asker"], announced["holder"]


def check_request(c, asker, holder):
    shared = c.equal("shared", sodium.crypto_scalarmult(c.given("asker.sealing.secret"),
                                                        c.given("holder.sealing.key")))
    pair = c.equal("pair.key", blake2b(shared, label(b"pair"), asker, holder))
    nonce = c.given("request.nonce")
    params = c.equal("params.box", box(blake2b(pair, label(b"params"), nonce), bytes(24),
                                       label(b"params") + nonce + asker + holder,
                                       c.given("params.plain")))
    payload = c.given("request.payload")
    m = message(payload)
    c.holds("request", m[1] == [1] and m[3] == [nonce] and m[18] == [asker] and m[19] == [holder]
            and m[20] == [params] and m[10] == [c.given("field.dataset")]
            and m[6] == [c.given("asker.member")] and m[9] == [c.given("holder.member")])
    c.holds("request id", int.from_bytes(m[2][0][:6], "big") == m[4][0] and m[2][0][6] >> 4 == 7)
    return pair, c.equal("request.hash", H(label(b"request"), payload)), m


def check_batch(c, name):
    side = c.given(name + ".signer").decode()
    signer = nacl.signing.SigningKey(c.given(side + ".batch.seed"))
    size = c.given(name + ".size")
    leaves = []
    for i in range(size):
        of = "%s.%d." % (name, i)
        kind = c.given(of + "type")
        leaves.append(c.equal(of + "leaf", H(b"\0", lp(b"vedomo/1 " + kind), c.given(of + "salt"),
                                             c.given(of + "payload"))))
    for i in range(size):
        c.equal("%s.%d.path" % (name, i), path(i, leaves))
    signed = (label(b"batch") + c.given("audience") + signer.verify_key.encode()
              + size.to_bytes(2, "big") + mth(leaves))
    c.equal(name + ".signature", signer.sign(signed).signature)


def check_entry(c, request_hash):
    parts = []
    for kind in (1, 2, 3):
        of = "part.%d." % kind
        parts.append(c.equal(of + "hash", H(label(b"part"), bytes([kind]), c.given(of + "salt"),
                                            c.given(of + "bytes"))))
    m = message(c.given("part.1.bytes"))
    c.holds("exchange part", m[2] == [1] and m[4] == [request_hash])
    commitment = c.equal("leaf.commitment", H(label(b"body"), b"\x03", *parts))
    minutes = c.given("leaf.minutes")
    leaf = c.equal("leaf.bytes", b"\x01\x01" + minutes.to_bytes(4, "big") + commitment)
    c.holds("leaf size", len(leaf) == 38)
    leaf_hash = c.equal("leaf.hash", H(b"\0", leaf))

    index, size = c.given("receipt.index"), c.given("receipt.tree_size")
    leaves = [H(b"\0", bytes([i])) for i in range(size)]
    leaves[index] = leaf_hash
    proof = c.equal("receipt.path", path(index, leaves))
    root = c.equal("receipt.root", mth(leaves))
    signer = nacl.signing.SigningKey(c.given("log.seed"))
    key = b"\x01" + signer.verify_key.encode()
    name = c.given("origin")
    key_id = H(name, b"\n", key)[:4]
    c.equal("log.vkey", b"%s+%s+%s" % (name, key_id.hex().encode(), base64.b64encode(key)))
    text = b"%s\n%d\n%s\n" % (name, size, base64.b64encode(root))
    line = base64.b64encode(key_id + signer.sign(text).signature)
    note = c.equal("receipt.checkpoint",
                   text + b"\n\xe2\x80\x94 " + name + b" " + line + b"\n")
    extra = (field(1, leaf) + field(2, 1) + field(3, c.given("part.1.salt"))
             + field(4, c.given("part.1.bytes")) + field(5, parts[1]) + field(5, parts[2]))
    steps = b"".join(base64.b64encode(proof[i:i + 32]) + b"\n" for i in range(0, len(proof), 32))
    c.equal("receipt.text", b"c2sp.org/tlog-proof@v1\nextra %s\nindex %d\n%s\n%s"
            % (base64.b64encode(extra), index, steps, note))
    return leaf_hash


def check_answer(c, asker, holder, pair, request_hash, request, decision):
    nonce = c.given("answer.nonce")
    key = c.equal("answer.key", blake2b(pair, label(b"answer"), request_hash, nonce))
    dataset = c.given("field.dataset")
    answer = message(c.given("answer.batch.0.payload"))
    c.holds("answer", answer[2] == request[2] and answer[3] == [request_hash]
            and answer[4] == [decision] and answer[5] == [asker] and answer[6] == [holder]
            and answer[7] == [nonce])
    for i, listed in enumerate(message(item) for item in answer[9]):
        of = "field.%d." % i
        index, name, form = c.given(of + "index"), c.given(of + "name"), c.given(of + "form")
        asked = message(request[11][index])
        c.holds("field %d was asked for" % i, asked[1] == [name] and asked[2] == [form])
        plain = c.given(of + "plain")
        sealed = c.equal(of + "box", box(
            key, bytes(16) + index.to_bytes(8, "big"),
            label(b"field") + request_hash + index.to_bytes(2, "big") + lp(dataset) + lp(name)
            + lp(form), plain))
        content = message(plain)
        commitment = c.equal(of + "commitment", H(
            label(b"value"), request_hash, lp(name), lp(form), content[2][0], bytes(content[1]),
            content.get(5, [b""])[0]))
        box_hash = c.equal(of + "box_hash", H(sealed))
        c.holds("field %d in the answer" % i, listed.get(1, [0]) == [index]
                and listed[2] == [name] and listed[3] == [form] and listed[4] == [box_hash]
                and listed[5] == [len(sealed)] and 6 not in listed and listed[7] == [commitment])
        c.holds("padding of field %d" % i, len(plain) == 256 and not any(content[6][0]))


DEPTH = 80


def bit(tag, level):
    return tag[1 + level // 8] >> (7 - level % 8) & 1


def map_root(people, level=0):
    """The node at `level` over {tag: leaf}, which share the bits above it."""
    if not people:
        return bytes(32)
    if level == DEPTH:
        (leaf,) = people.values()
        return leaf
    left = map_root({tag: leaf for tag, leaf in people.items() if not bit(tag, level)}, level + 1)
    right = map_root({tag: leaf for tag, leaf in people.items() if bit(tag, level)}, level + 1)
    return H(b"\x01", left, right)


def map_path(people, tag):
    """Bitmap and siblings on the way of a tag."""
    bits, steps = 0, []
    for level in reversed(range(DEPTH)):
        beside = {other: leaf for other, leaf in people.items()
                  if all(bit(other, i) == bit(tag, i) for i in range(level)) and bit(other, level) != bit(tag, level)}
        if beside:
            bits |= 1 << (DEPTH - 1 - level)
            steps.append(map_root(beside, level + 1))
    return bits.to_bytes(DEPTH // 8, "big"), b"".join(steps)


def check_map(c):
    people = {}
    for i in range(3):
        of = "map.%d." % i
        tag = c.given(of + "tag")
        chains = []
        for which in (1, 2):
            part = "%s%d." % (of, which)
            salt = c.equal(part + "salt", blake2b(c.given("map.secret"), label(b"salt"), bytes([which]), tag))
            chains.append(c.equal(part + "chain", H(label(b"chain"), bytes([which]), salt, c.given(part + "count"),
                                                    c.given(part + "head"))))
        people[tag] = c.equal(of + "leaf", H(b"\0", label(b"map"), tag, *chains))
    root = map_root(people)
    for i in (0, 3):
        of = "map.%d." % i
        bitmap, steps = map_path(people, c.given(of + "tag"))
        c.equal(of + "bitmap", bitmap)
        c.equal(of + "path", steps)
        c.equal(of + "root", root)


def main():
    c = Check(read(sys.argv[1]))
    asker, holder = check_parties(c)
    pair, request_hash, request = check_request(c, asker, holder)
    check_batch(c, "batch")
    decision = check_entry(c, request_hash)
    check_answer(c, asker, holder, pair, request_hash, request, decision)
    check_batch(c, "answer.batch")
    check_map(c)
    c.failures += ["%s is checked by nothing" % name for name in c.values if name not in c.seen]
    for failure in c.failures:
        print("%s: %s" % (sys.argv[1], failure))
    print("%d vectors, %d failures" % (len(c.values), len(c.failures)))
    return 1 if c.failures else 0


if __name__ == "__main__":
    sys.exit(main())
