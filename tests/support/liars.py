"""Peers that lie, beside honest programs: what the tests of broken promises share.

    HOUSE = shared(nodes=["road-safety"])     one federation for all tests of a file
    finish(HOUSE)                             runs the tests; what was started must end well, too
"""

import os
import sys
import threading

import tap
from foreign import Peer, decode, encode, request_hash
from harness import ORIGIN, PATIENCE_S, Federation

POPULATION = b"ru/tax/population-register"
ROAD_SAFETY = b"ru/interior/road-safety"
IDENTITY = b"identity.person"
LAW = {"kind": 3, "article": "210-ФЗ, ст. 7.1".encode()}
ANNA = b"VD0042176"
NAME = "Ветрова Анна Сергеевна"
# Plain bytes of the one box of match, over, exists, year, last4.
SMALL = 256


def shared(**options):
    return Federation(**options).__enter__()


def finish(house, *then):
    """Runs the file's tests, then stops the federation and looks at how each program ended. `then`:
    what else is to be stopped; raises AssertionError when it had failed."""
    status = 1
    try:
        tap.main()
    except SystemExit as ended:
        status = ended.code
    for officer in OFFICERS.values():
        officer.close()
    try:
        house.finish(status == 0)
        for stop in then:
            stop()
    except AssertionError as problem:
        print("not ok - every program ends well\n%s" % problem, flush=True)
        status = 1
    sys.exit(status)


def ask_at_once(house, one, announcement, count):
    """Sends so many requests that are refused and recorded; gives what came back, by kind and reason."""
    for _ in range(count):
        values = question(house, one, announcement, fields=[{"name": b"home_address", "form": b"full"}])
        one.send("request", encode("Request", values), ref=values["id"])
    answers = []
    for _ in range(count):
        kind, values, _boxes, _head = one.receive("refusal", "busy")
        answers.append((kind, values["reason"]))
    return answers


def open_peer(house, short, key=None, greeted=True, **more):
    """A peer with an agency's key, or with `key`, greeted."""
    one = Peer(house.endpoint, key or house.key_of(short), house.broker_card, ORIGIN,
               **{"timeout_s": PATIENCE_S, **more})
    if greeted:
        got = one.hello()
        tap.true(got and got[0] == "welcome", "a welcome for %s: %s" % (short, got))
    return one


def open_holder(house, short="population-register"):
    holder = open_peer(house, short)
    holder.announce()
    holder.call("query", {"version": 1, "kind": 10, "limit": 1})  # after this the announcement is known
    return holder


def open_asker(house, short="road-safety", holder=POPULATION, dataset=IDENTITY):
    """An honest asker with a sealing key, and the holder's announcement: (peer, (values, hash))."""
    one = open_peer(house, short)
    one.announce()
    announcement = tap.until(lambda: one.directory(holder, dataset)[0], "the holder's announcement", PATIENCE_S)
    return one, announcement


def question(house, one, announcement, **changes):
    """An honest request's values: does Anna's name match, by law."""
    values = one.request(changes.pop("holder_announcement", announcement[1]), **{
        "official": b"inspector-1", "official_role": b"inspector", "holder": POPULATION, "dataset": IDENTITY,
        "fields": [{"name": b"full_name", "form": b"match"}], "subject": ANNA, "purpose": b"identity-check",
        "basis": LAW, "case_ref": house.case().encode(), **changes})
    return values


def figures(house):
    return house.run(["status", "--json"], profile="operator").json["figures"]


OFFICERS = {}


def entry(house, index):
    """What the officer reads of an entry: its parts by type."""
    if house not in OFFICERS:
        OFFICERS[house] = open_peer(house, "officer", os.path.join(house.dir, "people", "officer", "officer.key"))
    return OFFICERS[house].entry(index)


class Asking(threading.Thread):
    """An agency's own system that asks at its real node, while the test plays the holder."""

    def __init__(self, house, document, asker="road-safety"):
        super().__init__(daemon=True)
        self.house = house
        self.document = document
        self.asker = asker
        self.result = None
        self.start()

    def run(self):
        self.result = self.house.ask(self.document, self.asker)

    def answer(self):
        """(status, document)."""
        self.join(2 * PATIENCE_S)
        tap.true(self.result, "the node answered its own system")
        return self.result


def key_behind(one, announcement):
    """The sealing key of an announcement that the directory knows by its hash."""
    found, _ = one.directory(announcement=announcement)
    tap.true(found, "the announcement is in the directory")
    return found[0]["key"]


class Asked:
    """An ASK as its holder sees it, and what it takes to answer it."""

    def __init__(self, house, holder, got, asker_key=None):
        tap.true(got, "the holder is asked")
        self.holder = holder
        self.ask = got[1]
        self.payload = decode("Head", self.ask["request"])["payload"]
        self.request = decode("Request", self.payload)
        self.hash = request_hash(self.payload)
        self.asker_key = asker_key or key_behind(holder, self.request["asker_announcement"])
        self.house = house

    def contents(self, value=b"true"):
        """What an honest holder would answer: every field of the request that was granted."""
        part = decode("ExchangePart", self.ask["decision"]["extra"]["part"])
        return [(i, v["name"], v["given"], SMALL, value) for i, v in enumerate(part["verdicts"]) if v["given"]]

    def build(self, contents=None, **changes):
        """Payload and boxes of an answer."""
        values, boxes = self.holder.answer(self.ask, self.request, self.asker_key,
                                           self.contents() if contents is None else contents, **changes)
        return encode("Answer", values), boxes

    def send(self, payload, boxes, **more):
        self.holder.send("answer", payload, ref=self.ask["id"], boxes=boxes, **more)


def next_ask(house, holder):
    return Asked(house, holder, holder.receive("ask", timeout_s=PATIENCE_S))
