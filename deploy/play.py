#!/usr/bin/env python3
"""Builds, sets the small federation up, plays the story in it, checks each expectation. Called by
deploy/up. Exit status 0 only if everything that it says held."""

import argparse
import os
import re
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True

import house as houses  # noqa: E402
import processes  # noqa: E402
from scenes import Story  # noqa: E402
from screen import Screen  # noqa: E402
from texts import text  # noqa: E402

PROGRAMS = ["vedomod", "vedomo-node", "vedomo-portal", "vedomo"]


class Stopped(Exception):
    """Somebody pressed Ctrl-C, or a service manager asked us to end."""


def build(screen, lang):
    """The release build, with progress as ninja tells it."""
    screen.start(text(lang, "build"))
    commands = [["cmake", "--build", "--preset", "release", "--target", *PROGRAMS]]
    if not os.path.exists(os.path.join(houses.ROOT, "build", "release", "build.ninja")):
        commands.insert(0, ["cmake", "--preset", "release"])
    for command in commands:
        process = subprocess.Popen(command, cwd=houses.ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        said = []
        for line in process.stdout:
            said.append(line)
            match = re.match(r"\[(\d+)/(\d+)\]", line)
            if match:
                screen.progress(int(match.group(1)), int(match.group(2)))
        if process.wait() != 0:
            screen.failed("".join(said[-40:]))
            return False
    screen.done(text(lang, "build_ready"))
    return True


def prepare(screen, house, lang):
    """Everything that stands before the story begins."""
    screen.start(text(lang, "registers"))
    house.make_registers()
    screen.done(text(lang, "registers_ready", **house.count_registers()))

    screen.start(text(lang, "keys"))
    house.make_authorities()
    house.summarise_every("2 s")
    house.make_witnesses()
    house.make_members()
    screen.done(text(lang, "keys_ready", keys=house.keys, cards=house.cards))

    screen.start(text(lang, "witnesses"))
    for name in house.witness_ports:
        house.start_witness(name)
    screen.done(text(lang, "witnesses_ready", count=len(house.witnesses)))

    screen.start(text(lang, "broker"))
    house.start_broker()
    house.wait_for_broker()
    house.enrol()
    screen.done(text(lang, "broker_ready", endpoint=house.endpoint, origin=houses.ORIGIN))

    screen.start(text(lang, "policy"))
    counted = house.apply_policy()
    screen.done(text(lang, "policy_ready", datasets=counted["datasets"], agreements=counted["agreements"]))

    screen.start(text(lang, "nodes"))
    house.start_nodes()
    screen.done(text(lang, "nodes_ready", count=len(house.nodes)))
    house.write_env(lang)


def verdict(screen, lang):
    screen.line()
    if screen.broken:
        screen.line("  " + screen.red(text(lang, "broken", broken=len(screen.broken),
                                           all=screen.held + len(screen.broken))))
        for words in screen.broken:
            screen.line("    - " + words)
        return False
    screen.line("  " + screen.green("✓ " + text(lang, "held", held=screen.held)))
    return True


def wait_for_the_end():
    while True:
        time.sleep(3600)


def on_signal(_number, _frame):
    raise Stopped()


def play(screen, options, house, lang):
    screen.title(text(lang, "title"), text(lang, "invented"))
    if not build(screen, lang):
        return False
    house.clear()
    try:
        prepare(screen, house, lang)
        Story(screen, house, lang).play()
    except BrokenPipeError:
        raise
    except (houses.Failed, subprocess.TimeoutExpired, OSError) as error:
        if screen.pending():
            screen.failed(str(error))
        screen.expect(False, str(error))
        for words in house.last_words():
            screen.line(words)
    return verdict(screen, lang)


def stay(screen, options, house, lang):
    where = "" if options.dir == options.default_dir else " --dir " + options.dir
    env = os.path.join(options.dir, "demo.env")
    if options.mode == "detach":
        screen.line("  " + text(lang, "detached", env=env, dir=where))
        return
    screen.line("  " + text(lang, "stay", env=env))
    wait_for_the_end()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mode", choices=["stay", "once", "detach"], required=True)
    parser.add_argument("--dir", required=True)
    parser.add_argument("--port-base", type=int, default=0)
    parser.add_argument("--lang", choices=["ru", "en"], required=True)
    options = parser.parse_args()
    options.default_dir = os.path.join(houses.ROOT, "build", "demo")
    lang = options.lang
    screen = Screen()
    running = processes.recorded(options.dir)
    if running:
        option = "" if options.dir == options.default_dir else " --dir " + options.dir
        print(text(lang, "running", dir=options.dir, names=", ".join(n for n, _ in running), option=option),
              file=sys.stderr)
        return 1
    ports = None
    if options.port_base:
        ports = list(range(options.port_base, options.port_base + houses.PORTS))
    house = houses.House(options.dir, ports=ports, language=lang)
    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    good = False
    leave = False
    try:
        good = play(screen, options, house, lang)
        leave = options.mode == "detach" and good
        if options.mode != "once" and good:
            stay(screen, options, house, lang)
    except houses.Foreign:
        print(text(lang, "foreign", dir=options.dir), file=sys.stderr)
    except BrokenPipeError:
        # Nobody reads on: end quietly, and let the interpreter's own last flush go nowhere.
        good = False
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Stopped:
        screen.line()
    finally:
        if not leave:
            house.stop()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
