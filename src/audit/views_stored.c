// A walk over a table in runs stands at one place in each of them; the row that comes next is the
// lowest (highest), of equal keys that of the newest run.
#include "audit/views_stored.h"

#include <stdlib.h>

#include "audit/delta.h"
#include "audit/views_filter.h"
#include "audit/views_runs.h"

// A place in one run.
struct place {
    struct store_cursor *cursor;
    uint8_t number;
    bool has; // a row
    struct bytes page;
    size_t at; // of the row in the page
};

struct audit_stored {
    enum audit_table table;
    bool reverse;
    const struct audit_run_form *form; // NULL: row by row
    struct store_cursor *cursor;       // of a table row by row
    struct bytes key;                  // of the row at which it stands
    size_t count;
    struct place places[]; // newest first
};

// ---- one row

static struct bytes row_key(const struct audit_run_form *form, struct bytes page, size_t at)
{
    return bytes_of(page.data + at * form->row_bytes, form->key_bytes);
}

static struct bytes row_value(const struct audit_run_form *form, struct bytes page, size_t at)
{
    return bytes_of(page.data + at * form->row_bytes + form->key_bytes,
                    form->row_bytes - form->key_bytes);
}

static enum status get_from(struct store_cursor *cursor, enum audit_table table, uint8_t number,
                            struct bytes key, struct bytes *value, struct error *err)
{
    const struct audit_run_form *form = audit_run_form(table);
    struct bytes page = { 0 };
    enum status status = audit_run_seek(cursor, table, number, key, &page, err);
    if (status != ST_OK) {
        return status;
    }
    size_t at = audit_run_lower(form, page, key);
    if (at * form->row_bytes == page.size || !bytes_equal(row_key(form, page, at), key)) {
        return ST_NOT_FOUND;
    }
    *value = row_value(form, page, at);
    return ST_OK;
}

enum status audit_stored_get(struct store_txn *txn, enum audit_table table, struct bytes key,
                             struct bytes *value, struct error *err)
{
    struct audit_runs runs;
    struct store_cursor *cursor = NULL;
    if (audit_run_form(table) == NULL) {
        return store_get(txn, table, key, value, err);
    }
    enum status status = audit_runs_load(txn, table, &runs, err);
    if (status == ST_OK) {
        status = store_cursor_open(txn, table, &cursor, err);
    }
    if (status == ST_OK) {
        status = ST_NOT_FOUND;
    }
    uint64_t hash = audit_filter_hash(table, key);
    for (size_t i = runs.count; status == ST_NOT_FOUND && i > 0; i--) {
        uint8_t number = runs.runs[i - 1].number;
        struct audit_filter filter;
        status = audit_filter_of(txn, table, number, &filter, err);
        if (status == ST_OK) {
            status = audit_filter_may_have(&filter, hash)
                         ? get_from(cursor, table, number, key, value, err)
                         : ST_NOT_FOUND;
        }
    }
    store_cursor_close(&cursor);
    return status;
}

// ---- a place in a run

// The cursor stands at a page, or at none.
static enum status take_page(const struct audit_stored *walk, struct place *place,
                             enum status status, struct bytes name, struct bytes page,
                             struct error *err)
{
    place->has = status == ST_OK && name.data[0] == place->number;
    if (status == ST_NOT_FOUND || (status == ST_OK && !place->has)) {
        return ST_OK;
    }
    if (status == ST_OK) {
        status = audit_run_page_check(walk->table, name, page, err);
        place->page = page;
        place->at = walk->reverse ? page.size / walk->form->row_bytes - 1 : 0;
    }
    return status;
}

static enum status next_page(const struct audit_stored *walk, struct place *place,
                             struct error *err)
{
    struct bytes name = { 0 };
    struct bytes page = { 0 };
    enum status status = walk->reverse ? store_cursor_prev(place->cursor, &name, &page, err)
                                       : store_cursor_next(place->cursor, &name, &page, err);
    return take_page(walk, place, status, name, page, err);
}

