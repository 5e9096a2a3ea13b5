#!/usr/bin/python3
"""A new body key within the month: ordered by an operator while exchanges go on, counting from its entry on;
what a kill leaves; that forgetting the month destroys every key of it; and that copies carry them all."""

import os
import shutil
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(ROOT, "tests", "support")]

from harness import ANNA, BUILD, PATIENCE_S, Federation  # noqa: E402
from tap import equal, main, test, true, until  # noqa: E402

ASKER, HOLDER = "road-safety", "population-register"


def rotate(house, *more, profile="operator", check=True):
    return house.run(["keys", "rotate", "body", "--json", *more], profile=profile, check=check)


def figures(house):
    return house.run(["status", "--json"], profile="operator").json["figures"]


def key_file(house, key, home=None):
    return os.path.join(home or house.home, "keys", "body", key + ".key")


def answered(house):
    status, document = house.ask(house.identity_question(), ASKER)
    equal(status, 200, str(document))


def verified(house, home=None):
    return house.run(["audit", "verify", "--home", home or house.home, "--json"], check=False, timeout=PATIENCE_S).json


def whole(house, home=None):
    report = verified(house, home)
    equal(report["findings"], [], "the log verifies, and every body opens")
    return report


def restart(house, kill=False):
    if kill:
        house.broker.kill()
    else:
        house.broker.stop()
    house.start_broker()
    house.wait_for_broker(PATIENCE_S)
    for name in house.nodes:
        house.wait_for_node(name, PATIENCE_S)


def refuses_to_start(house, words):
    house.start_broker()
    until(lambda: house.broker.popen.poll() is not None, "it does not start", PATIENCE_S)
    true(words in house.broker.log_tail(20), house.broker.log_tail(5))
    house.broker.popen.returncode = 0  # as the test wants it


class Going:
    """Exchanges that go on until the block ends."""

    def __init__(self, house):
        self.house, self.ends, self.count, self.wrong = house, threading.Event(), 0, []
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.ends.is_set():
            status, document = self.house.ask(self.house.identity_question(), ASKER)
            self.count += 1
            if status != 200:
                self.wrong.append(document)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ends.set()
        self.thread.join()

    def some(self):
        goal = self.count + 3
        until(lambda: self.count >= goal, "exchanges go on", PATIENCE_S)


@test
def a_new_key_counts_behind_its_entry_and_exchanges_go_on():
    with Federation(nodes=[ASKER, HOLDER]) as house:
        before = figures(house)
        equal((before["body-key.number"], before["body-key.since-entry"]), (1, 0))
        for profile in ("officer", "auditor"):
            refused = rotate(house, profile=profile, check=False)
            true(refused.status == 1 and ("role operator may" in refused.err or "not-allowed" in refused.err),
                 refused.err)
        rotate(house, "--dry-run")
        equal(figures(house)["body-key.number"], 1, "a rehearsal changes nothing")
        with Going(house) as going:
            going.some()
            done = rotate(house).json
            going.some()
        equal(going.wrong, [], "nobody has noticed")
        month = time.strftime("%Y-%m", time.gmtime())
        equal(done["key"], month + "-2")
        now = figures(house)
        equal((now["body-key.number"], now["body-key.since-entry"]), (2, done["entry"]))
        equal(now["body-key.month"], int(month.replace("-", "")))
        shown = house.run(["audit", "show", str(done["entry"])], profile="officer").out
        true("key-change" in shown and "body key %s" % done["key"] in shown, shown)
        lasting = rotate(house, "--lasting").json
        equal(lasting["key"], "lasting-2")
        house.grant("health.driver-certificate")  # an entry under the new lasting key
        answered(house)
        total = whole(house)["size"]

        # The state is in the log: after a kill, and with views that are made again.
        restart(house, kill=True)
        equal(figures(house)["body-key.number"], 2)
        answered(house)
        house.broker.stop()
        house.run(["audit", "reindex", "--home", house.home], timeout=PATIENCE_S)
        # Each key opens what was written while it was in use, and nothing else.
        for key, behind in ((month, False), (month + "-2", True)):
            away = os.path.join(house.dir, "away")
            os.rename(key_file(house, key), away)
            missed = [f for f in verified(house)["findings"] if f["fault"] == "key"]
            equal(len(missed), 1, str(missed))
            equal(missed[0]["index"] > done["entry"], behind, "%s: %s" % (key, missed))
            os.rename(away, key_file(house, key))
        true(whole(house)["size"] >= total, "all of it opens")

        # What the log says is in use must be there, and be the same.
        for key, changed in ((done["key"], None), (lasting["key"], None), (done["key"], month)):
            away = os.path.join(house.dir, "away")
            os.rename(key_file(house, key), away)
            if changed:
                shutil.copy(key_file(house, changed), key_file(house, key))
            refuses_to_start(house, key)
            os.replace(away, key_file(house, key))
        house.start_broker()
        house.wait_for_broker(PATIENCE_S)
        true(rotate(house).json["key"] == month + "-3", "and once more")
        for node in (ASKER, HOLDER):
            house.wait_for_node(node, PATIENCE_S)
        answered(house)
        whole(house)


