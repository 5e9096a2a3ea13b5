// Inside of the views: filters of sorted runs. A filter tells of most keys, without a look into the
// run, that it has no row of theirs. It is made when a run is whole and then stays; what is merged
// out of the run stays in it, which costs a look and nothing else. Small runs, and those that are
// growing, have none.
//
// AUDIT_TABLE_RUN: u8 table, u8 run -> words of 64 bits, big-endian
#pragma once

#include "audit/rows.h"
#include "store/store.h"

// What filters are asked with: of a whole key; in tables of persons, of the tag that it begins with
// (whatever follows).
uint64_t audit_filter_hash(enum audit_table table, struct bytes key);

// Makes the filter of a run whose pages are all there. In place of one that it has.
NODISCARD enum status audit_filter_make(struct store_txn *txn, enum audit_table table,
                                        uint8_t number, uint64_t rows, struct error *err);
// Removes the run's filter, as far as it is there.
NODISCARD enum status audit_filter_drop(struct store_txn *txn, enum audit_table table,
                                        uint8_t number, struct error *err);

// A filter for a moment, borrowed from its transaction. Without one it may have everything.
struct audit_run_filter {
    struct bytes words;
};

NODISCARD enum status audit_filter_of(struct store_txn *txn, enum audit_table table, uint8_t number,
                                      struct audit_run_filter *filter, struct error *err);
// False: the run has no such row.
bool audit_filter_may_have(const struct audit_run_filter *filter, uint64_t hash);
