#!/usr/bin/python3
"""The broker is blind: canary values planted in the registers, in a value that the asker sends for
comparison, and in the identifier, are in none of its files, logs or (values) memory. Only the asker
opens what was granted, and an answer is as long with a value as without one."""

import base64
import os
import re
import secrets
import sqlite3
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(ROOT, "tests", "support")]

from foreign import Peer, decode, encode  # noqa: E402
from harness import ORIGIN, Federation  # noqa: E402
from tap import equal, main, test, true  # noqa: E402

CERTIFICATE = "health.driver-certificate"


def needles(text):
    """Every way in which the text could stand in a file: as it is, in hexadecimal, in base64."""
    raw = text.encode()
    found = {raw, raw.hex().encode(), raw.hex().upper().encode(), text.encode("utf-16-le")}
    for shift in range(3):
        coded = base64.b64encode(bytes(shift) + raw)
        found.add(coded[(shift * 8 + 5) // 6 + 1:len(coded) - 4])
    return [n for n in found if len(n) >= 7]


def files_of(*folders):
    for folder in folders:
        for path, _folders, names in os.walk(folder):
            for name in names:
                full = os.path.join(path, name)
                if os.path.isfile(full):
                    yield full


def holders_of(texts, paths):
    """(file, text) wherever one of the texts stands."""
    found = []
    for path in paths:
        with open(path, "rb") as file:
            content = file.read()
        found += [(path, text) for text in texts for needle in needles(text) if needle in content]
    return found


def memory_of(pid):
    """What the process has in memory that it may write; None: the system does not let us look."""
    chunks = []
    try:
        with open("/proc/%d/maps" % pid, encoding="utf-8") as maps, open("/proc/%d/mem" % pid, "rb") as memory:
            for line in maps:
                match = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
                if not match or "[vvar]" in line or "/" in line:
                    continue
                begin, end = (int(part, 16) for part in match.groups())
                if end - begin > 1 << 28:
                    continue  # an allocator's reserve
                memory.seek(begin)
                try:
                    chunks.append(memory.read(end - begin))
                except (OSError, ValueError):
                    continue
    except PermissionError:
        return None
    return chunks


def somebody(house):
    """A citizen with one card and a certificate: their identifier is a canary as well."""
    with sqlite3.connect(os.path.join(house.dir, "agencies", "clinic-2", "clinic.db")) as db:
        ident = secrets.choice(db.execute("SELECT ident FROM driver_certificate WHERE ident <> 'VD0042176'"
                                          " GROUP BY ident HAVING count(*) = 1").fetchall())[0]
    return "%s-%s-%s" % (ident[:2], ident[2:8], ident[8:])


def plant(house, subject, refused, granted, compared):
    """Values that nobody could hit by chance. Gives the whole name with the one that is compared."""
    with sqlite3.connect(os.path.join(house.dir, "agencies", "clinic-2", "clinic.db")) as db:
        card = db.execute("SELECT card_no FROM patient WHERE ident = ?", (subject.replace("-", ""),)).fetchone()[0]
        number = db.execute("SELECT conclusion_id FROM conclusion WHERE card_no = ?", (card,)).fetchone()[0]
        db.execute("INSERT INTO diagnosis VALUES (?, ?, '01.01.2020', NULL)", (card, refused))
        db.execute("DELETE FROM conclusion_condition WHERE conclusion_id = ?", (number,))
        db.execute("INSERT INTO conclusion_condition VALUES (?, ?)", (number, granted))
    with sqlite3.connect(os.path.join(house.dir, "agencies", "population-register", "population.db")) as db:
        db.execute("UPDATE person SET last_name = ? WHERE vd_no = ?", (compared, subject))
        return db.execute("SELECT full_name FROM v_identity WHERE vd_no = ?", (subject,)).fetchone()[0]


def mark(word):
    return "%s-%s" % (word, secrets.token_hex(8))


@test
def what_the_registers_hold_is_nowhere_at_the_broker():
    refused, granted, compared = mark("refusedvalue"), mark("grantedvalue"), mark("Comparedvalue")
    with Federation(nodes=["road-safety", "clinic-2", "population-register"]) as house:
        subject = somebody(house)
        name = plant(house, subject, refused, granted, compared)
        house.grant(CERTIFICATE, subject)
        status, answer = house.ask(house.consent_question(CERTIFICATE, ["fit", "restrictions", "diagnoses"], subject))
        equal(status, 200)
        values = {v["name"]: v.get("value") for v in answer["values"]}
        equal(values["restrictions"], [granted], "the asker opens what was granted")
        equal([r["name"] for r in answer["refused"]], ["diagnoses"])
        status, answer = house.ask(house.identity_question(subject, name))
        equal((status, [v["value"] for v in answer["values"]]), (200, [True]), "what was compared matches")
        chunks = memory_of(house.broker.pid)
        true(chunks, "the broker's memory can be looked at")
        for text in (refused, granted, compared):
            for needle in needles(text)[:1] + [text.encode()]:
                true(not any(needle in chunk for chunk in chunks), "'%s' is in the broker's memory" % text)
        house.stop()
        marks = [refused, granted, compared, subject, subject.replace("-", "")]
        own = [house.home, os.path.join(house.dir, "log")]
        equal(holders_of(marks, files_of(*own)), [], "files and logs of the broker")
        states = [os.path.join(house.dir, "agencies", short, "state") for short in house.wanted]
        equal(holders_of(marks, files_of(*states)), [], "what the nodes keep")


@test
def the_search_would_find_a_canary():
    with Federation(policy=False) as house:
        text = mark("VD-004217-6")
        path = os.path.join(house.home, "log", "planted")
        for content in (text.encode(), text.encode().hex().encode(), base64.b64encode(b"xy" + text.encode() + b"tail")):
            with open(path, "wb") as file:
                file.write(b"\0" * 100 + content)
            true(holders_of([text], files_of(house.home)), "found as %r" % content)
        os.unlink(path)


def opened(house, one, holder, subject):
    """Lengths on the wire, and what the boxes hold."""
    announcement, _card = one.directory(b"ru/health/clinic-2", CERTIFICATE.encode())
    true(announcement, "the holder's announcement")
    values = one.request(announcement[1], official=b"inspector-1", official_role=b"inspector", holder=holder,
                         dataset=CERTIFICATE.encode(), subject=subject, purpose=b"driving-licence-issue",
                         basis={"kind": 1}, case_ref=house.case().encode(),
                         fields=[{"name": b"fit", "form": b"full"}, {"name": b"restrictions", "form": b"full"}])
    payload = encode("Request", values)
    one.send("request", payload, ref=values["id"])
    got = one.receive("release", "refusal", ref=values["id"])
    true(got and got[0] == "release", "released: %s" % (got and got[1]))
    answer_head = got[1]["answer"]
    head = decode("Head", answer_head)
    answer = decode("Answer", head["payload"])
    boxes = one.open_answer(values, payload, answer, got[2], announcement[0]["key"])
    return [len(got[2]), [f["box_length"] for f in answer["fields"]]], [(status, value) for _n, _f, status, value, _s in boxes]


@test
def an_answer_is_as_long_with_a_value_as_without_one():
    with Federation(nodes=["clinic-2"]) as house:
        with sqlite3.connect(os.path.join(house.dir, "agencies", "clinic-2", "clinic.db")) as db:
            without = db.execute("SELECT ident FROM patient WHERE NOT EXISTS (SELECT 1 FROM conclusion c"
                                 " WHERE c.card_no = patient.card_no) GROUP BY ident HAVING count(*) = 1").fetchone()[0]
        nobody = "VD999999%d" % (1 + 999999 % 9)
        one = Peer(house.endpoint, house.key_of("road-safety"), house.broker_card, ORIGIN, timeout_s=30)
        equal(one.hello()[0], "welcome")
        one.announce()
        seen = {}
        for subject in ("VD0042176", without, nobody):
            dashed = "%s-%s-%s" % (subject[:2], subject[2:8], subject[8:])
            house.grant(CERTIFICATE, dashed)
            seen[subject] = opened(house, one, b"ru/health/clinic-2", subject.encode())
        one.close()
        equal(seen["VD0042176"][1][0], (1, b"true"), "there is a value")
        true(all(status != 1 for status, _ in seen[nobody][1]), "there is nobody: %s" % seen[nobody][1])
        equal(seen[without][0], seen["VD0042176"][0], "lengths without a certificate")
        equal(seen[nobody][0], seen["VD0042176"][0], "lengths without a person")


main()
