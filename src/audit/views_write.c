// Writing rows into the stored view: each table by its form.
#include "audit/views_runs.h"
#include "audit/views_block.h"
#include "audit/views_inside.h"

// Puts the rows [first, end) of a delta, all of one table, into the store.
static enum status write_table(struct store_txn *txn, const struct audit_delta *delta, size_t first,
                               size_t end, struct error *err)
{
    struct audit_run_writer run;
    struct audit_block block = { 0 };
    enum audit_table table = audit_delta_at(delta, first).table;
    bool in_runs = audit_run_form(table) != NULL;
    enum status status = in_runs ? audit_run_begin(&run, txn, table, err) : ST_OK;
    for (size_t i = first; status == ST_OK && i < end; i++) {
        struct audit_row row = audit_delta_at(delta, i);
        if (in_runs) {
            status = audit_run_put(&run, txn, row.key, row.value, err);
        } else if (table == AUDIT_TABLE_FACET) {
            status = audit_block_add(&block, txn, &row, err);
        } else if (row.removed) {
            status = store_remove(txn, table, row.key, err);
            status = status == ST_NOT_FOUND ? ST_OK : status;
        } else {
            status = store_put(txn, table, row.key, row.value, err);
        }
    }
    if (status == ST_OK) {
        status = audit_block_flush(&block, txn, err);
    }
    if (status == ST_OK && in_runs) {
        status = audit_run_end(&run, txn, err);
        return status == ST_OK ? audit_runs_merge(txn, table, end - first, err) : status;
    }
    return status;
}

enum status audit_views_write(struct audit_views *views, struct audit_log *log, struct store *store,
                              const struct audit_delta *delta, struct error *err)
{
    struct store_txn *txn = NULL;
    enum status status = store_begin_write(store, &txn, err);
    size_t count = audit_delta_count(delta);
    for (size_t first = 0, end = 0; status == ST_OK && first < count; first = end) {
        enum audit_table table = audit_delta_at(delta, first).table;
        end = audit_delta_seek(delta, (enum audit_table)(table + 1), (struct bytes){ 0 }, false);
        status = write_table(txn, delta, first, end, err);
    }
    if (status == ST_OK) {
        status = audit_views_put_state(views, log, txn, audit_delta_end(delta), err);
    }
    if (status == ST_OK) {
        status = store_commit(&txn, err);
    }
    store_abort(&txn);
    return status;
}
