#!/usr/bin/python3
"""What officers ask the record, in a real federation: every filter, alone and with others, against what
was really asked; counts, exports, reports, holds; who may ask at all; and that every look at a person
stands in that person's list. One federation serves all tests, which run in order."""

import atexit
import csv
import io
import itertools
import json
import os
import random
import stat
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "tests", "support")]

import foreign  # noqa: E402
from harness import ANNA, ORIGIN, PATIENCE_S, Federation  # noqa: E402
from tap import equal, main, test, true, until  # noqa: E402

ROAD_SAFETY = "ru/interior/road-safety"
REGISTER = "ru/tax/population-register"
CLINIC = "ru/health/clinic-2"
OFFICE = "ru/region/data-protection"
CERTIFICATE = "health.driver-certificate"
BORIS = "VD-073185-7"


def second_officer(house):
    card = house.keygen("officer", os.path.join("people", "officer-2"), OFFICE, "officer-2")
    house.write(os.path.join("people", "officer-2", "profile.yaml"), house.profile("officer-2"))
    house.sign_cards([card])
    house.waiting_cards.append(card)


def open_house():
    house = Federation(("road-safety", "population-register", "clinic-2"), before=second_officer)
    house.__enter__()
    atexit.register(house.finish, True)
    return house


HOUSE = open_house()
ASKED = []  # what was asked for, as this test knows it


def vedomo(*words, who="officer", expected=0, stdin=None):
    answer = HOUSE.run(list(words), profile=who, stdin=stdin, check=False, timeout=PATIENCE_S)
    equal(answer.status, expected, "vedomo %s as %s: %s%s" % (" ".join(words), who, answer.out, answer.err))
    return answer


def document(*words, **more):
    return vedomo(*words, "--json", **more).json


def person(*words, subject=ANNA, **more):
    return document(*words, "--subject", "-", "--scheme", "vd", stdin=subject + "\n", **more)


def exported(*words, **more):
    """Rows of an export; without people, so that asking changes nobody's list."""
    people = [] if more.pop("people", False) else ["--without-people"]
    answer = vedomo("audit", "export", "-", "--format", "jsonl", *people, *words, **more)
    return [json.loads(line) for line in answer.out.splitlines()]


def decisions(*words, **more):
    return {row["exchange"] for row in exported("--kind", "decision", *words, **more)}


def ask(question, holder):
    status, answer = HOUSE.ask(question)
    equal(status, 200, answer)
    refused = {field["name"]: field["reason"] for field in answer["refused"]}
    names = [field["name"] for field in question["fields"]]
    granted = len(names) - len(refused)
    ASKED.append({
        "id": answer["id"], "subject": question["subject"]["id"], "holder": holder, "dataset": question["dataset"],
        "purpose": question["purpose"], "basis": question["basis"]["kind"], "official": question["official"]["id"],
        "role": question["official"]["role"], "case": question["case"], "fields": names, "refused": refused,
        "verdict": "all" if granted == len(names) else "some" if granted else "none",
        "released": answer["outcome"] == "released",
        "over": [name for name, reason in refused.items() if reason == "no-agreement"]})
    return answer


def matching(**wanted):
    """Ids of what was asked for with all of this."""
    return {a["id"] for a in ASKED if all(
        value in a["fields"] if name == "field" else
        value in a["refused"].values() if name == "reason" else
        bool(a["over"]) == value if name == "over" else a[name] == value for name, value in wanted.items())}


def list_of(subject):
    return person("audit", "list", "--limit", "1000", subject=subject, who="auditor")["entries"]


@test
def requests_of_many_kinds_are_made():
    name = "Ветрова Анна Сергеевна"
    for number in range(18):
        subject = ANNA if number % 3 else BORIS
        question = HOUSE.identity_question(subject=subject, name=name)
        question["official"] = {"id": "inspector-%d" % (number % 4), "role": "inspector"}
        question["case"] = ["case A", "=1+1", "дело Б"][number % 3]
        if number % 2:
            question["fields"].append({"name": "birth_date", "form": "match", "match": "1990-01-01"})
        if number % 5 == 0:
            question["fields"].append({"name": "home_address"})
        if number == 7:
            question["official"] = {"id": "@inspector", "role": "caseworker"}
        ask(question, REGISTER)
    consent, _ = HOUSE.grant(CERTIFICATE, fields=["fit", "categories"])
    true(consent, "a consent is there")
    fields = [{"name": n} for n in ("fit", "categories", "restrictions", "diagnoses")]
    for number in range(3):
        question = HOUSE.consent_question(CERTIFICATE, fields)
        question["official"]["id"] = "doctor-%d" % number
        ask(question, CLINIC)
    true(any(a["released"] for a in ASKED) and any(a["verdict"] == "none" for a in ASKED), "both yes and no")
    true(len({a["verdict"] for a in ASKED}) == 3, {a["verdict"] for a in ASKED})


