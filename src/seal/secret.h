// Key material: in guarded memory that is not swapped or dumped, wiped at the end, compared in
// constant time. Long-lived secrets only: each one costs pages of its own. Keys that live for one
// message are a `struct digest` on the stack and end in seal_wipe().
#pragma once

#include "base/bytes.h"
#include "base/error.h"

struct seal_secret;

// `size` (1..4096) fresh random bytes.
NODISCARD enum status seal_secret_random(size_t size, struct seal_secret **secret,
                                         struct error *err);

// A copy of the bytes (1..4096). The caller wipes its own.
NODISCARD enum status seal_secret_copy(struct bytes bytes, struct seal_secret **secret,
                                       struct error *err);

// Wipes, frees, clears the pointer; NULL is fine.
void seal_secret_destroy(struct seal_secret **secret);

// The bytes, for the doors that need them. Borrowed until seal_secret_destroy().
struct bytes seal_secret_view(const struct seal_secret *secret);

// Constant time for secrets of one size.
bool seal_secret_equal(const struct seal_secret *a, const struct seal_secret *b);

// False where the system refused to lock the memory (RLIMIT_MEMLOCK): it might reach a swap device.
bool seal_secret_is_locked(const struct seal_secret *secret);

// Subkey `id` of a 32-byte master key for one purpose (1..8 characters): crypto_kdf of libsodium,
// which is BLAKE2b keyed by the master, salted by the id, personalised by the purpose. 32 bytes.
NODISCARD enum status seal_kdf(const struct seal_secret *master, const char *purpose, uint64_t id,
                               struct seal_secret **subkey, struct error *err);

// Zeroes memory in a way that the compiler keeps.
void seal_wipe(void *memory, size_t size);
