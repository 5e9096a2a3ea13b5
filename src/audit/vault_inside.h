// Inside of the vault: its keys in memory (vault.c), their files (vault_file.c).
#pragma once

#include "audit/vault.h"

#include <limits.h>
#include <stdatomic.h>

struct vault_key {
    struct seal_secret *secret;
    atomic_bool forgotten;
};

// The keys of one generation, by month.
struct vault_generation {
    _Atomic(struct vault_key *) keys[AUDIT_KEY_MONTHS];
};

// Which key is in use: of the newest month that has exchanged one, or the lasting one.
struct vault_current {
    atomic_uint_fast32_t id;
    atomic_uint_fast64_t since; // the entry behind which it counts
};

struct audit_vault {
    char folder[PATH_MAX];
    struct seal_secret *wrap;
    struct vault_current month;
    struct vault_current lasting;
    struct {         // the next append's; recorder thread
        uint32_t id; // 0: none
        size_t place;
    } planned;
    atomic_bool forgotten[AUDIT_KEY_MONTHS]; // in this process: see keep() in vault.c
    // Each is made with the first key of it that is loaded, and stays until close, as its keys do.
    _Atomic(struct vault_generation *) generations[AUDIT_KEY_GENERATIONS];
};

static inline const struct digest *vault_secret_bytes(const struct seal_secret *secret)
{
    return (const struct digest *)seal_secret_view(secret).data;
}

void vault_key_destroy(struct vault_key **key);

// What the file of a key holds. ST_NOT_FOUND: there is none. ST_CORRUPT: it is damaged, wrapped by
// another master key, or of another id.
NODISCARD enum status vault_file_read(const struct audit_vault *vault, uint32_t key_id,
                                      struct vault_key *key, struct error *err);

// A new random key in a file of its own; durable when it returns, and there whole or not at all.
// ST_EXISTS: there is one.
NODISCARD enum status vault_file_make(const struct audit_vault *vault, uint32_t key_id,
                                      struct error *err);

// Overwrites the key, and then replaces the file by one that says so. ST_NOT_FOUND: there is none.
NODISCARD enum status vault_file_forget(const struct audit_vault *vault, uint32_t key_id,
                                        struct error *err);

// The generations of a month, or of the lasting key, that have files: bit g.
NODISCARD enum status vault_files_of(const struct audit_vault *vault, uint32_t month,
                                     uint64_t *generations, struct error *err);

// Overwrites and removes whatever else is of that month: the half of a file that was being
// replaced when the process ended, or a copy that somebody put there. *removed is added to.
NODISCARD enum status vault_files_sweep(const struct audit_vault *vault, uint32_t month,
                                        size_t *removed, struct error *err);
