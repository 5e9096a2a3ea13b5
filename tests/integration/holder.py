#!/usr/bin/python3
"""A holder that lies, in another language than the product, between a real broker and the asker's real
node: what it answers beyond what was granted is stripped and recorded; whatever does not belong to the
exchange, is not as signed, or has another size than its form, refuses the answer as a whole; and what
the broker cannot see, a value wider than its form, is caught where it is opened."""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(ROOT, "tests", "support")]

from foreign import encode, now_ms, sha256  # noqa: E402
from harness import PATIENCE_S  # noqa: E402
from liars import NAME, SMALL, Asking, entry, figures, finish, next_ask, open_holder, shared  # noqa: E402
from tap import equal, test, true, until  # noqa: E402

RELEASED, REFUSED, DELIVERY_FAULTY = 2, 3, 4
HOUSE = shared(nodes=["road-safety"])
HOLDER = open_holder(HOUSE)


def asked(**more):
    """The agency's question under way, and the ASK at the holder."""
    asking = Asking(HOUSE, HOUSE.identity_question(**more))
    return asking, next_ask(HOUSE, HOLDER)


def counted(name, before):
    """A figure of the broker's has grown by one."""
    until(lambda: figures(HOUSE)[name] == before[name] + 1, "%s counts one more" % name, PATIENCE_S)


def rejected(asking, log_words, before):
    """The broker refused the answer: the asker gets nothing, the record says why, the log names the fault."""
    status, document = asking.answer()
    equal((status, document["outcome"], document["values"]), (200, "refused", []), "the asker's document")
    equal({f["reason"] for f in document["refused"]}, {"answer-rejected"}, "the reason")
    ending = entry(HOUSE, document["entries"]["ending"])
    equal(ending[1]["kind"], REFUSED)
    equal(ending[3]["reason"], b"answer-rejected", "the reason that the officer reads")
    true(log_words in HOUSE.broker.log_tail(200), "the broker's log says '%s': %s" % (log_words, HOUSE.broker.log_tail(3)))
    after = figures(HOUSE)
    equal(after["answers.rejected"], before["answers.rejected"] + 1, "answers.rejected")
    equal(after["releases"], before["releases"], "releases")


@test
def an_honest_answer_of_the_same_peer_is_released():
    asking, ask = asked()
    ask.send(*ask.build())
    status, document = asking.answer()
    equal((status, document["outcome"], document["withheld"]), (200, "released", []))
    equal([(v["name"], v["value"]) for v in document["values"]], [("full_name", True)])


def over_answered(extra, names):
    """The granted field comes, the others are stripped and on record against the holder."""
    asking, ask = asked()
    ask.send(*ask.build(extra(ask.contents())))
    status, document = asking.answer()
    equal(status, 200, "status: %s" % document)
    equal([(v["name"], v["value"]) for v in document["values"]], [("full_name", True)], "the granted field")
    ending = entry(HOUSE, document["entries"]["ending"])
    equal(ending[1]["kind"], RELEASED)
    equal(ending[3]["over_answered"], names, "what is on record against the holder")


@test
def a_field_that_was_not_asked_for_is_stripped_and_recorded():
    over_answered(lambda granted: granted + [(1, b"home_address", b"full", 512, "ул. Заречная, 1".encode())], [b"home_address"])


@test
def a_field_outside_the_list_before_the_granted_one_is_stripped_and_recorded():
    over_answered(lambda granted: [(63, b"marital_status", b"full", SMALL, b"married")] + granted, [b"marital_status"])


@test
def a_granted_field_in_a_second_form_is_stripped_and_recorded():
    over_answered(lambda granted: granted + [(0, b"full_name", b"full", 512, "Ветрова Анна".encode())], [b"full_name"])


@test
def a_field_asked_for_and_refused_is_stripped_and_recorded():
    fields = [{"name": "full_name", "form": "match", "match": "Ветрова Анна Сергеевна"}, {"name": "marital_status", "form": "full"}]
    asking, ask = asked(fields=fields)
    ask.send(*ask.build(ask.contents() + [(1, b"marital_status", b"full", SMALL, b"married")]))
    status, document = asking.answer()
    equal((status, [v["name"] for v in document["values"]]), (200, ["full_name"]), "values: %s" % document)
    equal([f["name"] for f in document["refused"]], ["marital_status"])
    true("married" not in str(document), "the value of the refused field is nowhere in the document")
    equal(entry(HOUSE, document["entries"]["ending"])[3]["over_answered"], [b"marital_status"])


@test
def the_answer_to_another_exchange_is_rejected():
    first_asking, first = asked()
    second_asking, second = asked()
    before = figures(HOUSE)
    second.send(*first.build())
    rejected(second_asking, "belongs to another request", before)
    first.send(*first.build())
    equal(first_asking.answer()[1]["outcome"], "released", "the other exchange goes on")


