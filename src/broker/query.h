// Questions to the broker: who may ask what, and the answers. Reader threads only.
#pragma once

#include "audit/log.h"
#include "broker/directory.h"
#include "broker/frames.h"
#include "broker/policy_bundle.h"

struct epoch_now;

// A reader's own things.
struct desk {
    struct broker *broker;
    struct audit_log *log;       // begun for each job
    struct audit_reader *reader; // begun for each job
    struct frame_maker maker;
    struct buffer body;    // frame 2 of the result
    struct arena *scratch; // for one entry at a time

    // Pinned for each job.
    const struct registry *registry;
    const struct policy_bundle *bundle; // NULL before the first
    const struct directory *directory;
    const struct epoch_now *epoch; // NULL before the first
    uint64_t size;                 // of the log
};

// Answers a QUERY: fills `result` and desk->body, which hold everything the reader may see. Where
// the look itself has to go on record first, job->record is filled in; the result is sent once it
// is there.
NODISCARD enum status query_answer(struct desk *desk, struct job *job, struct wire_result *result,
                                   struct error *err);
