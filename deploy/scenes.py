"""The story's scenes. Each does what its people do, with the programs they would use, shows what came
of it, and says what it expects. Figures are what was measured or counted; none is written here."""

import datetime
import json
import os
import signal
import sqlite3
import threading
import time

import house as houses
from sentences import Sentences
from texts import plural_ru, text

OPINION = ["no_objection", "examined_on"]
DATASETS = ["health.driver-certificate", "health.psychiatry-opinion", "health.narcology-opinion"]
HOLDERS = {"identity.person": "population-register", DATASETS[0]: "clinic-2", DATASETS[1]: "psychiatry",
           DATASETS[2]: "narcology"}
DECLINED = "certificate_no"
SUMMARY_S = 30  # a summary is due each two seconds
OPEN_DIAGNOSES = ("SELECT 1 FROM diagnosis WHERE diagnosis.card_no = driver_certificate.card_no"
                  " AND diagnosis.closed IS NULL")


class Story:
    def __init__(self, screen, house, language):
        self.screen = screen
        self.house = house
        self.language = language
        self.sentences = Sentences(house.scenario, language)
        self.catalogue = house.call("road-safety", "GET", "/v1/catalogue", language=language)[1]
        self.consents = {}  # dataset -> id
        self.answers = []   # of the exchanges that belong to the licence
        self.agreements = []
        self.service_ms = 0.0
        self.form = self._application()

    def say(self, key, **values):
        return text(self.language, key, **values)

    def _application(self):
        """What Anna wrote on her form, as the inspectorate's own system has it."""
        path = os.path.join(self.house.dir, "agencies", "road-safety", "licences.db")
        with sqlite3.connect(path) as db:
            db.row_factory = sqlite3.Row
            return dict(db.execute("SELECT * FROM application WHERE applicant = ?", (houses.ANNA,)).fetchone())

    def dataset(self, code):
        return next(d for d in self.catalogue["datasets"] if d["code"] == code)

    def field_title(self, code, name):
        return next(f["title"] for f in self.dataset(code)["fields"] if f["name"] == name)

    def agreement(self, code, purpose):
        return next(a for a in self.dataset(code)["agreements"] if purpose in a["purposes"])

    # --- the inspectorate's system ---

    def question(self, code, fields, purpose, basis, subject=houses.ANNA, **more):
        return {"dataset": code, "subject": {"scheme": "vd", "id": subject}, "fields": fields, "purpose": purpose,
                "basis": basis, "official": {"id": "inspector-31", "role": "inspector"},
                **{"case": self.form["case_no"], **more}}

    def ask(self, question):
        """The answer, with the milliseconds that the inspectorate waited for it."""
        started = time.monotonic()
        status, document = self.house.call("road-safety", "POST", "/v1/requests", question, language=self.language)
        while status == 202:
            status, document = self.house.call("road-safety", "GET", "/v1/requests/" + document["id"],
                                               language=self.language)
        document["ms"] = (time.monotonic() - started) * 1000
        if status != 200:
            raise houses.Failed("POST /v1/requests: %d %s" % (status, json.dumps(document, ensure_ascii=False)))
        return document

    def show_values(self, answer):
        for value in answer["values"]:
            shown = value.get("value")
            words = self.in_words(value["form"], shown) if "value" in value else value["state"]
            self.screen.field("✓", value["title"], words, value.get("sentence", ""))

    def in_words(self, form, value):
        yes = {"ru": ("да", "нет"), "en": ("yes", "no")}[self.language]
        same = {"ru": ("совпадает", "не совпадает"), "en": ("matches", "does not match")}[self.language]
        if isinstance(value, bool):
            return (same if form == "match" else yes)[0 if value else 1]
        if isinstance(value, list):
            return ", ".join(value)
        return str(value)

    def show_refused(self, answer):
        for refused in answer["refused"]:
            self.screen.field("✗", refused["title"], "", refused.get("sentence", refused["reason"]))

    # --- the desk ---

    def desk(self, words, stdin=None, check=True):
        return self.house.run([*words, "--json"], stdin=stdin, profile="desk-7", check=check)

    def open_session(self, name):
        """The portal makes a code that Anna holds; window 7 opens her session with it."""
        code = self.house.run(["consent", "code", "--subject", "-", "--json"], stdin=houses.ANNA + "\n",
                              profile="portal").json["code"]
        path = os.path.join(self.house.dir, "people", "desk-7", name + ".session")
        self.desk(["consent", "open", "--session", path, "--clerk", "window-7"], stdin=code + "\n")
        return path

    # --- scenes ---

    def play(self):
        self.screen.line()
        self.screen.wrapped(self.say("story", anna=houses.ANNA), "  ", self.screen.bold)
        for number, scene in enumerate([self.consent, self.identity, self.health, self.receipt, self.anna_sees,
                                        self.withdrawal], 1):
            self.screen.scene(self.say("scene", n=number), self.say("s%d" % number))
            scene()
        self.conclusion()

    def consent(self):
        screen = self.screen
        refused = self.desk(["consent", "list", "--subject", "-"], stdin=houses.ANNA + "\n", check=False)
        screen.expect(refused.status != 0, "window 7 sees no consents without Anna's code")
        screen.say(self.say("s1_asks", datasets=len(DATASETS)))
        offered = []
        for code in DATASETS:
            asked = self.house.run(["consent", "request", "--dataset", code, "--purpose", "driving-licence-issue",
                                    "--subject", "-", "--json"],
                                   stdin=houses.ANNA + "\n", profile="licence-office").json
            screen.line("     " + screen.bold(self.dataset(code)["title"]) + screen.dim(", " + self.dataset(code)["holders"][0]["title"]))
            screen.quote(asked["notice"])
            names = self.agreement(code, "driving-licence-issue")["fields"]
            screen.boxes([(False, self.field_title(code, name)) for name in names])
            self.consents[code] = asked["id"]
        started = time.monotonic()
        session = self.open_session("consent")
        listed = {c["id"]: c for c in self.desk(["consent", "list", "--session", session]).json["consents"]}
        for code in DATASETS:
            consent = listed[self.consents[code]]
            screen.expect(consent["state"] == "requested", "nothing is granted before Anna says so (%s)" % code)
            offered += [(code, field["name"]) for field in consent["fields"]]
        granted = [(code, name) for code, name in offered if name != DECLINED]
        entries = []
        for code in DATASETS:
            names = [name for of, name in granted if of == code]
            done = self.desk(["consent", "grant", self.consents[code], "--session", session, "--fields",
                              ",".join(names), "--clerk", "window-7"]).json
            screen.expect(done["state"] == "active" and done["fields"] == names, "the consent to %s is as ticked" % code)
            entries.append(done["entry"])
        self.desk(["consent", "close", "--session", session])
        ms = (time.monotonic() - started) * 1000
        screen.line()
        screen.say(self.say("s1_grants", allowed=len(granted), offered=len(offered)))
        for code in DATASETS:
            screen.boxes([((of, name) in granted, self.field_title(of, name)) for of, name in offered if of == code])
        screen.expect(len(granted) == len(offered) - 1, "all but one of the fields are granted")
        screen.say(self.say("s1_code", entries=", ".join(str(n) for n in entries), ms=self.ms(ms)))
        self.granted = granted
        self.began = time.monotonic()

    def identity(self):
        screen = self.screen
        agreement = self.agreement("identity.person", "identity-check")
        screen.say(self.say("s2_asks"))
        fields = [{"name": "full_name", "form": "match", "match": self.form["full_name"]},
                  {"name": "birth_date", "form": "match", "match": self.form["birth_date"]},
                  {"name": "passport_no", "form": "match", "match": self.form["passport_no"]}]
        answer = self.ask(self.question("identity.person", fields, "identity-check",
                                        {"kind": "law", "article": agreement["articles"][0]}))
        self.show_values(answer)
        screen.expect([v.get("value") for v in answer["values"]] == [True] * len(fields), "all three match")
        screen.expect(not answer["refused"] and not answer["withheld"], "nothing is refused or withheld")
        text_of = json.dumps(answer, ensure_ascii=False)
        register = self._register_row()
        screen.expect(not any(str(value) in text_of for value in register), "no value of the register is in the answer")
        screen.say(self.say("s2_stays", ms=self.ms(answer["ms"]), entry=answer["entries"]["decision"]))
        self.mistaken(agreement)
        self.take(answer, agreement["id"])

    def mistaken(self, agreement):
        """Somebody else's application, with a wrong birth date on it: the one is told from the other."""
        path = os.path.join(self.house.dir, "agencies", "road-safety", "licences.db")
        with sqlite3.connect(path) as db:
            db.row_factory = sqlite3.Row
            form = db.execute("SELECT * FROM application WHERE applicant <> ? AND birth_date <> ? LIMIT 1",
                              (houses.ANNA, self.form["birth_date"])).fetchone()
        fields = [{"name": "full_name", "form": "match", "match": form["full_name"]},
                  {"name": "birth_date", "form": "match", "match": self.form["birth_date"]}]
        answer = self.ask(self.question("identity.person", fields, "identity-check",
                                        {"kind": "law", "article": agreement["articles"][0]},
                                        subject=form["applicant"], case=form["case_no"]))
        self.screen.expect([v.get("value") for v in answer["values"]] == [True, False],
                           "a name that is right and a date that is wrong are told apart")

    def _register_row(self):
        path = os.path.join(self.house.dir, "agencies", "population-register", "population.db")
        with sqlite3.connect(path) as db:
            row = db.execute("SELECT birth_dt, home_address FROM v_identity WHERE vd_no = ?", (houses.ANNA,)).fetchone()
        return row

    def _other(self, has_diagnoses=None):
        """Somebody else with a certificate; with or without a diagnosis where that is asked."""
        path = os.path.join(self.house.dir, "agencies", "clinic-2", "clinic.db")
        condition = "" if has_diagnoses is None else "AND %sEXISTS (%s)" % ("" if has_diagnoses else "NOT ", OPEN_DIAGNOSES)
        with sqlite3.connect(path) as db:
            ident = db.execute("SELECT ident FROM driver_certificate WHERE ident <> 'VD0042176' " + condition
                               + " GROUP BY ident HAVING count(*) = 1 ORDER BY ident LIMIT 1").fetchone()[0]
        return "%s-%s-%s" % (ident[:2], ident[2:8], ident[8:])

    def health(self):
        screen = self.screen
        asked = {DATASETS[0]: ["fit", "categories", "restrictions", "valid_until", DECLINED, "diagnoses"],
                 DATASETS[1]: [*OPINION, "under_care"], DATASETS[2]: OPINION}
        released, refused, weaker = [], [], 0
        for code, names in asked.items():
            agreement = self.agreement(code, "driving-licence-issue")
            answer = self.ask(self.question(code, names, "driving-licence-issue", {"kind": "consent"}))
            screen.line("     " + screen.bold(answer["holder_title"]) + screen.dim("  " + self.say("ms", ms=self.ms(answer["ms"]))))
            self.show_values(answer)
            self.show_refused(answer)
            self.take(answer, agreement["id"])
            released += [(code, v["name"]) for v in answer["values"] if v.get("state") == "value"]
            refused += [(r["name"], r["reason"]) for r in answer["refused"]]
            weaker += sum(1 for v in answer["values"] if v["asked"] != v["form"] and v.get("reason") == "weaker-form")
            screen.expect(not answer["withheld"], "nothing of %s had to be withheld" % code)
        screen.expect(sorted(released) == sorted(self.granted), "exactly what Anna granted was passed on")
        screen.expect(sorted(refused) == [(DECLINED, "no-consent"), ("diagnoses", "no-agreement"),
                                          ("under_care", "no-agreement")], "each refusal has its reason: %s" % refused)
        screen.expect(weaker == 2, "the day of examination went as the year, twice")
        over = self.over_asked()
        screen.expect(over == sum(1 for _, reason in refused if reason == "no-agreement"), "over-asking is counted: %s" % over)
        screen.line()
        screen.say(self.say("s3_count", released=len(released), refused=len(refused), over=over))
        self.same_refusal()

    def over_asked(self):
        """What the officer's part of the record counts against the inspectorate, for Anna's exchanges."""
        return sum(self.house.run(["audit", "show", str(answer["entries"]["decision"]), "--json"],
                                  profile="officer").json["officer_part"]["over_asked"]
                   for answer in self.answers)

    def same_refusal(self):
        bodies = []
        for has in (True, False):
            answer = self.ask(self.question(DATASETS[0], ["diagnoses"], "driving-licence-issue", {"kind": "consent"},
                                            subject=self._other(has_diagnoses=has)))
            for changing in ("id", "ms", "entries", "receipts"):
                answer.pop(changing, None)
            bodies.append(json.dumps(answer, ensure_ascii=False, sort_keys=True))
        self.screen.expect(bodies[0] == bodies[1], "a refusal does not tell whether there is a diagnosis")
        path = os.path.join(self.house.dir, "agencies", "clinic-2", "clinic.db")
        counts = {}
        with sqlite3.connect(path) as db:
            for has in (True, False):
                ident = self._other(has_diagnoses=has).replace("-", "")
                counts[has] = db.execute("SELECT (SELECT count(*) FROM (%s)) FROM driver_certificate WHERE ident = ?"
                                         % OPEN_DIAGNOSES, (ident,)).fetchone()[0]
        self.screen.say(self.say("s3_same", **{"with": counts[True], "without": counts[False]},
                                 bytes=len(bodies[0].encode())))

    def take(self, answer, agreement):
        """An exchange that belongs to the licence."""
        self.answers.append(answer)
        self.agreements.append(agreement)
        self.service_ms += answer["ms"]

    def receipt(self):
        screen = self.screen
        source = self.answers[1]["receipts"]["ending"]
        path = os.path.join("receipts", "driver-certificate.receipt")  # the commands run in DIR
        with open(source, "rb") as file:
            receipt = file.read()
        with open(os.path.join(self.house.dir, path), "wb") as file:
            file.write(receipt)
        proven = self.house.run(["audit", "verify-receipt", path, "--vkey", self.house.vkey, "--json"]).json
        screen.expect(proven["proven"] is True, "the receipt is proven offline")
        screen.expect(proven["entry"]["index"] == self.answers[1]["entries"]["ending"], "it is the receipt of this release")
        screen.say(self.say("s4_place", index=proven["entry"]["index"], size=proven["tree_size"],
                            us=proven["verified_in_us"]))
        screen.say(self.say("s4_file", file=os.path.join(self.house.dir, path)))
        place = receipt.index(b"\n", receipt.index(b"extra ")) - 40
        forged = bytearray(receipt)
        forged[place] = ord("A") if forged[place] != ord("A") else ord("B")
        copy = path + ".forged"
        with open(os.path.join(self.house.dir, copy), "wb") as file:
            file.write(forged)
        said = self.house.run(["audit", "verify-receipt", copy, "--vkey", self.house.vkey], check=False)
        screen.expect(said.status == 1, "a receipt with one byte changed is refused")
        screen.say(self.say("s4_flipped", bytes=len(receipt), place=place))
        screen.quote(said.err.strip() or said.out.strip())
        self.witnessed(path)

    def witnessed(self, path):
        """The same receipt once both witnesses have cosigned a checkpoint with its entry."""
        screen = self.screen
        policy = self.house.witness_policy
        done = self.house.run(["audit", "verify-receipt", path, "--policy", policy, "--vkey", self.house.vkey, "--json"]).json
        screen.expect(done["state"] == "signed", "at first the log alone stands behind the receipt")
        target = path.replace(".receipt", ".witnessed.receipt")
        deadline = time.monotonic() + 15
        while True:
            asked = self.house.run(["audit", "witness-receipt", path, "--policy", policy, "-o", target, "--json"],
                                   profile="auditor", check=False)
            if asked.status == 0:
                break
            if time.monotonic() > deadline:
                raise houses.Failed("the receipt is not witnessed: %s" % asked.err.strip())
            time.sleep(0.1)
        done = self.house.run(["audit", "verify-receipt", target, "--policy", policy, "--vkey", self.house.vkey, "--json"]).json
        screen.expect(done["state"] == "witnessed" and done["witnesses"] == len(self.house.witnesses),
                      "every witness has cosigned a checkpoint that holds the entry")
        screen.expect(asked.json["trial"] is True, "that the witnesses run on this host is said")
        screen.say(self.say("s4_witnessed", count=done["witnesses"], size=done["tree_size"]))

    def list_of_anna(self):
        """Anna's own list, read in her session at window 7. Newest last."""
        session = self.open_session("list-%d" % time.monotonic_ns())
        entries = self.desk(["audit", "list", "--session", session, "--limit", "100"]).json["entries"]
        self.desk(["consent", "close", "--session", session])
        return sorted(entries, key=lambda entry: entry["index"])

    def anna_sees(self):
        screen = self.screen
        entries = self.list_of_anna()
        accesses = [e for e in entries if e["kind"] == "decision"]
        looks = [e for e in entries if e["kind"] in ("session-opened", "read")]
        own = [e for e in looks if e["reader_role"] == "desk"]
        officers = [e for e in looks if e["reader_role"] == "officer"]
        for entry in accesses:
            screen.quote(entry["sentence"], entry["recorded_at"][11:16] + "  ")
            if entry.get("sentence_refused"):
                screen.quote(entry["sentence_refused"], " " * 7)
        screen.expect([e["index"] for e in accesses] == [a["entries"]["decision"] for a in self.answers],
                      "every request is in her list, once, and no other")
        screen.expect(all(e.get("ending") == "released" for e in accesses), "each of them ended in a release")
        refused = sum(len(a["refused"]) > 0 for a in self.answers)
        screen.expect(sum(bool(e.get("sentence_refused")) for e in accesses) == refused,
                      "what was asked for and not given is in her list")
        screen.say(self.say("s5_own"))
        for entry in own:
            screen.quote(self.sentences.say("desk"), entry["recorded_at"][11:16] + "  ")
        screen.expect(own and own[-1]["index"] > accesses[-1]["index"], "this very reading is in her list")
        screen.expect(len(officers) == len(self.answers), "the officer's looks are in her list")
        screen.say(self.say("s5_officer", who=self.sentences.member(officers[0]["reader"]) if officers else "?",
                            count=len(officers)))
        papers = [self.sentences.paper(a) for a in self.agreements if self.sentences.paper(a)]
        screen.expect(len(papers) == len(self.agreements), "each agreement saved a paper")
        screen.quote(self.sentences.say("saved", n=len(papers)))
        moment = self.now()
        screen.quote(self.sentences.say("listed", **{"from": entries[0]["recorded_at"][:10], "to": moment[:10],
                                                     "time": moment[11:]}))
        self.prove_list(entries[0]["recorded_at"][:10])
        self.papers = len(papers)

    def prove_list(self, since):
        """Once a summary covers her list, nothing can be left out of it any more: that is checked, not said."""
        session = self.open_session("proof")
        proof, ms = {}, 0
        deadline = time.monotonic() + SUMMARY_S
        while proof.get("not_yet_committed", 1) > 0 and time.monotonic() < deadline:
            started = time.monotonic()
            proof = self.desk(["audit", "verify", "--session", session, "--json"], check=False).json
            ms = (time.monotonic() - started) * 1000
            time.sleep(0.1)
        self.desk(["consent", "close", "--session", session])
        moment = self.now()
        self.screen.expect(proof["proven"] and proof["not_yet_committed"] == 0, "her list is proven whole")
        self.screen.say(self.say("s5_summary", entries=proof["entries"], ms=self.ms(ms)))
        self.screen.quote(self.sentences.say("complete", **{"from": since, "to": moment[:10]}))

    @staticmethod
    def now():
        return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")

    def ms(self, number):
        """Milliseconds as people of the language write them."""
        shown = "%.1f" % number if number < 100 else "%.0f" % number
        return shown.replace(".", ",") if self.language == "ru" else shown

    def withdrawal(self):
        screen = self.screen
        code = DATASETS[1]
        session = self.open_session("withdrawal")
        question = self.question(code, OPINION, "driving-licence-issue", {"kind": "consent"})
        # The dispensary's node is held still for a moment, so that the request waits with the holder.
        before = self.decisions()
        self.house.nodes["psychiatry"].hold()
        waiting = {}
        asker = threading.Thread(target=lambda: waiting.update(self.ask(question)))
        try:
            asker.start()
            self.wait_until_decided(before)
            screen.say(self.say("s6_held"))
            done = self.desk(["consent", "withdraw", self.consents[code], "--session", session, "--clerk", "window-7"])
            acknowledged = time.monotonic()
            again = self.ask(question)
            refused_after = (time.monotonic() - acknowledged) * 1000
        finally:
            self.house.nodes["psychiatry"].send(signal.SIGCONT)
            asker.join(30)
        screen.expect(done.json["state"] == "withdrawn", "the consent is withdrawn")
        screen.quote(self.sentences.say("withdrawn", time=self.now()[11:]))
        screen.say(self.say("s6_again"))
        self.show_refused(again)
        screen.expect(not again["values"] and {r["reason"] for r in again["refused"]} == {"no-consent"},
                      "a new request is refused, and the asker does not learn why")
        screen.say(self.say("s6_ms", ms=self.ms(refused_after)))
        screen.expect(waiting and not waiting["values"], "the request on its way brought nothing")
        entries = self.list_of_anna()
        flight = next((e for e in entries if e["index"] == waiting["entries"]["decision"]), {})
        screen.say(self.say("s6_flight"))
        screen.quote(flight.get("ending_sentence", flight.get("end_reason", "?")))
        screen.expect(flight.get("end_reason") == "withdrawn-in-flight", "it ended as withdrawn-in-flight: %s" % flight.get("end_reason"))
        screen.expect(waiting.get("reason") in (None, "no-consent"), "its asker learns no more than the other")

    def decisions(self):
        return self.house.run(["status", "--json"], profile="operator").json["figures"]["decisions"]

    def wait_until_decided(self, before):
        """Until the log holds one decision more: from then on the holder may be asked."""
        deadline = time.monotonic() + 10
        while self.decisions() <= before:
            if time.monotonic() > deadline:
                raise houses.Failed("the request was not decided")

    def conclusion(self):
        surplus = sum(1 for answer in self.answers for value in answer["values"]
                      if (answer["dataset"], value["name"]) not in self.granted and value["form"] != "match")
        papers_word = plural_ru(self.papers, "бумага", "бумаги", "бумаг")
        self.screen.line()
        self.screen.wrapped(self.say("end", papers=self.papers, papers_word=papers_word, ms=self.ms(self.service_ms),
                                     surplus=surplus), "  ", self.screen.bold)
        self.screen.expect(surplus == 0, "no surplus field was released")
