// Inside of the views: sorted runs, which hold the stored view's tables whose keys come in no order
// (citizens' lists, counters). Put in their place one by one, each of their rows would write a page
// of its own. So the rows of each commit become a run of their own, sorted, and runs of like size
// are merged into one, a little with every commit: a row is written a few times, always in company.
//
// A table of runs:   u8 run, key of the first row -> a page: rows (key and value), ascending
// AUDIT_TABLE_RUN:   u8 table -> the runs, oldest first, each u8 run, u8 into, u64 rows; those that
//                    are merged stand directly behind the one that they go into. Also their
//                    filters (audit/views_filter.h)
// Of rows with the same key that of the newest run counts. A run that is merged gives its lowest
// rows to the run it goes into, which is older in the list, in the transaction that adds them
// there: so at any time every key is found.
//
// Rows are never removed: what is forgotten goes when the views are renewed. Writing: the thread
// whose write transaction it is.
#pragma once

#include "audit/rows.h"
#include "store/store.h"

enum {
    AUDIT_RUNS_MAX = 64,         // of a table; merging keeps them far fewer
    AUDIT_RUNS_GROUP_MAX = 16,   // merged at once
    AUDIT_RUN_PAGE_BYTES = 4080, // what one page of the store takes
    AUDIT_RUN_KEY_MAX = 1 + AUDIT_TAG_BYTES + 8,
};

// How many bytes a row of such a table has.
struct audit_run_form {
    size_t key_bytes;
    size_t row_bytes; // with its key
};

// NULL: the table is not kept in runs.
const struct audit_run_form *audit_run_form(enum audit_table table);

struct audit_run {
    uint8_t number; // from 1
    uint8_t into;   // the run that it is being merged into; 0: none
    uint64_t rows;
};

// The runs of a table, oldest first.
struct audit_runs {
    enum audit_table table;
    size_t count;
    struct audit_run runs[AUDIT_RUNS_MAX];
};

// ST_CORRUPT: what stands there is no list of runs.
NODISCARD enum status audit_runs_load(struct store_txn *txn, enum audit_table table,
                                      struct audit_runs *runs, struct error *err);
NODISCARD enum status audit_runs_save(struct store_txn *txn, const struct audit_runs *runs,
                                      struct error *err);

// A number that no run of the list has; 0: there is none.
uint8_t audit_runs_unused(const struct audit_runs *runs);

// ST_CORRUPT: `page` is no page of that table and name (the key in the store).
NODISCARD enum status audit_run_page_check(enum audit_table table, struct bytes name,
                                           struct bytes page, struct error *err);

// The page in which `key` stands if the run has it: the last one that begins at or below it.
// ST_NOT_FOUND: the run begins above; the cursor is then at no page of use. Its pages may have been
// checked or not.
NODISCARD enum status audit_run_seek(struct store_cursor *cursor, enum audit_table table,
                                     uint8_t number, struct bytes key, struct bytes *page,
                                     struct error *err);

// The place in a page of the first row that is not below `key`; the number of rows: there is none.
size_t audit_run_lower(const struct audit_run_form *form, struct bytes page, struct bytes key);

// ---- writing

// Fills one run, in ascending order of keys. Zero but for table and number to begin with; may live
// longer than a transaction, once ended with audit_run_flush().
struct audit_run_writer {
    enum audit_table table;
    uint8_t number;
    uint64_t rows;
    size_t size;
    uint8_t page[AUDIT_RUN_PAGE_BYTES];
};

// `row`: key and value. ST_USAGE: not of the size that rows of this table have.
NODISCARD enum status audit_run_put(struct audit_run_writer *writer, struct store_txn *txn,
                                    struct bytes key, struct bytes value, struct error *err);
NODISCARD enum status audit_run_flush(struct audit_run_writer *writer, struct store_txn *txn,
                                      struct error *err);

// Begins a run that will be the newest one of its table.
NODISCARD enum status audit_run_begin(struct audit_run_writer *writer, struct store_txn *txn,
                                      enum audit_table table, struct error *err);
// Writes what is left and puts the run into the list. Nothing happens when it has no rows.
NODISCARD enum status audit_run_end(struct audit_run_writer *writer, struct store_txn *txn,
                                    struct error *err);

// Goes on merging runs of like size, for about as long as moving a few times `rows` rows takes:
// called with every run that is added, it keeps up with them.
NODISCARD enum status audit_runs_merge(struct store_txn *txn, enum audit_table table, uint64_t rows,
                                       struct error *err);
