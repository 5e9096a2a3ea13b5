// A ring of trees in the order in which they came. A new one takes the place of the oldest if that
// is witnessed; else it is passed over, so that the one that waits longest is never forgotten.
#include "node/trees.h"

#include <stdlib.h>

struct item {
    struct node_tree tree;
    int64_t since_ms;
    int64_t asked_ms; // 0: never
    bool witnessed;
};

struct node_trees {
    const struct proof_policy *policy;
    struct item items[NODE_TREES_MAX];
    size_t count;
    size_t next; // place that is overwritten next, once all are taken
    size_t waiting;
    struct node_tree newest; // witnessed
    uint64_t newest_s;
};

struct node_trees *node_trees_create(const struct proof_policy *policy)
{
    struct node_trees *made = calloc(1, sizeof(*made));
    if (made != NULL) {
        made->policy = policy;
    }
    return made;
}

void node_trees_destroy(struct node_trees **trees)
{
    free(*trees);
    *trees = NULL;
}

static bool same_tree(const struct node_tree *a, const struct node_tree *b)
{
    return a->size == b->size && digest_equal(&a->root, &b->root);
}

static struct item *find(const struct node_trees *trees, const struct node_tree *tree)
{
    for (size_t i = 0; i < trees->count; i++) {
        if (same_tree(&trees->items[i].tree, tree)) {
            return (struct item *)&trees->items[i];
        }
    }
    return NULL;
}

static void confirm(struct node_trees *trees, struct item *item)
{
    trees->waiting -= item->witnessed ? 0 : 1;
    item->witnessed = true;
}

void node_trees_add(struct node_trees *trees, const struct node_tree *tree, int64_t now_ms)
{
    if (tree->size == 0 || find(trees, tree) != NULL) {
        return;
    }
    struct item *place = &trees->items[trees->next];
    if (trees->count == NODE_TREES_MAX && !place->witnessed) {
        return;
    }
    trees->count += trees->count < NODE_TREES_MAX ? 1 : 0;
    trees->next = (trees->next + 1) % NODE_TREES_MAX;
    *place = (struct item){ .tree = *tree, .since_ms = now_ms };
    trees->waiting++;
    if (same_tree(tree, &trees->newest)) {
        confirm(trees, place);
    }
}

enum status node_trees_take(struct node_trees *trees, struct bytes note,
                            const struct proof_ring *log, bool *met, bool *forked,
                            struct error *err)
{
    struct proof_checkpoint checkpoint;
    struct proof_policy_finding finding;
    *met = false;
    *forked = false;
    enum status status =
        proof_policy_check(trees->policy, note, log->keys, log->count, &checkpoint, &finding, err);
    if (status != ST_OK || !finding.met || checkpoint.size < trees->newest.size) {
        return status;
    }
    const struct node_tree tree = { .size = checkpoint.size, .root = checkpoint.root };
    *forked = tree.size == trees->newest.size && !same_tree(&tree, &trees->newest);
    for (size_t i = 0; i < trees->count; i++) {
        struct item *item = &trees->items[i];
        if (item->tree.size == tree.size && !same_tree(&item->tree, &tree)) {
            *forked = true;
        } else if (item->tree.size == tree.size) {
            confirm(trees, item);
        }
    }
    if (*forked) {
        return error_set(err, ST_UNPROVEN,
                         "the log was forked: witnesses have cosigned another tree of %llu entries "
                         "than this node was shown",
                         (unsigned long long)tree.size);
    }
    trees->newest = tree;
    trees->newest_s = finding.time_s;
    *met = true;
    return ST_OK;
}

struct node_tree node_trees_witnessed(const struct node_trees *trees, uint64_t *time_s)
{
    *time_s = trees->newest_s;
    return trees->newest;
}

bool node_trees_next(struct node_trees *trees, int64_t now_ms, int64_t again_ms,
                     struct node_tree *tree)
{
    for (size_t i = 0; trees->waiting > 0 && i < trees->count; i++) {
        struct item *item = &trees->items[i];
        bool rested = item->asked_ms == 0 || now_ms - item->asked_ms >= again_ms;
        if (!item->witnessed && item->tree.size < trees->newest.size && rested) {
            item->asked_ms = now_ms;
            *tree = item->tree;
            return true;
        }
    }
    return false;
}

bool node_trees_prove(struct node_trees *trees, const struct node_tree *tree,
                      const struct node_tree *into, struct bytes path)
{
    struct item *item = find(trees, tree);
    if (!proof_consistency_verify(tree->size, &tree->root, into->size, &into->root, path)) {
        return false;
    }
    if (item != NULL) {
        confirm(trees, item);
    }
    return true;
}

bool node_trees_is_witnessed(const struct node_trees *trees, const struct node_tree *tree)
{
    const struct item *item = find(trees, tree);
    return item != NULL && item->witnessed;
}

int64_t node_trees_waiting_ms(const struct node_trees *trees)
{
    int64_t oldest_ms = INT64_MAX;
    for (size_t i = 0; trees->waiting > 0 && i < trees->count; i++) {
        const struct item *item = &trees->items[i];
        if (!item->witnessed && item->since_ms < oldest_ms) {
            oldest_ms = item->since_ms;
        }
    }
    return oldest_ms;
}
