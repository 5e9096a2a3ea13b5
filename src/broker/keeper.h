// The keeper's two halves: taking an order to forget a month, and carrying forward what still
// counts of it. Keeper thread only.
#pragma once

#include "broker/frames.h"
#include "broker/retention.h"

struct keeper {
    struct broker *broker;
    struct audit_reader *reader;
    struct audit_log *log;
    struct frame_maker maker;
    int64_t retry_ms; // monotonic: when to renew the views again after that failed; 0: not at all
};

// The month that is being forgotten.
struct keeping {
    uint32_t month;
    uint64_t from; // its first entry
    uint64_t to;   // the first entry behind it
    int64_t now_ms;
    uint64_t count; // of its entries whose contents go
};

// Has the recorder write what the job's record says, and waits. Orders that come meanwhile are
// told that one is under way. ST_CLOSED: the broker ends.
NODISCARD enum status keeper_record(struct keeper *keeper, struct job *job, struct error *err);

// Writes entries that carry forward what still counts of everything before keeping->to: the last
// entry of each citizen's list, and budgets.
NODISCARD enum status keeper_carry(struct keeper *keeper, const struct keeping *keeping,
                                   struct error *err);
