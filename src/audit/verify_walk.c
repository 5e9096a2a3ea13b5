// The checker's inside: one pass over the entries in order, in transactions of a bounded number of
// entries so that a running broker's file does not grow; then the views.
#include "audit/verify_walk.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    CHUNK = 16384, // entries under one transaction; whole tiles
    GAP_MAX = 1000000,
};

// ---- telling

void audit_walk_found(struct audit_walk *walk, enum audit_fault fault, uint64_t index,
                      uint64_t count, const char *format, ...)
{
    struct audit_tell tell = { .kind = AUDIT_TELL_FINDING, .views = walk->in_views };
    va_list list;
    tell.finding.fault = fault;
    tell.finding.index = index;
    tell.finding.count = count;
    va_start(list, format);
    vsnprintf(tell.finding.message, sizeof(tell.finding.message), format, list);
    va_end(list);
    audit_tell_send(walk->pipe, &tell);
}

void audit_walk_progress(const struct audit_walk *walk, uint64_t done, uint64_t total)
{
    struct audit_tell tell = {
        .kind = AUDIT_TELL_PROGRESS,
        .views = walk->in_views,
        .done = done,
        .total = total,
        .result = walk->result,
    };
    audit_tell_send(walk->pipe, &tell);
}

// ---- entries

static enum status take_entry(struct audit_walk *walk, struct bytes value, struct error *err)
{
    struct audit_record record;
    struct digest hash = { 0 };
    enum status status = ST_OK;
    if (audit_record_decode(value, walk->next, &record, err) != ST_OK) {
        audit_walk_found(walk, AUDIT_FAULT_ENTRY, walk->next, 1, "%s", err->message);
    } else {
        hash = record.leaf_hash;
        if (record.minutes < walk->minutes) {
            audit_walk_found(walk, AUDIT_FAULT_ENTRY, walk->next, 1,
                             "entry %llu: its time goes backwards", (unsigned long long)walk->next);
        } else {
            walk->minutes = record.minutes;
        }
        status = audit_walk_body(walk, &record, err);
    }
    return status == ST_OK ? audit_walk_leaf(walk, &hash, err) : status;
}

static enum status check_due(struct audit_walk *walk, struct error *err)
{
    return walk->next == walk->due ? audit_walk_published(walk, false, err) : ST_OK;
}

// Entries that are not there: the trees go on with what the tiles have.
static enum status take_gap(struct audit_walk *walk, uint64_t until, struct error *err)
{
    struct digest none = { 0 };
    enum status status = ST_OK;
    audit_walk_found(walk, AUDIT_FAULT_ENTRY, walk->next, until - walk->next,
                     "%llu entries are missing", (unsigned long long)(until - walk->next));
    while (status == ST_OK && walk->next < until) {
        status = audit_walk_leaf(walk, &none, err);
        if (status == ST_OK) {
            status = check_due(walk, err);
        }
    }
    return status;
}

// Up to CHUNK entries under one transaction.
static enum status walk_chunk(struct audit_walk *walk, struct error *err)
{
    struct audit_key from = audit_key_u64(walk->next);
    struct bytes key;
    struct bytes value;
    uint64_t end = walk->size - walk->next < CHUNK ? walk->size : walk->next + CHUNK;
    enum status status = store_cursor_seek(walk->entries, audit_key_view(&from), &key, &value, err);
    while (walk->next < end) {
        uint64_t index = walk->size;
        if (status == ST_OK) {
            status = audit_number_decode(key, &index, err);
        }
        if (status != ST_OK && status != ST_NOT_FOUND) {
            return status;
        }
        if (index < walk->next) {
            return error_set(err, ST_CORRUPT, "entries: keys out of order");
        }
        if (index > walk->next) {
            status = take_gap(walk, index < walk->size ? index : walk->size, err);
        }
        if (status == ST_OK && walk->next < walk->size) {
            status = take_entry(walk, value, err);
        }
        if (status == ST_OK) {
            status = check_due(walk, err);
        }
        if (status == ST_OK && walk->next < end) {
            status = store_cursor_next(walk->entries, &key, &value, err);
        }
    }
    return status;
}

