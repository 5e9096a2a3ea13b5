// From a run to the map: one pass over the persons, one node a level in memory. The hashes of the
// subtrees go into the file as they come; each level above is made from the one below it.
#include "audit/epoch_file.h"

#include "seal/hash.h"

#include <stdlib.h>

enum { BLOCK = 2048 }; // places or nodes that are written together; even

struct digest epoch_leaf(const struct digest *secret, const struct epoch_person *person,
                         struct digest *salt, struct digest *delayed)
{
    // Nobody has delayed entries: the list is empty for everyone, and looks like one that is not.
    static const struct proof_chain_head none;
    struct digest commitments[2];
    for (uint8_t i = 0; i < 2; i++) {
        uint8_t which = i == 0 ? PROOF_CHAIN_OPEN : PROOF_CHAIN_DELAYED;
        const struct bytes parts[] = { seal_label("vedomo/1 salt"), bytes_of(&which, 1),
                                       audit_tag_view(&person->tag) };
        struct digest drawn = seal_blake2b(bytes_digest(secret), parts, ARRAY_COUNT(parts));
        commitments[i] =
            proof_chain_commitment((enum proof_chain)which, &drawn, i == 0 ? &person->open : &none);
        if (i == 0 && salt != NULL) {
            *salt = drawn;
        }
    }
    if (delayed != NULL) {
        *delayed = commitments[1];
    }
    return proof_map_leaf(person->tag.bytes, &commitments[0], &commitments[1]);
}

// ---- one subtree

void epoch_tree_init(struct epoch_tree *tree, unsigned base)
{
    tree->base = base;
    tree->count = 0;
    tree->begun = false;
}

// The last leaf and what waits below `level` become one node at `level` + 1 or, at the end, at the
// base.
static struct digest fold(struct epoch_tree *tree, unsigned above)
{
    struct digest node = tree->node;
    unsigned depth = PROOF_MAP_DEPTH;
    while (tree->count > 0 && tree->waiting[tree->count - 1].level >= above) {
        unsigned level = tree->waiting[--tree->count].level;
        struct digest right = proof_map_lift(tree->tag.bytes, depth, level + 1, node);
        node = proof_map_node(&tree->waiting[tree->count].node, &right);
        depth = level;
    }
    return proof_map_lift(tree->tag.bytes, depth, above, node);
}

void epoch_tree_add(struct epoch_tree *tree, const struct audit_tag *tag, const struct digest *leaf)
{
    if (tree->begun) {
        unsigned level = proof_map_common(tree->tag.bytes, tag->bytes);
        struct digest left = fold(tree, level + 1);
        tree->waiting[tree->count].level = level;
        tree->waiting[tree->count++].node = left;
    }
    tree->begun = true;
    tree->tag = *tag;
    tree->node = *leaf;
}

struct digest epoch_tree_end(struct epoch_tree *tree)
{
    struct digest root = { 0 };
    if (tree->begun) {
        root = fold(tree, tree->base);
    }
    epoch_tree_init(tree, tree->base);
    return root;
}

uint64_t epoch_subtree(const struct audit_tag *tag, unsigned bits)
{
    uint64_t number = 0;
    for (unsigned level = 0; level < bits; level++) {
        number = number << 1 | proof_map_bit(tag->bytes, level);
    }
    return number;
}

// ---- all of them

struct hashing {
    int fd;
    unsigned bits;
    uint64_t people;
    uint64_t subtree; // that is being filled
    size_t have;      // in the two blocks
    struct epoch_tree tree;
    uint8_t places[BLOCK * 8];
    struct digest nodes[BLOCK];
};

static enum status write_block(struct hashing *hashing, struct error *err)
{
    uint64_t first = hashing->subtree - hashing->have;
    enum status status = epoch_write(hashing->fd, epoch_places_at(hashing->people) + first * 8,
                                     hashing->places, hashing->have * 8, err);
    if (status == ST_OK) {
        status = epoch_write(hashing->fd,
                             epoch_nodes_at(hashing->people, hashing->bits, hashing->bits) +
                                 first * DIGEST_BYTES,
                             hashing->nodes, hashing->have * DIGEST_BYTES, err);
    }
    hashing->have = 0;
    return status;
}

