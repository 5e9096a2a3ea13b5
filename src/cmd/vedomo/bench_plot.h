// A picture of a run of 'bench exchange', as plain SVG without references to anything outside:
// throughput round by round, and latency by percentile, the full path next to the proxy.
#pragma once

#include "bench_report.h"

// Appends the picture.
void bench_plot(struct buffer *svg, const struct bench_run *bench);

// Writes it to a file; one that is there is replaced.
NODISCARD enum status bench_plot_write(const char *path, const struct bench_run *bench,
                                       struct error *err);
