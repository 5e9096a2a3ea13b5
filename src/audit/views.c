// The writing side of the views. Invariants:
//   - the stored view stands for the log's first `applied` entries, which is written in the same
//     transaction, and never for more than is durable in the log;
//   - the tail reaches without a gap from there (or from below) to the last published entry, so
//     that stored view and tail together show every entry;
//   - only the recorder replaces the list of deltas; the indexer reads it and moves `applied`;
//   - a delta leaves the list only when the stored view has all of it. One that overlaps the stored
//     view does no harm: it has the same rows, or newer ones.
// A stored view can always be made again from the log: whatever is wrong with it, it is moved
// aside and built anew.
#include "audit/views.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/views_inside.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/reader.h"
#include "seal/hash.h"

enum {
    MERGE_ROWS_MAX = 22000, // larger deltas are not copied any more
    APPLY_ROWS_MAX = 22000, // rows of one commit: bounds the pages it holds in memory
    LOAD_TAIL_MAX = 32768,  // more than that is applied while opening
    APPLY_EVERY_MS = 500,
    APPLY_AT_ENTRIES = 4096,
};

static const size_t views_map_bytes = (size_t)64 << 30;

const char *const audit_views_tables[AUDIT_TABLE_COUNT] = {
    [AUDIT_TABLE_META] = "meta",
    [AUDIT_TABLE_SUBJECT] = "subject",
    [AUDIT_TABLE_EXCHANGE] = "exchange",
    [AUDIT_TABLE_OPEN] = "open",
    [AUDIT_TABLE_CONSENT] = "consent",
    [AUDIT_TABLE_COUNTER] = "counter",
    [AUDIT_TABLE_GOVERNANCE] = "governance",
    [AUDIT_TABLE_HOLD] = "hold",
    [AUDIT_TABLE_CARRIED] = "carried",
    [AUDIT_TABLE_FACET] = "facet",
    [AUDIT_TABLE_BLOCK] = "block",
    [AUDIT_TABLE_RUN] = "run",
};

// ---- the tail

static void tail_destroy(void *object)
{
    struct audit_tail *tail = object;
    for (size_t i = 0; tail != NULL && i < tail->count; i++) {
        audit_delta_unref(&tail->deltas[i]);
    }
    free(tail);
}

// Merges the newest deltas while they are of like size, so that few remain.
static bool tail_settle(struct audit_tail *tail)
{
    while (tail->count >= 2) {
        struct audit_delta *newer = tail->deltas[tail->count - 1];
        struct audit_delta *older = tail->deltas[tail->count - 2];
        size_t rows = audit_delta_count(newer) + audit_delta_count(older);
        bool alike = audit_delta_count(newer) * 2 > audit_delta_count(older);
        if (tail->count < AUDIT_TAIL_DELTAS_MAX && (!alike || rows > MERGE_ROWS_MAX)) {
            return true;
        }
        struct audit_delta *merged = audit_delta_merge(older, newer);
        if (merged == NULL) {
            return false;
        }
        audit_delta_unref(&tail->deltas[tail->count - 1]);
        audit_delta_unref(&tail->deltas[tail->count - 2]);
        tail->count--;
        tail->deltas[tail->count - 1] = merged;
    }
    return true;
}

// Replaces the list: without what is applied, with `delta` (which may be NULL and is taken over)
// behind it. False: no memory, the list stays.
static bool tail_replace(struct audit_views *views, struct audit_delta *delta, uint64_t end)
{
    struct snapshot_item *item = NULL;
    const struct audit_tail *old = snapshot_pin(views->tail, &item);
    uint64_t applied = atomic_load(&views->applied);
    struct audit_tail *tail = calloc(1, sizeof(*tail));
    bool done = false;
    if (tail == NULL) {
        audit_delta_unref(&delta);
        goto out;
    }
    for (size_t i = 0; old != NULL && i < old->count; i++) {
        if (audit_delta_end(old->deltas[i]) > applied) {
            tail->deltas[tail->count++] = audit_delta_ref(old->deltas[i]);
        }
    }
    if (delta != NULL) {
        tail->deltas[tail->count++] = delta;
    }
    tail->end = end;
    done = tail_settle(tail);
    for (size_t i = 0; i < tail->count; i++) {
        tail->bytes += audit_delta_bytes(tail->deltas[i]);
    }
    size_t bytes = tail->bytes;
    done = done && snapshot_swap(views->tail, tail);
    if (done) {
        atomic_store(&views->tail_bytes, bytes);
        atomic_store(&views->end, end);
    } else {
        tail_destroy(tail);
    }
out:
    snapshot_unpin(&item);
    return done;
}

