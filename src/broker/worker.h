// A worker's own things, and the handlers that it calls. Worker threads only.
#pragma once

#include "broker/directory.h"
#include "broker/exchange.h"
#include "broker/frames.h"
#include "broker/policy_bundle.h"
#include "seal/batch.h"

enum { WORKER_CONSENTS_MAX = 64 }; // that a decision looks at, as an officer's part can list

struct worker {
    struct broker *broker;
    // Room for one decision at a time.
    struct consent_grant *grants;    // WORKER_CONSENTS_MAX
    struct policy_counter *counters; // POLICY_COUNTERS_MAX
    struct arena *scratch;           // for one consent at a time
    struct policy_decision *decision;
    struct audit_reader *reader; // begun for each batch of jobs
    uint64_t seen_size;          // entries of the log that it sees
    struct seal_batch_cache *roots;
    struct frame_maker maker;
    struct buffer packed; // a part of an entry
    struct buffer normal; // an identifier, wiped after each use

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

// Decides an exchange's request as things stand now, into worker->decision, which stands until the
// next one. Views live in `arena`. `seen` (which may be NULL) gets what the decision looked at.
NODISCARD enum status worker_decide(struct worker *worker, const struct exchange *exchange,
                                    struct arena *arena, struct wire_officer_part *seen,
                                    struct error *err);

// Decides and fills in what the exchange keeps and what goes on record.
NODISCARD enum status worker_record_decision(struct worker *worker, struct job *job,
                                             const struct wire_request *request, struct error *err);
