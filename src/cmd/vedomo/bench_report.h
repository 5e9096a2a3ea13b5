// One run of 'bench exchange': what was asked for, and what each round measured.
#pragma once

#include "bench_arm.h"
#include "bench_layers.h"
#include "bench_proxy.h"
#include "output.h"

struct bench_options {
    uint64_t askers;
    uint64_t window;
    uint64_t holders;
    struct bench_shape shape;
    const char *registers;
    const char *against;
    uint64_t seconds;
    uint64_t rounds;
    uint64_t rate;
    uint64_t sample;
    bool layers;
    const char *cpus;
    const char *plot;
    const char *receipts;
    const char *label;
    const char *folder;
};

struct bench_run {
    struct bench_options options;
    struct bench_proxy proxy;
    struct bus_context *context;
    struct bench_arm arms[2]; // the second one with --against
    size_t arm_count;
    struct bench_bare_load *bare;
    struct bench_round *empty;  // the proxy's rounds
    struct bench_layers layers; // with --layers
    FILE *receipts;             // with --receipts
    char *differences;          // with --against: its words, which the second shape borrows
};

// What the layers are measured for, from the rounds.
struct bench_layers_run bench_report_layers_run(const struct bench_run *bench);

// Prints everything. *failed: something did not hold, or nothing was checked.
void bench_report(struct output *out, const struct bench_run *bench, bool *failed);