enum status audit_views_publish(struct audit_views *views, struct audit_rows **rows, uint64_t size,
                                struct error *err)
{
    uint64_t begin = atomic_load(&views->end);
    if (size < begin) {
        return error_set(err, ST_USAGE, "views: entry %llu published twice",
                         (unsigned long long)size);
    }
    struct audit_delta *delta = audit_delta_create(*rows, begin, size);
    if (delta == NULL || !tail_replace(views, delta, size)) {
        return error_set(err, ST_NOMEM, "views: the tail");
    }
    audit_rows_destroy(rows);
    return ST_OK;
}

const uint8_t *audit_views_search_key(const struct audit_views *views)
{
    return views->search_key;
}

void audit_views_retire(struct audit_views *views)
{
    struct snapshot_item *item = NULL;
    const struct audit_tail *tail = snapshot_pin(views->tail, &item);
    bool due = tail->count > 0 && audit_delta_end(tail->deltas[0]) <= atomic_load(&views->applied);
    snapshot_unpin(&item);
    if (due) {
        (void)tail_replace(views, NULL, atomic_load(&views->end)); // else at the next publication
    }
}

uint64_t audit_views_tail_entries(const struct audit_views *views)
{
    uint64_t applied = atomic_load(&views->applied);
    uint64_t end = atomic_load(&views->end);
    return end > applied ? end - applied : 0;
}

uint64_t audit_views_stored(const struct audit_views *views)
{
    return atomic_load(&views->applied);
}

bool audit_views_tail_full(const struct audit_views *views)
{
    return audit_views_tail_entries(views) >= AUDIT_TAIL_ENTRIES_MAX ||
           atomic_load(&views->tail_bytes) >= AUDIT_TAIL_BYTES_MAX;
}

bool audit_views_due(const struct audit_views *views, int64_t since_ms)
{
    uint64_t waiting = audit_views_tail_entries(views);
    return waiting >= APPLY_AT_ENTRIES ||
           (waiting > 0 && clock_monotonic_ms() - since_ms >= APPLY_EVERY_MS);
}

// ---- the stored view

enum status audit_views_note(struct audit_views *views, enum status status)
{
    if (status == ST_CORRUPT &&
        file_replace(views->damaged, bytes_text("found damaged while in use\n"), 0600, NULL) !=
            ST_OK) {
        return status; // without the mark the damage is met, and told, again
    }
    return status;
}

// The hash of the log's entry before `size`: tells a view of this log from one of another.
static enum status leaf_before(struct audit_log *log, uint64_t size, struct digest *hash,
                               struct error *err)
{
    struct audit_record record;
    uint64_t have = 0;
    if (size == 0) {
        memset(hash, 0, sizeof(*hash));
        return ST_OK;
    }
    enum status status = audit_log_begin(log, &have, err);
    if (status == ST_OK) {
        status = audit_log_record(log, size - 1, &record, err);
        if (status == ST_OK) {
            *hash = record.leaf_hash;
        }
        audit_log_end(log);
    }
    return status;
}

// The version of the tags in the rows; 0: as they came.
static uint8_t tag_version(const struct audit_views *views)
{
    return views->tagger == NULL ? 0 : (uint8_t)audit_tagger_version(views->tagger);
}

