#!/usr/bin/python3
"""A dishonest holder, in another language: whatever it answers that it should not, the broker or the
asker's node catches by name, and nothing of it reaches the agency that asked."""

import os
import secrets
import sys
import threading

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(ROOT, "tests", "support")]

from foreign import Peer, decode, encode  # noqa: E402
from harness import ORIGIN, PATIENCE_S, Federation  # noqa: E402
from tap import equal, main, test, true  # noqa: E402

OPINION = "health.psychiatry-opinion"
BOX = 256  # bytes of a small box, before its seal
HONEST = [(0, b"no_objection", b"full", BOX, b"true"), (1, b"examined_on", b"year", BOX, b"2026")]


class Exchange:
    """One question of the inspectorate's real node, held by a holder of ours."""

    def __init__(self, house, holder, fields=("no_objection", "examined_on")):
        self.house = house
        self.fields = list(fields)
        self.holder = holder
        self.result = None
        self.thread = threading.Thread(target=self._ask)
        self.thread.start()
        got = holder.receive("ask", timeout_s=PATIENCE_S)
        true(got, "the holder is asked")
        self.ask = got[1]
        head = decode("Head", self.ask["request"])
        self.request = decode("Request", head["payload"])
        announcement, _card = holder.directory(announcement=self.request["asker_announcement"])
        true(announcement, "the asker's announcement is in the directory")
        self.asker_key = announcement[0]["key"]

    def _ask(self):
        question = self.house.consent_question(OPINION, self.fields, timeout_ms=4000)
        self.result = self.house.ask(question)

    def answer(self, contents=None, **changes):
        return self.holder.answer(self.ask, self.request, self.asker_key, contents or HONEST, **changes)

    def send(self, values, boxes, sig="own"):
        self.holder.send("answer", values, ref=self.ask["id"], boxes=boxes, sig=sig)

    def end(self):
        """What the agency was told: (status, values by name, document)."""
        self.thread.join(PATIENCE_S)
        true(self.result, "the asker got an answer")
        status, document = self.result
        return status, {v["name"]: v.get("value") for v in document.get("values", [])}, document


class Stage:
    """A federation whose psychiatric dispensary is ours, with a consent of Anna's."""

    def __enter__(self):
        self.house = Federation(nodes=["road-safety"])
        self.house.__enter__()
        self.house.grant(OPINION)
        self.holder = Peer(self.house.endpoint, self.house.key_of("psychiatry"), self.house.broker_card, ORIGIN,
                           timeout_s=PATIENCE_S)
        equal(self.holder.hello()[0], "welcome")
        self.holder.announce()
        return self

    def exchange(self, *fields):
        return Exchange(self.house, self.holder, *([fields] if fields else []))

    def rejected(self):
        return self.figures()["answers.rejected"]

    def figures(self):
        return self.house.run(["status", "--json"], profile="operator").json["figures"]

    def __exit__(self, kind, value, trace):
        self.holder.close()
        self.house.__exit__(kind, value, trace)


def nothing_released(exchange, what):
    status, values, document = exchange.end()
    true(not values, "%s: nothing is released: %s %s" % (what, status, document))
    return document


@test
def an_honest_holder_in_another_language_is_understood():
    with Stage() as stage:
        exchange = stage.exchange()
        exchange.send(*exchange.answer())
        status, values, document = exchange.end()
        equal((status, values), (200, {"no_objection": True, "examined_on": "2026"}), str(document))


@test
def a_field_that_was_refused_does_not_reach_the_asker_and_is_on_record():
    with Stage() as stage:
        exchange = stage.exchange("no_objection", "examined_on", "under_care")
        exchange.send(*exchange.answer([*HONEST, (2, b"under_care", b"full", BOX, b"true")]))
        status, values, document = exchange.end()
        equal((status, values), (200, {"no_objection": True, "examined_on": "2026"}), "what was granted: %s" % document)
        officer = Peer(stage.house.endpoint, os.path.join(stage.house.dir, "people", "officer", "officer.key"),
                       stage.house.broker_card, ORIGIN, timeout_s=PATIENCE_S)
        equal(officer.hello()[0], "welcome")
        equal(officer.entry(document["entries"]["ending"])[3]["over_answered"], [b"under_care"], "on record")
        officer.close()


@test
def a_field_that_nobody_asked_for_does_not_reach_the_asker():
    with Stage() as stage:
        exchange = stage.exchange()
        exchange.send(*exchange.answer([*HONEST, (2, b"diagnosis", b"full", BOX, b"F20.0")]))
        _status, values, document = exchange.end()
        true("diagnosis" not in values and "F20.0" not in str(document), "the asker has no diagnosis: %s" % document)


