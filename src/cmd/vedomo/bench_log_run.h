// What 'bench log' measures on its home. Everything here works on a home that is open with views,
// but for the functions that say otherwise.
#pragma once

#include "bench_log_home.h"
#include "bench_log_make.h"

enum { BENCH_LOG_MAKERS = 3 };

struct bench_log_run {
    struct bench_log_home home;
    struct bench_maker *makers[BENCH_LOG_MAKERS]; // they take turns, a batch each
    uint64_t subjects;
    size_t batch;
    bool person; // somebody watches: show progress
};

// The recorder's loop, with a worker and the indexer beside it.
struct bench_log_pace {
    uint64_t entries;
    double seconds;       // until the tail was back at nothing
    double pack_cpu_s;    // of the worker's thread
    double waited_s;      // of the recorder's: for the worker
    double place_s;       // heads of lists, what the worker cannot pack, the leaves
    double append_s;      // to the journal
    double rows_s;        // rows and publishing them
    double stalled_s;     // waiting for the tail to have room
    double apply_cpu_s;   // of the indexer's thread
    uint64_t tail_peak;   // entries
    uint64_t part_bytes;  // of all entries
    uint64_t commits;     // of the log
    uint64_t view_writes; // commits of the views
};

// The makers, each drawing its own persons; they make what each batch has.
NODISCARD enum status bench_log_makers(struct bench_log_run *run, struct error *err);
// Which persons they watch, see bench_maker_watch().
void bench_log_watch(struct bench_log_run *run, unsigned group, uint64_t every);

// Opens home and views, and the makers on them.
NODISCARD enum status bench_log_open(struct bench_log_run *run, struct bench_log_opened *opened,
                                     struct error *err);
void bench_log_close(struct bench_log_run *run);

// Appends until the log has `until` entries, and waits until the stored views have all.
NODISCARD enum status bench_log_grow(struct bench_log_run *run, uint64_t until,
                                     struct bench_log_pace *pace, struct error *err);

// Appending alone, in turns with a second log that is new, so that both meet the same machine.
struct bench_log_alone {
    uint64_t entries; // of each
    double fresh_s;   // audit_journal_append() on the new one
    double grown_s;   // and on this one
};
NODISCARD enum status bench_log_alone(struct bench_log_run *run, const char *folder,
                                      uint64_t entries, struct bench_log_alone *alone,
                                      struct error *err);

// A page of who viewed: the newest 20 of a person's list, bodies opened. Microseconds.
struct bench_log_page {
    double warm_p50_us;
    double warm_p99_us;
    double cold_p50_us;
    double cold_p99_us;
    size_t warm_count;
    size_t cold_count;
};
// `group`: the persons that were watched. The home is closed and opened again on the way.
NODISCARD enum status bench_log_pages(struct bench_log_run *run, unsigned group,
                                      struct bench_log_page *page, struct error *err);

// The map of all persons' lists, made from the lists, and again after some entries more, as each
// hour: from the run before it and those entries.
struct bench_log_epoch {
    uint64_t people;
    uint64_t entries; // between the two
    double lists_s;
    double next_s;
    double next_cpu_s;
};
NODISCARD enum status bench_log_epoch(struct bench_log_run *run, struct bench_log_epoch *epoch,
                                      struct error *err);

// A process that appends is killed by SIGKILL; then the home is opened. It is closed before.
NODISCARD enum status bench_log_kill(struct bench_log_run *run, struct bench_log_opened *opened,
                                     struct error *err);

// Removes the stored views and has them made again. The home is closed before, open afterwards.
NODISCARD enum status bench_log_rebuild(struct bench_log_run *run, struct bench_log_opened *opened,
                                        struct error *err);

// The checker over the whole log, in CPU time of its process.
struct bench_log_check {
    uint64_t entries;
    double seconds;
    double cpu_s;
};
enum bench_log_depth { BENCH_LOG_LEAVES, BENCH_LOG_BODIES, BENCH_LOG_VIEWS };
NODISCARD enum status bench_log_check(struct bench_log_run *run, enum bench_log_depth depth,
                                      struct bench_log_check *check, struct error *err);