// ---- the whole

void audit_walk_end(struct audit_walk *walk)
{
    store_cursor_close(&walk->entries);
    store_cursor_close(&walk->checkpoints);
    store_abort(&walk->txn);
}

static enum status begin_transaction(struct audit_walk *walk, struct error *err)
{
    audit_walk_end(walk);
    enum status status = store_begin_read(walk->store, &walk->txn, err);
    if (status == ST_OK) {
        status = store_cursor_open(walk->txn, AUDIT_JOURNAL_ENTRY, &walk->entries, err);
    }
    if (status == ST_OK) {
        status = store_cursor_open(walk->txn, AUDIT_JOURNAL_CHECKPOINT, &walk->checkpoints, err);
    }
    return status == ST_OK ? audit_walk_tile(walk, err) : status;
}

static enum status check_meta(struct audit_walk *walk, struct error *err)
{
    static const char *const words[] = { "origin", "key" };
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        struct bytes value = { 0 };
        struct digest key = { { 0 } };
        enum status status =
            store_get(walk->txn, AUDIT_JOURNAL_META, bytes_text(words[i]), &value, err);
        if (status != ST_OK && status != ST_NOT_FOUND) {
            return status;
        }
        if (value.size == DIGEST_BYTES) {
            memcpy(key.bytes, value.data, DIGEST_BYTES);
        }
        bool same = i == 0 ? bytes_equal_text(value, walk->log_keys->keys[0].name)
                           : proof_ring_has(walk->log_keys, &key);
        if (!same) {
            audit_walk_found(walk, AUDIT_FAULT_STORE, 0, 0,
                             "the log's %s is another than the key given", words[i]);
        }
    }
    return ST_OK;
}

// The terms of the writers, one after another: from 1, or from the one that a log was restored in.
// When each was taken nobody can tell.
static enum status check_terms(struct audit_walk *walk, struct error *err)
{
    struct store_cursor *cursor = NULL;
    struct bytes key;
    struct bytes when;
    uint64_t due = 0; // the first is whatever it is
    enum status status = store_cursor_open(walk->txn, AUDIT_JOURNAL_TERM, &cursor, err);
    if (status == ST_OK) {
        status = store_cursor_first(cursor, &key, &when, err);
    }
    for (; status == ST_OK; due++) {
        uint64_t term = 0;
        bool read = audit_number_decode(key, &term, err) == ST_OK && term != 0 && when.size == 8;
        due = due == 0 && read ? term : due;
        if (!read || term != due) {
            audit_walk_found(walk, AUDIT_FAULT_STORE, 0, 0,
                             "term %llu of the log's writers is missing or damaged",
                             (unsigned long long)due);
            break;
        }
        status = store_cursor_next(cursor, &key, &when, err);
    }
    store_cursor_close(&cursor);
    return status == ST_NOT_FOUND ? ST_OK : status;
}

// A damaged last key must not send the walk through entries that never were.
static enum status bound_size(struct audit_walk *walk, struct error *err)
{
    uint64_t count = 0;
    enum status status = store_count(walk->txn, AUDIT_JOURNAL_ENTRY, &count, err);
    if (status == ST_OK && walk->size > count && walk->size - count > GAP_MAX) {
        audit_walk_found(walk, AUDIT_FAULT_ENTRY, count, 0,
                         "%llu entries, but the last one is %llu", (unsigned long long)count,
                         (unsigned long long)walk->size - 1);
        walk->size = count;
    }
    return status;
}

