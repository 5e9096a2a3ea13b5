#!/usr/bin/env python3
"""The benchmark tells the truth: short runs of each kind print figures that are complete and fit
together, every exchange is checked whole, and nothing is left behind. No speed is tested here."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

from tap import equal, main, test, true, until  # noqa: E402

BUILD = os.environ.get("VEDOMO_BUILD", os.path.join(ROOT, "build", "asan"))


def run(kind, folder, *options):
    words = [os.path.join(BUILD, "src", "vedomo"), "bench", kind, "--json", "--dir", folder,
             *options]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    equal(done.returncode, 0, done.stdout + done.stderr)
    equal(os.listdir(folder), [], "the federation's folder is gone")
    return json.loads(done.stdout)


def bench(folder, *options):
    return run("exchange", folder, "--seconds", "1", "--rounds", "1", "--sample", "1", *options)


def check(figures):
    true(figures["exchanges"] > 0, "exchanges came through")
    equal(figures["verified"], figures["exchanges"], "each was opened and checked")
    equal((figures["wrong"], figures["lost"], figures["refusals"]), (0, 0, 0), "nothing went wrong")
    true(figures["proxy_exchanges"] > 0, "the proxy carried something")
    for name in ("full_path_per_s", "proxy_per_s", "ratio", "broker_cpu_ratio", "commits_per_s",
                 "entries_per_commit", "entries_per_commit_peak", "commit_us", "commit_us_peak",
                 "tail_peak", "broker_rss_anon_kb", "full_path_p50_us", "full_path_p99_9_us", "proxy_p50_us"):
        true(figures[name] > 0, name)
        true(figures[name + "_least"] <= figures[name] <= figures[name + "_greatest"], name)
    added = figures["full_path_p50_us"] - figures["proxy_p50_us"]
    if figures["rounds"] == 1:
        true(abs(figures["added_p50_us"] - added) < 1, "what the full path adds")
        true(abs(figures["added_beyond_commits_p50_us"] - (added - 2 * figures["commit_us"])) < 1,
             "and without two commits")
    true(figures["full_path_p50_us"] <= figures["full_path_p99_us"], "percentiles grow")
    equal(figures["tail_left_greatest"], 0, "the index is where it was before the round")
    true(0 < figures["broker_rss_anon_kb_at"]["idle"] <= figures["broker_rss_anon_kb_at"]["after"],
         "memory before and after")
    true(figures["queue_workers_peak"] >= 0 and figures["queue_recorder_peak"] >= 0, "queues")
    true(figures["bytes"]["ask"] > figures["bytes"]["request"], "an ask carries the request")
    true(figures["bytes"]["release"] > figures["bytes"]["answer"], "a release carries the answer")


@test
def a_closed_loop_is_measured_and_every_exchange_holds():
    with tempfile.TemporaryDirectory(prefix="vedomo-bench-") as folder:
        check(bench(folder, "--askers", "3", "--window", "4", "--holders", "2"))


@test
def a_burst_to_one_peer_is_delivered():
    with tempfile.TemporaryDirectory(prefix="vedomo-bench-") as folder:
        check(bench(folder, "--askers", "2", "--window", "400", "--holders", "1"))


@test
def a_home_full_of_cards_is_enrolled_before_the_broker_serves():
    with tempfile.TemporaryDirectory(prefix="vedomo-bench-") as folder:
        check(bench(folder, "--askers", "200", "--window", "1"))


@test
def an_open_loop_keeps_to_its_rate():
    with tempfile.TemporaryDirectory(prefix="vedomo-bench-") as folder:
        figures = bench(folder, "--askers", "2", "--holders", "1", "--rate", "50")
        check(figures)
        true(figures["exchanges"] <= 60, "no more than were due")


@test
def two_federations_take_turns_and_differ_in_what_was_said():
    with tempfile.TemporaryDirectory(prefix="vedomo-bench-") as folder:
        figures = bench(folder, "--askers", "2", "--window", "4", "--holders", "1",
                        "--consents", "2", "--registers", "sqlite", "--fields", "3",
                        "--value-bytes", "300",
                        "--against", "consents=3000,agreements=50,entries=2000,registers=memory,"
                        f"vedomod={BUILD}/src/vedomod")
        other = figures["against"]
        for run in (figures, other):
            check(run | {"proxy_exchanges": 1, "rounds": 1})
            equal((run["fields"], run["value_bytes"]), (3, 300), "what they have in common")
        equal((figures["consents"], other["consents"]), (2, 3000), "what they differ in")
        equal((figures["registers"], other["registers"]), ("sqlite", "memory"), "registers")
        equal((other["agreements"], other["entries"]), (50, 2000), "the second one's")
        true(figures["against_rate_ratio"] > 0 and figures["against_cpu_ratio"] > 0, "compared")


@test
def the_drawing_is_well_formed_and_has_the_figures_of_the_run():
    with tempfile.TemporaryDirectory(prefix="vedomo-bench-") as folder, \
            tempfile.TemporaryDirectory(prefix="vedomo-plot-") as other:
        path = os.path.join(other, "run.svg")
        label = 'a <small> & "slow" disk'
        figures = bench(folder, "--askers", "2", "--window", "4", "--holders", "1", "--plot", path,
                        "--label", label)
        check(figures)
        root = xml.etree.ElementTree.parse(path).getroot()
        equal(root.tag, "{http://www.w3.org/2000/svg}svg", "an SVG")
        texts = ["".join(node.itertext()) for node in root.iter()
                 if node.tag.endswith(("}text", "}title"))]
        true(any(label in text for text in texts), "the label as it was given")
        for words in ("round", "exchanges a second", "percentile of the exchanges", "p99.9",
                      "milliseconds, logarithmic", "full path", "bare proxy"):
            true(words in texts, words)
        # One round: the median is the round.
        for name, series in (("full_path_per_s", "full path"), ("proxy_per_s", "bare proxy")):
            shown = [float(text.split(": ")[1]) for text in texts if text.startswith(series + ": ")]
            true(any(abs(value - figures[name]) <= 0.51 for value in shown), name)
        true(all("href" not in name for node in root.iter() for name in node.attrib),
             "nothing from outside")


def children(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid)) as file:
        return [int(word) for word in file.read().split()]


def program_of(pid):
    try:
        return os.path.basename(os.readlink("/proc/%d/exe" % pid))
    except OSError:
        return None  # it has ended


def end_while_it_runs(number, programs, kind, *options):
    """A benchmark that has started these programs gets the signal: they end too, and then its folder goes."""
    with tempfile.TemporaryDirectory(prefix="vedomo-bench-") as folder:
        process = subprocess.Popen(
            [os.path.join(BUILD, "src", "vedomo"), "bench", kind, "--dir", folder, *options],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            until(lambda: sorted(filter(None, map(program_of, children(process.pid)))) == sorted(programs),
                  "%s: all of it runs" % kind, 60)
            started = children(process.pid)
        finally:
            if number == signal.SIGINT:  # from a terminal, it comes to all of them at once
                os.killpg(process.pid, number)
            else:
                process.send_signal(number)
            process.wait()
        equal(process.returncode, -number, kind)
        until(lambda: not os.listdir(folder), "%s: the folder is gone" % kind, 30)
        left = {pid: program_of(pid) for pid in started}
        true(not {"vedomod", "vedomo-portal"} & set(left.values()), "before it, those who worked in it: %s" % left)
        until(lambda: not any(program_of(pid) in programs for pid in started), "%s: all have ended" % kind, 30)


@test
def a_benchmark_that_is_ended_or_killed_leaves_no_process_and_no_folder_behind():
    # The command itself is there twice: as the proxy, and as who removes the folder.
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        end_while_it_runs(number, ["vedomo", "vedomo", "vedomod"], "exchange",
                          "--seconds", "60", "--rounds", "1", "--askers", "1", "--holders", "1")
    for number in (signal.SIGKILL, signal.SIGTERM):
        end_while_it_runs(number, ["vedomo", "vedomo-portal", "vedomod"], "portal", "--entries", "600", "--seconds", "60")
    end_while_it_runs(signal.SIGTERM, ["vedomo"], "log", "--quick")


@test
def what_cannot_be_measured_is_refused_before_anything_begins():
    for words in (("--against", "consents"), ("--against", "window=3"), ("--consents", "1"),
                  ("--registers", "paper"), ("--cpus", "x"), ("--fields", "65"),
                  ("--value-bytes", "3"), ("--seconds", "600", "--rounds", "2")):
        done = subprocess.run([os.path.join(BUILD, "src", "vedomo"), "bench", "exchange", *words],
                              capture_output=True, text=True, timeout=20)
        equal(done.returncode, 2, words)


@test
def the_layers_and_the_remainder_add_up_to_what_was_measured():
    with tempfile.TemporaryDirectory(prefix="vedomo-bench-") as folder:
        figures = bench(folder, "--askers", "2", "--window", "4", "--holders", "1", "--layers")
        check(figures)
        layers = dict(figures["layers_us"])
        measured = layers.pop("measured")
        equal(set(layers), {"transport", "parse", "signature", "boxes", "decision", "parts",
                            "encryption", "tree", "commit", "receipt", "index", "replies",
                            "unexplained"}, "every layer has its figure")
        true(all(us >= 0 for name, us in layers.items() if name != "unexplained"), "none is negative")
        # No processor verifies an Ed25519 signature in 5 us.
        true(layers["signature"] > 5 * figures["signatures_per_exchange"], "verifications are in it")
        true(abs(sum(layers.values()) - measured) < 0.01 * measured + 0.01, "they add up")
        true(abs(measured - figures["broker_cpu_us_per_exchange"]) < 0.01 * measured, "to the broker's")


@test
def pages_of_the_public_log_are_read_and_each_is_checked():
    with tempfile.TemporaryDirectory(prefix="vedomo-bench-") as folder:
        figures = run("portal", folder, "--entries", "600", "--visitors", "4", "--seconds", "1")
        true(figures["entries"] >= 600, "the whole log is shown")
        tiles = (figures["entries"] + 255) // 256
        equal(figures["first"]["pages"], 2 * tiles, "each tile and each bundle was read")
        for part in ("first", "again", "checkpoint"):
            taken = figures[part]
            equal((taken["wrong"], taken["lost"]), (0, 0), part)
            true(taken["pages"] > 0 and 0 < taken["p50_us"] <= taken["p99_us"], part)
            true(taken["portal_cpu_us"] >= 0 and taken["visitor_cpu_us"] > 0, part)
            true(abs(taken["pages_per_s"] - taken["pages"] / taken["seconds"]) < 1, part)


@test
def a_portal_that_changes_a_byte_fails_the_benchmark():
    false_portal = os.path.join(ROOT, "tests", "support", "false_portal.py")
    with tempfile.TemporaryDirectory(prefix="vedomo-bench-") as folder:
        done = subprocess.run([os.path.join(BUILD, "src", "vedomo"), "bench", "portal", "--dir", folder,
                               "--entries", "600", "--seconds", "1", "--portal", false_portal],
                              capture_output=True, text=True, timeout=120, check=False,
                              env={**os.environ, "VEDOMO_BUILD": BUILD})
        equal(done.returncode, 1, done.stdout + done.stderr)
        true("do not lead to the root" in done.stderr, done.stderr)


@test
def withdrawals_under_load_are_timed_and_none_is_disobeyed():
    with tempfile.TemporaryDirectory(prefix="vedomo-bench-") as folder:
        figures = run("withdraw", folder, "--withdrawals", "5", "--askers", "2", "--window", "2",
                      "--probes", "4")
        equal(figures["withdrawals"], 5, "each consent was withdrawn and refused")
        equal((figures["wrong"], figures["load_lost"], figures["load_refusals"]), (0, 0, 0),
              "nothing went wrong")
        true(figures["probes_released"] >= 5 * 4, "each consent held before")
        true(figures["probes_refused"] >= 5 * 4, "a whole window was refused after each")
        true(figures["load_exchanges"] > 0, "there was a load")
        true(figures["commit_us"] > 0, "the commit's time stands beside it")
        for name in ("acknowledged", "refused"):
            times = figures[name]
            true(0 < times["p50_us"] <= times["p99_us"] <= times["max_us"], name)
            true(times["p99_commits"] > 0, name)
        later, refused = figures["refused_later"], figures["refused"]
        true(0 <= later["p50_us"] <= later["max_us"] < refused["max_us"], "later than the acknowledgement")
        true(0 < figures["acknowledged_broker_us"] < figures["acknowledged_mean_us"],
             "the broker's share is a part of the time until the desk has read the result")


if __name__ == "__main__":
    main()
