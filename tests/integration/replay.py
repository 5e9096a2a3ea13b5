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

from harness import BUILD, PATIENCE_S, Federation  # noqa: E402
from tap import equal, main, test, true  # noqa: E402

VEDOMO = os.path.join(BUILD, "src", "vedomo")
CERTIFICATE = "health.driver-certificate"
PSYCHIATRY = "health.psychiatry-opinion"
SECOND = "VD-073185-7"


def replay(house, *more):
    done = subprocess.run([VEDOMO, "audit", "replay", "--home", house.home, "--json", *more], capture_output=True,
                          text=True, timeout=PATIENCE_S, check=False)
    return done.returncode, json.loads(done.stdout) if done.stdout else {"error": done.stderr}


def fields(*names, form="full"):
    return [{"name": name, "form": form} for name in names]


def entries(house, **more):
    words = ["audit", "list", "--limit", "100", "--json"]
    return house.run(words + [word for pair in more.items() for word in ("--" + pair[0], pair[1])],
                     profile="officer").json["entries"]


def true_reasons(house):
    """Of all decisions, as the officer may read them: each opened."""
    reasons = set()
    for entry in entries(house, kind="decision"):
        shown = house.run(["audit", "show", str(entry["index"]), "--json"], profile="officer").out
        reasons |= {reason for reason in ALL if '"%s"' % reason in shown}
    return reasons


ALL = {"allowed", "weaker-form", "no-agreement", "no-consent", "consent-paused", "consent-withdrawn",
       "consent-used-up", "automated-not-agreed", "limit-reached", "role-not-allowed",
       "basis-not-allowed", "case-missing", "form-not-allowed", "unknown-field", "member-suspended",
       "all-or-nothing"}


def identity(house):
    """Law, counters, roles, cases."""
    case = {"case": "one-case"}
    for _ in range(4):  # the third and fourth are beyond what one case may have
        house.ask(house.identity_question(**case))
    house.ask(house.identity_question(official={"id": "clerk-1", "role": "clerk"}))
    house.ask(house.identity_question(basis={"kind": "law", "article": "1-ФЗ, ст. 1"}))
    house.ask(house.identity_question(purpose="driving-licence-issue"))
    house.ask(house.identity_question(fields=fields("full_name", "nothing_such")))
    house.ask(house.identity_question(fields=fields("full_name"), exact=True))
    house.ask(house.identity_question(fields=fields("full_name")))
    question = house.identity_question()
    del question["case"]
    house.ask(question)


def consents(house):
    """Every state of a consent, uses, people and machines, part and whole."""
    one = fields("fit", "categories")
    house.ask(house.consent_question(CERTIFICATE, one))
    consent, session = house.grant(CERTIFICATE, fields=["fit", "categories", "valid_until"])
    house.ask(house.consent_question(CERTIFICATE, one))
    house.ask(house.consent_question(CERTIFICATE, one, automated=True))
    house.ask(house.consent_question(CERTIFICATE, fields("fit", "certificate_no"), all_or_nothing=True))
    house.ask(house.consent_question(CERTIFICATE, fields("fit", "certificate_no")))
    house.ask(house.consent_question(CERTIFICATE, one, basis={"kind": "consent", "consent": consent}))
    house.ask(house.consent_question(CERTIFICATE, fields("fit", "diagnoses"), all_or_nothing=True))
    house.grant(PSYCHIATRY)
    house.ask(house.consent_question(PSYCHIATRY, fields("examined_on")))
    house.ask(house.consent_question(PSYCHIATRY, fields("examined_on"), exact=True))
    house.change_consent("pause", consent, session)
    house.ask(house.consent_question(CERTIFICATE, one))
    house.change_consent("resume", consent, session)
    for _ in range(3):
        house.ask(house.consent_question(CERTIFICATE, one))
    other, session = house.grant(CERTIFICATE, SECOND)
    house.ask(house.consent_question(CERTIFICATE, fields("fit", "certificate_no", "diagnoses"), SECOND))
    house.change_consent("withdraw", other, session)
    house.ask(house.consent_question(CERTIFICATE, one, SECOND))
    house.ask(house.consent_question(CERTIFICATE, one, SECOND, basis={"kind": "law", "article": "1-ФЗ"}))
    house.ask(house.consent_question(CERTIFICATE, one, SECOND, purpose="identity-check"))


def suspended(house):
    """The holder is suspended, and back."""
    for action in ("suspend", "resume"):
        house.run(["member", action, "ru/health/clinic-2", "--registrar",
                   os.path.join(house.dir, "authority", "registrar.key"), "--reason", "a test"], profile="operator")
        house.ask(house.consent_question(CERTIFICATE, fields("fit")))


def bundle_files(house):
    folder = os.path.join(house.home, "bundles")
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder))]


def forge(house, index, what):
    """Appends an entry that says something else; gives its index. The broker is stopped."""
    done = subprocess.run([os.path.join(BUILD, "tests", "forge"), house.home, str(index), what], capture_output=True,
                          text=True, timeout=PATIENCE_S, check=True)
    return int(done.stdout)


def lived_in(house):
    identity(house)
    consents(house)
    suspended(house)


@test
def every_kind_of_answer_comes_out_as_recorded_and_what_does_not_is_named():
    with Federation(nodes=("road-safety", "clinic-2", "population-register", "psychiatry")) as house:
        lived_in(house)
        code, found = replay(house)
        equal(found.get("findings"), [], "nothing comes out otherwise: %s" % found.get("error"))
        equal(code, 0)
        true(found["decisions"] >= 20 and found["granted"] >= 5 and found["releases"] >= 5, str(found))
        seen = true_reasons(house)
        equal(ALL - seen, set(), "every reason is among them")
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
        last = decisions[-3] if what == "grant" else decisions[0]
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
