// The checker's trees, a tile at a time. An entry that differs from its tile is named; what the
// tiles give is compared with the tiles above them.
#include "audit/verify_walk.h"

#include "base/reader.h"

static const unsigned tile_height = 8;

// Called for the tiles of level 1 and up that the stored hashes lead to.
static enum status compare_tile(void *context, unsigned level, uint64_t number,
                                const struct digest *hashes, struct error *err)
{
    struct audit_walk *walk = context;
    struct audit_key key = audit_key_tile(level, number);
    struct bytes tile;
    uint64_t first = number << (8 * (level + 1));
    uint64_t count = (uint64_t)1 << (8 * (level + 1));
    enum status status = store_get(walk->txn, AUDIT_JOURNAL_TILE, audit_key_view(&key), &tile, err);
    if (status == ST_NOT_FOUND) {
        audit_walk_found(walk, AUDIT_FAULT_TILE, first, count, "tile %u/%llu is missing", level,
                         (unsigned long long)number);
        return ST_OK;
    }
    if (status == ST_OK && !bytes_equal(tile, bytes_of(hashes, AUDIT_TILE_BYTES))) {
        audit_walk_found(walk, AUDIT_FAULT_TILE, first, count,
                         "tile %u/%llu is not what the tiles below it give", level,
                         (unsigned long long)number);
    }
    walk->result.tiles += status == ST_OK ? 1 : 0;
    return status;
}

enum status audit_walk_tile(struct audit_walk *walk, struct error *err)
{
    struct audit_key key = audit_key_tile(0, walk->next / AUDIT_TILE_HASHES);
    struct bytes tile;
    enum status status = store_get(walk->txn, AUDIT_JOURNAL_TILE, audit_key_view(&key), &tile, err);
    walk->tree.tile = NULL;
    if (status == ST_OK && tile.size == AUDIT_TILE_BYTES) {
        walk->tree.tile = (const struct digest *)tile.data;
    }
    return status == ST_NOT_FOUND ? ST_OK : status;
}

// The 256 entries of a tile have been read: compares, and carries on with what the tile has.
static enum status finish_tile(struct audit_walk *walk, struct error *err)
{
    struct audit_walk_tree *tree = &walk->tree;
    uint64_t first = walk->next - AUDIT_TILE_HASHES;
    struct digest root = proof_tile_root(tree->hashes);
    struct digest stored = root;
    if (tree->tile == NULL) {
        audit_walk_found(walk, AUDIT_FAULT_TILE, first, AUDIT_TILE_HASHES, "tile 0/%llu is missing",
                         (unsigned long long)first / AUDIT_TILE_HASHES);
    } else {
        walk->result.tiles++;
    }
    if (tree->tile != NULL && memcmp(tree->tile, tree->hashes, AUDIT_TILE_BYTES) != 0) {
        for (size_t i = 0; i < AUDIT_TILE_HASHES; i++) {
            if (!digest_equal(&tree->tile[i], &tree->hashes[i])) {
                audit_walk_found(walk, AUDIT_FAULT_TILE, first + i, 1,
                                 "entry %llu is not what its tile has",
                                 (unsigned long long)(first + i));
            }
        }
        stored = proof_tile_root(tree->tile);
    }
    proof_frontier_append_tree(&tree->leaves, tile_height, &root);
    proof_frontier_append_tree(&tree->stored, tile_height, &stored);
    tree->count = 0;
    return audit_edge_append_tile(&tree->upper, &stored, compare_tile, walk, err);
}

enum status audit_walk_leaf(struct audit_walk *walk, const struct digest *hash, struct error *err)
{
    struct audit_walk_tree *tree = &walk->tree;
    enum status status = tree->count == 0 ? audit_walk_tile(walk, err) : ST_OK;
    if (status != ST_OK) {
        return status;
    }
    tree->hashes[tree->count++] = *hash;
    walk->next++;
    walk->result.size = walk->next;
    return tree->count == AUDIT_TILE_HASHES ? finish_tile(walk, err) : ST_OK;
}

static struct digest root_behind(const struct proof_frontier *tiles, const struct digest *hashes,
                                 unsigned count)
{
    struct proof_frontier frontier = *tiles;
    for (unsigned i = 0; i < count; i++) {
        proof_frontier_append(&frontier, &hashes[i]);
    }
    return proof_frontier_root(&frontier);
}

void audit_walk_roots(const struct audit_walk *walk, struct digest *leaves, struct digest *stored)
{
    const struct audit_walk_tree *tree = &walk->tree;
    *leaves = root_behind(&tree->leaves, tree->hashes, tree->count);
    *stored =
        root_behind(&tree->stored, tree->tile == NULL ? tree->hashes : tree->tile, tree->count);
}

enum status audit_walk_tile_keys(struct audit_walk *walk, uint64_t size, struct error *err)
{
    struct store_cursor *cursor = NULL;
    struct bytes key;
    struct bytes tile;
    uint64_t last = 0;
    unsigned last_level = 0;
    bool any = false;
    enum status status = store_cursor_open(walk->txn, AUDIT_JOURNAL_TILE, &cursor, err);
    if (status == ST_OK) {
        status = store_cursor_first(cursor, &key, &tile, err);
    }
    while (status == ST_OK) {
        struct reader reader = reader_init(key);
        unsigned level = reader_u8(&reader);
        uint64_t number = reader_u64(&reader);
        bool known = reader_finished(&reader) && level < AUDIT_TILE_LEVELS - 1 &&
                     number < size >> (8 * (level + 1));
        if (any && (level < last_level || (level == last_level && number <= last))) {
            status = error_set(err, ST_CORRUPT, "tiles: keys out of order");
            break;
        }
        if (!known) {
            audit_walk_found(walk, AUDIT_FAULT_TILE, size, 0,
                             "tile %u/%llu lies beyond the last entry", level,
                             (unsigned long long)number);
        }
        any = true;
        last_level = level;
        last = number;
        status = store_cursor_next(cursor, &key, &tile, err);
    }
    store_cursor_close(&cursor);
    return status == ST_NOT_FOUND ? ST_OK : status;
}
