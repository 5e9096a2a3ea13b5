// Keys of the bodies: one random key a month, and one lasting key for consents, governance and
// epochs. Each stands in a file of its own in HOME/keys/body/, wrapped by the master key, outside
// both environments. Forgetting a month means destroying its file.
//
// Threads: one (the recorder) makes keys; any thread reads. A key once loaded stays until close.
#pragma once

#include "audit/entry.h"
#include "base/arena.h"
#include "seal/secret.h"

// Where the keys stand, within HOME.
#define AUDIT_VAULT_FOLDER "keys/body"

struct audit_vault;

enum { AUDIT_KEY_LASTING = 0 }; // the lasting key's id; a month's id is its number (audit/month.h)

// `folder` is HOME/keys/body and is made when missing. `master` (32 bytes) is read now only.
NODISCARD enum status audit_vault_open(const char *folder, const struct seal_secret *master,
                                       struct audit_vault **vault, struct error *err);
void audit_vault_close(struct audit_vault **vault);

// The id of the key for an entry of this class and time.
uint32_t audit_vault_key_id(enum wire_class class, uint32_t minutes);

// Makes the key where it is missing: a file and two syncs. The journal calls it; calling it ahead
// of a month's begin keeps that off the path of a commit. Recorder thread.
// ST_DENIED: the month has been forgotten.
NODISCARD enum status audit_vault_prepare(struct audit_vault *vault, uint32_t key_id,
                                          struct error *err);

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

// Destroys a month's key for good, and says so in its place. The lasting key is refused
// (ST_DENIED). No body of that month opens afterwards, in this process either. Cut short at any
// instant it is finished by calling it again. ST_NOT_FOUND: that month has no key.
NODISCARD enum status audit_vault_forget(struct audit_vault *vault, uint32_t key_id,
                                         struct error *err);

// Wraps every key file anew, under another master key; no process may have the folder open. A file
// that is wrapped under the new one already is left as it is: a run that was interrupted is
// finished by the next. *wrapped: how many were. ST_CORRUPT: a file opens under neither; it is
// named, and the old master key is still needed.
NODISCARD enum status audit_vault_rewrap(const char *folder, const struct seal_secret *old_master,
                                         const struct seal_secret *new_master, size_t *wrapped,
                                         struct error *err);
