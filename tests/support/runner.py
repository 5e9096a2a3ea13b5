"""The steps of tests/run, their order, and the counting. Everything that runs prints TAP lines
('ok - name', 'not ok - name'), or is one test by its exit status."""

import concurrent.futures
import json
import os
import re
import signal
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "build")
CORES = max(2, min(8, os.cpu_count() or 2))
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
        self.passed += good
        self.skipped += skip
        self.failed += ["%s: %s" % (name, words) for words in bad]
        mark = "ok  " if not bad else "FAIL"
        print("  %s %-46s %4d tests %7.1f s" % (mark, name, good + len(bad), seconds), flush=True)
        if bad:
            print(indent(clip(output)), flush=True)
        return not bad


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


def build(tally, preset):
    """Configures and builds one preset, with a line when it is done."""
    started = time.monotonic()
    sys.stdout.write("  building %-8s … " % preset)
    sys.stdout.flush()
    commands = [["cmake", "--build", "--preset", preset]]
    if not os.path.exists(os.path.join(BUILD, preset, "build.ninja")):
        commands.insert(0, ["cmake", "--preset", preset])
    for command in commands:
        status, output, _ = run(command, timeout=1200)
        if status != 0:
            print("failed", flush=True)
            print(indent(clip("\n".join(output.split("\n")[-120:]), 120)), flush=True)
            tally.failed.append("build %s" % preset)
            return False
    print("%.0f s" % (time.monotonic() - started), flush=True)
    tally.passed += 1
    return True


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


def step_lint(tally):
    status, output, seconds = run(["tests/lint/run"])
    tally.add("lint", status, output, seconds)


def step_build(tally):
    for preset in ("asan", "clang", "release", "tsan"):
        build(tally, preset)


def step_unit(tally):
    if build(tally, "asan"):
        run_listed(tally, "asan", "unit")


def step_threads(tally):
    if build(tally, "tsan"):
        run_listed(tally, "tsan", "unit", lambda name: name.split("/")[0] in THREADED)


def step_fuzz(tally):
    if build(tally, "asan"):
        run_listed(tally, "asan", "fuzz")


def step_formats(tally):
    """The vectors of the protocol and the public libraries, as an outsider meets them."""
    if build(tally, "asan") and build(tally, "release"):
        run_listed(tally, "asan", "vectors")
        run_listed(tally, "release", "public")


def step_mutations(tally):
    """Rules that are broken on purpose: the tests must notice each."""
    if build(tally, "release"):
        for path in scripts("tests/mutations"):
            status, output, seconds = run([path, os.path.join(BUILD, "release")], timeout=900)
            tally.add(path[len("tests/"):], status, output, seconds)


def step_integration(tally):
    """Most tests with the sanitizers' binaries; those that measure say `# build: release`."""
    if not build(tally, "asan") or not build(tally, "release"):
        return
    for path in scripts("tests/integration"):
        with open(os.path.join(ROOT, path), encoding="utf-8") as file:
            head = file.read(2000)
        match = re.search(r"^# build: (\w+)", head, re.MULTILINE)
        preset = match.group(1) if match else "asan"
        if preset == "tsan" and not build(tally, "tsan"):
            continue
        env = {**sanitizer_env(preset), "VEDOMO_BUILD": os.path.join(BUILD, preset)}
        status, output, seconds = run([path], timeout=600, env=env)
        tally.add(path[len("tests/"):], status, output, seconds)


def step_crash(tally):
    path = os.path.join(ROOT, "tests/crash/run")
    if os.path.exists(path) and build(tally, "release"):
        status, output, seconds = run([path], timeout=900)
        tally.add("crash", status, output, seconds)


STEPS = {
    "lint": ("lints", step_lint),
    "build": ("gcc, clang, sanitizers", step_build),
    "unit": ("unit tests under ASan and UBSan", step_unit),
    "threads": ("threads under TSan", step_threads),
    "fuzz": ("fuzz seeds and past crashes", step_fuzz),
    "formats": ("protocol vectors, public libraries", step_formats),
    "mutations": ("rules broken on purpose", step_mutations),
    "integration": ("real programs together", step_integration),
    "crash": ("kill -9 under load", step_crash),
}
QUICK = ("lint", "unit")


def chosen(arguments):
    if "--list" in arguments:
        for name, (words, _) in STEPS.items():
            print("%-12s %s" % (name, words))
        sys.exit(0)
    names = [a for a in arguments if a not in ("--quick", "all")]
    unknown = [name for name in names if name not in STEPS]
    if unknown:
        print("tests/run: no step '%s'; there are: %s" % (unknown[0], " ".join(STEPS)), file=sys.stderr)
        sys.exit(2)
    return names or list(QUICK if "--quick" in arguments else STEPS)


def main():
    names = chosen(sys.argv[1:])
    tally = Tally()
    started = time.monotonic()
    for place, name in enumerate(names, 1):
        words, step = STEPS[name]
        print("[%d/%d] %s: %s" % (place, len(names), name, words), flush=True)
        step(tally)
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
