#!/usr/bin/python3
"""Witnesses: what they cosign and what they refuse, that a broker waits for none of them, and what a node
and whoever checks offline make of their word."""

import atexit
import base64
import concurrent.futures
import functools
import hashlib
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))

from harness import BUILD, PATIENCE_S, Federation, build_tilecheck  # noqa: E402
from processes import Process, free_ports  # noqa: E402
from tap import equal, main, test, true, until  # noqa: E402
from witnessing import Liars, post, signed_note, submit  # noqa: E402

NODES = ("road-safety", "population-register")
LIES = ["garbage", "empty", "wrong-signature", "huge", "slow", "redirect", "ahead", "sizeless", "refuted"]
ALARM_S = 5


class Witnessed(Federation):
    """A federation with witnesses. `alarm`: after how many seconds without their word it is one."""

    def __init__(self, nodes=NODES, names=("w1", "w2"), quorum="all", urls=None, trial=True, alarm=60):
        super().__init__(nodes=nodes, citizens=20)
        self.plan = {"names": names, "quorum": quorum, "urls": urls, "trial": trial}
        self.alarm = "  alarm: %d s\n" % alarm

    def make_members(self):
        self.make_witnesses(**self.plan)
        with open(os.path.join(self.home, "vedomod.yaml"), "a", encoding="utf-8") as file:
            file.write(self.alarm)  # the section of witnesses is the last one
        for name in self.plan["names"]:
            if name not in (self.plan["urls"] or {}):
                self.start_witness(name)
        super().make_members()

    def write_node(self, short):
        super().write_node(short)
        path = os.path.join(self.dir, "agencies", short, "node.yaml")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace("witnesses:\n", "witnesses:\n" + self.alarm))

    def figures(self):
        return self.run(["status", "--json"], profile="operator").json["figures"]

    def witnessed(self, at_least=1):
        """Until the witnesses stand behind that many entries; gives the figures."""
        def look():
            figures = self.figures()
            return figures if figures.get("log.witnessed", 0) >= at_least else None
        return until(look, "witnesses stand behind %d entries" % at_least, PATIENCE_S)

    def all_witnessed(self):
        return self.witnessed(self.figures()["log.size"])

    def grow(self, times=3):
        for _ in range(times):
            self.run(["audit", "list", "--json"], profile="officer")

    def state(self, document):
        return self.call("road-safety", "GET", "/v1/requests/" + document["id"])[1]["receipts"]["state"]

    def vkey_of(self, name):
        key = os.path.join(self.dir, "witnesses", name, name + ".key")
        return self.run(["witness", "vkey", "--key", key]).out.strip()

    def log_key(self):
        return os.path.join(self.home, "keys", "log.key")

    def published(self):
        with open(os.path.join(self.home, "log.published"), encoding="utf-8") as file:
            return file.read()


def said(process, words):
    with open(process.log_path, encoding="utf-8", errors="replace") as file:
        return words in file.read()


def answers(house, count=5):
    """How long exchanges take; each must be answered."""
    times = []
    for _ in range(count):
        begin = time.monotonic()
        status, document = house.ask(house.identity_question())
        true(status == 200 and document["outcome"] == "released", "answered: %s" % document)
        times.append(time.monotonic() - begin)
    return sorted(times)


# --- an honest federation, kept for the whole file; another whose witnesses are on its own host, and do not count ---

def kept(house):
    house.__enter__()
    atexit.register(house.finish, True)
    return house


HOUSE = kept(Witnessed())
ALONE = kept(Witnessed(trial=False, alarm=ALARM_S))
KEPT = {}


# --- tests with houses of their own, which run beside the others: they mostly wait ---

POOL = concurrent.futures.ThreadPoolExecutor(3)


def apart(function):
    """Begins at once, unless others are named on the command line; the test is that it ends well."""
    if sys.argv[1:] and function.__name__ not in sys.argv[1:]:
        return function
    done = POOL.submit(function)

    @functools.wraps(function)
    def ends_well():
        done.result()
    return test(ends_well)


