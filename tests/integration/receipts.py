#!/usr/bin/python3
# build: release
"""Receipts under load: every exchange's receipts, of the decision and of the release, verify offline with the
public library alone, while the broker is as busy as it can be. 20,000 exchanges; 100,000 with --long."""

import json
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(ROOT, "tests", "support")]

from tap import equal, main, test, true  # noqa: E402

BUILD = os.environ.get("VEDOMO_BUILD", os.path.join(ROOT, "build", "release"))
WANTED = 100000 if "--long" in sys.argv else 20000
ROUNDS_MAX = 40


def load(folder, seconds, number):
    """Runs the load; gives the figures and the file of receipts."""
    path = os.path.join(folder, "receipts-%d" % number)
    done = subprocess.run([os.path.join(BUILD, "src", "vedomo"), "bench", "exchange", "--json", "--dir", folder,
                           "--seconds", str(seconds), "--rounds", "1", "--sample", "1", "--askers", "8", "--holders",
                           "4", "--window", "32", "--receipts", path], capture_output=True, text=True, timeout=300,
                          check=False)
    equal(done.returncode, 0, done.stdout + done.stderr)
    return json.loads(done.stdout), path


@test
def every_receipt_of_a_busy_broker_verifies_with_the_public_library_alone():
    exchanges = 0
    with tempfile.TemporaryDirectory(prefix="vedomo-receipts-") as folder:
        seconds = 2
        for number in range(ROUNDS_MAX):
            figures, path = load(folder, seconds, number)
            checked = subprocess.run([os.path.join(BUILD, "tests", "verify_many"), path], capture_output=True,
                                     text=True, timeout=300, check=False)
            equal(checked.returncode, 0, checked.stderr)
            verified, spoiled = map(int, re.match(r"(\d+) verified, (\d+) refused", checked.stdout).groups())
            true(verified % 2 == 0 and verified >= 2 * figures["verified"], "of each decision and release, warming up too")
            true(figures["verified"] >= figures["exchanges"] > 0, "each exchange was checked whole")
            true(spoiled > 0, "and one byte more or less is seen")
            os.remove(path)
            exchanges += verified // 2
            if exchanges >= WANTED:
                break
            rate = max(1, verified / 2 / seconds)
            seconds = int(min(20, max(2, (WANTED - exchanges) / rate + 1)))
        true(exchanges >= WANTED, "%d exchanges" % exchanges)


if __name__ == "__main__":
    main()
