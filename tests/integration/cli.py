#!/usr/bin/env python3
"""The command line against a running broker: members, policy, consents, the record, and what proves
it. One broker serves all tests, which run in order."""

import atexit
import os
import pty
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
sys.path.insert(0, os.path.join(ROOT, "deploy"))

from house import ORIGIN, House  # noqa: E402
from tap import Skip, equal, main, test, true, until  # noqa: E402

BUILD = os.environ.get("VEDOMO_BUILD", os.path.join(ROOT, "build", "asan"))
ROAD_SAFETY = "ru/interior/road-safety"
CERTIFICATE = "health.driver-certificate"
PURPOSE = "driving-licence-issue"
BORIS = "VD-073185-7"  # stands in no sample file, so that it is found wherever it was written


def open_house():
    folder = tempfile.mkdtemp(prefix="vedomo-cli-")
    house = House(folder, build=BUILD)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    house.clear()
    house.make_authorities()
    house.make_members()
    agency = os.path.join(folder, "people", "agency")
    os.makedirs(agency)
    for ending in ("key", "card"):
        shutil.copy2(os.path.join(folder, "agencies", "road-safety", "node." + ending),
                     os.path.join(agency, "agency." + ending))
    house.write("people/agency/profile.yaml", house.profile("agency"))
    atexit.register(house.stop)
    house.start_broker()
    house.wait_for_broker()
    return house


HOUSE = open_house()
KEPT = {}


def vedomo(*words, who, expected=0, stdin=None):
    answer = HOUSE.run(list(words), profile=who, stdin=stdin, check=False)
    equal(answer.status, expected, "vedomo %s as %s: %s%s" % (" ".join(words), who, answer.out, answer.err))
    true(BORIS not in answer.err and BORIS.replace("-", "") not in answer.err, "the identifier stands in a message")
    return answer


def document(*words, **options):
    return vedomo(*words, "--json", **options).json


def person(*words, who, **options):
    return document(*words, "--subject", "-", "--scheme", "vd", who=who, stdin=BORIS + "\n", **options)


def path(name):
    return os.path.join(HOUSE.dir, name)


@test
def the_first_operator_enrols_the_others():
    keys = document("member", "list", who="operator")["keys"]
    equal(sorted(k["role"] for k in keys), ["broker", "operator"])
    before = document("status", who="operator")["figures"]["log.size"]
    added = document("member", "add", *HOUSE.waiting_cards, who="operator")["added"]
    equal([a["entry"] for a in added], list(range(before, before + len(HOUSE.waiting_cards))))
    keys = document("member", "list", who="operator")["keys"]
    equal(len(keys), 2 + len(HOUSE.waiting_cards))
    equal({k["state"] for k in keys}, {"active"})
    shown = document("member", "show", ROAD_SAFETY, who="operator")["keys"]
    equal({k["role"] for k in shown}, {"node"})
    vedomo("member", "show", "ru/nobody", who="operator", expected=1)


@test
def a_card_is_enrolled_once_and_only_when_the_registrar_signed_it():
    vedomo("member", "add", HOUSE.waiting_cards[0], who="operator", expected=1)
    HOUSE.run(["keygen", "--role", "node", "--member", "ru/a", "--node", "n", "--out", "new.key", "--origin", ORIGIN])
    vedomo("member", "add", "new.card", who="operator", expected=1)
    HOUSE.run(["keygen", "--role", "registrar", "--out", "false.key"])
    HOUSE.run(["member", "sign", "new.card", "--registrar", "false.key", "-o", "false.card"])
    vedomo("member", "add", "false.card", who="operator", expected=1)
    HOUSE.run(["member", "sign", "new.card", "--registrar", "authority/registrar.key"])
    size = document("status", who="operator")["figures"]["log.size"]
    vedomo("member", "add", "new.card", "--dry-run", who="operator")
    equal(document("status", who="operator")["figures"]["log.size"], size, "a rehearsal is on record")


@test
def only_an_operator_hands_in():
    vedomo("member", "add", "new.card", who="officer", expected=1)
    vedomo("member", "add", "new.card", who="operator")


