"""Tests written in Python: each is a function whose name is a sentence, collected by @test.

    @test
    def a_refused_value_is_in_no_file_of_the_broker(): ...

    main()

Prints TAP lines; what a failing test raised stands below its line.
"""

import sys
import time
import traceback

_TESTS = []


class Skip(Exception):
    """This machine lacks what the test needs; the text says what."""



def test(function):
    _TESTS.append(function)
    return function


def equal(got, expected, what=""):
    if got != expected:
        raise AssertionError("%s: got %r, expected %r" % (what or "value", got, expected))


def true(condition, what):
    if not condition:
        raise AssertionError(what)


def until(condition, what, seconds=10.0):
    """Polls a state until it holds; gives what the condition gave."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError("not within %.0f s: %s" % (seconds, what))
        time.sleep(0.02)


def main(wanted=None):
    """Runs all tests, or those named on the command line; what begins with -- is an option of the file's own."""
    names = wanted or [name for name in sys.argv[1:] if not name.startswith("--")]
    unknown = set(names) - {t.__name__ for t in _TESTS}
    if unknown:
        sys.exit("no such test: %s" % ", ".join(sorted(unknown)))
    failed = 0
    chosen = [t for t in _TESTS if not names or t.__name__ in names]
    print("1..%d" % len(chosen), flush=True)
    for number, function in enumerate(chosen, 1):
        try:
            function()
            print("ok %d - %s" % (number, function.__name__), flush=True)
        except Skip as reason:
            print("ok %d - %s # SKIP %s" % (number, function.__name__, reason), flush=True)
        except Exception:  # a test may fail in any way
            failed += 1
            print("not ok %d - %s" % (number, function.__name__), flush=True)
            print("    " + traceback.format_exc().rstrip().replace("\n", "\n    "), flush=True)
    sys.exit(1 if failed or not chosen else 0)