@test
def a_value_that_tells_more_than_its_form_is_withheld():
    with Stage() as stage:
        exchange = stage.exchange()
        exchange.send(*exchange.answer([HONEST[0], (1, b"examined_on", b"year", BOX, b"2026-11-09")]))
        _status, values, document = exchange.end()
        true("examined_on" not in values and "2026-11-09" not in str(document), "no whole date: %s" % document)
        equal([(w["name"], w["fault"]) for w in document["withheld"]], [("examined_on", "wider-than-its-form")])


@test
def an_answer_in_a_wider_form_than_granted_is_rejected():
    with Stage() as stage:
        exchange = stage.exchange()
        exchange.send(*exchange.answer([HONEST[0], (1, b"examined_on", b"full", BOX, b"2026-11-09")]))
        _status, values, document = exchange.end()
        true("examined_on" not in values and "2026-11-09" not in str(document), "no whole date: %s" % document)
        equal((document["reason"], stage.rejected()), ("answer-rejected", 1))


@test
def a_wrong_signature_is_rejected():
    with Stage() as stage:
        exchange = stage.exchange()
        values, boxes = exchange.answer()
        sig = stage.holder.sign("answer", encode("Answer", values))
        exchange.send(values, boxes, sig={**sig, "signature": secrets.token_bytes(64)})
        nothing_released(exchange, "a wrong signature")
        equal(stage.figures()["messages.signature-wrong"], 1, "signatures that the broker found wrong")


@test
def the_answer_of_another_exchange_is_rejected():
    with Stage() as stage:
        first = stage.exchange()
        values, boxes = first.answer()
        first.send(values, boxes)
        equal(first.end()[1]["examined_on"], "2026")
        second = stage.exchange()
        second.send({**values, "id": second.ask["id"]}, boxes)
        nothing_released(second, "an answer to another request")
        equal(stage.rejected(), 1, "answers that the broker rejected")


@test
def a_replayed_answer_brings_nothing_new():
    with Stage() as stage:
        exchange = stage.exchange()
        values, boxes = exchange.answer()
        exchange.send(values, boxes)
        equal(exchange.end()[1]["examined_on"], "2026")
        before = stage.figures()["releases"]
        exchange.send(values, boxes)
        exchange.send(values, boxes)
        stage.holder.send("ping", {"version": 1, "number": 1})
        true(stage.holder.receive("pong"), "the broker lives")
        equal(stage.figures()["releases"], before, "releases")


@test
def a_box_that_was_changed_is_rejected():
    with Stage() as stage:
        exchange = stage.exchange()
        values, boxes = exchange.answer()
        exchange.send(values, bytes([boxes[0] ^ 1]) + boxes[1:])
        nothing_released(exchange, "a changed box")
        equal(stage.rejected(), 1, "answers that the broker rejected")


@test
def a_box_of_another_size_than_its_form_is_rejected():
    with Stage() as stage:
        exchange = stage.exchange()
        exchange.send(*exchange.answer([HONEST[0], (1, b"examined_on", b"year", 2 * BOX, b"2026")]))
        _status, values, document = exchange.end()
        true("examined_on" not in values, "a box of another size: %s" % document)
        equal((document["reason"], stage.rejected()), ("answer-rejected", 1))


@test
def a_value_that_was_not_committed_to_is_rejected():
    with Stage() as stage:
        exchange = stage.exchange()
        values, boxes = exchange.answer()
        values["fields"][1]["commitment"] = secrets.token_bytes(32)
        exchange.send(values, boxes)
        _status, got, document = exchange.end()
        true("examined_on" not in got, "a value under a wrong commitment: %s" % document)
        true("committed" in document["detail"], "the asker's node says why: %s" % document)


@test
def an_answer_of_somebody_else_than_the_holder_is_rejected():
    with Stage() as stage:
        exchange = stage.exchange()
        other = Peer(stage.house.endpoint, stage.house.key_of("narcology"), stage.house.broker_card, ORIGIN,
                     timeout_s=PATIENCE_S)
        equal(other.hello()[0], "welcome")
        other.announce()
        values, boxes = exchange.answer()
        other.send("answer", values, ref=exchange.ask["id"], boxes=boxes)
        other.send("ping", {"version": 1, "number": 1})
        true(other.receive("pong"), "the broker lives")
        nothing_released(exchange, "somebody else's answer")
        other.close()


main()
