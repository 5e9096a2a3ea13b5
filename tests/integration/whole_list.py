#!/usr/bin/python3
"""One list for each person, proven whole: by a real broker that makes an epoch each second, and through a broker
that lies about the list in every way, with all of its own keys. Each lie is found, and by the check that is meant to."""

import os
import shutil
import signal
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(ROOT, "tests", "support"), os.path.join(ROOT, "deploy")]

import processes  # noqa: E402
from foreign import decode, encode, label, sha256  # noqa: E402
from harness import ANNA, BUILD, PATIENCE_S, Federation  # noqa: E402
from liars import finish, open_peer, shared  # noqa: E402
from middle import Middle  # noqa: E402
from tap import equal, test, true, until  # noqa: E402

ASKER, HOLDER = "road-safety", "population-register"
OTHER = "VD0042187"  # somebody else, of whom an agency asked too


def each_second(house):
    with open(os.path.join(house.home, "vedomod.yaml"), "a", encoding="utf-8") as file:
        file.write("audit:\n  epoch: 1 s\n")


HOUSE = shared(nodes=[ASKER, HOLDER], before=each_second)


def verify(who="officer", subject=None, session=None, broker=None, expected=0, more=()):
    words = ["audit", "verify", "--json", *more]
    words += ["--session", session] if session else ["--subject", "-"]
    words += ["--broker", broker] if broker else []
    answer = HOUSE.run(words, stdin=None if session else (subject or ANNA) + "\n", profile=who, check=False)
    equal(answer.status, expected, "exit status: %s %s" % (answer.out[-600:], answer.err))
    return answer.json


def figures():
    return HOUSE.run(["status", "--json"], profile="operator").json["figures"]


def committed():
    """Waits until an epoch counts all of the list; reads it in a session of the citizen's own."""
    session = HOUSE.session()

    def whole():
        found = HOUSE.run(["audit", "verify", "--json", "--session", session], profile="desk-7", check=False)
        return found.json if found.status == 0 and found.json["not_yet_committed"] == 0 else None
    return until(whole, "an epoch counts the whole list", PATIENCE_S)


@test
def before_the_first_epoch_a_list_is_listed_and_not_proven():
    number = figures().get("epoch.number", 0)
    if number == 0:
        found = HOUSE.run(["audit", "verify", "--json", "--subject", "-"], stdin=ANNA + "\n", profile="officer", check=False)
        true(found.status == 1 or found.json["epoch"], "not proven, or an epoch came meanwhile: %s" % found.out)


@test
def the_citizens_list_is_proven_whole_in_the_citizens_session():
    for _ in range(3):
        status, document = HOUSE.ask(HOUSE.identity_question())
        equal((status, document["outcome"]), (200, "released"))
    found = committed()
    equal((found["proven"], found["entries"]), (True, found["committed"]))
    true(found["entries"] >= 4, "three accesses and a session: %s" % found)
    equal(found["epoch"]["count"], found["entries"])
    members = {item["member"] for item in found["subject_checks"]}
    equal(members, {"ru/interior/road-safety", "ru/tax/population-register"})


@test
def what_is_younger_than_the_epoch_is_listed_and_said_to_be_so():
    session = HOUSE.session()

    def shown():
        HOUSE.ask(HOUSE.identity_question())
        found = verify(who="desk-7", session=session)
        return found["not_yet_committed"] > 0 and found["committed"] > 0
    until(shown, "an entry that no epoch counts yet", PATIENCE_S)
    text = HOUSE.run(["audit", "verify", "--session", session, "--language", "ru"], profile="desk-7").out
    true("Список полный" in text, text)


@test
def an_officers_look_is_on_record_first_and_is_in_the_list_next_time():
    before = verify()["entries"]
    after = verify()["entries"]
    equal(after, before + 1, "the first look is an entry of the list")


@test
def that_nobody_asked_about_a_person_is_proven_too():
    committed()
    found = verify(subject=OTHER)
    equal((found["proven"], found["entries"], found["epoch"]["absent"]), (True, 0, True))
    text = until(lambda: HOUSE.run(["audit", "verify", "--subject", "-"], stdin=OTHER + "\n", profile="officer",
                                   check=False).out, "an answer")
    true("entry" in text.lower(), "the look above is the first entry: %s" % text)


@test
def a_desk_without_the_session_learns_nothing():
    answer = HOUSE.run(["audit", "verify", "--json", "--subject", "-"], stdin=ANNA + "\n", profile="desk-7", check=False)
    equal(answer.status, 1)
    true("session" in answer.err, answer.err)


@test
def an_identifier_on_the_command_line_is_refused():
    answer = HOUSE.run(["audit", "verify", "--subject", ANNA], profile="officer", check=False)
    equal(answer.status, 2)
    true(ANNA not in answer.err, "it is not repeated")


