#!/usr/bin/env python3
"""deploy/down ends what deploy/up started, and nothing else: a pid that was reused is not ours."""

import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "tests", "support"), os.path.join(ROOT, "deploy")]

import processes  # noqa: E402
from tap import equal, main, test, true, until  # noqa: E402


def down(folder):
    return subprocess.run([os.path.join(ROOT, "deploy/down"), "--dir", folder], capture_output=True,
                          text=True, check=True).stdout


@test
def what_was_started_is_ended_and_named():
    with tempfile.TemporaryDirectory() as folder:
        sleeper = processes.Process(folder, "sleeper", ["sleep", "600"]).start()
        equal(processes.recorded(folder), [("sleeper", sleeper.pid)])
        true("sleeper" in down(folder), "it names what it stopped")
        until(lambda: not sleeper.alive(), "the program has ended")
        true("nothing" in down(folder), "the second time there is nothing")


@test
def a_pid_that_now_belongs_to_another_program_is_left_alone():
    with tempfile.TemporaryDirectory() as folder:
        other = subprocess.Popen(["sleep", "600"])
        try:
            os.makedirs(os.path.join(folder, "run"))
            with open(os.path.join(folder, "run", "vedomod.pid"), "w", encoding="utf-8") as file:
                file.write("%d %d vedomod\n" % (other.pid, processes.start_time(other.pid) - 1))
            true("nothing" in down(folder), "it is not counted as ours")
            equal(other.poll(), None, "the other program's state")
        finally:
            other.kill()
            other.wait()


@test
def a_program_that_does_not_listen_is_ended_all_the_same():
    with tempfile.TemporaryDirectory() as folder:
        deaf = processes.Process(folder, "deaf", ["bash", "-c", "trap '' TERM; echo up; while :; do sleep 0.1; done"])
        deaf.start()
        until(lambda: "up" in deaf.log_tail(), "it has set its trap")
        deaf.stop(patience_s=0.3)
        equal(deaf.alive(), False, "alive")
        equal(processes.recorded(folder), [])


main()
