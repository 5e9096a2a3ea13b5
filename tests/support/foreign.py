"""A peer in another language: written from docs/protocol.md and the .proto files alone, sharing no code
with the product. It can do what an honest node does, and everything that a dishonest one might.

Messages are dictionaries; `.proto` files are read at start. Needs Debian's python3-zmq and python3-nacl,
so scripts that use it begin with #!/usr/bin/python3.
"""

import base64
import hashlib
import os
import re
import secrets
import time

import nacl.bindings as sodium
import nacl.signing
import zmq

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

TYPES = {
    "hello": 1, "welcome": 2, "ping": 3, "pong": 4, "announcement": 5, "request": 6, "ask": 7, "answer": 8,
    "release": 9, "refusal": 10, "ack": 11, "cancel": 12, "busy": 13, "proof": 14, "session": 15,
    "consent-change": 16, "query": 17, "control": 18, "result": 19, "chunk": 20,
}
NAMES = {number: name for name, number in TYPES.items()}
MESSAGES = {
    "hello": "Hello", "welcome": "Welcome", "ping": "Ping", "pong": "Pong", "announcement": "Announcement",
    "request": "Request", "ask": "Ask", "answer": "Answer", "release": "Release", "refusal": "Refusal",
    "ack": "Ack", "cancel": "Cancel", "busy": "Busy", "proof": "Proof", "session": "Session",
    "consent-change": "ConsentChange", "query": "Query", "control": "Control", "result": "Result", "chunk": "Chunk",
}
SIGNED = {"hello", "announcement", "request", "answer", "cancel", "session", "consent-change", "query", "control",
          "chunk"}


# --- protobuf, from the .proto files ---

def _schemas():
    found = {}
    folder = os.path.join(ROOT, "proto", "vedomo", "v1")
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            text = re.sub(r"//[^\n]*", "", file.read())
        for message in re.finditer(r"message (\w+) \{(.*?)\}", text, re.DOTALL):
            found[message.group(1)] = {
                field.group(3): (int(field.group(4)), field.group(2), bool(field.group(1)))
                for field in re.finditer(r"(repeated )?(\w+) (\w+) = (\d+);", message.group(2))}
    return found


SCHEMAS = _schemas()
SCALARS = {"uint32", "uint64", "bool"}


def _varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def encode(message, values):
    """Bytes of a message from a dictionary; what is absent, zero or empty is left out."""
    out = b""
    for name, (number, kind, repeated) in SCHEMAS[message].items():
        value = values.get(name)
        if not value:
            continue
        if repeated and kind in SCALARS:
            packed = b"".join(_varint(int(one)) for one in value)
            out += _varint(number << 3 | 2) + _varint(len(packed)) + packed
            continue
        for one in value if repeated else [value]:
            if kind in SCALARS:
                out += _varint(number << 3) + _varint(int(one))
                continue
            data = one if kind == "bytes" else encode(kind, one)
            out += _varint(number << 3 | 2) + _varint(len(data)) + data
    unknown = set(values) - set(SCHEMAS[message])
    if unknown:
        raise KeyError("%s has no %s" % (message, ", ".join(sorted(unknown))))
    return out


def _read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def decode(message, data):
    """A dictionary with every field of the message; absent ones are 0, b"", None or []."""
    by_number = {number: (name, kind, repeated) for name, (number, kind, repeated) in SCHEMAS[message].items()}
    values = {name: [] if repeated else 0 if kind in SCALARS else b"" if kind == "bytes" else None
              for name, (_, kind, repeated) in SCHEMAS[message].items()}
    at = 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        name, kind, repeated = by_number[tag >> 3]
        if tag & 7 == 0:
            value, at = _read_varint(data, at)
        else:
            size, at = _read_varint(data, at)
            value, at = data[at:at + size], at + size
            if kind in SCALARS:
                numbers, place = [], 0
                while place < len(value):
                    one, place = _read_varint(value, place)
                    numbers.append(one)
                values[name] += numbers
                continue
            if kind != "bytes":
                value = decode(kind, value)
        if repeated:
            values[name].append(value)
        else:
            values[name] = value
    return values


