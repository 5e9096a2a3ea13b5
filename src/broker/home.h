// The broker's home on disk: configuration, keys, folders. Opened once, immutable afterwards.
#pragma once

#include "audit/tag.h"
#include "audit/vault.h"
#include "config/config.h"
#include "proof/ring.h"
#include "registry/card.h"
#include "seal/keyfile.h"

#include <limits.h>

struct broker_home {
    char path[PATH_MAX];
    struct config *config;
    const struct config_vedomod *settings; // of `config`
    struct bytes origin;
    struct registry_pins registrar;
    struct registry_pins policy;
    struct seal_identity broker;               // CURVE and batch key
    struct seal_identity logs[PROOF_RING_MAX]; // the log's signing keys at hand
    size_t log_count;
    struct seal_identity master;
    struct seal_identity tags[AUDIT_TAG_KEYS_MAX]; // one after another, from version 1
    const struct seal_secret *tag_secrets[AUDIT_TAG_KEYS_MAX];
    size_t tag_count;
    struct audit_vault *vault;
    int lock;               // of HOME/lock: one broker at a time; 0: not taken
    char cards[PATH_MAX];   // folder of cards to enrol at the start
    char bundles[PATH_MAX]; // folder of policy bundles
};

// Opens HOME as `vedomo init` made it. The error names the file and what to do.
NODISCARD enum status broker_home_open(const char *path, struct broker_home *home,
                                       struct error *err);
// The same for reading only: beside a running broker too; nothing is locked or made, `vault` stays
// NULL.
NODISCARD enum status broker_home_read(const char *path, struct broker_home *home,
                                       struct error *err);
void broker_home_close(struct broker_home *home);

// ST_DENIED: a change of the master key has been begun and not finished.
NODISCARD enum status broker_home_settled(const struct broker_home *home, struct error *err);

// The log's key with this public half, from keys/log*.key as they are now; the caller's.
// ST_NOT_FOUND: it is not there. Any thread.
NODISCARD enum status broker_home_log_key(const struct broker_home *home, const struct digest *key,
                                          struct seal_signer **signer, struct error *err);

// Keeps the list of the log's public keys in HOME/log.keys, for whoever asks the folder.
NODISCARD enum status broker_home_keep_keys(const struct broker_home *home,
                                            const struct proof_ring *ring, struct error *err);
