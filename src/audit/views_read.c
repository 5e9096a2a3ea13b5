// The reading side of the views: the tail's deltas, newest first, over the stored view. A handle
// pins one list of deltas and one read transaction, chosen so that the list reaches at least as far
// as the stored view: then what is newer is always found in the list.
#include "audit/views.h"

#include <sched.h>
#include <stdlib.h>

#include "audit/views_stored.h"
#include "audit/views_inside.h"
#include "seal/hash.h"

struct audit_reader {
    struct audit_views *views;
    struct audit_place *place;
    struct snapshot_item *stored; // the store that `txn` is of; NULL: none
    struct store_txn *txn;        // paused outside begin..end
    struct audit_stored read;     // what it is read through
    bool begun;
    bool held; // the place is this thread's
    struct snapshot_item *item;
    const struct audit_tail *tail;
    uint64_t applied; // entries that the stored view shows
};

// ---- places

static bool take_place(struct audit_place *place, int from)
{
    int expected = from;
    return atomic_compare_exchange_strong(&place->state, &expected, AUDIT_PLACE_HELD);
}

static void hold(struct audit_reader *reader)
{
    while (!take_place(reader->place, AUDIT_PLACE_IDLE)) {
        sched_yield(); // the indexer lets go of an old store for it: a moment
    }
    reader->held = true;
}

static void let_go(struct audit_reader *reader)
{
    store_abort(&reader->txn);
    snapshot_unpin(&reader->stored);
}

void audit_readers_release(struct audit_views *views)
{
    for (size_t i = 0; i < AUDIT_READERS_MAX; i++) {
        struct audit_place *place = &views->places[i];
        if (take_place(place, AUDIT_PLACE_IDLE)) {
            let_go(place->reader);
            atomic_store(&place->state, AUDIT_PLACE_IDLE);
        } // else it is at work, and finds the new store at its next request
    }
}

// The transaction sees the newest state of the store that is current.
static enum status attach(struct audit_reader *reader, struct error *err)
{
    struct snapshot_item *item = NULL;
    struct store *store = snapshot_pin(reader->views->stored, &item);
    if (reader->txn != NULL && item == reader->stored) {
        snapshot_unpin(&item);
        enum status resumed = store_resume(reader->txn, err);
        if (resumed == ST_OK) {
            audit_stored_resumed(&reader->read);
        }
        return resumed;
    }
    let_go(reader);
    enum status status = store_begin_read(store, &reader->txn, err);
    if (status == ST_OK) {
        reader->stored = item;
        reader->read = (struct audit_stored){ .txn = reader->txn };
    } else {
        snapshot_unpin(&item);
    }
    return status;
}

enum status audit_reader_create(struct audit_views *views, struct audit_reader **reader,
                                struct error *err)
{
    struct audit_reader *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return error_set(err, ST_NOMEM, "views: reader");
    }
    made->views = views;
    for (size_t i = 0; made->place == NULL && i < AUDIT_READERS_MAX; i++) {
        if (take_place(&views->places[i], AUDIT_PLACE_FREE)) {
            made->place = &views->places[i];
            made->place->reader = made;
        }
    }
    if (made->place == NULL) {
        free(made);
        return error_set(err, ST_BUSY, "views: more than %d readers", AUDIT_READERS_MAX);
    }
    enum status status = attach(made, err);
    if (status != ST_OK) {
        atomic_store(&made->place->state, AUDIT_PLACE_FREE);
        free(made);
        return status;
    }
    store_pause(made->txn);
    atomic_store(&made->place->state, AUDIT_PLACE_IDLE);
    *reader = made;
    return ST_OK;
}

void audit_reader_destroy(struct audit_reader **reader)
{
    if (*reader != NULL) {
        audit_reader_end(*reader);
        hold(*reader);
        let_go(*reader);
        atomic_store(&(*reader)->place->state, AUDIT_PLACE_FREE);
        free(*reader);
        *reader = NULL;
    }
}

