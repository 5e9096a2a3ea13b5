// One federation of 'bench exchange': its broker, its nodes, and what its rounds measured. A run
// has one, or two that take turns.
#pragma once

#include "bench_figures.h"
#include "bench_load.h"

enum { BENCH_ROUNDS_MAX = 100 };

// What may differ between the two.
struct bench_shape {
    uint64_t agreements;
    uint64_t consents;
    uint64_t entries;
    uint64_t subjects;
    uint64_t fields;
    uint64_t value_bytes;
    bool sqlite;
    const char *vedomod; // the broker's program; NULL: beside this one
};

// The highest that was seen in a round, looked at every BENCH_LOOK_MS.
struct bench_peaks {
    uint64_t workers; // jobs in the queue to them
    uint64_t recorder;
    uint64_t router;
    uint64_t tail;    // entries
    uint64_t rss_kb;  // anonymous memory
    double commit_us; // mean of the commits between two looks
    double batch;     // entries a commit, the same
    uint64_t last_commits;
    uint64_t last_entries;
    uint64_t last_ns;
};

// One timed round.
struct bench_round {
    double seconds;
    double settle_s; // until all answers were there and the index had caught up
    uint64_t cpu_us; // of the broker, or the proxy
    struct bench_tally tally;
    struct bench_figures before; // the broker's
    struct bench_figures after;
    struct bench_peaks peaks;
};

struct bench_arm {
    struct bench_shape shape;
    struct bench_home *home;
    struct peer *operator_;
    struct bench_load *load;
    struct bench_legs legs;
    struct bench_round *rounds;
    uint64_t idle_kb;  // anonymous memory before the first round
    uint64_t after_kb; // and after the last
};

struct bench_arm_options {
    struct bench_home_options home; // all but the port and what is in the shape
    struct bench_load_options load;
    size_t rounds;
};

// Makes the federation, connects everybody, waits until the broker knows them all.
NODISCARD enum status bench_arm_open(struct bench_arm *arm, const struct bench_arm_options *options,
                                     struct bus_context *context, struct error *err);
void bench_arm_close(struct bench_arm *arm);

// Waits, keeping the operator's connection alive and looking after the broker.
NODISCARD enum status bench_arm_wait(struct bench_arm *arm, int64_t deadline_ms, struct error *err);

// A round of the full path: it is over when all answers are there and the index is where it was
// before.
NODISCARD enum status bench_arm_round(struct bench_arm *arm, int64_t ms, struct bench_round *round,
                                      struct error *err);
