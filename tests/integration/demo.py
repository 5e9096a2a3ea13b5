#!/usr/bin/env python3
# build: release
"""deploy/up as a person meets it: it plays in both languages, says no when something does not hold,
leaves things running or stopped as asked, and touches nobody else's folder."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(ROOT, "tests", "support"), os.path.join(ROOT, "deploy")]

import processes  # noqa: E402
from tap import equal, main, test, true, until  # noqa: E402


def up(*options, env=None):
    return subprocess.run([os.path.join(ROOT, "deploy/up"), *options], capture_output=True, text=True, timeout=300,
                          env={**os.environ, **(env or {})}, check=False)


class Folder:
    """A scratch folder; whatever still runs in it at the end is stopped."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="vedomo-test-")
        return os.path.join(self.path, "demo")

    def __exit__(self, *_):
        processes.stop_recorded(os.path.join(self.path, "demo"))
        shutil.rmtree(self.path)


def played(done, words):
    true(done.returncode == 0, "it ends well: %s %s" % (done.stdout[-2000:], done.stderr))
    true(re.search(words, done.stdout), "it says that all held: %s" % done.stdout[-300:])
    true(not re.search(r"[{}]|Traceback", done.stdout), "no hole was left in a sentence")


@test
def the_story_plays_in_russian_and_in_english():
    with Folder() as folder:
        played(up("--once", "--dir", folder, "--lang", "ru"), r"Проверено ожиданий: \d+\. Все сбылись")
        equal(processes.recorded(folder), [], "left running")
        played(up("--once", "--dir", folder, "--lang", "en"), r"\d+ expectations checked\. All held")


@test
def a_policy_that_gives_more_is_noticed():
    with Folder() as folder:
        scenario = folder + "-scenario"
        shutil.copytree(os.path.join(ROOT, "config", "scenario"), scenario)
        path = os.path.join(scenario, "agreements.yaml")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace("examined_on: [year]", "examined_on: [full]"))
        done = up("--once", "--dir", folder, "--lang", "en", env={"VEDOMO_SCENARIO": scenario})
        equal(done.returncode, 1, "exit status")
        true("did not hold" in done.stdout and "as the year" in done.stdout, done.stdout[-500:])


@test
def what_is_left_running_serves_and_is_stopped_by_down():
    with Folder() as folder:
        played(up("--detach", "--dir", folder, "--lang", "en"), "All held")
        names = [name for name, _ in processes.recorded(folder)]
        true("vedomod" in names and len(names) > 1, "programs run: %s" % names)
        by_hand = subprocess.run(["bash", "-ec", '. "$0/demo.env"; vedomo status --json; vedomo audit list --limit 1;'
                                  ' curl -sf -H "Authorization: Bearer $(cat $VEDOMO_TOKEN_FILE)" $VEDOMO_REST/v1/status',
                                  folder], capture_output=True, text=True, check=False)
        true(by_hand.returncode == 0 and '"ready":true' in by_hand.stdout, "the tools work: %s" % by_hand.stderr)
        again = up("--once", "--dir", folder, "--lang", "en")
        true(again.returncode == 1 and "deploy/down" in again.stderr, "a second one is told to wait: %s" % again.stderr)
        subprocess.run([os.path.join(ROOT, "deploy/down"), "--dir", folder], check=True, capture_output=True)
        equal(processes.recorded(folder), [], "left running")


@test
def it_stays_until_it_is_interrupted():
    with Folder() as folder:
        process = subprocess.Popen([os.path.join(ROOT, "deploy/up"), "--dir", folder, "--lang", "en"],
                                   stdout=subprocess.PIPE, text=True)
        try:
            until(lambda: "Ctrl-C" in process.stdout.readline(), "it says how to end it", 120)
            true(processes.recorded(folder), "it runs")
            process.send_signal(signal.SIGINT)
            equal(process.wait(30), 0, "exit status")
        finally:
            process.kill()
            process.stdout.close()
        equal(processes.recorded(folder), [], "left running")


@test
def a_folder_that_is_somebody_elses_is_left_alone():
    with Folder() as folder:
        os.makedirs(folder)
        with open(os.path.join(folder, "thesis"), "w", encoding="utf-8") as file:
            file.write("precious")
        done = up("--once", "--dir", folder, "--lang", "en")
        equal(done.returncode, 1, "exit status")
        equal(os.listdir(folder), ["thesis"], "what is in the folder")


main()
