// The broker's home on disk: configuration, keys, folders. Opened once, immutable afterwards.
#pragma once

#include "audit/vault.h"
#include "config/config.h"
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
    struct seal_identity broker; // CURVE and batch key
    struct seal_identity log;    // the log's signing key
    struct seal_identity master;
    struct seal_identity tag;
    struct audit_vault *vault;
    int lock;               // of HOME/lock: one broker at a time; 0: not taken
    char cards[PATH_MAX];   // folder of cards to enrol at the start
    char bundles[PATH_MAX]; // folder of policy bundles
};

// Opens HOME as `vedomo init` made it. The error names the file and what to do.
NODISCARD enum status broker_home_open(const char *path, struct broker_home *home,
                                       struct error *err);
void broker_home_close(struct broker_home *home);
