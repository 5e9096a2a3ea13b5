// A worker's own things, and the handlers that it calls. Worker threads only.
#pragma once

#include "broker/directory.h"
#include "broker/exchange.h"
#include "broker/frames.h"
#include "broker/policy_bundle.h"
#include "seal/batch.h"

enum { WORKER_CONSENTS_MAX = 256 }; // of one person, that a decision looks at

struct worker {
    struct broker *broker;
    struct wire_consent_record *records; // room for WORKER_CONSENTS_MAX, for one decision at a time
    struct consent_grant *grants;
    struct audit_reader *reader; // begun for each batch of jobs
    struct seal_batch_cache *roots;
    struct frame_maker maker;

    // Pinned for each batch of jobs.
    const struct registry *registry;
    const struct policy_bundle *bundle; // NULL before the first
    const struct directory *directory;
    int64_t now_ms;
};

// Checks and decides a REQUEST (verified already) and fills in the job's exchange and record. What
// cannot be decided becomes a reply. `again`: the exchange stands, only the decision is made anew.
void worker_request(struct worker *worker, struct job *job, bool again);

// Checks an ANSWER against its exchange and fills in the record of the release, or of the refusal.
void worker_answer(struct worker *worker, struct job *job);

// Decides an exchange's request as things stand now. Views live in `arena`.
NODISCARD enum status worker_decide(struct worker *worker, const struct exchange *exchange,
                                    struct arena *arena, struct policy_decision *decision,
                                    struct wire_officer_part *seen, struct error *err);

// Decides and fills in what the exchange keeps and what goes on record.
NODISCARD enum status worker_record_decision(struct worker *worker, struct job *job,
                                             const struct wire_request *request, struct error *err);

// The row of the COUNTER table.
struct digest worker_counter_key(const struct policy_counter *counter, const struct audit_tag *tag);