@test
def killed_around_an_order_the_broker_goes_on_with_what_the_log_says():
    with Federation(nodes=[ASKER, HOLDER]) as house:
        known = 1
        for turn in range(6):
            answered(house)
            worker = threading.Thread(target=lambda: rotate(house, "--timeout", "3", check=False))
            worker.start()
            time.sleep(0.03 * turn)
            house.broker.kill()
            worker.join()
            restart(house)
            number = figures(house)["body-key.number"]
            true(number >= known, "it never goes back: %d after %d" % (number, known))
            known = number
            answered(house)
            whole(house)
        # A key file that no entry has brought is passed over, and wrapped anew like the others.
        month = time.strftime("%Y-%m", time.gmtime())
        left = key_file(house, "%s-%d" % (month, figures(house)["body-key.number"] + 1))
        if not os.path.exists(left):
            house.broker.stop()
            subprocess.run([os.path.join(BUILD, "tests", "oldlog"), house.home, "--spare-key"], check=True)
            house.start_broker()
            house.wait_for_broker(PATIENCE_S)
        with open(left, "rb") as file:
            spare = file.read()
        fresh = rotate(house).json["key"]
        true(int(fresh.split("-")[2]) > known + 1, fresh)
        for node in (ASKER, HOLDER):
            house.wait_for_node(node, PATIENCE_S)
        answered(house)
        with open(left, "rb") as file:
            equal(file.read(), spare, "it is left as it was")
        house.run(["keygen", "--role", "master", "--out", os.path.join(house.home, "keys", "master-next.key")])
        house.broker.stop()
        wrapped = house.run(["keys", "rewrap", house.home, "--json"]).json["wrapped"]
        equal(wrapped, len(os.listdir(os.path.join(house.home, "keys", "body"))), "every file")
        house.start_broker()
        house.wait_for_broker(PATIENCE_S)
        for node in (ASKER, HOLDER):
            house.wait_for_node(node, PATIENCE_S)
        answered(house)
        whole(house)


def old_months(house):
    subprocess.run([os.path.join(BUILD, "tests", "oldlog"), house.home, "vd",
                    ANNA.upper().replace("-", "").replace(" ", ""), "40", "2021-03@", "2021-04"], check=True)


