#!/usr/bin/python3
"""Deciding again what has a past: months that are forgotten, consents and budgets that began under an older key of
tags, exchanges that a crash cut off, many at once on one budget. What cannot be decided again is named as that, and
only that; budgets are counted along the log, whatever an entry says of them."""

import concurrent.futures
import json
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(ROOT, "tests", "support")]

from exchanges import CERTIFICATE, NODES, Held, discount, fields, gives, reasons, urgent, widen  # noqa: E402
from exchanges import withdrawn_in_flight  # noqa: E402
from harness import ANNA, BUILD, PATIENCE_S, Federation  # noqa: E402
from tap import equal, main, test, true  # noqa: E402

MONTHS = ["2021-03+", "2021-04", "2021-06"]
COUNT = 4  # exchanges a month


def with_a_past(house):
    widen(house)
    subprocess.run([os.path.join(BUILD, "tests", "oldlog"), house.home, "vd", ANNA.replace("-", ""), str(COUNT), *MONTHS],
                   check=True)


def replay(house, *more):
    done = house.run(["audit", "replay", "--home", house.home, "--json", *more], check=False, timeout=PATIENCE_S)
    return done.status, json.loads(done.out) if done.out else {"error": done.err}


def comes_out(house, *more):
    """Everything that can be decided again comes out as recorded."""
    code, found = replay(house, *more)
    equal((code, found.get("findings"), found.get("difference_count")), (0, [], 0), str(found))
    return found


def forge(house, index, what):
    done = subprocess.run([os.path.join(BUILD, "tests", "forge"), house.home, str(index), what], capture_output=True,
                          text=True, timeout=PATIENCE_S, check=False)
    equal(done.returncode, 0, done.stderr)
    return int(done.stdout) if done.stdout else None


def listed(house, kind):
    words = ["audit", "list", "--limit", "200", "--kind", kind, "--json"]
    return sorted(entry["index"] for entry in house.run(words, profile="officer").json["entries"])


def forget(house, month):
    return house.run(["audit", "forget", month, "--json"], profile="officer").json["entry"]


def body_key(house, name):
    return os.path.join(house.home, "keys", "body", name + ".key")


@test
def what_is_forgotten_is_named_as_that_and_hides_nothing():
    with Federation(nodes=NODES, before=with_a_past) as house:
        house.grant(CERTIFICATE)
        gives(house.ask(house.consent_question(CERTIFICATE, fields("fit"))))
        gives(house.ask(house.identity_question()))
        orders = [forget(house, month[:7]) for month in MONTHS[:1]]
        code, found = replay(house)
        equal((code, found["forgotten"], found["forgotten_decisions_released"]), (1, 2 * COUNT - 1, 1), str(found))
        equal(found["undecided"], 2 * COUNT, "the other old months rest on a bundle that is not there")
        orders += [forget(house, month[:7]) for month in MONTHS[1:]]
        found = comes_out(house)
        equal((found["forgotten"], found["decisions"], found["undecided"], found["gone"]), (6 * COUNT, 2, 0, 0), str(found))
        equal([(m["month"], m["entries"], m["ordered_by"]) for m in found["forgotten_months"]],
              [("2021-03", 2 * COUNT - 1, orders[0]), ("2021-04", 2 * COUNT + 1, orders[1]), ("2021-06", 2 * COUNT, orders[2])])
        told = house.run(["audit", "replay", "--home", house.home]).out
        true("2021-04: %d entries of exchanges, forgotten by order of entry %d; they cannot be decided again"
             % (2 * COUNT + 1, orders[1]) in told and "every one that is not forgotten comes out as recorded" in told, told)
        part = comes_out(house, "--to", str(5 * COUNT))  # the orders stand behind it
        equal(([m["ordered_by"] for m in part["forgotten_months"]], part["gone"]), (orders, 0), str(part))
        newest = [max(listed(house, kind)) for kind in ("decision", "released")]
        house.broker.stop()
        hidden_are_named(house, *newest)


