// Keys of the bodies: random keys, one a month and more where it was exchanged (audit/body_key.h),
// and a lasting one for consents, governance and epochs. Each stands in a file of its own in
// HOME/keys/body/, wrapped by the master key, outside both environments. Forgetting a month means
// destroying all of its files.
//
// Threads: one (the recorder) makes keys; any thread reads. A key once loaded stays until close.
#pragma once

#include "audit/body_key.h"
#include "audit/entry.h"
#include "base/arena.h"
#include "seal/secret.h"

// Where the keys stand, within HOME.
#define AUDIT_VAULT_FOLDER "keys/body"

struct audit_vault;

// `folder` is HOME/keys/body and is made when missing. `master` (32 bytes) is read now only.
NODISCARD enum status audit_vault_open(const char *folder, const struct seal_secret *master,
                                       struct audit_vault **vault, struct error *err);
void audit_vault_close(struct audit_vault **vault);

// The first key for an entry of this class and time: what its month begins with, or the lasting
// one.
uint32_t audit_vault_key_id(enum wire_class class, uint32_t minutes);

// Makes the key where it is missing: a file and two syncs. The journal calls it; calling it ahead
// of a month's begin keeps that off the path of a commit. Recorder thread.
// ST_DENIED: the month has been forgotten. ST_IO: a later key of the month is missing; those are
// made by audit_vault_renew() alone.
NODISCARD enum status audit_vault_prepare(struct audit_vault *vault, uint32_t key_id,
                                          struct error *err);

// What a key is known by in the log: BLAKE2b(key, "vedomo/1 key mark\0"). Nothing of the key can be
// told from it.
struct digest audit_key_mark(const struct seal_secret *secret);
NODISCARD enum status audit_vault_mark(struct audit_vault *vault, uint32_t key_id,
                                       struct digest *mark, struct error *err);

// ---- a new key within the month

// The key that an entry of this class and time is put under now. Any thread.
uint32_t audit_vault_current(const struct audit_vault *vault, enum wire_class class,
                             uint32_t minutes);

// The entry behind which this key counts; 0: it is not in use, or the first one. Any thread.
uint64_t audit_vault_since(const struct audit_vault *vault, uint32_t key_id);

// From here on this key is in use: entry `since` of the log says so. In the order of the log.
// ST_CORRUPT: it does not follow the one that is.
NODISCARD enum status audit_vault_take(struct audit_vault *vault, uint32_t key_id, uint64_t since,
                                       struct error *err);

// Which key would come next in that month (AUDIT_KEY_LASTING: of the lasting one). ST_FULL: none.
NODISCARD enum status audit_vault_next(const struct audit_vault *vault, uint32_t month,
                                       uint32_t *key_id, struct error *err);

// Makes it; durable when this returns, and not in use yet. One that was made and never came into
// use is passed over. Recorder thread.
NODISCARD enum status audit_vault_renew(struct audit_vault *vault, uint32_t month, uint32_t *key_id,
                                        struct error *err);

// In the next append the entries behind `place` are put under this key, which audit_vault_renew()
// made; it is in use once that append is durable. Recorder thread.
void audit_vault_plan(struct audit_vault *vault, uint32_t key_id, size_t place);

// The journal's: the key for an entry of the append, and what became of it. `first`: the index of
// the append's first entry.
uint32_t audit_vault_key_at(const struct audit_vault *vault, enum wire_class class,
                            uint32_t minutes, size_t place);
void audit_vault_settle(struct audit_vault *vault, bool durable, uint64_t first);

// ---- bodies

// How many bytes audit_vault_seal_body() adds to a packed body.
enum { AUDIT_BOX_NONCE_BYTES = 24, AUDIT_BOX_TAG_BYTES = 16 };

// Seals a packed body under a prepared key: `nonce` random, `box` has plain.size + 16 bytes of
// room. AD = origin, index, leaf hash.
NODISCARD enum status audit_vault_seal_body(struct audit_vault *vault, uint32_t key_id,
                                            struct bytes origin, uint64_t index,
                                            const struct digest *leaf_hash, struct bytes plain,
                                            uint8_t nonce[AUDIT_BOX_NONCE_BYTES], uint8_t *box,
                                            struct error *err);

// Opens what audit_vault_seal_body() made, into `plain` (box.size - 16 bytes). ST_NOT_FOUND: its
// key has been forgotten under the retention rule. ST_IO: the key's file is missing or unreadable.
// ST_CORRUPT: key file or box is not what was written.
NODISCARD enum status audit_vault_open_body(struct audit_vault *vault, uint32_t key_id,
                                            struct bytes origin, uint64_t index,
                                            const struct digest *leaf_hash,
                                            const uint8_t nonce[AUDIT_BOX_NONCE_BYTES],
                                            struct bytes box, uint8_t *plain, struct error *err);

// Whether the key can be used. Errors as of audit_vault_open_body().
NODISCARD enum status audit_vault_check(struct audit_vault *vault, uint32_t key_id,
                                        struct error *err);

// Destroys all keys of a month for good, and says so in their places; whatever else the folder has
// of that month is overwritten and removed. The lasting key is refused (ST_DENIED). No body of that
// month opens afterwards, in this process either. Cut short at any instant it is finished by
// calling it again. ST_NOT_FOUND: that month has no key. ST_IO: something stays.
NODISCARD enum status audit_vault_forget(struct audit_vault *vault, uint32_t month,
                                         struct error *err);

// Wraps every key file anew, under another master key; no process may have the folder open. A file
// that is wrapped under the new one already is left as it is: a run that was interrupted is
// finished by the next. *wrapped: how many were. ST_CORRUPT: a file opens under neither; it is
// named, and the old master key is still needed.
NODISCARD enum status audit_vault_rewrap(const char *folder, const struct seal_secret *old_master,
                                         const struct seal_secret *new_master, size_t *wrapped,
                                         struct error *err);