@test
def forgetting_a_month_destroys_every_key_of_it():
    with Federation(before=old_months) as house:
        copies = os.path.join(house.dir, "keys-copies")
        keys = ["2021-03", "2021-03-2"]
        secrets = []
        for key in keys:
            with open(key_file(house, key), "rb") as file:
                secrets.append(file.read().split(b"\n")[3])
        whole(house)
        house.run(["backup", "keys", copies, "--home", house.home])
        half = os.path.join(house.home, "keys", "body", "2021-03-2.key.4711.new")  # as a kill may leave it
        shutil.copy(key_file(house, "2021-03-2"), half)
        done = house.run(["audit", "forget", "2021-03", "--json"], profile="officer").json
        entry = house.run(["audit", "show", str(done["entry"]), "--json"], profile="officer").out
        true('"entries": 80' in entry or '"entries":80' in entry, "entries under both keys are counted: %s" % entry)
        for key in keys:
            with open(key_file(house, key), "rb") as file:
                true(b"\nforgotten " in file.read(), key)
        true(not os.path.exists(half), "nor what else lay there")
        for folder, _, names in os.walk(house.home):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    content = file.read()
                true(not any(secret in content for secret in secrets), "a key of the month is in %s" % name)
        report = whole(house)
        equal(report["forgotten"], 80)
        for index in (0, 79):  # of the first key, of the second
            shown = house.run(["audit", "show", str(index)], profile="officer").out
            true("forgotten under the retention rule" in shown, shown)
        copied = house.run(["backup", "keys", copies, "--home", house.home, "--json"]).json
        equal(copied["destroyed"], 2, "the copies of both")

        # Brought back, either is told and destroyed.
        for place, key in enumerate(keys):
            house.broker.stop()
            with open(key_file(house, key), "rb") as file:
                gone = file.read()
            number = (2021 - 1970) * 12 + 3 + 4096 * place
            true(b"id %d\n" % number in gone, gone)
            with open(key_file(house, "2021-04"), "rb") as file:
                kept = file.read()  # any key that is not destroyed will do: its wrapping names another id
            with open(key_file(house, key), "wb") as file:
                file.write(kept.replace(b"id %d\n" % ((2021 - 1970) * 12 + 4), b"id %d\n" % number))
            true(verified(house)["findings"], "the check tells that %s is no file that says forgotten" % key)
            house.start_broker()
            house.wait_for_broker(PATIENCE_S)
            until(lambda: not verified(house)["findings"], "it is destroyed at the start", PATIENCE_S)


@test
def a_copy_of_the_keys_from_before_does_not_do_and_one_from_after_opens_everything():
    with Federation(nodes=[ASKER, HOLDER]) as house:
        log, early, late = (os.path.join(house.dir, name) for name in ("copies", "keys-early", "keys-late"))
        answered(house)
        house.run(["backup", "keys", early, "--home", house.home])
        done = rotate(house).json
        rotate(house, "--lasting")
        answered(house)
        house.run(["backup", "keys", late, "--home", house.home])
        restart(house)  # publishes everything
        size = figures(house)["log.size"]
        until(lambda: house.run(["backup", "log", log, "--home", house.home, "--json"]).json["size"] >= size,
              "all is published and copied", PATIENCE_S)
        house.broker.stop()
        house.run(["backup", "check", log])
        for copy in (early, late):
            home = os.path.join(house.dir, "restored-" + os.path.basename(copy))
            house.run(["backup", "restore", log, home, "--keys", copy])
            equal(os.path.exists(key_file(house, done["key"], home)), copy == late)
            if copy == late:
                whole(house, home)
            else:
                true(verified(house, home)["findings"], "bodies under the new keys do not open")
        original = house.home + ".original"
        os.rename(house.home, original)
        shutil.copytree(os.path.join(house.dir, "restored-keys-early"), house.home)
        refuses_to_start(house, "lasting-2")
        shutil.rmtree(house.home)
        os.rename(os.path.join(house.dir, "restored-keys-late"), house.home)
        house.start_broker()
        house.wait_for_broker(PATIENCE_S)
        equal(figures(house)["body-key.number"], 2, "it goes on where it was")
        for node in (ASKER, HOLDER):
            house.wait_for_node(node, PATIENCE_S)
        answered(house)
        whole(house)


if __name__ == "__main__":
    main()
