// The checker's look at sorted runs as they lie in the store. Reading goes by the list of runs:
// what that leaves out would not be met when tables are compared row by row.
#include "audit/verify_walk.h"

#include "audit/views_runs.h"
#include "audit/views_inside.h"

// How many rows each run has; *rows: all of them.
static enum status count_rows(struct store_txn *txn, enum audit_table table,
                              uint64_t counted[UINT8_MAX + 1], uint64_t *rows, struct error *err)
{
    struct store_cursor *cursor = NULL;
    struct bytes name;
    struct bytes page;
    enum status status = store_cursor_open(txn, table, &cursor, err);
    if (status == ST_OK) {
        status = store_cursor_first(cursor, &name, &page, err);
    }
    while (status == ST_OK) {
        status = audit_run_page_check(table, name, page, err);
        if (status == ST_OK) {
            uint64_t count = page.size / audit_run_form(table)->row_bytes;
            counted[name.data[0]] += count;
            *rows += count;
            status = store_cursor_next(cursor, &name, &page, err);
        }
    }
    store_cursor_close(&cursor);
    return status == ST_NOT_FOUND ? ST_OK : status;
}

enum status audit_walk_runs(struct audit_walk *walk, struct store_txn *txn, enum audit_table table,
                            struct error *err)
{
    uint64_t counted[UINT8_MAX + 1] = { 0 };
    uint64_t rows = 0;
    struct audit_runs runs;
    if (audit_run_form(table) == NULL) {
        return ST_OK;
    }
    enum status status = audit_runs_load(txn, table, &runs, err);
    if (status == ST_OK) {
        status = count_rows(txn, table, counted, &rows, err);
    }
    if (status != ST_OK) {
        return status;
    }
    bool same = true;
    for (size_t i = 0; i < runs.count; i++) {
        uint64_t *count = &counted[runs.runs[i].number];
        same = same && *count == runs.runs[i].rows;
        *count = 0;
    }
    for (size_t i = 0; i < ARRAY_COUNT(counted); i++) {
        same = same && counted[i] == 0;
    }
    if (!same) {
        audit_walk_found(walk, AUDIT_FAULT_VIEW, 0, walk->result.applied,
                         "views, %s: the list of runs does not fit the %llu rows that are there",
                         audit_views_tables[table], (unsigned long long)rows);
    }
    return ST_OK;
}
