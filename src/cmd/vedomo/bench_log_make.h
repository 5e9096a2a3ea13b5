// Entries for 'bench log', made as the broker's recorder makes them: half of them decisions about
// persons drawn at random, half the releases of the maker's batch before; each person's list is
// numbered and linked through the views.
#pragma once

#include "audit/rows.h"
#include "audit/views.h"

struct bench_maker;

enum { BENCH_WATCHED = 64, BENCH_PAGE_ROWS = 20 };

struct bench_maker_options {
    uint64_t subjects;
    size_t batch; // entries of one batch, even
    uint64_t seed;
};

NODISCARD enum status bench_maker_create(const struct bench_maker_options *options,
                                         struct bench_maker **maker, struct error *err);
void bench_maker_destroy(struct bench_maker **maker);

// Works on these views from now on. The reader of other ones is closed; NULL: of none, before they
// are closed.
NODISCARD enum status bench_maker_use(struct bench_maker *maker, struct audit_views *views,
                                      struct error *err);

// From now on each so manyth decision is about one of a group of BENCH_WATCHED persons, taking
// turns; 0: none is.
void bench_maker_watch(struct bench_maker *maker, unsigned group, uint64_t every);

// The person's tag: one of the watched group.
struct audit_tag bench_maker_watched(unsigned group, unsigned number);

// The batch in three steps, so that each can be timed, and done by the thread that does it in a
// broker. Packing draws the persons, looks at the heads of their lists, packs and hashes what needs
// no place in the log, as workers do; placing completes the entries for a log of `size`, and looks
// again at the heads that may have changed meanwhile; rows are those of the views. The releases are
// of what the maker's batch before has decided.
NODISCARD enum status bench_maker_pack(struct bench_maker *maker, struct error *err);
NODISCARD enum status bench_maker_place(struct bench_maker *maker, uint64_t size, uint32_t minutes,
                                        struct error *err);
NODISCARD enum status bench_maker_rows(struct bench_maker *maker, struct audit_rows **rows,
                                       struct error *err);

// What bench_maker_place() completed, until the next batch.
const struct audit_entry *const *bench_maker_entries(const struct bench_maker *maker,
                                                     size_t *count);
uint64_t bench_maker_part_bytes(const struct bench_maker *maker); // of all parts of the batch
