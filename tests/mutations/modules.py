#!/usr/bin/env python3
"""Breaks one step at a time of what must not go wrong unnoticed (a node's check of what witnesses vouch for, forgetting a
month, replacing a key, merging sorted runs), and demands that the module's unit tests notice. Needs a build with ninja:
`mutations/modules.py BUILD_FOLDER`, such as build/release. Exit 1 if a break went unnoticed."""

import concurrent.futures
import os
import shlex
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# What a test may take without a break, on a busy machine with a slow disk; and with one: a break may keep it from ending.
UNBROKEN_S = 300
BROKEN_TIMES, BROKEN_MORE_S = 4, 20

# unit test, source: [(text that stands there once, what replaces it)]
BREAKS = {
    ("node_test_trees", "node/trees.c"): [
        ("if (!proof_consistency_verify(tree->size, &tree->root, into->size, &into->root, path)) {", "if (false) {"),
        ("status != ST_OK || !finding.met || ", "status != ST_OK || "),
        ("!finding.met || checkpoint.size < trees->newest.size", "!finding.met"),
        ("*forked = true;", "*forked = false;"),
        ("item != NULL && item->witnessed;", "item != NULL;"),
        ("if (trees->count == NODE_TREES_MAX && !place->witnessed) {", "if (false) {"),
        ("*place = (struct item){ .tree = *tree, .since_ms = now_ms };",
         "*place = (struct item){ .tree = *tree, .since_ms = now_ms, .witnessed = true };"),
        ("item->tree.size < trees->newest.size && rested", "rested"),
    ],
    ("audit_test_vault", "audit/vault.c"): [
        ("if (month == AUDIT_KEY_LASTING || month >= AUDIT_KEY_MONTHS) {\n        return error_set(err, ST_DENIED, \"body key %u: not a",
         "if (month >= AUDIT_KEY_MONTHS) {\n        return error_set(err, ST_DENIED, \"body key %u: not a"),
        ("status = vault_file_forget(vault, audit_body_key(month, i), err);", "status = ST_OK;"),
        ("if ((there >> i & 1) != 0) {\n            status = vault_file_forget",
         "if (i == 0) {\n            status = vault_file_forget"),
        ("status = vault_files_sweep(vault, month, &removed, err);", "status = ST_OK;"),
        ("    mark_forgotten(vault, month, there != 0);\n    if", "    if"),
        ("        atomic_store(&vault->forgotten[month], true);\n", ""),
    ],
    ("audit_test_vault", "audit/vault_file.c"): [
        ("            status = file_overwrite(path, err);\n        }\n        if (status == ST_OK) {\n            status = file_replace(path",
         "        }\n        if (status == ST_OK) {\n            status = file_replace(path"),
        ("            status = file_replace(path, buffer_view(&text), 0600, err);\n        }\n    }\n    seal_wipe(old",
         "        }\n    }\n    seal_wipe(old"),
        ("            status = file_erase(stray.path, err);", "            status = remove(stray.path) == 0 ? ST_OK : ST_IO;"),
    ],
    ("base_test_renew", "base/file.c"): [
        ("good = pwrite(fd, zeros, length, done) == (ssize_t)length;", "good = true;"),
        ("        status = overwrite_fd(fd, path, err);\n    }\n    if (status == ST_OK) {\n        status = finish",
         "    }\n    if (status == ST_OK) {\n        status = finish"),
        ("        status = file_move(names.new, path, err);\n", ""),
    ],
    ("audit_test_runs", "audit/views_merge.c"): [
        ("row_of(best), merging->form->key_bytes) <= 0", "row_of(best), merging->form->key_bytes) < 0"),
        ("if (last - place >= FANOUT) {", "if (last - place >= 40) {"),
        ("status = put_back(merging, &merging->givers[i], err);", "status = i == 0 ? put_back(merging, &merging->givers[i], err) : ST_OK;"),
        ("status = audit_filter_drop(txn, runs->table, number, err);", "(void)txn; (void)err;"),
    ],
    ("audit_test_runs", "audit/views_stored.c"): [
        ("return place->at == rows ? next_page(walk, place, err) : ST_OK;", "place->has = place->at < rows; return ST_OK;"),
        ("        stored->lists[i].filters_known = false;\n", ""),
        ("{ .number = list->runs.runs[left - 1].number };", "{ .number = list->runs.runs[list->runs.count - left].number };"),
    ],
    ("audit_test_views", "audit/views_stored.c"): [
        ("        stored->lists[i].known = false;\n", ""),
        ("status = head_from(cursor, list->runs.runs[left - 1].number,",
         "status = head_from(cursor, list->runs.runs[list->runs.count - left].number,"),
    ],
    ("audit_test_views", "audit/views_read.c"): [
        ("i > 0; i--) {\n        const struct audit_delta *delta = reader->tail->deltas[i - 1];\n        in_tail",
         "i > 0; i--) {\n        const struct audit_delta *delta = reader->tail->deltas[reader->tail->count - i];\n        in_tail"),
        ("delta_head(delta, bytes_of(last, sizeof(last)), &found);", "false;"),
        ("            audit_stored_resumed(&reader->read);\n", ""),
    ],
    ("store_test_store", "store/cursor.c"): [
        ("mdb_cursor_renew(txn->library, spare->cursor)", "MDB_SUCCESS"),
        ("    closed->txn->spare[closed->table] = closed;\n", "    destroy(closed);\n"),
        ("    txn->spare[table] = spare->next;\n", ""),
    ],
    ("broker_test_stage", "broker/stage_check.c"): [
        ("map_get(stage->consents, key) == NULL &&", ""),
        (" &&\n           audit_reader_still(stage->reader, AUDIT_TABLE_CONSENT, key, exchange->seen_size);", ";"),
        ("    if (!consent_untouched(stage, exchange)) {\n", "    {\n"),
    ],
    ("audit_test_runs", "audit/views_filter.c"): [
        ("uint8_t *word = filter + place_of(hash, words);", "uint8_t *word = filter + place_of(hash, words / 2);"),
        ("? bytes_of(key.data, AUDIT_TAG_BYTES) : key);", "? key : key);"),
    ],
    ("audit_test_views_renew", "audit/views_renew.c"): [
        ("*stays = status == ST_OK && index >= to;", "*stays = true;"),
        ("*stays = status == ST_OK && counter.index >= to;", "*stays = true;"),
        ("*stays = status == ST_OK && (row.until == 0 || row.until > forgotten->at_ms);", "*stays = status == ST_OK;"),
        ("*stays = status == ST_OK && row.index < forgotten->to;", "*stays = true;"),
        ("(last || row.index >= ", "(true || row.index >= "),
        ("(last || row.index >= ", "(row.index >= "),
        (" || audit_kind_lasts(row.kind))) {", ")) {"),
        ("audit_block_keep(key, value, copying->renewal->forgotten.to, kept, &size, err);",
         "audit_block_keep(key, value, 0, kept, &size, err);"),
        ("status = copy_table(renewal, (enum audit_table)table, stop, err);\n    }", "}"),
        ('bytes_text("kept"),\n                           seal_u64(number, renewal->forgotten.to)',
         'bytes_text("kept"),\n                           seal_u64(number, 0)'),
        ("follow(renewal, views->log, atomic_load(&views->applied), NULL, err);", "ST_OK;"),
        ("        status = take_place(views, err);", "        status = ST_OK;"),
        ("    audit_readers_release(views);\n", ""),
        ("    clear_aside(views);\n    return", "    return"),
        ("    audit_renewal_destroy(&renewal);\n    audit_views_clear_renewal(views);\n    atomic_store",
         "    audit_renewal_destroy(&renewal);\n    atomic_store"),
    ],
    ("audit_test_hold", "audit/hold.c"): [
        ("hold->state != WIRE_HOLD_SET || ", ""),
        ("hold->since >= end_ms ||", ""),
        ("*reaches = rows[i].minutes >= from;", "*reaches = rows[i].minutes > from;"),
        ("month->from > LAST_ENDING_MINUTES ? month->from - LAST_ENDING_MINUTES : 0", "month->from"),
        ("bool reaches = hold->tag.size != AUDIT_TAG_BYTES;", "bool reaches = true;"),
    ],
}