enum status audit_views_put_state(struct audit_views *views, struct audit_log *log,
                                  struct store_txn *txn, uint64_t applied, struct error *err)
{
    uint8_t format = AUDIT_VIEWS_FORMAT;
    uint8_t version = tag_version(views);
    uint8_t number[8];
    struct digest leaf;
    enum status status = leaf_before(log, applied, &leaf, err);
    const struct {
        const char *word;
        struct bytes value;
    } rows[] = {
        { "format", bytes_of(&format, 1) },
        { "origin", bytes_digest(&views->origin) },
        { "applied", seal_u64(number, applied) },
        { "leaf", bytes_digest(&leaf) },
        { "search", bytes_digest(&views->search_check) },
        { "tags", bytes_of(&version, 1) },
    };
    for (size_t i = 0; status == ST_OK && i < ARRAY_COUNT(rows); i++) {
        status = store_put(txn, AUDIT_TABLE_META, bytes_text(rows[i].word), rows[i].value, err);
    }
    return status;
}

// The oldest deltas that are not applied, as one. *delta is NULL when there are none.
static enum status gather(struct audit_views *views, const struct audit_tail *tail,
                          struct audit_delta **delta, struct error *err)
{
    uint64_t applied = atomic_load(&views->applied);
    struct audit_delta *gathered = NULL;
    for (size_t i = 0; i < tail->count; i++) {
        struct audit_delta *next = tail->deltas[i];
        if (audit_delta_end(next) <= applied) {
            continue;
        }
        if (gathered == NULL) {
            gathered = audit_delta_ref(next);
            continue;
        }
        if (audit_delta_count(gathered) + audit_delta_count(next) > APPLY_ROWS_MAX) {
            break;
        }
        struct audit_delta *merged = audit_delta_merge(gathered, next);
        audit_delta_unref(&gathered);
        if (merged == NULL) {
            return error_set(err, ST_NOMEM, "views: the tail");
        }
        gathered = merged;
    }
    *delta = gathered;
    return ST_OK;
}

enum status audit_views_apply(struct audit_views *views, uint64_t *applied, struct error *err)
{
    struct snapshot_item *item = NULL;
    struct audit_delta *delta = NULL;
    const struct audit_tail *tail = snapshot_pin(views->tail, &item);
    enum status status = gather(views, tail, &delta, err);
    snapshot_unpin(&item);
    if (status == ST_OK && delta != NULL) {
        status =
            audit_views_note(views, audit_views_write(views, views->log, views->store, delta, err));
        if (status == ST_OK) {
            atomic_store(&views->applied, audit_delta_end(delta));
        }
    }
    audit_delta_unref(&delta);
    if (status == ST_OK) {
        *applied = atomic_load(&views->applied);
    }
    return status;
}

// ---- opening

// Whether the stored view is one of this log. *reason is NULL when it is.
static enum status judge(struct audit_views *views, uint64_t *applied, const char **reason,
                         struct error *err)
{
    struct store_txn *txn = NULL;
    struct bytes origin = { 0 };
    struct bytes format = { 0 };
    struct bytes leaf = { 0 };
    struct bytes search = { 0 };
    struct bytes tags = { 0 };
    struct digest expected;
    *reason = NULL;
    enum status status = store_begin_read(views->store, &txn, err);
    if (status == ST_OK) {
        status = audit_views_applied(txn, applied, err);
    }
    if (status != ST_OK || *applied == 0) {
        goto out;
    }
    if (*applied > audit_journal_size(views->journal)) {
        *reason = "ahead of its log";
        goto out;
    }
    if (store_get(txn, AUDIT_TABLE_META, bytes_text("format"), &format, err) != ST_OK ||
        store_get(txn, AUDIT_TABLE_META, bytes_text("origin"), &origin, err) != ST_OK ||
        store_get(txn, AUDIT_TABLE_META, bytes_text("leaf"), &leaf, err) != ST_OK ||
        store_get(txn, AUDIT_TABLE_META, bytes_text("search"), &search, err) != ST_OK ||
        store_get(txn, AUDIT_TABLE_META, bytes_text("tags"), &tags, err) != ST_OK ||
        format.size != 1 || format.data[0] != AUDIT_VIEWS_FORMAT) {
        *reason = "of another format";
        goto out;
    }
    status = leaf_before(views->log, *applied, &expected, err);
    if (status == ST_OK && (!bytes_equal(origin, bytes_digest(&views->origin)) ||
                            !bytes_equal(leaf, bytes_digest(&expected)))) {
        *reason = "of another log";
    } else if (status == ST_OK && !bytes_equal(search, bytes_digest(&views->search_check))) {
        *reason = "made under another master key";
    } else if (status == ST_OK && tags.size == 1 && views->tagger != NULL &&
               tags.data[0] > tag_version(views)) {
        status = error_set(err, ST_DENIED,
                           "persons are filed under key %u of tags: keys/tag-%u.key: it is missing",
                           tags.data[0], tags.data[0]);
    } else if (status == ST_OK && (tags.size != 1 || tags.data[0] != tag_version(views))) {
        *reason = "made under another key of tags";
    }
out:
    store_abort(&txn);
    return status;
}