@test
def a_bundle_is_compared_then_applied_and_never_goes_back():
    HOUSE.run(["policy", "sign", HOUSE.scenario, "--key", "authority/policy.key", "--origin", ORIGIN, "--serial", "5",
               "-o", "five.bundle"])
    vedomo("policy", "show", who="operator", expected=1)
    preview = document("policy", "apply", "five.bundle", "--dry-run", who="operator")
    true(preview["wider"] > 0, preview)
    equal({d["change"] for d in preview["differences"]}, {"wider"})
    vedomo("policy", "show", who="operator", expected=1)
    document("policy", "apply", "five.bundle", who="operator")
    shown = document("policy", "show", who="officer")
    equal(shown["serial"], 5)
    equal(shown["hash"], preview["hash"])
    document("policy", "apply", "five.bundle", "--dry-run", who="operator", expected=1)
    HOUSE.run(["policy", "sign", HOUSE.scenario, "--key", "authority/policy.key", "--origin", ORIGIN, "--serial", "4",
               "-o", "four.bundle"])
    vedomo("policy", "apply", "four.bundle", who="operator", expected=1)
    equal(document("policy", "show", who="officer")["serial"], 5)


@test
def a_bundle_signed_by_another_key_is_refused_before_it_is_sent():
    HOUSE.run(["keygen", "--role", "policy", "--out", "false-policy.key"])
    HOUSE.run(["policy", "sign", HOUSE.scenario, "--key", "false-policy.key", "--origin", ORIGIN, "--serial", "9",
               "-o", "false.bundle"])
    answer = vedomo("policy", "apply", "false.bundle", who="operator", expected=1)
    true("signed by 0 of the 1 keys" in answer.err, answer.err)


@test
def an_agency_asks_for_a_consent_within_its_agreement():
    asked = person("consent", "request", "--dataset", CERTIFICATE, "--purpose", PURPOSE, "--language", "en",
                   "--receipt", "asked.receipt", who="agency")
    KEPT["consent"] = asked["id"]
    true("Road Safety Inspectorate" in asked["notice"] and "work on your licence" in asked["notice"], asked["notice"])
    listed = person("consent", "list", who="agency")["consents"]
    equal([(c["id"], c["state"]) for c in listed], [(asked["id"], "requested")])
    equal({f["name"] for f in listed[0]["fields"]},
          {"fit", "categories", "restrictions", "valid_until", "certificate_no"})
    person("consent", "request", "--dataset", CERTIFICATE, "--purpose", PURPOSE, "--fields", "diagnoses", who="agency",
           expected=1)
    person("consent", "request", "--dataset", CERTIFICATE, "--purpose", PURPOSE, "--days", "3000", who="agency",
           expected=1)


@test
def a_wrong_identifier_is_refused_without_being_repeated():
    answer = vedomo("consent", "list", "--subject", "-", "--scheme", "vd", who="agency", stdin="VD-073185-8\n",
                    expected=1)
    true("073185" not in answer.out + answer.err, answer.err)


@test
def a_desk_reaches_a_citizen_only_with_the_code_that_the_citizen_holds():
    vedomo("consent", "list", "--subject", "-", "--scheme", "vd", who="desk-7", stdin=BORIS + "\n", expected=1)
    vedomo("consent", "code", "--subject", "-", "--scheme", "vd", who="desk-7", stdin=BORIS + "\n", expected=1)
    code = person("consent", "code", who="portal")["code"]
    vedomo("consent", "open", "--session", "wrong.session", who="desk-7", stdin="0" * 26 + "\n", expected=1)
    true(not os.path.exists(path("wrong.session")), "a refused code left a session")
    typed = code.lower().replace("-", " ")
    document("consent", "open", "--session", "boris.session", "--clerk", "window-7", who="desk-7", stdin=typed + "\n")
    equal(os.stat(path("boris.session")).st_mode & 0o777, 0o600)
    vedomo("consent", "open", "--session", "again.session", who="desk-7", stdin=code + "\n", expected=1)
    listed = document("consent", "list", "--session", "boris.session", who="desk-7")["consents"]
    equal([c["id"] for c in listed], [KEPT["consent"]])
    vedomo("consent", "list", "--session", "boris.session", who="portal", expected=1)


def at_a_terminal(words, typed, who):
    """A command whose standard input is a terminal at which somebody types."""
    try:
        clerk, terminal = pty.openpty()
    except OSError as error:
        raise Skip("no terminal to be had: %s" % error) from error
    env = {**os.environ, "VEDOMO_PROFILE": path("people/%s/profile.yaml" % who)}
    os.write(clerk, typed.encode())
    done = subprocess.run([os.path.join(BUILD, "src", "vedomo"), *words], stdin=terminal, capture_output=True,
                          text=True, cwd=HOUSE.dir, env=env, timeout=60, check=False)
    os.close(clerk)
    os.close(terminal)
    return done


