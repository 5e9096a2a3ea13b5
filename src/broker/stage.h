// What is about to be committed: one batch of entries, and the state of log, registry and bundle as
// it will be once they are durable. A job later in the batch sees what the earlier ones change. The
// whole is thrown away when the commit fails. Recorder thread only.
#pragma once

#include "broker/core.h"

struct stage;

NODISCARD enum status stage_create(struct broker *broker, struct stage **stage, struct error *err);
void stage_destroy(struct stage **stage);

// Begins a batch: sees the log as it is now.
NODISCARD enum status stage_begin(struct stage *stage, struct error *err);

// Checks the job's record against everything that stands and, if it may go in, makes its entry and
// adds it. Otherwise sets job->record.result (and err, reason, earlier). An entry that was added
// leaves result at RECORD_PENDING until stage_done(). A job takes one entry and record.also_count
// more, together at most AUDIT_BATCH_MAX in a batch.
void stage_add(struct stage *stage, struct job *job);

size_t stage_count(const struct stage *stage);
const struct audit_entry *const *stage_entries(const struct stage *stage);
uint64_t stage_size(const struct stage *stage); // of the log before the batch

// Right before the append: what the journal has to do in the same commit.
NODISCARD enum status stage_plan(struct stage *stage, struct error *err);

// After the commit: publishes rows, swaps registry and bundle, fills in every added record; the
// receipts of jobs that go straight to the router view the commit, unless they are decisions'. A
// failure here means that readers could miss what is durable: the process has to stop.
NODISCARD enum status stage_done(struct stage *stage, struct audit_commit *commit,
                                 struct error *err);

// The commit failed: every added record gets RECORD_FAILED with the error.
void stage_failed(struct stage *stage, const struct error *why);

// Ends the batch. Call it after either of the two.
void stage_end(struct stage *stage);
