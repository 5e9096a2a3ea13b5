// The trees of the log that this node has verified (of receipts, of checkpoints that it was shown),
// and which of them lie inside one that a quorum of witnesses has cosigned. Until then what they
// prove is signed by the log alone. Pure: no clock, no connection. Owned by one thread.
#pragma once

#include "proof/policy.h"
#include "proof/ring.h"
#include "proof/tree.h"

struct node_trees;

enum { NODE_TREES_MAX = 4096 };

// A tree by size and root.
struct node_tree {
    uint64_t size; // 0: none
    struct digest root;
};

// The policy is borrowed. NULL: no memory.
NODISCARD struct node_trees *node_trees_create(const struct proof_policy *policy);
void node_trees_destroy(struct node_trees **trees);

// A tree whose checkpoint was verified at `now_ms` (monotonic). One that is known already stays as
// it is. With NODE_TREES_MAX waiting it is passed over: nothing will say of it that it is
// witnessed.
void node_trees_add(struct node_trees *trees, const struct node_tree *tree, int64_t now_ms);

// A checkpoint that the broker says is witnessed. ST_OK and *met: it is, by the policy, and is the
// newest from now on. ST_UNPROVEN: it does not verify, or another tree of its size was shown to
// this node: *forked. `log` are the log's keys.
NODISCARD enum status node_trees_take(struct node_trees *trees, struct bytes note,
                                      const struct proof_ring *log, bool *met, bool *forked,
                                      struct error *err);

// The newest witnessed checkpoint; size 0: none yet. *time_s: the latest of its cosignatures.
struct node_tree node_trees_witnessed(const struct node_trees *trees, uint64_t *time_s);

// A tree that is waited for, lies within the newest witnessed one by size, and was not asked for
// since `again_ms` ago. Marks it as asked at `now_ms`. False: there is none.
bool node_trees_next(struct node_trees *trees, int64_t now_ms, int64_t again_ms,
                     struct node_tree *tree);

// The proof that `tree` begins the witnessed one `into`. False: it does not hold.
bool node_trees_prove(struct node_trees *trees, const struct node_tree *tree,
                      const struct node_tree *into, struct bytes path);

bool node_trees_is_witnessed(const struct node_trees *trees, const struct node_tree *tree);

// Since when the oldest of those that are not witnessed waits; INT64_MAX: none does.
int64_t node_trees_waiting_ms(const struct node_trees *trees);