@test
def at_a_terminal_nothing_is_granted_without_a_yes():
    words = ["consent", "grant", KEPT["consent"], "--session", "boris.session", "--language", "en"]
    for typed in ("no\n", "\n", "y\n"):
        done = at_a_terminal(words, typed, "desk-7")
        true(done.returncode != 0, done.stdout)
        true("asks to learn about you" in done.stderr, done.stderr)
    listed = document("consent", "list", "--session", "boris.session", who="desk-7")["consents"]
    equal([c["state"] for c in listed], ["requested"])


@test
def a_citizen_grants_less_than_was_asked_and_never_more():
    shown = vedomo("consent", "show", KEPT["consent"], "--session", "boris.session", "--language", "ru", who="desk-7")
    true("просит разрешения" in shown.out, shown.out)
    grant = ["consent", "grant", KEPT["consent"], "--session", "boris.session"]
    vedomo(*grant, "--fields", "eyesight", who="desk-7", expected=2)
    vedomo(*grant, "--fields", "certificate_no:full", who="desk-7", expected=1)
    granted = document(*grant, "--fields", "fit,categories,valid_until:year", "--clerk", "window-7", "--receipt",
                       "granted.receipt", who="desk-7")
    equal(granted["fields"], ["fit", "categories", "valid_until"])
    listed = document("consent", "list", "--session", "boris.session", who="desk-7")["consents"]
    equal([(c["state"], c["revision"]) for c in listed], [("active", 2)])
    equal([f["form"] for f in listed[0]["fields"]], ["full", "full", "year"])


@test
def a_decision_is_explained_with_the_citizens_consents():
    answer = person("request", "explain", "--dataset", CERTIFICATE, "--purpose", PURPOSE, "--basis", "consent",
                    "--official", "i-1", "--official-role", "inspector", "--case", "c-1",
                    "--fields", "fit,certificate_no:last4,valid_until,diagnoses", who="agency")
    equal([(f["name"], f["given"], f["reason"]) for f in answer["fields"]],
          [("fit", "full", "allowed"), ("certificate_no", "", "no-consent"), ("valid_until", "year", "weaker-form"),
           ("diagnoses", "", "no-agreement")])
    equal(answer["consent"], KEPT["consent"])


@test
def a_receipt_proves_itself_offline_and_one_changed_byte_breaks_it():
    checked = HOUSE.run(["audit", "verify-receipt", "granted.receipt", "--vkey", HOUSE.vkey, "--json"]).json
    equal(checked["proven"], True)
    equal(checked["entry"]["kind"], "consent")
    with open(path("granted.receipt"), "rb") as file:
        good = file.read()
    place = good.index(b"extra ") + 60
    with open(path("broken.receipt"), "wb") as file:
        file.write(good[:place] + (b"A" if good[place:place + 1] != b"A" else b"B") + good[place + 1:])
    broken = HOUSE.run(["audit", "verify-receipt", "broken.receipt", "--vkey", HOUSE.vkey], check=False)
    equal(broken.status, 1)
    other = HOUSE.run(["init", "other", "--origin", ORIGIN, "--registrar", HOUSE.pins["registrar"], "--policy",
                       HOUSE.pins["policy"], "--json"]).json["vkey"]
    equal(HOUSE.run(["audit", "verify-receipt", "granted.receipt", "--vkey", other], check=False).status, 1)


@test
def pause_resume_and_withdraw_follow_one_another_and_withdrawn_is_the_end():
    def change(action, expected=0):
        return vedomo("consent", action, KEPT["consent"], "--session", "boris.session", who="desk-7", expected=expected)

    def state():
        return document("consent", "list", "--session", "boris.session", who="desk-7")["consents"][0]["state"]

    change("resume", expected=1)
    change("pause")
    equal(state(), "paused")
    change("resume")
    equal(state(), "active")
    change("withdraw")
    equal(state(), "withdrawn")
    for action in ("grant", "pause", "resume", "withdraw", "refuse"):
        change(action, expected=1)


@test
def the_citizens_list_shows_every_change_and_every_look():
    looked = person("audit", "list", who="officer")["entries"]
    mine = document("audit", "list", "--session", "boris.session", who="desk-7")["entries"]
    equal([e["index"] for e in mine], sorted((e["index"] for e in mine), reverse=True))
    states = [e["consent_state"] for e in mine if e["kind"] == "consent"]
    equal(states, ["withdrawn", "active", "paused", "active", "requested"])
    looks = [(e["reader"], e["reader_role"]) for e in mine if e["kind"] == "read"]
    true(("ru/region/data-protection", "officer") in looks, "the officer's look is not in the citizen's list")
    true(len(mine) == len(looked) + 1, "the look itself is one entry more")
    vedomo("audit", "list", who="desk-7", expected=1)
    vedomo("audit", "list", who="agency", expected=1)


