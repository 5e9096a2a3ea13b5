// Pages, lists and single runs. A page holds as many whole rows as fit; only the last one that a
// transaction writes of a run may hold fewer.
#include "audit/views_runs.h"

#include <string.h>

#include "audit/views_filter.h"
#include "base/reader.h"
#include "seal/hash.h"

enum {
    SUBJECT_KEY = AUDIT_TAG_BYTES + 8,
    SUBJECT_VALUE = 8 + DIGEST_BYTES + 4 + 1,
    COUNTER_VALUE = 3 * 8,
    LISTED_BYTES = 1 + 1 + 8,
};

const struct audit_run_form *audit_run_form(enum audit_table table)
{
    static const struct audit_run_form subject = { SUBJECT_KEY, SUBJECT_KEY + SUBJECT_VALUE };
    static const struct audit_run_form counter = { DIGEST_BYTES, DIGEST_BYTES + COUNTER_VALUE };
    return table == AUDIT_TABLE_SUBJECT ? &subject : table == AUDIT_TABLE_COUNTER ? &counter : NULL;
}

// ---- the list

static enum status no_list(struct error *err)
{
    return error_set(err, ST_CORRUPT, "views: a list of runs that is none");
}

// Merging relies on all of it.
static bool is_list(const struct audit_runs *runs)
{
    bool seen[AUDIT_RUNS_MAX + 1] = { false };
    uint8_t target = 0;
    size_t givers = 0;
    for (size_t i = 0; i < runs->count; i++) {
        const struct audit_run *run = &runs->runs[i];
        if (run->number == 0 || run->number > AUDIT_RUNS_MAX || seen[run->number]) {
            return false;
        }
        seen[run->number] = true;
        if (run->into == 0) {
            target = run->number;
            givers = 0;
        } else if (run->into != target || ++givers > AUDIT_RUNS_GROUP_MAX) {
            return false;
        }
    }
    return true;
}

enum status audit_runs_load(struct store_txn *txn, enum audit_table table, struct audit_runs *runs,
                            struct error *err)
{
    uint8_t name = (uint8_t)table;
    struct bytes value = { 0 };
    enum status status = store_get(txn, AUDIT_TABLE_RUN, bytes_of(&name, 1), &value, err);
    if (status != ST_OK && status != ST_NOT_FOUND) {
        return status;
    }
    if (value.size % LISTED_BYTES != 0 || value.size / LISTED_BYTES > AUDIT_RUNS_MAX) {
        return no_list(err);
    }
    struct reader reader = reader_init(value);
    runs->table = table;
    runs->count = value.size / LISTED_BYTES;
    for (size_t i = 0; i < runs->count; i++) {
        struct audit_run *run = &runs->runs[i];
        run->number = reader_u8(&reader);
        run->into = reader_u8(&reader);
        run->rows = reader_u64(&reader);
    }
    return is_list(runs) ? ST_OK : no_list(err);
}

enum status audit_runs_save(struct store_txn *txn, const struct audit_runs *runs, struct error *err)
{
    uint8_t name = (uint8_t)runs->table;
    uint8_t value[AUDIT_RUNS_MAX * LISTED_BYTES];
    for (size_t i = 0; i < runs->count; i++) {
        uint8_t *listed = value + i * LISTED_BYTES;
        listed[0] = runs->runs[i].number;
        listed[1] = runs->runs[i].into;
        (void)seal_u64(listed + 2, runs->runs[i].rows);
    }
    return store_put(txn, AUDIT_TABLE_RUN, bytes_of(&name, 1),
                     bytes_of(value, runs->count * LISTED_BYTES), err);
}

uint8_t audit_runs_unused(const struct audit_runs *runs)
{
    bool used[AUDIT_RUNS_MAX + 1] = { false };
    for (size_t i = 0; i < runs->count; i++) {
        used[runs->runs[i].number] = true;
    }
    for (uint8_t number = 1; number <= AUDIT_RUNS_MAX; number++) {
        if (!used[number]) {
            return number;
        }
    }
    return 0;
}

// ---- pages

static struct bytes page_name(uint8_t storage[AUDIT_RUN_KEY_MAX], uint8_t number, struct bytes key)
{
    size_t size = key.size < AUDIT_RUN_KEY_MAX - 1 ? key.size : AUDIT_RUN_KEY_MAX - 1;
    storage[0] = number;
    memcpy(storage + 1, key.data, size);
    return bytes_of(storage, 1 + size);
}

