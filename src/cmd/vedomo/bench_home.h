// A whole small federation made for one benchmark: keys, cards, a policy bundle, and a broker of
// its own in a child process, in a fresh folder that is removed at the end. Everything is
// synthetic.
#pragma once

#include <limits.h>
#include <sys/types.h>

#include "base/error.h"
#include "bench_folder.h"
#include "bus/context.h"
#include "peer/peer.h"
#include "seal/keyfile.h"

enum {
    BENCH_PEERS_MAX = 2048,
    BENCH_FIELDS_MAX = 64,
    BENCH_VALUE_MIN = 32,
    BENCH_VALUE_MAX = 8192,
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
    size_t field_count;          // of the dataset
    char field_names[BENCH_FIELDS_MAX][32];
    size_t value_bytes; // of each field's value
    uint64_t consents;  // exchanges are made with a consent, one a person; 0: under the law
    char register_path[PATH_MAX]; // holders read their values here; empty: they make them up
    pid_t broker_pid;             // 0: not running
    struct bench_folder folder;   // at `path`
};

struct bench_home_options {
    const char *folder;  // where the fresh folder is made
    const char *vedomod; // the program; NULL: beside the running one
    size_t askers;
    size_t holders;
    size_t agreements;  // beyond those that are used
    size_t fields;      // of the dataset; 0: 8
    size_t value_bytes; // 0: 64
    uint64_t consents;  // loaded before the broker starts, and used; 0: none
    uint64_t entries;   // in the log before the broker starts, beside the consents
    uint64_t subjects;  // persons in the holders' register
    bool sqlite;        // the register is a file
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

// Writes a card for one of the home's identities, signed by its registrar.
NODISCARD enum status bench_home_card(const struct bench_home *home,
                                      const struct seal_identity *identity, const char *path,
                                      struct error *err);

// The path of a program that stands beside the running one; `given` unless it is NULL.
NODISCARD enum status bench_program(const char *given, const char *name, char path[PATH_MAX],
                                    struct error *err);

// A peer of the federation, connected with the first step. `flow`: its own exchanges, NULL: it has
// none whose messages might be signed together.
NODISCARD enum status bench_home_peer(const struct bench_home *home, struct bus_context *context,
                                      const struct seal_identity *identity,
                                      const struct peer_flow *flow, struct peer **peer,
                                      struct error *err);
