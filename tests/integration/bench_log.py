#!/usr/bin/env python3
# alone: it compares the rates of two ways of appending
"""The log's benchmark tells the truth: a small run makes its entries, checks them whole, prints
figures that fit together, leaves nothing behind unless told to, and refuses where there is no room."""

import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

from tap import equal, main, test, true  # noqa: E402

BUILD = os.environ.get("VEDOMO_BUILD", os.path.join(ROOT, "build", "asan"))
VEDOMO = os.path.join(BUILD, "src", "vedomo")


def bench(*options):
    return subprocess.run([VEDOMO, "bench", "log", "--json", *options], capture_output=True,
                          text=True, timeout=300)


@test
def a_small_log_is_made_measured_and_removed():
    with tempfile.TemporaryDirectory(prefix="vedomo-bench-") as folder:
        done = bench("--dir", folder, "--entries", "40000", "--subjects", "3000")
        equal(done.returncode, 0, done.stdout + done.stderr)
        figures = json.loads(done.stdout)
        equal(os.listdir(folder), [], "the log is gone")
    true(figures["entries"] >= 40000, "as many entries as asked for")
    for name in ("append_per_s_at_0", "append_per_s", "append_ratio", "sustained_per_s",
                 "sustained_ratio", "page_ratio", "start_s", "rebuild_s",
                 "verify_leaves_per_core_s", "verify_bodies_per_core_s", "log_bytes_per_entry",
                 "views_bytes_per_entry", "epoch_lists_s", "epoch_next_s", "epoch_people"):
        true(figures[name] > 0, name)
    for page in (figures["page_small"], figures["page_large"]):
        true(page["warm_p50_us"] <= page["warm_p99_us"], "percentiles grow")
        true(page["cold_count"] > 0 and page["warm_count"] > 0, "pages were read")
    equal(figures["start_rebuilt"], False, "the views were intact after the kill")
    true(figures["log_bytes_per_entry"] > figures["part_bytes_per_entry"], "a log holds its parts")
    true(figures["sustained_per_s"] < figures["append_per_s"], "views cost something")


@test
def a_log_that_is_kept_can_be_checked():
    with tempfile.TemporaryDirectory(prefix="vedomo-bench-") as folder:
        done = bench("--dir", folder, "--entries", "40000", "--batch", "64", "--keep")
        equal(done.returncode, 0, done.stdout + done.stderr)
        figures = json.loads(done.stdout)
        home = figures["folder"]
        checked = subprocess.run([VEDOMO, "audit", "verify", "--home", home, "--json"],
                                 capture_output=True, text=True, timeout=300)
        equal(checked.returncode, 0, checked.stdout + checked.stderr)
        true(json.loads(checked.stdout)["size"] >= figures["entries"], "all of them are there")


@test
def too_little_room_is_said_before_anything_is_made():
    with tempfile.TemporaryDirectory(prefix="vedomo-bench-") as folder:
        done = bench("--dir", folder, "--entries", "1000000000000")
        equal(done.returncode, 1, done.stdout)
        true("GB free" in done.stderr and "--entries" in done.stderr, done.stderr)
        equal(os.listdir(folder), [], "nothing was made")


@test
def nonsense_is_refused():
    for words in (["--entries", "10"], ["--batch", "3"], ["--batch", "4096"]):
        equal(bench(*words).returncode, 2, " ".join(words))


if __name__ == "__main__":
    main()
