#!/usr/bin/python3
"""A broker that lies to real nodes, with its own keys and where it says so with the log's: keys and
policies that it swapped, trees that do not go on from one another, decisions that it did not record,
answers that it mixed up. Each is caught by the node, named, and nothing leaves or is handed out."""

import os
import secrets
import sys

import nacl.signing

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(ROOT, "tests", "support"), os.path.join(ROOT, "deploy")]

import house as houses  # noqa: E402
import processes  # noqa: E402
from foreign import decode, encode, label, read_key, sha256, sign_batch  # noqa: E402
from harness import PATIENCE_S  # noqa: E402
from liars import NAME, Asking, entry, finish, shared  # noqa: E402
from middle import Middle  # noqa: E402
from tap import equal, test, true, until  # noqa: E402

ASKER, HOLDER = "road-safety", "population-register"
MIDDLE = []


def stand_between(house):
    """The nodes' configurations name the middle as the broker."""
    middle = Middle(house, processes.free_ports(1)[0], houses.AGENCIES)
    MIDDLE.append(middle)
    for short in houses.AGENCIES:
        path = os.path.join(house.dir, "agencies", short, "node.yaml")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace(house.endpoint, middle.endpoint))


HOUSE = shared(nodes=[ASKER, HOLDER], before=stand_between)
BETWEEN = MIDDLE[0]
STRANGER = nacl.signing.SigningKey.generate()
CLINIC = "ru/health/clinic-2"


def log_of(short):
    return HOUSE.nodes[short].log_tail(400)


def told(kind, lie, short):
    """A lie to one node only; gives a way to take it back."""
    BETWEEN.lies = {kind: lambda whom, values, boxes: lie(values, boxes) if whom == short else None}


def honest_again():
    BETWEEN.lies = {}


# --- the directory: keys that the registrar has not signed. First, as nodes keep what they have verified ---

def row_with(**changes):
    def lie(values, body):
        rows = decode("Rows", body) if body[:1] == b"\n" and not values["value"] else None
        if not rows or not rows["rows"] or not rows["rows"][0]["announcement"]:
            return None
        row = rows["rows"][0]
        for name, change in changes.items():
            row[name] = change(row)
        return BETWEEN.result_of(values, rows)
    return lie


def announcement_of(row, signer, **changes):
    head = decode("Head", row["announcement"])
    payload = encode("Announcement", {**decode("Announcement", head["payload"]), **changes})
    sig = sign_batch(signer, BETWEEN.audience, "announcement", payload) if signer else head["sig"]
    return encode("Head", {**head, "payload": payload, "sig": sig})


def card_of(row, signer, **changes):
    card = encode("Card", {**decode("Card", decode("Signed", row["card"])["payload"]), **changes})
    text = label("card") + BETWEEN.audience + sha256(card)
    return encode("Signed", {"payload": card, "signatures": [
        {"key": bytes(signer.verify_key), "signature": signer.sign(text).signature}]})


def swapped(words, **changes):
    """The asker's node does not ask under that key, and says why."""
    asked = len([1 for _short, kind, _ref in BETWEEN.up if kind == "request"])
    told("result", row_with(**changes), ASKER)
    status, document = HOUSE.ask(HOUSE.identity_question())
    honest_again()
    equal(status, 502, "document: %s" % document)
    true(words in str(document), "it says '%s': %s" % (words, document))
    equal(len([1 for _short, kind, _ref in BETWEEN.up if kind == "request"]), asked, "requests under the swapped key")


@test
def a_card_that_the_registrar_did_not_sign_is_refused():
    own = bytes(STRANGER.verify_key)
    swapped("signed by 0 of the 1 keys", card=lambda row: card_of(row, STRANGER, batch_key=own),
            announcement=lambda row: announcement_of(row, STRANGER, key=secrets.token_bytes(32)))


@test
def a_card_that_was_changed_under_its_signature_is_refused():
    def change(row):
        signed = decode("Signed", row["card"])
        card = decode("Card", signed["payload"])
        return encode("Signed", {**signed, "payload": encode("Card", {**card, "batch_key": bytes(STRANGER.verify_key)})})
    swapped("the card was changed", card=change)