FILTERS = [("holder", "--holder"), ("dataset", "--dataset"), ("purpose", "--purpose"), ("basis", "--basis"),
           ("official", "--official"), ("role", "--role"), ("case", "--case"), ("verdict", "--verdict"),
           ("field", "--field"), ("reason", "--reason")]


def values_of(name):
    if name == "field":
        return sorted({f for a in ASKED for f in a["fields"]})
    if name == "reason":
        return sorted({r for a in ASKED for r in a["refused"].values()})
    return sorted({a[name] for a in ASKED})


# What an agency is told may be coarser than the true reason, which officers search by.
COARSE = {"no-consent"}


@test
def every_filter_alone_finds_exactly_what_was_asked():
    equal(decisions(), {a["id"] for a in ASKED}, "all decisions")
    for name, option in FILTERS:
        for value in values_of(name):
            if name == "reason" and value in COARSE:
                continue
            equal(decisions(option, value), matching(**{name: value}), "%s %s" % (option, value))
    equal(decisions("--over-asked"), matching(over=True), "--over-asked")
    equal(decisions("--member", CLINIC), matching(holder=CLINIC), "--member")
    equal(decisions("--asker", ROAD_SAFETY), {a["id"] for a in ASKED}, "--asker")
    equal(decisions("--asker", CLINIC), set(), "--asker of nobody")
    one = ASKED[4]["id"]
    equal(decisions("--exchange", one), {one}, "--exchange")
    equal({row["kind"] for row in exported("--exchange", one)}, {"decision", "released"}, "an exchange's entries")
    key = exported("--exchange", one, "--kind", "decision")[0]["signed_by"]
    equal(decisions("--signed-by", key), {a["id"] for a in ASKED}, "--signed-by")
    equal(decisions("--signed-by", "00" * 31 + "01"), set(), "--signed-by nobody")
    released = {row["exchange"] for row in exported("--kind", "released")}
    equal(released, {a["id"] for a in ASKED if a["released"]}, "--kind released")


@test
def a_field_that_is_refused_for_a_true_reason_is_found_by_it():
    rows = exported("--reason", "no-consent", "--kind", "decision", people=True)
    true(rows and all("(no-consent)" in row["fields"] for row in rows), rows)


@test
def filters_together_find_what_meets_them_all():
    draw = random.Random(7)
    pairs = list(itertools.combinations([f for f in FILTERS if f[0] != "reason"], 2))
    draw.shuffle(pairs)
    some = 0
    for (one, one_option), (two, two_option) in pairs[:14]:
        a, b = draw.choice(values_of(one)), draw.choice(values_of(two))
        found = decisions(one_option, a, two_option, b, "--unchecked")
        equal(found, matching(**{one: a, two: b}), "%s=%s %s=%s" % (one, a, two, b))
        some += bool(found)
    true(some > 2, "some pairs find something")


@test
def a_person_s_list_takes_filters_too():
    rows = person("audit", "list", "--kind", "decision", "--official", "inspector-2")["entries"]
    equal(len(rows), len(matching(subject=ANNA, official="inspector-2")))
    counted = person("audit", "count", "--by", "dataset", "--kind", "decision", subject=BORIS)
    equal(counted["total"], len(matching(subject=BORIS)))


@test
def a_time_range_holds_exactly_its_entries():
    first = exported("--kind", "decision")[-1]["time"]
    equal(decisions("--until", "2020-01-01"), set())
    equal(decisions("--since", first), {a["id"] for a in ASKED})
    equal(decisions("--since", "2999-01-01"), set())
    # A day counts whole; a time to the minute is one, with or without its Z.
    equal(decisions("--since", first[:10], "--until", exported()[0]["time"][:10]), {a["id"] for a in ASKED})
    for minute in (first[:16], first[:16] + "Z", first[:16].replace("T", " ")):
        equal(decisions("--since", minute), {a["id"] for a in ASKED}, minute)
    for wrong in ("2026-02-30", "2026-02-01T7:30", "2026-02-01T24:00", "2026-02-01T07:30:61Z", "2026-02-01T", "now"):
        true(wrong in vedomo("audit", "list", "--since", wrong, expected=2).err, wrong)
    vedomo("audit", "list", "--since", "2026-02-01", "--until", "2026-01-01", expected=2)


