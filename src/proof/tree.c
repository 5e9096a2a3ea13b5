// The log's Merkle tree. Three ways to its nodes: the right edge (append and root), a batch (new
// leaves on top of an edge, with their proofs), and a reader of complete nodes (proofs of old
// entries). Nodes that cover an incomplete range are folded from complete ones.
#include "proof/tree.h"

#include "seal/hash.h"

#include <assert.h>
#include <stdlib.h>

struct digest proof_empty_root(void)
{
    return seal_sha256((struct bytes){ 0 });
}

void proof_frontier_append(struct proof_frontier *frontier, const struct digest *leaf_hash)
{
    proof_frontier_append_tree(frontier, 0, leaf_hash);
}

void proof_frontier_append_tree(struct proof_frontier *frontier, unsigned height,
                                const struct digest *root)
{
    struct digest node = *root;
    unsigned level = height;
    assert(frontier->size % ((uint64_t)1 << height) == 0);
    while ((frontier->size >> level & 1) != 0) {
        node = seal_node_hash(&frontier->nodes[level], &node);
        level++;
    }
    frontier->nodes[level] = node;
    frontier->size += (uint64_t)1 << height;
}

// Folds the edge's subtrees below `level` from the right; false when there are none.
static bool fold_edge(const struct proof_frontier *frontier, unsigned level, struct digest *folded)
{
    bool some = false;
    for (unsigned l = 0; l < level; l++) {
        if ((frontier->size >> l & 1) != 0) {
            *folded = some ? seal_node_hash(&frontier->nodes[l], folded) : frontier->nodes[l];
            some = true;
        }
    }
    return some;
}

struct digest proof_frontier_root(const struct proof_frontier *frontier)
{
    struct digest root;
    return fold_edge(frontier, PROOF_LEVELS, &root) ? root : proof_empty_root();
}

// Nodes of one level, beginning at an even position.
struct batch_level {
    uint64_t first; // position of nodes[0]
    size_t count;   // complete nodes in the new tree
    struct digest *nodes;
};

struct proof_batch {
    size_t max_leaves;
    uint64_t old_size;
    size_t count;
    unsigned level_count; // levels that have a node beside or above the new leaves
    struct batch_level levels[PROOF_LEVELS];
    struct digest partial[PROOF_LEVELS]; // [l]: the leaves behind the last complete node of level l
    bool has_partial[PROOF_LEVELS];
    struct proof_frontier frontier;
    struct digest root;
    struct digest *storage;
};

// Room on level l for batches of `max_leaves`: an even start, the end, and what lies between.
static size_t level_room(size_t max_leaves, unsigned level)
{
    return (level < 8 * sizeof(size_t) ? max_leaves >> level : 0) + 3;
}

struct proof_batch *proof_batch_create(size_t max_leaves)
{
    assert(max_leaves >= 1);
    struct proof_batch *batch = calloc(1, sizeof(*batch));
    if (batch == NULL) {
        return NULL;
    }
    size_t room = 0;
    for (unsigned l = 0; l < PROOF_LEVELS; l++) {
        room += level_room(max_leaves, l);
    }
    batch->storage = calloc(room, sizeof(batch->storage[0]));
    if (batch->storage == NULL) {
        free(batch);
        return NULL;
    }
    batch->max_leaves = max_leaves;
    size_t used = 0;
    for (unsigned l = 0; l < PROOF_LEVELS; l++) {
        batch->levels[l].nodes = batch->storage + used;
        used += level_room(max_leaves, l);
    }
    return batch;
}

void proof_batch_destroy(struct proof_batch **batch)
{
    if (*batch != NULL) {
        free((*batch)->storage);
        free(*batch);
        *batch = NULL;
    }
}

// Where level l begins: at an even position, so that the sibling of its first new node is there.
static void begin_level(struct proof_batch *batch, const struct proof_frontier *old, unsigned l)
{
    struct batch_level *level = &batch->levels[l];
    level->first = (old->size >> l) & ~UINT64_C(1);
    level->count = 0;
    if ((old->size >> l & 1) != 0) {
        level->nodes[level->count++] = old->nodes[l];
    }
}

