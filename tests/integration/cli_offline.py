#!/usr/bin/env python3
"""The commands that need no broker: keys, cards, orders, bundles, configuration; exit codes, modes of
files, and what never stands in a message."""

import json
import os
import stat
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

from tap import equal, main, test, true  # noqa: E402

VEDOMO = os.path.join(os.environ.get("VEDOMO_BUILD", os.path.join(ROOT, "build", "asan")), "src", "vedomo")
SCENARIO = os.path.join(ROOT, "config", "scenario")
ORIGIN = "vedomo.example/cli-test"
ANNA = "VD-004217-6"


class Table:
    """A folder to work in, thrown away at the end."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.dir = self.folder.name
        return self

    def __exit__(self, *_):
        self.folder.cleanup()

    def path(self, name):
        return os.path.join(self.dir, name)

    def run(self, *words, expected=0, stdin="", env=None):
        clean = {k: v for k, v in os.environ.items() if k != "VEDOMO_PROFILE"}
        done = subprocess.run([VEDOMO, *words], input=stdin, capture_output=True, text=True, cwd=self.dir,
                              env={**clean, "LC_ALL": "C.UTF-8", **(env or {})}, timeout=60, check=False)
        equal(done.returncode, expected, "vedomo %s: %s%s" % (" ".join(words), done.stdout, done.stderr))
        return done

    def json(self, *words, **options):
        return json.loads(self.run(*words, "--json", **options).stdout)

    def authority(self, role, name):
        return self.json("keygen", "--role", role, "--out", name)["public_key"]

    def card(self, name, role="node", member="ru/health/clinic-2"):
        self.run("keygen", "--role", role, "--member", member, "--node", name, "--out", name + ".key",
                 "--origin", ORIGIN)
        return name + ".card"

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content)


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


@test
def secret_keys_are_private_and_never_overwritten():
    with Table() as table:
        table.card("gate")
        equal(mode(table.path("gate.key")), 0o600)
        before = table.read("gate.key")
        table.run("keygen", "--role", "node", "--member", "a", "--node", "b", "--out", "gate.key", "--origin", ORIGIN,
                  expected=1)
        table.run("keygen", "--role", "registrar", "--out", "gate.key", expected=1)
        equal(table.read("gate.key"), before)


@test
def a_failed_keygen_leaves_no_key_behind():
    with Table() as table:
        table.run("keygen", "--role", "node", "--member", "a", "--node", "b", "--out", "x.key", expected=2)
        table.run("keygen", "--role", "king", "--out", "x.key", expected=2)
        equal(os.listdir(table.dir), [])


@test
def init_makes_a_home_that_the_configuration_check_accepts():
    with Table() as table:
        registrar = table.authority("registrar", "registrar.key")
        policy = table.authority("policy", "policy.key")
        made = table.json("init", "home", "--origin", ORIGIN, "--registrar", registrar, "--policy", policy)
        equal(made["vkey"], table.run("log", "vkey", "--home", "home").stdout.strip())
        true(made["vkey"].startswith(ORIGIN + "+"), made["vkey"])
        table.run("config", "check", "home/vedomod.yaml")
        for name in ("broker", "log", "master", "tag"):
            equal(mode(table.path("home/keys/%s.key" % name)), 0o600, name)
        for name in ("", "keys", "keys/body", "cards", "bundles", "log", "views"):
            equal(mode(table.path("home/" + name)), 0o700, name)
        before = {n: table.read("home/keys/" + n) for n in os.listdir(table.path("home/keys")) if n.endswith(".key")}
        table.run("init", "home", "--origin", ORIGIN, "--registrar", registrar, "--policy", policy, expected=1)
        equal({n: table.read("home/keys/" + n) for n in before}, before)


@test
def init_refuses_what_is_no_public_key_or_no_origin():
    with Table() as table:
        registrar = table.authority("registrar", "registrar.key")
        table.run("init", "home", "--origin", ORIGIN, "--registrar", "ed25519:abc", "--policy", registrar, expected=2)
        table.run("init", "home", "--origin", "with space", "--registrar", registrar, "--policy", registrar, expected=2)
        table.run("init", "home", "--origin", ORIGIN, "--registrar", registrar, expected=2)
        true(not os.path.exists(table.path("home")), "a refused init made the folder")


@test
def a_configuration_with_an_unknown_key_is_refused_with_its_line():
    with Table() as table:
        registrar = table.authority("registrar", "registrar.key")
        table.run("init", "home", "--origin", ORIGIN, "--registrar", registrar, "--policy", registrar)
        good = table.read("home/vedomod.yaml")
        table.write("home/vedomod.yaml", good + b"crown: 1\n")
        done = table.run("config", "check", "home/vedomod.yaml", expected=1)
        line = "vedomod.yaml:%d" % (good.count(b"\n") + 1)
        true(line in done.stderr and "crown" in done.stderr, done.stderr)


@test
def the_registrar_signs_what_it_is_shown_and_signs_once():
    with Table() as table:
        table.authority("registrar", "registrar.key")
        table.authority("policy", "policy.key")
        card = table.card("gate")
        signed = table.json("member", "sign", card, "--registrar", "registrar.key")["signed"][0]
        equal((signed["member"], signed["node"], signed["role"], signed["origin"]),
              ("ru/health/clinic-2", "gate", "node", ORIGIN))
        true(table.read(card).startswith(b"vedomo/1 card\n"), "not a signed card")
        table.run("member", "sign", card, "--registrar", "registrar.key", expected=1)
        other = table.card("gate-2")
        table.run("member", "sign", other, "--registrar", "policy.key", expected=2)
        table.run("member", "sign", other, "--registrar", "registrar.key", "--origin", "other.example/log", expected=1)
        true(table.read(other).startswith(b"vedomo/1 card-request\n"), "a refused card was signed")


@test
def a_second_registrar_adds_a_signature():
    with Table() as table:
        table.authority("registrar", "one.key")
        table.authority("registrar", "two.key")
        card = table.card("gate")
        table.run("member", "sign", card, "--registrar", "one.key")
        one = len(table.read(card))
        table.run("member", "sign", card, "--registrar", "two.key", "-o", "both.card")
        true(len(table.read("both.card")) > one, "no signature was added")
        equal(len(table.read(card)), one)


@test
def a_card_that_ends_soon_becomes_a_longer_one_of_the_same_keys():
    with Table() as table:
        for name in ("one", "two"):
            table.authority("registrar", name + ".key")
        card = table.card("gate")
        short = table.json("member", "sign", card, "--registrar", "one.key", "--days", "1")["signed"][0]
        long = table.json("member", "sign", card, "--registrar", "one.key", "--days", "300")["signed"][0]
        equal((long["member"], long["node"], long["curve_key"], long["batch_key"]),
              (short["member"], short["node"], short["curve_key"], short["batch_key"]))
        true(long["not_after"] > short["not_after"], "%s, then %s" % (short["not_after"], long["not_after"]))
        both = table.json("member", "sign", card, "--registrar", "two.key")["signed"][0]
        equal(both["not_after"], long["not_after"], "what the second one signs")


@test
def a_key_file_that_others_may_read_is_not_used():
    with Table() as table:
        table.authority("registrar", "registrar.key")
        os.chmod(table.path("registrar.key"), 0o644)
        done = table.run("member", "sign", table.card("gate"), "--registrar", "registrar.key", expected=1)
        true("registrar.key" in done.stderr, done.stderr)


@test
def orders_are_signed_into_files_that_never_replace_others():
    with Table() as table:
        table.authority("registrar", "registrar.key")
        table.run("member", "suspend", "ru/a", "--registrar", "registrar.key", "--origin", ORIGIN, "--reason", "audit",
                  "-o", "suspend.order")
        true(table.read("suspend.order").startswith(b"vedomo/1 order\n"), "not an order")
        table.run("member", "resume", "ru/a", "--registrar", "registrar.key", "--origin", ORIGIN, "-o", "suspend.order",
                  expected=1)
        table.run("member", "revoke", "ru/a", "--registrar", "registrar.key", "--origin", ORIGIN, "-o", "r.order",
                  expected=2)
        shown = table.json("member", "sign", "suspend.order", "--registrar", table_second(table))["signed"][0]
        equal((shown["action"], shown["member"], shown["reason"]), ("suspend", "ru/a", "audit"))


def table_second(table):
    table.authority("registrar", "second.key")
    return "second.key"


@test
def the_sample_policy_is_good_and_a_broken_one_names_its_line():
    with Table() as table:
        counts = table.json("policy", "check", SCENARIO)
        true(counts["agreements"] > 0 and counts["datasets"] > 0, counts)
        os.mkdir(table.path("policy"))
        for name in os.listdir(SCENARIO):
            with open(os.path.join(SCENARIO, name), "rb") as file:
                table.write(os.path.join("policy", name), file.read().replace(b"asker: ru/interior/road-safety",
                                                                             b"asker: ru/nobody"))
        done = table.run("policy", "check", "policy", expected=1)
        true("agreements.yaml:" in done.stderr, done.stderr)


@test
def a_bundle_whose_files_were_changed_gets_no_second_signature():
    with Table() as table:
        table.authority("policy", "one.key")
        table.authority("policy", "two.key")
        table.run("policy", "sign", SCENARIO, "--key", "one.key", "--origin", ORIGIN, "-o", "p.bundle", expected=2)
        table.run("policy", "sign", SCENARIO, "--key", "one.key", "--origin", ORIGIN, "--serial", "1", "-o", "p.bundle")
        bundle = table.read("p.bundle")
        table.write("p.bundle", bundle[:-3] + bytes([bundle[-3] ^ 1]) + bundle[-2:])
        table.run("policy", "sign", "p.bundle", "--key", "two.key", expected=1)
        table.write("p.bundle", bundle)
        table.run("policy", "sign", "p.bundle", "--key", "two.key")


@test
def two_packings_of_one_folder_have_one_hash():
    with Table() as table:
        table.authority("policy", "policy.key")
        hashes = [table.json("policy", "sign", SCENARIO, "--key", "policy.key", "--origin", ORIGIN, "--serial", "1",
                             "-o", name)["hash"] for name in ("a.bundle", "b.bundle")]
        equal(hashes[0], hashes[1])
        equal(hashes[0], table.json("policy", "check", SCENARIO)["hash"])


@test
def a_decision_is_explained_offline_field_by_field():
    with Table() as table:
        words = ["request", "explain", "--policy", SCENARIO, "--asker", "ru/interior/road-safety", "--dataset",
                 "identity.person", "--purpose", "identity-check", "--basis", "law", "--article", "210-ФЗ, ст. 7.1",
                 "--official", "i-1", "--official-role", "inspector", "--case", "c-1"]
        answer = table.json(*words, "--fields", "full_name:match,birth_date,home_address")
        equal([f["permitted"] for f in answer["fields"]], [True, False, False])
        equal([f["given"] for f in answer["fields"]], ["match", "", ""])
        equal(answer["agreement"], "licence-identity")
        equal(answer["fields"][2]["over_asked"], True)
        russian = table.json(*words, "--fields", "home_address", "--language", "ru")
        true("Отказано" in russian["fields"][0]["sentence"], russian)
        table.run(*words, expected=2)


def absent_broker(table):
    """Everything to reach a broker, which is not there."""
    registrar = table.authority("registrar", "registrar.key")
    policy = table.authority("policy", "policy.key")
    vkey = table.json("init", "home", "--origin", ORIGIN, "--registrar", registrar, "--policy", policy)["vkey"]
    table.run("member", "sign", "home/cards/broker.card", "--registrar", "registrar.key")
    table.card("portal", role="portal")
    table.write("profile.yaml", (
        "endpoint: \"tcp://127.0.0.1:9\"\nbroker_card: home/cards/broker.card\nvkey: \"%s\"\nkey: portal.key\n"
        "registrar:\n  keys: [\"%s\"]\npolicy:\n  keys: [\"%s\"]\n" % (vkey, registrar, policy)).encode())


@test
def a_broker_that_is_not_there_is_told_at_once():
    with Table() as table:
        absent_broker(table)
        for words in (["member", "list"], ["policy", "show"], ["audit", "list"]):
            started = time.monotonic()
            done = table.run(*words, "--profile", "profile.yaml", "--timeout", "30", expected=1)
            true("cannot be reached" in done.stderr, done.stderr)
            true(time.monotonic() - started < 10, "it waited %.1f s" % (time.monotonic() - started))


@test
def a_broker_whose_card_is_not_signed_is_not_connected_to():
    with Table() as table:
        absent_broker(table)
        table.run("init", "other", "--origin", ORIGIN, "--registrar", table.authority("registrar", "r2.key"),
                  "--policy", table.authority("policy", "p2.key"))
        done = table.run("member", "list", "--profile", "profile.yaml", "--broker-card", "other/cards/broker.card",
                         expected=1)
        true("card-request" in done.stderr, done.stderr)
        table.run("member", "sign", "other/cards/broker.card", "--registrar", "r2.key")
        done = table.run("member", "list", "--profile", "profile.yaml", "--broker-card", "other/cards/broker.card",
                         expected=1)
        true("signed by 0 of the 1 keys" in done.stderr, done.stderr)


@test
def an_identifier_on_the_command_line_is_refused_and_not_repeated():
    with Table() as table:
        absent_broker(table)
        for words in (["consent", "code"], ["consent", "list"], ["audit", "list"]):
            done = table.run(*words, "--subject", ANNA, "--scheme", "vd", "--profile", "profile.yaml", "--timeout", "1",
                             expected=2)
            true("004217" not in done.stdout + done.stderr, done.stderr)
            true("standard input" in done.stderr, done.stderr)


@test
def exit_codes_tell_usage_from_failure():
    with Table() as table:
        table.run(expected=2)
        table.run("help")
        table.run("--version")
        table.run("no-such-command", expected=2)
        table.run("member", expected=2)
        table.run("member", "--help")
        table.run("member", "list", "--help")
        table.run("member", "list", "--no-such-option", expected=2)
        table.run("member", "show", expected=2)
        table.run("member", "show", "a", "b", expected=2)
        table.run("member", "list", expected=2)
        table.run("policy", "check", "no-such-folder", expected=1)
        table.run("audit", "verify-receipt", "no-such-file", expected=2)
        table.run("audit", "verify-receipt", "no-such-file", "--vkey", "no-such-key", expected=2)


@test
def every_command_explains_itself_and_every_program_says_its_version():
    with Table() as table:
        listed = [line[2:24].strip() for line in table.run("help").stdout.splitlines() if line.startswith("  ")]
        true(len(listed) > 50, listed)
        for words in listed:
            shown = table.run(*words.split(), "--help").stdout
            true(shown.startswith("Usage: vedomo " + words), shown[:80])
            true("--json" in shown, words)
        for program in ("vedomod", "vedomo-node", "vedomo-portal"):
            path = os.path.join(os.path.dirname(VEDOMO), program)
            shown = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=60, check=False)
            true(shown.returncode == 0 and shown.stdout.startswith(program + " "), shown)
        for words in (("nonsense",), ("help", "nonsense"), ("audit", "nonsense"), ("audit",)):
            true("there is no command" in table.run(*words, expected=2).stderr, words)


@test
def with_json_every_outcome_is_one_document():
    with Table() as table:
        equal(set(table.json("version")), {"version", "protocol"})
        failure = table.json("policy", "check", "no-such-folder", expected=1)
        equal(set(failure), {"status", "message"})
        failure = table.json("audit", "verify-receipt", "x", "--vkey", "no-key", expected=2)
        equal(failure["status"], "usage")
        for words, told in ((("audit", "list", "--limit", "0"), "from 1 on"), (("member", "show"), "is missing"),
                            (("member", "show", ANNA, ANNA), "too many"), (("audit", "list", "--" + ANNA), "no such option"),
                            (("audit", "lsit"), "no such command")):
            failure = table.json(*words, expected=2)
            equal((set(failure), failure["status"]), ({"status", "message"}, "usage"), str(words))
            true(told in failure["message"] and ANNA not in failure["message"], failure["message"])
        equal(table.run("audit", "list", "--limit", "0", expected=2).stdout, "", "only where it was asked for")


@test
def a_profile_fills_what_was_not_said_and_names_its_faults():
    with Table() as table:
        table.write("profile.yaml", b"origin: from.profile/log\nlanguage: ru\n")
        env = {"VEDOMO_PROFILE": table.path("profile.yaml")}
        table.run("keygen", "--role", "node", "--member", "a", "--node", "b", "--out", "one.key", env=env)
        true(b"from.profile/log" in table.read("one.card"), "the profile's origin was not used")
        table.run("keygen", "--role", "node", "--member", "a", "--node", "b", "--out", "two.key", "--origin",
                  "from.option/log", env=env)
        true(b"from.option/log" in table.read("two.card"), "the option did not win")
        table.write("profile.yaml", b"origin: a/b\nkingdom: 1\n")
        done = table.run("member", "list", env=env, expected=1)
        true("profile.yaml:2" in done.stderr, done.stderr)


@test
def the_sample_profile_is_read_whole():
    sample = os.path.join(ROOT, "config", "profile.yaml")
    with Table() as table:
        done = table.run("status", "--profile", sample, expected=1)
        true("operator.key" in done.stderr, "it gets as far as the key that is not there: " + done.stderr)


@test
def a_witness_is_known_by_its_vkey():
    with Table() as table:
        made = table.json("keygen", "--role", "witness", "--node", "witness.example/w1", "--out", "w.key")
        true(made["vkey"].startswith("witness.example/w1+"), made)
        table.run("keygen", "--role", "witness", "--out", "x.key", expected=2)
        true(not os.path.exists(table.path("x.key")), "a refused keygen left a key")


main()