@test
def a_sealing_key_that_the_cards_key_did_not_sign_is_refused():
    key = secrets.token_bytes(32)
    swapped("not signed by the card's key", announcement=lambda row: announcement_of(row, STRANGER, key=key))
    swapped("signature", announcement=lambda row: announcement_of(row, None, key=key))


@test
def a_card_without_its_entry_in_the_log_is_refused():
    swapped("", receipt=lambda row: None)
    def other(row):
        return {**row["receipt"], "extra": {**row["receipt"]["extra"], "part_salt": secrets.token_bytes(32)}}
    swapped("receipt", receipt=other)


@test
def the_honest_directory_opens_the_way():
    status, document = HOUSE.ask(HOUSE.identity_question())
    equal((status, document.get("outcome")), (200, "released"), "document: %s" % document)


# --- ASK: the holder's node answers nothing ---

SUSPECT = []


def seen(kind):
    return [(values, boxes) for _short, was, values, boxes in BETWEEN.down if was == kind]


def unanswered(lie, *words, fields=None):
    """The holder's node answers nothing to the changed ASK, and its log says why."""
    ids = []

    def change(values, boxes):
        ids.append(values["id"])
        return "ask", lie(values), boxes
    told("ask", change, HOLDER)
    before = len(log_of(HOLDER))
    more = {"fields": fields} if fields else {}
    asking = Asking(HOUSE, HOUSE.identity_question(timeout_ms=1000, **more))
    until(lambda: "ask." in log_of(HOLDER)[before:], "the holder's log names the fault: %s" % (words,))
    honest_again()
    said = log_of(HOLDER)[before:]
    true(any(word in said for word in words), "it says %s: %s" % (words, said))
    SUSPECT.append((asking, ids[0]))


def ask_with_request(**changes):
    """The ASK with another request head."""
    return lambda ask: {**ask, "request": encode("Head", {**decode("Head", ask["request"]), **changes})}


@test
def an_ask_without_its_decisions_receipt_is_not_answered():
    unanswered(lambda ask: {**ask, "decision": None}, "decision")


@test
def an_ask_with_the_receipt_of_another_exchange_is_not_answered():
    other = seen("ask")[0][0]["decision"]
    unanswered(lambda ask: {**ask, "decision": other}, "about another request")


@test
def an_ask_whose_receipt_does_not_prove_is_not_answered():
    def part_changed(ask):
        extra = ask["decision"]["extra"]
        return {**ask, "decision": {**ask["decision"], "extra": {**extra, "part": extra["part"] + b"\x10\x01"}}}
    unanswered(part_changed, "receipt")
    unanswered(lambda ask: {**ask, "decision": {**ask["decision"], "index": ask["decision"]["index"] + 1}}, "receipt")
    unanswered(lambda ask: {**ask, "decision": BETWEEN.receipt(ask["decision"], STRANGER)}, "receipt")


@test
def an_ask_for_a_request_that_the_asker_did_not_sign_is_not_answered():
    def payload_changed(ask):
        head = decode("Head", ask["request"])
        payload = encode("Request", {**decode("Request", head["payload"]), "case_ref": b"another case"})
        return {**ask, "request": encode("Head", {**head, "payload": payload})}
    unanswered(payload_changed, "request of", "signature")
    unanswered(ask_with_request(sig=None), "without the asker's signed request")

    def signed_by_the_broker(ask):
        head = decode("Head", ask["request"])
        sig = sign_batch(BETWEEN.signer, BETWEEN.audience, "request", head["payload"])
        return {**ask, "request": encode("Head", {**head, "sig": sig})}
    unanswered(signed_by_the_broker, "signed by another key")


TWO = [{"name": "full_name", "form": "match", "match": NAME}, {"name": "home_address", "form": "full"}]


def verdicts_of(ask):
    return decode("ExchangePart", ask["decision"]["extra"]["part"])["verdicts"]


