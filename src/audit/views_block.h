// Facets in the stored view: 63 to a block, so that a block is one page of the store; the entry's
// place in the log is its place there. What has no facet is zero.
#pragma once

#include "audit/facet.h"
#include "audit/views.h"
#include "store/store.h"

enum { AUDIT_BLOCK_FACETS = 63, AUDIT_BLOCK_BYTES = AUDIT_BLOCK_FACETS * AUDIT_FACET_BYTES };

// A block that is being filled. Zero to begin with.
struct audit_block {
    bool open;
    uint64_t number;
    size_t size; // up to the last facet
    uint8_t bytes[AUDIT_BLOCK_BYTES];
};

// Takes a row of AUDIT_TABLE_FACET, in order of keys; writes the block before when it begins the
// next one. The same row twice does no harm. Indexer thread.
NODISCARD enum status audit_block_add(struct audit_block *block, struct store_txn *txn,
                                      const struct audit_row *row, struct error *err);
NODISCARD enum status audit_block_flush(struct audit_block *block, struct store_txn *txn,
                                        struct error *err);

// A stored block without the facets of entries below `to`, but for those whose bodies last: into
// `kept`; *size 0: nothing is left.
NODISCARD enum status audit_block_keep(struct bytes key, struct bytes value, uint64_t to,
                                       uint8_t kept[AUDIT_BLOCK_BYTES], size_t *size,
                                       struct error *err);

// Calls `visit` for the entries [lowest, next), newest first, until it returns false, each with its
// facet (AUDIT_FACET_BYTES), all zero where there is none. `facet` is borrowed for the call. The
// reader has begun.
NODISCARD enum status
audit_reader_facets(struct audit_reader *reader, uint64_t next, uint64_t lowest,
                    bool (*visit)(uint64_t index, const uint8_t *facet, void *context),
                    void *context, struct error *err);
