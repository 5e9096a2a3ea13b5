// What an officer's part lists: consents and budgets that were looked at, and what is carried
// forward. Each field is explained at the same field of proto/vedomo/v1/entry.proto. Absent is all
// zero, empty or NULL. What a decoded struct views lives in the arena that it was decoded into.
#pragma once

#include "base/bytes.h"

struct wire_consent_seen {
    struct id id;
    uint32_t revision;
    struct digest hash;
    uint32_t uses;
};

struct wire_counter_seen {
    struct digest key;
    uint64_t value;
    uint64_t until;
};

struct wire_carried_head {
    struct bytes tag;
    uint64_t sequence;
    uint64_t index;
    struct digest leaf_hash;
    uint32_t minutes;
    uint32_t kind;
};

// Which key follows which, in the public part.
struct wire_key_change {
    uint32_t what;
    uint32_t number;
    struct digest old_key;
    struct digest new_key;
    uint64_t both_until;
};