void proof_batch_run(struct proof_batch *batch, const struct proof_frontier *frontier,
                     const struct digest *leaf_hashes, size_t count)
{
    assert(count >= 1 && count <= batch->max_leaves);
    uint64_t new_size = frontier->size + count;
    batch->old_size = frontier->size;
    batch->count = count;
    begin_level(batch, frontier, 0);
    memcpy(batch->levels[0].nodes + batch->levels[0].count, leaf_hashes,
           count * sizeof(leaf_hashes[0]));
    batch->levels[0].count += count;
    unsigned l = 0;
    while ((new_size - 1) >> l != 0) {
        const struct batch_level *below = &batch->levels[l++];
        struct batch_level *level = &batch->levels[l];
        begin_level(batch, frontier, l);
        // The level below begins with the children of what comes behind the old nodes here.
        for (size_t i = 0; i + 1 < below->count; i += 2) {
            level->nodes[level->count++] = seal_node_hash(&below->nodes[i], &below->nodes[i + 1]);
        }
    }
    batch->level_count = l + 1;
    batch->frontier.size = new_size;
    for (l = 0; l < PROOF_LEVELS && new_size >> l != 0; l++) {
        if ((new_size >> l & 1) != 0) {
            const struct digest *node = proof_batch_node(batch, l, (new_size >> l) - 1);
            batch->frontier.nodes[l] = node != NULL ? *node : frontier->nodes[l];
        }
    }
    for (l = 0; l + 1 < PROOF_LEVELS; l++) {
        batch->has_partial[l + 1] = batch->has_partial[l];
        batch->partial[l + 1] = batch->partial[l];
        if ((new_size >> l & 1) != 0) {
            const struct digest *node = &batch->frontier.nodes[l];
            batch->partial[l + 1] =
                batch->has_partial[l] ? seal_node_hash(node, &batch->partial[l]) : *node;
            batch->has_partial[l + 1] = true;
        }
    }
    batch->root = proof_frontier_root(&batch->frontier);
}

const struct proof_frontier *proof_batch_frontier(const struct proof_batch *batch)
{
    return &batch->frontier;
}

const struct digest *proof_batch_root(const struct proof_batch *batch)
{
    return &batch->root;
}

const struct digest *proof_batch_node(const struct proof_batch *batch, unsigned level,
                                      uint64_t position)
{
    if (level >= batch->level_count) {
        return NULL;
    }
    const struct batch_level *at = &batch->levels[level];
    if (position < at->first || position - at->first >= at->count) {
        return NULL;
    }
    return &at->nodes[position - at->first];
}

void proof_batch_path(const struct proof_batch *batch, size_t i, struct proof_path *path)
{
    assert(i < batch->count);
    uint64_t index = batch->old_size + i;
    uint64_t size = batch->frontier.size;
    path->count = 0;
    for (unsigned l = 0; (size - 1) >> l != 0; l++) {
        uint64_t sibling = (index >> l) ^ 1;
        if (sibling < size >> l) {
            path->steps[path->count++] = *proof_batch_node(batch, l, sibling);
        } else if (sibling == size >> l && batch->has_partial[l]) {
            path->steps[path->count++] = batch->partial[l];
        }
    }
}

// MTH of the leaves from the complete node boundary position·2^level up to `size`: the node itself
// where it is complete, else folded from the complete ones below it. `level` is at most 63.
static enum status read_range(uint64_t size, unsigned level, uint64_t position, proof_reader reader,
                              void *context, struct digest *node, struct error *err)
{
    if (position < size >> level) {
        return reader(context, level, position, node, err);
    }
    bool some = false;
    for (unsigned l = 0; l < level; l++) {
        if ((size >> l & 1) == 0) {
            continue;
        }
        struct digest left;
        enum status status = reader(context, l, (size >> l) - 1, &left, err);
        if (status != ST_OK) {
            return status;
        }
        *node = some ? seal_node_hash(&left, node) : left;
        some = true;
    }
    assert(some); // the callers ask only for ranges with a leaf in them
    return ST_OK;
}

enum status proof_frontier_read(uint64_t size, proof_reader reader, void *context,
                                struct proof_frontier *frontier, struct error *err)
{
    struct proof_frontier made = { .size = size };
    for (unsigned l = 0; l < PROOF_LEVELS; l++) {
        if ((size >> l & 1) == 0) {
            continue;
        }
        enum status status = reader(context, l, (size >> l) - 1, &made.nodes[l], err);
        if (status != ST_OK) {
            return status;
        }
    }
    *frontier = made;
    return ST_OK;
}

enum status proof_root(uint64_t size, proof_reader reader, void *context, struct digest *root,
                       struct error *err)
{
    struct proof_frontier frontier;
    enum status status = proof_frontier_read(size, reader, context, &frontier, err);
    if (status == ST_OK) {
        *root = proof_frontier_root(&frontier);
    }
    return status;
}

enum status proof_inclusion(uint64_t index, uint64_t size, proof_reader reader, void *context,
                            struct proof_path *path, struct error *err)
{
    if (index >= size) {
        return error_set(err, ST_USAGE, "no entry %ju in a log of %ju", (uintmax_t)index,
                         (uintmax_t)size);
    }
    struct proof_path made = { .count = 0 };
    for (unsigned l = 0; l < PROOF_LEVELS && (size - 1) >> l != 0; l++) {
        uint64_t sibling = (index >> l) ^ 1;
        if (sibling > (size - 1) >> l) {
            continue; // nothing to the right: the node moves up as it is
        }
        enum status status =
            read_range(size, l, sibling, reader, context, &made.steps[made.count], err);
        if (status != ST_OK) {
            return status;
        }
        made.count++;
    }
    *path = made;
    return ST_OK;
}

