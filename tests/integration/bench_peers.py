#!/usr/bin/env python3
"""The comparison with what a team would build instead runs, and its figures are complete. Its
packages are no part of the product's: without them this is skipped. No speed is tested here."""

import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

from tap import Skip, equal, main, test, true  # noqa: E402

BUILD = os.environ.get("VEDOMO_BUILD", os.path.join(ROOT, "build", "asan"))


@test
def a_turn_of_all_three_gives_every_figure_and_leaves_nothing_behind():
    with tempfile.TemporaryDirectory(prefix="vedomo-peers-") as folder:
        os.chmod(folder, 0o711)  # PostgreSQL's user has its folder in there
        done = subprocess.run(
            [os.path.join(ROOT, "tests", "bench", "peers", "run"), "--json", "--rounds", "1",
             "--seconds", "1", "--askers", "2", "--window", "4", "--holders", "2", "--build",
             BUILD, "--dir", folder], capture_output=True, text=True, timeout=120)
        if done.returncode == 3:
            raise Skip(done.stderr.strip())
        equal(done.returncode, 0, done.stdout + done.stderr)
        figures = json.loads(done.stdout)
        for name in ("vedomo_per_s", "row_per_s", "batch_per_s", "vedomo_p50_us", "row_p50_us",
                     "batch_p50_us", "batch_rows_per_commit"):
            true(figures[name] > 0, name)
        for kind in ("row", "batch"):
            ratio = figures["vedomo_per_s"] / figures[kind + "_per_s"]
            true(abs(figures["ratio_" + kind] - ratio) < 0.01 * ratio + 1e-9, "the ratio fits")
        equal(os.listdir(folder), [], "nothing is left behind")


if __name__ == "__main__":
    main()
