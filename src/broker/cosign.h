// Which of the checkpoints that were offered to witnesses have whose cosignature, and which is the
// newest that a quorum stands behind. A witness may answer for a checkpoint that is not the newest
// any more: the last COSIGN_ROUNDS are kept. No network, no clock. Not for threads to share.
#pragma once

#include "proof/policy.h"
#include "proof/ring.h"

struct cosign;

enum { COSIGN_ROUNDS = 32, COSIGN_AHEAD_S = 60 };

// The policy is borrowed. NULL: no memory.
NODISCARD struct cosign *cosign_create(const struct proof_policy *policy);
void cosign_destroy(struct cosign **cosign);

// Begins a round for a published checkpoint, a note that one of the log's keys has signed;
// cosignatures on it are left out. Does nothing when the newest round is of that size. The oldest
// round goes when there are too many.
NODISCARD enum status cosign_offer(struct cosign *cosign, const struct proof_ring *log,
                                   struct bytes note, struct error *err);

// The newest round: its size and note with the log's signature alone. Size 0 and empty: none yet.
// Borrowed until the next offer.
uint64_t cosign_newest(const struct cosign *cosign, struct bytes *note);

// Takes what witness `place` of the policy answered for the round of `size`: verifies its
// cosignature, passes over lines of others. `counts`: it may be part of a quorum. ST_UNPROVEN,
// ST_MALFORMED: no cosignature by this witness on that checkpoint, or one from the future.
// ST_STALE: that round is gone.
NODISCARD enum status cosign_take(struct cosign *cosign, size_t place, uint64_t size,
                                  struct bytes answer, bool counts, uint64_t now_s,
                                  struct error *err);

// The newest checkpoint with a quorum. Borrowed until the next take.
struct cosign_quorum {
    uint64_t size;
    uint64_t time_s;   // the latest cosignature's
    size_t witnesses;  // how many have cosigned it
    struct bytes note; // with all their lines
};

// Size 0 and empty note: none yet.
struct cosign_quorum cosign_quorum(const struct cosign *cosign);
