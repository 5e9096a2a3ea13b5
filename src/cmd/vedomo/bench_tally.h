// What a side of a benchmark counts: exchanges, what went wrong by reason, and how long each took.
// Owned by one thread; added up when the threads rest.
#pragma once

#include "base/bytes.h"

enum {
    BENCH_STEPS = 32,                   // of a doubling: latencies are kept to three per cent
    BENCH_LATENCIES = 42 * BENCH_STEPS, // up to 2^46 ns, about 19 hours
    BENCH_REASONS = 16,
    BENCH_REASON_BYTES = 48,
};

struct bench_reason {
    char code[BENCH_REASON_BYTES];
    uint64_t count;
};

struct bench_tally {
    uint64_t in_time;  // released while the clock ran
    uint64_t released; // in all
    uint64_t verified; // of these, opened and checked to the last byte
    uint64_t wrong;    // of these, what did not hold
    uint64_t lost;     // no answer of any kind
    uint64_t late;     // not sent for want of a place in the window (open loop)
    struct bench_reason reasons[BENCH_REASONS];
    char first_wrong[160]; // what was wrong first
    uint64_t latencies[BENCH_LATENCIES];
};

void bench_tally_latency(struct bench_tally *tally, int64_t ns);

// Counts one more that was refused, or told to wait, with this code.
void bench_tally_refused(struct bench_tally *tally, struct bytes code);

// Counts one whose check failed.
void bench_tally_wrong(struct bench_tally *tally, const char *why);

// Adds `part` to `sum`.
void bench_tally_add(struct bench_tally *sum, const struct bench_tally *part);

// All that were refused or told to wait.
uint64_t bench_tally_refusals(const struct bench_tally *tally);

// The latency that this share (0..1) of the exchanges did not exceed; 0 without any.
uint64_t bench_tally_percentile_ns(const struct bench_tally *tally, double share);
