// Inside of the views: what the writing and the reading side share.
#pragma once

#include <limits.h>
#include <stdatomic.h>

#include "audit/delta.h"
#include "audit/views.h"
#include "base/snapshot.h"
#include "store/store.h"

enum { AUDIT_TAIL_DELTAS_MAX = 64 };

// The deltas that the stored view may not have yet, oldest first; immutable.
struct audit_tail {
    uint64_t end; // entries of the log that stored view and tail show together
    size_t bytes;
    size_t count;
    struct audit_delta *deltas[AUDIT_TAIL_DELTAS_MAX];
};

struct audit_views {
    struct store *store;
    struct audit_journal *journal;
    struct audit_log *log;        // the indexer's, and at opening
    struct snapshot *tail;        // struct audit_tail
    atomic_uint_fast64_t applied; // entries that the stored view shows
    atomic_uint_fast64_t end;     // tail->end
    atomic_size_t tail_bytes;     // tail->bytes
    char folder[PATH_MAX];        // HOME/views
    char damaged[PATH_MAX];       // HOME/views.damaged: build again at the next opening
    struct digest origin;         // hash of the log's origin
};

// Leaves a mark for the next opening when the stored view has been found damaged. Passes the
// status through.
enum status audit_views_note(struct audit_views *views, enum status status);

// The number of entries that a transaction on the stored view shows; 0 on a fresh one.
NODISCARD enum status audit_views_applied(struct store_txn *txn, uint64_t *applied,
                                          struct error *err);