enum status audit_run_page_check(enum audit_table table, struct bytes name, struct bytes page,
                                 struct error *err)
{
    const struct audit_run_form *form = audit_run_form(table);
    if (name.size != 1 + form->key_bytes || page.size == 0 || page.size > AUDIT_RUN_PAGE_BYTES ||
        page.size % form->row_bytes != 0 ||
        memcmp(name.data + 1, page.data, form->key_bytes) != 0) {
        return error_set(err, ST_CORRUPT, "views: a page of rows that is none");
    }
    return ST_OK;
}

enum status audit_run_seek(struct store_cursor *cursor, enum audit_table table, uint8_t number,
                           struct bytes key, struct bytes *page, struct error *err)
{
    uint8_t storage[AUDIT_RUN_KEY_MAX];
    struct bytes wanted = page_name(storage, number, key);
    struct bytes name;
    struct bytes found;
    enum status status = store_cursor_seek(cursor, wanted, &name, &found, err);
    if (status == ST_NOT_FOUND) {
        status = store_cursor_last(cursor, &name, &found, err);
    } else if (status == ST_OK && !bytes_equal(name, wanted)) {
        status = store_cursor_prev(cursor, &name, &found, err);
    }
    if (status == ST_OK && bytes_compare(name, wanted) > 0) {
        status = error_set(err, ST_CORRUPT, "views: pages of rows out of order");
    }
    if (status == ST_OK && name.data[0] != number) {
        status = ST_NOT_FOUND;
    }
    if (status == ST_OK) {
        status = audit_run_page_check(table, name, found, err);
    }
    if (status == ST_OK) {
        *page = found;
    }
    return status;
}

size_t audit_run_lower(const struct audit_run_form *form, struct bytes page, struct bytes key)
{
    size_t low = 0;
    size_t high = page.size / form->row_bytes;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct bytes row = bytes_of(page.data + middle * form->row_bytes, form->key_bytes);
        if (bytes_compare(row, key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

// ---- writing

enum status audit_run_flush(struct audit_run_writer *writer, struct store_txn *txn,
                            struct error *err)
{
    uint8_t storage[AUDIT_RUN_KEY_MAX];
    if (writer->size == 0) {
        return ST_OK;
    }
    struct bytes first = bytes_of(writer->page, audit_run_form(writer->table)->key_bytes);
    enum status status = store_put(txn, writer->table, page_name(storage, writer->number, first),
                                   bytes_of(writer->page, writer->size), err);
    writer->size = 0;
    return status;
}

enum status audit_run_put(struct audit_run_writer *writer, struct store_txn *txn, struct bytes key,
                          struct bytes value, struct error *err)
{
    const struct audit_run_form *form = audit_run_form(writer->table);
    enum status status = ST_OK;
    if (key.size != form->key_bytes || key.size + value.size != form->row_bytes) {
        return error_set(err, ST_USAGE, "views: a row of %zu and %zu bytes in table %d", key.size,
                         value.size, (int)writer->table);
    }
    if (writer->size > 0 &&
        memcmp(writer->page + writer->size - form->row_bytes, key.data, form->key_bytes) >= 0) {
        return error_set(err, ST_CORRUPT, "views: rows of a run out of order");
    }
    if (writer->size + form->row_bytes > AUDIT_RUN_PAGE_BYTES) {
        status = audit_run_flush(writer, txn, err);
    }
    memcpy(writer->page + writer->size, key.data, key.size);
    memcpy(writer->page + writer->size + key.size, value.data, value.size);
    writer->size += form->row_bytes;
    writer->rows++;
    return status;
}

enum status audit_run_begin(struct audit_run_writer *writer, struct store_txn *txn,
                            enum audit_table table, struct error *err)
{
    struct audit_runs runs;
    enum status status = audit_runs_load(txn, table, &runs, err);
    if (status != ST_OK) {
        return status;
    }
    writer->table = table;
    writer->number = audit_runs_unused(&runs);
    writer->rows = 0;
    writer->size = 0;
    return writer->number == 0 ? error_set(err, ST_CORRUPT, "views: too many runs") : ST_OK;
}

enum status audit_run_end(struct audit_run_writer *writer, struct store_txn *txn, struct error *err)
{
    struct audit_runs runs;
    if (writer->rows == 0) {
        return ST_OK;
    }
    enum status status = audit_run_flush(writer, txn, err);
    if (status == ST_OK) {
        status = audit_runs_load(txn, writer->table, &runs, err);
    }
    if (status == ST_OK && runs.count == AUDIT_RUNS_MAX) {
        status = error_set(err, ST_CORRUPT, "views: too many runs");
    }
    if (status == ST_OK) {
        runs.runs[runs.count++] =
            (struct audit_run){ .number = writer->number, .rows = writer->rows };
        status = audit_runs_save(txn, &runs, err);
    }
    return status == ST_OK
               ? audit_filter_make(txn, writer->table, writer->number, writer->rows, err)
               : status;
}
