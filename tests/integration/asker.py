#!/usr/bin/python3
"""A dishonest asker at the broker's door, in another language than the broker: whatever it lies about
is refused by name, and only what was validly signed becomes an entry."""

import os
import secrets
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(ROOT, "tests", "support")]

from foreign import Peer, decode, encode, now_ms, sha256, uuid7  # noqa: E402
from harness import ORIGIN, PATIENCE_S  # noqa: E402
from liars import (NAME, Asked, entry, figures, finish, key_behind, open_asker, open_holder, open_peer,  # noqa: E402
                   question, shared)
from tap import equal, test, true, until  # noqa: E402

CREDIT = 20
CERTIFICATE = "health.driver-certificate"


def few_places(house):
    """A broker that gives little credit, so that running out of it is quick."""
    with open(os.path.join(house.home, "vedomod.yaml"), "a", encoding="utf-8") as file:
        file.write("\nlimits:\n  credit: %d\n" % CREDIT)


HOUSE = shared(before=few_places)
HOLDER = open_holder(HOUSE)
ONE, HOLDERS = open_asker(HOUSE)


def asked_of(values, sig="own", one=ONE, extra=b""):
    """What a request gets: (kind, values, boxes, head)."""
    one.send("request", encode("Request", values) + extra, ref=values["id"], sig=sig)
    got = one.receive("refusal", "busy", "release", ref=values["id"])
    true(got, "there is an answer")
    return got


def unrecorded(values, *words, **more):
    """It is refused, says why, and leaves no decision in the log."""
    before = figures(HOUSE)["decisions"]
    kind, refusal, _boxes, _head = asked_of(values, **more)
    equal(kind, "refusal")
    true(not refusal["decision"], "no decision receipt for what was not admitted")
    text = (refusal["reason"] + b" " + refusal["message"]).decode()
    true(any(word in text for word in words), "it says why (%s): %r" % (words, text))
    equal(figures(HOUSE)["decisions"], before, "decisions")


def refused(values, *reasons):
    """It is decided and refused, on record; gives the officer's part. `reasons`: of its fields, as the asker reads them."""
    before = figures(HOUSE)["decisions"]
    kind, refusal, _boxes, _head = asked_of(values)
    equal(kind, "refusal")
    true(refusal["decision"], "the decision's receipt comes along: %s %s" % (refusal["reason"], refusal["message"]))
    part = decode("ExchangePart", refusal["decision"]["extra"]["part"])
    equal(part["exchange_id"], values["id"], "the receipt is about the request")
    equal([v["given"] for v in part["verdicts"]], [b""] * len(reasons), "nothing is given")
    equal([v["reason"].decode() for v in part["verdicts"]], list(reasons), "the reasons")
    equal(figures(HOUSE)["decisions"], before + 1, "decisions")
    return entry(HOUSE, refusal["decision"]["index"])[3]


def honest(**changes):
    return question(HOUSE, ONE, HOLDERS, **changes)


def passed_on(values):
    """The request as the holder sees it."""
    payload = encode("Request", values)
    ONE.send("request", payload, ref=values["id"])
    return Asked(HOUSE, HOLDER, HOLDER.receive("ask", ref=values["id"], timeout_s=PATIENCE_S)), payload


def released(values):
    """An exchange that goes through; gives the RELEASE as it came."""
    ask, payload = passed_on(values)
    ask.send(*ask.build())
    got = ONE.receive("release", "refusal", ref=values["id"])
    true(got and got[0] == "release", "released: %s" % (got and got[1],))
    return got, payload


@test
def an_honest_request_of_a_peer_in_another_language_is_answered():
    values = honest()
    values["params"] = ONE.seal_params(values, HOLDERS[0]["key"], {0: NAME.encode()})
    (_kind, release, boxes, _head), payload = released(values)
    answer = decode("Answer", decode("Head", release["answer"])["payload"])
    equal([content[3] for content in ONE.open_answer(values, payload, answer, boxes, HOLDERS[0]["key"])], [b"true"])