@test
def a_decision_forged_with_the_logs_own_key_gives_no_field_that_the_holders_bundle_does_not_allow():
    def more(ask):
        first, second = verdicts_of(ask)
        equal((second["name"], second["given"]), (b"home_address", b""), "what the broker had refused")
        return {**ask, "decision": BETWEEN.receipt(ask["decision"], verdicts=[first, {**second, "given": b"full", "reason": b"allowed"}])}
    unanswered(more, "does not allow home_address", fields=TWO)


@test
def a_decision_forged_with_the_logs_own_key_names_no_other_agreement_or_parties():
    unanswered(lambda ask: {**ask, "decision": BETWEEN.receipt(ask["decision"], agreement=b"fare-discount")}, "no such agreement")
    unanswered(lambda ask: {**ask, "decision": BETWEEN.receipt(ask["decision"], agreement=b"")}, "no such agreement")
    unanswered(lambda ask: {**ask, "decision": BETWEEN.receipt(ask["decision"], kind=2)}, "about another request")
    unanswered(lambda ask: {**ask, "decision": BETWEEN.receipt(ask["decision"], asker=b"ru/social/support")}, "between other members")
    unanswered(lambda ask: {**ask, "decision": BETWEEN.receipt(ask["decision"], purpose=b"travel-discount")}, "another dataset, purpose or basis")
    unanswered(lambda ask: {**ask, "decision": BETWEEN.receipt(ask["decision"], holder_check=secrets.token_bytes(32))}, "another pseudonym")
    unanswered(lambda ask: {**ask, "decision": BETWEEN.receipt(ask["decision"], verdicts=verdicts_of(ask) * 2)}, "other fields")


@test
def a_pseudonym_is_remembered_beyond_a_restart_and_a_new_tag_key_needs_its_entry():
    HOUSE.nodes[HOLDER].stop()
    HOUSE.start_node(HOLDER)
    HOUSE.wait_for_node(HOLDER, PATIENCE_S)
    unanswered(lambda ask: {**ask, "decision": BETWEEN.receipt(ask["decision"], holder_check=secrets.token_bytes(32))}, "another pseudonym")
    unanswered(lambda ask: {**ask, "decision": BETWEEN.receipt(ask["decision"], tag_key_id=2)}, "no entry of it says so")
    true("subject.key-unknown" in log_of(HOLDER), "the alarm names it")
    path = os.path.join(HOUSE.dir, "agencies", HOLDER, "state", "persons")
    equal(os.stat(path).st_mode & 0o777, 0o600, "nobody else reads it")
    with open(path, "rb") as file:
        true(b"VD00" not in file.read(), "no identifier")


@test
def the_same_ask_is_answered_once():
    told("ask", lambda values, boxes: [("ask", values, boxes), ("ask", values, boxes)], HOLDER)
    status, document = HOUSE.ask(HOUSE.identity_question())
    honest_again()
    equal((status, document["outcome"]), (200, "released"))
    until(lambda: "ask.repeated" in log_of(HOLDER), "the holder's log says that it was answered", PATIENCE_S)
    answers = [ref for short, kind, ref in BETWEEN.up if short == HOLDER and kind == "answer"]
    equal(len(answers), len(set(answers)), "each exchange was answered once")


@test
def nothing_of_what_was_refused_was_answered_later():
    for asking, asked in SUSPECT:
        status, document = asking.answer()
        true(status != 200 or document["outcome"] == "refused", "the asker has nothing: %s" % document)
        true(("answer", asked) not in [(kind, ref) for _short, kind, ref in BETWEEN.up], "the holder's node answered")


# --- RELEASE: the asker's node hands out nothing ---

def not_handed_out(lie, *words):
    told("release", lambda values, boxes: lie(values, boxes), ASKER)
    status, document = HOUSE.ask(HOUSE.identity_question())
    honest_again()
    equal(status, 502, "document: %s" % document)
    true(any(word in document["detail"] for word in words), "it says %s: %s" % (words, document))
    true("answer.rejected" in log_of(ASKER), "the node's log names it")


def release_with(**changes):
    return lambda values, boxes: ("release", {**values, **{name: change(values) for name, change in changes.items()}}, boxes)


