#!/usr/bin/env python3
"""The published log, exported and over HTTP, before an auditor with other tools: tests/public/tilecheck,
written in Go from the C2SP texts on Go's own transparency-log packages, reads every leaf and every tile.
One broker with a log of 66,500 entries (a tree with a full tile of level 1) serves all tests, in order."""

import atexit
import filecmp
import http.client
import os
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))

from harness import BUILD, PATIENCE_S, Federation, build_tilecheck  # noqa: E402
from processes import Process, free_ports  # noqa: E402
from tap import equal, main, test, true, until  # noqa: E402

SIZE = 66500


def open_house():
    house = Federation(policy=False, citizens=20)
    house.__enter__()
    atexit.register(house.finish, True)
    house.broker.stop(60)
    subprocess.run([os.path.join(BUILD, "tests", "growlog"), house.home, str(SIZE)], check=True)
    house.start_broker()
    house.wait_for_broker(PATIENCE_S)
    return house


CHECKER = build_tilecheck()
HOUSE = open_house()
PORT = free_ports(1)[0]
KEPT = {}


def path(*names):
    return os.path.join(HOUSE.dir, *names)


def read(*names):
    with open(path(*names), "rb") as file:
        return file.read()


def write(content, *names):
    with open(path(*names), "wb") as file:
        file.write(content)


def export(folder, *more, who="auditor", expected=0):
    answer = HOUSE.run(["log", "export", path(folder), "--json", *more], profile=who, check=False, timeout=300)
    equal(answer.status, expected, answer.out + answer.err)
    return answer.json if expected == 0 else answer.err


def check(place, *older, vkey=None):
    """(accepted, words) of the independent verifier."""
    done = subprocess.run([CHECKER, vkey or HOUSE.vkey, place, *older], capture_output=True, text=True, timeout=300,
                          check=False)
    return done.returncode == 0, done.stdout + done.stderr


def accepted(place, size, *older):
    good, words = check(place, *older)
    true(good and words.startswith("ok %d " % size), words)


def files(folder):
    return sorted(os.path.relpath(os.path.join(place, name), path(folder))
                  for place, _, names in os.walk(path(folder)) for name in names)


def contents(folder):
    return {name: read(folder, name) for name in files(folder)}


def published():
    return HOUSE.run(["status", "--json"], profile="operator").json["figures"]["log.published"]


def grow():
    """A few entries more, and published."""
    before = published()
    for _ in range(3):
        HOUSE.run(["audit", "list", "--json"], profile="officer")
    return until(lambda: published() if published() >= before + 3 else 0, "the entries are published", PATIENCE_S)


def get(address, method="GET"):
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
    try:
        connection.request(method, address)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def tile(level, number, width=256):
    text = "%03d" % (number % 1000)
    while number >= 1000:
        number //= 1000
        text = "x%03d/%s" % (number % 1000, text)
    return "tile/%s/%s%s" % (level, text, "" if width == 256 else ".p/%d" % width)


@test
def an_auditor_exports_the_log_and_other_tools_accept_all_of_it():
    made = export("log.1")
    true(made["size"] >= SIZE and made["before"] == 0 and made["kept"] == 0, made)
    accepted(path("log.1"), made["size"])
    full = made["size"] // 256
    names = files("log.1")
    equal(len(names), made["written"])
    equal(len([n for n in names if n.startswith("tile/entries/") and ".p/" not in n]), full)
    equal(len([n for n in names if n.startswith("tile/0/") and ".p/" not in n]), full)
    equal([n for n in names if n.startswith("tile/1/") and ".p/" not in n], [tile(1, 0)])
    equal([n for n in names if n.startswith("tile/2/")], [tile(2, 0, 1)])
    true("checkpoint" in names and not [n for n in names if n.startswith(".")], names[:5])
    KEPT["size"] = made["size"]


@test
def a_second_export_changes_nothing_and_a_later_one_only_adds():
    before = contents("log.1")
    again = export("log.1")
    equal((again["written"], again["kept"]), (1, len(before) - 1))
    equal(contents("log.1"), before)
    shutil.copy(path("log.1", "checkpoint"), path("older"))
    size = grow()
    made = export("log.1")
    true(made["size"] >= size and made["before"] == KEPT["size"], made)
    after = contents("log.1")
    equal([n for n in before if n != "checkpoint" and after.get(n) != before[n]], [], "changed or gone")
    accepted(path("log.1"), made["size"], path("older"))
    KEPT["size"] = made["size"]


@test
def an_export_from_the_brokers_folder_is_the_same():
    made = export("log.2", "--home", HOUSE.home)
    if made["size"] == KEPT["size"]:
        for name in files("log.2"):
            true(filecmp.cmp(path("log.1", name), path("log.2", name), shallow=False), name)
    accepted(path("log.2"), made["size"])