@test
def a_key_that_nobody_enrolled_gets_no_connection():
    card = HOUSE.keygen("node", "agencies/stranger", "ru/interior/road-safety", "stranger")
    stranger = Peer(HOUSE.endpoint, card[:-len(".card")] + ".key", HOUSE.broker_card, ORIGIN, timeout_s=1)
    equal(stranger.hello(), None, "answer to a stranger")
    stranger.close()


@test
def a_request_in_another_members_name_is_refused():
    unrecorded(honest(asker=b"ru/social/support"), "asker")
    unrecorded(honest(on_behalf_of=b"ru/social/support"), "on_behalf_of")


@test
def a_greeting_in_another_members_name_is_refused():
    for changes in ({"member": b"ru/social/support"}, {"node": b"another"}):
        liar = open_peer(HOUSE, "narcology", greeted=False)
        kind, refusal = liar.hello(**changes)[:2]
        equal(kind, "refusal")
        true(b"another member or node" in refusal["message"], "it says why: %s" % refusal["message"])
        liar.close()


@test
def a_request_with_a_wrong_signature_is_refused():
    values = honest()
    unrecorded(values, "signature", sig={**ONE.sign("request", encode("Request", values)), "signature": secrets.token_bytes(64)})
    values = honest()
    unrecorded(values, "signature", sig=ONE.sign("request", encode("Request", values), audience=sha256(b"another broker")))
    values = honest()
    unrecorded(values, "signature", sig=ONE.sign("cancel", encode("Request", values)))
    values = honest()
    unrecorded(values, "signature", sig=ONE.sign("request", encode("Request", {**values, "case_ref": b"another"})))
    unrecorded(honest(), "not signed", sig=None)


@test
def what_verified_once_helps_no_other_signature():
    """What was signed is known to be good by now, whichever thread has seen it; another signature on it is not."""
    values = {**honest(), "holder_announcement": secrets.token_bytes(32)}
    good = ONE.sign("request", encode("Request", values))
    for _ in range(4):
        unrecorded(values, "holder_announcement", sig=good)
        for _ in range(3):
            unrecorded(values, "signature", sig={**good, "signature": secrets.token_bytes(64)})
    unrecorded({**values, "case_ref": b"another"}, "signature", sig=good)


@test
def a_request_signed_by_somebody_elses_key_is_refused():
    """An enrolled key, a good signature, but not the key of this connection."""
    values = honest()
    unrecorded(values, "another key", sig=HOLDER.sign("request", encode("Request", values)))


@test
def a_request_out_of_its_time_is_refused():
    now = now_ms()
    for issued in (now - 120000, now + 120000):
        unrecorded(honest(issued_at=issued, id=uuid7(issued), expires_at=issued + 200000), "issued_at")
    unrecorded(honest(id=uuid7(now - 30000)), "id")
    unrecorded(honest(id=uuid7(now + 30000)), "id")
    unrecorded(honest(expires_at=now_ms() - 1), "expires_at")
    unrecorded(honest(expires_at=now_ms() + 3600000), "expires_at")


@test
def an_id_that_is_not_a_uuid_of_version_7_is_refused():
    now = now_ms()
    good = uuid7(now)
    for spoiled in (good[:6] + bytes([good[6] & 0x0F | 0x40]) + good[7:], good[:8] + bytes([good[8] & 0x3F]) + good[9:],
                    secrets.token_bytes(6) + good[6:]):
        unrecorded(honest(id=spoiled), "id")
    values = honest()
    ONE.send("request", encode("Request", values), ref=secrets.token_bytes(16))
    got = ONE.receive("refusal", "release")
    true(got and b"ref" in got[1]["message"], "another id in the head than in the request is refused: %s" % (got and got[1],))


@test
def an_id_with_another_body_is_refused_and_the_first_stays():
    values = honest()
    ask, _payload = passed_on(values)
    unrecorded({**values, "purpose": b"driving-licence-issue"}, "id")
    ask.send(*ask.build())
    true(ONE.receive("release", ref=values["id"]), "the first is released")
    unrecorded({**values, "fields": [{"name": b"birth_date", "form": b"match"}]}, "id")