static enum status place_next(const struct audit_stored *walk, struct place *place,
                              struct error *err)
{
    if (walk->reverse ? place->at == 0
                      : (place->at + 1) * walk->form->row_bytes == place->page.size) {
        return next_page(walk, place, err);
    }
    place->at += walk->reverse ? (size_t)-1 : 1;
    return ST_OK;
}

// The run's first page, or (reverse) its last one.
static enum status outermost_page(const struct audit_stored *walk, struct place *place,
                                  struct error *err)
{
    struct bytes name = { 0 };
    struct bytes page = { 0 };
    uint8_t from = (uint8_t)(place->number + (walk->reverse ? 1 : 0));
    enum status status = store_cursor_seek(place->cursor, bytes_of(&from, 1), &name, &page, err);
    if (walk->reverse) {
        status = status == ST_NOT_FOUND ? store_cursor_last(place->cursor, &name, &page, err)
                 : status == ST_OK      ? store_cursor_prev(place->cursor, &name, &page, err)
                                        : status;
    }
    return take_page(walk, place, status, name, page, err);
}

static enum status place_seek(const struct audit_stored *walk, struct place *place,
                              struct bytes from, struct error *err)
{
    place->has = false;
    if (from.size == 0) {
        return outermost_page(walk, place, err);
    }
    enum status status =
        audit_run_seek(place->cursor, walk->table, place->number, from, &place->page, err);
    if (status == ST_NOT_FOUND) { // all rows are above
        return walk->reverse ? ST_OK : outermost_page(walk, place, err);
    }
    if (status != ST_OK) {
        return status;
    }
    size_t rows = place->page.size / walk->form->row_bytes;
    place->has = true;
    place->at = audit_run_lower(walk->form, place->page, from);
    bool exact = place->at < rows && bytes_equal(row_key(walk->form, place->page, place->at), from);
    if (walk->reverse && !exact) {
        place->at--; // the page begins below
        return ST_OK;
    }
    return place->at == rows ? next_page(walk, place, err) : ST_OK;
}

// ---- all runs

static enum status pick(const struct audit_stored *walk, struct bytes *key, struct bytes *value)
{
    const struct place *best = NULL;
    struct bytes best_key = { 0 };
    for (size_t i = 0; i < walk->count; i++) {
        const struct place *place = &walk->places[i];
        if (!place->has) {
            continue;
        }
        struct bytes next = row_key(walk->form, place->page, place->at);
        int order = best == NULL ? 0 : bytes_compare(next, best_key);
        if (best == NULL || (walk->reverse ? order > 0 : order < 0)) {
            best = place;
            best_key = next;
        }
    }
    if (best == NULL) {
        return ST_NOT_FOUND;
    }
    *key = best_key;
    *value = row_value(walk->form, best->page, best->at);
    return ST_OK;
}

static enum status pass(struct audit_stored *walk, struct bytes key, struct error *err)
{
    enum status status = ST_OK;
    for (size_t i = 0; status == ST_OK && i < walk->count; i++) {
        struct place *place = &walk->places[i];
        if (place->has && bytes_equal(row_key(walk->form, place->page, place->at), key)) {
            status = place_next(walk, place, err);
        }
    }
    return status;
}

// ---- a table row by row

static enum status seek_plain(struct audit_stored *walk, struct bytes from, struct bytes *key,
                              struct bytes *value, struct error *err)
{
    if (from.size == 0) {
        return walk->reverse ? store_cursor_last(walk->cursor, key, value, err)
                             : store_cursor_first(walk->cursor, key, value, err);
    }
    enum status status = store_cursor_seek(walk->cursor, from, key, value, err);
    if (!walk->reverse) {
        return status;
    }
    if (status == ST_NOT_FOUND) {
        return store_cursor_last(walk->cursor, key, value, err);
    }
    return status == ST_OK && !bytes_equal(*key, from)
               ? store_cursor_prev(walk->cursor, key, value, err)
               : status;
}

// ---- the door