@apart
def liars_and_the_slow_delay_nobody_and_are_named():
    liars = Liars(LIES)
    try:
        with Witnessed(names=("w1", *LIES, "dead"), quorum="any", urls={**liars.urls, "dead": "http://127.0.0.1:9/"}) as house:
            liars.make_line(house.vkey_of("wrong-signature"))
            times = answers(house, 10)
            true(times[5] < 5, "exchanges: %s" % times)
            before = house.figures()["log.published"]
            begin = time.monotonic()
            house.grow()
            until(lambda: house.figures()["log.published"] > before, "publishing goes on", PATIENCE_S)
            true(time.monotonic() - begin < 15, "and is not late")
            house.all_witnessed()  # by the one that is honest
            for name in (*LIES, "dead"):
                until(lambda name=name: said(house.broker, "witness.no-cosignature witness=witness.example/%s " % name),
                      "%s is named" % name, PATIENCE_S)
            true(liars.asked["ahead evidence"] >= 1 and liars.asked["refuted evidence"] >= 1, "claims are looked into")
            true(house.broker.alive(), "and prove nothing")
            equal(house.published().count("\n— witness"), 1, "only the honest line is published")
            note = house.published()
            true("— witness.example/w1 " in note, note)
    finally:
        liars.close()


def copy_home(house):
    """The broker's home, as a thief or a careless restore would have it."""
    house.broker.stop(PATIENCE_S)
    copy = house.home + "-copy"
    shutil.copytree(house.home, copy)
    house.start_broker()
    house.wait_for_broker(PATIENCE_S)
    return copy


def put_back(house, copy):
    house.broker.stop(PATIENCE_S)
    os.rename(house.home, house.home + "-true")
    os.rename(copy, house.home)


def grow_past_a_copy(house, entries):
    """What the copy does not have is witnessed."""
    copy = copy_home(house)
    house.grow(entries)
    house.all_witnessed()
    return copy


@apart
def a_log_that_was_put_back_is_given_away_by_its_witnesses():
    with Witnessed(nodes=()) as house:
        put_back(house, grow_past_a_copy(house, 20))
        house.start_broker()
        until(lambda: not house.broker.alive(), "the broker ends", PATIENCE_S)
        true(said(house.broker, "log.rolled-back"), house.broker.log_tail())
        equal(house.broker.popen.returncode, 1, "exit status")
        house.broker.popen = None  # it ended as it should


@apart
def a_fork_with_the_logs_own_key_gets_no_cosignature():
    with Witnessed(nodes=()) as house:
        copy = grow_past_a_copy(house, 3)
        true_note = house.published()
        true_size = int(true_note.split("\n")[1])
        put_back(house, copy)
        # The forger's broker asks no witness and grows past the true log.
        path = os.path.join(house.home, "vedomod.yaml")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text[:text.index("\nwitnesses:")] + "\n")
        for name in os.listdir(os.path.join(house.dir, "people")):
            kept = os.path.join(house.dir, "people", name, name + ".key.checkpoint")
            if os.path.exists(kept):
                os.unlink(kept)  # its clients have not seen the true one
        house.start_broker()
        house.wait_for_broker(PATIENCE_S)
        house.grow(12)
        until(lambda: int(house.published().split("\n")[1]) > true_size, "the fork is longer", PATIENCE_S)
        forged = house.published()
        size = int(forged.split("\n")[1])
        port = house.witness_ports["w1"]
        latest = int(submit(port, 0, forged)[2])
        equal(latest, true_size, "the witness stands where the true log was")
        equal(submit(port, latest, forged)[0], 422, "the fork, from there")
        equal(submit(port, size, forged)[0], 409, "the fork, as if it had been cosigned")