@test
def a_release_without_receipts_or_with_those_of_another_exchange_is_not_handed_out():
    other = seen("release")[0][0]
    not_handed_out(release_with(release=lambda v: None), "release")
    not_handed_out(release_with(decision=lambda v: None), "decision")
    not_handed_out(release_with(decision=lambda v: other["decision"]), "foreign")
    not_handed_out(release_with(release=lambda v: other["release"]), "release-differs")
    not_handed_out(release_with(release=lambda v: v["decision"]), "release-differs")


@test
def a_release_whose_receipts_do_not_prove_is_not_handed_out():
    not_handed_out(release_with(decision=lambda v: {**v["decision"], "index": v["decision"]["index"] + 1}), "decision-forged")
    not_handed_out(release_with(decision=lambda v: BETWEEN.receipt(v["decision"], STRANGER)), "decision-forged")
    not_handed_out(release_with(release=lambda v: BETWEEN.receipt(v["release"], STRANGER)), "release-forged")


@test
def receipts_forged_with_the_logs_own_key_do_not_make_another_answer_good():
    def stronger(v):
        (verdict,) = decode("ExchangePart", v["decision"]["extra"]["part"])["verdicts"]
        return BETWEEN.receipt(v["decision"], verdicts=[{**verdict, "given": b"full"}])
    not_handed_out(release_with(decision=stronger), "decision-differs")
    not_handed_out(release_with(decision=lambda v: BETWEEN.receipt(v["decision"], verdicts=[])), "decision-differs", "malformed")
    not_handed_out(release_with(decision=lambda v: BETWEEN.receipt(v["decision"])), "release-differs", "answer-differs")
    not_handed_out(release_with(release=lambda v: BETWEEN.receipt(v["release"], index=1, decision_index=0)), "release-differs")


@test
def an_answer_or_boxes_of_another_exchange_are_not_handed_out():
    other, boxes_of_other = seen("release")[0]
    not_handed_out(release_with(answer=lambda v: other["answer"]), "release-differs", "answer-differs")
    not_handed_out(lambda values, boxes: ("release", values, boxes_of_other), "box-differs")
    not_handed_out(lambda values, boxes: ("release", values, boxes[:-1]), "fields-differ")
    not_handed_out(lambda values, boxes: ("release", values, boxes + b"\0"), "fields-differ")
    not_handed_out(lambda values, boxes: ("release", values, bytes([boxes[0] ^ 1]) + boxes[1:]), "box-differs")

    def signed_by_the_broker(v):
        head = decode("Head", v["answer"])
        return encode("Head", {**head, "sig": sign_batch(BETWEEN.signer, BETWEEN.audience, "answer", head["payload"])})
    not_handed_out(release_with(answer=signed_by_the_broker), "answer-forged")


@test
def fields_other_than_decided_are_not_handed_out():
    not_handed_out(release_with(withheld=lambda v: [0]), "release-differs")
    not_handed_out(lambda values, boxes: ("release", {**values, "withheld": [0]}, b""), "release-differs")


@test
def a_refusal_in_place_of_what_was_granted_is_caught():
    def refused(values, boxes):
        return "refusal", {"version": 1, "id": values["id"], "reason": b"no-consent", "decision": values["decision"]}, b""
    not_handed_out(refused, "release-missing")

    def ended_otherwise(values, boxes):
        return "refusal", {"version": 1, "id": values["id"], "reason": b"no-consent", "decision": values["decision"],
                           "ending": values["release"]}, b""
    not_handed_out(ended_otherwise, "release-differs")


# --- policy ---

def start_node(short):
    HOUSE.start_node(short)
    return HOUSE.nodes[short]


def bundle_with(head=lambda head: head, blob=lambda blob: blob):
    def lie(values, body):
        if not values["value"] or not body:
            return None
        body = blob(body)
        return "result", {**values, "value": head(values["value"]), "body_hash": sha256(body)}, body
    return lie


def signed_by_a_stranger(signed):
    payload = decode("Signed", signed)["payload"]
    text = label("bundle") + BETWEEN.audience + sha256(payload)
    return encode("Signed", {"payload": payload, "signatures": [
        {"key": bytes(STRANGER.verify_key), "signature": STRANGER.sign(text).signature}]})


