#!/usr/bin/python3
"""Agencies' own systems at their nodes, against a real broker: what comes back, how "no" is said, and
what happens when a register, a node or the broker is slow, wrong or gone."""

import json
import os
import re
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "tests", "support")]

from harness import PATIENCE_S, Federation  # noqa: E402
from tap import equal, main, test, true, until  # noqa: E402

PAIR = ("road-safety", "population-register")
CERTIFICATE = "health.driver-certificate"


def by_name(items):
    return {item["name"]: item for item in items}


def config_of(house, short):
    return os.path.join(house.dir, "agencies", short, "node.yaml")


def change_config(house, short, old, new):
    path = config_of(house, short)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    true(old in text, "the configuration has %r" % old)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace(old, new))


def restart(house, short):
    house.nodes[short].stop()
    house.start_node(short)
    house.wait_for_node(short, PATIENCE_S)


def check(house, short, *more):
    """`vedomo-node check`: exit status and what it printed."""
    done = subprocess.run([os.path.join(house.bin, "vedomo-node"), *more, "check", config_of(house, short)],
                          capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    return done.returncode, done.stdout


def stop_nodes(house):
    for node in house.nodes.values():
        node.stop()


def new_policy(house, serial):
    """The scenario with one title changed."""
    changed = os.path.join(house.dir, "scenario-%d" % serial)
    os.makedirs(changed)
    for name in os.listdir(house.scenario):
        with open(os.path.join(house.scenario, name), encoding="utf-8") as file:
            text = file.read()
        with open(os.path.join(changed, name), "w", encoding="utf-8") as file:
            file.write(text.replace("Регистр населения", "Реестр населения"))
    house.scenario = changed
    house.apply_policy(serial)


@test
def a_match_by_law_says_yes_or_no_and_never_the_value():
    with Federation(PAIR) as house:
        status, answer = house.ask(house.identity_question())
        equal(status, 200)
        equal(answer["outcome"], "released")
        equal([v["value"] for v in answer["values"]], [True])
        status, answer = house.ask(house.identity_question(name="Другая Фамилия"))
        equal([v["value"] for v in answer["values"]], [False])
        true("Ветрова" not in json.dumps(answer, ensure_ascii=False), "the register's value stays where it is")


@test
def receipts_are_files_that_verify_offline_and_a_flipped_byte_does_not():
    with Federation(PAIR) as house:
        _, answer = house.ask(house.identity_question())
        for kind in ("decision", "ending"):
            path = answer["receipts"][kind]
            house.run(["audit", "verify-receipt", path, "--vkey", house.vkey])
            with open(path, "rb") as file:
                text = bytearray(file.read())
            at = text.index(b"extra ") + 40
            text[at] = ord("A") if text[at] != ord("A") else ord("B")
            copy = path + ".copy"
            with open(copy, "wb") as file:
                file.write(text)
            wrong = house.run(["audit", "verify-receipt", copy, "--vkey", house.vkey], check=False)
            equal(wrong.status, 1)
        true(answer["entries"]["ending"] > answer["entries"]["decision"], "the release follows the decision")


@test
def a_refused_field_has_its_code_and_its_sentence_in_the_callers_language():
    with Federation(PAIR) as house:
        question = house.identity_question(fields=[{"name": "full_name"}])
        status, answer = house.call("road-safety", "POST", "/v1/requests", question)
        equal(status, 200)
        equal(answer["outcome"], "refused")
        equal(answer["values"], [])
        field = answer["refused"][0]
        true(re.search("[а-я]", field["sentence"]), "a sentence in Russian")
        true(house.vkey and answer["receipts"]["decision"], "a refusal has its receipt too")
        question["case"] = house.case()
        _, answer = house.call("road-safety", "POST", "/v1/requests", question, language="en-GB, ru;q=0.5")
        true(answer["refused"][0]["sentence"].startswith("Refused:"), "a sentence in English")


@test
def with_consent_the_granted_fields_come_and_the_others_say_why_not():
    with Federation(("road-safety", "clinic-2")) as house:
        house.grant(CERTIFICATE, fields=["fit", "categories", "valid_until"])
        fields = ["fit", "categories", "valid_until", "restrictions", "diagnoses"]
        status, answer = house.ask(house.consent_question(CERTIFICATE, fields))
        equal(status, 200)
        values = by_name(answer["values"])
        equal(sorted(values), ["categories", "fit", "valid_until"])
        true(isinstance(values["fit"]["value"], bool), "yes and no are booleans")
        true(isinstance(values["categories"]["value"], list), "a list is a list")
        true(re.fullmatch(r"\d{4}-\d\d-\d\d", values["valid_until"]["value"]), "a date is a date")
        refused = by_name(answer["refused"])
        equal(refused["restrictions"]["reason"], "no-consent")
        equal(refused["diagnoses"]["reason"], "no-agreement")
        equal(answer["withheld"], [])


@test
def a_stronger_form_than_allowed_comes_weaker_and_says_so_or_is_refused_where_only_exact_will_do():
    with Federation(("road-safety", "psychiatry")) as house:
        house.grant("health.psychiatry-opinion")
        question = house.consent_question("health.psychiatry-opinion", ["examined_on"])
        _, answer = house.ask(question)
        value = answer["values"][0]
        equal((value["asked"], value["form"], value["reason"]), ("full", "year", "weaker-form"))
        true(re.fullmatch(r"\d{4}", value["value"]), "the year alone")
        true("sentence" in value, "and a sentence that says so")
        _, answer = house.ask({**question, "case": house.case(), "exact": True})
        equal(answer["outcome"], "refused")
        equal(answer["values"], [])


@test
def a_person_whom_the_register_does_not_know_is_a_status_and_no_error():
    with Federation(PAIR) as house:
        number = 999998
        nobody = "VD-%06d-%d" % (number, 1 + number % 9)
        status, answer = house.ask(house.identity_question(subject=nobody))
        equal(status, 200)
        equal(answer["values"][0]["state"], "person-not-found")
        true("value" not in answer["values"][0], "there is no value")


@test
def a_caller_without_the_token_learns_nothing():
    with Federation(PAIR) as house:
        token = house.tokens["road-safety"]
        for wrong in ("", "x" * 43, token[:-1], token + "x"):
            house.tokens["road-safety"] = wrong
            for method, path in (("GET", "/v1/catalogue"), ("GET", "/v1/status"), ("POST", "/v1/requests")):
                status, problem = house.call("road-safety", method, path, {} if method == "POST" else None)
                equal(status, 401)
                equal(problem["type"], "urn:vedomo:problem:token")
        house.tokens["road-safety"] = token


@test
def a_request_that_is_off_is_a_problem_that_names_what_is_off():
    with Federation(PAIR) as house:
        cases = [({"dataset": "identity.nothing"}, "dataset"), ({"purpose": "curiosity"}, "purpose"),
                 ({"excat": True}, "excat"), ({"subject": {"scheme": "vd", "id": "VD-004217-7"}}, "subject"),
                 ({"fields": [{"name": "full_name", "form": "match"}]}, "match"), ({"fields": []}, "fields"),
                 ({"basis": {"kind": "whim"}}, "basis")]
        for change, word in cases:
            status, problem = house.call("road-safety", "POST", "/v1/requests",
                                         {**house.identity_question(), **change})
            equal(status, 400, word)
            true(word in problem["detail"], "%r names %r" % (problem, word))
            true("004217" not in json.dumps(problem), "a problem repeats no identifier")
        for method, path, expected in (("GET", "/v1/nothing", 404), ("PUT", "/v1/requests", 405),
                                       ("GET", "/v1/requests/01890a5d-ac96-774b-bcce-b302099a8057", 404),
                                       ("GET", "/v1/requests/x", 404)):
            status, problem = house.call("road-safety", method, path)
            equal((status, problem["status"]), (expected, expected))


@test
def the_catalogue_shows_what_this_agency_may_ask_for():
    with Federation(PAIR) as house:
        status, catalogue = house.call("road-safety", "GET", "/v1/catalogue", language="en")
        equal(status, 200)
        datasets = {d["code"]: d for d in catalogue["datasets"]}
        agreements = {a["id"] for d in datasets.values() for a in d["agreements"]}
        equal(agreements, {"licence-identity", "licence-certificate", "licence-psychiatry", "licence-narcology"})
        certificate = datasets[CERTIFICATE]["agreements"][0]
        true("diagnoses" not in certificate["fields"], "only agreed fields")
        equal(certificate["fields"]["certificate_no"], ["last4"])
        _, other = house.call("population-register", "GET", "/v1/catalogue")
        equal([a for d in other["datasets"] for a in d["agreements"]], [])


# Counts for ever; the register's time limit ends it.
SLOW = "(WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c)"


def make_slow(house, limit):
    """The Population Register takes as long as it may for the name."""
    change_config(house, "population-register", "full_name: full_name", "full_name: " + SLOW)
    change_config(house, "population-register", "registers:", "answer: {register: %s}\nregisters:" % limit)
    restart(house, "population-register")


def in_background(house, question):
    """Asks in a thread; gives the thread and a list that gets the answer."""
    got = []
    thread = threading.Thread(
        target=lambda: got.append(house.call("road-safety", "POST", "/v1/requests", question, timeout=60)))
    thread.start()
    return thread, got


@test
def a_slow_register_gives_the_caller_an_id_and_delays_no_other_dataset():
    with Federation(("road-safety", "clinic-2", "population-register")) as house:
        house.grant(CERTIFICATE)
        make_slow(house, "7 s")
        began = time.monotonic()
        waiting, got = in_background(house, house.identity_question())
        _, answer = house.ask(house.consent_question(CERTIFICATE, ["fit"]))
        true(time.monotonic() - began < 4.0, "the other register answered meanwhile")
        equal(answer["outcome"], "released")
        waiting.join()
        status, document = got[0]
        equal((status, document["state"]), (202, "under-way"))
        path = "/v1/requests/" + document["id"]
        status, answer = until(lambda: (lambda a: a if a[0] == 200 else None)(house.call("road-safety", "GET", path)),
                               "the answer is there", PATIENCE_S)
        equal(answer["values"][0]["state"], "register-unavailable")
        equal(house.call("road-safety", "GET", path)[1]["id"], document["id"])


def verified_under_load(house, shift):
    """How many signatures the broker verifies while 32 inspectors of a shift ask six times each."""
    def figures():
        return house.run(["status", "--json"], profile="operator").json["figures"]

    def caller(number):
        for turn in range(6):
            official = {"id": "inspector-%s-%d" % (shift, number), "role": "inspector"}
            house.ask(house.identity_question(case="%s-%d-%d" % (shift, number, turn), official=official))

    before = figures()
    callers = [threading.Thread(target=caller, args=(number,)) for number in range(32)]
    for thread in callers:
        thread.start()
    for thread in callers:
        thread.join()
    after = figures()
    equal(after["releases"] - before["releases"], 32 * 6)
    return after["signatures.verified"] - before["signatures.verified"]


@test
def busy_nodes_sign_requests_and_answers_together_unless_told_not_to():
    with Federation(PAIR) as house:
        make_slow(house, "50 ms")
        together = verified_under_load(house, "early")
        for short in PAIR:
            change_config(house, short, "broker:", "broker:\n  gather: 0 ms")
            restart(house, short)
        alone = verified_under_load(house, "late")
        true(together < 0.75 * alone, "%d signatures, and %d where nothing gathers" % (together, alone))


@test
def a_cancelled_request_ends_on_record_and_gives_nothing():
    with Federation(PAIR) as house:
        make_slow(house, "20 s")
        status, document = house.call("road-safety", "POST", "/v1/requests", house.identity_question(), timeout=60)
        equal(status, 202)
        path = "/v1/requests/" + document["id"]
        equal(house.call("road-safety", "DELETE", path)[0], 202)
        _, answer = until(lambda: (lambda a: a if a[0] == 200 else None)(house.call("road-safety", "GET", path)),
                          "it has ended", PATIENCE_S)
        equal((answer["outcome"], answer["reason"]), ("refused", "cancelled"))
        true(answer["receipts"]["ending"], "with a receipt of its ending")


@test
def a_holder_that_has_started_anew_is_asked_with_its_new_key():
    with Federation(PAIR) as house:
        equal(house.ask(house.identity_question())[0], 200)
        restart(house, "population-register")
        status, answer = house.ask(house.identity_question(timeout_ms=3000))
        equal((status, answer["outcome"]), (200, "released"))


@test
def a_broker_that_dies_under_a_request_leaves_no_call_without_an_end():
    with Federation(PAIR) as house:
        make_slow(house, "2 s")
        waiting, got = in_background(house, house.identity_question(timeout_ms=8000))
        until(lambda: house.call("population-register", "GET", "/v1/status")[1]["answering"] == 1, "it is asked",
              PATIENCE_S)
        house.broker.kill()
        house.start_broker()
        house.wait_for_broker(PATIENCE_S)
        waiting.join()
        status, document = got[0]
        while status == 202:
            status, document = house.call("road-safety", "GET", "/v1/requests/" + document["id"])
        true(status in (200, 403, 503, 504), "status %d: %s" % (status, document))
        if status == 200:
            true(all("value" not in field for field in document["values"]), "nothing is invented: %s" % document)


@test
def a_socket_in_the_file_system_needs_no_token():
    with Federation(("road-safety",)) as house:
        path = os.path.join(house.dir, "rest")
        port = house.rest_ports["road-safety"]
        change_config(house, "road-safety", "listen: \"127.0.0.1:%d\"\n  token: token" % port,
                      "listen: \"unix:%s\"" % path)
        house.nodes["road-safety"].stop()
        house.start_node("road-safety")
        until(lambda: os.path.exists(path), "it listens", PATIENCE_S)
        done = subprocess.run(["curl", "-sS", "--unix-socket", path, "http://node/v1/status"], capture_output=True,
                              text=True, timeout=PATIENCE_S, check=True)
        equal(json.loads(done.stdout)["member"], "ru/interior/road-safety")
        equal(os.stat(path).st_mode & 0o777, 0o660)
        change_config(house, "road-safety", "unix:" + path, "127.0.0.1:%d" % port)
        house.nodes["road-safety"].stop()
        done = subprocess.run([os.path.join(house.bin, "vedomo-node"), config_of(house, "road-safety")],
                              capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        equal(done.returncode, 2)
        true("api.token" in done.stderr, done.stderr)


@test
def a_holder_that_is_gone_is_told_and_nothing_is_invented():
    with Federation(PAIR) as house:
        house.nodes["population-register"].stop()
        question = house.identity_question(timeout_ms=2000)
        status, document = house.call("road-safety", "POST", "/v1/requests", question, timeout=PATIENCE_S)
        if status == 200:
            equal(document["outcome"], "refused")
            equal(document["refused"][0]["reason"], "holder-silent")
        else:
            true(status in (503, 504), "status %d" % status)
            true(document["type"].startswith("urn:vedomo:problem:"), "a problem with its name")


@test
def nodes_come_back_after_the_broker_was_killed():
    with Federation(PAIR) as house:
        equal(house.ask(house.identity_question())[0], 200)
        house.broker.kill()
        until(lambda: house.call("road-safety", "GET", "/v1/status")[0] == 503, "the node notices", PATIENCE_S)
        status, problem = house.call("road-safety", "POST", "/v1/requests", house.identity_question())
        equal(status, 503)
        equal(problem["type"], "urn:vedomo:problem:unavailable")
        house.start_broker()
        house.wait_for_broker(PATIENCE_S)
        for short in PAIR:
            house.wait_for_node(short, PATIENCE_S)
        status, answer = until(lambda: (lambda a: a if a[0] == 200 else None)(house.ask(house.identity_question())),
                               "answers come again", PATIENCE_S)
        equal(answer["outcome"], "released")


@test
def a_new_policy_reaches_the_nodes_without_a_restart():
    with Federation(PAIR) as house:
        _, before = house.call("road-safety", "GET", "/v1/catalogue")
        new_policy(house, 2)
        _, after = until(lambda: (lambda a: a if a[1]["bundle"] != before["bundle"] else None)(
            house.call("road-safety", "GET", "/v1/catalogue")), "the new bundle is in force", PATIENCE_S)
        true("Реестр населения" in json.dumps(after, ensure_ascii=False), "its texts are shown")
        status, _ = house.ask(house.identity_question())
        equal(status, 200)


@test
def a_node_starts_with_the_policy_it_had_and_never_takes_an_older_one():
    with Federation(PAIR) as house:
        new_policy(house, 2)
        bundle = os.path.join(house.dir, "agencies", "road-safety", "state", "policy.bundle")
        until(lambda: "serial=2" in house.nodes["road-safety"].log_tail(40), "serial 2 is in force", PATIENCE_S)
        house.broker.stop()
        restarted = house.nodes["road-safety"]
        restarted.stop()
        true(os.path.exists(bundle), "the bundle is on disk")
        house.start_node("road-safety")
        status, catalogue = until(lambda: (lambda a: a if a and a[0] == 200 else None)(
            try_call(house, "road-safety", "/v1/catalogue")), "the catalogue is there without a broker", PATIENCE_S)
        true(catalogue["datasets"], "with its datasets")
        house.start_broker()
        house.wait_for_broker(PATIENCE_S)


def many_agreements(house, count):
    """The scenario with so many agreements more, each for a purpose of its own."""
    changed = os.path.join(house.dir, "scenario-large")
    os.makedirs(changed)
    repeated = {"agreements.yaml": ("  - id: licence-identity", "  - id:"),
                "purposes.yaml": ("  identity-check:", "  emergency-care:")}
    for name in os.listdir(house.scenario):
        with open(os.path.join(house.scenario, name), encoding="utf-8") as file:
            text = file.read()
        if name in repeated:
            begin = text.index(repeated[name][0])
            one = text[begin:text.index(repeated[name][1], begin + 5)]
            for number in range(count):
                text += one.replace("licence-identity", "more-%d" % number).replace("identity-check", "more-%d" % number)
        with open(os.path.join(changed, name), "w", encoding="utf-8") as file:
            file.write(text)
    house.scenario = changed


@test
def a_large_policy_is_loaded_where_no_change_of_consent_waits_behind_it():
    def cpu_us(figures, thread):
        return figures["cpu.%s-us" % thread]

    with Federation() as house:
        many_agreements(house, 2000)
        before = house.run(["status", "--json"], profile="operator").json["figures"]
        house.apply_policy(2)
        after = house.run(["status", "--json"], profile="operator").json["figures"]
        loaded = cpu_us(after, "readers") - cpu_us(before, "readers")
        control = cpu_us(after, "control") - cpu_us(before, "control")
        true(loaded > 2 * control, "a reader took %d us, control %d us" % (loaded, control))
        house.grant(CERTIFICATE)


def try_call(house, short, path):
    try:
        return house.call(short, "GET", path)
    except OSError:
        return None


@test
def a_revoked_node_is_out_and_the_others_go_on():
    with Federation(("road-safety", "population-register", "clinic-2")) as house:
        equal(house.ask(house.identity_question())[0], 200)
        card = os.path.join(house.dir, "agencies", "population-register", "node.card")
        house.run(["member", "revoke", "ru/tax/population-register", "--card", card, "--reason", "lost",
                   "--registrar", house._authority("registrar")], profile="operator")
        until(lambda: "key.dropped" in house.nodes["road-safety"].log_tail(100), "the node was told", PATIENCE_S)
        status, answer = house.ask(house.identity_question(timeout_ms=3000))
        true(status != 200 or answer["outcome"] == "refused", "nothing comes from a revoked key")
        house.grant(CERTIFICATE)
        equal(house.ask(house.consent_question(CERTIFICATE, ["fit"]))[1]["outcome"], "released")


@test
def a_program_asks_and_answers_through_the_library_alone():
    with Federation(PAIR) as house:
        program = os.path.join(house.build, "tests", "library_ask")
        house.nodes["population-register"].stop()
        folder = os.path.join(house.dir, "agencies", "population-register")
        change_config(house, "population-register", "datasets:\n  identity.person:", "datasets:\n  identity.other:")
        serving = subprocess.Popen([program, "serve", os.path.join(folder, "node.yaml")], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            equal(serving.stdout.readline().strip(), "ready")
            status, answer = house.ask(house.identity_question())
            equal((status, answer["values"][0]["value"]), (200, True))
            equal(answer["values"][0]["source"].strip(), "a program")
            house.nodes["road-safety"].stop()
            for name, expected in (("Ветрова Анна Сергеевна", "true"), ("Другая", "false")):
                done = subprocess.run([program, "ask", config_of(house, "road-safety"), name, house.case()],
                                      capture_output=True, text=True, timeout=PATIENCE_S, check=False)
                equal(done.returncode, 0, done.stderr)
                state, value, decision, ending = done.stdout.split()
                equal((state, value), ("1", expected))
                true(int(decision) > 300 and int(ending) > 300, "both receipts are there")
        finally:
            serving.stdin.close()
            equal(serving.wait(PATIENCE_S), 0)


@test
def check_says_in_words_what_is_wrong():
    with Federation(PAIR) as house:
        status, text = check(house, "population-register")
        equal(status, 0)
        true("running" in text, "a running node is left alone: " + text)
        stop_nodes(house)
        status, text = check(house, "population-register")
        equal((status, "wrong" in text), (0, False), text)
        for word in ("mapping", "keys", "reach", "clock", "policy"):
            true(word in text, "%s is looked at: %s" % (word, text))
        status, text = check(house, "population-register", "--json")
        true(all(finding["ok"] for finding in json.loads(text)), text)

        change_config(house, "population-register", "passport_no: passport_no", "passport_no: pasport_no")
        status, text = check(house, "population-register")
        equal(status, 1)
        true("no such column: pasport_no" in text, text)
        change_config(house, "population-register", "passport_no: pasport_no\n", "")
        status, text = check(house, "population-register")
        equal(status, 1)

        house.broker.stop()
        status, text = check(house, "road-safety")
        equal(status, 1)
        true(re.search(r"wrong +reach", text), text)
        os.chmod(house.key_of("road-safety"), 0o644)
        status, text = check(house, "road-safety")
        equal(status, 1)
        true(re.search(r"wrong +keys", text), text)
        os.chmod(house.key_of("road-safety"), 0o600)


@test
def a_node_that_is_not_what_its_file_says_does_not_start():
    with Federation(PAIR) as house:
        stop_nodes(house)
        change_config(house, "road-safety", "member: ru/interior/road-safety", "member: ru/health/clinic-2")
        done = subprocess.run([os.path.join(house.bin, "vedomo-node"), config_of(house, "road-safety")],
                              capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        equal(done.returncode, 2)
        true("not of this node" in done.stderr, done.stderr)


@test
def the_identifier_is_in_no_log_of_the_nodes():
    with Federation(PAIR) as house:
        house.ask(house.identity_question())
        house.call("road-safety", "POST", "/v1/requests", house.identity_question(dataset="identity.nothing"))
        for node in house.nodes.values():
            text = node.log_tail(1000)
            true("004217" not in text and "0042176" not in text, "no identifier in the log of " + node.name)
            true("Ветрова" not in text, "no name in the log of " + node.name)


main()
