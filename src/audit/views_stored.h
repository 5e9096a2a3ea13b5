// Inside of the views: the stored view's tables as one ordered list of rows each, whether a table
// stands in the store row by row or in sorted runs (audit/views_runs.h). Read transactions only; a
// walk is used by one thread, and what is returned is borrowed until its transaction ends.
#pragma once

#include "audit/rows.h"
#include "audit/tag.h"
#include "audit/views_filter.h"
#include "audit/views_runs.h"
#include "store/store.h"

enum { AUDIT_STORED_LISTS = 2 }; // tables in runs

// What a transaction is read through: it keeps the lists of runs and their filters, which are
// looked at for each row, for as long as the transaction sees one state. Zero but for `txn` to
// begin with, and again for another transaction.
struct audit_stored {
    struct store_txn *txn;
    uint64_t state;
    struct audit_stored_list {
        bool known;
        bool filters_known;
        struct audit_runs runs;
        struct audit_run_filter filters[AUDIT_RUNS_MAX]; // as the runs
    } lists[AUDIT_STORED_LISTS];
};

// The transaction may see another state than before.
void audit_stored_resumed(struct audit_stored *stored);

// ST_NOT_FOUND: no such row (an answer, no message).
NODISCARD enum status audit_stored_get(struct audit_stored *stored, enum audit_table table,
                                       struct bytes key, struct bytes *value, struct error *err);

// The last row of a person's list. A run is newer than all before it, so the first one that has
// rows of the list, from the newest on, has its last one.
NODISCARD enum status audit_stored_head(struct audit_stored *stored, const struct audit_tag *tag,
                                        struct bytes *key, struct bytes *value, struct error *err);

// ---- walks

// A place in one run, or in a table row by row.
struct audit_stored_place {
    struct store_cursor *cursor;
    uint8_t number;
    bool has; // a row
    struct bytes page;
    size_t at; // of the row in the page
};

// A walk over a table, by ascending keys or (reverse) descending ones. Its room is the caller's.
struct audit_stored_walk {
    enum audit_table table;
    bool reverse;
    const struct audit_run_form *form; // NULL: row by row
    struct bytes key;                  // of the row at which it stands
    size_t count;
    struct audit_stored_place places[AUDIT_RUNS_MAX]; // newest first; row by row: one
};

// It stands nowhere yet. Rows whose keys do not begin with `prefix` are met or left out, as is
// easiest. Whatever the store holds, a walk gives each key once and ends; ST_CORRUPT where that
// shows. To be closed whatever comes back, before its transaction ends.
NODISCARD enum status audit_stored_open(struct audit_stored_walk *walk, struct audit_stored *stored,
                                        enum audit_table table, struct bytes prefix, bool reverse,
                                        struct error *err);
void audit_stored_close(struct audit_stored_walk *walk);

// To the first row, in the direction of the walk, from `from` on (inclusive; empty: from the
// beginning). ST_NOT_FOUND: there is none.
NODISCARD enum status audit_stored_seek(struct audit_stored_walk *walk, struct bytes from,
                                        struct bytes *key, struct bytes *value, struct error *err);
// To the one behind it. After ST_NOT_FOUND the walk is over.
NODISCARD enum status audit_stored_next(struct audit_stored_walk *walk, struct bytes *key,
                                        struct bytes *value, struct error *err);
