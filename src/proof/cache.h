// Checkpoints that have been opened already. Receipts of one commit carry the same signed
// checkpoint; verifying its signature once is enough. Keyed by the note's bytes and the log's key,
// so what is found is exactly what was verified. Owned by one thread.
#pragma once

#include "proof/receipt.h"

struct proof_cache;

// Remembers the `capacity` (at least 1) checkpoints opened last. NULL: no memory.
NODISCARD struct proof_cache *proof_cache_create(size_t capacity);
void proof_cache_destroy(struct proof_cache **cache);

// As proof_checkpoint_open(), but verifies a note once.
NODISCARD enum status proof_cache_open(struct proof_cache *cache, struct bytes note,
                                       const struct proof_key *log,
                                       struct proof_checkpoint *checkpoint, struct error *err);

// As proof_receipt_verify() without witnesses, but verifies a checkpoint once.
NODISCARD enum status proof_cache_verify(struct proof_cache *cache,
                                         const struct proof_receipt *receipt,
                                         const struct proof_key *log, struct proof_proven *proven,
                                         struct error *err);

// How many signatures had to be verified so far.
uint64_t proof_cache_misses(const struct proof_cache *cache);
