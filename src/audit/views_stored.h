// Inside of the views: the stored view's tables as one ordered list of rows each, whether a table
// stands in the store row by row or in sorted runs (audit/views_runs.h). Read transactions only; a
// walk is used by one thread, and what is returned is borrowed until its transaction ends.
#pragma once

#include "audit/rows.h"
#include "store/store.h"

// ST_NOT_FOUND: no such row (an answer, no message).
NODISCARD enum status audit_stored_get(struct store_txn *txn, enum audit_table table,
                                       struct bytes key, struct bytes *value, struct error *err);

struct audit_stored;

// A walk over a table, by ascending keys or (reverse) descending ones. It stands nowhere yet. Rows
// whose keys do not begin with `prefix` are met or left out, as is easiest. Whatever the store
// holds, a walk gives each key once and ends; ST_CORRUPT where that shows.
NODISCARD enum status audit_stored_open(struct store_txn *txn, enum audit_table table,
                                        struct bytes prefix, bool reverse,
                                        struct audit_stored **walk, struct error *err);
void audit_stored_close(struct audit_stored **walk); // before its transaction ends

// To the first row, in the direction of the walk, from `from` on (inclusive; empty: from the
// beginning). ST_NOT_FOUND: there is none.
NODISCARD enum status audit_stored_seek(struct audit_stored *walk, struct bytes from,
                                        struct bytes *key, struct bytes *value, struct error *err);
// To the one behind it. After ST_NOT_FOUND the walk is over.
NODISCARD enum status audit_stored_next(struct audit_stored *walk, struct bytes *key,
                                        struct bytes *value, struct error *err);