static enum status walk_all(struct audit_walk *walk, struct error *err)
{
    struct digest stored;
    uint64_t size = 0;
    enum status status = begin_transaction(walk, err);
    if (status == ST_OK) {
        status = check_meta(walk, err);
    }
    if (status == ST_OK) {
        status = check_terms(walk, err);
    }
    if (status == ST_OK) {
        status = audit_record_size(walk->txn, &walk->size, err);
    }
    if (status == ST_OK) {
        status = bound_size(walk, err);
    }
    if (status == ST_OK) {
        status = audit_walk_published(walk, false, err); // of the empty tree
    }
    audit_walk_progress(walk, walk->next, walk->size);
    while (status == ST_OK && walk->next < walk->size) {
        status = walk_chunk(walk, err);
        audit_walk_progress(walk, walk->next, walk->size);
        if (status == ST_OK) {
            status = begin_transaction(walk, err);
        }
        if (status == ST_OK) {
            status = audit_walk_published(walk, false, err); // rows may have come since
        }
    }
    if (status == ST_OK) {
        status = audit_record_size(walk->txn, &size, err);
    }
    if (status == ST_OK) {
        status = audit_walk_tile_keys(walk, size, err);
    }
    // A broker may have gone on meanwhile; what it published since is not looked at.
    if (status == ST_OK && size == walk->size) {
        status = audit_walk_published(walk, true, err);
    }
    audit_walk_roots(walk, &walk->result.root, &stored);
    return status;
}

static enum status open_all(struct audit_walk *walk, struct error *err)
{
    char path[PATH_MAX];
    const char *home = walk->options->home;
    enum status status = audit_walk_bodies_open(walk, err);
    if (status != ST_OK) {
        return status;
    }
    audit_walk_points(walk);
    if (snprintf(path, sizeof(path), "%s/" AUDIT_JOURNAL_FOLDER, home) >= (int)sizeof(path)) {
        return error_set(err, ST_USAGE, "%s: path too long", home);
    }
    struct store_options store = {
        .path = path,
        .map_bytes = walk->options->map_bytes,
        .names = audit_journal_tables,
        .count = AUDIT_JOURNAL_TABLES,
        .read_only = true,
    };
    return store_open(&store, &walk->store, err);
}

static void close_all(struct audit_walk *walk)
{
    audit_walk_end(walk);
    store_close(&walk->store);
    audit_vault_close(&walk->vault);
    audit_sorter_destroy(&walk->sorter);
    audit_rows_destroy(&walk->rows);
    audit_tagger_destroy(&walk->tagger);
    arena_destroy(&walk->arena);
    for (size_t i = 0; i < AUDIT_KEY_GENERATIONS; i++) {
        free(walk->keys[i]);
    }
    free(walk->plain);
    free(walk);
}

// Whatever a store says once it is open is about its content; memory and disk are ours.
static enum status judge(struct audit_walk *walk, enum status status, struct error *err)
{
    if (status == ST_OK || status == ST_NOMEM || status == ST_FULL) {
        return status;
    }
    audit_walk_found(walk, walk->in_views ? AUDIT_FAULT_VIEW : AUDIT_FAULT_STORE,
                     walk->in_views ? 0 : walk->next, walk->in_views ? walk->result.applied : 0,
                     "%s", err->message);
    return ST_OK;
}

void audit_verify_walk(const struct audit_verify_options *options, const struct proof_ring *keys,
                       int pipe)
{
    struct audit_tell tell = { .kind = AUDIT_TELL_END };
    struct error err = { .status = ST_OK };
    struct audit_walk *walk = calloc(1, sizeof(*walk));
    if (walk == NULL) {
        _exit(1);
    }
    walk->options = options;
    walk->log_keys = keys;
    walk->pipe = pipe;
    enum status status = open_all(walk, &err);
    if (status == ST_CORRUPT) {
        status = judge(walk, status, &err);
    } else if (status == ST_OK) {
        status = judge(walk, walk_all(walk, &err), &err);
        audit_walk_bad_keys(walk);
        if (status == ST_OK && walk->sorter != NULL) {
            walk->in_views = true;
            status = judge(walk, audit_walk_views(walk, &err), &err);
        }
    }
    if (status != ST_OK) {
        tell.error = err;
        tell.error.status = status;
    }
    tell.views = walk->in_views;
    tell.result = walk->result;
    audit_tell_send(walk->pipe, &tell);
    close_all(walk);
}
