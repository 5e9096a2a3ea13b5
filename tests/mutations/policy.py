#!/usr/bin/env python3
"""Breaks one rule of the decision at a time and demands that the tests of policy notice. Needs a
build: `mutations/policy.py BUILD_FOLDER`, such as build/release. Exit 1 if a break went unnoticed."""

import concurrent.futures
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
POLICY = os.path.join(ROOT, "src", "policy")
TESTS = ["test_reference.c", "test_decide.c"]
SUPPORT = ["test.c", "fault.c"]
CORES = max(2, min(8, os.cpu_count() or 2))

# (file, text that stands there once, what replaces it)
BREAKS = [
    ("decide.c", "input->asker == POLICY_STANDING_ACTIVE && ", ""),
    ("decide.c", "input->key == POLICY_STANDING_ACTIVE", "true"),
    ("decide.c", "match->holder_known ? unmatched", "true ? unmatched"),
    ("decide.c", "decision->over_asked = !listed;", "decision->over_asked = false;"),
    ("decide.c", "agreement->case_required && ", "false && "),
    ("decide.c", "if (!names_article(agreement, request->article))", "if (false)"),
    ("decide.c", ">= POLICY_JUSTIFICATION_MIN", "> POLICY_JUSTIFICATION_MIN"),
    ("decide.c", "counter == NULL || counter->value >= wanted->limit", "counter->value > wanted->limit"),
    ("decide.c", "return lock != NULL &&", "return lock == NULL ||"),
    ("decide.c", "if (nothing && field->verdict == POLICY_PERMIT)", "if (false)"),
    ("decide.c", "catalogue_asker_reason(input->catalogue, field->reason)", "field->reason"),
    ("decide.c", "over_given_before(decision, candidates, i)", "false"),
    ("match.c", "if (has_basis(agreement, request->basis) && has_role", "if (has_role"),
    ("match.c", "has_role(agreement, request->official_role)) {", "true) {"),
    ("match.c", "catalogue_form_set_has(&candidate->field->forms, form) &&", "true &&"),
    ("match.c", "catalogue_form_set_covers(candidate->allowed, form) &&", "true &&"),
    ("match.c", "if (exact) {", "if (false) {"),
    ("match.c", "input->now_ms >= end_ms", "input->now_ms > end_ms"),
    ("match.c", "grant->state == CONSENT_PAUSED) {", "false) {"),
    ("match.c", "grant->state == CONSENT_WITHDRAWN) {", "false) {"),
    ("match.c", "grant->spent >= *uses", "grant->spent > *uses"),
    ("match.c", "input->request->automated && !grant->automated", "false"),
    ("match.c", "if (!bytes_equal(grant->purpose, input->request->purpose)) {", "if (false) {"),
    ("match.c", "grant->uses < agreement->consent_uses ? grant->uses : agreement->consent_uses",
     "grant->uses"),
    ("match.c", "bytes_equal(grant->asker, request->asker) &&", "true &&"),
    ("counter.c", "(int64_t)(lock >> 8) > now_ms", "(int64_t)(lock >> 8) >= now_ms"),
]


def compile_one(source, target, folder):
    """One object; quoted includes are looked for in `folder` first."""
    subprocess.run(["cc", "-std=gnu17", "-O1", "-D_GNU_SOURCE", '-DPROJECT_DIR="%s"' % ROOT, "-I", folder,
                    "-I", os.path.join(ROOT, "src"), "-I", os.path.join(ROOT, "tests", "support"),
                    "-c", source, "-o", target], check=True)
    return target


def policy_sources():
    return sorted(name for name in os.listdir(POLICY) if name.endswith(".c"))


def compile_whole(folder):
    """What is compiled once: the tests, and the policy without any break."""
    tests = os.path.join(ROOT, "tests")
    work = [(os.path.join(POLICY, name), name) for name in policy_sources()]
    work += [(os.path.join(tests, "unit", "policy", name), name) for name in TESTS]
    work += [(os.path.join(tests, "support", name), name) for name in SUPPORT]
    with concurrent.futures.ThreadPoolExecutor(CORES) as pool:
        list(pool.map(lambda item: compile_one(item[0], os.path.join(folder, item[1] + ".o"), os.path.join(ROOT, "src")),
                      work))


def notices(build, whole, folder, broken):
    """True when a test fails with the object `broken` (file name, path) in place of the one without a break."""
    policy = [broken[1] if broken and name == broken[0] else os.path.join(whole, name + ".o")
              for name in policy_sources()]
    libraries = [os.path.join(build, "src", "libvedomo_%s.a" % name) for name in ("catalogue", "yaml", "base")]
    for test in TESTS:
        program = os.path.join(folder, test[:-2])
        subprocess.run(["cc", *policy, *[os.path.join(whole, name + ".o") for name in (test, *SUPPORT)], *libraries,
                        "-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc", "-lyaml", "-lcmocka", "-lpthread", "-o", program],
                       check=True)
        if subprocess.run([program], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode != 0:
            return True
    return False


def attempt(build, whole, change):
    """True when the tests notice the change; None is no change."""
    with tempfile.TemporaryDirectory() as folder:
        if change is None:
            return notices(build, whole, folder, None)
        with open(os.path.join(POLICY, change[0]), encoding="utf-8") as file:
            text = file.read()
        if text.count(change[1]) != 1:
            raise SystemExit("%s: '%s' does not stand there once" % (change[0], change[1]))
        source = os.path.join(folder, change[0])
        with open(source, "w", encoding="utf-8") as file:
            file.write(text.replace(change[1], change[2]))
        return notices(build, whole, folder, (change[0], compile_one(source, source + ".o", os.path.join(ROOT, "src"))))


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    build = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as whole, concurrent.futures.ThreadPoolExecutor(CORES) as pool:
        compile_whole(whole)
        if attempt(build, whole, None):
            print("not ok - the tests fail without any break")
            return 1
        noticed = list(pool.map(lambda change: attempt(build, whole, change), BREAKS))
    unnoticed = [change for change, seen in zip(BREAKS, noticed) if not seen]
    for change in unnoticed:
        print("not ok - unnoticed: %s: '%s' -> '%s'" % change)
    print("%d of %d breaks noticed" % (len(BREAKS) - len(unnoticed), len(BREAKS)))
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
