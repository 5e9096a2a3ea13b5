// A legal hold. Each field is explained at the same field of proto/vedomo/v1/entry.proto.
#pragma once

#include "base/bytes.h"

// Hold.state.
enum wire_hold_state { WIRE_HOLD_SET = 1, WIRE_HOLD_LIFTED = 2 };

// A legal hold: entries that must not be forgotten while a case goes on.
struct wire_hold {
    struct id id;
    struct bytes name;
    struct bytes tag;
    struct bytes member;
    uint64_t since;
    uint64_t until;
    uint32_t state;
    struct bytes set_by;
    struct bytes set_node;
    uint64_t set_at;
    struct bytes lifted_by;
    struct bytes lifted_node;
    uint64_t lifted_at;
    uint64_t index;
    uint64_t lifted_index;
};
