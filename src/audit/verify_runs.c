// The checker's look at sorted runs as they lie in the store. Reading goes by the list of runs:
// what that leaves out, or a filter hides, would not be met when tables are compared row by row.
#include "audit/verify_walk.h"

#include "audit/views_filter.h"
#include "audit/views_inside.h"
#include "audit/views_runs.h"

// What the pages of a table have.
struct counted {
    uint64_t runs[UINT8_MAX + 1]; // rows of each run
    uint64_t rows;
    uint64_t hidden; // which their run's filter keeps from whoever looks for them
};

static void count_page(enum audit_table table, uint8_t number, struct bytes page,
                       const struct audit_run_filter *filter, struct counted *counted)
{
    const struct audit_run_form *form = audit_run_form(table);
    for (size_t at = 0; at < page.size; at += form->row_bytes) {
        struct bytes key = bytes_of(page.data + at, form->key_bytes);
        counted->runs[number]++;
        counted->rows++;
        if (!audit_filter_may_have(filter, audit_filter_hash(table, key))) {
            counted->hidden++;
        }
    }
}

static enum status count_rows(struct store_txn *txn, enum audit_table table,
                              struct counted *counted, struct error *err)
{
    struct audit_run_filter filter = { { 0 } };
    struct store_cursor *cursor = NULL;
    struct bytes name;
    struct bytes page;
    uint8_t number = 0;
    enum status status = store_cursor_open(txn, table, &cursor, err);
    if (status == ST_OK) {
        status = store_cursor_first(cursor, &name, &page, err);
    }
    while (status == ST_OK) {
        status = audit_run_page_check(table, name, page, err);
        if (status == ST_OK && name.data[0] != number) {
            number = name.data[0];
            status = audit_filter_of(txn, table, number, &filter, err);
        }
        if (status == ST_OK) {
            count_page(table, number, page, &filter, counted);
            status = store_cursor_next(cursor, &name, &page, err);
        }
    }
    store_cursor_close(&cursor);
    return status == ST_NOT_FOUND ? ST_OK : status;
}

enum status audit_walk_runs(struct audit_walk *walk, struct store_txn *txn, enum audit_table table,
                            struct error *err)
{
    struct counted counted = { 0 };
    struct audit_runs runs;
    if (audit_run_form(table) == NULL) {
        return ST_OK;
    }
    enum status status = audit_runs_load(txn, table, &runs, err);
    if (status == ST_OK) {
        status = count_rows(txn, table, &counted, err);
    }
    if (status != ST_OK) {
        return status;
    }
    bool same = true;
    for (size_t i = 0; i < runs.count; i++) {
        uint64_t *count = &counted.runs[runs.runs[i].number];
        same = same && *count == runs.runs[i].rows;
        *count = 0;
    }
    for (size_t i = 0; i < ARRAY_COUNT(counted.runs); i++) {
        same = same && counted.runs[i] == 0;
    }
    if (!same) {
        audit_walk_found(walk, AUDIT_FAULT_VIEW, 0, walk->result.applied,
                         "views, %s: the list of runs does not fit the %llu rows that are there",
                         audit_views_tables[table], (unsigned long long)counted.rows);
    }
    if (counted.hidden > 0) {
        audit_walk_found(walk, AUDIT_FAULT_VIEW, 0, walk->result.applied,
                         "views, %s: a filter of a run hides %llu rows", audit_views_tables[table],
                         (unsigned long long)counted.hidden);
    }
    return ST_OK;
}