// Ends subtrees up to `subtree`, which begins with the person `first`.
static enum status close_subtrees(struct hashing *hashing, uint64_t subtree, uint64_t first,
                                  uint64_t *begin, struct error *err)
{
    enum status status = ST_OK;
    while (status == ST_OK && hashing->subtree < subtree) {
        (void)seal_u64(hashing->places + hashing->have * 8, *begin);
        hashing->nodes[hashing->have++] = epoch_tree_end(&hashing->tree);
        hashing->subtree++;
        *begin = first;
        if (hashing->have == BLOCK) {
            status = write_block(hashing, err);
        }
    }
    return status;
}

static enum status hash_subtrees(struct hashing *hashing, const struct digest *secret,
                                 const atomic_bool *stopping, struct error *err)
{
    struct epoch_reader *reader = malloc(sizeof(*reader));
    struct epoch_person person;
    uint64_t begin = 0; // first person of the subtree that is being filled
    uint8_t number[8];
    enum status status = ST_OK;
    if (reader == NULL) {
        return error_set(err, ST_NOMEM, "epoch: no memory");
    }
    epoch_reader_init(reader, hashing->fd, hashing->people);
    while (status == ST_OK && epoch_reader_next(reader, &person, &status, err)) {
        status = close_subtrees(hashing, epoch_subtree(&person.tag, hashing->bits),
                                reader->next - 1, &begin, err);
        struct digest leaf = epoch_leaf(secret, &person, NULL, NULL);
        epoch_tree_add(&hashing->tree, &person.tag, &leaf);
        if (status == ST_OK && stopping != NULL && atomic_load(stopping)) {
            status = error_set(err, ST_CLOSED, "epoch: stopped");
        }
    }
    uint64_t all = UINT64_C(1) << hashing->bits;
    if (status == ST_OK) {
        status = close_subtrees(hashing, all, hashing->people, &begin, err);
    }
    if (status == ST_OK) {
        status = write_block(hashing, err);
    }
    if (status == ST_OK) {
        (void)seal_u64(number, hashing->people);
        status =
            epoch_write(hashing->fd, epoch_places_at(hashing->people) + all * 8, number, 8, err);
    }
    free(reader);
    return status;
}

// The level above `level`, from it.
static enum status hash_level(struct hashing *hashing, unsigned level, struct error *err)
{
    uint64_t from = epoch_nodes_at(hashing->people, hashing->bits, level);
    uint64_t to = epoch_nodes_at(hashing->people, hashing->bits, level - 1);
    uint64_t count = UINT64_C(1) << level;
    enum status status = ST_OK;
    for (uint64_t first = 0; status == ST_OK && first < count; first += BLOCK) {
        size_t have = count - first < BLOCK ? (size_t)(count - first) : BLOCK;
        status = epoch_read(hashing->fd, from + first * DIGEST_BYTES, hashing->nodes,
                            have * DIGEST_BYTES, err);
        for (size_t i = 0; i < have / 2; i++) {
            hashing->nodes[i] = proof_map_node(&hashing->nodes[2 * i], &hashing->nodes[2 * i + 1]);
        }
        if (status == ST_OK) {
            status = epoch_write(hashing->fd, to + first / 2 * DIGEST_BYTES, hashing->nodes,
                                 have / 2 * DIGEST_BYTES, err);
        }
    }
    return status;
}

enum status epoch_hash(int fd, const struct digest *secret, struct epoch_head *head,
                       const atomic_bool *stopping, struct error *err)
{
    struct hashing *hashing = calloc(1, sizeof(*hashing));
    if (hashing == NULL) {
        return error_set(err, ST_NOMEM, "epoch: no memory");
    }
    hashing->fd = fd;
    hashing->people = head->epoch.people;
    while (hashing->bits < EPOCH_BITS_MAX && hashing->people >> hashing->bits > EPOCH_SUBTREE) {
        hashing->bits++;
    }
    epoch_tree_init(&hashing->tree, hashing->bits);
    enum status status = hash_subtrees(hashing, secret, stopping, err);
    for (unsigned level = hashing->bits; status == ST_OK && level > 0; level--) {
        status = hash_level(hashing, level, err);
    }
    struct digest root;
    if (status == ST_OK) {
        status = epoch_read(fd, epoch_nodes_at(hashing->people, hashing->bits, 0), &root,
                            sizeof(root), err);
    }
    if (status == ST_OK) {
        head->bits = hashing->bits;
        head->epoch.root = root;
    }
    free(hashing);
    return status;
}
