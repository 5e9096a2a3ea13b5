#!/usr/bin/python3
"""A disk that runs full, for real: a small file system of its own. New requests are told so in time,
withdrawals pass; at the last byte commits are refused whole, the broker lives on, and goes on by itself once
there is room again."""

import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(ROOT, "tests", "support")]

MOUNTED = "VEDOMO_SMALL_DISK"
DISK_MB = 24


def in_a_namespace_of_its_own():
    """Runs this file again where it may mount; False: this machine does not let it."""
    place = tempfile.mkdtemp(prefix="vedomo-disk-")
    mount = "mount -t tmpfs -o size=%dm,mode=700 tmpfs %s && exec \"$@\"" % (DISK_MB, place)
    may = subprocess.run(["unshare", "-rm", "sh", "-c", mount, "sh", "true"], capture_output=True, check=False)
    if may.returncode != 0:
        shutil.rmtree(place)
        print("1..1\nok 1 - a_disk_that_runs_full # SKIP no mount namespaces here", flush=True)
        sys.exit(0)
    done = subprocess.run(["unshare", "-rm", "sh", "-c", mount, "sh", sys.executable, __file__],
                          env={**os.environ, MOUNTED: place}, check=False)
    shutil.rmtree(place, ignore_errors=True)
    sys.exit(done.returncode)


if MOUNTED not in os.environ:
    in_a_namespace_of_its_own()

from harness import PATIENCE_S  # noqa: E402
from liars import ask_at_once, finish, open_asker, open_holder, shared  # noqa: E402
from tap import equal, test, true  # noqa: E402

DISK = os.environ[MOUNTED]
REQUESTS_MAX = 40000
LOOKS_MAX = 300


def on_the_small_disk(house):
    home = os.path.join(DISK, "home")
    shutil.move(house.home, home)
    os.symlink(home, house.home)
    with open(os.path.join(home, "vedomod.yaml"), "a", encoding="utf-8") as file:
        file.write("audit: {full_percent: 60}\n")


HOUSE = shared(before=on_the_small_disk)


def figures():
    return HOUSE.run(["status", "--json"], profile="operator").json["figures"]


def look():
    """An officer's look is an entry."""
    return HOUSE.run(["audit", "list", "--limit", "1"], profile="officer", check=False)


def fill_up():
    """Takes every byte that the disk has left."""
    path = os.path.join(DISK, "filler")
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    return path


@test
def a_disk_that_runs_full_stops_requests_in_time_and_takes_a_withdrawal_and_the_broker_outlives_the_last_byte():
    first, session = HOUSE.grant("health.psychiatry-opinion")
    second, session_two = HOUSE.grant("health.narcology-opinion")
    holder = open_holder(HOUSE)
    one, announcement = open_asker(HOUSE)
    sent, answers = 0, []
    while ("busy", b"record-full") not in answers:
        true(sent < REQUESTS_MAX, "the disk never fills: %s" % answers[-3:])
        answers = ask_at_once(HOUSE, one, announcement, 200)
        sent += 200
    equal(figures()["record.full"], 1)
    equal(HOUSE.change_consent("withdraw", first, session)["state"], "withdrawn", "there is room for a withdrawal")
    size = figures()["log.size"]

    filler = fill_up()
    for _ in range(LOOKS_MAX):  # the file has some free pages still
        if look().status != 0:
            break
        size += 1
    refused = HOUSE.run(["consent", "withdraw", second, "--session", session_two, "--clerk", "window-7"],
                        profile="desk-7", check=False)
    true(refused.status == 1, "what cannot be put on record is not said to be: %s" % refused.out)
    true(look().status == 1, "nor is a look")
    equal(ask_at_once(HOUSE, one, announcement, 1), [("busy", b"record-full")])
    true(HOUSE.broker.popen.poll() is None, "the broker lives")
    equal(figures()["log.size"], size, "nothing was written by half")

    os.unlink(filler)
    equal(HOUSE.change_consent("withdraw", second, session_two)["state"], "withdrawn", "with room it goes on")
    verified = HOUSE.run(["audit", "verify", "--home", HOUSE.home, "--json"], check=False, timeout=PATIENCE_S)
    equal(verified.status, 0, verified.err + verified.out)
    holder.close()
    one.close()


finish(HOUSE)