def hidden_are_named(house, decided, released):
    """The broker is stopped; each lie in a copy of its own."""
    kept = house.home

    def copy():
        house.home = kept + "-copy"
        shutil.rmtree(house.home, ignore_errors=True)
        shutil.copytree(kept, house.home)
    # A release that says that its decision is forgotten long since.
    copy()
    forge(house, released, "orphan")
    code, found = replay(house)
    equal((code, [f["what"] for f in found["findings"]]), (1, ["release"]), str(found))
    # The key of this month is gone, as if it were forgotten: nobody has ordered it.
    copy()
    name = max(name for name in os.listdir(os.path.dirname(body_key(house, "x"))) if name.startswith("2"))[:-4]
    with open(body_key(house, name), encoding="ascii") as file:
        lines = file.read().split("\n")
    with open(body_key(house, name), "w", encoding="ascii") as file:
        file.write("\n".join(lines[:2] + ["forgotten 2026-01-01T00:00:00.000Z", ""]))
    code, found = replay(house)
    equal((code, found["difference_count"], found["decisions"], len(found["findings"])), (1, 0, 0, 1), str(found))
    equal((found["findings"][0]["entries"], found["findings"][0]["last"] >= decided), (found["gone"], True), str(found))
    true("no entry orders it" in found["findings"][0]["message"], str(found))
    # The lasting key: members, rules and consents cannot be read.
    copy()
    with open(body_key(house, "lasting"), "w", encoding="ascii") as file:
        file.write("vedomo-body-key 1\nid 0\nforgotten 2026-01-01T00:00:00.000Z\n")
    code, found = replay(house)
    equal((code, found["difference_count"], found["decisions"], found["forgotten_grounds"]), (1, 0, 0, 2), str(found))
    house.home = kept


@test
def consents_and_budgets_that_began_under_an_older_key_of_tags_are_counted_on():
    with Federation(nodes=NODES, before=widen) as house:
        house.grant(CERTIFICATE)  # three uses
        for _ in range(2):
            gives(house.ask(house.consent_question(CERTIFICATE, fields("fit"))))
        discount(house)  # a form lock
        urgent(house)
        withdrawn_in_flight(house)
        held = Held(house, "clinic-2", house.consent_question(CERTIFICATE, fields("fit"), automated=False))
        house.broker.kill()
        house.run(["keygen", "--role", "tag", "--out", os.path.join(house.home, "keys", "tag-2.key")])
        house.start_broker()
        house.wait_for_broker(PATIENCE_S)
        held.go_on()
        for node in NODES:
            house.wait_for_node(node, PATIENCE_S)
        begun = house.run(["status", "--json"], profile="operator").json["figures"]["log.size"]

        gives(house.ask(house.consent_question(CERTIFICATE, fields("fit"))))
        gives(house.ask(house.consent_question(CERTIFICATE, fields("fit"))), "consent-used-up")
        case = {"case": "one-case"}
        with concurrent.futures.ThreadPoolExecutor(12) as pool:  # one case, one official: decided beside one another
            answers = list(pool.map(lambda _: house.ask(house.identity_question(**case)), range(12)))
        equal(sum(not reasons(answer) and bool(answer[1]["values"]) for answer in answers), 2, "two of twelve pass")
        found = comes_out(house)
        true(found["decisions"] >= 25 and found["releases"] >= 9, str(found))
        part = comes_out(house, "--from", str(begun))
        true(part["decisions"] >= 14, str(part))
        released, decided = listed(house, "released"), listed(house, "decision")
        house.broker.stop()
        budgets_are_followed(house, decided, released)
        os.remove(os.path.join(house.home, "keys", "tag-2.key"))
        code, found = replay(house)
        true(code == 1 and "keys/tag" in str(found), "a key of tags that is missing is named: %s" % found)


def budgets_are_followed(house, decided, released):
    """Entries that say that a budget stands elsewhere than the log gives."""
    # The same decision for another exchange, with a release that charges what the first one did.
    index = forge(house, decided[0], "anew")
    comes_out(house, "--from", str(index))
    again = forge(house, released[0], "anew")
    code, found = replay(house)
    true(code == 1 and {f["index"] for f in found["findings"]} == {again}, str(found))
    equal({f["what"] for f in found["findings"]}, {"charge"}, str(found))
    # Refused, as a budget is said to be spent that is not.
    forged = forge(house, decided[-1], "spent")
    found = replay(house)[1]
    equal({f["what"] for f in found["findings"] if f["index"] == forged}, {"counter that was looked at"}, str(found))


if __name__ == "__main__":
    main()
