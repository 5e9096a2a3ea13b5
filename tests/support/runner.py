"""The steps of tests/run, their order, and the counting. Everything that runs prints TAP lines
('ok - name', 'not ok - name'), or is one test by its exit status."""

import concurrent.futures
import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "build")
CORES = max(2, min(8, os.cpu_count() or 2))
# Tests of whole programs wait more than they work.
SIDE_BY_SIDE = CORES + 1
PROGRAMS = ["vedomod", "vedomo", "vedomo-node", "vedomo-portal"]
# Modules whose code runs in several threads: their unit tests run under TSan as well.
THREADED = ("base", "seal", "store", "bus", "sql", "web", "audit", "peer", "broker", "node")
RESULT = re.compile(r"^\s*(not ok|ok)\b[ \d]*-?\s*(.*?)\s*(# SKIP.*)?$", re.IGNORECASE)
SANITIZER = re.compile(r"(ERROR: (?:Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:)")


class Tally:
    """What passed and what did not, by name."""

    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = 0
        self.lock = threading.Lock()

    def say(self, words):
        with self.lock:
            print(words, flush=True)

    def count_build(self, preset, good):
        with self.lock:
            self.passed += good
            self.failed += [] if good else ["build %s" % preset]

    def add(self, name, status, output, seconds):
        """Counts one program's tests; prints what went wrong."""
        good, bad, skip = 0, [], 0
        for line in output.split("\n"):
            match = RESULT.match(line)
            if not match:
                continue
            if match.group(3):
                skip += 1
            elif match.group(1).lower() == "ok":
                good += 1
            else:
                bad.append(match.group(2))
        if status != 0 and not bad:
            bad.append("ended with %s" % describe(status))
        if status == 0 and not good and not bad and not skip:
            good = 1
        with self.lock:
            self.passed += good
            self.skipped += skip
            self.failed += ["%s: %s" % (name, words) for words in bad]
        mark = "ok  " if not bad else "FAIL"
        line = "  %s %-46s %4d tests %7.1f s" % (mark, name, good + len(bad), seconds)
        self.say(line + ("\n" + indent(clip(output)) if bad else ""))


def describe(status):
    if status == -9999:
        return "its time used up"
    return "signal %s" % signal.Signals(-status).name if status < 0 else "exit status %d" % status


def indent(text):
    return "\n".join("      | " + line for line in text.rstrip("\n").split("\n"))


def clip(text, lines=80):
    every = text.rstrip("\n").split("\n")
    wanted = [line for line in every if not re.match(r"^\s*ok\b", line)]
    if len(wanted) > lines:
        wanted = wanted[:lines // 2] + ["… %d lines …" % (len(wanted) - lines)] + wanted[-lines // 2:]
    return "\n".join(wanted)


def last_lines(text, count):
    return clip("\n".join(text.split("\n")[-count:]), count)


def run(command, timeout=900, env=None, cwd=ROOT):
    """(status, output, seconds). The whole process group ends with its time."""
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=cwd,
                               env={**os.environ, **(env or {})}, start_new_session=True)
    try:
        output, _ = process.communicate(timeout=timeout)
        status = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        status = -9999
    return status, output.decode("utf-8", "replace"), time.monotonic() - started


def sanitizer_env(preset):
    if preset == "asan":
        return {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:detect_stack_use_after_return=1",
                "UBSAN_OPTIONS": "print_stacktrace=1"}
    if preset == "tsan":
        return {"TSAN_OPTIONS": "halt_on_error=0:exitcode=66:second_deadlock_stack=1:suppressions="
                                + os.path.join(ROOT, "tests/support/tsan.supp")}
    return {}


