#!/usr/bin/env python3
"""Each lint is shown a bad sample, and must find it; and a good one, and must be quiet."""

import os
import sys
import tempfile

sys.dont_write_bytecode = True

import append_only  # noqa: E402
import layers  # noqa: E402
import links  # noqa: E402
import protos  # noqa: E402
import scripts  # noqa: E402
import settings  # noqa: E402
import style  # noqa: E402

GOOD = {
    "src/base/good.h": "// What it is for.\n#pragma once\n",
    "src/proof/good.c": '// What it is for.\n#include "base/good.h"\n#include "seal/hash.h"\n',
    "src/bus/seed.c": "// What it is for.\n#include <zmq.h>\nvoid f(void)\n{\n    srand(1);\n}\n",
    "src/node/good.c": '// strcpy(a, b) in words; "system(" in a string.\nconst char *s = "system(1)";\n',
    "src/sql/good.c": '// A.\nvoid f(void)\n{\n    sqlite3_exec(db, "PRAGMA x", 0, 0, 0);\n}\n',
    "src/web/inside.h": "// Inside of the door.\n#pragma once\nstruct MHD_Response;\n",
    "src/policy/long.c": "// For a table.\n// Length: the table is one thing.\n" + "int a;\n" * 700,
    "proto/good.proto": "// A.\nmessage A {\n  // B.\n  uint32 b = 1;\n  bytes c = 2; // C.\n}\n",
    "docs/good.md": "[here](good.md#top) `src/base/good.h` [there](https://example.org)\n",
    "tests/good.sh": "#!/usr/bin/env bash\ntrue\n",
}

# Settings of the broker, of which each program's code must read each.
CONFIG = """// A.
struct config_vedomod {
    const char *origin; // the name
    struct {
        uint64_t workers; // threads
    } threads;
    struct config_pins policy;
};
"""
READS = """// A.
void f(const struct config_vedomod *settings)
{
    use(settings->origin, broker->home.settings->threads.workers, &settings->policy);
}
"""

