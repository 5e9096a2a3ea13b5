#!/usr/bin/python3
"""What the broker notices by itself and puts on record: noise, keys that are in two places, requests on another
ground after a withdrawal, answers asked for again after one, people buried in requests."""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(ROOT, "tests", "support")]

from foreign import decode, encode  # noqa: E402
from harness import PATIENCE_S  # noqa: E402
from liars import (ANNA, Asked, entry, figures, finish, open_asker, open_holder, open_peer,  # noqa: E402
                   question, shared)
from tap import equal, test, true, until  # noqa: E402

OPINION = b"health.psychiatry-opinion"
PSYCHIATRY = b"ru/health/psychiatry"
HOUSE = shared()
REJECTED = 22
URGENT_PLACES_OF_ONE = 128  # a quarter of all (src/broker/router.c)


def opinion(one, announcement, **changes):
    return question(HOUSE, one, announcement, **{
        "holder": PSYCHIATRY, "dataset": OPINION, "fields": [{"name": b"no_objection", "form": b"full"}],
        "purpose": b"driving-licence-issue", "basis": {"kind": 1}, **changes})


def log_entries():
    return HOUSE.run(["audit", "list", "--json"], profile="officer").json["entries"]


@test
def noise_of_one_peer_is_one_entry_with_a_count():
    one, announcement = open_noisy()
    for _ in range(20):
        values = question(HOUSE, one, announcement)
        one.send("request", encode("Request", values), ref=values["id"], sig=None)
        one.receive("refusal", ref=values["id"])
    found = until(lambda: [e for e in log_entries() if e["kind"] == "rejected"], "an entry about the noise", PATIENCE_S)
    officer = entry(HOUSE, found[-1]["index"])[3]
    equal((officer["kind"], officer["reader"]), (REJECTED, b"ru/interior/road-safety"))
    true(0 < officer["answered"] <= 20, "with how many: %d" % officer["answered"])
    one.close()


def open_noisy():
    holder = open_holder(HOUSE)
    one, announcement = open_asker(HOUSE)
    holder.close()
    return one, announcement


@test
def a_key_that_lives_in_two_places_raises_an_alarm_and_one_that_comes_back_does_not():
    before = figures(HOUSE)["keys.second-connection"]
    first = open_peer(HOUSE, "clinic-2")
    first.close()
    again = until(lambda: open_peer(HOUSE, "clinic-2"), "the key comes back", PATIENCE_S)
    equal(figures(HOUSE)["keys.second-connection"], before, "it had gone before it came back")
    second = open_peer(HOUSE, "clinic-2")
    equal(figures(HOUSE)["keys.second-connection"], before + 1)
    again.close()
    second.close()


@test
def a_withdrawn_answer_is_not_given_again_to_the_very_same_request():
    holder = open_holder(HOUSE, "psychiatry")
    one, announcement = open_asker(HOUSE, holder=PSYCHIATRY, dataset=OPINION)
    consent, session = HOUSE.grant(OPINION.decode())
    values = opinion(one, announcement)
    payload = encode("Request", values)
    one.send("request", payload, ref=values["id"])
    asked = Asked(HOUSE, holder, holder.receive("ask"))
    asked.send(*asked.build())
    kind, _release, boxes, _head = one.receive("release", "refusal", ref=values["id"])
    equal(kind, "release")
    one.send("request", payload, ref=values["id"])
    kind, _release, again, _head = one.receive("release", "refusal", ref=values["id"])
    equal((kind, again), ("release", boxes), "while the consent stands, the same answer")
    HOUSE.change_consent("withdraw", consent, session)
    one.send("request", payload, ref=values["id"])
    kind, refusal, again, _head = one.receive("release", "refusal", ref=values["id"])
    equal((kind, again), ("refusal", b""), "after the withdrawal, nothing")
    equal(refusal["reason"], b"no-consent")
    holder.close()
    one.close()


@test
def a_withdrawal_ends_what_its_holder_is_still_being_asked_for():
    holder = open_holder(HOUSE, "psychiatry")
    one, announcement = open_asker(HOUSE, holder=PSYCHIATRY, dataset=OPINION)
    for action, reason in (("withdraw", b"withdrawn-in-flight"), ("pause", b"consent-paused")):
        before = figures(HOUSE)
        consent, session = HOUSE.grant(OPINION.decode())
        values = opinion(one, announcement)
        one.send("request", encode("Request", values), ref=values["id"])
        asked = Asked(HOUSE, holder, holder.receive("ask"))
        HOUSE.change_consent(action, consent, session)
        _kind, refusal, boxes, _head = one.receive("refusal", ref=values["id"])
        equal((refusal["reason"], boxes), (b"no-consent", b""), "at once, though the holder is silent")
        parts = entry(HOUSE, refusal["ending"]["index"])
        equal((parts[1]["reason"], parts[3]["reason"]), (b"no-consent", reason), "asker's and officer's")
        asked.send(*asked.build())
        until(lambda: figures(HOUSE)["answers.late"] > before["answers.late"], "its answer is late", PATIENCE_S)
        withdrawn = figures(HOUSE)["exchanges.withdrawn-in-flight"] - before["exchanges.withdrawn-in-flight"]
        equal(withdrawn, 1 if action == "withdraw" else 0)
    holder.close()
    one.close()