class Builder:
    """Builds presets one after another beside the tests: what is waited for first comes first."""

    def __init__(self, tally, presets):
        self.tally = tally
        self.good = {}
        self.done = {preset: threading.Event() for preset in presets}
        self.waiting = queue.SimpleQueue()
        for preset in presets:
            self.waiting.put(preset)
        threading.Thread(target=self._work, daemon=True).start()

    def has(self, preset):
        """Waits until it is built; False: it is not, which is told and counted already."""
        self.done[preset].wait()
        return self.good[preset]

    def rest(self):
        """Waits until nothing is being built."""
        for preset in self.done:
            self.done[preset].wait()

    def _work(self):
        place = 0
        while not self.waiting.empty():
            preset = self.waiting.get()
            started = time.monotonic()
            try:
                status, output = self._build(preset, place > 0)
            except (OSError, subprocess.SubprocessError, ValueError) as error:
                status, output = 1, str(error)
            good = status == 0
            words = "%.0f s" % (time.monotonic() - started) if good else "failed\n" + indent(last_lines(output, 120))
            self.tally.say("  building %-8s … %s" % (preset, words))
            self.tally.count_build(preset, good)
            self.good[preset] = good
            self.done[preset].set()
            place += 1

    @staticmethod
    def _build(preset, beside_tests):
        """(status, output). Beside tests it takes what time they leave. Configured each time: there may be new tests."""
        status, output, _ = run(["cmake", "--preset", preset])
        if status != 0:
            return status, output
        command = ["cmake", "--build", "--preset", preset]
        if preset == "tsan":
            command += ["--target", *PROGRAMS, *threaded_targets()]
        status, output, _ = run(["nice", *command] if beside_tests else command, timeout=1200)
        return status, output


def threaded_targets():
    """What runs under TSan, by the names that tests/CMakeLists.txt gives."""
    return ["unit_" + name.replace("/", "_") for name, _, _ in listed("tsan", "unit") if is_threaded(name)]


def is_threaded(name):
    return name.split("/")[0] in THREADED


def listed(preset, label):
    """The tests that CMake knows under a label: (name, command, timeout)."""
    shown = subprocess.run(["ctest", "--test-dir", os.path.join(BUILD, preset), "--show-only=json-v1",
                            "-L", "^%s$" % label], capture_output=True, text=True, check=True)
    tests = []
    for test in json.loads(shown.stdout)["tests"]:
        properties = {p["name"]: p["value"] for p in test.get("properties", [])}
        tests.append((test["name"], test.get("command", []), properties.get("TIMEOUT", 300)))
    return tests


def run_listed(tally, preset, label, wanted=lambda name: True):
    env = {**sanitizer_env(preset), "CMOCKA_MESSAGE_OUTPUT": "tap"}
    tests = [test for test in listed(preset, label) if wanted(test[0])]
    with concurrent.futures.ThreadPoolExecutor(CORES) as pool:
        jobs = {pool.submit(run, command, timeout, env): name for name, command, timeout in tests}
        for job in concurrent.futures.as_completed(jobs):
            status, output, seconds = job.result()
            if status == 0 and SANITIZER.search(output):
                status = 1
            tally.add(jobs[job], status, output, seconds)


def scripts(folder):
    """Executable tests of a folder; what begins with '_' is not one."""
    path = os.path.join(ROOT, folder)
    names = sorted(os.listdir(path)) if os.path.isdir(path) else []
    return [os.path.join(folder, n) for n in names if n.endswith((".py", ".sh")) and n[0] != "_"
            and os.access(os.path.join(path, n), os.X_OK)]


def step_lint(tally, _):
    status, output, seconds = run(["tests/lint/run"])
    tally.add("lint", status, output, seconds)


def step_build(_, builder):
    builder.rest()


def step_unit(tally, builder):
    if builder.has("asan"):
        run_listed(tally, "asan", "unit")


def step_threads(tally, builder):
    if builder.has("tsan"):
        run_listed(tally, "tsan", "unit", is_threaded)


def step_fuzz(tally, builder):
    if builder.has("asan"):
        run_listed(tally, "asan", "fuzz")


def step_formats(tally, builder):
    """The vectors of the protocol and the public libraries, as an outsider meets them."""
    if builder.has("asan") and builder.has("release"):
        run_listed(tally, "asan", "vectors")
        run_listed(tally, "release", "public")


class Script:
    """A test that runs by itself: a program of tests/mutations, tests/integration or tests/crash."""

    def __init__(self, path, preset, timeout=600, arguments=()):
        self.path = path
        self.name = "crash" if path.endswith("crash/run") else path[len("tests/"):]
        self.preset = preset
        self.timeout = timeout
        self.arguments = arguments
        self.alone = False
        self.size = os.path.getsize(os.path.join(ROOT, path))

    def run(self, builder):
        """None: its build failed."""
        if not builder.has(self.preset):
            return None
        env = {**sanitizer_env(self.preset), "VEDOMO_BUILD": os.path.join(BUILD, self.preset)}
        return run([self.path, *self.arguments], timeout=self.timeout, env=env)


