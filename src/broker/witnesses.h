// The witnesses of the log: what they vouch for, as the other threads see it. The thread that asks
// them is broker_witnesses_run(); nobody waits for it.
#pragma once

#include "broker/core.h"
#include "proof/policy.h"

// One version, immutable; in the cell broker->witnessed, whose object is NULL without a policy.
struct witnessed {
    uint64_t size;    // of the newest checkpoint with a quorum; 0: none yet
    uint64_t time_s;  // the latest of its cosignatures; 0: none
    size_t cosigners; // of it
    bool trial;       // witnesses on this host count
    bool has_quorum;  // the policy asks for one
    size_t count;     // witnesses of the policy that have a URL
    size_t local;     // of these, on this host
    size_t failing;   // of these, that gave no cosignature last time
    size_t note_size;
    uint8_t note[]; // the checkpoint
};

// Reads the policy file, finds this log in it, looks whether each witness with a URL can be asked.
// *policy is NULL when none is configured.
NODISCARD enum status broker_policy_read(const struct broker *broker, struct proof_policy **policy,
                                         struct error *err);
