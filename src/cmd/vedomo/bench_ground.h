// What every benchmark begins with: limits of numbers, ports, descriptors, the processes looked
// after.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

// A number among a command's options.
struct bench_limit {
    uint64_t *value;
    uint64_t preset; // in place of 0
    uint64_t most;
    const char *name;
};

// Fills in presets. ST_USAGE: one is too large.
NODISCARD enum status bench_limits(const struct bench_limit *limits, size_t count,
                                   struct error *err);

// A port that nobody listens on just now.
NODISCARD enum status bench_free_port(unsigned *port, struct error *err);

// As many descriptors as the system lets this process have.
void bench_allow_descriptors(void);

// Lets this process and those it starts run on these processors only: "0,2-3". ST_USAGE: not such a
// list, or none of them is there.
NODISCARD enum status bench_pin(const char *cpus, struct error *err);

// Ends a process by its id, if *pid is one; *pid is 0 then. ST_IO: it did not end as a program that
// is well does; a sanitizer's report is among the reasons.
NODISCARD enum status bench_end(pid_t *pid, const char *name, struct error *err);

// ST_IO once the process has ended; *pid is 0 then. `name`: "the broker".
NODISCARD enum status bench_look_after(pid_t *pid, const char *name, struct error *err);
