// The request that a benchmark sends: all fields of one person, under the law or with a consent.
#pragma once

#include "base/buffer.h"
#include "bench_home.h"

enum { BENCH_SUBJECT_BYTES = 24 };

struct bench_wanted {
    const struct bench_home *home;
    struct id id;
    int64_t wall_ms;
    const char *asker; // codes of the members
    const char *holder;
    struct digest asker_announcement;
    struct digest holder_announcement;
    uint64_t person;
    const struct id *consent; // NULL: under the law
};

// How a person is called in the scheme BENCH_SCHEME.
void bench_subject(uint64_t person, char text[BENCH_SUBJECT_BYTES]);

// Replaces what `payload` holds.
NODISCARD enum status bench_request_pack(const struct bench_wanted *wanted, struct buffer *payload,
                                         struct error *err);

// Every field, in its full form; home->field_count of them. Borrowed from the home.
void bench_request_fields(const struct bench_home *home,
                          struct wire_field_ask fields[BENCH_FIELDS_MAX]);
