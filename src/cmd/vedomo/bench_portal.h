// A portal of a benchmark's federation, in a process of its own.
#pragma once

#include "bench_home.h"

struct bench_portal {
    pid_t pid;    // 0: not running
    char url[64]; // of the public log: "http://127.0.0.1:PORT/log/"
};

// Writes its keys and configuration into the home and starts it. It listens when this returns; the
// log may take a moment to show. `program`: vedomo-portal; NULL: beside the running program.
NODISCARD enum status bench_portal_start(const struct bench_home *home, const char *program,
                                         struct bench_portal *portal, struct error *err);

// Stops it by its id. ST_IO: it did not end as a program that is well does.
NODISCARD enum status bench_portal_stop(struct bench_portal *portal, struct error *err);
