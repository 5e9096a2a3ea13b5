// A walk over a table in runs stands at one place in each of them; the row that comes next is the
// lowest (highest), of equal keys that of the newest run.
#include "audit/views_stored.h"

#include <string.h>

#include "audit/delta.h"
#include "seal/hash.h"

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

// ---- lists of runs

void audit_stored_resumed(struct audit_stored *stored)
{
    uint64_t state = store_state(stored->txn);
    for (size_t i = 0; stored->state != state && i < AUDIT_STORED_LISTS; i++) {
        stored->lists[i].known = false;
        stored->lists[i].filters_known = false;
    }
    stored->state = state;
}

static enum status list_of(struct audit_stored *stored, enum audit_table table,
                           struct audit_stored_list **list, struct error *err)
{
    struct audit_stored_list *found = &stored->lists[table == AUDIT_TABLE_SUBJECT ? 0 : 1];
    enum status status =
        found->known ? ST_OK : audit_runs_load(stored->txn, table, &found->runs, err);
    found->known = status == ST_OK;
    *list = found;
    return status;
}

static enum status filters_of(struct audit_stored *stored, enum audit_table table,
                              struct audit_stored_list **list, struct error *err)
{
    enum status status = list_of(stored, table, list, err);
    struct audit_stored_list *found = *list;
    if (status != ST_OK || found->filters_known) {
        return status;
    }
    for (size_t i = 0; status == ST_OK && i < found->runs.count; i++) {
        found->filters[i] = (struct audit_run_filter){ 0 };
        status = audit_filter_of(stored->txn, table, found->runs.runs[i].number, &found->filters[i],
                                 err);
    }
    found->filters_known = status == ST_OK;
    return status;
}

// The newest of the first `count` runs that may have a key with this hash, as its place and one; 0:
// there is none.
static size_t next_run(const struct audit_stored_list *list, size_t count, uint64_t hash)
{
    while (count > 0 && !audit_filter_may_have(&list->filters[count - 1], hash)) {
        count--;
    }
    return count;
}

enum status audit_stored_get(struct audit_stored *stored, enum audit_table table, struct bytes key,
                             struct bytes *value, struct error *err)
{
    struct audit_stored_list *list = NULL;
    struct store_cursor *cursor = NULL;
    if (audit_run_form(table) == NULL) {
        return store_get(stored->txn, table, key, value, err);
    }
    enum status status = filters_of(stored, table, &list, err);
    if (status != ST_OK) {
        return status;
    }
    uint64_t hash = audit_filter_hash(table, key);
    size_t left = next_run(list, list->runs.count, hash);
    if (left == 0) {
        return ST_NOT_FOUND;
    }
    status = store_cursor_open(stored->txn, table, &cursor, err);
    if (status == ST_OK) {
        status = ST_NOT_FOUND;
    }
    for (; status == ST_NOT_FOUND && left > 0; left = next_run(list, left - 1, hash)) {
        status = get_from(cursor, table, list->runs.runs[left - 1].number, key, value, err);
    }
    store_cursor_close(&cursor);
    return status;
}

// The last row of the list in one run.
static enum status head_from(struct store_cursor *cursor, uint8_t number, struct bytes last,
                             struct bytes *key, struct bytes *value, struct error *err)
{
    const struct audit_run_form *form = audit_run_form(AUDIT_TABLE_SUBJECT);
    struct bytes page = { 0 };
    enum status status = audit_run_seek(cursor, AUDIT_TABLE_SUBJECT, number, last, &page, err);
    if (status != ST_OK) {
        return status;
    }
    size_t above = audit_run_lower(form, page, last); // the page begins below
    if (above == 0 ||
        memcmp(row_key(form, page, above - 1).data, last.data, AUDIT_TAG_BYTES) != 0) {
        return ST_NOT_FOUND;
    }
    *key = row_key(form, page, above - 1);
    *value = row_value(form, page, above - 1);
    return ST_OK;
}

enum status audit_stored_head(struct audit_stored *stored, const struct audit_tag *tag,
                              struct bytes *key, struct bytes *value, struct error *err)
{
    struct audit_stored_list *list = NULL;
    struct store_cursor *cursor = NULL;
    uint8_t last[AUDIT_TAG_BYTES + 8];
    memcpy(last, tag->bytes, AUDIT_TAG_BYTES);
    (void)seal_u64(last + AUDIT_TAG_BYTES, UINT64_MAX);
    enum status status = filters_of(stored, AUDIT_TABLE_SUBJECT, &list, err);
    if (status != ST_OK) {
        return status;
    }
    uint64_t hash = audit_filter_hash(AUDIT_TABLE_SUBJECT, audit_tag_view(tag));
    size_t left = next_run(list, list->runs.count, hash);
    if (left == 0) {
        return ST_NOT_FOUND;
    }
    status = store_cursor_open(stored->txn, AUDIT_TABLE_SUBJECT, &cursor, err);
    if (status == ST_OK) {
        status = ST_NOT_FOUND;
    }
    for (; status == ST_NOT_FOUND && left > 0; left = next_run(list, left - 1, hash)) {
        status = head_from(cursor, list->runs.runs[left - 1].number, bytes_of(last, sizeof(last)),
                           key, value, err);
    }
    store_cursor_close(&cursor);
    return status;
}

