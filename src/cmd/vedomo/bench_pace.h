// How requests are set off: each asker keeps a window of them under way (closed loop), or they come
// at a given rate whatever the answers do (open loop). Shared by the threads of one side; the main
// thread starts and ends a timed run.
#pragma once

#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/thread.h"
#include "bench_tally.h"

#include <stdatomic.h>

enum { BENCH_CROWD = 31, BENCH_WAKE_TAG = 62 }; // peers of a thread; tag of its eventfd

struct bench_pace {
    size_t askers;
    size_t window; // requests of one asker under way, at most
    uint64_t rate; // a second, by all askers; 0: closed loop
    atomic_bool running;
    atomic_bool ending;
    atomic_int_fast64_t begin_ns; // of the run
};

// A thread of askers or holders, as the main thread sees it.
struct bench_crew {
    struct bench_pace *pace;
    struct thread *thread;
    int wake;                 // eventfd: the pace has changed
    atomic_bool quiet;        // nothing is under way in this thread
    struct bench_tally tally; // the thread's
    struct bench_tally given; // the main thread's once `giving` is false again
    atomic_bool giving;       // the main thread waits for `tally`
    atomic_bool gone;         // the thread has ended: `tally` is the main thread's
    size_t askers;            // of this thread; 0: it holds
    uint64_t started;         // requests set off in this run (open loop)
    uint64_t run;             // that `started` belongs to: begin_ns
};

NODISCARD enum status bench_crew_init(struct bench_crew *crew, struct bench_pace *pace,
                                      size_t askers, struct error *err);
void bench_crew_fini(struct bench_crew *crew);

// The thread's: takes the wake-up back.
void bench_crew_woken(struct bench_crew *crew);

// Open loop: true while a request is due; *due_ns is when it was. Counts it as set off.
bool bench_crew_due(struct bench_crew *crew, int64_t now_ns, int64_t *due_ns);

// The thread's, at the end of each turn: whether nothing is under way in it; hands its tally over
// when the main thread waits for it, and begins a new one.
void bench_crew_rest(struct bench_crew *crew, bool quiet);

// When the thread must look again although nothing comes in, monotonic.
int64_t bench_crew_deadline_ms(const struct bench_crew *crew, int64_t now_ms);

// Main thread: starts or ends a run and wakes the crews.
void bench_pace_start(struct bench_pace *pace, struct bench_crew *crews, size_t count);
void bench_pace_stop(struct bench_pace *pace, struct bench_crew *crews, size_t count);

// All crews are quiet and no run is on.
bool bench_pace_quiet(const struct bench_pace *pace, const struct bench_crew *crews, size_t count);

// Adds the tallies up into *sum; each thread hands its own over and begins a new one.
void bench_pace_collect(struct bench_crew *crews, size_t count, struct bench_tally *sum);

// Ends the threads.
void bench_pace_end(struct bench_pace *pace, struct bench_crew *crews, size_t count);