// Leaves out the runs that have no row whose key begins so.
static enum status leave_out(struct store_txn *txn, struct bytes prefix, struct audit_runs *runs,
                             struct error *err)
{
    bool by_tag = audit_delta_knows_tags(runs->table) && prefix.size >= AUDIT_TAG_BYTES;
    uint64_t hash = by_tag ? audit_filter_hash(runs->table, prefix) : 0;
    enum status status = ST_OK;
    size_t kept = 0;
    for (size_t i = 0; status == ST_OK && by_tag && i < runs->count; i++) {
        struct audit_filter filter;
        status = audit_filter_of(txn, runs->table, runs->runs[i].number, &filter, err);
        if (status == ST_OK && audit_filter_may_have(&filter, hash)) {
            runs->runs[kept++] = runs->runs[i];
        }
    }
    runs->count = by_tag ? kept : runs->count;
    return status;
}

enum status audit_stored_open(struct store_txn *txn, enum audit_table table, struct bytes prefix,
                              bool reverse, struct audit_stored **walk, struct error *err)
{
    struct audit_runs runs = { .count = 0 };
    const struct audit_run_form *form = audit_run_form(table);
    enum status status = form == NULL ? ST_OK : audit_runs_load(txn, table, &runs, err);
    if (status == ST_OK && form != NULL) {
        status = leave_out(txn, prefix, &runs, err);
    }
    if (status != ST_OK) {
        return status;
    }
    struct audit_stored *made = calloc(1, sizeof(*made) + runs.count * sizeof(made->places[0]));
    if (made == NULL) {
        return error_set(err, ST_NOMEM, "views: reading");
    }
    made->table = table;
    made->reverse = reverse;
    made->form = form;
    made->count = runs.count;
    if (form == NULL) {
        status = store_cursor_open(txn, table, &made->cursor, err);
    }
    for (size_t i = 0; status == ST_OK && i < made->count; i++) {
        made->places[i].number = runs.runs[runs.count - 1 - i].number;
        status = store_cursor_open(txn, table, &made->places[i].cursor, err);
    }
    if (status == ST_OK) {
        *walk = made;
    } else {
        audit_stored_close(&made);
    }
    return status;
}

void audit_stored_close(struct audit_stored **walk)
{
    if (*walk != NULL) {
        store_cursor_close(&(*walk)->cursor);
        for (size_t i = 0; i < (*walk)->count; i++) {
            store_cursor_close(&(*walk)->places[i].cursor);
        }
        free(*walk);
        *walk = NULL;
    }
}

// How far `key` lies from another one, in the direction of the walk.
static int direction(const struct audit_stored *walk, struct bytes key, struct bytes other)
{
    int order = bytes_compare(key, other);
    return walk->reverse ? -order : order;
}

static enum status out_of_order(struct error *err)
{
    return error_set(err, ST_CORRUPT, "views: keys out of order");
}

enum status audit_stored_seek(struct audit_stored *walk, struct bytes from, struct bytes *key,
                              struct bytes *value, struct error *err)
{
    enum status status = ST_OK;
    if (walk->form == NULL) {
        status = seek_plain(walk, from, key, value, err);
    } else {
        for (size_t i = 0; status == ST_OK && i < walk->count; i++) {
            status = place_seek(walk, &walk->places[i], from, err);
        }
        status = status == ST_OK ? pick(walk, key, value) : status;
    }
    if (status == ST_OK && from.size > 0 && direction(walk, *key, from) < 0) {
        return out_of_order(err);
    }
    walk->key = status == ST_OK ? *key : walk->key;
    return status;
}

enum status audit_stored_next(struct audit_stored *walk, struct bytes *key, struct bytes *value,
                              struct error *err)
{
    enum status status = ST_OK;
    if (walk->form == NULL) {
        status = walk->reverse ? store_cursor_prev(walk->cursor, key, value, err)
                               : store_cursor_next(walk->cursor, key, value, err);
    } else {
        status = pass(walk, walk->key, err);
        status = status == ST_OK ? pick(walk, key, value) : status;
    }
    if (status == ST_OK && direction(walk, *key, walk->key) <= 0) {
        return out_of_order(err);
    }
    walk->key = status == ST_OK ? *key : walk->key;
    return status;
}
