// What a peer knows of the log: the newest checkpoint it has verified, kept in a file. Only peer.c
// uses it.
#pragma once

#include "peer/peer.h"
#include "proof/ring.h"

enum { PEER_PATH_BYTES = 4096 + 16 };

struct peer_trust {
    struct proof_ring ring;         // the log's keys: the pinned one and those that followed it
    struct proof_checkpoint newest; // size 0: none yet
    struct buffer note;             // its signed note
    const char *path;               // of the file that keeps it; NULL: none. Borrowed
    int64_t kept_ms;                // when it was kept last, monotonic
    bool unkept;                    // the file is behind
    struct buffer vouched;          // the newest checkpoint that the broker's witnesses cosigned
    uint64_t vouched_size;          // 0: none yet

    peer_key_order admit; // whether the registrar ordered a new key of the log; NULL: none counts
    const void *admit_argument;
    unsigned followed;                       // new keys of the log so far
    bool tags_proven[PEER_TAG_KEYS_MAX];     // key i + 1 of tags has been proven
    uint64_t tag_entries[PEER_TAG_KEYS_MAX]; // by this entry
};

// Loads what was kept. ST_CORRUPT: the file is no checkpoint of this log.
NODISCARD enum status peer_trust_init(struct peer_trust *trust, const char *log_vkey,
                                      const char *path, struct error *err);
void peer_trust_fini(struct peer_trust *trust);

// The keys that were kept beside the checkpoint, as "….keys". ST_CORRUPT: they are no such list, or
// the pinned key is not among them.
NODISCARD enum status peer_trust_load_keys(struct peer_trust *trust, struct error *err);

// Takes the changes of keys that the broker sends, each with its receipt. What is not proven stops
// there: nothing of it counts. Keeps a new key of the log in the file before this returns.
NODISCARD enum status peer_trust_follow(struct peer_trust *trust,
                                        const struct wire_receipt *receipts, size_t count,
                                        struct error *err);

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

// The broker says that witnesses have cosigned `note`, whose tree begins that of the newest
// checkpoint by `path`; an empty note: the newest one, if anybody but the log has signed it. Whose
// lines count is for the owner to say: only the log's signature and the proof are looked at here.
NODISCARD enum peer_verdict peer_trust_vouch(struct peer_trust *trust, struct bytes note,
                                             struct bytes path, struct error *err);

// Writes the newest checkpoint to the file unless it is there already or was written less than
// `every_ms` ago.
NODISCARD enum status peer_trust_keep(struct peer_trust *trust, int64_t every_ms,
                                      struct error *err);
