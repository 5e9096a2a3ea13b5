#!/usr/bin/python3
"""A broker whose home was put back to an older copy: a peer that has seen a newer checkpoint brings it along,
the broker recognises its own signature on entries that it does not have, and ends for good. A second broker on
one home does not begin."""

import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(ROOT, "tests", "support")]

from harness import BUILD, PATIENCE_S, Federation  # noqa: E402
from tap import equal, main, test, true, until  # noqa: E402


def published(house):
    return house.run(["status", "--json"], profile="operator").json["figures"]["log.published"]


@test
def an_older_copy_of_the_home_is_found_out_by_the_first_peer_that_has_seen_more():
    with Federation() as house:
        kept = os.path.join(house.dir, "kept")
        house.broker.stop()
        shutil.copytree(house.home, kept)
        house.start_broker()
        house.wait_for_broker(PATIENCE_S)
        before = published(house)
        house.run(["audit", "list"], profile="officer")  # the look is an entry
        until(lambda: published(house) > before, "a newer checkpoint is published", PATIENCE_S)
        published(house)  # the operator's profile keeps the newest one
        house.broker.stop()
        shutil.rmtree(house.home)
        shutil.copytree(kept, house.home)
        house.start_broker()
        # Whoever greets first brings the newer checkpoint; the broker may take a moment until it listens.
        until(lambda: house.run(["status", "--timeout", "5"], profile="operator", check=False).status != 0
              and house.broker.popen.poll() is not None, "the broker has ended", PATIENCE_S)
        equal(house.broker.popen.returncode, 1, "it says that it failed")
        true("log.rolled-back" in house.broker.log_tail(40), "and why: %s" % house.broker.log_tail(5))
        house.broker.popen.returncode = 0  # as this test wants it: the harness need not mind


def size_of(house, home):
    return house.run(["audit", "verify", "--home", home, "--leaves-only", "--json"]).json["size"]


@test
def a_second_broker_on_the_same_home_does_not_begin():
    with Federation() as house:
        second = subprocess.run([os.path.join(BUILD, "src", "vedomod"), "--home", house.home], capture_output=True,
                                text=True, timeout=PATIENCE_S, check=False)
        equal(second.returncode, 1)
        true("another broker runs on this home" in second.stderr, second.stderr)
        true(published(house) > 0, "the first one serves on")


@test
def a_copy_that_is_started_beside_the_original_writes_nothing():
    with Federation() as house:
        house.broker.stop()
        copy = os.path.join(house.dir, "copy")
        shutil.copytree(house.home, copy)
        house.start_broker()
        house.wait_for_broker(PATIENCE_S)
        before = size_of(house, copy)
        second = subprocess.run([os.path.join(BUILD, "src", "vedomod"), "--home", copy], capture_output=True,
                                text=True, timeout=PATIENCE_S, check=False)
        equal(second.returncode, 1)
        true("Address already in use" in second.stderr, second.stderr)
        equal(size_of(house, copy), before, "entries of the copy")
        true(published(house) > 0, "the original serves on")


if __name__ == "__main__":
    main()
