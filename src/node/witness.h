// Inside of the engine: whether what its node has verified is witnessed (node/witness.c).
#pragma once

#include "node/engine.h"
#include "node/trees.h"

// What is known of the log's witnesses; all zero without a policy.
struct node_witness {
    struct proof_policy *policy;
    struct node_trees *trees;
    size_t under_way;  // questions for proofs
    bool trial;        // the broker counts witnesses on its own host
    bool forked;       // another tree was cosigned than this node was shown
    bool alarmed;      // log.unwitnessed was raised and stands
    int64_t alarm_ms;  // when; monotonic
    int64_t looked_ms; // at ages
};

// Reads the policy; nothing without one. ST_USAGE: it is not a policy for this log.
NODISCARD enum status node_witness_open(struct node_engine *engine, struct error *err);
void node_witness_close(struct node_engine *engine);
void node_witness_heard(struct node_engine *engine); // a WELCOME or PROOF came
void node_witness_turn(struct node_engine *engine);

// `ending` of size 0: the decision is the ending.
enum node_vouch node_witness_of(const struct node_engine *engine, const struct node_tree *decision,
                                const struct node_tree *ending);
