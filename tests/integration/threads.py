#!/usr/bin/python3
# build: tsan
"""The programs' threads under ThreadSanitizer: askers, a desk and an operator at once, while the policy
is replaced, a member suspended and resumed, a key revoked. A report makes a program end badly."""

import os
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(ROOT, "tests", "support")]

import harness  # noqa: E402
from load import Load  # noqa: E402
from tap import main, test, true, until  # noqa: E402

MEMBER = "ru/interior/road-safety"


def order(house, action, *more):
    house.run(["member", action, MEMBER, "--registrar", os.path.join(house.dir, "authority", "registrar.key"), *more],
              profile="operator")


def served(load, more):
    """Until so many answers more have come."""
    seen = len(load.answers)
    until(lambda: len(load.answers) >= seen + more or load.broken, "%d answers more" % more, 120)
    true(not load.broken, "the load goes on: %s" % load.broken)


@test
def nothing_races_while_everything_happens_at_once():
    with harness.Federation(nodes=["road-safety", "population-register", "clinic-2"], citizens=500) as house:
        load = Load(house, int(time.time()))
        load.start()
        try:
            served(load, 20)
            house.apply_policy(serial=2)
            served(load, 20)
            order(house, "suspend", "--reason", "a test")
            served(load, 5)
            order(house, "resume", "--reason", "a test")
            served(load, 20)
            order(house, "revoke", "--node", "licence-office", "--reason", "a test")
            house.nodes["clinic-2"].stop()
            served(load, 5)
            house.start_node("clinic-2")
            house.wait_for_node("clinic-2", harness.PATIENCE_S)
            served(load, 20)
        finally:
            load.finish()
        true(any(answer["values"] for answer in load.answers), "there was a load")
        print("# %d answers, %s" % (len(load.answers), dict(load.troubles)))


main()