# --- hashes, signatures, seals ---

def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def blake2b(key, *parts):
    return hashlib.blake2b(b"".join(parts), key=key, digest_size=32).digest()


def lp(data):
    return len(data).to_bytes(2, "big") + data


def label(text):
    return b"vedomo/1 " + text.encode() + b"\0"


def box_close(key, nonce, ad, plain):
    return sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(plain, ad, nonce, key)


def box_open(key, nonce, ad, box):
    return sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(box, ad, nonce, key)


def request_hash(payload):
    return sha256(label("request"), payload)


def pair_key(own_secret, other_public, asker_announcement, holder_announcement):
    shared = sodium.crypto_scalarmult(own_secret, other_public)
    return blake2b(shared, label("pair"), asker_announcement, holder_announcement)


def answer_key(pair, hashed, nonce):
    return blake2b(pair, label("answer"), hashed, nonce)


def field_box(key, hashed, index, dataset, name, form):
    """Nonce and associated data of one field's box."""
    ad = label("field") + hashed + index.to_bytes(2, "big") + lp(dataset) + lp(name) + lp(form)
    return bytes(16) + index.to_bytes(8, "big"), ad


def value_commitment(hashed, name, form, salt, status, value):
    return sha256(label("value"), hashed, lp(name), lp(form), salt, bytes([status]), value)


def uuid7(wall_ms):
    data = bytearray(wall_ms.to_bytes(6, "big") + secrets.token_bytes(10))
    data[6] = data[6] & 0x0F | 0x70
    data[8] = data[8] & 0x3F | 0x80
    return bytes(data)


def now_ms():
    return time.time_ns() // 1000000


def read_key(path):
    """A key file as `vedomo keygen` writes it."""
    values = {}
    with open(path, encoding="ascii") as file:
        if file.readline() != "vedomo-key 1\n":
            raise ValueError("%s is no key file" % path)
        for line in file:
            name, _, value = line.strip().partition(" ")
            values[name] = base64.b64decode(value) if name.startswith(("curve-", "sign-", "secret")) else value
    return values


def read_card(path):
    """The Card in a signed card's file, and the whole Signed message."""
    with open(path, encoding="ascii") as file:
        lines = [line.strip() for line in file]
    signed = base64.b64decode("".join(line for line in lines[1:] if line and not line.startswith("#")))
    return decode("Card", decode("Signed", signed)["payload"]), signed


def sign_batch(signer, audience, kind, payload):
    """A batch of one message."""
    salt = secrets.token_bytes(32)
    root = sha256(b"\0", lp(b"vedomo/1 " + kind.encode()), salt, payload)
    key = bytes(signer.verify_key)
    text = label("batch") + audience + key + (1).to_bytes(2, "big") + root
    return {"key": key, "size": 1, "index": 0, "salt": salt, "path": b"", "signature": signer.sign(text).signature}