@test
def an_export_that_was_killed_is_finished_by_the_next():
    command = [os.path.join(HOUSE.bin, "vedomo"), "log", "export", path("log.3")]
    env = {**os.environ, "VEDOMO_PROFILE": path("people", "auditor", "profile.yaml")}
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL) as running:
        until(lambda: os.path.exists(path("log.3", tile(0, 40))) or running.poll() is not None, "some tiles", 120)
        running.send_signal(signal.SIGKILL)
    true(not os.path.exists(path("log.3", "checkpoint")), "the checkpoint came before the end")
    write(b"half a fi", "log.3", ".new")
    made = export("log.3")
    true(made["kept"] > 40, made)
    accepted(path("log.3"), made["size"])
    true(".new" not in files("log.3"), "a rest is left")


DAMAGED = [tile("entries", 0), tile("entries", 200), tile(0, 0), tile(0, 259 - 1), tile(1, 0), tile(2, 0, 1)]


def partials():
    size = KEPT["size"]
    return [tile("entries", size >> 8, size & 255), tile(0, size >> 8, size & 255),
            tile(1, size >> 16, size >> 8 & 255)]


def refused(name, what):
    good, words = check(path("log.1"))
    true(not good, "%s %s: %s" % (name, what, words))


@test
def other_tools_refuse_every_kind_of_damage():
    for name in [*DAMAGED, *partials(), "checkpoint"]:
        good = read("log.1", name)
        for at in {0, len(good) // 2, len(good) - (2 if name == "checkpoint" else 1)}:
            write(good[:at] + bytes([good[at] ^ 4]) + good[at + 1:], "log.1", name)
            refused(name, "with a flipped bit at %d" % at)
        for length in (0, len(good) // 2, len(good) - 1):
            write(good[:length], "log.1", name)
            refused(name, "cut to %d bytes" % length)
        write(good + good[-40:], "log.1", name)
        refused(name, "with bytes behind it")
        os.unlink(path("log.1", name))
        refused(name, "missing")
        write(good, "log.1", name)
    accepted(path("log.1"), KEPT["size"])
    true(not check(path("log.1"), vkey=HOUSE.vkey.replace("+", "+0", 1))[0], "with another key")


@test
def an_export_refuses_a_damaged_folder_names_the_file_and_replaces_nothing():
    for name in [tile("entries", 200), tile(0, 3), tile(1, 0), tile(2, 0, 1), "checkpoint"]:
        good = read("log.1", name)
        bad = good[:30] + bytes([good[30] ^ 1]) + good[31:]
        write(bad, "log.1", name)
        words = export("log.1", expected=1)
        true(name in words or ("entries" in name and "between numbers 192 and 207" in words), words)
        equal(read("log.1", name), bad)
        write(good[:len(good) // 2], "log.1", name)
        true(name in export("log.1", expected=1), "a cut file")
        os.unlink(path("log.1", name))
        if name != "checkpoint":
            export("log.1")
            equal(read("log.1", name), good)
        else:
            write(good, "log.1", name)
    KEPT["size"] = export("log.1")["size"]
    accepted(path("log.1"), KEPT["size"])


@test
def an_export_refuses_a_log_that_does_not_continue_the_folder():
    os.makedirs(path("log.4"))
    other = path("other-broker")
    done = HOUSE.run(["init", other, "--origin", "vedomo.example/other", "--endpoint", "tcp://127.0.0.1:9", "--registrar",
                      HOUSE.pins["registrar"], "--policy", HOUSE.pins["policy"], "--json"])
    shutil.copy(path("log.1", "checkpoint"), path("log.4", "checkpoint"))
    true(not check(path("log.1"), vkey=done.json["vkey"])[0], "another log's key")
    export("log.4", "--home", HOUSE.home, "--vkey", done.json["vkey"], expected=1)
    equal(files("log.4"), ["checkpoint"])


# --- over HTTP ---

def start_portal():
    HOUSE.write("people/portal/portal.yaml",
                "listen: \"127.0.0.1:%d\"\nidentity: portal.key\nstate: state\nbroker:\n  endpoint: \"%s\"\n"
                "  card: \"%s\"\n  vkey: \"%s\"\nregistrar:\n  threshold: 1\n  keys: [\"%s\"]\n"
                % (PORT, HOUSE.endpoint, HOUSE.broker_card, HOUSE.vkey, HOUSE.pins["registrar"]))
    program = os.path.join(HOUSE.bin, "vedomo-portal")
    KEPT["portal"] = Process(HOUSE.dir, "portal", [program, path("people", "portal", "portal.yaml")]).start()
    atexit.register(KEPT["portal"].stop)


def portal_size():
    try:
        status, _, body = get("/log/checkpoint")
    except OSError:
        true(KEPT["portal"].alive(), KEPT["portal"].log_tail())
        return 0
    return int(body.split(b"\n")[1]) if status == 200 else 0


@test
def the_portal_serves_what_other_tools_accept():
    start_portal()
    size = until(portal_size, "the portal shows a checkpoint", PATIENCE_S)
    true(size >= KEPT["size"], size)
    accepted("http://127.0.0.1:%d/log" % PORT, size, path("older"))
    KEPT["shown"] = size


@test
def its_answers_say_what_they_are_and_how_long_they_keep():
    status, headers, body = get("/log/checkpoint")
    equal((status, headers["Content-Type"], headers["Cache-Control"]),
          (200, "text/plain; charset=utf-8", "public, max-age=2"))
    equal(int(headers["Content-Length"]), len(body))
    for name in (tile(0, 7), tile("entries", 7), tile(2, 0, 1)):
        status, headers, body = get("/log/" + name)
        equal((status, headers["Content-Type"], headers["Cache-Control"]),
              (200, "application/octet-stream", "public, max-age=31536000, immutable"))
        equal(body, read("log.1", name), name)
        status, headers, none = get("/log/" + name, "HEAD")
        equal((status, int(headers["Content-Length"]), none), (200, len(body), b""))
    status, headers, _ = get("/log/checkpoint", "POST")
    equal((status, headers["Allow"]), (405, "GET, HEAD"))


@test
def partial_tiles_of_older_checkpoints_stay():
    size = int(read("older").split(b"\n")[1])
    for name in (tile("entries", size >> 8, size & 255), tile(0, size >> 8, size & 255),
                 tile("entries", 5, 17), tile(0, 5, 17), tile(1, 0, 3)):
        status, _, body = get("/log/" + name)
        equal(status, 200, name)
        whole = name.split(".p/")[0]
        if name != whole and os.path.exists(path("log.1", whole)):
            true(read("log.1", whole).startswith(body), name)


@test
def nothing_else_is_served_and_nothing_is_redirected():
    size = until(portal_size, "a checkpoint")
    beyond = size + 4096  # what is recorded meanwhile does not reach so far
    for name in ("", "tile", "tile/", "tile/0", "tile/0/", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/0/x000/000",
                 "tile/0/000/", "tile/0/000.p", "tile/0/000.p/", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01",
                 "tile/0/000.p/+1", "tile/00/000", "tile/8/000", "tile/64/000", "tile/-1/000", "tile/x/000",
                 "tile/entries/", "tile/entries/000.p/256", "tile/entries/0", "tile/data/000", "checkpoint/", "Checkpoint",
                 "../checkpoint", "tile/0/001/../000", tile(0, beyond >> 8), tile("entries", beyond >> 8),
                 tile(0, beyond >> 8, 1), tile(1, 1), tile(2, 0), tile(2, 0, 2), tile(3, 0, 1), tile(7, 0, 1),
                 "tile/0/" + "x999/" * 6 + "999", "tile/0/" + "x999/" * 40 + "999"):
        status, headers, _ = get("/log/" + name)
        equal((status, headers.get("Location"), headers["Cache-Control"]), (404, None, "no-store"), name)
    for address in ("/", "/log", "/log/", "/logs/checkpoint", "/checkpoint", "//log/checkpoint"):
        status, headers, _ = get(address)
        equal((status, headers.get("Location")), (404, None), address)


@test
def the_portal_follows_the_log():
    grown = grow()
    size = until(lambda: portal_size() if portal_size() >= grown else 0, "the new checkpoint", PATIENCE_S)
    accepted("http://127.0.0.1:%d/log" % PORT, size, path("older"), path("log.1", "checkpoint"))


@test
def without_the_broker_it_shows_what_it_has_and_comes_back_with_it():
    checkpoint = get("/log/checkpoint")[2]
    kept = get("/log/" + tile(0, 9))[2]
    HOUSE.broker.stop(60)
    until(lambda: "broker.lost" in KEPT["portal"].log_tail(50), "the portal knows", PATIENCE_S)
    equal(get("/log/checkpoint")[2], checkpoint)
    equal(get("/log/" + tile(0, 9))[2], kept)
    HOUSE.start_broker()
    HOUSE.wait_for_broker(PATIENCE_S)
    size = int(checkpoint.split(b"\n")[1])
    now = until(lambda: portal_size() if portal_size() > size else 0, "the restart's entry", PATIENCE_S)
    accepted("http://127.0.0.1:%d/log" % PORT, now)


@test
def a_portal_keeps_to_the_log_that_it_knows():
    equal(KEPT["portal"].stop(), 0)
    before = read("people", "portal", "state", "checkpoint")
    log_end = len(KEPT["portal"].log_tail(100000))
    HOUSE.broker.stop(60)
    shutil.move(path("broker", "log"), path("true-log"))
    for name in ("log.published", "views"):
        shutil.move(path("broker", name), path("true-" + name))
    shutil.copy(path("people", "portal", "portal.card"), path("broker", "cards"))
    HOUSE.start_broker()  # a new log under the same key: a fork
    start_portal()
    until(lambda: "log.forked" in KEPT["portal"].log_tail(100000)[log_end:] or not HOUSE.broker.alive(),
          "portal or broker stops", PATIENCE_S)
    equal(portal_size(), 0, "a forked log is shown")
    true(KEPT["portal"].alive(), "the portal ended")
    equal(read("people", "portal", "state", "checkpoint"), before)
    HOUSE.broker.kill()
    HOUSE.broker.popen.wait()
    HOUSE.broker = None
    equal(KEPT["portal"].stop(), 0)


main()
