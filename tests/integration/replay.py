#!/usr/bin/python3
"""Deciding again: a log with every kind of answer comes out as recorded, beside the running broker; an entry that
the rules do not give is named, though its tree holds; a bundle that is missing or altered is named."""

import json
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(ROOT, "tests", "support")]

from exchanges import NODES, REASONS, every_kind, widen  # noqa: E402
from harness import BUILD, PATIENCE_S, Federation  # noqa: E402
from tap import equal, main, test, true  # noqa: E402

VEDOMO = os.path.join(BUILD, "src", "vedomo")


def replay(house, *more):
    done = subprocess.run([VEDOMO, "audit", "replay", "--home", house.home, "--json", *more], capture_output=True,
                          text=True, timeout=PATIENCE_S, check=False)
    return done.returncode, json.loads(done.stdout) if done.stdout else {"error": done.stderr}


def entries(house, **more):
    words = ["audit", "list", "--limit", "200", "--json"]
    return house.run(words + [word for pair in more.items() for word in ("--" + pair[0], pair[1])],
                     profile="officer").json["entries"]


def true_reasons(house):
    """Of all decisions, as the officer may read them: each opened."""
    reasons = set()
    for entry in entries(house, kind="decision"):
        shown = house.run(["audit", "show", str(entry["index"]), "--json"], profile="officer").out
        reasons |= {reason for reason in REASONS if '"%s"' % reason in shown}
    return reasons


def bundle_files(house):
    folder = os.path.join(house.home, "bundles")
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder))]


def forge(house, index, what):
    """Appends an entry that says something else; gives its index. The broker is stopped."""
    done = subprocess.run([os.path.join(BUILD, "tests", "forge"), house.home, str(index), what], capture_output=True,
                          text=True, timeout=PATIENCE_S, check=True)
    return int(done.stdout)


@test
def every_kind_of_answer_comes_out_as_recorded_and_what_does_not_is_named():
    with Federation(nodes=NODES, before=widen) as house:
        every_kind(house)
        code, found = replay(house)
        equal(found.get("findings"), [], "nothing comes out otherwise: %s" % found.get("error"))
        equal(code, 0)
        true(found["decisions"] >= 40 and found["granted"] >= 12 and found["releases"] >= 11, str(found))
        equal(REASONS - true_reasons(house), set(), "every reason is among them")
        decisions = [entry["index"] for entry in entries(house, kind="decision")]
        released = [entry["index"] for entry in entries(house, kind="released")][0]
        part = replay(house, "--from", str(sorted(decisions)[5]), "--to", str(sorted(decisions)[9]))[1]
        equal((part["decisions"], part["difference_count"]), (5, 0), "a part of the log")
        house.broker.stop()
        forged_are_named(house, sorted(decisions), released)
        bundles_are_named(house)


def forged_are_named(house, decisions, released):
    index = forge(house, decisions[0], "copy")
    equal(replay(house)[0], 0, "a decision that is copied is still what the rules give")
    named = {}
    for what in ("grant", "reason", "agreement", "bundle"):
        last = decisions[2] if what == "grant" else decisions[0]
        index = forge(house, last, what)
        code, found = replay(house, "--from", str(index))
        equal(code, 1, what)
        if what == "bundle":
            equal(found["undecided"], 1, str(found))
            continue
        named[what] = [f["what"] for f in found["findings"] if f.get("index") == index]
        true(named[what], "%s is named: %s" % (what, found))
    true(any("form given" in what for what in named["grant"]), named["grant"])
    equal([what.split(": ")[1] for what in named["reason"]], ["true reason"])
    equal(named["agreement"], ["agreement"])
    index = forge(house, released, "copy")
    code, found = replay(house)
    equal(code, 1)
    true([f for f in found["findings"] if f.get("index") == index], "a second release of one decision: %s" % found)
    verified = subprocess.run([VEDOMO, "audit", "verify", "--home", house.home], capture_output=True, text=True,
                              timeout=PATIENCE_S, check=False)
    true("entry" not in verified.stdout.split("\n")[0] or "tile" not in verified.stdout, verified.stdout)


def bundles_are_named(house):
    path = bundle_files(house)[0]
    kept = path + ".kept"
    shutil.copy(path, kept)
    with open(path, "r+b") as file:
        file.seek(100)
        byte = file.read(1)
        file.seek(100)
        file.write(bytes([byte[0] ^ 1]))
    code, found = replay(house)
    equal(code, 1)
    name = os.path.basename(path).split(".")[0]
    equal([f["bundle"] for f in found["findings"] if "bundle" in f][0], name, "an altered bundle is named")
    true(found["undecided"] > 0, str(found))
    os.remove(path)
    code, found = replay(house)
    equal(code, 1)
    equal([f["bundle"] for f in found["findings"] if "bundle" in f][0], name, "a missing one as well")
    os.rename(kept, path)


if __name__ == "__main__":
    main()