@test
def an_answer_to_another_decision_is_rejected():
    asking, ask = asked()
    before = figures(HOUSE)
    ask.send(*ask.build(decision_leaf=sha256(b"another decision")))
    rejected(asking, "names another decision", before)


@test
def a_replayed_answer_is_counted_and_changes_nothing():
    asking, ask = asked()
    before = figures(HOUSE)
    payload, boxes = ask.build()
    ask.send(payload, boxes)
    status, document = asking.answer()
    equal((status, document["outcome"]), (200, "released"))
    ask.send(payload, boxes)
    counted("answers.late", before)
    ask.send(*ask.build(ask.contents(b"false")))
    until(lambda: figures(HOUSE)["answers.late"] == before["answers.late"] + 2, "the second answer counts as late", PATIENCE_S)
    equal(figures(HOUSE)["releases"], before["releases"] + 1, "releases")


@test
def an_old_answer_under_a_new_exchange_is_rejected():
    asking, ask = asked()
    payload, boxes = ask.build()
    ask.send(payload, boxes)
    equal(asking.answer()[1]["outcome"], "released")
    asking, ask = asked()
    before = figures(HOUSE)
    ask.send(payload, boxes)
    rejected(asking, "belongs to another request", before)


@test
def an_answer_that_is_not_signed_by_the_holder_is_rejected():
    for spoil in (lambda sig, payload: {**sig, "signature": bytes(64)},
                  lambda sig, payload: None,
                  lambda sig, payload: HOLDER.sign("request", payload),
                  lambda sig, payload: HOLDER.sign("answer", payload, audience=sha256(b"another federation")),
                  lambda sig, payload: {**sig, "key": bytes(range(32))}):
        asking, ask = asked()
        before = figures(HOUSE)
        payload, boxes = ask.build()
        ask.send(payload, boxes, sig=spoil(HOLDER.sign("answer", payload), payload))
        status, document = asking.answer()
        equal((status, document["outcome"]), (200, "refused"), "document: %s" % document)
        after = figures(HOUSE)
        equal(after["messages.signature-wrong"], before["messages.signature-wrong"] + 1, "messages.signature-wrong")
        equal(after["releases"], before["releases"], "releases")


