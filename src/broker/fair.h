// The waiting line of new requests, fair between members: each member has a line of its own, and
// the lines take turns by deficit round robin in bytes, however many connections a member opens.
// Router thread only.
#pragma once

#include "base/error.h"
#include "broker/job.h"

struct fair;

// At most `limit_count` jobs and `limit_bytes` wait in all; one member may hold a quarter of each.
NODISCARD enum status fair_create(size_t limit_count, size_t limit_bytes, struct fair **fair,
                                  struct error *err);

// Jobs that still wait are destroyed.
void fair_destroy(struct fair **fair);

// Puts the job at the end of its member's line (job->from.member). ST_BUSY: the line or the whole
// is full, *job stays the caller's. NULL in *job after success.
NODISCARD enum status fair_push(struct fair *fair, struct job **job, struct error *err);

// The next job in turn; NULL when nothing waits. The caller owns it.
struct job *fair_pop(struct fair *fair);

size_t fair_count(const struct fair *fair);