@test
def after_a_restart_the_epoch_is_there_at_once():
    committed()
    number = figures()["epoch.number"]
    HOUSE.broker.stop()
    HOUSE.start_broker()
    HOUSE.wait_for_broker(PATIENCE_S)
    true(figures()["epoch.number"] >= number, "the epoch goes on")
    true(verify()["proven"], "and proves")


@test
def a_broker_that_was_killed_makes_the_next_epoch_from_what_there_is():
    for _ in range(3):
        HOUSE.ask(HOUSE.identity_question())
        HOUSE.broker.popen.send_signal(signal.SIGKILL)
        HOUSE.broker.popen.wait(10)
        HOUSE.start_broker()
        HOUSE.wait_for_broker(PATIENCE_S)
        for short in (ASKER, HOLDER):
            HOUSE.wait_for_node(short, PATIENCE_S)
    until(lambda: verify()["committed"] > 0, "proven", PATIENCE_S)


@test
def a_lost_or_damaged_file_is_made_again():
    folder = os.path.join(HOUSE.home, "epoch")
    for damage in ("lost", "damaged", "cut"):
        HOUSE.broker.stop()
        names = [name for name in os.listdir(folder) if name.endswith(".map")]
        for name in names:
            path = os.path.join(folder, name)
            if damage == "lost":
                os.unlink(path)
            elif damage == "damaged":
                with open(path, "r+b") as file:
                    file.seek(300)
                    byte = file.read(1)
                    file.seek(300)
                    file.write(bytes([byte[0] ^ 1]))
            else:
                os.truncate(path, 100)
        HOUSE.start_broker()
        HOUSE.wait_for_broker(PATIENCE_S)

        def proven():
            answer = HOUSE.run(["audit", "verify", "--json", "--subject", "-"], stdin=ANNA + "\n", profile="officer",
                               check=False)
            return answer.status == 0
        until(proven, "proven again after '%s'" % damage, PATIENCE_S)


@test
def a_list_is_proven_whole_over_what_was_forgotten():
    months = ["2021-03", "2021-04", "2021-06"]

    def before(house):
        each_second(house)
        subprocess.run([os.path.join(BUILD, "tests", "oldlog"), house.home, "vd", ANNA.replace("-", ""), "20", *months], check=True)
    with Federation(before=before) as house:
        def found():
            answer = house.run(["audit", "verify", "--json", "--subject", "-"], stdin=ANNA + "\n", profile="officer", check=False)
            return answer.json

        whole = until(lambda: (lambda one: one if one["proven"] else None)(found()), "proven before", PATIENCE_S)
        equal(whole["forgotten"], 0)
        for count, month in enumerate(months[:2], 1):
            house.run(["audit", "forget", month], profile="officer")
            until(lambda n=count: (lambda one: one["proven"] and one["forgotten"] == n)(found()), "proven after " + month, PATIENCE_S)
            # With the rows of the month in the views, without them, and from views made again.
            figures = house.run(["status", "--json"], profile="operator").json["figures"]
            equal(figures["retention.forgotten-to"], int(month.replace("-", "")))
            house.broker.stop()
            shutil.rmtree(os.path.join(house.home, "views"))
            shutil.rmtree(os.path.join(house.home, "epoch"))
            house.start_broker()
            house.wait_for_broker(PATIENCE_S)
            whole = until(lambda: (lambda one: one if one["proven"] else None)(found()), "proven from new views", PATIENCE_S)
            equal((whole["forgotten"], whole["epoch"]["absent"]), (count, False))


# --- a broker that lies, with its own keys and the log's ---



def officer_key():
    folder = os.path.join(HOUSE.dir, "people", "officer")
    return os.path.join(folder, next(name for name in os.listdir(folder) if name.endswith(".key")))


BETWEEN = Middle(HOUSE, processes.free_ports(1)[0], {"officer": ("ru/region/data-protection",)},
                 key_of=lambda _short: officer_key())


def is_proof(rows):
    return bool(rows["rows"]) and rows["rows"][0]["name"] == b"epoch"


def caught(change, *checks):
    """The command refuses what `change` makes of the rows of the proof, by one of the checks."""
    touched = []

    def lie(_short, values, body):
        rows = decode("Rows", body) if body[:1] == b"\n" and not values["value"] else None
        if not rows or not is_proof(rows):
            return None
        touched.append(True)
        # A long list has more pages: the broker's own ones would follow what was changed.
        return BETWEEN.result_of({**values, "cursor": b""}, change(rows) or rows)
    BETWEEN.lies = {"result": lie}
    found = verify(broker=BETWEEN.endpoint, expected=1)
    BETWEEN.lies = {}
    true(touched, "the lie was told")
    true(found["failed_check"] in checks, "found by %s: %s" % (checks, found))
    return found


