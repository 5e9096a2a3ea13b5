#!/usr/bin/python3
"""A log that is nearly full: new requests are told so, withdrawals still pass, nothing is lost."""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(ROOT, "tests", "support")]

from liars import ask_at_once, finish, open_asker, open_holder, shared  # noqa: E402
from tap import equal, test, true  # noqa: E402

REQUESTS_MAX = 5000


def small_log(house):
    with open(os.path.join(house.home, "vedomod.yaml"), "a", encoding="utf-8") as file:
        file.write("audit: {log_map: 16 MB, full_percent: 10}\n")


HOUSE = shared(before=small_log)


@test
def a_nearly_full_log_refuses_new_requests_and_takes_a_withdrawal():
    consent, session = HOUSE.grant("health.psychiatry-opinion")
    holder = open_holder(HOUSE)
    one, announcement = open_asker(HOUSE)
    sent = 0
    answers = []
    while ("busy", b"record-full") not in answers:
        true(sent < REQUESTS_MAX, "the log never fills: %s" % answers[-3:])
        answers = ask_at_once(HOUSE, one, announcement, 100)
        sent += 100
    equal(ask_at_once(HOUSE, one, announcement, 1), [("busy", b"record-full")], "and it stays so")
    status = HOUSE.run(["status"], profile="operator").out
    true("NEW REQUESTS ARE REFUSED" in status and "audit.log_map" in status, "the operator is told what to do: %s" % status)
    figures = HOUSE.run(["status", "--json"], profile="operator").json["figures"]
    equal(figures["record.full"], 1)
    true(figures["log.used-permille"] >= 100, "and how full it is")
    true("record.full" in HOUSE.broker.log_tail(100), "in the log, too")
    done = HOUSE.change_consent("withdraw", consent, session)
    equal(done["state"], "withdrawn", "a withdrawal needs no such room")
    verified = HOUSE.run(["audit", "verify", "--home", HOUSE.home, "--json"], check=False)
    equal(verified.status, 0, verified.err)
    holder.close()
    one.close()


finish(HOUSE)
