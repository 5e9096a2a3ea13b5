// One run of 'bench exchange': what was asked for, and what each round measured.
#pragma once

#include "bench_figures.h"
#include "bench_layers.h"
#include "bench_load.h"
#include "bench_proxy.h"
#include "output.h"

enum { BENCH_ROUNDS_MAX = 100 };

struct bench_options {
    uint64_t askers;
    uint64_t window;
    uint64_t holders;
    uint64_t agreements;
    uint64_t subjects;
    uint64_t seconds;
    uint64_t rounds;
    uint64_t rate;
    uint64_t sample;
    bool layers;
    const char *vedomod;
    const char *folder;
};

// One timed round.
struct bench_round {
    double seconds;
    double settle_s; // until all answers were there and the index had caught up
    uint64_t cpu_us; // of the broker, or the proxy
    struct bench_tally tally;
    struct bench_figures before; // the broker's
    struct bench_figures after;
    uint64_t rss_kb;
};

struct bench_run {
    struct bench_options options;
    struct bench_proxy proxy;
    struct bus_context *context;
    struct bench_home *home;
    struct peer *operator_;
    struct bench_load *load;
    struct bench_bare_load *bare;
    struct bench_legs legs;
    struct bench_round *full;   // one a round
    struct bench_round *empty;  // the proxy's
    struct bench_layers layers; // with --layers
};

// What the layers are measured for, from the rounds.
struct bench_layers_run bench_report_layers_run(const struct bench_run *bench);

// Prints everything. *failed: something did not hold, or nothing was checked.
void bench_report(struct output *out, const struct bench_run *bench, bool *failed);