def mutations():
    """Rules that are broken on purpose: the tests must notice each."""
    return [Script(path, "release", 900, [os.path.join(BUILD, "release")]) for path in scripts("tests/mutations")]


def integration():
    """Most tests with the sanitizers' binaries; others say `# build: release`. What compares times that it
    measured says `# alone: why`."""
    found = []
    for path in scripts("tests/integration"):
        with open(os.path.join(ROOT, path), encoding="utf-8") as file:
            head = file.read(2000)
        match = re.search(r"^# build: (\w+)", head, re.MULTILINE)
        script = Script(path, match.group(1) if match else "asan")
        script.alone = re.search(r"^# alone: ", head, re.MULTILINE) is not None
        found.append(script)
    return found


def crash():
    return [Script("tests/crash/run", "release", 900)]


def run_scripts(tally, builder, found):
    """Some at a time, what is built last at the end, long ones first; then one by one those that want the machine
    to themselves."""
    found = sorted(found, key=lambda script: (script.preset == "tsan", -script.size))

    def count(script, result):
        if result is not None:
            tally.add(script.name, *result)

    with concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        jobs = {pool.submit(script.run, builder): script for script in found if not script.alone}
        for job in concurrent.futures.as_completed(jobs):
            count(jobs[job], job.result())
    for script in found:
        if script.alone:
            builder.rest()
            count(script, script.run(builder))


# name -> what it is, the presets that it needs, and a function: one that runs it, or one that gives its scripts,
# which run side by side with those of the steps next to it.
STEPS = {
    "lint": ("lints", [], step_lint),
    "unit": ("unit tests under ASan and UBSan", ["asan"], step_unit),
    "fuzz": ("fuzz seeds and past crashes", ["asan"], step_fuzz),
    "formats": ("protocol vectors, public libraries", ["asan", "release"], step_formats),
    "mutations": ("rules broken on purpose", ["release"], mutations),
    "integration": ("real programs together", ["asan", "release", "tsan"], integration),
    "crash": ("kill -9 under load", ["release"], crash),
    "threads": ("threads under TSan", ["tsan"], step_threads),
    "build": ("gcc, clang, sanitizers", ["asan", "release", "tsan", "clang"], step_build),
}
SCRIPTS = (mutations, integration, crash)
QUICK = ("lint", "unit")


def chosen(arguments):
    if "--list" in arguments:
        for name, (words, _, _) in STEPS.items():
            print("%-12s %s" % (name, words))
        sys.exit(0)
    names = [a for a in arguments if a not in ("--quick", "all")]
    unknown = [name for name in names if name not in STEPS]
    if unknown:
        print("tests/run: no step '%s'; there are: %s" % (unknown[0], " ".join(STEPS)), file=sys.stderr)
        sys.exit(2)
    return names or list(QUICK if "--quick" in arguments else STEPS)


def groups(names):
    """Steps one after another; those of scripts that stand together are one."""
    grouped = []
    for name in names:
        together = STEPS[name][2] in SCRIPTS and grouped and STEPS[grouped[-1][-1]][2] in SCRIPTS
        if together:
            grouped[-1].append(name)
        else:
            grouped.append([name])
    return grouped


def main():
    names = chosen(sys.argv[1:])
    tally = Tally()
    started = time.monotonic()
    grouped = groups(names)
    presets = list(dict.fromkeys(preset for name in names for preset in STEPS[name][1]))
    builder = Builder(tally, presets)
    for place, group in enumerate(grouped, 1):
        tally.say("[%d/%d] %s" % (place, len(grouped), "; ".join("%s: %s" % (name, STEPS[name][0]) for name in group)))
        if STEPS[group[0]][2] in SCRIPTS:
            run_scripts(tally, builder, [script for name in group for script in STEPS[name][2]()])
        else:
            STEPS[group[0]][2](tally, builder)
    builder.rest()
    seconds = time.monotonic() - started
    print()
    for line in tally.failed:
        print("failed: %s" % line)
    if tally.skipped:
        print("skipped, for want of something on this machine: %d" % tally.skipped)
    print("took %d min %02d s" % (seconds // 60, seconds % 60))
    print("%d passed, %d failed" % (tally.passed, len(tally.failed)))
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
