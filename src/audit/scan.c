// Reading a home's log from outside its broker. Transactions are short, so that a running broker's
// file does not grow.
#include "audit/scan.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "audit/record.h"
#include "base/file.h"

enum { CHUNK = 1024, ARENA_BYTES = 32 * 1024 * 1024 };

struct audit_scan {
    struct store *store;
    struct store_txn *txn;
    struct audit_vault *vault;
    struct arena *arena;
    uint64_t size;
    char origin[256];
};

void audit_scan_close(struct audit_scan **scan)
{
    if (*scan != NULL) {
        store_abort(&(*scan)->txn);
        store_close(&(*scan)->store);
        audit_vault_close(&(*scan)->vault);
        arena_destroy(&(*scan)->arena);
        free(*scan);
        *scan = NULL;
    }
}

static enum status open_store(struct audit_scan *scan, const struct audit_scan_options *options,
                              struct error *err)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof(path), "%s/" AUDIT_JOURNAL_FOLDER, options->home) >=
        (int)sizeof(path)) {
        return error_set(err, ST_USAGE, "%s: path too long", options->home);
    }
    struct store_options store = {
        .path = path,
        .map_bytes = options->map_bytes,
        .names = audit_journal_tables,
        .count = AUDIT_JOURNAL_TABLES,
        .read_only = true,
    };
    enum status status = store_open(&store, &scan->store, err);
    if (status == ST_OK) {
        status = store_begin_read(scan->store, &scan->txn, err);
    }
    if (status == ST_OK) {
        status = audit_record_size(scan->txn, &scan->size, err);
    }
    return status;
}

enum status audit_scan_open(const struct audit_scan_options *options, struct audit_scan **scan,
                            struct error *err)
{
    char path[PATH_MAX];
    struct audit_scan *opened = calloc(1, sizeof(*opened));
    if (opened == NULL) {
        return error_set(err, ST_NOMEM, "%s", options->home);
    }
    opened->arena = arena_create(ARENA_BYTES);
    enum status status =
        opened->arena == NULL ? error_set(err, ST_NOMEM, "%s", options->home) : ST_OK;
    if (status == ST_OK && (snprintf(path, sizeof(path), "%s/" AUDIT_VAULT_FOLDER, options->home) >=
                                (int)sizeof(path) ||
                            snprintf(opened->origin, sizeof(opened->origin), "%s",
                                     options->origin) >= (int)sizeof(opened->origin))) {
        status = error_set(err, ST_USAGE, "%s: path too long", options->home);
    }
    if (status == ST_OK) {
        status = file_exists(path) ? audit_vault_open(path, options->master, &opened->vault, err)
                                   : error_set(err, ST_NOT_FOUND, "%s: no body keys there", path);
    }
    if (status == ST_OK) {
        status = open_store(opened, options, err);
    }
    if (status != ST_OK) {
        audit_scan_close(&opened);
        return status;
    }
    *scan = opened;
    return ST_OK;
}

uint64_t audit_scan_size(const struct audit_scan *scan)
{
    return scan->size;
}

enum status audit_scan_renew(struct audit_scan *scan, struct error *err)
{
    store_pause(scan->txn);
    enum status status = store_resume(scan->txn, err);
    return status == ST_OK ? audit_record_size(scan->txn, &scan->size, err) : status;
}

static enum status open_body(struct audit_scan *scan, const struct audit_record *record,
                             struct arena *arena, struct audit_scanned *entry, struct error *err)
{
    struct audit_body body;
    uint64_t index = entry->facts.index;
    uint8_t *plain = arena_take(arena, record->box.size);
    if (plain == NULL) {
        return error_set(err, ST_NOMEM, "entry %llu: its body", (unsigned long long)index);
    }
    enum status status =
        audit_record_body(scan->vault, bytes_text(scan->origin), index, record, plain, &body, err);
    if (status == ST_NOT_FOUND) {
        entry->forgotten = true;
        return ST_OK;
    }
    if (status == ST_OK) {
        status = audit_facts_decode(&body, arena, &entry->facts, err);
        if (status != ST_OK) {
            (void)error_wrap(err, "entry %llu", (unsigned long long)index);
        }
    }
    return status;
}

static enum status read_record(struct audit_scan *scan, uint64_t index, struct audit_record *record,
                               struct audit_scanned *entry, struct error *err)
{
    struct audit_key key = audit_key_u64(index);
    struct bytes value;
    enum status status =
        store_get(scan->txn, AUDIT_JOURNAL_ENTRY, audit_key_view(&key), &value, err);
    if (status == ST_NOT_FOUND) {
        return error_set(err, ST_CORRUPT, "entry %llu is missing", (unsigned long long)index);
    }
    if (status == ST_OK) {
        status = audit_record_decode(value, index, record, err);
    }
    if (status == ST_OK) {
        *entry = (struct audit_scanned){ .facts = { .index = index,
                                                    .minutes = record->minutes,
                                                    .leaf_hash = record->leaf_hash,
                                                    .class = record->class } };
    }
    return status;
}

enum status audit_scan_entry(struct audit_scan *scan, uint64_t index, struct arena *arena,
                             struct audit_scanned *entry, struct error *err)
{
    struct audit_record record;
    enum status status = read_record(scan, index, &record, entry, err);
    return status == ST_OK ? open_body(scan, &record, arena, entry, err) : status;
}

enum status audit_scan_run(struct audit_scan *scan, uint64_t from, uint64_t to,
                           bool (*wanted)(uint64_t index, enum wire_class class, void *context),
                           enum status (*visit)(const struct audit_scanned *entry, void *context,
                                                struct error *err),
                           void *context, struct error *err)
{
    enum status status = ST_OK;
    for (uint64_t index = from; status == ST_OK && index < to; index++) {
        struct audit_record record;
        struct audit_scanned entry;
        if ((index - from) % CHUNK == 0) {
            store_pause(scan->txn);
            status = store_resume(scan->txn, err);
        }
        if (status == ST_OK) {
            status = read_record(scan, index, &record, &entry, err);
        }
        if (status != ST_OK || (wanted != NULL && !wanted(index, record.class, context))) {
            continue;
        }
        arena_reset(scan->arena);
        status = open_body(scan, &record, scan->arena, &entry, err);
        if (status == ST_OK) {
            status = visit(&entry, context, err);
        }
    }
    return status;
}