# lint, file, its text, what the lint must say.
BAD = [
    (layers, "src/base/a.c", '// A.\n#include "seal/hash.h"\n', "base may not include"),
    (layers, "src/seal/a.c", '// A.\n#include "wire/wire.h"\n', "seal may not include"),
    (layers, "src/proof/a.c", '// A.\n#include "seal/box.h"\n', "proof may not include"),
    (layers, "src/policy/a.c", '// A.\n#include "seal/hash.h"\n', "policy may not include"),
    (layers, "src/policy/b.c", "// A.\nvoid f(void)\n{\n    malloc(1);\n}\n", "policy is pure"),
    (layers, "src/broker/a.c", '// A.\n#include "node/node.h"\n', "broker may not include"),
    (layers, "src/node/a.c", '// A.\n#include "cmd/vedomo/x.h"\n', "node may not include"),
    (layers, "src/audit/a.c", "// A.\n#include <lmdb.h>\n", "outside its door"),
    (layers, "src/store/a.h", "// A.\n#pragma once\n#include <lmdb.h>\n", "a header includes"),
    (layers, "src/store/b.h", "// A.\n#pragma once\nstruct x {\n    MDB_env *env;\n};\n", "names 'MDB_env'"),
    (layers, "src/bus/b.h", "// A.\n#pragma once\nint f(zmq_msg_t *m);\n", "names 'zmq_msg_t'"),
    (layers, "src/web/b.h", "// A.\n#pragma once\njson_t *f(void);\n", "names 'json_t'"),
    (layers, "src/node/b.c", "// A.\nvoid f(void)\n{\n    pthread_mutex_lock(&m);\n}\n", "outside base and bus"),
    (layers, "src/utils/b.c", "// A.\n", "not in the table"),
    (layers, "src/node/c.c", '// A.\n#include "other.h"\n', "rooted at src/"),
    (layers, "src/node/d.c", {"src/web/d.h": "// Inside of the door.\n#pragma once\nstruct MHD_Response;\n",
                              "src/node/d.c": '// A.\n#include "web/d.h"\n'}, "inside of another"),
    (layers, "include/vedomo/x.h", '// A.\n#pragma once\n#include "base/bytes.h"\n', "includes an internal"),
    (style, "src/node/a.c", "// A.\nvoid f(void)\n{\n    strcpy(a, b);\n}\n", "'strcpy'"),
    (style, "src/node/b.c", "// A.\nvoid f(void)\n{\n    x = rand();\n}\n", "'rand'"),
    (style, "src/node/c.c", "// A.\nvoid f(void)\n{\n    srand(1);\n}\n", "'srand'"),
    (style, "src/node/d.c", "// A.\nvoid f(void)\n{\n" + "    a();\n" * 61 + "}\n", "f has 61 lines"),
    (style, "src/node/e.c", "// A.\n" + "int a;\n" * 600, "601 lines, at most 600"),
    (style, "src/node/f.h", "// A.\n#pragma once\n" + "int a;\n" * 199, "201 lines, at most 200"),
    (style, "src/node/g.h", "// A.\n", "no #pragma once"),
    (style, "src/node/h.c", "#include <stdio.h>\n", "does not open with"),
    (style, "src/node/i.c", "// A. TODO: the rest\n", "unfinished"),
    (style, "src/node/j.c", "// As asked for in issue 12.\n", "does not belong here"),
    (style, "docs/k.md", "see /home/someone/notes\n", "does not belong here"),
    (style, "src/sql/l.c", "// A.\nvoid f(void)\n{\n    sqlite3_exec(db, text, 0, 0, 0);\n}\n", "SQL as text"),
    (style, "src/audit/journal.c", "// A.\nvoid f(void)\n{\n    store_remove(t, k);\n}\n", "only appends"),
    (style, "src/audit/journal_x.c", "// A.\nvoid f(void)\n{\n    store_put(t, &j->entry, k, v);\n}\n", "only appends"),
    (append_only, "src/audit/tiles.c", "// A.\nvoid f(void)\n{\n    store_put(t, 1, k, v);\n}\n", "outside the views"),
    (append_only, "src/broker/a.c", "// A.\nvoid f(void)\n{\n    store_remove(t, 1, k);\n}\n", "outside the views"),
    (append_only, "src/audit/views.c", "// A.\nint a = AUDIT_JOURNAL_ENTRY;\n", "of the journal"),
    (append_only, "src/broker/b.c", "// A.\nconst char *a = AUDIT_JOURNAL_FOLDER;\n", "open the log's"),
    (append_only, "src/audit/verify.c", "// A.\nvoid f(void)\n{\n    store_begin_write(s);\n}\n", "writes nothing"),
    (links, "docs/a.md", "see [this](gone.md)\n", "points at 'gone.md'"),
    (links, "docs/b.md", "see `src/gone.c`\n", "names 'src/gone.c'"),
    (links, "docs/c.md", {"docs/c.md": "unit/base: it_works, it_fails\n", "tests/unit/base/test_a.c": "TEST(it_works)\n"},
     "the test 'it_fails'"),
    (links, "docs/d.md", "integration/a.py: it_works\n", "the test 'it_works'"),
    (protos, "proto/a.proto", "message A {\n  uint32 b = 1;\n}\n", "field 'b' has no comment"),
    (protos, "proto/b.proto", "message A {\n  // B.\n  uint32 b = 1;\n  // C.\n  bytes c = 1;\n}\n", "stands twice"),
    (settings, "src/broker/a.c", {"src/config/config.h": CONFIG, "src/broker/a.c": READS.replace("settings->origin, ", "")},
     "reads 'origin' of config_vedomod"),
    (settings, "src/broker/b.c", {"src/config/config.h": CONFIG, "src/broker/b.c": READS.replace("threads.w", "w")},
     "reads 'threads.workers'"),
    (settings, "src/broker/c.c", {"src/config/config.h": CONFIG, "src/config/c.c": READS}, "reads 'policy'"),
    (settings, "src/broker/d.c", {"src/config/config.h": CONFIG,
                                  "src/broker/d.c": READS.replace("&settings->policy", "0); // settings->policy")},
     "reads 'policy'"),
    (settings, "src/broker/e.c", {"src/config/config.h": CONFIG, "src/broker/e.c": READS.replace("->origin", "->policy.origin")},
     "reads 'origin'"),
    (scripts, "deploy/a", "#!/usr/bin/env bash\nif true; then\n", "syntax error"),
    (scripts, "tests/b.py", "def f(:\n", "invalid syntax"),
]


def found(lint, files, executable=True):
    with tempfile.TemporaryDirectory(prefix="vedomo-lint-") as root:
        for path, text in files.items():
            full = os.path.join(root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as file:
                file.write(text)
            if executable:
                os.chmod(full, 0o755)
        return ["%s:%d: %s" % item for item in lint.check(root)]


def main():
    failures = []
    read = {"src/config/config.h": CONFIG, "src/broker/a.c": READS}
    for lint, files in ((layers, GOOD), (links, GOOD), (protos, GOOD), (style, GOOD), (scripts, GOOD),
                        (settings, read)):
        said = found(lint, files)
        if said:
            failures.append("%s complains about good code: %s" % (lint.__name__, said))
    for lint, path, text, words in BAD:
        said = found(lint, text if isinstance(text, dict) else {path: text})
        if not any(words in line for line in said):
            failures.append("%s overlooks %s in %s: said %s" % (lint.__name__, words, path, said))
    if not found(scripts, {"deploy/c": "#!/usr/bin/env bash\ntrue\n"}, executable=False):
        failures.append("scripts overlooks a script that is not executable")
    for line in failures:
        print(line)
    print("lint self-test: %d samples, %d failed" % (len(BAD) + 6, len(failures)))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
