#!/usr/bin/python3
"""Forgetting a month: by whose order and when; what is left of it in the broker's home; that lists, proofs,
budgets and views go on; and that a broker that ended at any step of it finishes what the log says was begun."""

import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(ROOT, "tests", "support")]

from foreign import Peer  # noqa: E402
from harness import ANNA, BUILD, ORIGIN, PATIENCE_S, Federation  # noqa: E402
from tap import equal, main, test, true, until  # noqa: E402

MONTHS = ["2021-03", "2021-04", "2021-06"]
COUNT = 40  # exchanges a month
CANARIES = ("canary-official-", "canary-case-")


def old_log(count=COUNT, months=MONTHS):
    def before(house):
        subprocess.run([os.path.join(BUILD, "tests", "oldlog"), house.home, "vd",
                        ANNA.upper().replace("-", "").replace(" ", ""), str(count), *months], check=True)
    return before


def figures(house):
    return house.run(["status", "--json"], profile="operator").json["figures"]


def forget(house, month, *more, check=True):
    return house.run(["audit", "forget", month, "--json", *more], profile="officer", check=check)


def anna(house):
    return house.run(["audit", "list", "--subject", "-", "--limit", "100", "--json"], stdin=ANNA + "\n",
                     profile="officer").json["entries"]


def files(house):
    for folder, _, names in os.walk(house.home):
        for name in names:
            yield os.path.join(folder, name)


def holders_of(house, wanted):
    """The files of the home that have these bytes."""
    found = []
    for path in files(house):
        with open(path, "rb") as file:
            if wanted in file.read():
                found.append(os.path.relpath(path, house.home))
    return sorted(found)


def ids_of(month):
    return ("%s%09d" % (month, 1)).encode()


def counter(what, month):
    """The key of a budget that tests/support/oldlog.c charges."""
    return hashlib.sha256((what + month).encode()).hexdigest()


def counters(house):
    """{key: (value, how it came there)} of the views of a broker that does not run."""
    lines = subprocess.run([os.path.join(BUILD, "tests", "oldlog"), house.home], check=True, capture_output=True,
                           text=True).stdout.strip().split("\n")
    return {line.split()[0]: tuple(line.split()[1:]) for line in lines}


def carried(house, after):
    """(lists, budgets) that entries behind that one carry forward; the broker does not run."""
    lines = subprocess.run([os.path.join(BUILD, "tests", "oldlog"), house.home, "--carried"], check=True, capture_output=True,
                           text=True).stdout.split("\n")
    rows = [line.split() for line in lines if line and int(line.split()[0]) > after]
    return [{key for _, kind, key in rows if kind == wanted} for wanted in ("list", "budget")]


def restart(house, change=None):
    house.broker.stop()
    if change:
        change()
    house.start_broker()
    house.wait_for_broker(PATIENCE_S)


def wait_until_renewed(house, month):
    """The rows of the month are in no file of the views."""
    until(lambda: not holders_of(house, ids_of(month)), "the views are renewed without %s" % month, PATIENCE_S)


def verified(house):
    return house.run(["audit", "verify", "--home", house.home, "--json"], check=False, timeout=120).json


def key_of(house, month):
    return os.path.join(house.home, "keys", "body", month + ".key")