@test
def the_same_request_again_gets_the_held_answer_without_another_charge_or_entry():
    case = HOUSE.case().encode()
    values = honest(case_ref=case)
    first, payload = released(values)
    before = figures(HOUSE)
    for _ in range(3):
        ONE.send("request", payload, ref=values["id"])
        again = ONE.receive("release", "refusal", ref=values["id"])
        equal(again[0], "release")
        equal((again[1]["answer"], again[1]["release"], again[2]), (first[1]["answer"], first[1]["release"], first[2]), "the held answer")
    after = figures(HOUSE)
    equal(after["requests.repeated"], before["requests.repeated"] + 3, "requests.repeated")
    equal((after["decisions"], after["releases"]), (before["decisions"], before["releases"]), "decisions and releases")
    equal(HOLDER.receive("ask", ref=values["id"], timeout_s=0.2), None, "the holder is not asked again")
    released(honest(case_ref=case))  # per_case: 2, and the repeats have not been charged
    refused(honest(case_ref=case), "limit-reached")


def acknowledge(one, values, opened):
    one.send("ack", {"version": 1, "items": [{"id": values["id"], "opened": opened, "problem": b"" if opened else b"malformed"}]})
    one.directory(HOLDER.member)  # answered after the ACK was taken


def asked_again(payload, values):
    ONE.send("request", payload, ref=values["id"])
    return ONE.receive("release", "refusal", ref=values["id"])


@test
def an_answer_that_was_opened_is_no_longer_held():
    values = honest()
    first, payload = released(values)
    before = figures(HOUSE)
    acknowledge(ONE, values, False)
    equal(asked_again(payload, values)[::2], first[::2], "what did not open is given again")
    acknowledge(ONE, values, True)
    equal(asked_again(payload, values)[1].get("reason"), b"released-undelivered", "it opened the second time")
    values = honest()
    first, payload = released(values)
    another = open_peer(HOUSE, "narcology")
    acknowledge(another, values, True)
    another.close()
    equal(asked_again(payload, values)[::2], first[::2], "another node's word changes nothing")
    acknowledge(ONE, values, True)
    equal(figures(HOUSE)["releases.opened"], before["releases.opened"] + 1, "releases.opened")
    kind, refusal, boxes, _head = asked_again(payload, values)
    equal((kind, refusal["reason"], boxes), ("refusal", b"released-undelivered", b""), "what was opened is not given again")
    for receipt in ("decision", "ending"):
        equal(decode("ExchangePart", refusal[receipt]["extra"]["part"])["exchange_id"], values["id"], "the receipt of its " + receipt)


@test
def what_is_not_understood_is_refused_by_name():
    unrecorded(honest(extensions=[{"id": 4711, "critical": True}]), "4711")
    unrecorded(honest(fields=[{"name": b"field_%d" % i, "form": b"full"} for i in range(65)]), "fields")
    unrecorded(honest(fields=[]), "fields")
    unrecorded(honest(fields=[{"name": b"full_name", "form": b"match"}] * 2), "twice")
    unrecorded(honest(fields=[{"name": b"full\0name", "form": b"full"}]), "name")
    unrecorded(honest(extensions=[{"id": 1, "value": bytes(4097)}]), "extension", "value")
    unrecorded(honest(nonce=bytes(31)), "nonce")
    unrecorded(honest(basis=None), "basis")
    unrecorded(honest(purpose=b"\xff\xfe"), "purpose")
    unrecorded(honest(subject="VD0042176 ".encode()), "subject")
    unrecorded(honest(subject=b"VD0042177"), "check digit")
    unrecorded(honest(subject_scheme=b"passport"), "scheme", "subject")


@test
def a_field_that_the_protocol_does_not_have_is_refused():
    values = honest()
    for extra in (b"\xfa\x06\x01x", b"\xf8\x06\x01"):  # number 111: bytes, a number
        values = honest()
        unrecorded(values, "unknown", "111", extra=extra, sig=ONE.sign("request", encode("Request", values) + extra))
    values = honest()
    extra = b"\x08\x01"  # version a second time
    unrecorded(values, "version", "twice", extra=extra, sig=ONE.sign("request", encode("Request", values) + extra))


