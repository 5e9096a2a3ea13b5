#!/usr/bin/python3
"""What comes in at the broker's endpoint from whoever can reach it: connections without a key, frames that
are too many, too large or garbage, connections that name themselves. It is dropped and counted, and
the broker serves the others on."""

import ctypes
import os
import secrets
import sys
import threading
import time

import zmq
from zmq.utils import z85

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(ROOT, "tests", "support")]

from foreign import Peer, decode, encode, read_card, read_key  # noqa: E402
from harness import ORIGIN  # noqa: E402
from liars import (Asked, figures, finish, key_behind, open_asker, open_holder, open_peer, question,  # noqa: E402
                   shared)
from tap import equal, test, true, until  # noqa: E402

HOUSE = shared()
HEAD_MAX, BOXES_MAX = 32768 + 512, 262144
FLOODING = 100
FLOOD_S = 2.0


def counts(name, act, by=1):
    """What is done makes the figure grow."""
    before = figures(HOUSE)[name]
    act()
    until(lambda: figures(HOUSE)[name] >= before + by, "%s grows by %d" % (name, by))
    true(HOUSE.broker.alive(), "the broker lives")


def lives(one):
    number = secrets.randbits(32)
    one.send("ping", {"version": 1, "number": number})
    got = one.receive("pong")
    true(got and got[1]["number"] == number, "the connection lives: %s" % (got,))


def socket_of(context, key, routing_id=None):
    """A bare DEALER with these CURVE keys."""
    one = context.socket(zmq.DEALER)
    one.setsockopt(zmq.LINGER, 0)
    if routing_id is not None:
        one.setsockopt(zmq.ROUTING_ID, routing_id)
    if key:
        card, _ = read_card(HOUSE.broker_card)
        one.setsockopt(zmq.CURVE_SERVERKEY, card["curve_key"])
        one.setsockopt(zmq.CURVE_PUBLICKEY, key["curve-public"])
        one.setsockopt(zmq.CURVE_SECRETKEY, key["curve-secret"])
    one.connect(HOUSE.endpoint)
    return one



def unseeded():
    """Where a socket's routing ids could start if nobody seeded the library's rand(): two numbers make one."""
    libc = ctypes.CDLL(None)
    libc.srand(1)
    numbers = [libc.rand() for _ in range(10)]
    return [low | high << 31 & 0xFFFFFFFF for low, high in zip(numbers, numbers[1:])]


@test
def squatted_routing_ids_do_not_stop_the_broker():
    """A name like the ones that the library counts up: who squats the next one would end the process."""
    context = zmq.Context()
    key = read_key(HOUSE.key_of("clinic-2"))
    squatters = []
    for start in unseeded():
        for ahead in range(60):
            name = b"\0" + (start + ahead & 0xFFFFFFFF).to_bytes(4, "big")
            squatters.append(socket_of(context, key, name))
    for one in squatters:
        one.send_multipart([b"\x08\x01", b""])
    time.sleep(0.5)  # there is no state to poll: that nothing happens is the point
    quiet = [open_peer(HOUSE, "psychiatry") for _ in range(10)]
    for one in quiet:
        lives(one)
        one.close()
    true(HOUSE.broker.alive(), "the broker lives")
    for one in squatters:
        one.close(0)
    context.term()


@test
def an_unknown_key_and_a_connection_without_one_get_no_answer():
    public, secret = zmq.curve_keypair()
    context = zmq.Context()
    unknown = {"curve-public": z85.decode(public), "curve-secret": z85.decode(secret)}
    sockets = []

    def knock():
        for key in (unknown, None):
            one = socket_of(context, key)
            one.send_multipart([b"\x08\x01", b""])
            sockets.append(one)
    counts("connections.denied", knock)
    true(not any(one.poll(200) for one in sockets), "nobody answers")
    for one in sockets:
        one.close(0)
    context.term()


@test
def another_number_of_frames_is_dropped_and_counted():
    one = open_peer(HOUSE, "clinic-2")
    for frames in ([b"one"], [b"one", b"two", b"three"], [b""] * 50, [b"x"] * 1000):
        counts("messages.dropped.frames", lambda frames=frames: one.send_frames(*frames))
    lives(one)
    one.close()