@test
def names_that_nobody_knows_are_refused_by_the_option_that_has_them():
    for option, value in (("--asker", "ru/nobody"), ("--dataset", "no.such"), ("--field", "nothing"),
                          ("--purpose", "fun"), ("--role", "wizard"), ("--basis", "mood"), ("--verdict", "maybe"),
                          ("--reason", "whim"), ("--kind", "rumour"), ("--signed-by", "xyz"), ("--exchange", "1")):
        answer = vedomo("audit", "list", option, value, expected=2)
        true(option in answer.err, answer.err)
    equal(decisions("--asker", "ru/nobody", "--unchecked"), set())


@test
def counts_are_as_many_as_the_list_has_entries():
    for by, name in (("holder", "holder"), ("dataset", "dataset"), ("purpose", "purpose"), ("official", "official"),
                     ("role", "role"), ("case", "case"), ("verdict", "verdict"), ("basis", "basis")):
        counts = document("audit", "count", "--by", by, "--kind", "decision")["counts"]
        equal({c[by]: c["count"] for c in counts}, {v: len(matching(**{name: v})) for v in values_of(name)}, by)
    counts = document("audit", "count", "--by", "field", "--kind", "decision")["counts"]
    equal({c["field"]: c["count"] for c in counts}, {v: len(matching(field=v)) for v in values_of("field")}, "field")
    total = document("audit", "count", "--by", "kind", "--until", exported()[0]["time"])
    equal(total["total"] <= len(exported()), True)
    both = document("audit", "count", "--by", "holder", "--by", "official", "--kind", "decision")["counts"]
    equal({(c["holder"], c["official"]): c["count"] for c in both},
          {pair: len(matching(holder=pair[0], official=pair[1]))
           for pair in {(a["holder"], a["official"]) for a in ASKED}}, "two at a time")
    days = document("audit", "count", "--by", "day", "--kind", "decision")["counts"]
    equal(sum(c["count"] for c in days), len(ASKED))
    vedomo("audit", "count", "--by", "colour", expected=2)
    vedomo("audit", "count", expected=2)


def officer_peer(who="officer"):
    peer = foreign.Peer(HOUSE.endpoint, os.path.join(HOUSE.dir, "people", who, who + ".key"), HOUSE.broker_card,
                        ORIGIN, timeout_s=PATIENCE_S)
    peer.hello()
    return peer


@test
def pages_miss_nothing_and_repeat_nothing_while_the_log_grows():
    before = {row["entry"] for row in exported("--member", REGISTER)}
    peer = officer_peer()
    seen, cursor, pages = [], b"", 0
    while True:
        values = {"version": 1, "kind": 5, "member": REGISTER.encode(), "limit": 3, "cursor": cursor}
        result, body = peer.call("query", values)
        equal(result.get("status", 0), 0, result)
        rows = foreign.decode("Rows", body)["rows"]
        seen += [str(row["index"]) for row in rows]
        cursor = result.get("cursor", b"")
        pages += 1
        if not cursor:
            break
        if pages < 5:
            ask(HOUSE.identity_question(), REGISTER)
    equal(len(seen), len(set(seen)), "an entry came twice")
    equal(set(seen), before, "what was there when the list began")
    equal(seen, sorted(seen, key=int, reverse=True), "newest first")
    true(pages > 5, pages)
    peer.close()


@test
def a_cursor_serves_its_own_question_and_nobody_else_s():
    peer, other = officer_peer(), officer_peer("officer-2")
    values = {"version": 1, "kind": 5, "limit": 2, "filter": {"holder": REGISTER.encode()}}
    cursor = peer.call("query", values)[0]["cursor"]
    equal(peer.call("query", {**values, "cursor": cursor})[0].get("status", 0), 0)
    equal(peer.call("query", {**values, "filter": {"holder": CLINIC.encode()}, "cursor": cursor})[0]["status"], 2)
    equal(peer.call("query", {**values, "cursor": b"5." + b"0" * 16})[0]["status"], 2)
    equal(peer.call("query", {**values, "cursor": b"5"})[0]["status"], 2)
    equal(other.call("query", {**values, "cursor": cursor})[0]["status"], 2)
    peer.close()
    other.close()