enum status audit_reader_begin(struct audit_reader *reader, uint64_t *size, struct error *err)
{
    hold(reader);
    for (;;) {
        uint64_t applied = 0;
        reader->tail = snapshot_pin(reader->views->tail, &reader->item);
        enum status status = attach(reader, err);
        if (status == ST_OK) {
            reader->begun = true;
            status = audit_views_applied(reader->txn, &applied, err);
        }
        if (status != ST_OK) {
            audit_reader_end(reader);
            return audit_views_note(reader->views, status);
        }
        if (applied <= reader->tail->end) {
            *size = reader->tail->end;
            reader->applied = applied;
            return ST_OK;
        }
        audit_reader_end(reader); // the indexer was faster: take the list that it had
        hold(reader);
    }
}

void audit_reader_end(struct audit_reader *reader)
{
    snapshot_unpin(&reader->item);
    reader->tail = NULL;
    if (reader->begun) {
        store_pause(reader->txn);
        reader->begun = false;
    }
    if (reader->held) {
        reader->held = false;
        atomic_store(&reader->place->state, AUDIT_PLACE_IDLE);
    }
}

bool audit_reader_still(const struct audit_reader *reader, enum audit_table table, struct bytes key,
                        uint64_t size)
{
    uint64_t hash = audit_delta_hash(table, key);
    if (reader->applied > size) {
        return false; // what came since may have left the tail
    }
    for (size_t i = reader->tail->count; i > 0; i--) {
        const struct audit_delta *delta = reader->tail->deltas[i - 1];
        if (audit_delta_end(delta) <= size) {
            break;
        }
        if (audit_delta_may_have(delta, hash)) {
            return false;
        }
    }
    return true;
}

enum status audit_reader_note(const struct audit_reader *reader, enum status status)
{
    return audit_views_note(reader->views, status);
}

uint64_t audit_reader_stored(const struct audit_reader *reader)
{
    return reader->applied;
}

unsigned audit_views_used_permille(struct audit_views *views)
{
    struct store_usage usage;
    struct snapshot_item *item = NULL;
    struct store *store = snapshot_pin(views->stored, &item);
    unsigned used = store_usage(store, &usage, NULL) == ST_OK ? usage.used_permille : 1000;
    snapshot_unpin(&item);
    return used;
}

enum status audit_reader_get(struct audit_reader *reader, enum audit_table table, struct bytes key,
                             struct bytes *value, struct error *err)
{
    uint64_t hash = audit_delta_hash(table, key);
    for (size_t i = reader->tail->count; i > 0; i--) {
        const struct audit_delta *delta = reader->tail->deltas[i - 1];
        if (!audit_delta_may_have(delta, hash)) {
            continue;
        }
        size_t place = audit_delta_seek(delta, table, key, false);
        if (place == audit_delta_count(delta)) {
            continue;
        }
        struct audit_row row = audit_delta_at(delta, place);
        if (row.table == table && bytes_equal(row.key, key)) {
            if (row.removed) {
                return ST_NOT_FOUND;
            }
            *value = row.value;
            return ST_OK;
        }
    }
    return audit_views_note(reader->views, audit_stored_get(&reader->read, table, key, value, err));
}

// ---- scanning

// One ordered source of rows: a delta, or the stored view.
struct source {
    const struct audit_delta *delta; // NULL: the stored view
    size_t place;                    // of the next row in the delta
    struct audit_row row;            // the current one
    bool has;                        // there is a current one
};

struct scan {
    struct audit_reader *reader;
    enum audit_table table;
    struct bytes prefix;
    bool reverse;
    struct audit_stored_walk walk;
    size_t count;
    struct source sources[AUDIT_TAIL_DELTAS_MAX + 1]; // newest first; the stored view last
};

static bool begins_with(struct bytes key, struct bytes prefix)
{
    return key.size >= prefix.size &&
           (prefix.size == 0 || memcmp(key.data, prefix.data, prefix.size) == 0);
}