@test
def a_box_of_another_size_than_its_form_is_rejected():
    for size in (SMALL // 2, SMALL - 1, SMALL + 1, SMALL * 2):
        asking, ask = asked()
        before = figures(HOUSE)
        ask.send(*ask.build([(i, name, form, size, value) for i, name, form, _, value in ask.contents()]))
        rejected(asking, "another size than its form", before)


@test
def boxes_other_than_listed_are_rejected():
    spoils = [(lambda boxes: boxes[:-1], "not as long"), (lambda boxes: boxes + b"\0", "not as long"),
              (lambda boxes: b"", "not as long"), (lambda boxes: bytes([boxes[0] ^ 1]) + boxes[1:], "not as signed")]
    for spoil, words in spoils:
        asking, ask = asked()
        before = figures(HOUSE)
        payload, boxes = ask.build()
        ask.send(payload, spoil(boxes))
        status, document = asking.answer()
        equal((status, document["outcome"]), (200, "refused"), words)
        equal(figures(HOUSE)["answers.rejected"], before["answers.rejected"] + 1, "answers.rejected: %s" % words)


@test
def a_granted_field_that_is_missing_refuses_the_answer():
    fields = [{"name": "full_name", "form": "match", "match": "Ветрова Анна Сергеевна"}, {"name": "birth_date", "form": "match", "match": "1990-01-01"}]
    asking, ask = asked(fields=fields)
    before = figures(HOUSE)
    ask.send(*ask.build(ask.contents()[:1]))
    status, document = asking.answer()
    equal((status, document["outcome"], document["values"]), (200, "refused", []))
    true("a granted field is missing" in HOUSE.broker.log_tail(50), "the broker's log says so")
    equal(figures(HOUSE)["answers.rejected"], before["answers.rejected"] + 1, "answers.rejected")


@test
def a_field_that_is_answered_twice_refuses_the_answer():
    asking, ask = asked()
    before = figures(HOUSE)
    ask.send(*ask.build(ask.contents() * 2))
    rejected(asking, "a field is answered twice", before)


@test
def an_answer_without_fields_or_with_a_wrong_time_is_rejected():
    for changes in ({"fields": []}, {"answered_at": now_ms() - 3600000}, {"answered_at": now_ms() + 3600000}):
        asking, ask = asked()
        before = figures(HOUSE)
        ask.send(*ask.build(**changes))
        status, document = asking.answer()
        equal((status, document["outcome"]), (200, "refused"), "changes: %s" % changes)
        equal(figures(HOUSE)["releases"], before["releases"], "releases")


@test
def another_agencys_node_cannot_answer_in_the_holders_place():
    stranger = open_holder(HOUSE, "clinic-2")
    asking, ask = asked()
    before = figures(HOUSE)
    payload, boxes = ask.build()
    stranger.send("answer", payload, ref=ask.ask["id"], boxes=boxes)
    counted("answers.late", before)
    stranger.close()
    ask.send(payload, boxes)
    equal(asking.answer()[1]["outcome"], "released", "the holder's own answer still counts")


@test
def an_answer_after_the_exchange_has_expired_releases_nothing():
    asking, ask = asked(timeout_ms=1500)
    before = figures(HOUSE)
    until(lambda: figures(HOUSE)["exchanges.expired"] == before["exchanges.expired"] + 1, "the exchange expires", PATIENCE_S)
    ask.send(*ask.build())
    counted("answers.late", before)
    status, document = asking.answer()
    true(status == 504 or document.get("outcome") == "refused", "the asker has no answer: %s %s" % (status, document))
    equal(figures(HOUSE)["releases"], before["releases"], "releases")


def withheld(value):
    asking, ask = asked()
    ask.send(*ask.build(ask.contents(value)))
    status, document = asking.answer()
    equal((status, document["outcome"], document["values"]), (200, "released", []), "document: %s" % document)
    equal([(f["name"], f["fault"]) for f in document["withheld"]], [("full_name", "wider-than-its-form")])
    true(value.decode() not in str(document), "the value is nowhere in the document")
    return document


@test
def a_value_wider_than_its_form_is_withheld_by_the_askers_node_and_reported():
    document = withheld(NAME.encode() + b" 1990")
    true("answer.faulty" in HOUSE.nodes["road-safety"].log_tail(20), "the node's log names the fault")
    ending = document["entries"]["ending"]
    until(lambda: {"index": ending, "state": DELIVERY_FAULTY} in deliveries(ending), "the log has the fault against the answer")


def deliveries(ending):
    """Those in the entries that follow; each look is one entry more."""
    size = figures(HOUSE)["log.size"]
    parts = [entry(HOUSE, index).get(1) for index in range(ending + 1, min(size, ending + 8))]
    return [delivery for part in parts if part for delivery in part["deliveries"]]


@test
def what_is_sealed_otherwise_than_committed_is_refused_by_the_askers_node():
    asking, ask = asked()
    values, boxes = HOLDER.answer(ask.ask, ask.request, ask.asker_key, ask.contents())
    values["fields"][0]["commitment"] = sha256(b"another value")
    ask.send(encode("Answer", values), boxes)
    status, document = asking.answer()
    equal(status, 502, "document: %s" % document)
    true("committed" in str(document), "it says what is wrong: %s" % document)


@test
def a_box_sealed_under_another_key_is_refused_by_the_askers_node():
    asking, ask = asked()
    ask.asker_key = sha256(b"not a key of the asker's")
    ask.send(*ask.build())
    status, document = asking.answer()
    equal(status, 502, "document: %s" % document)
    true("does not open" in str(document), "it says what is wrong: %s" % document)


OPINION = "health.psychiatry-opinion"


def asked_with_consent():
    """A question whose second field is granted as a year, at a dispensary that lies."""
    HOUSE.grant(OPINION)
    holder = open_holder(HOUSE, "psychiatry")
    asking = Asking(HOUSE, HOUSE.consent_question(OPINION, ["no_objection", "examined_on"]))
    return holder, asking, next_ask(HOUSE, holder)


@test
def a_whole_date_in_place_of_its_year_is_withheld_and_the_other_field_is_given():
    holder, asking, ask = asked_with_consent()
    (first, second) = ask.contents()
    equal(second[1:3], (b"examined_on", b"year"), "what was granted")
    ask.send(*ask.build([first, (*second[:4], b"2026-11-09")]))
    status, document = asking.answer()
    equal((status, [v["name"] for v in document["values"]]), (200, ["no_objection"]), "document: %s" % document)
    equal([(f["name"], f["fault"]) for f in document["withheld"]], [("examined_on", "wider-than-its-form")])
    true("2026-11-09" not in str(document), "the date is nowhere in the document")
    holder.close()


@test
def an_answer_in_a_wider_form_than_granted_is_rejected():
    holder, asking, ask = asked_with_consent()
    before = figures(HOUSE)
    (first, second) = ask.contents()
    ask.send(*ask.build([first, (1, b"examined_on", b"full", SMALL, b"2026-11-09")]))
    rejected(asking, "a granted field is missing", before)
    holder.close()


TWO_FIELDS = [{"name": "full_name", "form": "match", "match": NAME}, {"name": "birth_date", "form": "match", "match": "1990-01-01"}]


@test
def an_answer_out_of_its_order_is_rejected_before_it_is_released():
    asking, ask = asked(fields=TWO_FIELDS)
    before = figures(HOUSE)
    ask.send(*ask.build(ask.contents()[::-1]))
    status, document = asking.answer()
    equal((status, document["outcome"]), (200, "refused"), "document: %s" % document)
    equal(figures(HOUSE)["answers.rejected"], before["answers.rejected"] + 1, "answers.rejected")


try:
    finish(HOUSE)
finally:
    HOLDER.close()
