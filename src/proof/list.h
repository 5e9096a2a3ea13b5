// Whether a person's list is whole: each entry follows the one before it without a gap, and the
// list is the one that an epoch's map commits to. Entries come newest first, as pages do; each has
// been proven to be in the log by its receipt before. Holds nothing but the last one. Pure.
#pragma once

#include "proof/map.h"

enum proof_list_fault {
    PROOF_LIST_GOOD = 0,
    PROOF_LIST_ORDER,     // an older number stands later in the log
    PROOF_LIST_GAP,       // a number is missing, or comes twice
    PROOF_LIST_LINK,      // the entry is not the one that the next one follows
    PROOF_LIST_HEAD,      // the last one that the epoch counts is another entry
    PROOF_LIST_UNCOUNTED, // older than the epoch, which does not count it
    PROOF_LIST_EARLY,     // counted by the epoch, but younger than it
    PROOF_LIST_CUT,       // the epoch counts more
    PROOF_LIST_BEGIN,     // the list does not begin where it should
    PROOF_LIST_FAULTS
};

// "order", "gap", …; static.
const char *proof_list_fault_name(enum proof_list_fault fault);

// Where the list should begin: the number of its first entry, and the leaf hash of the one before
// it (zero: there is none). A list from its beginning: { 1, zero }.
struct proof_list_start {
    uint64_t sequence;
    struct digest previous;
};

struct proof_list_entry {
    uint64_t index;          // in the log
    struct digest leaf_hash; // as its proof says
    uint64_t sequence;       // as its part says
    struct digest previous;  // as its part says
    uint64_t previous_index; // as its part says
    bool forgotten;          // it has no part any more: sequence is the broker's word
};

struct proof_list {
    struct proof_list_start start;
    bool committed;               // the map of an epoch says:
    struct proof_chain_head head; // how the list stood
    uint64_t map_size;            // in a log of that size
    bool begun;
    struct proof_list_entry last; // the oldest entry so far
    uint64_t entries;             // seen
    uint64_t after;               // of them, younger than the epoch: listed, not yet committed
    uint64_t forgotten;           // of the list, without contents
    enum proof_list_fault fault;  // the first that was found
    uint64_t fault_index;         // of the entry where it was found, when there is one
    bool fault_has_index;
};

// `head` NULL: there is no epoch yet. A head with count 0 says that there was no entry.
void proof_list_begin(struct proof_list *list, const struct proof_list_start *start,
                      const struct proof_chain_head *head, uint64_t map_size);

// The next older entry. ST_UNPROVEN: list->fault says what is wrong, `err` in words.
NODISCARD enum status proof_list_add(struct proof_list *list, const struct proof_list_entry *entry,
                                     struct error *err);

// All entries were there.
NODISCARD enum status proof_list_end(struct proof_list *list, struct error *err);
