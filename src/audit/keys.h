// The keys that the log has signed with, one after another; the journal owns them. The first stands
// in the table `meta` as "key"; each later one as "key 2", "key 3", … with the index of the entry
// that made it the log's key, the time until which the one before signs too, and a checkpoint
// signed by the one before that holds that entry: so the entry can be proven to whoever knows only
// the old key, however late. Rows are written in the commit of their entry.
//
// Threads: load, plan, write and adopt belong to the recorder; the rest to any thread.
#pragma once

#include "proof/ring.h"
#include "seal/sign.h"
#include "store/store.h"

struct audit_keys;

// `held` are the secret keys at hand, borrowed until destroy; the first begins a new log.
NODISCARD enum status audit_keys_create(const char *origin, const struct seal_signer *const *held,
                                        size_t count, struct audit_keys **keys, struct error *err);
void audit_keys_destroy(struct audit_keys **keys);

// The key that a new log begins with.
const struct digest *audit_keys_first(const struct audit_keys *keys);

// Reads the rows. ST_DENIED: a key that has to sign now is not at hand; the error names it.
NODISCARD enum status audit_keys_load(struct audit_keys *keys, struct store_txn *txn,
                                      struct error *err);

// All of them, oldest first.
void audit_keys_ring(const struct audit_keys *keys, struct proof_ring *ring);

// Appends the checkpoint, signed by every key whose turn it is.
void audit_keys_sign(const struct audit_keys *keys, const struct proof_checkpoint *checkpoint,
                     struct buffer *note);

// Another number whenever other keys sign than before.
unsigned audit_keys_signing(const struct audit_keys *keys);

// Parses a checkpoint that any of the keys has signed, now or earlier.
NODISCARD enum status audit_keys_open(const struct audit_keys *keys, struct bytes note,
                                      struct proof_checkpoint *checkpoint, struct error *err);

// The next append holds, at `place` of its batch, the entry that makes *signer the log's key.
// Consumes *signer. ST_EXISTS: it is one of the keys; ST_FULL: too many keys.
NODISCARD enum status audit_keys_plan(struct audit_keys *keys, struct seal_signer **signer,
                                      uint64_t both_until_ms, size_t place, struct error *err);
bool audit_keys_planned(const struct audit_keys *keys);
void audit_keys_drop_plan(struct audit_keys *keys);

// Writes the planned key's row into the batch's transaction: `first` is the index of the batch's
// first entry, `after` the checkpoint that the log will have.
NODISCARD enum status audit_keys_write(struct audit_keys *keys, struct store_txn *txn,
                                       uint64_t first, const struct proof_checkpoint *after,
                                       struct error *err);
// The row is durable: from now on the planned key signs.
void audit_keys_adopt(struct audit_keys *keys);

// Where key `number` (from 2) came from: its entry's index, and the checkpoint by the key before
// it, borrowed from `txn`. ST_NOT_FOUND: no such key.
NODISCARD enum status audit_keys_origin(struct store_txn *txn, unsigned number, uint64_t *index,
                                        struct bytes *note, struct error *err);