@test
def a_month_is_forgotten_by_an_officers_order_and_nothing_of_it_can_be_read_afterwards():
    with Federation(before=old_log()) as house:
        equal(figures(house)["retention.months-due"], len(MONTHS), "months without entries are none")
        equal(figures(house)["retention.oldest"], 202103)
        until(lambda: holders_of(house, ids_of(MONTHS[0])) == ["views/data.mdb"],
              "the views have rows of the month", PATIENCE_S)
        wrong = house.run(["audit", "forget", MONTHS[0]], profile="operator", check=False)
        true(wrong.status == 1 and "officer" in wrong.err, "an operator may not: %s" % wrong.err)
        early = forget(house, time.strftime("%Y-%m"), check=False)
        true(early.status == 1 and "may be forgotten from" in early.err, "not before its time: %s" % early.err)
        late = forget(house, MONTHS[1], check=False)
        true(late.status == 1 and MONTHS[0] + " is older" in late.err, "the oldest goes first: %s" % late.err)
        forget(house, MONTHS[0], "--dry-run")
        before = anna(house)
        equal(len([e for e in before if e["kind"] == "decision"]), 3)
        with open(key_of(house, MONTHS[0]), "rb") as file:
            key = file.read()
        copies = os.path.join(house.dir, "keys-copies")
        house.run(["backup", "keys", copies, "--home", house.home])
        entry = forget(house, MONTHS[0]).json["entry"]
        wait_until_renewed(house, MONTHS[0])
        equal(figures(house)["retention.forgotten-to"], 202103)
        equal(figures(house)["retention.oldest"], 202104)
        again = forget(house, MONTHS[0], check=False)
        true("forgotten already" in again.err, again.err)
        # Nothing of it opens, nothing of it lies about, and nothing else is gone.
        true(not holders_of(house, key.split(b"\n")[3]), "the key is in no file")
        copied = house.run(["backup", "keys", copies, "--home", house.home, "--json"]).json
        equal(copied["destroyed"], 1, "the copy of its key is destroyed, too")
        for folder, _, names in os.walk(copies):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    true(key.split(b"\n")[3] not in file.read(), "the key is in %s" % name)
        for canary in CANARIES:
            equal(holders_of(house, (canary + MONTHS[0]).encode()), [], canary)
        true(holders_of(house, ids_of(MONTHS[1])), "other months keep their rows")
        report = verified(house)
        equal(report["findings"], [], "the log verifies")
        equal(report["forgotten"], 2 * COUNT)
        listed = anna(house)
        equal(len([e for e in listed if e.get("kind") == "decision"]), 2)
        equal(listed[-1]["earlier"], 1, "the list begins with what was forgotten")
        equal(listed[-1]["until"], MONTHS[0])
        shown = house.run(["audit", "list", "--subject", "-"], stdin=ANNA + "\n", profile="officer").out
        true("earlier entries were forgotten under the retention rule: 1, up to the end of 2021-03" in shown, shown)
        old = house.run(["audit", "show", "0"], profile="officer").out
        true("forgotten under the retention rule" in old, old)
        order = house.run(["audit", "show", str(entry)], profile="officer").out
        true("carry-forward" in order, order)
        whole = house.run(["audit", "verify", "--subject", "-", "--json"], stdin=ANNA + "\n", profile="officer",
                          check=False).json
        true("failed_check" not in whole, "nothing is wrong with her list (no epoch counts it yet): %s" % whole)
        equal(whole["forgotten"], 1, "one of it is forgotten, and may be")
        carried = house.run(["audit", "list", "--limit", "200", "--json"], profile="officer").json["entries"]
        true(all("carried" not in str(e) for e in carried), "what is carried forward is shown to nobody")


@test
def lists_budgets_and_views_go_on_behind_what_was_forgotten():
    with Federation(before=old_log()) as house:
        orders = []
        for month in MONTHS[:2]:
            orders.append(forget(house, month).json["entry"])
            wait_until_renewed(house, month)
        listed = anna(house)
        size = figures(house)["log.size"]
        wanted = {counter("case", month): (str(COUNT), "carried" if month != MONTHS[2] else "set") for month in MONTHS}
        wanted[counter("day", MONTHS[2])] = (str(COUNT), "set")
        house.broker.stop()
        equal(counters(house), wanted, "budgets without an end are carried forward, ended ones go")
        # Each order carries everything anew: what carried it before is forgotten one day, too. Hers goes on by itself.
        lists, budgets = carried(house, orders[0])
        equal((len(lists), budgets), (2 * (COUNT - 1), {counter("case", month) for month in MONTHS[:2]}))
        equal([before - after for before, after in zip(carried(house, 0), (lists, budgets))], [set(), set()],
              "the second order carries what the first one did")
        house.start_broker()
        house.wait_for_broker(PATIENCE_S)

        def wipe():
            shutil.rmtree(os.path.join(house.home, "views"))
        restart(house, wipe)
        true(figures(house)["log.size"] >= size, "the log is there")
        again = anna(house)
        equal([e for e in again if e.get("kind") == "decision"], [e for e in listed if e.get("kind") == "decision"])
        equal(again[-1], listed[-1], "views made again say the same of what was forgotten")
        until(lambda: not holders_of(house, ids_of(MONTHS[0])), "and are renewed once", PATIENCE_S)
        equal(verified(house)["findings"], [])