// ---- a place in a run

// The cursor stands at a page, or at none.
static enum status take_page(const struct audit_stored_walk *walk, struct audit_stored_place *place,
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

static enum status next_page(const struct audit_stored_walk *walk, struct audit_stored_place *place,
                             struct error *err)
{
    struct bytes name = { 0 };
    struct bytes page = { 0 };
    enum status status = walk->reverse ? store_cursor_prev(place->cursor, &name, &page, err)
                                       : store_cursor_next(place->cursor, &name, &page, err);
    return take_page(walk, place, status, name, page, err);
}

static enum status place_next(const struct audit_stored_walk *walk,
                              struct audit_stored_place *place, struct error *err)
{
    if (walk->reverse ? place->at == 0
                      : (place->at + 1) * walk->form->row_bytes == place->page.size) {
        return next_page(walk, place, err);
    }
    place->at += walk->reverse ? (size_t)-1 : 1;
    return ST_OK;
}

// The run's first page, or (reverse) its last one.
static enum status outermost_page(const struct audit_stored_walk *walk,
                                  struct audit_stored_place *place, struct error *err)
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

static enum status place_seek(const struct audit_stored_walk *walk,
                              struct audit_stored_place *place, struct bytes from,
                              struct error *err)
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

static enum status pick(const struct audit_stored_walk *walk, struct bytes *key,
                        struct bytes *value)
{
    const struct audit_stored_place *best = NULL;
    struct bytes best_key = { 0 };
    for (size_t i = 0; i < walk->count; i++) {
        const struct audit_stored_place *place = &walk->places[i];
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

static enum status pass(struct audit_stored_walk *walk, struct bytes key, struct error *err)
{
    enum status status = ST_OK;
    for (size_t i = 0; status == ST_OK && i < walk->count; i++) {
        struct audit_stored_place *place = &walk->places[i];
        if (place->has && bytes_equal(row_key(walk->form, place->page, place->at), key)) {
            status = place_next(walk, place, err);
        }
    }
    return status;
}

// ---- a table row by row

static enum status seek_plain(struct audit_stored_walk *walk, struct bytes from, struct bytes *key,
                              struct bytes *value, struct error *err)
{
    if (from.size == 0) {
        return walk->reverse ? store_cursor_last(walk->places[0].cursor, key, value, err)
                             : store_cursor_first(walk->places[0].cursor, key, value, err);
    }
    enum status status = store_cursor_seek(walk->places[0].cursor, from, key, value, err);
    if (!walk->reverse) {
        return status;
    }
    if (status == ST_NOT_FOUND) {
        return store_cursor_last(walk->places[0].cursor, key, value, err);
    }
    return status == ST_OK && !bytes_equal(*key, from)
               ? store_cursor_prev(walk->places[0].cursor, key, value, err)
               : status;
}

// ---- the door

enum status audit_stored_open(struct audit_stored_walk *walk, struct audit_stored *stored,
                              enum audit_table table, struct bytes prefix, bool reverse,
                              struct error *err)
{
    struct audit_stored_list *list = NULL;
    walk->table = table;
    walk->reverse = reverse;
    walk->form = audit_run_form(table);
    walk->key = (struct bytes){ 0 };
    walk->count = 0;
    if (walk->form == NULL) {
        walk->places[walk->count++] = (struct audit_stored_place){ 0 };
        return store_cursor_open(stored->txn, table, &walk->places[0].cursor, err);
    }
    bool by_tag = audit_table_is_by_tag(table) && prefix.size >= AUDIT_TAG_BYTES;
    uint64_t hash = by_tag ? audit_filter_hash(table, prefix) : 0;
    enum status status =
        by_tag ? filters_of(stored, table, &list, err) : list_of(stored, table, &list, err);
    size_t left = status == ST_OK ? list->runs.count : 0;
    for (; status == ST_OK && left > 0; left--) {
        if (by_tag && !audit_filter_may_have(&list->filters[left - 1], hash)) {
            continue; // no row whose key begins so
        }
        struct audit_stored_place *place = &walk->places[walk->count++];
        *place = (struct audit_stored_place){ .number = list->runs.runs[left - 1].number };
        status = store_cursor_open(stored->txn, table, &place->cursor, err);
    }
    return status;
}

void audit_stored_close(struct audit_stored_walk *walk)
{
    for (size_t i = 0; i < walk->count; i++) {
        store_cursor_close(&walk->places[i].cursor);
    }
    walk->count = 0;
}

// How far `key` lies from another one, in the direction of the walk.
static int direction(const struct audit_stored_walk *walk, struct bytes key, struct bytes other)
{
    int order = bytes_compare(key, other);
    return walk->reverse ? -order : order;
}

static enum status out_of_order(struct error *err)
{
    return error_set(err, ST_CORRUPT, "views: keys out of order");
}

enum status audit_stored_seek(struct audit_stored_walk *walk, struct bytes from, struct bytes *key,
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

enum status audit_stored_next(struct audit_stored_walk *walk, struct bytes *key,
                              struct bytes *value, struct error *err)
{
    enum status status = ST_OK;
    if (walk->form == NULL) {
        status = walk->reverse ? store_cursor_prev(walk->places[0].cursor, key, value, err)
                               : store_cursor_next(walk->places[0].cursor, key, value, err);
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
