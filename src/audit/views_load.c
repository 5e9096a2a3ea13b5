// Rows made again from the log: what an opening, a rebuilding or a renewal of the views reads; and
// what the stored view says of itself.
#include "audit/views_inside.h"

#include "base/reader.h"
#include "seal/hash.h"

// Decodes entries into rows while the log is read.
struct loading {
    struct audit_log *log;
    struct arena *arena;
    struct audit_rows *rows;
    enum status status;
    struct error *err;
};

static bool load_entry(uint64_t index, const struct audit_record *record, void *context)
{
    struct loading *loading = context;
    struct audit_body body;
    struct audit_facts facts = {
        .index = index,
        .minutes = record->minutes,
        .leaf_hash = record->leaf_hash,
        .class = record->class,
    };
    arena_reset(loading->arena);
    loading->status =
        audit_log_body(loading->log, index, record, loading->arena, &body, loading->err);
    if (loading->status == ST_NOT_FOUND) {
        loading->status = ST_OK; // forgotten: its rows went with it
        return true;
    }
    if (loading->status == ST_OK) {
        loading->status = audit_facts_decode(&body, loading->arena, &facts, loading->err);
    }
    if (loading->status == ST_OK) {
        loading->status = audit_rows_add(loading->rows, &facts, loading->err);
    }
    if (loading->status != ST_OK) {
        (void)error_wrap(loading->err, "views: entry %llu", (unsigned long long)index);
    }
    return loading->status == ST_OK;
}

enum status audit_views_decode(const struct audit_views *views, struct audit_log *log,
                               struct arena *arena, uint64_t from, uint64_t to,
                               struct audit_rows **rows, struct error *err)
{
    uint64_t size = 0;
    struct loading loading = { .log = log, .arena = arena, .err = err };
    loading.rows = audit_rows_create();
    if (loading.rows == NULL) {
        return error_set(err, ST_NOMEM, "views");
    }
    audit_rows_make_searchable(loading.rows, views->search_key);
    audit_rows_renew_tags(loading.rows, views->tagger);
    enum status status = audit_log_begin(log, &size, err);
    if (status == ST_OK) {
        status = audit_log_scan(log, from, to - from, load_entry, &loading, err);
        status = status == ST_OK ? loading.status : status;
        audit_log_end(log);
    }
    if (status != ST_OK) {
        audit_rows_destroy(&loading.rows);
        return status;
    }
    *rows = loading.rows;
    return ST_OK;
}

enum status audit_views_applied(struct store_txn *txn, uint64_t *applied, struct error *err)
{
    struct bytes value;
    enum status status = store_get(txn, AUDIT_TABLE_META, bytes_text("applied"), &value, err);
    if (status == ST_NOT_FOUND) {
        *applied = 0;
        return ST_OK;
    }
    struct reader reader = reader_init(value);
    uint64_t number = reader_u64(&reader);
    if (status == ST_OK && !reader_finished(&reader)) {
        return error_set(err, ST_CORRUPT, "views: how far they go cannot be read");
    }
    if (status == ST_OK) {
        *applied = number;
    }
    return status;
}

struct digest audit_search_check(const uint8_t search_key[SEAL_SHORT_KEY_BYTES])
{
    struct bytes parts[] = { seal_label("vedomo/1 search key"),
                             bytes_of(search_key, SEAL_SHORT_KEY_BYTES) };
    return seal_blake2b((struct bytes){ 0 }, parts, ARRAY_COUNT(parts));
}