@test
def a_broker_that_ended_at_any_step_finishes_when_it_starts_again():
    with Federation(before=old_log()) as house:
        kept = os.path.join(house.dir, "kept")
        shutil.copy(key_of(house, MONTHS[0]), kept)
        views = os.path.join(house.dir, "views.before")
        house.broker.stop()
        shutil.copytree(os.path.join(house.home, "views"), views)
        house.start_broker()
        house.wait_for_broker(PATIENCE_S)
        forget(house, MONTHS[0])
        wait_until_renewed(house, MONTHS[0])

        def is_gone():
            with open(key_of(house, MONTHS[0]), "rb") as file:
                return b"forgotten " in file.read()

        # Behind the entry, before the key went: the key is there.
        restart(house, lambda: shutil.copy(kept, key_of(house, MONTHS[0])))
        until(is_gone, "the key is destroyed at the start", PATIENCE_S)

        # The key is overwritten, what says so does not stand there yet.
        def overwritten():
            with open(key_of(house, MONTHS[0]), "wb") as file:
                file.write(bytes(os.path.getsize(kept)))
        restart(house, overwritten)
        until(is_gone, "the start says so", PATIENCE_S)

        # The key is gone, the views are the old ones, half of a renewal lies beside them.
        def old_views():
            shutil.rmtree(os.path.join(house.home, "views"))
            shutil.copytree(views, os.path.join(house.home, "views"))
            shutil.copytree(views, os.path.join(house.home, "views.next"))
        restart(house, old_views)
        wait_until_renewed(house, MONTHS[0])
        until(lambda: not os.path.exists(os.path.join(house.home, "views.next")), "nothing lies about", PATIENCE_S)
        equal(verified(house)["findings"], [])
        equal(anna(house)[-1].get("earlier"), 1)


@test
def killed_in_the_middle_of_forgetting_the_broker_loses_nothing_and_forgets_in_the_end():
    months = ["2020-%02d" % month for month in range(1, 7)]
    with Federation(before=old_log(400, months)) as house:
        for number, month in enumerate(months):
            worker = threading.Thread(target=lambda m=month: forget(house, m, "--timeout", "5", check=False))
            worker.start()
            time.sleep(0.05 * number)
            house.broker.kill()
            worker.join()
            house.start_broker()
            house.wait_for_broker(PATIENCE_S)
            if figures(house)["retention.forgotten-to"] < int(month.replace("-", "")):
                with open(key_of(house, month), "rb") as file:
                    true(b"forgotten" not in file.read(), "no key goes before the log says so")
                forget(house, month)
            wait_until_renewed(house, month)
            report = verified(house)
            equal(report["findings"], [], "after a kill at %s" % month)
            equal(report["forgotten"], 800 * (number + 1))
        equal(anna(house)[-1]["earlier"], len(months))


@test
def a_month_under_a_legal_hold_stays():
    with Federation(before=old_log()) as house:
        officer = Peer(house.endpoint, os.path.join(house.dir, "people", "officer", "officer.key"), house.broker_card,
                       ORIGIN)
        true(officer.hello(), "the broker greets its officer")
        result, _ = officer.call("control", {"version": 1, "action": 6, "hold": {"state": 1, "name": b"case 7"}})
        equal(result.get("status", 0), 0, result)
        held = forget(house, MONTHS[0], check=False)
        true(held.status == 1 and "legal hold covers entries of that month: 'case 7'" in held.err, held.err)
        for number in range(8, 12):
            name = ("дело %d" % number).encode()
            result, _ = officer.call("control", {"version": 1, "action": 6, "hold": {"state": 1, "name": name}})
            equal(result.get("status", 0), 0, result)
        held = forget(house, MONTHS[0], check=False)
        true("'дело " in held.err and held.err.count("'") == 6 and "and 2 more" in held.err, held.err)
        equal(figures(house)["retention.forgotten-to"], 0)
        officer.close()


@test
def a_key_that_was_brought_back_is_destroyed_again():
    with Federation(before=old_log()) as house:
        kept = os.path.join(house.dir, "kept")
        shutil.copytree(os.path.join(house.home, "keys", "body"), kept)
        for month in MONTHS[:2]:
            forget(house, month)
        house.broker.stop()
        for month in MONTHS[:2]:
            shutil.copy(os.path.join(kept, month + ".key"), key_of(house, month))
        found = [f for f in verified(house)["findings"] if "its key is there" in str(f)]
        equal(len(found), 2, "the check tells both")
        house.start_broker()
        house.wait_for_broker(PATIENCE_S)
        until(lambda: not verified(house)["findings"], "both are destroyed at the start", PATIENCE_S)


@test
def a_month_that_somebody_made_look_forgotten_is_a_finding():
    with Federation(before=old_log()) as house:
        house.broker.stop()
        with open(key_of(house, MONTHS[1]), "wb") as file:
            number = (2021 - 1970) * 12 + 4
            file.write(b"vedomo-body-key 1\nid %d\nforgotten 2026-01-01T00:00:00.000Z\n" % number)
        report = verified(house)
        true(report["findings"], "a key that went without an entry is told: %s" % report)
        true(MONTHS[1] in str(report["findings"]), report["findings"])
        house.start_broker()
        house.wait_for_broker(PATIENCE_S)


if __name__ == "__main__":
    main()