@test
def a_list_without_a_person_shows_no_person():
    entries = document("audit", "list", "--limit", "500", who="officer")["entries"]
    true(len(entries) > 10, "too few entries")
    for entry in entries:
        true("consent_state" not in entry and "reader" not in entry, entry)


@test
def one_entry_is_shown_to_the_officer_and_that_is_on_record():
    size = document("status", who="officer")["figures"]["log.size"]
    consent = [e for e in document("audit", "list", "--session", "boris.session", who="desk-7")["entries"]
               if e["kind"] == "consent"][0]
    shown = document("audit", "show", str(consent["index"]), who="officer")
    equal(shown["kind"], "consent")
    true(document("status", who="officer")["figures"]["log.size"] > size, "no look on record")
    mine = document("audit", "list", "--session", "boris.session", who="desk-7")["entries"]
    equal(mine[0]["kind"], "read")
    vedomo("audit", "show", "999999", who="officer", expected=1)
    vedomo("audit", "show", "first", who="officer", expected=2)


@test
def an_entry_is_proven_and_its_receipt_verifies():
    proven = document("audit", "prove", "0", who="agency")
    equal((proven["proven"], proven["index"]), (True, 0))
    document("audit", "prove", "3", "-o", "third.receipt", who="officer")
    checked = HOUSE.run(["audit", "verify-receipt", "third.receipt", "--vkey", HOUSE.vkey, "--json"]).json
    equal(checked["entry"]["index"], 3)
    vedomo("audit", "prove", "999999", who="agency", expected=1)


@test
def consistency_is_proven_between_sizes_and_from_a_kept_checkpoint():
    proven = document("audit", "consistency", "2", "9", who="agency")
    equal((proven["consistent"], proven["old_size"], proven["new_size"]), (True, 2, 9))
    with open(path("kept"), "w", encoding="utf-8") as file:
        file.write(document("audit", "prove", "1", who="agency")["checkpoint"])
    newest = document("status", who="officer")["figures"]["log.size"]
    equal(document("audit", "consistency", "kept", str(newest), who="agency")["consistent"], True)
    vedomo("audit", "consistency", "9", "2", who="agency", expected=2)
    vedomo("audit", "consistency", "2", "999999", who="agency", expected=1)


@test
def a_log_that_shows_another_face_is_caught_by_a_kept_checkpoint():
    kept = HOUSE.run(["audit", "verify-receipt", "third.receipt", "--vkey", HOUSE.vkey, "--json"]).json["tree_size"]
    forger = os.path.join(ROOT, "tests", "support", "forge_checkpoint.py")
    subprocess.run(["/usr/bin/python3", forger, os.path.join(HOUSE.home, "keys", "log.key"), str(kept),
                    path("forged")], check=True)
    answer = vedomo("audit", "consistency", "forged", str(kept + 1), who="agency", expected=1)
    true("two faces" in answer.err, answer.err)


@test
def the_whole_log_is_verified_from_outside_and_from_its_folder():
    outside = document("audit", "verify", who="agency")
    equal(outside["whole"], True)
    inside = HOUSE.run(["audit", "verify", "--home", HOUSE.home, "--json"]).json
    equal((inside["whole"], inside["findings"]), (True, []))
    true(inside["bodies"] == inside["size"] >= outside["size"], inside)


@test
def a_suspended_member_is_listed_as_such_until_it_is_resumed():
    order = ["--registrar", "authority/registrar.key", "--reason", "audit"]
    document("member", "suspend", ROAD_SAFETY, *order, who="operator")
    equal(document("member", "show", ROAD_SAFETY, who="operator")["keys"][0]["state"], "suspended")
    vedomo("member", "suspend", ROAD_SAFETY, *order, who="operator", expected=1)
    document("member", "resume", ROAD_SAFETY, *order, who="operator")
    equal(document("member", "show", ROAD_SAFETY, who="operator")["keys"][0]["state"], "active")


