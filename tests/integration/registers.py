#!/usr/bin/env python3
"""The sample registers: made the same each time, synthetic by their own word, and with the person
whom the demonstration is about in each of them."""

import hashlib
import os
import sqlite3
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

from tap import equal, main, test, true  # noqa: E402

NAMES = ["clinic.db", "licences.db", "narcology.db", "population.db", "psychiatry.db"]


def make(folder, *options):
    subprocess.run([os.path.join(ROOT, "deploy/registers"), folder, *options], check=True)


def content(path):
    with sqlite3.connect(path) as db:
        return hashlib.sha256("\n".join(db.iterdump()).encode()).hexdigest()


@test
def the_same_seed_and_day_give_the_same_registers():
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        for folder in (one, two):
            make(folder, "--count", "300", "--today", "2026-11-21")
        equal(sorted(os.listdir(one)), NAMES)
        for name in NAMES:
            equal(content(os.path.join(one, name)), content(os.path.join(two, name)), name)
        make(two, "--count", "300", "--today", "2026-11-21", "--seed", "1")
        true(content(os.path.join(one, "clinic.db")) != content(os.path.join(two, "clinic.db")),
             "another seed gives the same people")


@test
def each_register_says_that_it_is_synthetic_and_knows_anna():
    with tempfile.TemporaryDirectory() as folder:
        make(folder)
        rows = [("population.db", "v_identity", "replace(vd_no, '-', '')", "VD0042176"),
                ("clinic.db", "driver_certificate", "ident", "VD0042176"),
                ("clinic.db", "emergency_card", "ident", "VD0042176"),
                ("psychiatry.db", "zaklyuchenie_voditel", "'VD' || kod_lica", "VD0042176"),
                ("narcology.db", "DRIVER_OPINION", "replace(EXT_ID, '-', '')", "VD0042176")]
        for name, table, key, value in rows:
            with sqlite3.connect(os.path.join(folder, name)) as db:
                true("SYNTHETIC" in db.execute("SELECT text FROM about").fetchone()[0], name)
                query = "SELECT count(*) FROM %s WHERE %s = ?" % (table, key)
                equal(db.execute(query, (value,)).fetchone()[0], 1, name)
                plan = " ".join(row[3] for row in db.execute("EXPLAIN QUERY PLAN " + query, (value,)))
                true("USING INDEX" in plan or "USING COVERING INDEX" in plan, "%s scans: %s" % (name, plan))
        with sqlite3.connect(os.path.join(folder, "population.db")) as db:
            equal(db.execute("SELECT count(*) FROM person").fetchone()[0], 10000)


@test
def identifiers_carry_their_check_digit():
    with tempfile.TemporaryDirectory() as folder:
        make(folder, "--count", "500")
        with sqlite3.connect(os.path.join(folder, "population.db")) as db:
            for (text,) in db.execute("SELECT vd_no FROM person"):
                equal(text[-1], str(1 + int(text[3:9]) % 9), text)


main()