def commands(build, test):
    """How the build makes a unit test: {source: (folder, compile command)} and the link command."""
    done = subprocess.run(["ninja", "-C", build, "-t", "commands", "unit_" + test], check=True, capture_output=True, text=True)
    compiles, link = {}, None
    for line in done.stdout.splitlines():
        if " -c " in line:
            compiles[line.rsplit(" -c ", 1)[1].strip()] = line
        elif " -o tests/unit_" + test + " " in line:
            link = line
    return compiles, link


def replace_words(line, changes):
    """The command with other words, and without what else the build makes of it."""
    words = [changes.get(word, word) for word in shlex.split(line) if word not in (":", "&&")]
    for option in ("-MF", "-MT"):
        if option in words:
            at = words.index(option)
            del words[at:at + 2]
    return [word for word in words if word != "-MD"]


def attempt(build, made, limit_s, test, source, change):
    """How the test fails (None: it passes) and how many seconds it took; without a change if that is None."""
    compiles, link = made
    path = os.path.join(ROOT, "src", source)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if change is not None:
        if text.count(change[0]) != 1:
            raise SystemExit("%s: '%s' does not stand there once" % (source, change[0]))
        text = text.replace(*change)
    with tempfile.TemporaryDirectory() as folder:
        broken, thing, program = (os.path.join(folder, name) for name in ("broken.c", "broken.o", "test"))
        with open(broken, "w", encoding="utf-8") as file:
            file.write(text)
        line = compiles[path]
        own = shlex.split(line)
        words = replace_words(line, {path: broken, own[own.index("-o") + 1]: thing})
        # What a break leaves unused is no reason to stop.
        subprocess.run([*words, "-Wno-error", "-w"], check=True, cwd=build)
        words = replace_words(link, {"tests/unit_" + test: program})
        subprocess.run([*words[:1], thing, *words[1:]], check=True, cwd=build)
        started = time.monotonic()
        try:
            done = subprocess.run([program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=limit_s, check=False)
            failed = None if done.returncode == 0 else done.stdout.decode("utf-8", "replace")
        except subprocess.TimeoutExpired:
            failed = "did not end within %d s" % limit_s
        return failed, time.monotonic() - started


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    build = os.path.abspath(sys.argv[1])
    first = {test: source for test, source in BREAKS}
    made = {test: commands(build, test) for test in first}
    breaks = [(test, source, change) for (test, source), changes in BREAKS.items() for change in changes]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        unbroken = dict(zip(first, pool.map(lambda test: attempt(build, made[test], UNBROKEN_S, test, first[test], None), first)))
        limits = {test: BROKEN_MORE_S + BROKEN_TIMES * took for test, (_, took) in unbroken.items()}
        broken = list(pool.map(lambda task: attempt(build, made[task[0]], limits[task[0]], *task), breaks))
    wrong = {test: failed for test, (failed, _) in unbroken.items() if failed is not None}
    for test, failed in wrong.items():
        print("not ok - unit_%s fails without any break\n%s" % (test, failed))
    unnoticed = [task for task, (failed, _) in zip(breaks, broken) if failed is None]
    for test, source, change in unnoticed:
        print("not ok - unnoticed by unit_%s: %s: '%s' -> '%s'" % (test, source, *change))
    print("%d of %d breaks noticed" % (len(breaks) - len(unnoticed), len(breaks)))
    return 1 if wrong or unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