class Peer:
    """One connection to the broker under one key. Nothing is checked that the caller does not check."""

    def __init__(self, endpoint, key_path, broker_card_path, origin, timeout_s=10):
        self.key = read_key(key_path)
        self.signer = nacl.signing.SigningKey(self.key["sign-seed"])
        self.audience = sha256(origin.encode())
        self.broker, _ = read_card(broker_card_path)
        self.member = self.key.get("member", "").encode()
        self.node = self.key.get("node", "").encode()
        self.timeout_s = timeout_s
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.CURVE_SERVERKEY, self.broker["curve_key"])
        self.socket.setsockopt(zmq.CURVE_PUBLICKEY, self.key["curve-public"])
        self.socket.setsockopt(zmq.CURVE_SECRETKEY, self.key["curve-secret"])
        self.socket.connect(endpoint)
        self.serial = now_ms()
        self.sealing = None

    def close(self):
        self.socket.close(0)
        self.context.term()

    def sign(self, kind, payload, audience=None):
        """A batch of one."""
        return sign_batch(self.signer, audience or self.audience, kind, payload)

    def head(self, kind, payload, ref, sig="own"):
        if sig == "own":
            sig = self.sign(kind, payload) if kind in SIGNED else None
        return encode("Head", {"type": TYPES[kind], "ref": ref, "payload": payload, "sig": sig})

    def send_frames(self, *frames):
        self.socket.send_multipart(list(frames))

    def send(self, kind, values, ref=None, boxes=b"", sig="own"):
        """Gives (ref, payload)."""
        payload = values if isinstance(values, bytes) else encode(MESSAGES[kind], values)
        ref = ref or secrets.token_bytes(16)
        self.send_frames(self.head(kind, payload, ref, sig), boxes)
        return ref, payload

    def receive(self, *kinds, ref=None, timeout_s=None):
        """The next message of these kinds: (kind, values, boxes, head). PINGs are answered on the way.
        None: nothing came in time."""
        deadline = time.monotonic() + (self.timeout_s if timeout_s is None else timeout_s)
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not self.socket.poll(int(left * 1000) + 1):
                return None
            frames = self.socket.recv_multipart()
            head = decode("Head", frames[0])
            kind = NAMES[head["type"]]
            values = decode(MESSAGES[kind], head["payload"])
            if kind == "ping":
                self.send("pong", {"version": 1, "number": values["number"]})
            if kinds and kind not in kinds or ref and head["ref"] != ref:
                continue
            return kind, values, frames[1] if len(frames) > 1 else b"", head

    def hello(self, **changes):
        values = {"version": 1, "version_min": 1, "version_max": 1, "member": self.member, "node": self.node,
                  "now": now_ms(), **changes}
        self.send("hello", values)
        return self.receive("welcome", "refusal", "result")

    def announce(self, **changes):
        """A fresh sealing key; gives the announcement's hash once the directory has it."""
        secret = secrets.token_bytes(32)
        self.serial += 1
        begin = now_ms() - 1000
        values = {"version": 1, "member": self.member, "node": self.node, "audience": self.audience,
                  "key": sodium.crypto_scalarmult_base(secret), "not_before": begin, "not_after": begin + 2100000,
                  "serial": self.serial, **changes}
        _, payload = self.send("announcement", values)
        self.sealing = (secret, sha256(payload))
        deadline = time.monotonic() + self.timeout_s
        while not changes and self.directory(announcement=self.sealing[1])[0] is None:
            if time.monotonic() > deadline:
                raise ValueError("the broker does not list the announcement")
            time.sleep(0.01)
        return self.sealing[1]

    def call(self, kind, values, boxes=b""):
        """A message that is answered by RESULT: (result, rows or bytes). None: no answer."""
        ref, _ = self.send(kind, values, boxes=boxes)
        got = self.receive("result", "refusal", "busy", ref=ref)
        if got is None:
            return None, b""
        return got[1], got[2]

    def directory(self, member=b"", dataset=b"", announcement=b""):
        """Announcement of a member's node: (values, hash), and its card. (None, None): there is none."""
        result, body = self.call("query", {"version": 1, "kind": 1, "member": member, "dataset": dataset,
                                           "hash": announcement})
        rows = decode("Rows", body)["rows"] if result and not result.get("status") else []
        if not rows or not rows[0]["announcement"]:
            return None, None
        payload = decode("Head", rows[0]["announcement"])["payload"]
        card = decode("Card", decode("Signed", rows[0]["card"])["payload"])
        return (decode("Announcement", payload), sha256(payload)), card

    def entry(self, index):
        """The parts of an entry that this role may read: {type: values}."""
        parts = {1: "ExchangePart", 2: "SubjectPart", 3: "OfficerPart", 4: "PublicPart"}
        result, body = self.call("query", {"version": 1, "kind": 6, "index": index})
        if result is None or result.get("status"):
            raise ValueError("entry %d is not shown: %s" % (index, result))
        row = decode("Rows", body)["rows"][0]
        return {part["type"]: decode(parts[part["type"]], part["bytes"]) for part in row["parts"] if part["bytes"]}

    def request(self, holder_announcement, **changes):
        """An honest Request's values for this asker; `changes` make it another."""
        now = now_ms()
        values = {"version": 1, "id": uuid7(now), "nonce": secrets.token_bytes(32), "issued_at": now,
                  "expires_at": now + 30000, "asker": self.member, "asker_announcement": self.sealing[1],
                  "holder_announcement": holder_announcement, "subject_scheme": b"vd", "partial_ok": True}
        values.update(changes)
        return values

    def seal_params(self, values, holder_key, matches):
        """Values for `match`, by place, sealed for the holder."""
        pair = pair_key(self.sealing[0], holder_key, values["asker_announcement"], values["holder_announcement"])
        ad = label("params") + values["nonce"] + values["asker_announcement"] + values["holder_announcement"]
        plain = encode("Params", {"version": 1, "items": [{"index": i, "value": v} for i, v in matches.items()]})
        return box_close(blake2b(pair, label("params"), values["nonce"]), bytes(24), ad, plain)

    def open_answer(self, values, payload, answer, boxes, holder_key):
        """(name, form, status, value, source) of each box of an answer to a request of ours."""
        hashed = request_hash(payload)
        pair = pair_key(self.sealing[0], holder_key, values["asker_announcement"], values["holder_announcement"])
        key = answer_key(pair, hashed, answer["answer_nonce"])
        at = 0
        opened = []
        for field in answer["fields"]:
            box = boxes[at:at + field["box_length"]]
            at += field["box_length"]
            nonce, ad = field_box(key, hashed, field["index"], values["dataset"], field["name"], field["form"])
            content = decode("BoxContent", box_open(key, nonce, ad, box))
            opened.append((field["name"], field["form"], content["status"], content["value"], content["source"]))
        return opened

    def answer(self, ask, request, asker_key, contents, **changes):
        """As a holder: payload and boxes that answer an ASK. `contents`: [(index, name, form, size, value)]."""
        payload = decode("Head", ask["request"])["payload"]
        hashed = request_hash(payload)
        pair = pair_key(self.sealing[0], asker_key, request["asker_announcement"], request["holder_announcement"])
        nonce = secrets.token_bytes(32)
        key = answer_key(pair, hashed, nonce)
        fields, boxes = [], b""
        for index, name, form, size, value in contents:
            salt = secrets.token_bytes(32)
            content = {"status": 1, "salt": salt, "source": b"a register", "value": value}
            plain = pad(content, size)
            box_nonce, ad = field_box(key, hashed, index, request["dataset"], name, form)
            box = box_close(key, box_nonce, ad, plain)
            boxes += box
            fields.append({"index": index, "name": name, "form": form, "box_hash": sha256(box), "box_length": len(box),
                           "commitment": value_commitment(hashed, name, form, salt, 1, value)})
        leaf = sha256(b"\0", ask["decision"]["extra"]["leaf"])
        values = {"version": 1, "id": ask["id"], "request_hash": hashed, "decision_leaf": leaf,
                  "asker_announcement": request["asker_announcement"],
                  "holder_announcement": request["holder_announcement"], "answer_nonce": nonce,
                  "answered_at": now_ms(), "fields": fields, **changes}
        return values, boxes


def pad(content, size):
    """BoxContent of exactly `size` bytes."""
    bare = encode("BoxContent", content)
    for zeros in range(size - len(bare)):
        whole = encode("BoxContent", {**content, "padding": bytes(zeros)}) if zeros else bare
        if len(whole) == size:
            return whole
    raise ValueError("no padding makes %d bytes of %d" % (size, len(bare)))