@test
def an_extension_that_is_not_critical_is_passed_on_untouched():
    values = honest(extensions=[{"id": 4711, "value": b"for later"}])
    ask, _ = passed_on(values)
    equal(ask.request["extensions"][0]["value"], b"for later")
    ask.send(*ask.build())
    true(ONE.receive("release", ref=values["id"]), "it is released")


@test
def a_sealing_key_of_another_node_is_refused():
    clinic = open_holder(HOUSE, "clinic-2")
    theirs, _card = ONE.directory(b"ru/health/clinic-2", CERTIFICATE.encode())
    unrecorded(honest(holder_announcement=theirs[1]), "holder_announcement")
    unrecorded(honest(asker_announcement=theirs[1]), "asker_announcement")
    unrecorded(honest(holder_announcement=sha256(b"nobody's")), "holder_announcement")
    unrecorded(honest(holder=b"ru/health/clinic-2"), "holder_announcement")
    clinic.close()


@test
def an_announcement_that_is_not_ones_own_or_goes_back_is_refused():
    liar = open_peer(HOUSE, "narcology")
    liar.announce()
    mine = until(lambda: ONE.directory(b"ru/health/narcology")[0], "the announcement", PATIENCE_S)
    lies = [{"member": b"ru/health/clinic-2"}, {"node": b"another"}, {"audience": sha256(b"another federation")},
            {"not_after": now_ms() + 2 * 3600000}, {"not_before": now_ms() - 10000, "not_after": now_ms() - 5000},
            {"serial": mine[0]["serial"] - 1}, {"key": bytes(32)}]
    for lie in lies:
        liar.announce(**lie)
        got = liar.receive("refusal", "result")
        true(got and (got[0] == "refusal" or got[1]["status"]), "refused: %s: %s" % (list(lie), got and got[1]))
        equal(ONE.directory(b"ru/health/narcology")[0][1], mine[1], "the directory keeps the honest one: %s" % list(lie))
    liar.close()


@test
def evidence_that_is_missing_or_not_listed_is_refused_by_name():
    refused(honest(basis={"kind": 3}), "evidence-invalid")
    refused(honest(basis={"kind": 3, "article": "210-ФЗ, ст. 7.2".encode()}), "evidence-invalid")
    refused(honest(basis={"kind": 4}), "basis-not-allowed")
    refused(honest(basis={"kind": 4, "justification": b"a life is at risk, believe me"}), "basis-not-allowed")
    refused(honest(basis={"kind": 1}), "basis-not-allowed")
    refused(honest(basis={"kind": 2, "token": secrets.token_bytes(32)}), "basis-not-allowed")
    refused(honest(basis={"kind": 5, "order": secrets.token_bytes(32)}), "basis-not-allowed")
    unrecorded(honest(basis={"kind": 6}), "Basis.kind")


@test
def an_official_role_case_or_purpose_that_is_not_agreed_is_refused_by_name():
    refused(honest(official_role=b"caseworker"), "role-not-allowed")
    refused(honest(official_role=b""), "role-not-allowed")
    refused(honest(case_ref=b""), "case-missing")
    part = refused(honest(purpose=b"driving-licence-issue"), "no-agreement")
    equal(part["over_asked"], [0], "asked for a purpose that no agreement names")


@test
def an_unknown_field_is_refused_and_what_no_agreement_allows_is_counted():
    wanted = [{"name": b"shoe_size", "form": b"full"}, {"name": b"home_address", "form": b"full"},
              {"name": b"marital_status", "form": b"exists"}]
    part = refused(honest(fields=wanted), "unknown-field", "no-agreement", "no-agreement")
    equal([i for i in part["over_asked"] if i > 0], [1, 2], "fields that no agreement allows")


@test
def a_stronger_form_than_agreed_is_refused():
    part = refused(honest(fields=[{"name": b"passport_no", "form": b"last4"}]), "form-not-allowed")
    equal(part["reasons"], [b"form-not-allowed"])


