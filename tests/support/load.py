"""A load for tests: askers and a desk at a federation, who remember what they were told."""

import collections
import os
import random
import sqlite3
import threading

import harness

ASKERS = 6
CERTIFICATE = "health.driver-certificate"


class Load:
    """Askers and a desk that go on whatever happens, and remember what they were told."""

    def __init__(self, house, seed):
        self.house = house
        self.seed = seed
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.answers = []          # documents of answered requests
        self.changes = {}          # consent -> (revision, state, entry) that was acknowledged last
        self.consented = []        # (subject, consent) that may be asked for
        self.troubles = collections.Counter()
        self.broken = []
        path = os.path.join(house.dir, "agencies", "population-register", "population.db")
        with sqlite3.connect(path) as db:
            self.people = db.execute("SELECT vd_no, last_name || ' ' || first_name || ' ' || patronymic"
                                     " FROM person").fetchall()
        with sqlite3.connect(os.path.join(house.dir, "agencies", "clinic-2", "clinic.db")) as db:
            idents = db.execute("SELECT ident FROM driver_certificate GROUP BY ident HAVING count(*) = 1").fetchall()
        self.certified = ["%s-%s-%s" % (i[:2], i[2:8], i[8:]) for (i,) in idents]
        self.threads = [threading.Thread(target=self._guard, args=(self._asker, n)) for n in range(ASKERS)]
        self.threads.append(threading.Thread(target=self._guard, args=(self._desk, ASKERS)))

    def start(self):
        for thread in self.threads:
            thread.start()

    def finish(self):
        self.stop.set()
        for thread in self.threads:
            thread.join(60)

    def _guard(self, work, number):
        try:
            work(random.Random(self.seed * 1000 + number))
        except Exception as error:  # a load that dies quietly would prove nothing
            self.broken.append(repr(error))

    def question(self, chance):
        """Mostly identity, by law; sometimes a certificate, by a consent that may be gone by then."""
        official = {"id": "inspector-%d" % chance.randrange(10 ** 9), "role": "inspector"}
        with self.lock:
            consented = chance.choice(self.consented) if self.consented and chance.random() < 0.4 else None
        case = "case-%d" % chance.randrange(10 ** 12)
        if consented:
            return self.house.consent_question(CERTIFICATE, ["fit", "valid_until"], subject=consented[0],
                                               official=official, case=case)
        subject, name = chance.choice(self.people)
        return self.house.identity_question(subject, name, official=official, case=case)

    def _asker(self, chance):
        while not self.stop.is_set():
            try:
                status, document = self.house.ask(self.question(chance))
            except (OSError, ValueError) as error:
                self.troubles[type(error).__name__] += 1
                continue
            if status == 200:
                with self.lock:
                    self.answers.append(document)
            else:
                self.troubles["%d %s" % (status, document.get("type", ""))] += 1
                self.stop.wait(0.01)

    def _step(self, work, consent):
        """One command of the desk; what it was told, or nothing when the broker was away."""
        try:
            done = work()
        except harness.houses.Failed:
            self.troubles["desk"] += 1
            self.stop.wait(0.02)
            return None
        if consent:
            with self.lock:
                self.changes[consent] = (done["revision"], done["state"], done["entry"])
        return done

    def _desk(self, chance):
        while not self.stop.is_set():
            subject = chance.choice(self.certified)
            consent = self._step(lambda: self.house.request_consent(CERTIFICATE, subject), None)
            session = consent and self._step(lambda: self.house.session(subject), None)
            if not session:
                continue
            if not self._step(lambda: self.house.change_consent("grant", consent, session), consent):
                continue
            with self.lock:
                self.consented = [*self.consented[-7:], (subject, consent)]
            if chance.random() < 0.5:
                self.stop.wait(chance.random() * 0.05)
                self._step(lambda: self.house.change_consent("withdraw", consent, session), consent)
