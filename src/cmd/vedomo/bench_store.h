// The log and the views of a benchmark's home, opened without its broker: before it starts, to fill
// them, or after it has ended, to look at what it wrote.
#pragma once

#include "audit/tag.h"
#include "audit/views.h"
#include "bench_home.h"

struct bench_store {
    struct audit_vault *vault;
    struct audit_journal *journal;
    struct audit_views *views;
    struct audit_tagger *tagger;
};

// Begins a new log where there is none.
NODISCARD enum status bench_store_open(const struct bench_home *home, struct bench_store *store,
                                       struct error *err);
void bench_store_close(struct bench_store *store);

// Writes all that the tail holds into the stored views.
NODISCARD enum status bench_store_apply(struct bench_store *store, struct error *err);

// The tag of a person of BENCH_SCHEME.
struct audit_tag bench_store_tag(const struct bench_store *store, uint64_t person);
