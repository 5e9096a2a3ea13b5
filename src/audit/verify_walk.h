// Inside of the checker: what its reading process does, and how it tells.
#pragma once

#include "audit/verify.h"
#include "proof/ring.h"

// One message over the pipe.
enum audit_tell_kind { AUDIT_TELL_FINDING = 1, AUDIT_TELL_PROGRESS, AUDIT_TELL_END };

struct audit_tell {
    enum audit_tell_kind kind;
    struct audit_finding finding;      // FINDING
    uint64_t done;                     // PROGRESS
    uint64_t total;                    // PROGRESS
    struct audit_verify_result result; // PROGRESS and END: so far
    struct error error;                // END: .status is ST_OK when it was checked
};

// Writes a message whole; ends the process when nobody listens any more. For the child.
void audit_tell_send(int pipe, const struct audit_tell *tell);

// Reads and checks everything, telling over `pipe`. The last message is END.
void audit_verify_walk(const struct audit_verify_options *options, const struct proof_ring *keys,
                       int pipe);