static enum status move_aside(struct audit_views *views, struct audit_views_opened *opened,
                              struct error *err)
{
    char to[PATH_MAX + 32];
    store_close(&views->store);
    snprintf(opened->aside, sizeof(opened->aside), "views.damaged-%lld",
             (long long)clock_wall_ms());
    snprintf(to, sizeof(to), "%s.damaged-%s", views->folder,
             opened->aside + sizeof("views.damaged-") - 1);
    if (rename(views->folder, to) != 0) {
        return error_errno(err, ST_IO, "%s: moving it aside", views->folder);
    }
    unlink(views->damaged);
    opened->rebuilt = true;
    return ST_OK;
}

enum status audit_views_open_store(const struct audit_views *views, const char *folder,
                                   struct store **store, struct error *err)
{
    struct store_options options = {
        .path = folder,
        .map_bytes = views->map_bytes == 0 ? views_map_bytes : views->map_bytes,
        .names = audit_views_tables,
        .count = AUDIT_TABLE_COUNT,
        .create = true,
        .random_access = true,
    };
    return store_open(&options, store, err);
}

// Opens the stored view; one that cannot be used is replaced by an empty one.
static enum status open_stored(struct audit_views *views, struct audit_views_opened *opened,
                               struct error *err)
{
    const char *reason = file_exists(views->damaged) ? "found damaged while in use" : NULL;
    bool there = file_exists(views->folder);
    uint64_t applied = 0;
    enum status status = ST_OK;
    if (reason == NULL) {
        status = audit_views_open_store(views, views->folder, &views->store, err);
        if (status == ST_OK) {
            status = judge(views, &applied, &reason, err);
        }
    }
    if (there && (reason != NULL || status == ST_CORRUPT || status == ST_UNSUPPORTED)) {
        status = move_aside(views, opened, err);
        applied = 0;
        if (status == ST_OK) {
            status = audit_views_open_store(views, views->folder, &views->store, err);
        }
    } else if (!there) {
        opened->rebuilt = audit_journal_size(views->journal) > 0;
    }
    if (status == ST_OK && !snapshot_swap(views->stored, views->store)) {
        status = error_set(err, ST_NOMEM, "views");
    }
    if (status != ST_OK) {
        store_close(&views->store);
        return status;
    }
    atomic_store(&views->applied, applied);
    opened->stored = applied;
    return ST_OK;
}

// A log that is long is not applied to an empty view batch by batch: a view that is written in the
// order of its keys takes a fraction of that.
static enum status build_stored(struct audit_views *views,
                                const struct audit_views_options *options,
                                struct audit_views_opened *opened, struct error *err)
{
    bool rebuilt = opened->rebuilt;
    if (!snapshot_swap(views->stored, NULL)) { // closes the empty one
        return error_set(err, ST_NOMEM, "views");
    }
    views->store = NULL;
    enum status status = audit_views_build(views, options, err);
    if (status == ST_OK) {
        status = open_stored(views, opened, err);
    }
    opened->rebuilt = rebuilt;
    return status;
}

static enum status load_chunk(struct audit_views *views, struct arena *arena, uint64_t from,
                              uint64_t to, struct error *err)
{
    struct audit_rows *rows = NULL;
    enum status status = audit_views_decode(views, views->log, arena, from, to, &rows, err);
    if (status == ST_OK) {
        status = audit_views_publish(views, &rows, to, err);
    }
    audit_rows_destroy(&rows);
    return status;
}

