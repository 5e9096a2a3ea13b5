// Whether one person's list is whole: fetched with everything that proves it, and checked here.
#pragma once

#include "person.h"

#include "proof/list.h"

// What was found. A check that failed is an answer, not an error.
struct whole {
    struct proof_checkpoint checkpoint; // the tree in which everything is proven
    struct proof_list list;             // counts, and what is wrong with the order
    bool has_epoch;
    uint64_t epoch;       // its number
    uint64_t epoch_index; // its entry
    uint64_t epoch_at;    // when it was made, ms
    uint64_t epoch_size;  // of the log that it is true for
    bool overdue;         // entries followed it long ago, and no epoch after it was shown
    struct digest epoch_root;
    bool absent;           // the map has nobody in the person's place
    struct bytes tag;      // of the person; empty without an epoch
    uint64_t forgotten_to; // entries before it may be forgotten: proven; 0: none
    const char *check;     // the name of the check that failed; NULL: none
    bool has_entry;        // the next one says where
    uint64_t entry;
    char message[ERROR_MESSAGE_BYTES];
};

// Called for each entry of the list that holds, newest first.
typedef void (*whole_entry)(void *context, uint64_t index, const struct wire_subject_part *subject);

// How old an epoch may become while entries follow it, if nothing else is said: the longest time
// between two that a broker can be set to, and an hour to make it.
enum { WHOLE_EPOCH_WITHIN_S = 25 * 60 * 60 };

// Fetches and checks until the end or the first check that fails. An error is what keeps it from
// checking at all: no connection, no memory, a broker that refuses to answer.
NODISCARD enum status whole_check(struct person *person, uint64_t within_s, whole_entry each,
                                  void *context, struct whole *whole, struct error *err);

// vedomo audit verify --subject - | --session FILE: checks, says what was found; call->failed when
// the list is not proven whole.
NODISCARD enum status whole_run(struct command_call *call, const char *session, uint64_t within_s,
                                struct error *err);
