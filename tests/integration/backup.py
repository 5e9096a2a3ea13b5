#!/usr/bin/python3
"""Backups: of the log beside a broker at work, only what is new, proven; of the keys, apart; restored into a
home that serves; and what happens when one is older than what the broker had published."""

import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(ROOT, "tests", "support")]

from harness import ORIGIN, PATIENCE_S, Federation  # noqa: E402
from load import Load  # noqa: E402
from tap import equal, main, test, true, until  # noqa: E402


def backup(house, folder, *more, check=True, home=None):
    words = ["backup", "log", folder, "--home", home or house.home, "--json", *more]
    return house.run(words, check=check, timeout=120)


def keys(house, folder, check=True):
    return house.run(["backup", "keys", folder, "--home", house.home, "--json"], check=check)


def place(house, name):
    return os.path.join(house.dir, name)


def figures(house):
    return house.run(["status", "--json"], profile="operator").json["figures"]


def verified(house, home):
    done = house.run(["audit", "verify", "--home", home, "--json"], check=False, timeout=120)
    equal(done.json["findings"], [], "the log of %s verifies" % home)
    return done.json


def restore(house, folder, home, *more, check=True):
    return house.run(["backup", "restore", folder, home, "--json", *more], check=check, timeout=120)


def vkey_of(house, home):
    return house.run(["log", "vkey", "--home", home]).out.strip().split("\n")[-1]


def everything(folder):
    found = b""
    for path, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(path, name), "rb") as file:
                found += file.read()
    return found


def copy_all(house, folder):
    """A copy of the whole log: what the start publishes is everything."""
    house.broker.stop()
    house.start_broker()
    house.wait_for_broker(PATIENCE_S)
    size = figures(house)["log.size"]
    until(lambda: backup(house, folder).json["size"] >= size, "all is published and copied", PATIENCE_S)
    house.broker.stop()


@test
def a_log_is_copied_under_load_each_time_what_is_new_and_a_restored_home_is_the_same_and_serves():
    with Federation(nodes=["road-safety", "population-register", "clinic-2"], citizens=300) as house:
        log, kept, home = place(house, "copies"), place(house, "keys-copies"), place(house, "restored")
        load = Load(house, 7)
        load.start()
        sizes = []
        try:
            for _ in range(4):
                goal = figures(house)["log.published"] + 20
                until(lambda: figures(house)["log.published"] >= goal, "the load goes on", PATIENCE_S)
                done = backup(house, log).json
                equal(done["before"], sizes[-1] if sizes else 0, "it goes on where the last one ended")
                sizes.append(done["size"])
        finally:
            load.finish()
        true(not load.broken, load.broken)
        true(sizes == sorted(set(sizes)), "each copy has more: %s" % sizes)
        receipts = []
        for number in ("1", "5"):
            receipts.append(place(house, "receipt-" + number))
            house.run(["audit", "prove", number, "-o", receipts[-1]], profile="officer")
        copy_all(house, log)
        keys(house, kept)
        house.run(["backup", "check", log])
        restore(house, log, home, "--keys", kept)
        original, again = verified(house, house.home), verified(house, home)
        for name in ("size", "root", "bodies", "published"):
            equal(again[name], original[name], name)
        shutil.rmtree(house.home)
        os.rename(home, house.home)
        house.start_broker()
        house.wait_for_broker(PATIENCE_S)
        true(figures(house)["log.size"] > original["size"], "it goes on")
        for short in house.nodes:
            house.wait_for_node(short, PATIENCE_S)
        question = house.identity_question()
        status, answer = until(lambda: [a for a in [house.ask(question)] if a[0] != 503], "nodes are back",
                               PATIENCE_S)[0]
        equal(status, 200, answer)
        for receipt in receipts:
            house.run(["audit", "verify-receipt", receipt, "--vkey", vkey_of(house, house.home)])


