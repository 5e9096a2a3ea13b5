// A whole small federation made for one benchmark: keys, cards, a policy bundle, and a broker of
// its own in a child process, in a fresh folder that is removed at the end. Everything is
// synthetic.
#pragma once

#include <limits.h>
#include <sys/types.h>

#include "base/error.h"
#include "bus/context.h"
#include "peer/peer.h"
#include "seal/keyfile.h"

enum {
    BENCH_PEERS_MAX = 2048,
    BENCH_FIELDS = 8,
    BENCH_VALUE_BYTES = 64,
    BENCH_CONSENT_DAYS = 30,
    BENCH_CONSENT_USES = 100000,
};

#define BENCH_DATASET         "bench.record"
#define BENCH_SCHEME          "b"
#define BENCH_PURPOSE         "bench" // under the law
#define BENCH_CONSENT_PURPOSE "care"  // with a consent

// One asking or holding member with one node.
struct bench_member {
    struct seal_identity identity;
    char code[40];
};

struct catalogue;

struct bench_home {
    char path[PATH_MAX];
    char endpoint[64];
    char origin[64];
    char vkey[256];
    struct seal_identity registrar;
    struct seal_identity policy;
    struct seal_identity broker;
    struct seal_identity log;
    struct seal_identity master;
    struct seal_identity tag;
    struct seal_identity operator_;
    struct seal_identity portal;
    struct seal_identity desk;
    struct bench_member *askers;
    size_t asker_count;
    struct bench_member *holders;
    size_t holder_count;
    struct digest bundle_hash;
    struct catalogue *catalogue; // of the bundle
    pid_t broker_pid;            // 0: not running
};

struct bench_home_options {
    const char *folder;  // where the fresh folder is made
    const char *vedomod; // the program; NULL: beside the running one
    size_t askers;
    size_t holders;
    size_t agreements; // beyond those that are used
    unsigned port;
};

// Makes the folder and starts the broker; it serves, with the bundle applied, when this returns.
NODISCARD enum status bench_home_create(const struct bench_home_options *options,
                                        struct bus_context *context, struct bench_home **home,
                                        struct error *err);

// Stops the broker by its id. ST_IO: it did not end as a program that is well does; a sanitizer's
// report is among the reasons.
NODISCARD enum status bench_home_stop(struct bench_home *home, struct error *err);

// Stops the broker, unless that is done, and removes the folder.
void bench_home_destroy(struct bench_home **home);

// A peer of the federation, connected with the first step.
NODISCARD enum status bench_home_peer(const struct bench_home *home, struct bus_context *context,
                                      const struct seal_identity *identity, struct peer **peer,
                                      struct error *err);
