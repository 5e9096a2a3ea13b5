#!/usr/bin/env python3
"""Which module may include which, and which library stays behind which door.

The table is the one of docs/architecture.md. Prints one line a violation, `file:line: words`;
exit 1 if there was any. `layers.py [ROOT]`.
"""

import os
import re
import sys

import source

DOORS = ["seal", "wire", "store", "bus", "web", "yaml", "sql", "oidc"]
SUBJECTS = ["proof", "peer", "registry", "catalogue", "consent", "policy", "audit", "config"]
INSIDES = ["broker", "node", "portal", "witness"]

# module -> what it may include: a module ("seal") or single headers ("seal/hash.h").
MAY = {"base": set()}
for _door in DOORS:
    MAY[_door] = {"base"}
MAY["proof"] = {"base", "seal/hash.h", "seal/sign.h"}
MAY["policy"] = {"base", "consent/grant.h", "catalogue"}
MAY["catalogue"] = {"base", *DOORS}
MAY["consent"] = {"base", *DOORS, "catalogue"}
MAY["registry"] = {"base", *DOORS}
MAY["config"] = {"base", *DOORS, "registry/card.h"}
MAY["audit"] = {"base", *DOORS, "proof"}
MAY["peer"] = {"base", *DOORS, "proof"}
for _inside in INSIDES:
    MAY[_inside] = {"base", *DOORS, *SUBJECTS}
MAY["cmd"] = {"base", *DOORS, *SUBJECTS, *INSIDES}

# library header -> the module whose .c files alone may include it.
LIBRARIES = [
    (re.compile(r"^sodium(/|\.h)"), {"seal"}),
    (re.compile(r"^openssl/"), {"seal"}),
    (re.compile(r"^protobuf-c/|\.pb-c\.h$"), set()),
    (re.compile(r"^lmdb\.h$"), {"store"}),
    (re.compile(r"^zmq"), {"bus"}),
    (re.compile(r"^(microhttpd\.h|curl/|jansson)"), {"web"}),
    (re.compile(r"^yaml\.h$"), {"yaml"}),
    (re.compile(r"^(sqlite3\.h|libpq-fe\.h|postgresql/)"), {"sql"}),
    (re.compile(r"^cjose/"), {"oidc"}),
]

# Names that a header may not speak of.
FOREIGN = re.compile(
    r"\b(?:MDB_\w+|mdb_\w+|zmq_\w+|ZMQ_\w+|crypto_(?:sign|box|secretbox|aead|kdf|generichash|scalarmult"
    r"|hash|auth|pwhash|core)\w*|sodium_\w+|randombytes\w*|EVP_\w+|SHA256_\w+|Protobuf[A-Z]\w*"
    r"|protobuf_c_\w+|Vedomo__V1__\w+|vedomo__v1__\w+|MHD_\w+|CURL[A-Z]*\b|CURL\w*_\w+|curl_\w+|json_t"
    r"|json_(?:object|array|string)_\w+|json_(?:load|dump|incref|decref|pack|unpack|is_)\w*"
    r"|yaml_\w+_t|yaml_parser_\w+|sqlite3\w*|PGconn|PGresult|PQ[a-z]\w+|cjose_\w+)\b")

# A header that opens so is for its own module's .c files; it may lay out the library's things.
INTERNAL = "// Inside of"

_INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')

# Where a lock may be taken.
LOCKS = re.compile(r"\bpthread_(?:mutex|cond|rwlock|spin|barrier)_\w+\b")
LOCKING = {"base", "bus"}

# What a module that does no I/O and asks no clock may not call.
PURE = {"policy"}
IMPURE = re.compile(r"\b(?:malloc|calloc|realloc|free|fopen|open|read|write|time|clock_\w+|getenv|arena_\w+)\s*\(")


def module_of(path):
    parts = path.split("/")
    return parts[1] if len(parts) > 2 and parts[0] == "src" else None


def allowed(module, included):
    target = included.split("/")[0]
    if target == module:
        # A program's main files do not reach into another program's folder.
        return module != "cmd"
    return target in MAY[module] or included in MAY[module]


def check_include(path, module, bracket, included):
    header = path.endswith(".h")
    for pattern, doors in LIBRARIES:
        if pattern.search(included):
            if header and module is not None:
                return "a header includes <%s>: only a door's .c file may" % included
            if module is not None and module not in doors:
                return "<%s> is included outside its door (%s)" % (included, ", ".join(doors))
            return None
    if bracket == "<":
        return None
    target = included.split("/")[0]
    if included.startswith("vedomo/"):
        return None
    if "/" not in included:
        # Only a program's own private headers are named without a folder.
        return None if module == "cmd" else "'%s': includes are rooted at src/" % included
    if module == "cmd" and target == "cmd":
        own = path.split("/")[2]
        return None if included.split("/")[1] == own else "one program includes another's '%s'" % included
    if target not in MAY:
        return "'%s' is in no known module" % included
    if not allowed(module, included):
        return "%s may not include '%s'" % (module, included)
    return None


def is_internal(root, included):
    full = os.path.join(root, "src", included)
    return os.path.exists(full) and source.text(root, "src/" + included).startswith(INTERNAL)


def check_file(root, path):
    module = module_of(path)
    text = source.text(root, path)
    speaks = path.endswith(".h") and not text.startswith(INTERNAL)
    lines = source.code_only(text).split("\n")
    for number, line in enumerate(lines, 1):
        match = _INCLUDE.match(line)
        if match:
            problem = check_include(path, module, match.group(1), match.group(2))
            if problem:
                yield number, problem
            elif match.group(2).split("/")[0] != module and is_internal(root, match.group(2)):
                yield number, "'%s' is the inside of another module" % match.group(2)
            continue
        if speaks:
            foreign = FOREIGN.search(line)
            if foreign:
                yield number, "a header names '%s' of a library" % foreign.group(0)
        lock = LOCKS.search(line)
        if lock and module not in LOCKING:
            yield number, "'%s' outside %s" % (lock.group(0), " and ".join(sorted(LOCKING)))
        if module in PURE:
            impure = IMPURE.search(line)
            if impure:
                yield number, "%s is pure: no '%s'" % (module, impure.group(0))


def check(root):
    """All violations below `root`, as (path, line, words)."""
    for path in source.files(root, ["src"], (".c", ".h")):
        module = module_of(path)
        if module not in MAY:
            yield path, 1, "module '%s' is not in the table of layers" % module
            continue
        for number, words in check_file(root, path):
            yield path, number, words
    for path in source.files(root, ["include"], (".h",)):
        for number, line in enumerate(source.code_only(source.text(root, path)).split("\n"), 1):
            match = _INCLUDE.match(line)
            if match and match.group(1) == '"' and not match.group(2).startswith("vedomo/"):
                yield path, number, "a public header includes an internal one"
            elif not match and FOREIGN.search(line):
                yield path, number, "a public header names '%s'" % FOREIGN.search(line).group(0)


if __name__ == "__main__":
    sys.exit(source.report(check))
