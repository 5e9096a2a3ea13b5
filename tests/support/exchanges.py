"""Exchanges of every kind that a federation can have: each reason of the decision, each ending, each budget.
For tests of what is made of a log afterwards."""

import os
import secrets
import shutil
import signal
import threading

from foreign import Peer, encode, now_ms
from harness import ANNA, ORIGIN, PATIENCE_S
from tap import equal, true, until

CERTIFICATE = "health.driver-certificate"
PSYCHIATRY = "health.psychiatry-opinion"
EMERGENCY = "health.emergency-card"
IDENTITY = "identity.person"
SECOND = "VD-073185-7"
NODES = ("road-safety", "clinic-2", "population-register", "psychiatry")
WHY = "Пострадавший без сознания, нужна группа крови"

# Every reason that a decision can give, by a real request.
REASONS = {"allowed", "weaker-form", "no-agreement", "no-consent", "consent-paused", "consent-withdrawn", "consent-expired",
           "consent-used-up", "wrong-purpose", "automated-not-agreed", "no-justification", "limit-reached",
           "role-not-allowed", "basis-not-allowed", "basis-unsupported", "evidence-invalid", "case-missing",
           "form-not-allowed", "unknown-field", "member-suspended", "all-or-nothing"}

# The sample agreements leave some of them out of the reach of the one asker that has a node here.
CHANGES = (
    ("asker: ru/health/ambulance", "asker: ru/interior/road-safety"),
    ("per_official_day: 20", "per_official_day: 2"),
    ("asker: ru/social/support", "asker: ru/interior/road-safety"),
    ('birth_date: ["over(65)"]', 'birth_date: ["over(65)", "over(18)"]'),
    ("consent_max: {days: 365, uses: 1}", "consent_max: {days: 365, uses: 9}"),
    ("purposes: [driving-licence-issue]\n    bases: [consent]\n    fields:\n      fit",
     "purposes: [driving-licence-issue, identity-check]\n    bases: [consent]\n    fields:\n      fit"),
)


def widen(house):
    """For `before`: the house applies agreements under which every reason can be had."""
    folder = os.path.join(house.dir, "scenario")
    shutil.copytree(house.scenario, folder)
    path = os.path.join(folder, "agreements.yaml")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for old, new in CHANGES:
        equal(text.count(old), 1, "'%s' stands in the agreements" % old)
        text = text.replace(old, new)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    house.scenario = folder


def fields(*names, form="full"):
    return [{"name": name, "form": form} for name in names]


def reasons(answer):
    """Those of an answer, as its asker learns them."""
    status, document = answer
    equal(status, 200, str(document))
    return {refused["reason"] for refused in document["refused"]}


def gives(answer, *wanted):
    equal(reasons(answer), set(wanted), str(answer[1]))


def identity(house):
    """Law: counters, roles, cases, articles."""
    case = {"case": "one-case"}
    for _ in range(2):
        gives(house.ask(house.identity_question(**case)))
    for _ in range(2):  # beyond what one case may have
        gives(house.ask(house.identity_question(**case)), "limit-reached")
    gives(house.ask(house.identity_question(official={"id": "clerk-1", "role": "clerk"})), "role-not-allowed")
    gives(house.ask(house.identity_question(basis={"kind": "law", "article": "1-ФЗ, ст. 1"})), "evidence-invalid")
    gives(house.ask(house.identity_question(basis={"kind": "law"})), "evidence-invalid")
    gives(house.ask(house.identity_question(purpose="driving-licence-issue")), "no-agreement")
    gives(house.ask(house.identity_question(fields=fields("full_name", "nothing_such"))), "form-not-allowed", "unknown-field")
    gives(house.ask(house.identity_question(fields=fields("full_name"), exact=True)), "form-not-allowed")
    gives(house.ask(house.identity_question(fields=fields("full_name"))), "form-not-allowed")
    question = house.identity_question()
    del question["case"]
    gives(house.ask(question), "case-missing")


def consents(house):
    """Every state of a consent, uses, people and machines, part and whole."""
    one = fields("fit", "categories")
    gives(house.ask(house.consent_question(CERTIFICATE, one)), "no-consent")
    consent, session = house.grant(CERTIFICATE, fields=["fit", "categories", "valid_until"])
    gives(house.ask(house.consent_question(CERTIFICATE, one)))
    gives(house.ask(house.consent_question(CERTIFICATE, one, automated=True)), "automated-not-agreed")
    gives(house.ask(house.consent_question(CERTIFICATE, fields("fit"), purpose="identity-check")), "no-consent")
    gives(house.ask(house.consent_question(CERTIFICATE, fields("fit", "certificate_no"), all_or_nothing=True)),
          "no-consent", "all-or-nothing")
    gives(house.ask(house.consent_question(CERTIFICATE, fields("fit", "certificate_no"))), "no-consent")
    gives(house.ask(house.consent_question(CERTIFICATE, one, basis={"kind": "consent", "consent": consent})))
    gives(house.ask(house.consent_question(CERTIFICATE, fields("fit", "diagnoses"), all_or_nothing=True)),
          "consent-used-up", "no-agreement")
    house.grant(PSYCHIATRY)
    gives(house.ask(house.consent_question(PSYCHIATRY, fields("examined_on"))))
    gives(house.ask(house.consent_question(PSYCHIATRY, fields("examined_on"), exact=True)), "form-not-allowed")
    house.change_consent("pause", consent, session)
    gives(house.ask(house.consent_question(CERTIFICATE, one)), "no-consent")
    house.change_consent("resume", consent, session)
    gives(house.ask(house.consent_question(CERTIFICATE, one)), "consent-used-up")
    other, session = house.grant(CERTIFICATE, SECOND)
    gives(house.ask(house.consent_question(CERTIFICATE, fields("fit", "certificate_no", "diagnoses"), SECOND)), "no-agreement")
    gives(house.ask(house.consent_question(CERTIFICATE, fields("fit", "diagnoses"), SECOND, all_or_nothing=True)),
          "all-or-nothing", "no-agreement")
    house.change_consent("withdraw", other, session)
    gives(house.ask(house.consent_question(CERTIFICATE, one, SECOND)), "no-consent")
    gives(house.ask(house.consent_question(CERTIFICATE, one, SECOND, basis={"kind": "law", "article": "1-ФЗ"})),
          "basis-not-allowed")
    gives(house.ask(house.consent_question(CERTIFICATE, one, SECOND, purpose="identity-check")), "no-consent")


