// Inside of the log: what it says about itself: format, origin, key, the terms of its writers.
#pragma once

#include "audit/record.h"

// Checks format and origin; on a fresh log with `create` writes them and the first key.
// ST_NOT_FOUND: there is no log yet. ST_DENIED: of another origin. ST_CORRUPT: without them.
NODISCARD enum status audit_meta_open(struct store_txn *txn, struct bytes origin,
                                      const struct digest *key, uint64_t size, bool create,
                                      struct error *err);

// Writes down the next term and gives it.
NODISCARD enum status audit_meta_take_term(struct store_txn *txn, uint64_t *term,
                                           struct error *err);

// The term taken last.
NODISCARD enum status audit_meta_term(struct store_txn *txn, uint64_t *term, struct error *err);
