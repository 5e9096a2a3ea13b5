// What each layer of the full path costs the broker, in CPU time an exchange: its own functions run
// on the messages and the entries of the run that has just been measured, one layer after another,
// in this process. What they do not add up to (threads that hand over, wait and wake, memory,
// tables of the router) is the remainder, and is printed as one.
#pragma once

#include "bench_load.h"

enum { BENCH_LAYERS = 12 };

struct bench_layer {
    const char *name;  // "parse"
    const char *words; // what is in it
    double us;         // of CPU an exchange
};

struct bench_layers {
    struct bench_layer items[BENCH_LAYERS];
    size_t count;
};

// What the run was like, from the broker's own figures.
struct bench_layers_run {
    double entries_per_exchange;
    double entries_per_commit;
    double signatures_per_exchange; // verified with public-key work
};

// After the broker has ended: its home is opened here and grows.
NODISCARD enum status bench_layers_measure(const struct bench_home *home,
                                           const struct bench_load *load,
                                           const struct bench_layers_run *run,
                                           struct bench_layers *layers, struct error *err);

// ---- for the two files

void bench_layers_add(struct bench_layers *layers, const char *name, const char *words, double us);

struct bench_store;

// Those of the log.
NODISCARD enum status bench_layers_log(struct bench_store *store,
                                       const struct bench_layers_run *run,
                                       const struct bench_home *home, struct bench_layers *layers,
                                       struct error *err);
