// Who is affected when a key or an official was misused: people by reference, what was passed on,
// and the letters to them.
#pragma once

#include "entry_text.h"
#include "question.h"

// One access to one person's data. All views live in the report's arena.
struct breach_access {
    const struct wire_exchange_part *exchange; // the decision
    uint64_t index;
    uint64_t at_ms;
    bool passed_on; // it ended in a release: granted fields left
    struct breach_access *next;
};

struct breach_person {
    char reference[QUESTION_REFERENCE_BYTES];
    struct breach_access *accesses; // the newest first
    struct breach_access **end;
    uint64_t count;
};

struct breach_count {
    struct bytes name;
    uint64_t number;
};

struct breach {
    struct arena *arena;
    struct map *by_reference;
    struct map *by_field;
    struct map *by_day;
    struct breach_person **people;
    size_t people_count;
    struct breach_count **fields; // "dataset.field": how often it was passed on
    size_t field_count;
    struct breach_count **days; // "2026-11-21": accesses
    size_t day_count;
    uint64_t accesses;
    uint64_t passed_on; // accesses after which anything left
};

enum { BREACH_PEOPLE_MAX = 100000, BREACH_NAMES_MAX = 4096 };

NODISCARD enum status breach_init(struct breach *breach, struct error *err);
void breach_fini(struct breach *breach);

// Takes in a row of QUERY_ENTRIES with people. ST_FULL: more people than one report may have.
NODISCARD enum status breach_add(struct breach *breach, const struct wire_row *row,
                                 struct error *err);

// What a letter says besides the accesses.
struct breach_office {
    struct bytes member; // of the officer who writes: code
};

// Appends the letter to one person, in Russian and in English: facts, and what one can do.
void breach_letter(const struct breach_person *person, const struct breach_office *office,
                   const struct catalogue *catalogue, struct buffer *out);