// The least key above all that begin with `prefix`. Empty: there is none.
static struct bytes above(struct bytes prefix, uint8_t storage[STORE_KEY_BYTES_MAX])
{
    size_t size = prefix.size < STORE_KEY_BYTES_MAX ? prefix.size : STORE_KEY_BYTES_MAX;
    if (size > 0) {
        memcpy(storage, prefix.data, size);
    }
    while (size > 0 && storage[size - 1] == 0xff) {
        size--;
    }
    if (size > 0) {
        storage[size - 1]++;
    }
    return bytes_of(storage, size);
}

// Sets the delta's current row to that at `place`, if it belongs to the scan.
static void delta_take(const struct scan *scan, struct source *source, size_t place)
{
    source->has = false;
    if (place < audit_delta_count(source->delta)) {
        source->place = place;
        source->row = audit_delta_at(source->delta, place);
        source->has =
            source->row.table == scan->table && begins_with(source->row.key, scan->prefix);
    }
}

static void delta_next(const struct scan *scan, struct source *source)
{
    // Going down from 0 wraps to a place that does not exist.
    delta_take(scan, source, scan->reverse ? source->place - 1 : source->place + 1);
}

static void delta_first(const struct scan *scan, struct source *source, struct bytes from,
                        struct bytes end)
{
    if (!scan->reverse) {
        struct bytes start = from.size > 0 ? from : scan->prefix;
        delta_take(scan, source, audit_delta_seek(source->delta, scan->table, start, false));
    } else if (from.size > 0) {
        delta_take(scan, source, audit_delta_seek(source->delta, scan->table, from, true) - 1);
    } else {
        enum audit_table table = end.size > 0 ? scan->table : (enum audit_table)(scan->table + 1);
        delta_take(scan, source, audit_delta_seek(source->delta, table, end, false) - 1);
    }
}

static enum status store_take(const struct scan *scan, struct source *source, enum status status)
{
    if (status == ST_NOT_FOUND) {
        source->has = false;
        return ST_OK;
    }
    source->has = status == ST_OK && begins_with(source->row.key, scan->prefix);
    return status;
}

static enum status stored_next(struct scan *scan, struct source *source, struct error *err)
{
    return store_take(scan, source,
                      audit_stored_next(&scan->walk, &source->row.key, &source->row.value, err));
}

static enum status stored_first(struct scan *scan, struct source *source, struct bytes from,
                                struct bytes end, struct error *err)
{
    struct bytes start = from.size > 0 ? from : scan->reverse ? end : scan->prefix;
    source->row.table = scan->table;
    enum status status =
        audit_stored_seek(&scan->walk, start, &source->row.key, &source->row.value, err);
    if (status == ST_OK && scan->reverse && from.size == 0 && bytes_equal(source->row.key, end)) {
        status = audit_stored_next(&scan->walk, &source->row.key, &source->row.value, err);
    }
    return store_take(scan, source, status);
}

static enum status scan_begin(struct scan *scan, struct bytes from, struct error *err)
{
    uint8_t storage[STORE_KEY_BYTES_MAX];
    struct bytes end = above(scan->prefix, storage);
    const struct audit_tail *tail = scan->reader->tail;
    bool by_tag = audit_table_is_by_tag(scan->table) && scan->prefix.size >= AUDIT_TAG_BYTES;
    uint64_t hash =
        by_tag ? audit_delta_hash(scan->table, bytes_of(scan->prefix.data, AUDIT_TAG_BYTES)) : 0;
    for (size_t i = tail->count; i > 0; i--) {
        if (by_tag && !audit_delta_may_have(tail->deltas[i - 1], hash)) {
            continue;
        }
        struct source *source = &scan->sources[scan->count++];
        *source = (struct source){ .delta = tail->deltas[i - 1] };
        delta_first(scan, source, from, end);
    }
    struct source *stored = &scan->sources[scan->count++];
    *stored = (struct source){ 0 };
    enum status status = audit_stored_open(&scan->walk, &scan->reader->read, scan->table,
                                           scan->prefix, scan->reverse, err);
    return status == ST_OK ? stored_first(scan, stored, from, end, err) : status;
}

