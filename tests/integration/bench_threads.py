#!/usr/bin/env python3
# build: tsan
"""The broker under load, its threads watched: a short run of the benchmark under ThreadSanitizer.
A report makes the broker end with another exit code than 0, and the benchmark says so."""

import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

from tap import equal, main, test  # noqa: E402

BUILD = os.environ.get("VEDOMO_BUILD", os.path.join(ROOT, "build", "tsan"))


@test
def no_two_threads_touch_the_same_thing_under_load():
    with tempfile.TemporaryDirectory(prefix="vedomo-bench-") as folder:
        done = subprocess.run(
            [os.path.join(BUILD, "src", "vedomo"), "bench", "exchange", "--dir", folder, "--seconds",
             "2", "--rounds", "1", "--askers", "6", "--window", "16", "--holders", "2", "--sample",
             "4"], capture_output=True, text=True, timeout=240)
        equal(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    main()