@test
def an_order_travels_as_a_file():
    HOUSE.run(["member", "suspend", "ru/a", "--registrar", "authority/registrar.key", "--origin", ORIGIN, "-o",
               "travel.order"])
    document("member", "add", "travel.order", who="operator")
    equal(document("member", "show", "ru/a", who="operator")["keys"][0]["state"], "suspended")


@test
def a_list_longer_than_a_page_is_listed_whole():
    before = len(document("member", "list", who="operator")["keys"])
    names = ["m%d" % number for number in range(110)]
    for name in names:
        HOUSE.run(["keygen", "--role", "node", "--member", "ru/many", "--node", name, "--out", name + ".key",
                   "--origin", ORIGIN])
    cards = [name + ".card" for name in names]
    HOUSE.run(["member", "sign", *cards, "--registrar", "authority/registrar.key"])
    document("member", "add", *cards, who="operator")
    keys = document("member", "list", who="operator")["keys"]
    equal(len(keys), before + len(names))
    equal(sorted(k["node"] for k in document("member", "show", "ru/many", who="operator")["keys"]), sorted(names))
    entries = document("audit", "list", "--limit", "120", who="officer")["entries"]
    equal(len({e["index"] for e in entries}), 120)


@test
def a_session_that_was_closed_reaches_nobody():
    document("consent", "close", "--session", "boris.session", who="desk-7")
    true(not os.path.exists(path("boris.session")), "the session's file is still there")


@test
def a_revoked_key_is_out_at_once_and_for_good():
    document("member", "revoke", "ru/services/mfc-1", "--node", "desk-7", "--registrar", "authority/registrar.key",
             "--reason", "card lost", who="operator")
    keys = document("member", "show", "ru/services/mfc-1", who="operator")["keys"]
    equal({k["node"]: k["state"] for k in keys}["desk-7"], "revoked")
    vedomo("member", "list", "--timeout", "3", who="desk-7", expected=1)
    vedomo("member", "add", os.path.join("people", "desk-7", "desk-7.card"), who="operator", expected=1)


@test
def a_broker_whose_card_the_registrar_did_not_sign_is_not_talked_to():
    HOUSE.run(["keygen", "--role", "registrar", "--out", "other-registrar.key"])
    pin = HOUSE.run(["keygen", "--role", "registrar", "--out", "third-registrar.key", "--json"]).json["public_key"]
    answer = vedomo("status", "--registrar-pin", pin, who="operator", expected=1)
    true("broker's card" in answer.err, answer.err)


@test
def the_identifier_stands_in_no_file_of_the_broker():
    needles = [BORIS.encode(), BORIS.replace("-", "").encode(), b"073185"]
    for folder, _, names in os.walk(HOUSE.dir):
        for name in names:
            file_path = os.path.join(folder, name)
            with open(file_path, "rb") as file:
                content = file.read()
            for needle in needles:
                true(needle not in content, "%s holds the identifier" % file_path)


@test
def what_was_recorded_is_there_after_a_restart():
    size = document("status", who="operator")["figures"]["log.size"]
    HOUSE.broker.kill()
    HOUSE.start_broker()
    after = HOUSE.wait_for_broker()["figures"]["log.size"]
    true(after >= size, "entries were lost: %d, then %d" % (size, after))
    until(lambda: document("policy", "show", who="officer")["serial"] == 5, "the bundle is back")
    equal(document("audit", "verify", who="agency")["whole"], True)


def lines_of_the_broker():
    with open(HOUSE.broker.log_path, encoding="utf-8") as file:
        return file.readlines()


def threads_of_the_broker():
    folder = "/proc/%d/task" % HOUSE.broker.pid
    names = []
    for thread in os.listdir(folder):
        with open(os.path.join(folder, thread, "comm"), encoding="utf-8") as file:
            names.append(file.read().strip())
    return names


@test
def a_changed_file_counts_from_the_next_start_on():
    equal(threads_of_the_broker().count("reader"), 2)
    true(any("broker.serves" in line for line in lines_of_the_broker()), "it says that it serves")
    with open(os.path.join(HOUSE.home, "vedomod.yaml"), "a", encoding="utf-8") as file:
        file.write("threads: {workers: 3, readers: 5}\nwatch: {level: error}\n")
    HOUSE.broker.stop()
    before = len(lines_of_the_broker())
    HOUSE.start_broker()
    HOUSE.wait_for_broker()
    threads = threads_of_the_broker()
    equal((threads.count("worker"), threads.count("reader")), (3, 5), threads)
    equal(lines_of_the_broker()[before:], [], "nothing below the level is written")


main()