def entries(rows):
    return [row for row in rows["rows"] if not row["name"]]


@test
def through_a_broker_that_passes_everything_on_the_list_is_proven():
    committed()
    true(verify(broker=BETWEEN.endpoint)["proven"], "as it is")


@test
def an_entry_that_was_removed_is_found_and_named():
    def removed(place):
        def change(rows):
            rows["rows"].remove(entries(rows)[place])
        return change
    found = caught(removed(2), "gap")
    true(found["failed_entry"] > 0, found)
    caught(removed(-1), "begin")


@test
def a_list_that_was_cut_off_is_found():
    def newest(rows):
        keep = [row for row in rows["rows"] if row["name"]]
        counted = rows["rows"][0]["person"]["count"]
        rows["rows"] = keep + [row for row in entries(rows) if row["number"] < counted]
    caught(newest, "cut")

    def all_gone(rows):
        rows["rows"] = [row for row in rows["rows"] if row["name"]]
    caught(all_gone, "cut")

    def fewer(rows):  # and the place in the map says fewer, too
        newest(rows)
        rows["rows"][0]["person"]["count"] -= 1
    caught(fewer, "map")

    def nobody(rows):
        all_gone(rows)
        rows["rows"][0]["person"].update(absent=True)
    caught(nobody, "map")


@test
def an_entry_that_was_altered_is_found_and_named():
    def part(change):
        def lie(rows):
            extra = entries(rows)[1]["receipt"]["extra"]
            extra["part"] = encode("SubjectPart", change(decode("SubjectPart", extra["part"])))
        return lie
    index = []
    found = caught(lambda rows: (index.append(entries(rows)[1]["index"]),
                                 part(lambda subject: {**subject, "asker": b"ru/social/support"})(rows))[1], "part")
    equal(found["failed_entry"], index[0])
    caught(part(lambda subject: {**subject, "sequence": subject["sequence"] + 1}), "part")

    def leaf(rows):  # a leaf that commits to it, which is in no tree
        extra = entries(rows)[1]["receipt"]["extra"]
        subject = decode("SubjectPart", extra["part"])
        extra["part"] = encode("SubjectPart", {**subject, "asker": b"ru/social/support"})
        own = sha256(label("part"), bytes([extra["part_type"]]), extra["part_salt"], extra["part"])
        hashes = list(extra["others"])
        hashes.insert(1 if len(hashes) == 2 else 0, own)
        extra["leaf"] = extra["leaf"][:6] + sha256(label("body"), bytes([len(hashes)]), *hashes)
    caught(leaf, "inclusion")


@test
def entries_in_another_order_are_found():
    def swapped(rows):
        first = len(rows["rows"]) - len(entries(rows))
        rows["rows"][first + 1], rows["rows"][first + 2] = rows["rows"][first + 2], rows["rows"][first + 1]
    caught(swapped, "gap", "order")

    def twice(rows):
        first = len(rows["rows"]) - len(entries(rows))
        rows["rows"].insert(first + 1, rows["rows"][first])
    caught(twice, "order", "gap")


AUDITOR = open_peer(HOUSE, "auditor", os.path.join(HOUSE.dir, "people", "auditor", "auditor.key"))


def proof_of(subject, size):
    """What the broker answers about somebody else, in the same tree."""
    result, body = AUDITOR.call("query", {"version": 1, "kind": 12, "subject_scheme": b"vd", "subject": subject.encode(),
                                          "to": size})
    equal(result["status"], 0, result["message"])
    return decode("Rows", body)


@test
def an_entry_of_somebody_else_in_the_list_is_found():
    HOUSE.ask(HOUSE.identity_question(subject=OTHER, name="Кто-то"))
    until(lambda: verify(subject=OTHER)["committed"] > 0, "an epoch counts somebody else, too", PATIENCE_S)

    def slipped(rows):
        rows["rows"].insert(rows["rows"].index(entries(rows)[1]), entries(proof_of(OTHER, rows["log_size"]))[0])
    caught(slipped, "filed")

    def slipped_as_a_citizen_sees_it(rows):
        for row in rows["rows"]:
            row["parts"] = []
        other = entries(proof_of(OTHER, rows["log_size"]))[0]
        rows["rows"].insert(rows["rows"].index(entries(rows)[1]), {**other, "parts": []})
    caught(slipped_as_a_citizen_sees_it, "gap", "order", "link")

    def whole_list(rows):  # somebody else's list under this person's place
        rows["rows"] = [rows["rows"][0]] + entries(proof_of(OTHER, rows["log_size"]))
    caught(whole_list, "filed")

    def place(rows):  # this person's entries under somebody else's place
        rows["rows"][0] = proof_of(OTHER, rows["log_size"])["rows"][0]
    caught(place, "filed")