@test
def a_policy_that_the_policy_key_did_not_sign_or_whose_files_were_changed_is_refused():
    lies = {"clinic-2": (bundle_with(head=signed_by_a_stranger), "policy"),
            "narcology": (bundle_with(blob=lambda blob: blob.replace(b"full_name: [match]", b"full_name: [full ]")), "not the files that were signed")}
    BETWEEN.lies = {"result": lambda short, values, body: lies[short][0](values, body) if short in lies else None}
    for short in lies:
        start_node(short)
    for short, (_lie, words) in lies.items():
        until(lambda short=short: "policy.refused" in log_of(short), "the node's log says so", PATIENCE_S)
        true(words in log_of(short), "it says '%s': %s" % (words, log_of(short)))
        status, _document = HOUSE.call(short, "GET", "/v1/catalogue")
        equal(status, 503, "it has no policy")
    honest_again()
    for short in lies:
        HOUSE.nodes[short].stop()


# --- the log; each of these stops a node for good ---

def forked(short, kind, lie, words):
    until(lambda: any(whom == short and was == kind for whom, was, _v, _b in BETWEEN.down) or kind == "welcome", "traffic", PATIENCE_S)
    BETWEEN.lies = {kind: lambda whom, values, boxes: (kind, lie(values), b"") if whom == short else None}
    until(lambda: "log.forked" in log_of(short), "the node's log says that the log was forked", PATIENCE_S)
    honest_again()
    true(words in log_of(short), "it says '%s': %s" % (words, log_of(short)))
    status, document = HOUSE.call(short, "GET", "/v1/status")
    equal((status, document["ready"], document["connected"]), (503, False, False), "it has stopped: %s" % document)
    true(words in document["problem"], "its status says why: %s" % document)


def size_of(note):
    return int(note.split(b"\n")[1])


@test
def a_shrunken_log_in_welcome_stops_the_node():
    start_node("psychiatry")
    HOUSE.wait_for_node("psychiatry", PATIENCE_S)
    until(lambda: HOUSE.call("psychiatry", "GET", "/v1/status")[1]["log_size"] > 1, "a checkpoint is known", PATIENCE_S)
    HOUSE.nodes["psychiatry"].stop()
    BETWEEN.lies = {"welcome": lambda whom, values, boxes: ("welcome", {**values, "checkpoint": BETWEEN.checkpoint(1, sha256(b"one")), "consistency": b""}, b"")
                    if whom == "psychiatry" else None}
    start_node("psychiatry")
    until(lambda: "log.forked" in log_of("psychiatry"), "the node's log says so", PATIENCE_S)
    honest_again()
    true("rolled back" in log_of("psychiatry"), "it says how")


@test
def a_forked_tree_in_proof_stops_the_asker():
    entry(HOUSE, 0)  # the look is an entry, so that a new checkpoint is published
    forked(ASKER, "proof", lambda values: {**values, "checkpoint": BETWEEN.checkpoint(size_of(values["checkpoint"]) + 3, sha256(b"another tree"))},
           "forked")
    status, document = HOUSE.ask(HOUSE.identity_question())
    true(status >= 500, "a stopped node asks nothing: %s" % document)
    true("forked" in str(document), "and says why: %s" % document)


@test
def a_checkpoint_of_another_log_key_is_never_taken():
    before = HOUSE.call(HOLDER, "GET", "/v1/status")[1]["log_size"]
    BETWEEN.lies = {kind: lambda whom, values, boxes, kind=kind: (kind, {**values, "checkpoint": BETWEEN.checkpoint(9999, sha256(b"tree"), STRANGER)}, b"")
                    if whom == HOLDER else None for kind in ("proof", "welcome")}
    entry(HOUSE, 0)  # the look is an entry, so that a new checkpoint is published
    until(lambda: "broker.lost" in log_of(HOLDER), "the node leaves such a broker")
    _status, document = HOUSE.call(HOLDER, "GET", "/v1/status")
    equal((document["connected"], document["log_size"]), (False, before), "nothing of it was taken: %s" % document)
    honest_again()
    HOUSE.wait_for_node(HOLDER, PATIENCE_S)


finish(HOUSE, BETWEEN.stop)