@test
def no_key_is_in_a_copy_of_the_log_and_the_two_are_never_kept_in_one_place():
    with Federation() as house:
        log, kept = place(house, "a"), place(house, "b")
        backup(house, log)
        keys(house, kept)
        copied, secrets = everything(log), 0
        for line in everything(os.path.join(house.home, "keys")).split(b"\n"):
            words = line.split()
            if len(words) == 2 and words[0] in (b"curve-secret", b"sign-seed", b"secret", b"key"):
                secrets += 1
                true(words[1] not in copied, "a %s is in the copy" % words[0])
        true(secrets >= 6, "keys were looked for: %d" % secrets)
        for folder in (log, os.path.join(log, "keys"), house.dir):
            refused = keys(house, folder, check=False)
            true(refused.status == 1 and "apart" in refused.err or "own folder" in refused.err,
                 "%s: %s" % (folder, refused.err))
        # A copy that is good gives way to nothing else: not to a damaged key, not to another broker's.
        good = everything(kept)
        for name, damage in (("broker.key", b""), ("broker.key", b"\x7f" * 200), ("log.key", b""),
                             ("master.key", bytes(200)), ("master.key", b"vedomo-key 1\nrole master\n" + bytes(99)),
                             ("body/lasting.key", bytes(150)), ("body/lasting.key", b"vedomo-body-key 1\nid 0")):
            path = os.path.join(house.home, "keys", name)
            with open(path, "r+b") as file:
                whole = file.read()
                file.seek(0)
                file.truncate()
                file.write(damage)
                file.flush()
                refused = keys(house, kept, check=False)
                file.seek(0)
                file.truncate()
                file.write(whole)
            true(refused.status == 1 and name in refused.err, "%s: %s" % (name, refused.err))
            equal(everything(kept), good)
        # Nor does it while the disk has no room for the new one. (No file may have more bytes than 100.)
        copy = os.path.join(kept, "body", "lasting.key")
        with open(copy, "wb") as file:
            file.write(b"old")
        words = ["backup", "keys", kept, "--home", house.home]
        full = subprocess.run(["prlimit", "--fsize=100", os.path.join(house.bin, "vedomo"), *words],
                              capture_output=True, check=False)
        with open(copy, "rb") as file:
            true(full.returncode != 0 and file.read() == b"old", "the copy is as it was: %s" % full.stderr)
        keys(house, kept)
        equal(everything(kept), good, "with room the copy is renewed, and nothing is left of the attempt")
        other = place(house, "other")
        shutil.copytree(os.path.join(house.home, "keys"), os.path.join(other, "keys"))
        os.unlink(os.path.join(other, "keys", "log.key"))
        house.run(["keygen", "--role", "log", "--node", ORIGIN, "--out", os.path.join(other, "keys", "log.key")])
        refused = house.run(["backup", "keys", kept, "--home", other, "--json"], check=False)
        true(refused.status == 1 and "another broker" in refused.err, refused.err)
        equal(everything(kept), good)
        # A next master key goes with the others, and leaves the copy when it has become the master key.
        next_key = os.path.join(house.home, "keys", "master-next.key")
        house.run(["keygen", "--role", "master", "--out", next_key])
        keys(house, kept)
        true(os.path.exists(os.path.join(kept, "master-next.key")), "it is kept meanwhile")
        house.broker.stop()
        house.run(["keys", "rewrap", house.home])
        keys(house, kept)
        true(not os.path.exists(os.path.join(kept, "master-next.key")), "it would look like an unfinished change")
        with open(os.path.join(kept, "master-next.key"), "wb") as file:
            file.write(bytes(200))  # a run that was killed had overwritten it
        keys(house, kept)
        true(not os.path.exists(os.path.join(kept, "master-next.key")), "what a run that was cut short left goes too")
        home = place(house, "restored")
        refused = restore(house, log, home, "--keys", place(house, "nowhere"), check=False)
        true(refused.status == 1 and "no backup of keys" in refused.err and not os.path.exists(home),
             "nothing is made: %s" % refused.err)
        restore(house, log, home, "--keys", kept)
        verified(house, home)
        for folder in (kept, os.path.join(kept, "log")):
            refused = backup(house, folder, check=False)
            true(refused.status == 1 and "apart" in refused.err, "%s: %s" % (folder, refused.err))
        inside = backup(house, os.path.join(house.home, "copies"), check=False)
        true("own folder" in inside.err, inside.err)