@test
def what_an_officer_sees_besides_is_what_the_entry_commits_to():
    def tag(rows):
        part = next(part for part in entries(rows)[0]["parts"] if part["type"] == 3)
        officer = decode("OfficerPart", part["bytes"])
        part["bytes"] = encode("OfficerPart", {**officer, "tag": officer["tag"][:5] + b"\0" * 28})
    caught(tag, "part")


@test
def another_epoch_or_another_map_is_found():
    def root(rows):
        extra = rows["rows"][0]["receipt"]["extra"]
        public = decode("PublicPart", extra["part"])
        extra["part"] = encode("PublicPart", {**public, "map_root": b"\1" * 32})
    caught(root, "part")

    def salt(rows):
        rows["rows"][0]["person"]["salt"] = b"\2" * 32
    caught(salt, "map")

    def no_epoch(rows):  # what is withheld is missed, not taken for proven
        rows["rows"][0].update(receipt=None, person=None)
    BETWEEN.lies = {"result": lambda _short, values, body: (lambda rows: BETWEEN.result_of(
        values, (no_epoch(rows), rows)[1]) if is_proof(rows) else None)(decode("Rows", body))
        if body[:1] == b"\n" and not values["value"] else None}
    found = verify(broker=BETWEEN.endpoint, expected=1)
    BETWEEN.lies = {}
    equal(found["proven"], False)

    def other_entry(rows):  # an entry that is no epoch
        rows["rows"][0]["receipt"] = entries(rows)[0]["receipt"]
        rows["rows"][0]["index"] = entries(rows)[0]["index"]
    caught(other_entry, "part", "epoch")


@test
def an_old_epoch_with_the_list_of_then_is_not_taken_for_the_newest():
    old = []
    committed()

    def keep(_short, values, body):
        rows = decode("Rows", body) if body[:1] == b"\n" and not values["value"] else None
        if rows and is_proof(rows):
            old.append((values, rows))

    BETWEEN.lies = {"result": keep}
    true(verify(broker=BETWEEN.endpoint)["proven"], "as it is")
    true(old, "an answer was kept")
    was, whole = old[0]
    counted = whole["rows"][0]["person"]["count"]
    then = {**whole, "rows": [row for row in whole["rows"] if row["name"] or row["number"] <= counted]}
    for _ in range(2):
        HOUSE.ask(HOUSE.identity_question())

    def tell(_short, values, body):
        rows = decode("Rows", body) if body[:1] == b"\n" and not values["value"] else None
        # With the cursor of then: each look is an entry, and by now the list may have a page more.
        return BETWEEN.result_of({**values, "cursor": was["cursor"]}, then) if rows and is_proof(rows) else None

    def found():
        answer = HOUSE.run(["audit", "verify", "--json", "--subject", "-", "--epoch-within", "5", "--broker",
                            BETWEEN.endpoint], stdin=ANNA + "\n", profile="officer", check=False)
        return answer.json if answer.status == 1 else None

    BETWEEN.lies = {"result": tell}
    lie = until(found, "the old epoch is overdue", PATIENCE_S)
    equal((lie["proven"], lie["epoch"]["overdue"], lie.get("failed_check")), (False, True, None))
    BETWEEN.lies = {}
    honest = until(lambda: (lambda one: one if one["proven"] else None)(verify(more=("--epoch-within", "60"))), "proven")
    equal(honest["epoch"]["overdue"], False)


@test
def an_entry_is_not_forgotten_because_the_broker_says_so():
    def forgotten(rows):
        row = entries(rows)[1]
        row.update(forgotten=True, leaf=row["receipt"]["extra"]["leaf"], announcement=row["receipt"]["proof"], receipt=None,
                   parts=[])
    caught(forgotten, "forgotten")


@test
def a_whole_tree_that_was_forged_with_the_logs_key_is_found_by_the_checkpoint_that_was_kept():
    def forged(rows):
        for row in rows["rows"]:
            if row["receipt"]:
                size = int(row["receipt"]["checkpoint"].split(b"\n")[1])
                row["receipt"]["checkpoint"] = BETWEEN.checkpoint(size, sha256(b"another tree"))
    caught(forged, "inclusion")

    def alone(rows):  # one entry, in a tree that holds nothing else
        row = entries(rows)[0]
        leaf = sha256(b"\0", row["receipt"]["extra"]["leaf"])
        row.update(index=0)
        row["receipt"].update(index=0, proof=b"", checkpoint=BETWEEN.checkpoint(1, leaf))
        row["parts"] = []
        rows["rows"] = [{**rows["rows"][0], "receipt": None, "person": None}, row]
    caught(alone, "fork")


def closing():
    AUDITOR.close()
    BETWEEN.stop()


finish(HOUSE, closing)