// The source whose row comes next; of equal keys the newest. NULL: no more rows.
static struct source *scan_pick(struct scan *scan)
{
    struct source *best = NULL;
    for (size_t i = 0; i < scan->count; i++) {
        struct source *source = &scan->sources[i];
        if (!source->has) {
            continue;
        }
        int order = best == NULL ? -1 : bytes_compare(source->row.key, best->row.key);
        if (best == NULL || (scan->reverse ? order > 0 : order < 0)) {
            best = source;
        }
    }
    return best;
}

// Moves every source that stands at `key` on.
static enum status scan_pass(struct scan *scan, struct bytes key, struct error *err)
{
    for (size_t i = 0; i < scan->count; i++) {
        struct source *source = &scan->sources[i];
        if (!source->has || !bytes_equal(source->row.key, key)) {
            continue;
        }
        if (source->delta != NULL) {
            delta_next(scan, source);
            continue;
        }
        enum status status = stored_next(scan, source, err);
        if (status != ST_OK) {
            return status;
        }
    }
    return ST_OK;
}

enum status audit_reader_scan(struct audit_reader *reader, enum audit_table table,
                              struct bytes prefix, struct bytes from, bool reverse,
                              bool (*visit)(struct bytes key, struct bytes value, void *context),
                              void *context, struct error *err)
{
    struct scan scan; // large: its sources are set as they come
    scan.reader = reader;
    scan.table = table;
    scan.prefix = prefix;
    scan.reverse = reverse;
    scan.count = 0;
    enum status status = scan_begin(&scan, from, err);
    while (status == ST_OK) {
        const struct source *source = scan_pick(&scan);
        if (source == NULL) {
            break;
        }
        struct audit_row row = source->row;
        if (!row.removed && !visit(row.key, row.value, context)) {
            break;
        }
        status = scan_pass(&scan, row.key, err);
    }
    audit_stored_close(&scan.walk);
    return audit_views_note(reader->views, status);
}

// ---- the newest of a list

// The last row of the list that the delta has.
static bool delta_head(const struct audit_delta *delta, struct bytes last, struct audit_row *row)
{
    size_t above = audit_delta_seek(delta, AUDIT_TABLE_SUBJECT, last, true);
    if (above == 0) {
        return false;
    }
    *row = audit_delta_at(delta, above - 1);
    return row->table == AUDIT_TABLE_SUBJECT &&
           begins_with(row->key, bytes_of(last.data, AUDIT_TAG_BYTES));
}

// A list only grows, so the newest place that has rows of it has its last one: of the deltas, or
// else of the stored view.
enum status audit_reader_subject_head(struct audit_reader *reader, const struct audit_tag *tag,
                                      struct audit_subject_row *row, struct error *err)
{
    uint64_t hash = audit_delta_hash(AUDIT_TABLE_SUBJECT, audit_tag_view(tag));
    uint8_t last[AUDIT_TAG_BYTES + 8];
    struct audit_row found = { 0 };
    bool in_tail = false;
    enum status status = ST_OK;
    memcpy(last, tag->bytes, AUDIT_TAG_BYTES);
    (void)seal_u64(last + AUDIT_TAG_BYTES, UINT64_MAX);
    for (size_t i = reader->tail->count; !in_tail && i > 0; i--) {
        const struct audit_delta *delta = reader->tail->deltas[i - 1];
        in_tail = audit_delta_may_have(delta, hash) &&
                  delta_head(delta, bytes_of(last, sizeof(last)), &found);
    }
    if (!in_tail) {
        status = audit_stored_head(&reader->read, tag, &found.key, &found.value, err);
    }
    if (status == ST_OK) {
        status = audit_subject_row_decode(found.key, found.value, row, err);
    }
    return audit_views_note(reader->views, status);
}