@test
def the_consent_of_somebody_else_opens_nothing():
    consent, _session = HOUSE.grant(CERTIFICATE, subject="VD-004218-7")
    clinic = open_holder(HOUSE, "clinic-2")
    theirs, _card = ONE.directory(b"ru/health/clinic-2", CERTIFICATE.encode())
    values = {"holder": b"ru/health/clinic-2", "holder_announcement": theirs[1], "dataset": CERTIFICATE.encode(),
              "fields": [{"name": b"fit", "form": b"full"}], "purpose": b"driving-licence-issue"}
    for named in (bytes.fromhex(consent.replace("-", "")), b"", secrets.token_bytes(16)):
        refused(honest(**values, basis={"kind": 1, "consent": named}), "no-consent")
    equal(clinic.receive("ask", timeout_s=0.2), None, "the holder hears nothing of it")
    ONE.send("request", encode("Request", asked := honest(**values, subject=b"VD0042187", basis={"kind": 1})), ref=asked["id"])
    true(clinic.receive("ask", ref=asked["id"]), "the same question about the person who consented is passed on")
    ONE.send("cancel", {"version": 1, "id": asked["id"]})
    ended = ONE.receive("refusal", ref=asked["id"])
    equal(decode("ExchangePart", ended[1]["ending"]["extra"]["part"])["reason"], b"cancelled")
    clinic.close()


@test
def a_member_that_is_not_the_agreements_asker_gets_nothing():
    other = open_holder(HOUSE, "narcology")
    values = honest(asker=b"ru/health/narcology", asker_announcement=other.sealing[1])
    _kind, refusal, _boxes, _head = asked_of(values, one=other)
    part = decode("ExchangePart", refusal["decision"]["extra"]["part"])
    equal([v["reason"] for v in part["verdicts"]], [b"no-agreement"])
    other.close()


@test
def more_requests_than_the_credit_are_told_busy_and_leave_no_entry():
    before = figures(HOUSE)
    for values in [honest() for _ in range(CREDIT + 5)]:
        ONE.send("request", encode("Request", values), ref=values["id"])
    busy = [ONE.receive("busy") for _ in range(5)]
    true(all(busy), "five are told BUSY")
    equal({got[1]["reason"] for got in busy}, {b"credit"})
    true(all(got[1]["retry_after_ms"] > 0 for got in busy), "and when to come back")
    asks = [HOLDER.receive("ask", timeout_s=PATIENCE_S) for _ in range(CREDIT)]
    true(all(asks), "the others are passed on")
    told = [got[1]["under_way"] for got in asks]
    true(1 <= told[0] and told[-1] == CREDIT, "the holder is told how many are under way: %s" % told)
    equal(figures(HOUSE)["messages.busy"], before["messages.busy"] + 5, "messages.busy")
    key = key_behind(HOLDER, ONE.sealing[1])
    for got in asks:
        ask = Asked(HOUSE, HOLDER, got, key)
        ask.send(*ask.build())
    true(all(ONE.receive("release") for _ in range(CREDIT)), "the others are released")
    equal(figures(HOUSE)["decisions"], before["decisions"] + CREDIT, "decisions")
    released(honest())  # the credit is back


@test
def malformed_frames_are_dropped_and_the_connection_lives():
    ONE.send_frames(b"")
    ONE.send_frames(b"a", b"b", b"c")
    ONE.send_frames(secrets.token_bytes(500), b"")
    ONE.send("ping", {"version": 1, "number": 7})
    equal(ONE.receive("pong")[1]["number"], 7)


@test
def roles_reach_only_what_is_theirs():
    result, _ = ONE.call("session", {"version": 1, "action": 1, "subject_scheme": b"vd", "subject": b"VD0042176"})
    true(result is not None and (result.get("status") or result.get("reason")), "a node makes no codes")
    result, _ = ONE.call("query", {"version": 1, "kind": 5, "subject_scheme": b"vd", "subject": b"VD0042176"})
    true(result is not None and (result.get("status") or result.get("reason")), "a node reads nobody's list")
    result, _ = ONE.call("control", {"version": 1, "action": 4})
    true(result is not None and (result.get("status") or result.get("reason")), "a node does not stop the broker")


try:
    finish(HOUSE)
finally:
    ONE.close()
    HOLDER.close()