@test
def published_checkpoints_get_the_lines_of_both_witnesses():
    HOUSE.all_witnessed()
    until(lambda: HOUSE.published().count("\n— witness.example/") == 2, "both lines are published", PATIENCE_S)
    figures = HOUSE.figures()
    equal([figures["witnesses"], figures["witnesses.failing"], figures["witnesses.trial"],
           figures["witnesses.on-this-host"]], [2, 0, 1, 2], "figures")
    true(figures["log.witnessed-age-s"] < 60, "it is young")
    true(said(HOUSE.broker, "witnesses.trial"), "the broker says that this is a trial")
    told = HOUSE.run(["status"], profile="operator").out
    true("count: for trial" in told and "witnesses stand behind" in told, told)


@test
def an_export_and_the_portal_carry_the_lines_and_other_tools_count_them():
    checker = build_tilecheck()
    HOUSE.all_witnessed()
    folder = os.path.join(HOUSE.dir, "export")
    HOUSE.run(["log", "export", folder, "--json"], profile="auditor")
    both = ["--witness", HOUSE.vkey_of("w1"), "--witness", HOUSE.vkey_of("w2")]
    done = subprocess.run([checker, *both, HOUSE.vkey, folder], capture_output=True, text=True, check=False)
    equal(done.returncode, 0, done.stdout + done.stderr)
    true("cosigned by witness.example/w1" in done.stdout and "cosigned by witness.example/w2" in done.stdout, done.stdout)
    stranger = HOUSE.run(["keygen", "--role", "witness", "--node", "witness.example/w1", "--out",
                          os.path.join(HOUSE.dir, "stranger.key"), "--json"]).json["vkey"]
    done = subprocess.run([checker, "--witness", stranger, HOUSE.vkey, folder], capture_output=True, text=True, check=False)
    equal(done.returncode, 1, "a key that has not signed: " + done.stdout)
    port = free_ports(1)[0]
    HOUSE.write("people/portal/portal.yaml",
                "listen: \"127.0.0.1:%d\"\nidentity: portal.key\nstate: state\nbroker:\n  endpoint: \"%s\"\n  card: \"%s\"\n"
                "  vkey: \"%s\"\nregistrar:\n  threshold: 1\n  keys: [\"%s\"]\n"
                % (port, HOUSE.endpoint, HOUSE.broker_card, HOUSE.vkey, HOUSE.pins["registrar"]))
    portal = Process(HOUSE.dir, "portal", [os.path.join(HOUSE.bin, "vedomo-portal"),
                                           os.path.join(HOUSE.dir, "people", "portal", "portal.yaml")]).start()

    def shown():
        try:
            status, _, text = post(port, None, "/log/checkpoint", "GET")
        except OSError:
            return False
        return status == 200 and text.count("\n— witness.example/") == 2
    until(shown, "the portal shows both lines", PATIENCE_S)
    HOUSE.grow()
    until(shown, "and of the next one", PATIENCE_S)
    equal(portal.stop(), 0, "portal")


@test
def a_receipt_is_signed_at_first_and_witnessed_after():
    status, document = HOUSE.ask(HOUSE.identity_question())
    equal(status, 200, "status")
    equal(document["receipts"]["state"], "signed", "at first")
    until(lambda: HOUSE.state(document) == "witnessed", "it is witnessed", PATIENCE_S)
    again = HOUSE.call("road-safety", "GET", "/v1/requests/" + document["id"])[1]
    equal(again["receipts"]["trial"], True, "the trial is said")
    KEPT["receipt"] = document["receipts"]["decision"]
    status = HOUSE.call("road-safety", "GET", "/v1/status")[1]
    true(status["witnessed_size"] > again["entries"]["ending"] and status["witnessed_trial"], "status: %s" % status)


@test
def a_program_learns_when_its_receipts_are_witnessed():
    HOUSE.nodes["road-safety"].stop()  # one node a state folder
    file = os.path.join(HOUSE.dir, "agencies", "road-safety", "node.yaml")
    done = subprocess.run([os.path.join(BUILD, "tests", "library_ask"), "witnessed", file, "Ветрова Анна Сергеевна",
                           HOUSE.case()], capture_output=True, text=True, timeout=2 * PATIENCE_S, check=False)
    equal(done.returncode, 0, done.stderr)
    equal(done.stdout.splitlines()[1:], ["1 2 1"], "signed, then witnessed, for trial: %s" % done.stdout)
    HOUSE.start_node("road-safety")
    HOUSE.wait_for_node("road-safety", PATIENCE_S)


