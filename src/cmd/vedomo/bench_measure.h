// Figures of the rounds of one federation, next to the proxy's of the same turns.
#pragma once

#include "bench_arm.h"

struct bench_view {
    const struct bench_round *full;
    const struct bench_round *empty; // the proxy's
    size_t rounds;
};

struct bench_spread {
    double median;
    double least;
    double greatest;
};

// One number of round `i`.
typedef double (*bench_measure)(const struct bench_view *view, size_t i, double argument);

struct bench_spread bench_spread_of(const struct bench_view *view, bench_measure figure,
                                    double argument);

double bench_over(double a, double b);                                         // a / b; 0 without b
double bench_grown(const struct bench_view *view, size_t i, const char *name); // of the broker's

// Those without a use for `argument` take any.
double bench_full_rate(const struct bench_view *view, size_t i, double argument);
double bench_proxy_rate(const struct bench_view *view, size_t i, double argument);
double bench_rate_ratio(const struct bench_view *view, size_t i, double argument);
double bench_full_cpu(const struct bench_view *view, size_t i, double argument); // us an exchange
double bench_proxy_cpu(const struct bench_view *view, size_t i, double argument);
double bench_cpu_ratio(const struct bench_view *view, size_t i, double argument);
double bench_full_latency(const struct bench_view *view, size_t i, double share); // us
double bench_proxy_latency(const struct bench_view *view, size_t i, double share);
// What the full path adds to the proxy's latency, us; less two commits of the same round: what a
// request takes besides carrying and recording it.
double bench_added_latency(const struct bench_view *view, size_t i, double share);
double bench_added_beyond_commits(const struct bench_view *view, size_t i, double share);
double bench_commit_rate(const struct bench_view *view, size_t i, double argument);
double bench_entries_of_commit(const struct bench_view *view, size_t i, double argument);
double bench_commit_us(const struct bench_view *view, size_t i, double argument);
double bench_signatures(const struct bench_view *view, size_t i, double argument);
double bench_settling(const struct bench_view *view, size_t i, double argument);
double bench_tail_left(const struct bench_view *view, size_t i, double argument);

enum bench_peak_of {
    BENCH_PEAK_WORKERS,
    BENCH_PEAK_RECORDER,
    BENCH_PEAK_ROUTER,
    BENCH_PEAK_TAIL,
    BENCH_PEAK_COMMIT_US,
    BENCH_PEAK_BATCH,
    BENCH_PEAK_RSS_KB,
};
double bench_peak(const struct bench_view *view, size_t i, double peak); // an enum bench_peak_of
