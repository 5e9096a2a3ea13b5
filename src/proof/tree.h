// The log's Merkle tree: RFC 6962 §2.1 (RFC 9162 §2.1 is the same tree). Node (level, position)
// covers leaves position·2^level .. (position+1)·2^level; it is complete in a tree of `size` leaves
// when (position+1)·2^level <= size. Paths go the leaf's sibling first. Nothing here locks or
// waits.
#pragma once

#include "base/bytes.h"
#include "base/error.h"

enum { PROOF_LEVELS = 64, PROOF_PATH_MAX = 64 };

// The right edge: roots of the perfect subtrees that the tree consists of.
struct proof_frontier {
    uint64_t size; // leaves
    struct digest
        nodes[PROOF_LEVELS]; // nodes[l] counts where bit l of size is set: node (l, (size>>l)-1)
};

// A path of hashes.
struct proof_path {
    struct digest steps[PROOF_PATH_MAX];
    size_t count;
};

// SHA-256 of nothing: the root of the empty tree.
struct digest proof_empty_root(void);

void proof_frontier_append(struct proof_frontier *frontier, const struct digest *leaf_hash);

// Adds a whole subtree of 2^height leaves by its root; the size is a multiple of that.
void proof_frontier_append_tree(struct proof_frontier *frontier, unsigned height,
                                const struct digest *root);
struct digest proof_frontier_root(const struct proof_frontier *frontier);

// What a batch of new leaves does to the tree: the new edge, the new root, and the inclusion proof
// of every new leaf in the new tree, from the old edge alone.
struct proof_batch;

// For batches of up to `max_leaves` (at least 1). NULL: no memory.
NODISCARD struct proof_batch *proof_batch_create(size_t max_leaves);
void proof_batch_destroy(struct proof_batch **batch);

// Computes for `count` (1..max_leaves) new leaf hashes behind `frontier`, which stays as it is.
// What the batch held before is gone.
void proof_batch_run(struct proof_batch *batch, const struct proof_frontier *frontier,
                     const struct digest *leaf_hashes, size_t count);

// The edge and the root after the batch. Borrowed until the next run.
const struct proof_frontier *proof_batch_frontier(const struct proof_batch *batch);
const struct digest *proof_batch_root(const struct proof_batch *batch);

// The inclusion proof of new leaf i (from 0 within the batch) in the new tree.
void proof_batch_path(const struct proof_batch *batch, size_t i, struct proof_path *path);

// A complete node that the batch has at hand: those at positions ((old size >> level) & ~1) and
// later. NULL: it has not. Tiles take their upper levels from here. Borrowed until the next run.
const struct digest *proof_batch_node(const struct proof_batch *batch, unsigned level,
                                      uint64_t position);

// Reads a complete node. Called in no order, at most 64·64 times a proof.
typedef enum status (*proof_reader)(void *context, unsigned level, uint64_t position,
                                    struct digest *node, struct error *err);

// The root of the tree of `size` leaves.
NODISCARD enum status proof_root(uint64_t size, proof_reader reader, void *context,
                                 struct digest *root, struct error *err);

// The edge of the tree of `size` leaves.
NODISCARD enum status proof_frontier_read(uint64_t size, proof_reader reader, void *context,
                                          struct proof_frontier *frontier, struct error *err);

// Inclusion of leaf `index` in the tree of `size`. ST_USAGE: index >= size.
NODISCARD enum status proof_inclusion(uint64_t index, uint64_t size, proof_reader reader,
                                      void *context, struct proof_path *path, struct error *err);

// Consistency between two sizes; empty from size 0 and between equal sizes. ST_USAGE: old > new.
NODISCARD enum status proof_consistency(uint64_t old_size, uint64_t new_size, proof_reader reader,
                                        void *context, struct proof_path *path, struct error *err);

// The number of steps that an inclusion proof has.
size_t proof_inclusion_length(uint64_t index, uint64_t size);

// The root that leaf and path lead to (RFC 9162 §2.1.3.2). `path` holds 32 bytes a step. False: the
// path has not the length that index and size give.
NODISCARD bool proof_inclusion_root(const struct digest *leaf_hash, uint64_t index, uint64_t size,
                                    struct bytes path, struct digest *root);

NODISCARD bool proof_inclusion_verify(const struct digest *leaf_hash, uint64_t index, uint64_t size,
                                      struct bytes path, const struct digest *root);

// RFC 9162 §2.1.4.2. Size 0 is consistent with everything, by an empty path.
NODISCARD bool proof_consistency_verify(uint64_t old_size, const struct digest *old_root,
                                        uint64_t new_size, const struct digest *new_root,
                                        struct bytes path);

// The path's bytes, 32 a step. Borrowed from the path.
struct bytes proof_path_view(const struct proof_path *path);

// A path from its bytes. False: not a whole number of steps, or more than PROOF_PATH_MAX.
NODISCARD bool proof_path_read(struct bytes bytes, struct proof_path *path);