@test
def a_change_of_consent_that_is_not_signed_right_is_refused_before_it_is_read():
    desk = open_peer(HOUSE, "desk", os.path.join(HOUSE.dir, "people", "desk-7", "desk-7.key"))
    change = encode("ConsentChange", {"version": 1, "action": 6, "artefact": b"none", "session": bytes(range(32))})
    good = desk.sign("consent-change", change)
    for sig, why in (({**good, "signature": bytes(64)}, b"does not verify"), (None, b"not signed"),
                     (desk.sign("cancel", change), b"does not verify"),
                     (desk.sign("consent-change", change + b"\x3a\x01a"), b"does not verify")):
        ref, _ = desk.send("consent-change", change, sig=sig)
        _kind, result, _boxes, _head = desk.receive("result", ref=ref)
        true(result["status"] and why in result["message"], "%s: %s" % (why, result))
    ref, _ = desk.send("consent-change", change, sig=good)
    _kind, result, _boxes, _head = desk.receive("result", ref=ref)
    true(result["status"] and b"sign" not in result["message"], "signed, and looked at: %s" % result)
    desk.close()


@test
def a_desk_that_changes_one_consent_after_another_gives_each_place_for_what_is_urgent_back():
    desk = open_peer(HOUSE, "desk", os.path.join(HOUSE.dir, "people", "desk-7", "desk-7.key"))
    change = encode("ConsentChange", {"version": 1, "action": 6, "artefact": b"none", "session": bytes(range(32))})
    for i in range(URGENT_PLACES_OF_ONE + 20):
        ref, _ = desk.send("consent-change", change)
        kind, _result, _boxes, _head = desk.receive("result", "busy", ref=ref)
        equal(kind, "result", "change %d" % i)
    desk.close()


@test
def a_request_on_another_ground_after_a_withdrawal_is_flagged_to_the_officer():
    holder = open_holder(HOUSE, "psychiatry")
    one, announcement = open_asker(HOUSE, holder=PSYCHIATRY, dataset=OPINION)
    consent, session = HOUSE.grant(OPINION.decode())
    HOUSE.change_consent("withdraw", consent, session)
    values = opinion(one, announcement, basis={"kind": 3, "article": "210-ФЗ, ст. 7.1".encode()})
    one.send("request", encode("Request", values), ref=values["id"])
    _kind, refusal, _boxes, _head = one.receive("refusal", ref=values["id"])
    parts = entry(HOUSE, refusal["decision"]["index"])
    equal(parts[3]["flags"], [b"basis-after-withdrawal"])
    true(b"basis-after-withdrawal" not in refusal["decision"]["extra"]["part"], "the asker does not read it")
    holder.close()
    one.close()


@test
def an_agency_cannot_bury_a_person_in_requests_for_consent():
    taken = 0
    for _ in range(18):
        done = HOUSE.run(["consent", "request", "--dataset", "health.driver-certificate", "--purpose",
                          "driving-licence-issue", "--subject", "-"], stdin="VD-000010-2\n",
                         profile="licence-office", check=False)
        taken += done.status == 0
    equal(taken, 16, "so many may wait for this person's answer")
    true(HOUSE.request_consent("health.driver-certificate"), "other people are not concerned")


@test
def a_portal_key_alone_opens_nobodys_list():
    code = HOUSE.run(["consent", "code", "--subject", "-", "--json"], stdin="VD-004217-6\n", profile="portal").json["code"]
    refused = HOUSE.run(["consent", "open", "--session", os.path.join(HOUSE.dir, "stolen")], stdin=code + "\n",
                        profile="portal", check=False)
    equal(refused.status, 1)
    true("desk" in refused.err, refused.err)
    opened = HOUSE.run(["consent", "open", "--session", os.path.join(HOUSE.dir, "honest"), "--clerk", "window-7"],
                       stdin=code + "\n", profile="desk-7", check=False)
    equal(opened.status, 0, "the code was not spent by the attempt: %s" % opened.err)


@test
def an_agency_does_not_read_what_became_of_a_consent():
    consent, session = HOUSE.grant("health.narcology-opinion")
    office = open_peer(HOUSE, "road-safety")

    def states():
        result, body = office.call("query", {"version": 1, "kind": 4, "subject_scheme": b"vd", "subject": ANNA})
        equal(result.get("status", 0), 0, str(result))
        rows = [row["consent"] for row in decode("Rows", body)["rows"]]
        true(all(not row.get("tag") for row in rows), "no tag leaves the broker")
        return {row["id"]: row["state"] for row in rows}

    mine = bytes.fromhex(consent.replace("-", ""))
    equal(states().get(mine), 2, "active")
    HOUSE.change_consent("withdraw", consent, session)
    equal(states().get(mine), None, "withdrawn looks like never given")
    office.close()


finish(HOUSE)