@test
def a_list_without_people_shows_none_and_one_with_people_is_in_the_list_of_each():
    anna, boris = len(list_of(ANNA)), len(list_of(BORIS))
    rows = exported("--holder", CLINIC)
    true(rows and not any("person" in row or "official" in row or "case" in row for row in rows), rows)
    equal((len(list_of(ANNA)), len(list_of(BORIS))), (anna + 1, boris + 1), "the auditor's own looks alone")
    rows = exported("--holder", CLINIC, people=True)
    equal(len({row["person"] for row in rows if "person" in row}), 1)
    equal((len(list_of(ANNA)), len(list_of(BORIS))), (anna + 3, boris + 2), "Anna was in it, Boris was not")
    rows = exported("--kind", "decision", people=True)
    equal(len({row["person"] for row in rows}), 2)
    equal((len(list_of(ANNA)), len(list_of(BORIS))), (anna + 5, boris + 4), "both were")
    newest = [e for e in list_of(ANNA) if e["kind"] == "read"]
    shown = [vedomo("audit", "show", str(e["index"])).out for e in newest[:4]]
    true(any("list with the people in it" in text and "why=export" in text for text in shown), shown)


@test
def the_question_is_on_record_with_its_conditions():
    vedomo("audit", "count", "--by", "day", "--official", "inspector-3", "--purpose", "identity-check", "--kind", "decision",
           "--basis", "law", "--since", "2026-01-02")
    newest = exported("--kind", "read")[0]
    shown = vedomo("audit", "show", newest["entry"]).out
    rows = exported("--kind", "read", people=True)
    asked = next((row["question"] for row in rows if "official=inspector-3" in row.get("question", "")), "")
    for words in ("since=2026-01-02T", "purpose=identity-check", "kind=decision", "basis=law"):
        true(words in asked, (words, asked, shown))


@test
def an_export_is_one_whole_file_whose_cells_no_spreadsheet_computes():
    path = os.path.join(HOUSE.dir, "evidence.csv")
    answer = document("audit", "export", path, "--kind", "decision", "--why", "case 12")
    equal(answer["entries"], len(ASKED))
    equal(stat.S_IMODE(os.stat(path).st_mode), 0o600)
    equal([n for n in os.listdir(HOUSE.dir) if n.startswith("evidence.csv.")], [], "what was beside it")
    with open(path, "rb") as file:
        raw = file.read()
    equal(raw.count(b"\r\n"), len(ASKED) + 1)
    rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8"), newline="")))
    equal({row["exchange"] for row in rows}, {a["id"] for a in ASKED})
    by_id = {row["exchange"]: row for row in rows}
    for a in ASKED:
        for column in ("case", "official"):
            cell = by_id[a["id"]][column]
            equal(cell, "'" + a[column] if a[column][0] in "=+-@" else a[column])
    true(all(cell[:1] not in ("=", "+", "-", "@") for row in rows for cell in row.values()), "a formula")
    vedomo("audit", "export", os.path.join(HOUSE.dir, "no", "such", "file.csv"), expected=1)
    vedomo("audit", "export", "-", "--format", "xml", expected=2)
    equal(len(exported("--kind", "decision", "--limit", "2")), 2)


@test
def over_asking_counts_what_no_agreement_allows_and_nothing_that_a_citizen_declined():
    report = {(r["asker"], r["purpose"]): r for r in document("audit", "over-asking")["over_asking"]}
    for purpose in {a["purpose"] for a in ASKED}:
        mine = [a for a in ASKED if a["purpose"] == purpose]
        row = report[(ROAD_SAFETY, purpose)]
        equal(row["requests"], len(mine))
        equal(row["fields"], sum(len(a["fields"]) for a in mine))
        equal(row["over_asked"], sum(len(a["over"]) for a in mine), purpose)
    licence = [a for a in ASKED if a["dataset"] == CERTIFICATE]
    true(all(a["refused"]["restrictions"] == "no-consent" for a in licence), "the citizen declined it")
    equal(report[(ROAD_SAFETY, "driving-licence-issue")]["over_asked"], len(licence), "diagnoses alone")


