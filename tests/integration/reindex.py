#!/usr/bin/python3
"""Views made again: refused while the broker runs, the same as before afterwards, whole or not there whenever it
is killed; the check over the home finds a view that was tampered with."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(ROOT, "tests", "support")]

from harness import BUILD, PATIENCE_S, Federation  # noqa: E402
from tap import equal, main, test, true  # noqa: E402

VEDOMO = os.path.join(BUILD, "src", "vedomo")
GROWN = 40000


def vedomo(*words):
    return subprocess.run([VEDOMO, *words], capture_output=True, text=True, timeout=PATIENCE_S, check=False)


def reindex(house):
    return vedomo("audit", "reindex", "--home", house.home)


def verify(house, *more):
    return vedomo("audit", "verify", "--home", house.home, *more)


def listed(house):
    return house.run(["audit", "list", "--limit", "50", "--json"], profile="officer").json["entries"]


def live(house):
    """Entries of several kinds: exchanges, a consent, looks."""
    for _ in range(3):
        house.ask(house.identity_question())
    house.grant("health.driver-certificate")
    listed(house)


def views_are_clean(house):
    return not [name for name in os.listdir(house.home) if name.startswith("views") and name != "views"]


@test
def views_made_again_are_what_they_were():
    with Federation(nodes=("road-safety", "clinic-2", "population-register")) as house:
        live(house)
        before = [entry["index"] for entry in listed(house)]
        refused = reindex(house)
        equal(refused.returncode, 1, refused.stdout)
        true(house.home in refused.stderr and "runs on this home" in refused.stderr, refused.stderr)
        house.broker.stop()
        done = reindex(house)
        equal(done.returncode, 0, done.stderr)
        true("made again" in done.stdout, done.stdout)
        true(views_are_clean(house), "nothing is left behind: %s" % os.listdir(house.home))
        checked = verify(house)
        equal(checked.returncode, 0, checked.stdout)
        true("its views are the log's" in checked.stdout, checked.stdout)
        house.start_broker()
        house.wait_for_broker(PATIENCE_S)
        after = [entry["index"] for entry in listed(house)]
        true(set(before[1:40]) <= set(after), "the record reads as before")
        house.broker.stop()


@test
def a_reindexing_that_is_killed_leaves_the_old_views_or_none():
    with Federation() as house:
        house.broker.stop()
        subprocess.run([os.path.join(BUILD, "tests", "growlog"), house.home, str(GROWN)], check=True)
        began = time.monotonic()
        equal(reindex(house).returncode, 0)
        whole_s = time.monotonic() - began
        for _ in range(12):
            running = subprocess.Popen([VEDOMO, "audit", "reindex", "--home", house.home],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(random.uniform(0, 1.1 * whole_s))
            running.send_signal(signal.SIGKILL)
            running.wait()
            equal(verify(house).returncode, 0, "whatever is there is the log's")
        equal(reindex(house).returncode, 0)
        true(views_are_clean(house), "nothing is left behind: %s" % os.listdir(house.home))
        house.start_broker()
        house.wait_for_broker(PATIENCE_S)
        house.broker.stop()


@test
def tampered_views_are_found_and_made_good():
    with Federation(nodes=("road-safety", "clinic-2", "population-register")) as house:
        live(house)
        house.broker.stop()
        kept = os.path.join(house.dir, "views.kept")
        shutil.copytree(os.path.join(house.home, "views"), kept)
        checkpoint = os.path.join(house.dir, "kept.checkpoint")
        shutil.copy(os.path.join(house.home, "log.published"), checkpoint)
        equal(verify(house, "--checkpoint", checkpoint).returncode, 0)
        house.start_broker()
        house.wait_for_broker(PATIENCE_S)
        house.grant("health.psychiatry-opinion")
        house.broker.stop()
        log = os.path.join(house.home, "log.published")
        with open(log, "rb") as file:
            newer = file.read()
        with open(checkpoint, "wb") as file:
            file.write(newer)
        equal(verify(house, "--checkpoint", checkpoint).returncode, 0)
        equal(reindex(house).returncode, 0, "the indexer may not have been there yet")
        data = os.path.join(house.home, "views", "data.mdb")
        with open(data, "r+b") as file:
            content = bytearray(file.read())
            place = content.rfind(b"health.psychiatry-opinion")
            true(place > 0, "the views hold the consent")
            content[place] ^= 1
            file.seek(0)
            file.write(content)
        found = verify(house)
        equal(found.returncode, 1, found.stdout)
        true("view: views, consent: the row of entry" in found.stdout, found.stdout)
        equal(verify(house, "--without-views").returncode, 0)
        equal(reindex(house).returncode, 0)
        equal(verify(house).returncode, 0)


if __name__ == "__main__":
    main()
