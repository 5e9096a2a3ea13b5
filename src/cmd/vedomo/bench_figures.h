// What can be read of a running program from outside: the broker's own figures by name, and what
// the system counts of a process.
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "peer/peer.h"

enum { BENCH_FIGURES = 128 };

struct bench_figures {
    struct {
        char name[48];
        uint64_t number;
    } items[BENCH_FIGURES];
    size_t count;
};

// Asks the broker, as an operator.
NODISCARD enum status bench_figures_read(struct peer *operator_, struct bench_figures *figures,
                                         struct error *err);

uint64_t bench_figure(const struct bench_figures *figures, const char *name); // 0: not there

// How much a figure has grown.
uint64_t bench_figure_grown(const struct bench_figures *from, const struct bench_figures *to,
                            const char *name);

// CPU time of a process in microseconds, all its threads; 0: it has ended.
uint64_t bench_cpu_us(pid_t pid);

// Its anonymous memory in kilobytes.
uint64_t bench_rss_anon_kb(pid_t pid);

// The processor's name as the system gives it.
void bench_machine(char *model, size_t room, long *cores);