def ask_for_ended_consent(house):
    """The agency asks for a consent whose time is over already; gives its id. No tool of ours would."""
    folder = os.path.join(house.dir, "people", "licence-office")
    peer = Peer(house.endpoint, os.path.join(folder, "licence-office.key"), house.broker_card, ORIGIN, PATIENCE_S)
    try:
        welcome = peer.hello()[1]
        now = now_ms()
        consent = secrets.token_bytes(16)
        artefact = encode("Artefact", {
            "version": 1, "id": consent, "revision": 1, "asker": peer.member, "dataset": PSYCHIATRY.encode(),
            "fields": [{"name": b"no_objection", "form": b"full"}], "purpose": b"driving-licence-issue",
            "not_before": now - 2 * 86400000, "not_after": now - 86400000, "uses": 1, "state": 1, "collected_at": now,
            "bundle_hash": welcome["bundle_hash"]})
        result, _ = peer.call("consent-change", {"version": 1, "action": 1, "artefact": artefact, "subject_scheme": b"vd",
                                                 "subject": SECOND.replace("-", "").encode()})
        true(result is not None and not result.get("status"), str(result))
    finally:
        peer.close()
    text = consent.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def ended(house):
    consent = ask_for_ended_consent(house)
    house.change_consent("grant", consent, house.session(SECOND))
    gives(house.ask(house.consent_question(PSYCHIATRY, fields("no_objection"), SECOND)), "no-consent")


def urgent(house):
    """Danger to life: with a reason, without one, beyond the official's day."""
    def question(why, official="medic-1"):
        return {"dataset": EMERGENCY, "subject": {"scheme": "vd", "id": ANNA}, "fields": fields("blood_group", "allergies"),
                "purpose": "emergency-care", "basis": {"kind": "vital-interest", "justification": why},
                "official": {"id": official, "role": "paramedic"}}
    gives(house.ask(question("срочно")), "no-justification")
    for _ in range(2):
        gives(house.ask(question(WHY)))
    gives(house.ask(question(WHY)), "limit-reached")
    gives(house.ask(question(WHY, "medic-2")))


def discount(house):
    """A threshold of age: one N only; an application that nobody takes yet."""
    def question(form, kind="consent"):
        return {"dataset": IDENTITY, "subject": {"scheme": "vd", "id": ANNA}, "fields": fields("birth_date", form=form),
                "purpose": "travel-discount", "basis": {"kind": kind}, "official": {"id": "worker-1", "role": "caseworker"}}
    gives(house.ask(question("over(65)", "explicit-request")), "basis-unsupported")
    gives(house.ask(question("over(65)", "court-order")), "basis-not-allowed")
    consent = house.run(["consent", "request", "--dataset", IDENTITY, "--purpose", "travel-discount", "--subject", "-",
                         "--json"], stdin=ANNA + "\n", profile="licence-office").json["id"]
    house.change_consent("grant", consent, house.session())
    gives(house.ask(question("over(65)")))
    gives(house.ask(question("over(18)")), "form-not-allowed")  # locked
    gives(house.ask(question("over(65)")))


def suspended(house):
    """The holder is suspended, and back."""
    for action in ("suspend", "resume"):
        house.run(["member", action, "ru/health/clinic-2", "--registrar",
                   os.path.join(house.dir, "authority", "registrar.key"), "--reason", "a test"], profile="operator")
        house.ask(house.consent_question(CERTIFICATE, fields("fit")))


def decisions(house):
    return house.run(["status", "--json"], profile="operator").json["figures"]["decisions"]


class Held:
    """A question whose holder's node stands still: it is decided, and waits."""

    def __init__(self, house, holder, question):
        self.node = house.nodes[holder]
        self.answer = None
        before = decisions(house)
        self.node.hold()
        self.thread = threading.Thread(target=lambda: self.ask(house, question))
        self.thread.start()
        until(lambda: decisions(house) > before, "it is decided", PATIENCE_S)

    def ask(self, house, question):
        self.answer = house.ask(question)

    def go_on(self):
        """Gives what came of it."""
        self.node.send(signal.SIGCONT)
        self.thread.join(PATIENCE_S)
        return self.answer


def withdrawn_in_flight(house, subject=SECOND):
    """Withdrawn while the holder has the question; gives the entry of its decision."""
    consent, session = house.grant(PSYCHIATRY, subject)
    held = Held(house, "psychiatry", house.consent_question(PSYCHIATRY, fields("no_objection"), subject))
    try:
        house.change_consent("withdraw", consent, session)
    finally:
        status, document = held.go_on()
    equal((status, document["values"]), (200, []), "nothing comes")
    return document["entries"]["decision"]


def every_kind(house):
    identity(house)
    consents(house)
    ended(house)
    urgent(house)
    discount(house)
    withdrawn_in_flight(house)
    suspended(house)
