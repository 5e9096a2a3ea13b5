// What stands in a benchmark's home before its broker starts: consents and other entries in the
// log, persons in the holders' register. Written past the broker, as its recorder would have
// written it, because a million consents at a desk would take hours.
#pragma once

#include "bench_home.h"
#include "sql/register.h"

// The id of that person's consent: one a person, all different.
struct id bench_consent_id(uint64_t person);

// Which of the askers has it.
static inline size_t bench_consent_asker(const struct bench_home *home, uint64_t person)
{
    return (size_t)(person % home->asker_count);
}

// Fills the home. With keys, cards and bundle in it, before the broker starts.
NODISCARD enum status bench_fill(struct bench_home *home, const struct bench_home_options *options,
                                 struct error *err);

// A connection to the register; NULL when it is no file.
NODISCARD enum status bench_register_open(const struct bench_home *home, struct sql_register **reg,
                                          struct error *err);