enum status proof_consistency(uint64_t old_size, uint64_t new_size, proof_reader reader,
                              void *context, struct proof_path *path, struct error *err)
{
    if (old_size > new_size) {
        return error_set(err, ST_USAGE, "no consistency from size %ju to the smaller %ju",
                         (uintmax_t)old_size, (uintmax_t)new_size);
    }
    struct proof_path made = { .count = 0 };
    if (old_size == 0 || old_size == new_size) {
        *path = made;
        return ST_OK;
    }
    // The last perfect subtree of the old tree, then what joins it on the way to the new root.
    unsigned l = (unsigned)__builtin_ctzll(old_size);
    uint64_t node = (old_size - 1) >> l;
    if (old_size >> l != 1) { // else it is the old root, which the verifier has
        enum status status = reader(context, l, node, &made.steps[made.count], err);
        if (status != ST_OK) {
            return status;
        }
        made.count++;
    }
    for (; l < PROOF_LEVELS && (new_size - 1) >> l != 0; l++, node >>= 1) {
        uint64_t sibling = node ^ 1;
        if (sibling > (new_size - 1) >> l) {
            continue;
        }
        enum status status =
            read_range(new_size, l, sibling, reader, context, &made.steps[made.count], err);
        if (status != ST_OK) {
            return status;
        }
        made.count++;
    }
    *path = made;
    return ST_OK;
}

size_t proof_inclusion_length(uint64_t index, uint64_t size)
{
    size_t length = 0;
    for (unsigned l = 0; l < PROOF_LEVELS && size > 0 && (size - 1) >> l != 0; l++) {
        length += ((index >> l) ^ 1) <= (size - 1) >> l ? 1 : 0;
    }
    return length;
}

static struct digest step_at(struct bytes path, size_t i)
{
    struct digest step;
    memcpy(step.bytes, path.data + i * DIGEST_BYTES, DIGEST_BYTES);
    return step;
}

bool proof_inclusion_root(const struct digest *leaf_hash, uint64_t index, uint64_t size,
                          struct bytes path, struct digest *root)
{
    if (index >= size || path.size != proof_inclusion_length(index, size) * DIGEST_BYTES) {
        return false;
    }
    struct digest node = *leaf_hash;
    size_t used = 0;
    for (unsigned l = 0; l < PROOF_LEVELS && (size - 1) >> l != 0; l++) {
        uint64_t position = index >> l;
        if ((position ^ 1) > (size - 1) >> l) {
            continue;
        }
        struct digest sibling = step_at(path, used++);
        node =
            position % 2 == 0 ? seal_node_hash(&node, &sibling) : seal_node_hash(&sibling, &node);
    }
    *root = node;
    return true;
}

bool proof_inclusion_verify(const struct digest *leaf_hash, uint64_t index, uint64_t size,
                            struct bytes path, const struct digest *root)
{
    struct digest computed;
    return proof_inclusion_root(leaf_hash, index, size, path, &computed) &&
           digest_equal(&computed, root);
}

bool proof_consistency_verify(uint64_t old_size, const struct digest *old_root, uint64_t new_size,
                              const struct digest *new_root, struct bytes path)
{
    if (old_size > new_size || path.size % DIGEST_BYTES != 0) {
        return false;
    }
    size_t count = path.size / DIGEST_BYTES;
    struct digest empty = proof_empty_root();
    if (old_size == new_size) {
        return count == 0 && digest_equal(old_root, new_root) &&
               (old_size != 0 || digest_equal(old_root, &empty));
    }
    if (old_size == 0) {
        return count == 0 && digest_equal(old_root, &empty);
    }
    size_t used = 0;
    unsigned l = (unsigned)__builtin_ctzll(old_size);
    uint64_t node = (old_size - 1) >> l;
    struct digest first = *old_root;
    if (old_size >> l != 1) {
        if (count == 0) {
            return false;
        }
        first = step_at(path, used++);
    }
    struct digest from_old = first; // the old tree's root, as the path makes it
    struct digest from_new = first; // the new tree's
    for (; l < PROOF_LEVELS && (new_size - 1) >> l != 0; l++, node >>= 1) {
        if ((node ^ 1) > (new_size - 1) >> l) {
            continue;
        }
        if (used == count) {
            return false;
        }
        struct digest sibling = step_at(path, used++);
        if (node % 2 == 1) {
            from_old = seal_node_hash(&sibling, &from_old);
            from_new = seal_node_hash(&sibling, &from_new);
        } else {
            from_new = seal_node_hash(&from_new, &sibling);
        }
    }
    return used == count && digest_equal(&from_old, old_root) && digest_equal(&from_new, new_root);
}

struct bytes proof_path_view(const struct proof_path *path)
{
    return bytes_of(path->steps, path->count * DIGEST_BYTES);
}

bool proof_path_read(struct bytes bytes, struct proof_path *path)
{
    if (bytes.size % DIGEST_BYTES != 0 || bytes.size > sizeof(path->steps)) {
        return false;
    }
    path->count = bytes.size / DIGEST_BYTES;
    if (bytes.size > 0) {
        memcpy(path->steps, bytes.data, bytes.size);
    }
    return true;
}
