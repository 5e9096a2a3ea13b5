// The full path under load: askers that sign requests and take releases, holders that answer, all
// as peers of the broker. Most answers carry boxes that were made ahead, so that the machine's time
// goes to the broker; a share of the exchanges is sealed, opened and checked as nodes do it:
// signatures, decision and release receipts, each box and its value.
#pragma once

#include <stdio.h>

#include "bench_home.h"
#include "bench_pace.h"

struct bench_load_options {
    struct bench_pace pace;
    size_t askers;     // of the home's, the first so many; 0: all
    uint64_t subjects; // persons that are asked about
    unsigned sample;   // one exchange of so many is checked whole
    bool record;       // keep some messages
    FILE *receipts;    // receipts of exchanges that are checked whole go there; NULL
};

struct bench_load;

// The announcement that a holder is known by.
const struct digest *bench_load_holder_hash(const struct bench_load *load, size_t number);

// Bytes of the frames of one exchange, on average.
struct bench_legs {
    size_t request; // heads
    size_t ask;
    size_t answer;
    size_t release;
    size_t boxes; // frame 2 of answer and release
};

// Connects and announces everybody; ready to run when it returns.
NODISCARD enum status bench_load_create(const struct bench_home *home, struct bus_context *context,
                                        const struct bench_load_options *options,
                                        struct bench_load **load, struct error *err);
void bench_load_destroy(struct bench_load **load);

void bench_load_start(struct bench_load *load);
void bench_load_stop(struct bench_load *load);
bool bench_load_quiet(const struct bench_load *load); // stopped, and all answers are there

// What was counted since the last call. While quiet.
void bench_load_collect(struct bench_load *load, struct bench_tally *tally);

// Messages that were kept on the way: payloads of ASK, and of RELEASE. Gives as many as there are,
// `most` at most; borrowed from the load. While quiet.
size_t bench_load_recorded(const struct bench_load *load, bool asks, struct bytes *messages,
                           size_t most);

// What was seen on the wire so far. While quiet. ST_NOT_FOUND: no exchange was checked yet.
NODISCARD enum status bench_load_legs(const struct bench_load *load, struct bench_legs *legs,
                                      struct error *err);
