#!/usr/bin/python3
"""Revocation and suspension on connections that live: what holds is looked up anew for each message, and
whoever has cached something of a revoked key is told to drop it."""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(ROOT, "tests", "support")]

from foreign import decode, encode  # noqa: E402
from harness import PATIENCE_S  # noqa: E402
from liars import (Asking, figures, finish, next_ask, open_asker, open_holder, open_peer,  # noqa: E402
                   question, shared)
from tap import equal, test, true, until  # noqa: E402

ROAD_SAFETY = "ru/interior/road-safety"
HOUSE = shared(nodes=["road-safety"])


def order(action, member, *more):
    HOUSE.run(["member", action, member, "--registrar", os.path.join(HOUSE.dir, "authority", "registrar.key"),
               "--reason", "a test", *more], profile="operator")


def revoke(card, member):
    order("revoke", member, "--card", card)


def decided_reasons(one, announcement):
    """The reasons that a request of an asker's gets; None: it was passed on."""
    values = question(HOUSE, one, announcement)
    one.send("request", encode("Request", values), ref=values["id"])
    kind, refusal, _boxes, _head = one.receive("refusal", ref=values["id"])
    true(refusal["decision"], "it is decided: %s %s" % (refusal["reason"], refusal["message"]))
    return [v["reason"] for v in decode("ExchangePart", refusal["decision"]["extra"]["part"])["verdicts"]]


@test
def a_suspended_member_is_refused_with_its_reason_and_goes_on_when_resumed():
    holder = open_holder(HOUSE)
    order("suspend", ROAD_SAFETY)
    status, told = HOUSE.ask(HOUSE.identity_question())
    equal((status, told["outcome"], [f["reason"] for f in told["refused"]]), (200, "refused", ["member-suspended"]))
    true(told["refused"][0]["sentence"], "with a sentence for people")
    equal(holder.receive("ask", timeout_s=0.3), None, "the holder hears nothing of it")
    order("resume", ROAD_SAFETY)
    asking = Asking(HOUSE, HOUSE.identity_question())
    ask = next_ask(HOUSE, holder)
    ask.send(*ask.build())
    equal(asking.answer()[1]["outcome"], "released", "after the resume")
    holder.close()


@test
def a_release_does_not_leave_when_its_asker_was_suspended_meanwhile():
    holder = open_holder(HOUSE)
    asking = Asking(HOUSE, HOUSE.identity_question())
    ask = next_ask(HOUSE, holder)
    order("suspend", ROAD_SAFETY)
    before = figures(HOUSE)["releases"]
    ask.send(*ask.build())
    status, told = asking.answer()
    equal((status, told["outcome"], told["values"]), (200, "refused", []), "document: %s" % told)
    equal(figures(HOUSE)["releases"], before, "releases")
    order("resume", ROAD_SAFETY)
    holder.close()


@test
def a_suspended_holder_is_asked_nothing():
    holder = open_holder(HOUSE)
    order("suspend", "ru/tax/population-register")
    _status, told = HOUSE.ask(HOUSE.identity_question())
    equal([f["reason"] for f in told["refused"]], ["member-suspended"])
    equal(holder.receive("ask", timeout_s=0.3), None, "the holder hears nothing")
    order("resume", "ru/tax/population-register")
    holder.close()


@test
def the_next_message_of_a_revoked_key_is_refused_and_everybody_is_told_to_drop_it():
    holder = open_holder(HOUSE)
    witness = open_holder(HOUSE, "clinic-2")
    one, announcement = open_asker(HOUSE, "narcology")
    values = question(HOUSE, one, announcement)
    key = bytes(one.signer.verify_key)
    true(holder.directory(announcement=one.sealing[1])[0], "the announcement is there")
    revoke(os.path.join(HOUSE.dir, "agencies", "narcology", "node.card"), "ru/health/narcology")
    for peer in (witness, holder):
        told = until(lambda peer=peer: [p for p in [peer.receive("proof", timeout_s=5)] if p and p[1]["dropped_keys"]], "PROOF with the key", PATIENCE_S)
        equal(told[0][1]["dropped_keys"], [key], "the dropped keys")
    before = figures(HOUSE)
    for kind, message, ref in (("request", values, values["id"]), ("query", {"version": 1, "kind": 1, "member": b"ru/tax/population-register"}, None),
                               ("ping", {"version": 1, "number": 1}, None)):
        one.send(kind, message, ref=ref)
        got = one.receive("refusal", "result", "pong", "release")
        equal((got[0], got[1]["reason"], got[1]["message"]), ("refusal", b"key-not-enrolled", b"revoked"), "the answer to %s" % kind)
    after = figures(HOUSE)
    equal(after["messages.dropped.key"], before["messages.dropped.key"] + 3, "messages.dropped.key")
    equal(after["decisions"], before["decisions"], "decisions")
    equal(holder.directory(announcement=one.sealing[1]), (None, None), "its announcement is gone")
    one.close()
    again = open_peer(HOUSE, "narcology", greeted=False, timeout_s=1)
    equal(again.hello(), None, "a revoked key gets no new connection")
    for peer in (again, witness, holder):
        peer.close()


@test
def what_a_revoked_holder_has_under_way_is_not_released_and_the_nodes_drop_its_key():
    holder = open_holder(HOUSE)
    asking = Asking(HOUSE, HOUSE.identity_question(timeout_ms=3000))
    ask = next_ask(HOUSE, holder)
    before = figures(HOUSE)["releases"]
    revoke(os.path.join(HOUSE.dir, "agencies", "population-register", "node.card"), "ru/tax/population-register")
    until(lambda: "key.dropped" in HOUSE.nodes["road-safety"].log_tail(50), "the asker's node drops the key")
    ask.send(*ask.build())
    got = holder.receive("refusal", timeout_s=5)
    equal((got[1]["reason"], got[1]["message"]), (b"key-not-enrolled", b"revoked"))
    status, told = asking.answer()
    true(status != 200 or not told["values"], "nothing came: %s" % told)
    equal(figures(HOUSE)["releases"], before, "releases")
    sent = figures(HOUSE)["decisions"]
    status, told = HOUSE.ask(HOUSE.identity_question(timeout_ms=3000))
    true(status >= 500, "the node has no key to seal for: %s" % told)
    equal(figures(HOUSE)["decisions"], sent, "it asks nothing under a dropped key")
    holder.close()


finish(HOUSE)
