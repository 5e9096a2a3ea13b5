#!/usr/bin/env python3
"""Breaks one rule of the decision at a time and demands that the tests of policy notice. Needs a
build: `mutations/policy.py BUILD_FOLDER`, such as build/release. Exit 1 if a break went unnoticed."""

import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
POLICY = os.path.join(ROOT, "src", "policy")
TESTS = ["test_reference.c", "test_decide.c"]

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
    ("match.c", "has_basis(agreement, request->basis) && has_purpose", "has_purpose"),
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


def compile_tests(build, folder):
    libraries = [os.path.join(build, "src", "libvedomo_%s.a" % name)
                 for name in ("catalogue", "yaml", "base")]
    support = [os.path.join(ROOT, "tests", "support", name) for name in ("test.c", "fault.c")]
    sources = [os.path.join(folder, "policy", name)
               for name in sorted(os.listdir(os.path.join(folder, "policy"))) if name.endswith(".c")]
    for test in TESTS:
        subprocess.run(["cc", "-std=gnu17", "-O1", "-D_GNU_SOURCE", '-DPROJECT_DIR="%s"' % ROOT,
                        "-I", folder, "-I", os.path.join(ROOT, "src"),
                        "-I", os.path.join(ROOT, "tests", "support"), *sources,
                        os.path.join(ROOT, "tests", "unit", "policy", test),
                        *support, *libraries,
                        "-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc", "-lyaml", "-lcmocka", "-lpthread", "-o", os.path.join(folder, test[:-2])],
                       check=True)


def passes(folder):
    return all(subprocess.run([os.path.join(folder, test[:-2])], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode == 0 for test in TESTS)


def attempt(build, change):
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(POLICY, os.path.join(folder, "policy"))
        if change is not None:
            path = os.path.join(folder, "policy", change[0])
            with open(path, encoding="utf-8") as file:
                text = file.read()
            if text.count(change[1]) != 1:
                raise SystemExit("%s: '%s' does not stand there once" % (change[0], change[1]))
            with open(path, "w", encoding="utf-8") as file:
                file.write(text.replace(change[1], change[2]))
        compile_tests(build, folder)
        return passes(folder)


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    build = os.path.abspath(sys.argv[1])
    if not attempt(build, None):
        print("not ok - the tests fail without any break")
        return 1
    unnoticed = [change for change in BREAKS if attempt(build, change)]
    for change in unnoticed:
        print("not ok - unnoticed: %s: '%s' -> '%s'" % change)
    print("%d of %d breaks noticed" % (len(BREAKS) - len(unnoticed), len(BREAKS)))
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
