// What an officer asks for. Each field is explained at the same field of
// proto/vedomo/v1/control.proto.
#pragma once

#include "base/bytes.h"

// Filter.group: what entries are counted by.
enum wire_filter_group {
    WIRE_GROUP_NONE = 0,
    WIRE_GROUP_ASKER = 1,
    WIRE_GROUP_HOLDER = 2,
    WIRE_GROUP_DATASET = 3,
    WIRE_GROUP_PURPOSE = 4,
    WIRE_GROUP_BASIS = 5,
    WIRE_GROUP_VERDICT = 6,
    WIRE_GROUP_KIND = 7,
    WIRE_GROUP_OFFICIAL = 8,
    WIRE_GROUP_OFFICIAL_ROLE = 9,
    WIRE_GROUP_CASE = 10,
    WIRE_GROUP_SIGNER = 11,
    WIRE_GROUP_DAY = 12,
    WIRE_GROUP_MONTH = 13,
    WIRE_GROUP_REASON = 14,
    WIRE_GROUP_FIELD = 15,
    WIRE_GROUP_COUNT
};

// Filter.verdict: of a decision as a whole.
enum wire_filter_verdict {
    WIRE_VERDICT_ANY = 0,
    WIRE_VERDICT_ALL = 1,
    WIRE_VERDICT_SOME = 2,
    WIRE_VERDICT_NONE = 3
};

// Which entries an officer asks for. What is left out does not matter.
struct wire_filter {
    struct bytes asker;
    struct bytes holder;
    struct bytes official;
    struct bytes official_role;
    struct bytes dataset;
    struct bytes field;
    struct bytes purpose;
    uint32_t basis;
    uint32_t verdict;
    struct bytes reason;
    uint32_t entry_kind;
    struct bytes case_ref;
    struct digest signer;
    bool over_asked;
    const uint32_t *group;
    size_t group_count;
    bool people;
    struct bytes why;
};
