#!/usr/bin/python3
"""Keys that follow one another in a running federation: the log's signing key with both signing for a time, the
keys of bodies, the master key, the keys of subject tags. Requests go on before, during and after; whoever was
away follows; what nobody has signed for is refused."""

import os
import shutil
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(ROOT, "tests", "support")]

from harness import ANNA, ORIGIN, PATIENCE_S, Federation  # noqa: E402
from tap import equal, main, test, true, until  # noqa: E402

ASKER, HOLDER = "road-safety", "population-register"


def new_log_key(house, number, folder="broker/keys"):
    """A fresh key of the log beside the old one; gives its vkey."""
    return house.run(["keygen", "--role", "log", "--node", ORIGIN, "--out", os.path.join(folder, "log-%d.key" % number),
                      "--json"]).json["vkey"]


def in_time(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def order(house, name, new, registrar="authority/registrar.key", **more):
    """The registrar's signed order; gives its file."""
    words = ["log", "order", "--new", new, "--registrar", registrar, "--output", name]
    for option, value in {"old": house.vkey, **more}.items():
        words += ["--" + option, value]
    house.run(words)
    return name


def rotate(house, name, check=True, **more):
    return house.run(["log", "rotate", name, "--json"], profile="operator", check=check, **more)


def answered(house, asker=ASKER):
    """One whole exchange, once the broker knows the holder's announcement again."""
    answers = []

    def settled():
        answers.append(house.ask(house.identity_question(), asker))
        return answers[-1][0] != 503
    until(settled, "the holder has announced itself", PATIENCE_S)
    status, document = answers[-1]
    equal(status, 200, str(document))
    return document


def lines(house):
    """How many keys have signed the published checkpoint."""
    with open(os.path.join(house.home, "log.published"), encoding="utf-8") as file:
        return sum(line.startswith("— ") for line in file)


def restart(house, kill=False):
    if kill:
        house.broker.popen.kill()
        house.broker.popen.wait()
    else:
        house.broker.stop()
    house.start_broker()
    house.wait_for_broker(PATIENCE_S)
    for name, node in house.nodes.items():
        if node.alive():
            house.wait_for_node(name, PATIENCE_S)


def verified(house, *more):
    """`vedomo audit verify` over everything; gives what it counted."""
    inside = house.run(["audit", "verify", "--home", house.home, "--json", *more], timeout=PATIENCE_S).json
    equal((inside["whole"], inside["finding_count"]), (True, 0), str(inside))
    outside = house.run(["audit", "verify", "--json"], profile="officer", timeout=PATIENCE_S).json
    equal(outside["whole"], True, "from outside")
    return inside


@test
def the_log_goes_over_to_a_new_key_and_everybody_follows():
    with Federation(nodes=[ASKER, HOLDER]) as house:
        before = answered(house)
        receipt = before["receipts"]["decision"]
        first = os.path.join(house.dir, "before.receipt")
        shutil.copy(receipt, first)

        # What nobody may order: another registrar's signature, another key's time, a key that is not at hand.
        vkey = new_log_key(house, 2)
        house.run(["keygen", "--role", "registrar", "--out", "false.key"])
        forged = rotate(house, order(house, "forged.order", vkey, registrar="false.key"), check=False)
        equal(forged.status, 1, "signed by somebody else")
        other = new_log_key(house, 9, folder=".")
        missing = rotate(house, order(house, "missing.order", other), check=False)
        equal(missing.status, 1)
        true("does not hold the new key" in missing.err, missing.err)
        wrong = rotate(house, order(house, "wrong.order", vkey, old=other), check=False)
        true(wrong.status == 1 and "another key than the one that signs now" in wrong.err, wrong.err)
        equal(lines(house), 1)

        # One node is away when it happens.
        house.nodes[HOLDER].stop()
        good = order(house, "good.order", vkey, until=in_time(25))
        equal(rotate(house, good).status, 0)
        until(lambda: lines(house) == 2, "both sign what is published", PATIENCE_S)
        until(lambda: "log.key-followed" in house.nodes[ASKER].log_tail(400), "a connected node follows", PATIENCE_S)
        again = rotate(house, good, check=False)
        true(again.status == 1 and "already" in again.err, "a replayed order: " + again.err)
        house.start_node(HOLDER)
        house.wait_for_node(HOLDER, PATIENCE_S)
        until(lambda: "log.key-followed" in house.nodes[HOLDER].log_tail(400), "the one that was away", PATIENCE_S)
        answered(house)
        house.nodes[HOLDER].stop()

        # The state is in the log: a start after a kill signs with both, and needs both.
        restart(house, kill=True)
        until(lambda: lines(house) == 2, "both sign after the start", PATIENCE_S)
        shown = house.run(["log", "vkey", "--home", house.home, "--json"]).json
        equal((shown["vkey"], [k["vkey"] for k in shown["keys"]]), (vkey, [vkey, house.vkey]))

        # A profile that hears of it only now, from the pinned key on; then the old key's time is over.
        house.run(["audit", "verify", "--json"], profile="auditor", check=False)
        until(lambda: lines(house) == 1, "the new one signs alone", PATIENCE_S)
        os.unlink(os.path.join(house.home, "keys", "log.key"))
        restart(house)
        equal(lines(house), 1)
        # This node was away: it knows the pinned key and the one that it followed to.
        house.start_node(HOLDER)
        house.wait_for_node(HOLDER, PATIENCE_S)
        document = answered(house)

        # A node that has lost what it kept starts from the pinned key, long after.
        house.nodes[ASKER].stop()
        for name in ("checkpoint", "checkpoint.keys"):
            os.unlink(os.path.join(house.dir, "agencies", ASKER, "state", name))
        house.start_node(ASKER)
        house.wait_for_node(ASKER, PATIENCE_S)
        answered(house)

        verified(house)
        # Receipts: of the time before by the old key, of now by the new one, all by the two together.
        late = document["receipts"]["decision"]
        for file, keys, good in ((first, house.vkey, True), (first, vkey, False), (late, vkey, True),
                                 (late, house.vkey, False), (first, house.vkey + " " + vkey, True),
                                 (late, house.vkey + " " + vkey, True)):
            equal(house.run(["audit", "verify-receipt", file, "--vkey", keys], check=False).status == 0, good,
                  "%s by %s" % (os.path.basename(file), keys))
        house.run(["log", "export", "tiles", "--home", house.home])
        house.run(["log", "export", "tiles"], profile="officer")


@test
def a_broker_that_signs_with_a_key_of_its_own_is_not_believed():
    with Federation(nodes=[ASKER]) as house:
        # Its owner swaps the key and makes the store agree: no order, no entry.
        house.broker.stop()
        new_log_key(house, 2, folder=".")
        os.replace(os.path.join(house.dir, "log-2.key"), os.path.join(house.home, "keys", "log.key"))
        house.start_broker()
        until(lambda: house.broker.popen.poll() is not None, "it does not start with another key", PATIENCE_S)
        true("its key is another than configured" in house.broker.log_tail(20), house.broker.log_tail(5))
        house.broker.popen.returncode = 0  # as this test wants it
        # A new log under the old name, with a key that nobody ordered.
        for name in ("log", "views"):
            shutil.rmtree(os.path.join(house.home, name))
        os.unlink(os.path.join(house.home, "log.published"))
        house.start_broker()
        until(lambda: house.broker.log_tail(200).count("broker.serves") == 2, "the other log is served", PATIENCE_S)
        until(lambda: "no known key has signed it" in house.nodes[ASKER].log_tail(200)
              or "broker.lost" in house.nodes[ASKER].log_tail(200), "the node refuses", PATIENCE_S)
        status, document = house.call(ASKER, "GET", "/v1/status")
        true(status != 200 or not document.get("connected", False), "it does not go on: %s" % document)


CERTIFICATE, OPINION = "health.driver-certificate", "health.psychiatry-opinion"
CLINIC, PSYCHIATRY = "clinic-2", "psychiatry"


def given(house, dataset, field):
    status, document = house.ask(house.consent_question(dataset, [field]))
    return status == 200 and any(value["name"] == field for value in document.get("values", []))


def each_second(house):
    with open(os.path.join(house.home, "vedomod.yaml"), "a", encoding="utf-8") as file:
        file.write("audit:\n  epoch: 1 s\n")


def list_of(house, subject=ANNA):
    """The citizen's own list: the places of its entries in the log."""
    session = house.session(subject)
    rows = house.run(["audit", "list", "--session", session, "--limit", "500", "--json"], profile="desk-7").json["entries"]
    return {row["index"] for row in rows}


def committed(house):
    """Waits until an epoch counts the whole list of the citizen, and it is proven."""
    session = house.session()

    def whole():
        found = house.run(["audit", "verify", "--json", "--session", session], profile="desk-7", check=False)
        return found.json if found.status == 0 and found.json["not_yet_committed"] == 0 else None
    return until(whole, "an epoch counts the whole list", PATIENCE_S)


def refuses_to_start(house, words):
    house.start_broker()
    until(lambda: house.broker.popen.poll() is not None, "it does not start", PATIENCE_S)
    true(words in house.broker.log_tail(20), house.broker.log_tail(5))
    house.broker.popen.returncode = 0  # as the test wants it


@test
def a_new_key_of_tags_changes_nobodys_list_consent_or_budget():
    with Federation(nodes=[ASKER, CLINIC, PSYCHIATRY, HOLDER], before=each_second) as house:
        house.grant(CERTIFICATE)  # three uses
        true(given(house, CERTIFICATE, "fit") and given(house, CERTIFICATE, "fit"), "consented, two of three uses")
        withdrawn, session = house.grant(OPINION)
        true(given(house, OPINION, "no_objection"), "consented")
        house.change_consent("withdraw", withdrawn, session)
        answered(house)
        before = list_of(house)
        committed(house)

        house.nodes[HOLDER].stop()  # away for the rotation
        house.broker.popen.kill()
        house.broker.popen.wait()
        keys = os.path.join(house.home, "keys")
        house.run(["keygen", "--role", "tag", "--out", os.path.join(keys, "tag-2.key")])
        checked = house.run(["audit", "verify", "--home", house.home, "--json"]).json
        equal(checked["findings"], [], "a key that only lies there changes nothing yet")
        house.start_broker()
        house.wait_for_broker(PATIENCE_S)
        true("subject.key-changed" in house.broker.log_tail(50), house.broker.log_tail(10))
        for kill in (True, False):  # once recorded is enough
            restart(house, kill)
            equal(house.broker.log_tail(1000).count("subject.key-changed"), 1, "once")
        house.start_node(HOLDER)
        for node in (ASKER, CLINIC, PSYCHIATRY, HOLDER):
            house.wait_for_node(node, PATIENCE_S)
            until(lambda n=node: "subject.key-followed" in house.nodes[n].log_tail(400), "%s follows" % node, PATIENCE_S)

        true(given(house, CERTIFICATE, "fit"), "the third use of a consent from before")
        true(not given(house, CERTIFICATE, "fit"), "its uses are not counted anew")
        true(not given(house, OPINION, "no_objection"), "withdrawn stays withdrawn")
        answered(house)
        after = list_of(house)
        true(before and after > before, "one list of old and new entries: %s, then %s" % (before, after))
        true(committed(house)["epoch"], "numbered and linked throughout, as the epoch says")
        equal(verified(house)["forgotten"], 0)
        true("subject.check-differs" not in house.nodes[HOLDER].log_tail(400), "no alarm")
        true("subject.key-unknown" not in house.nodes[HOLDER].log_tail(400), "no alarm")

        # What the log has recorded must be there, and be the same.
        house.broker.stop()
        os.replace(os.path.join(keys, "tag-2.key"), os.path.join(house.dir, "tag-2.key"))
        refuses_to_start(house, "tag-2.key: it is missing")
        house.run(["keygen", "--role", "tag", "--out", os.path.join(keys, "tag-2.key")])
        refuses_to_start(house, "is not the one that entry")
        os.replace(os.path.join(house.dir, "tag-2.key"), os.path.join(keys, "tag-2.key"))
        house.start_broker()
        house.wait_for_broker(PATIENCE_S)
        true(list_of(house) > after, "the list after all that")


@test
def a_new_master_key_opens_everything_and_is_on_record():
    with Federation(nodes=[ASKER, HOLDER]) as house:
        answered(house)
        house.run(["keygen", "--role", "master", "--out", os.path.join(house.home, "keys", "master-next.key")])
        busy = house.run(["keys", "rewrap", house.home], check=False)
        true(busy.status == 1 and "another broker runs" in busy.err, busy.err)
        house.broker.stop()
        refuses_to_start(house, "is not finished")
        true(house.run(["keys", "rewrap", house.home, "--json"]).json["wrapped"] >= 2, "the month's and the lasting one")
        house.start_broker()
        house.wait_for_broker(PATIENCE_S)
        true("master.key-changed" in house.broker.log_tail(50), house.broker.log_tail(10))
        restart(house)
        equal(house.broker.log_tail(1000).count("master.key-changed"), 1, "once")
        for node in (ASKER, HOLDER):
            house.wait_for_node(node, PATIENCE_S)
        answered(house)
        true(verified(house)["bodies"] > 20, "bodies of before and after open")


if __name__ == "__main__":
    main()