@test
def a_stored_receipt_is_brought_up_to_witnessed_and_verifies_offline():
    policy = HOUSE.witness_policy
    before = HOUSE.run(["audit", "verify-receipt", KEPT["receipt"], "--policy", policy, "--json"], profile="auditor").json
    equal([before["proven"], before["state"], before["witnesses"]], [True, "signed", 0], "before")
    path = os.path.join(HOUSE.dir, "witnessed.receipt")
    done = HOUSE.run(["audit", "witness-receipt", KEPT["receipt"], "--policy", policy, "-o", path, "--json"],
                     profile="auditor").json
    equal([done["state"], done["trial"]], ["witnessed", True], "upgraded")
    after = HOUSE.run(["audit", "verify-receipt", path, "--policy", policy, "--json"], profile="auditor").json
    equal([after["state"], after["witnesses"], after["leaf_hash"]], ["witnessed", 2, before["leaf_hash"]], "after")
    HOUSE.run(["audit", "witness-receipt", KEPT["receipt"], "--policy", policy], profile="auditor")
    again = HOUSE.run(["audit", "verify-receipt", KEPT["receipt"], "--policy", policy, "--json"], profile="auditor").json
    equal(again["state"], "witnessed", "in its own place")


@test
def a_cosignature_counts_only_by_a_key_of_the_policy():
    path = os.path.join(HOUSE.dir, "other.policy")
    key = HOUSE.run(["keygen", "--role", "witness", "--node", "witness.example/w2", "--out",
                     os.path.join(HOUSE.dir, "other.key"), "--json"]).json["vkey"]
    HOUSE.write("other.policy", "log %s\nwitness a %s\nwitness b %s\ngroup both all a b\nquorum both\n"
                % (HOUSE.vkey, HOUSE.vkey_of("w1"), key))
    seen = HOUSE.run(["audit", "verify-receipt", KEPT["receipt"], "--policy", path, "--json"], profile="auditor").json
    equal([seen["state"], seen["witnesses"]], ["signed", 1], "one of two")
    refused = HOUSE.run(["audit", "witness-receipt", KEPT["receipt"], "--policy", path], profile="auditor", check=False)
    true(refused.status == 1 and "no quorum" in refused.err, refused.err)
    HOUSE.write("none.policy", "log %s\nquorum nobody\n" % HOUSE.vkey)
    refused = HOUSE.run(["audit", "verify-receipt", KEPT["receipt"], "--policy", "none.policy"], profile="auditor", check=False)
    true(refused.status == 2 and "line 2" in refused.err, refused.err)


