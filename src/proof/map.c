// The sparse tree of an epoch's map. Empty subtrees are zero at every level: a hash that is all
// zero cannot be found, so nothing that is there passes for nothing.
#include "proof/map.h"

#include "seal/hash.h"

struct digest proof_chain_commitment(enum proof_chain which, const struct digest *salt,
                                     const struct proof_chain_head *head)
{
    uint8_t type = (uint8_t)which;
    uint8_t number[8];
    const struct bytes parts[] = { seal_label("vedomo/1 chain"), bytes_of(&type, 1),
                                   bytes_digest(salt), seal_u64(number, head->count),
                                   bytes_digest(&head->head) };
    return seal_sha256_parts(parts, ARRAY_COUNT(parts));
}

struct digest proof_map_leaf(const uint8_t *tag, const struct digest *open,
                             const struct digest *delayed)
{
    static const uint8_t prefix = 0x00;
    const struct bytes parts[] = { bytes_of(&prefix, 1), seal_label("vedomo/1 map"),
                                   bytes_of(tag, PROOF_TAG_BYTES), bytes_digest(open),
                                   bytes_digest(delayed) };
    return seal_sha256_parts(parts, ARRAY_COUNT(parts));
}

struct digest proof_map_node(const struct digest *left, const struct digest *right)
{
    if (digest_is_zero(left) && digest_is_zero(right)) {
        return *left;
    }
    return seal_node_hash(left, right);
}

unsigned proof_map_bit(const uint8_t *tag, unsigned level)
{
    return (unsigned)tag[1 + level / 8] >> (7 - level % 8) & 1U;
}

unsigned proof_map_common(const uint8_t *a, const uint8_t *b)
{
    unsigned level = 0;
    while (level < PROOF_MAP_DEPTH && a[1 + level / 8] == b[1 + level / 8]) {
        level += 8;
    }
    while (level < PROOF_MAP_DEPTH && proof_map_bit(a, level) == proof_map_bit(b, level)) {
        level++;
    }
    return level;
}

struct digest proof_map_lift(const uint8_t *tag, unsigned below, unsigned level, struct digest node)
{
    static const struct digest empty;
    while (below > level) {
        below--;
        node = proof_map_bit(tag, below) == 0 ? proof_map_node(&node, &empty)
                                              : proof_map_node(&empty, &node);
    }
    return node;
}

static bool has_bit(const struct proof_map_path *path, unsigned level)
{
    return (path->bitmap[level / 8] >> (7 - level % 8) & 1) != 0;
}

void proof_map_path_add(struct proof_map_path *path, unsigned level, const struct digest *sibling)
{
    if (!digest_is_zero(sibling)) {
        path->bitmap[level / 8] |= (uint8_t)(0x80 >> level % 8);
        path->steps[path->count++] = *sibling;
    }
}

bool proof_map_path_read(struct bytes bitmap, struct bytes steps, struct proof_map_path *path)
{
    struct proof_map_path read = { 0 };
    if (bitmap.size != sizeof(read.bitmap) || steps.size % DIGEST_BYTES != 0 ||
        steps.size > sizeof(read.steps)) {
        return false;
    }
    memcpy(read.bitmap, bitmap.data, sizeof(read.bitmap));
    for (unsigned level = 0; level < PROOF_MAP_DEPTH; level++) {
        read.count += has_bit(&read, level) ? 1 : 0;
    }
    if (steps.size != read.count * DIGEST_BYTES) {
        return false;
    }
    for (size_t i = 0; i < read.count; i++) {
        memcpy(read.steps[i].bytes, steps.data + i * DIGEST_BYTES, DIGEST_BYTES);
        if (digest_is_zero(&read.steps[i])) {
            return false;
        }
    }
    *path = read;
    return true;
}

struct digest proof_map_root(const uint8_t *tag, const struct digest *leaf,
                             const struct proof_map_path *path)
{
    static const struct digest empty;
    struct digest node = *leaf;
    size_t used = 0;
    for (unsigned level = PROOF_MAP_DEPTH; level > 0; level--) {
        const struct digest *sibling = has_bit(path, level - 1) ? &path->steps[used++] : &empty;
        node = proof_map_bit(tag, level - 1) == 0 ? proof_map_node(&node, sibling)
                                                  : proof_map_node(sibling, &node);
    }
    return node;
}

enum status proof_map_verify(const struct proof_map_claim *claim, const struct digest *root,
                             struct error *err)
{
    struct proof_map_path path;
    struct digest leaf = { 0 };
    if (claim->tag.size != PROOF_TAG_BYTES ||
        !proof_map_path_read(claim->bitmap, claim->path, &path)) {
        return error_set(err, ST_MALFORMED, "a place in the epoch's map that is none");
    }
    if (!claim->absent) {
        struct digest open = proof_chain_commitment(PROOF_CHAIN_OPEN, &claim->salt, &claim->open);
        leaf = proof_map_leaf(claim->tag.data, &open, &claim->delayed);
    }
    struct digest is = proof_map_root(claim->tag.data, &leaf, &path);
    if (!digest_equal(&is, root)) {
        return error_set(err, ST_UNPROVEN,
                         "the place in the epoch's map does not lead to its root");
    }
    return ST_OK;
}
