// What a peer knows of the log: the newest checkpoint it has verified, kept in a file. Only peer.c
// uses it.
#pragma once

#include "proof/note.h"

struct peer_trust {
    struct proof_key log;
    struct proof_checkpoint newest; // size 0: none yet
    struct buffer note;             // its signed note
    const char *path;               // of the file that keeps it; NULL: none. Borrowed
    int64_t kept_ms;                // when it was kept last, monotonic
    bool unkept;                    // the file is behind
};

// Loads what was kept. ST_CORRUPT: the file is no checkpoint of this log.
NODISCARD enum status peer_trust_init(struct peer_trust *trust, const char *log_vkey,
                                      const char *path, struct error *err);
void peer_trust_fini(struct peer_trust *trust);

// What the broker claims.
struct peer_claim {
    struct bytes note;        // checkpoint, a signed note; empty: there is none
    uint64_t from;            // size that the proof starts from
    struct bytes consistency; // 32 bytes a step
};

// What becomes of a claim.
enum peer_verdict {
    PEER_HOLDS,   // verified, and newest now
    PEER_STRANGE, // not a checkpoint of this log, or a proof from elsewhere: worth a new greeting
    PEER_BROKEN   // the log was rolled back or forked: the peer must stop
};

// Checks the claim against the newest checkpoint. `err` says why it does not hold. A broken one is
// kept beside the checkpoint's file, as "….conflict": two signed notes that contradict each other.
NODISCARD enum peer_verdict peer_trust_advance(struct peer_trust *trust,
                                               const struct peer_claim *claim, struct error *err);

// Writes the newest checkpoint to the file unless it is there already or was written less than
// `every_ms` ago.
NODISCARD enum status peer_trust_keep(struct peer_trust *trust, int64_t every_ms,
                                      struct error *err);
