// What a log hands its witnesses (C2SP tlog-witness, add-checkpoint): the body, and what a witness
// has to answer. No network, no files: witness/server.h has those.
#pragma once

#include "proof/note.h"
#include "proof/tree.h"

enum {
    PROOF_SUBMISSION_STEPS_MAX = 63,
    PROOF_SUBMISSION_MAX = PROOF_NOTE_MAX + 8192, // bytes of a body
};

// A body taken apart. `note` borrows from it.
struct proof_submission {
    uint64_t old_size;      // of the checkpoint that the witness is believed to have
    struct proof_path path; // consistency proof from there
    struct bytes note;      // the checkpoint
};

// Strict: line feeds, canonical numbers and base64. ST_MALFORMED otherwise.
NODISCARD enum status proof_submission_parse(struct bytes body, struct proof_submission *submission,
                                             struct error *err);

// Appends the body. `path` is 32 bytes a step.
void proof_submission_write(uint64_t old_size, struct bytes path, struct bytes note,
                            struct buffer *out);

// What a witness answers: the HTTP status that the specification gives.
enum proof_verdict {
    PROOF_COSIGN = 200,    // record the checkpoint, then cosign it
    PROOF_BAD = 400,       // malformed, or the old size is above the new one
    PROOF_FORBIDDEN = 403, // not signed by a key that is trusted for this log
    PROOF_UNKNOWN = 404,   // no log of that origin is watched
    PROOF_CONFLICT = 409,  // the latest size is another; the answer says which
    PROOF_REFUTED = 422    // the proof does not hold, or it is another tree
};

// A log that a witness watches.
struct proof_watched {
    const struct proof_key *keys;   // any one of them must have signed; all have the origin as name
    size_t key_count;               // 1 to PROOF_WATCHED_KEYS_MAX
    struct proof_checkpoint latest; // cosigned last; size 0: none yet
};

enum { PROOF_WATCHED_KEYS_MAX = 4 };

// Finds the log that the submission is about and judges it. *place is the log's, and *next its new
// latest checkpoint, for PROOF_COSIGN; *place also for PROOF_CONFLICT. `err` has the reason else.
NODISCARD enum proof_verdict proof_submission_judge(const struct proof_submission *submission,
                                                    const struct proof_watched *logs,
                                                    size_t log_count, size_t *place,
                                                    struct proof_checkpoint *next,
                                                    struct error *err);