@test
def a_head_or_boxes_beyond_their_bounds_are_dropped_and_counted():
    one = open_peer(HOUSE, "clinic-2")
    counts("messages.dropped.size", lambda: one.send_frames(bytes(HEAD_MAX + 1), b""))
    lives(one)
    one.close()
    large = open_peer(HOUSE, "clinic-2")
    large.send_frames(b"\x08\x01", bytes(BOXES_MAX + 4096))  # beyond the socket's bound: the connection is cut
    true(large.receive(timeout_s=0.3) is None, "no answer")
    large.close()
    true(HOUSE.broker.alive(), "the broker lives")
    again = open_peer(HOUSE, "clinic-2")
    lives(again)
    again.close()


@test
def garbage_heads_are_refused_and_counted():
    one = open_peer(HOUSE, "clinic-2")
    for head in (b"", b"\0", secrets.token_bytes(300), b"\xff" * 32000, b"\x0a" * 32000, encode("Head", {"type": 99, "payload": b"x"})):
        counts("messages.malformed", lambda head=head: one.send_frames(head, b""))
    for kind in ("welcome", "ask", "release", "refusal", "busy", "proof", "result"):
        counts("messages.not-allowed", lambda kind=kind: one.send(kind, b"\x08\x01"))
    lives(one)
    one.close()


@test
def a_connection_that_names_itself_is_not_heard():
    context = zmq.Context()
    key = read_key(HOUSE.key_of("clinic-2"))
    one = socket_of(context, key, b"a name of its own")
    counts("messages.dropped.stranger", lambda: one.send_multipart([b"\x08\x01", b""]))
    true(not one.poll(100), "no answer")
    one.close(0)
    context.term()


class Flood(threading.Thread):
    """Connections of one member that send as fast as they are taken."""

    def __init__(self, short, count):
        super().__init__(daemon=True)
        self.short = short
        self.count = count
        self.over = threading.Event()
        self.sent = 0
        self.start()

    def run(self):
        first = Peer(HOUSE.endpoint, HOUSE.key_of(self.short), HOUSE.broker_card, ORIGIN)
        first.hello()
        query = first.head("query", encode("Query", {"version": 1, "kind": 3, "limit": 1}), secrets.token_bytes(16))
        context = zmq.Context()
        sockets = [socket_of(context, first.key) for _ in range(self.count)]
        while not self.over.is_set():
            for one in sockets:
                for _ in range(5):
                    try:
                        one.send_multipart([query, b""], zmq.DONTWAIT)
                        self.sent += 1
                    except zmq.Again:
                        break
                while True:
                    try:
                        one.recv_multipart(zmq.DONTWAIT)
                    except zmq.Again:
                        break
        for one in sockets:
            one.close(0)
        context.term()
        first.close()


@test
def a_hundred_flooding_connections_do_not_stop_a_quiet_members_request():
    holder = open_holder(HOUSE)
    one, announcement = open_asker(HOUSE)
    key = key_behind(holder, one.sealing[1])
    flood = Flood("narcology", FLOODING)
    until(lambda: flood.sent > 500, "the flood runs", 20)
    took = []
    end = time.monotonic() + FLOOD_S
    while time.monotonic() < end or len(took) < 3:
        started = time.monotonic()
        values = question(HOUSE, one, announcement)
        one.send("request", encode("Request", values), ref=values["id"])
        ask = Asked(HOUSE, holder, holder.receive("ask", ref=values["id"], timeout_s=10), key)
        ask.send(*ask.build())
        got = one.receive("release", "refusal", ref=values["id"], timeout_s=10)
        true(got and got[0] in ("release", "refusal"), "the quiet member's request is answered")
        part = decode("ExchangePart", got[1]["decision"]["extra"]["part"])
        equal(part["exchange_id"], values["id"])
        took.append(time.monotonic() - started)
        if len(took) == 40:
            break
    flood.over.set()
    flood.join(20)
    print("# %d requests beside %d messages of the flood; longest %.0f ms" % (len(took), flood.sent, 1000 * max(took)))
    true(max(took) < 5.0, "none of them waited for the flood: %.1f s" % max(took))
    true(HOUSE.broker.alive(), "the broker lives")
    one.close()
    holder.close()


finish(HOUSE)