// Loads what the stored view has not as the tail; where that is long, applies as it goes.
static enum status load_tail(struct audit_views *views, const struct audit_views_options *options,
                             struct error *err)
{
    uint64_t size = audit_journal_size(views->journal);
    uint64_t begin = atomic_load(&views->applied);
    struct arena *arena = arena_create(AUDIT_LOAD_ARENA_BYTES);
    enum status status = arena == NULL ? error_set(err, ST_NOMEM, "views") : ST_OK;
    for (uint64_t from = begin; status == ST_OK && from < size; from += AUDIT_LOAD_CHUNK) {
        uint64_t to = size - from < AUDIT_LOAD_CHUNK ? size : from + AUDIT_LOAD_CHUNK;
        uint64_t applied = 0;
        status = load_chunk(views, arena, from, to, err);
        while (status == ST_OK && (audit_views_tail_entries(views) > LOAD_TAIL_MAX ||
                                   atomic_load(&views->tail_bytes) > AUDIT_TAIL_BYTES_MAX / 2)) {
            status = audit_views_apply(views, &applied, err);
            audit_views_retire(views);
        }
        if (status == ST_OK && options->progress != NULL && size - begin > LOAD_TAIL_MAX) {
            options->progress(to - begin, size - begin, options->progress_context);
        }
    }
    arena_destroy(&arena);
    return status;
}

static void stored_destroy(void *object)
{
    struct store *store = object;
    store_close(&store);
}

static enum status prepare(struct audit_views *views, const struct audit_views_options *options,
                           struct error *err)
{
    if (snprintf(views->folder, PATH_MAX, "%s/views", options->home) >= PATH_MAX ||
        snprintf(views->damaged, PATH_MAX, "%s/views.damaged", options->home) >= PATH_MAX) {
        return error_set(err, ST_USAGE, "views: path too long");
    }
    views->map_bytes = options->map_bytes;
    views->journal = options->journal;
    views->origin = seal_sha256(bytes_text(options->origin));
    views->tagger = options->tagger;
    memcpy(views->search_key, options->search_key, sizeof(views->search_key));
    views->search_check = audit_search_check(views->search_key);
    views->tail = snapshot_create(tail_destroy);
    views->stored = snapshot_create(stored_destroy);
    if (views->tail == NULL || views->stored == NULL) {
        return error_set(err, ST_NOMEM, "views");
    }
    audit_views_clear_renewal(views);
    return audit_log_create(options->journal, &views->log, err);
}

enum status audit_views_rebuild(const struct audit_views_options *options, struct error *err)
{
    struct audit_views *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return error_set(err, ST_NOMEM, "views");
    }
    enum status status = prepare(made, options, err);
    if (status == ST_OK) {
        status = audit_views_build(made, options, err);
    }
    audit_views_close(&made);
    return status;
}

enum status audit_views_open(const struct audit_views_options *options, struct audit_views **views,
                             struct audit_views_opened *opened, struct error *err)
{
    struct audit_views_opened found = { 0 };
    struct audit_views *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return error_set(err, ST_NOMEM, "views");
    }
    enum status status = prepare(made, options, err);
    if (status == ST_OK) {
        status = open_stored(made, &found, err);
    }
    if (status == ST_OK && found.stored == 0 &&
        audit_journal_size(options->journal) > LOAD_TAIL_MAX) {
        status = build_stored(made, options, &found, err);
    }
    if (status == ST_OK && !tail_replace(made, NULL, atomic_load(&made->applied))) {
        status = error_set(err, ST_NOMEM, "views: the tail");
    }
    if (status == ST_OK) {
        status = load_tail(made, options, err);
    }
    if (status == ST_OK) {
        *opened = found;
        *views = made;
    } else {
        audit_views_close(&made);
    }
    return status;
}

void audit_views_close(struct audit_views **views)
{
    if (*views != NULL) {
        struct audit_renewal *renewed = atomic_exchange(&(*views)->renewed, NULL);
        audit_log_destroy(&(*views)->log);
        snapshot_destroy(&(*views)->tail);
        audit_renewal_destroy(&renewed);
        snapshot_destroy(&(*views)->stored); // closes the store
        free(*views);
        *views = NULL;
    }
}
