// Whose word makes a checkpoint witnessed: a C2SP tlog-policy file. Logs and witnesses by key,
// groups with thresholds, one quorum. Broker, nodes and whoever checks receipts offline read the
// same file. Immutable once parsed: any thread.
#pragma once

#include "proof/note.h"

struct proof_policy;

enum {
    PROOF_POLICY_BYTES_MAX = 65536,
    PROOF_POLICY_LOGS_MAX = 32,
    PROOF_POLICY_GROUPS_MAX = 32, // witnesses: PROOF_WITNESSES_MAX
    PROOF_POLICY_URL_MAX = 1024,  // bytes of a URL
};

// One witness of a policy. Borrowed from it.
struct proof_policy_witness {
    struct bytes name; // within the policy alone: any bytes without white space
    const char *url;   // submission prefix; "": none is given
};

// Parses the whole file. `err` names the line. ST_MALFORMED: not a policy. ST_UNSUPPORTED: a key of
// a type that is not known here, or more than the bounds above.
NODISCARD enum status proof_policy_parse(struct bytes text, struct proof_policy **policy,
                                         struct error *err);
void proof_policy_destroy(struct proof_policy **policy);

// True when the policy names this log by one of these keys, one after another, and its name.
bool proof_policy_has_log(const struct proof_policy *policy, const struct proof_key *log,
                          size_t log_count);

// The witnesses in the file's order; keys[i] is that of witness i.
size_t proof_policy_witness_count(const struct proof_policy *policy);
const struct proof_policy_witness *proof_policy_witness_at(const struct proof_policy *policy,
                                                           size_t i);
const struct proof_key *proof_policy_keys(const struct proof_policy *policy);

// False for `quorum none`: then every signed checkpoint counts, and nothing is witnessed.
bool proof_policy_has_quorum(const struct proof_policy *policy);

// True when the witnesses i with cosigned[i] are a quorum; never for `quorum none`.
bool proof_policy_is_met(const struct proof_policy *policy, const bool *cosigned);

// What a policy says of a checkpoint.
struct proof_policy_finding {
    size_t witnesses; // of the policy's, how many have cosigned
    bool met;         // they are a quorum
    uint64_t time_s;  // the latest of their times; 0 without any
};

// Verifies the log's signature, by any one of its keys, and every cosignature by a witness of the
// policy. ST_UNPROVEN: one of them does not verify, the checkpoint is of another log, or the policy
// does not name the log.
NODISCARD enum status proof_policy_check(const struct proof_policy *policy, struct bytes note,
                                         const struct proof_key *log, size_t log_count,
                                         struct proof_checkpoint *checkpoint,
                                         struct proof_policy_finding *finding, struct error *err);