@test
def a_damaged_copy_is_refused_by_name_and_a_copy_that_was_ended_goes_on():
    with Federation() as house:
        log = place(house, "copies")
        backup(house, log)
        part = os.path.join(log, "entries", "000000000000.part")
        with open(part, "rb") as file:
            good = file.read()
        with open(part, "wb") as file:
            file.write(good[:100] + bytes([good[100] ^ 1]) + good[101:])
        bad = house.run(["backup", "check", log], check=False)
        true(bad.status == 1 and part in bad.err, bad.err)
        refused = restore(house, log, place(house, "restored"), check=False)
        true(refused.status == 1 and part in refused.err, refused.err)
        true(not os.path.exists(os.path.join(place(house, "restored"), "log")), "and no log is made of it")
        with open(part, "wb") as file:
            file.write(good)
        os.unlink(os.path.join(log, "log.backup"))
        backup(house, log)
        house.run(["backup", "check", log])


@test
def a_home_from_an_older_copy_ends_when_a_peer_has_seen_more_and_a_new_origin_names_the_old_ones_end():
    with Federation() as house:
        log, kept, home = place(house, "copies"), place(house, "keys-copies"), place(house, "restored")
        backup(house, log)
        keys(house, kept)
        size = figures(house)["log.published"]
        house.run(["audit", "list"], profile="officer")  # the look is an entry
        until(lambda: figures(house)["log.published"] > size, "more is published", PATIENCE_S)
        figures(house)  # the operator's profile keeps the newest checkpoint
        older = backup(house, place(house, "other"))
        true(older.json["size"] > size, "a later copy")
        house.broker.stop()
        restore(house, log, home, "--keys", kept)
        back = backup(house, place(house, "other"), check=False, home=home)
        true(back.status == 1 and "older copy" in back.err, "a copy never goes back: %s" % back.err)
        last = place(house, "last-checkpoint")
        shutil.copy(os.path.join(house.home, "log.published"), last)
        vkey = vkey_of(house, house.home)
        archive = place(house, "archive")
        os.rename(house.home, archive)
        os.rename(home, house.home)
        house.start_broker()
        until(lambda: house.run(["status", "--timeout", "5"], profile="operator", check=False).status != 0
              and house.broker.popen.poll() is not None, "the broker has ended", PATIENCE_S)
        true("log.rolled-back" in house.broker.log_tail(40), house.broker.log_tail(5))
        house.broker.popen.returncode = 0
        # The documented way: a new origin. The old home stays as an archive.
        verified(house, archive)
        shutil.rmtree(house.home)
        words = ["init", house.home, "--origin", ORIGIN + "-2", "--endpoint", house.endpoint, "--registrar",
                 house.pins["registrar"], "--policy", house.pins["policy"], "--continues", last]
        true("continues-vkey" in house.run(words, check=False).err, "the old key has to be named")
        other = house.run([*words, "--continues-vkey", vkey[:-4] + "AAA="], check=False)
        true(other.status != 0, "a checkpoint that it did not sign is refused: %s" % other.out)
        same = [ORIGIN if word == ORIGIN + "-2" else word for word in words]
        true("has ended" in house.run([*same, "--continues-vkey", vkey], check=False).err, "the name is used up")
        house.run([*words, "--continues-vkey", vkey])
        with open(last, "rb") as file, open(os.path.join(house.home, "log.continues"), "rb") as kept:
            equal(kept.read(), file.read(), "what the first entry will say")
        house.start_broker()
        until(lambda: os.path.exists(os.path.join(house.home, "log.published")), "it begins", PATIENCE_S)
        house.broker.stop()
        verified(house, house.home)


@test
def the_first_entry_of_a_log_holds_the_last_checkpoint_of_the_one_that_it_continues():
    note = "log.example/before\n12\n%s\n\n— log.example/before %s\n" % ("A" * 43 + "=", "B" * 92)

    def before(house):
        with open(os.path.join(house.home, "log.continues"), "w", encoding="utf-8") as file:
            file.write(note)
    with Federation(before=before) as house:
        first = house.run(["audit", "show", "0", "--json"], profile="officer").json
        equal(first["continues"], note)
        true("continues" in house.run(["audit", "show", "0"], profile="officer").out, "and in words")


if __name__ == "__main__":
    main()
