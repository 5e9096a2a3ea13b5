#!/usr/bin/python3
"""A dishonest asker at the broker's door, in another language than the broker: whatever it lies about
is refused by name, and only what was validly signed becomes an entry."""

import os
import secrets
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "tests", "support")]

from foreign import Peer, encode, now_ms, sha256, uuid7  # noqa: E402
from harness import ORIGIN, Federation  # noqa: E402
from tap import equal, main, test, true  # noqa: E402

LAW = {"kind": 3, "article": "210-ФЗ, ст. 7.1".encode()}


def peer(house, short="road-safety", **more):
    return Peer(house.endpoint, house.key_of(short), house.broker_card, ORIGIN, **more)


def asker(house):
    """An honest asker, greeted, with a sealing key; and the holder's announcement."""
    holder = peer(house, "population-register")
    equal(holder.hello()[0], "welcome")
    holder.announce()
    one = peer(house)
    equal(one.hello()[0], "welcome")
    one.announce()
    announcement, _card = one.directory(b"ru/tax/population-register", b"identity.person")
    true(announcement, "the directory has the holder's announcement")
    return one, holder, announcement


def question(one, announcement, **changes):
    values = {"official": b"inspector-1", "official_role": b"inspector", "holder": b"ru/tax/population-register",
              "dataset": b"identity.person", "fields": [{"name": b"full_name", "form": b"match"}],
              "subject": b"VD0042176", "purpose": b"identity-check", "basis": LAW,
              "case_ref": b"case-1", **changes}
    return one.request(announcement[1], **values)


def refused(one, values, sig="own", boxes=b""):
    """The refusal (or BUSY) that a request gets."""
    payload = encode("Request", values)
    one.send("request", payload, ref=values["id"], sig=sig, boxes=boxes)
    got = one.receive("refusal", "busy", "release", ref=values["id"])
    true(got, "there is an answer")
    return got



def unrecorded(house, one, values, words, **more):
    """It is refused, says why, and leaves no decision in the log."""
    decisions = house.run(["status", "--json"], profile="operator").json["figures"]["decisions"]
    kind, refusal, _boxes, _head = refused(one, values, **more)
    equal(kind, "refusal")
    true(not refusal["decision"], "no decision receipt for what was not admitted")
    text = (refusal["reason"] + b" " + refusal["message"]).decode()
    true(any(word in text for word in words), "it says why: %r" % text)
    equal(house.run(["status", "--json"], profile="operator").json["figures"]["decisions"], decisions, "decisions")


@test
def an_honest_request_of_a_peer_in_another_language_reaches_the_holder():
    with Federation() as house:
        one, holder, announcement = asker(house)
        values = question(one, announcement)
        values["params"] = one.seal_params(values, announcement[0]["key"], {0: "Ветрова Анна Сергеевна".encode()})
        payload = encode("Request", values)
        one.send("request", payload, ref=values["id"])
        ask = holder.receive("ask")
        true(ask, "the holder is asked")
        equal(ask[1]["id"], values["id"])
        one.close()
        holder.close()


@test
def a_key_that_nobody_enrolled_gets_no_connection():
    with Federation(policy=False) as house:
        card = house.keygen("node", "agencies/stranger", "ru/interior/road-safety", "stranger")
        stranger = Peer(house.endpoint, card[:-len(".card")] + ".key", house.broker_card, ORIGIN, timeout_s=2)
        equal(stranger.hello(), None, "answer to a stranger")
        stranger.close()


@test
def a_request_in_another_members_name_is_refused():
    with Federation() as house:
        one, holder, announcement = asker(house)
        unrecorded(house, one, question(one, announcement, asker=b"ru/social/support"), ["asker", "member"])
        one.close()
        holder.close()


@test
def a_request_with_a_wrong_signature_is_refused():
    with Federation() as house:
        one, holder, announcement = asker(house)
        values = question(one, announcement)
        sig = one.sign("request", encode("Request", values))
        bad = {**sig, "signature": secrets.token_bytes(64)}
        unrecorded(house, one, values, ["sign"], sig=bad)
        values = question(one, announcement)
        elsewhere = one.sign("request", encode("Request", values), audience=sha256(b"another broker"))
        unrecorded(house, one, values, ["sign"], sig=elsewhere)
        values = question(one, announcement)
        another_type = one.sign("cancel", encode("Request", values))
        unrecorded(house, one, values, ["sign"], sig=another_type)
        values = question(one, announcement)
        true(refused(one, values, sig=None)[0] == "refusal", "an unsigned request is refused")
        one.close()
        holder.close()


@test
def a_request_out_of_its_time_is_refused():
    with Federation() as house:
        one, holder, announcement = asker(house)
        old = now_ms() - 120000
        unrecorded(house, one, question(one, announcement, issued_at=old, id=uuid7(old), expires_at=now_ms() + 30000),
                   ["clock", "time", "issued", "old", "stale"])
        unrecorded(house, one, question(one, announcement, id=uuid7(now_ms() - 30000)), ["id", "time"])
        unrecorded(house, one, question(one, announcement, expires_at=now_ms() + 3600000), ["expires", "life", "time"])
        one.close()
        holder.close()


@test
def an_id_with_another_body_is_refused_and_the_first_stays():
    with Federation() as house:
        one, holder, announcement = asker(house)
        values = question(one, announcement)
        payload = encode("Request", values)
        one.send("request", payload, ref=values["id"])
        true(holder.receive("ask"), "the first is passed on")
        unrecorded(house, one, {**values, "purpose": b"driving-licence-issue"}, ["id", "another", "repeat"])
        one.close()
        holder.close()


@test
def what_is_not_understood_is_refused_by_name():
    with Federation() as house:
        one, holder, announcement = asker(house)
        unrecorded(house, one, question(one, announcement, extensions=[{"id": 4711, "critical": True}]), ["4711"])
        many = [{"name": b"field_%d" % i, "form": b"full"} for i in range(65)]
        unrecorded(house, one, question(one, announcement, fields=many), ["fields"])
        unrecorded(house, one, question(one, announcement, fields=[{"name": b"full\0name", "form": b"full"}]), ["name"])
        one.close()
        holder.close()


@test
def malformed_frames_are_dropped_and_the_connection_lives():
    with Federation() as house:
        one, holder, announcement = asker(house)
        one.send_frames(b"")
        one.send_frames(b"a", b"b", b"c")
        one.send_frames(secrets.token_bytes(500), b"")
        one.send("ping", {"version": 1, "number": 7})
        equal(one.receive("pong")[1]["number"], 7)
        one.close()
        holder.close()


@test
def roles_reach_only_what_is_theirs():
    with Federation() as house:
        one, holder, announcement = asker(house)
        result, _ = one.call("session", {"version": 1, "action": 1, "subject_scheme": b"vd", "subject": b"VD0042176"})
        true(result is not None and (result.get("status") or result.get("reason")), "a node makes no codes")
        result, _ = one.call("query", {"version": 1, "kind": 5, "subject_scheme": b"vd", "subject": b"VD0042176"})
        true(result is not None and (result.get("status") or result.get("reason")), "a node reads nobody's list")
        result, _ = one.call("control", {"version": 1, "action": 4})
        true(result is not None and (result.get("status") or result.get("reason")), "a node does not stop the broker")
        one.close()
        holder.close()


main()