@test
def a_breach_is_reported_by_person_field_and_day_with_a_letter_to_each():
    folder = os.path.join(HOUSE.dir, "letters")
    boris = len(list_of(BORIS))
    report = document("audit", "breach", "--official", "inspector-0", "--member", ROAD_SAFETY, "--letters", folder)
    mine = [a for a in ASKED if a["official"] == "inspector-0"]
    equal(report["people"], len({a["subject"] for a in mine}))
    equal(report["requests"], len(mine))
    equal(report["passed_on"], sum(a["released"] for a in mine))
    granted = [f for a in mine if a["released"] for f in a["fields"] if f not in a["refused"]]
    equal({f["name"]: f["count"] for f in report["fields"]},
          {"identity.person." + f: granted.count(f) for f in set(granted)})
    equal(sum(d["count"] for d in report["days"]), len(mine))
    people = {p["person"]: p["requests"] for p in report["by_person"]}
    equal(set(os.listdir(folder)), {p + ".txt" for p in people} | {"addresses.csv"})
    with open(os.path.join(folder, "addresses.csv"), encoding="utf-8", newline="") as file:
        addresses = list(csv.DictReader(file))
    equal({a["letter"] for a in addresses}, set(people))
    for address in addresses:
        equal(address["holder"], REGISTER)
        asked = [a for a in ASKED if a["id"] == address["exchange"]]
        equal(len(asked), 1, "the holder can find whom the letter is for")
        with open(os.path.join(folder, address["letter"] + ".txt"), encoding="utf-8") as file:
            letter = file.read()
        true("Госавтоинспекция" in letter and "Road Safety Inspectorate" in letter, letter)
        equal(letter.count("Кто:"), people[address["letter"]])
        true(ANNA not in letter and BORIS not in letter and "inspector-0" not in letter, letter)
        true("+7 000 000-10-08" in letter, "whom to ask")
    equal(len(list_of(BORIS)), boris + 1 + (1 if any(a["subject"] == BORIS for a in mine) else 0))
    key = exported("--kind", "decision")[0]["signed_by"]
    equal(document("audit", "breach", "--signed-by", key)["requests"], len(ASKED))
    vedomo("audit", "breach", "--official", "inspector-0", expected=2)


@test
def a_hold_is_set_by_one_officer_and_lifted_by_another():
    made = person("audit", "hold", "set", "--case", "дело 7", "--since", "2026-01-01")
    other = document("audit", "hold", "set", "--case", "case 8", "--member", CLINIC)
    holds = {h["hold"]: h for h in document("audit", "hold", "list", who="auditor")["holds"]}
    equal({h["case"] for h in holds.values()}, {"дело 7", "case 8"})
    true(holds[made["hold"]]["about_a_person"] and not holds[other["hold"]]["about_a_person"], holds)
    equal(holds[other["hold"]]["member"], CLINIC)
    answer = vedomo("audit", "hold", "lift", made["hold"], expected=1)
    true("another officer" in answer.err, answer.err)
    vedomo("audit", "hold", "lift", made["hold"], who="officer-2")
    answer = vedomo("audit", "hold", "lift", made["hold"], who="officer-2", expected=1)
    true("already" in answer.err, answer.err)
    holds = {h["hold"]: h for h in document("audit", "hold", "list")["holds"]}
    equal(holds[made["hold"]]["state"], "lifted")
    equal(holds[other["hold"]]["state"], "set")
    vedomo("audit", "hold", "lift", "00000000-0000-0000-0000-000000000001", who="officer-2", expected=1)
    vedomo("audit", "hold", "set", expected=2)
    shown = exported("--kind", "hold")
    equal(len(shown), 3)
    true(not any("person" in row for row in shown), "an entry about a hold leads to nobody")


@test
def whoever_has_another_role_asks_none_of_this():
    for who in ("operator", "portal", "desk-7", "licence-office"):
        for words in (["audit", "list"], ["audit", "count", "--by", "asker"], ["audit", "export", "-"],
                      ["audit", "over-asking"], ["audit", "hold", "list"],
                      ["audit", "hold", "set", "--case", "x"],
                      ["audit", "breach", "--official", "a", "--member", ROAD_SAFETY]):
            vedomo(*words, who=who, expected=1)
    vedomo("audit", "hold", "set", "--case", "x", who="auditor", expected=1)
    vedomo("member", "add", HOUSE.waiting_cards[0], who="officer", expected=1)


def picture():
    """What many questions are answered, but for the looks themselves."""
    shown = [sorted(decisions(option, value)) for name, option in FILTERS for value in values_of(name)[:2]]
    shown.append(document("audit", "count", "--by", "asker", "--by", "purpose", "--kind", "decision"))
    shown.append(document("audit", "over-asking"))
    shown.append(document("audit", "hold", "list"))
    return shown


@test
def rebuilt_views_answer_the_same():
    before = picture()
    HOUSE.broker.stop()
    os.rename(os.path.join(HOUSE.home, "views"), os.path.join(HOUSE.home, "views.old"))
    HOUSE.start_broker()
    HOUSE.wait_for_broker(PATIENCE_S)
    until(lambda: HOUSE.run(["audit", "list", "--limit", "1"], profile="officer", check=False).status == 0,
          "the broker answers")
    equal(picture(), before)


@test
def no_pseudonym_and_no_case_stands_in_the_views():
    with open(os.path.join(HOUSE.home, "views", "data.mdb"), "rb") as file:
        views = file.read()
    for a in ASKED:
        true(a["official"].encode() not in views, "an official's pseudonym")
        true(a["case"].encode() not in views or len(a["case"]) < 5, "a case")


if __name__ == "__main__":
    main()
