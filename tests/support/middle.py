"""A broker that lies: it has the real broker's keys, stands between the real broker and real nodes, and
passes everything on as it is, but for what a test tells it to change. What the broker signs it signs
again; receipts it can forge with the log's own key, or with another one.

    middle.lies = {"ask": function(short, values, boxes)}    gives None: as it is; (kind, values,
    boxes), or a list of such
"""

import base64
import os
import secrets
import threading

import nacl.signing
import zmq

from foreign import (MESSAGES, NAMES, TYPES, decode, encode, label, read_key, sha256, sign_batch)

SIGNED_BY_BROKER = {"welcome", "proof", "result"}
POLL_MS = 20


class Middle(threading.Thread):
    def __init__(self, house, port, agencies, key_of=None):
        """`agencies`: short name -> (member's code, …); `key_of(short)`: the key file, else the house's."""
        super().__init__(daemon=True)
        self.house = house
        self.key_of = key_of or house.key_of
        self.endpoint = "tcp://127.0.0.1:%d" % port
        self.shorts = {member.encode(): short for short, (member, *_files) in agencies.items()}
        self.key = read_key(os.path.join(house.home, "keys", "broker.key"))
        self.signer = nacl.signing.SigningKey(self.key["sign-seed"])
        self.log = nacl.signing.SigningKey(read_key(os.path.join(house.home, "keys", "log.key"))["sign-seed"])
        self.origin = house.vkey.split("+")[0]
        self.audience = sha256(self.origin.encode())
        self.lies = {}
        self.down = []   # (short, kind, values, boxes) as the broker sent them
        self.up = []     # (short, kind, ref)
        self.failed = None
        self.over = threading.Event()
        self.start()

    def stop(self):
        self.over.set()
        self.join(10)
        if self.failed:
            raise AssertionError("the middle failed: %r" % self.failed)

    def run(self):
        try:
            self._run()
        except Exception as problem:  # told by stop()
            self.failed = problem
            raise

    def _run(self):
        context = zmq.Context()
        front = context.socket(zmq.ROUTER)
        front.setsockopt(zmq.LINGER, 0)
        front.setsockopt(zmq.CURVE_SERVER, 1)
        front.setsockopt(zmq.CURVE_SECRETKEY, self.key["curve-secret"])
        front.bind(self.endpoint)
        backs = {}
        while not self.over.is_set():
            poller = zmq.Poller()
            for socket in [front, *(back for back, _short in backs.values())]:
                poller.register(socket, zmq.POLLIN)
            ready = dict(poller.poll(POLL_MS))
            if front in ready:
                route, *frames = front.recv_multipart()
                self._upward(context, backs, route, frames)
            for route, (back, short) in backs.items():
                if back in ready:
                    for frames in self._downward(short, back.recv_multipart()):
                        front.send_multipart([route, *frames])
        for back, _short in backs.values():
            back.close(0)
        front.close(0)
        context.term()

    def _upward(self, context, backs, route, frames):
        head = decode("Head", frames[0])
        kind = NAMES[head["type"]]
        if kind == "hello":
            short = self.shorts[decode("Hello", head["payload"])["member"]]
            key = read_key(self.key_of(short))
            back = context.socket(zmq.DEALER)
            back.setsockopt(zmq.LINGER, 0)
            back.setsockopt(zmq.CURVE_SERVERKEY, self.key["curve-public"])
            back.setsockopt(zmq.CURVE_PUBLICKEY, key["curve-public"])
            back.setsockopt(zmq.CURVE_SECRETKEY, key["curve-secret"])
            back.connect(self.house.endpoint)
            backs[route] = (back, short)
        if route in backs:
            self.up.append((backs[route][1], kind, head["ref"]))
            backs[route][0].send_multipart(frames)

    def _downward(self, short, frames):
        head = decode("Head", frames[0])
        kind = NAMES[head["type"]]
        values = decode(MESSAGES[kind], head["payload"])
        boxes = frames[1] if len(frames) > 1 else b""
        self.down.append((short, kind, values, boxes))
        lie = self.lies.get(kind)
        try:
            told = lie(short, values, boxes) if lie else None
        except Exception as problem:  # the test's own fault: told by stop()
            self.failed = problem
            return [frames]
        if told is None:
            return [frames]
        messages = told if isinstance(told, list) else [told]
        return [self.message(head["ref"], *message) for message in messages]

    def message(self, ref, kind, values, boxes):
        payload = encode(MESSAGES[kind], values)
        sig = sign_batch(self.signer, self.audience, kind, payload) if kind in SIGNED_BY_BROKER else None
        return [encode("Head", {"type": TYPES[kind], "ref": ref, "payload": payload, "sig": sig}), boxes]

    # --- what a broker could forge ---

    def result_of(self, values, rows):
        """A RESULT with other rows."""
        body = encode("Rows", rows)
        return "result", {**values, "body_hash": sha256(body)}, body

    def checkpoint(self, size, root, signer=None):
        """A signed note on any tree."""
        signer = signer or self.log
        text = "%s\n%d\n%s\n" % (self.origin, size, base64.b64encode(root).decode())
        key_id = sha256(self.origin.encode() + b"\n\x01" + bytes(signer.verify_key))[:4]
        signature = base64.b64encode(key_id + signer.sign(text.encode()).signature).decode()
        return ("%s\n\u2014 %s %s\n" % (text, self.origin, signature)).encode()

    def receipt(self, receipt, signer=None, index=0, **changes):
        """A receipt of an exchange entry that never was: the part with `changes`, in a tree that holds
        nothing else; before it, when `index` is 1, one leaf."""
        extra = receipt["extra"]
        part = encode("ExchangePart", {**decode("ExchangePart", extra["part"]), **changes})
        own = sha256(label("part"), bytes([extra["part_type"]]), extra["part_salt"], part)
        commitment = sha256(label("body"), bytes([1 + len(extra["others"])]), own, *extra["others"])
        leaf = extra["leaf"][:6] + commitment
        root = sha256(b"\0", leaf)
        path = b""
        if index:
            path = secrets.token_bytes(32)
            root = sha256(b"\1", path, root)
        return {"index": index, "proof": path, "checkpoint": self.checkpoint(index + 1, root, signer),
                "extra": {**extra, "leaf": leaf, "part": part}}