@test
def a_witness_speaks_as_the_specification_says():
    port = HOUSE.witness_ports["w1"]
    note = HOUSE.published().split("\n— witness")[0] + "\n"
    size = int(note.split("\n")[1])
    root = base64.b64decode(note.split("\n")[2])
    status, kind, body = submit(port, 0, note)
    true(status == 409 and kind == "text/x.tlog.size", "old 0 is a conflict: %d %s" % (status, kind))
    latest = int(body)
    true(latest >= size and body == "%d\n" % latest, "and says the size")
    equal(submit(port, latest, signed_note(HOUSE.log_key(), latest, hashlib.sha256(b"x").digest()))[0], 422, "another root")
    equal(submit(port, latest, signed_note(HOUSE.log_key(), latest + 5, root), [root])[0], 422, "a proof that does not hold")
    equal(submit(port, latest, signed_note(HOUSE.log_key(), latest - 1, root))[0], 400, "an old size above the new one")
    equal(submit(port, latest - 1, signed_note(HOUSE.log_key(), latest - 1, root))[0], 409, "a log that shrinks")
    other = HOUSE.run(["keygen", "--role", "witness", "--node", HOUSE.vkey.split("+")[0], "--out",
                       os.path.join(HOUSE.dir, "thief.key"), "--json"])
    true(other.json["vkey"], "a key of the log's name")
    equal(submit(port, latest, signed_note(os.path.join(HOUSE.dir, "thief.key"), latest + 1, root))[0], 403, "a stranger's signature")
    HOUSE.run(["keygen", "--role", "witness", "--node", "example.com/another", "--out", os.path.join(HOUSE.dir, "another.key")])
    equal(submit(port, 0, signed_note(os.path.join(HOUSE.dir, "another.key"), 1, root))[0], 404, "a log that is not watched")
    for body in (b"", b"old 5", b"old 05\n\n" + note.encode(), b"\xff\xfe", b"old 1\n" + b"A" * 44 + b"\n" * 3):
        equal(post(port, body)[0], 400, "malformed: %r" % body[:20])
    try:
        equal(post(port, b"old 0\n\n" + b"x" * 100000)[0], 413, "a body beyond the bound")
    except ConnectionError:
        pass  # closed before all of it was sent
    equal(post(port, None, "/add-checkpoint", "GET")[0], 405, "GET")
    equal(post(port, None, "/" + "0" * 64 + "/checkpoint", "GET")[0], 404, "an unknown log")
    shown = post(port, None, "/%s/checkpoint" % hashlib.sha256(HOUSE.vkey.split("+")[0].encode()).hexdigest(), "GET")
    true(shown[0] == 200 and "— witness.example/w1 " in shown[2], "the latest, with its line: %s" % shown[2])


@test
def of_many_that_come_at_once_one_order_is_kept():
    port = HOUSE.witness_ports["w1"]
    note = HOUSE.published()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:  # a witness takes 16 connections from one address
        done = list(pool.map(lambda n: submit(port, 0, note)[0], range(40)))
    equal(set(done), {409}, "all are told the size")
    HOUSE.grow()
    HOUSE.all_witnessed()


@test
def a_witness_killed_between_two_checkpoints_goes_on_from_what_it_cosigned():
    witness = HOUSE.witnesses["w1"]
    latest = int(submit(HOUSE.witness_ports["w1"], 0, HOUSE.published())[2])
    witness.kill()
    HOUSE.grow()
    times = answers(HOUSE)
    until(lambda: said(HOUSE.broker, "witness.no-cosignature witness=witness.example/w1"), "the broker names it", PATIENCE_S)
    equal(HOUSE.figures()["witnesses.failing"], 1, "one fails")
    true(times[len(times) // 2] < 5, "exchanges go on: %s" % times)
    HOUSE.start_witness("w1")
    HOUSE.all_witnessed()
    after = int(submit(HOUSE.witness_ports["w1"], 0, HOUSE.published())[2])
    true(after > latest, "it has gone on: %d after %d" % (after, latest))
    true(said(HOUSE.broker, "witness.back"), "the broker says that it is back")


@test
def witnesses_on_the_brokers_own_host_are_asked_and_do_not_count():
    until(lambda: ALONE.figures()["witnesses.on-this-host"] == 2, "both are found to be here", PATIENCE_S)
    figures = ALONE.figures()
    equal([figures["witnesses.trial"], figures["log.witnessed"]], [0, 0], "figures")
    true(said(ALONE.witnesses["w1"], "witness.started"), "it runs")
    status, document = ALONE.ask(ALONE.identity_question())
    equal(status, 200, "status")
    for _ in range(2):
        ALONE.grow(1)
        size = ALONE.figures()["log.size"]
        until(lambda: ALONE.figures()["log.published"] >= size, "it is published", PATIENCE_S)
    equal(ALONE.state(document), "signed", "nobody else stands behind it")
    true("— witness" not in ALONE.published(), "nothing is published as witnessed")


@test
def what_stays_unwitnessed_is_an_alarm():
    until(lambda: said(ALONE.nodes["road-safety"], "log.unwitnessed") and said(ALONE.broker, "log.unwitnessed"),
          "node and broker say so", PATIENCE_S)
    true(not said(HOUSE.nodes["road-safety"], "log.unwitnessed"), "where witnesses count there is none")


main()
