// Tiles (C2SP tlog-tiles) as the source of nodes. Tile n of level t holds the nodes (8t, 256n) to
// (8t, 256n + 255); only full ones are stored. A hash behind the last full tile is a leaf's hash
// (level 0), stands in the writer's edge, or is the root of a full tile one level down.
#include "audit/tiles.h"

#include "seal/hash.h"

// Folds 2^levels hashes in place to one.
static struct digest fold(struct digest *hashes, unsigned levels)
{
    for (unsigned count = 1U << levels; count > 1; count /= 2) {
        for (unsigned i = 0; i < count / 2; i++) {
            hashes[i] = seal_node_hash(&hashes[2 * i], &hashes[2 * i + 1]);
        }
    }
    return hashes[0];
}

// Adds a hash to a level, and what becomes full to those above it.
static enum status append_from(struct audit_edge *edge, unsigned lowest, const struct digest *first,
                               audit_tile_full full, void *context, struct error *err)
{
    struct digest hash = *first;
    for (unsigned level = lowest; level < AUDIT_TILE_LEVELS; level++) {
        uint64_t position = edge->size >> (8 * level);
        unsigned place = (unsigned)(position % AUDIT_TILE_HASHES);
        edge->hashes[level][place] = hash;
        if (place + 1 < AUDIT_TILE_HASHES) {
            break;
        }
        enum status status =
            full(context, level, position / AUDIT_TILE_HASHES, edge->hashes[level], err);
        if (status != ST_OK) {
            return status;
        }
        hash = proof_tile_root(edge->hashes[level]);
    }
    edge->size += (uint64_t)1 << (8 * lowest);
    return ST_OK;
}

enum status audit_edge_append(struct audit_edge *edge, const struct digest *leaf_hash,
                              audit_tile_full full, void *context, struct error *err)
{
    return append_from(edge, 0, leaf_hash, full, context, err);
}

enum status audit_edge_append_tile(struct audit_edge *edge, const struct digest *root,
                                   audit_tile_full full, void *context, struct error *err)
{
    return append_from(edge, 1, root, full, context, err);
}

void audit_edge_copy(struct audit_edge *to, const struct audit_edge *from)
{
    to->size = from->size;
    for (unsigned level = 0; level < AUDIT_TILE_LEVELS; level++) {
        size_t count = (size_t)((from->size >> (8 * level)) % AUDIT_TILE_HASHES);
        memcpy(to->hashes[level], from->hashes[level], count * sizeof(struct digest));
    }
}

// The full tile, borrowed from the transaction.
static enum status full_tile(struct audit_tiles *tiles, unsigned level, uint64_t number,
                             const struct digest **hashes, struct error *err)
{
    if (tiles->hashes == NULL || tiles->level != level || tiles->number != number) {
        struct audit_key key = audit_key_tile(level, number);
        struct bytes value = { 0 };
        enum status status =
            store_get(tiles->txn, AUDIT_JOURNAL_TILE, audit_key_view(&key), &value, err);
        if (status == ST_NOT_FOUND || (status == ST_OK && value.size != AUDIT_TILE_BYTES)) {
            return error_set(err, ST_CORRUPT, "tile %u/%llu is %s", level,
                             (unsigned long long)number,
                             status == ST_OK ? "not of its size" : "missing");
        }
        if (status != ST_OK) {
            return status;
        }
        tiles->hashes = (const struct digest *)value.data;
        tiles->level = level;
        tiles->number = number;
    }
    *hashes = tiles->hashes;
    return ST_OK;
}

static enum status leaf_hashes(struct audit_tiles *tiles, uint64_t first, unsigned count,
                               struct digest *hashes, struct error *err)
{
    struct store_cursor *cursor = NULL;
    struct audit_key from = audit_key_u64(first);
    struct bytes key;
    struct bytes value;
    enum status status = store_cursor_open(tiles->txn, AUDIT_JOURNAL_ENTRY, &cursor, err);
    if (status != ST_OK) {
        return status;
    }
    status = store_cursor_seek(cursor, audit_key_view(&from), &key, &value, err);
    for (unsigned i = 0; i < count; i++) {
        struct audit_record record;
        struct audit_key wanted = audit_key_u64(first + i);
        if (i > 0 && status == ST_OK) {
            status = store_cursor_next(cursor, &key, &value, err);
        }
        if (status == ST_NOT_FOUND ||
            (status == ST_OK && !bytes_equal(key, audit_key_view(&wanted)))) {
            status = error_set(err, ST_CORRUPT, "entry %llu is missing",
                               (unsigned long long)(first + i));
        }
        if (status == ST_OK) {
            status = audit_record_decode(value, first + i, &record, err);
        }
        if (status != ST_OK) {
            break;
        }
        hashes[i] = record.leaf_hash;
    }
    store_cursor_close(&cursor);
    return status;
}

enum status audit_tiles_read(struct audit_tiles *tiles, unsigned level, uint64_t number,
                             unsigned first, unsigned count, struct digest *hashes,
                             struct error *err)
{
    const struct digest *tile = NULL;
    uint64_t begin = number * AUDIT_TILE_HASHES;
    uint64_t have = tiles->size >> (8 * level);
    if (begin + AUDIT_TILE_HASHES <= have) {
        enum status status = full_tile(tiles, level, number, &tile, err);
        if (status == ST_OK) {
            memcpy(hashes, tile + first, count * sizeof(*hashes));
        }
        return status;
    }
    if (level == 0) {
        return leaf_hashes(tiles, begin + first, count, hashes, err);
    }
    const struct audit_edge *edge = tiles->edge;
    bool same = edge != NULL && (edge->size >> (8 * level)) / AUDIT_TILE_HASHES == number;
    unsigned known = same ? (unsigned)((edge->size >> (8 * level)) % AUDIT_TILE_HASHES) : 0;
    for (unsigned i = 0; i < count; i++) {
        if (first + i < known) {
            hashes[i] = edge->hashes[level][first + i];
            continue;
        }
        enum status status = full_tile(tiles, level - 1, begin + first + i, &tile, err);
        if (status != ST_OK) {
            return status;
        }
        hashes[i] = proof_tile_root(tile);
    }
    return ST_OK;
}

enum status audit_tiles_node(void *context, unsigned level, uint64_t position, struct digest *node,
                             struct error *err)
{
    struct audit_tiles *tiles = context;
    struct digest hashes[AUDIT_TILE_HASHES / 2];
    unsigned fold_levels = level % 8;
    uint64_t begin = position << fold_levels;
    enum status status =
        audit_tiles_read(tiles, level / 8, begin / AUDIT_TILE_HASHES,
                         (unsigned)(begin % AUDIT_TILE_HASHES), 1U << fold_levels, hashes, err);
    if (status == ST_OK) {
        *node = fold(hashes, fold_levels);
    }
    return status;
}

enum status audit_tiles_edge(struct audit_tiles *tiles, struct audit_edge *edge, struct error *err)
{
    for (unsigned level = 0; level < AUDIT_TILE_LEVELS; level++) {
        uint64_t have = tiles->size >> (8 * level);
        unsigned count = (unsigned)(have % AUDIT_TILE_HASHES);
        if (count == 0) {
            continue;
        }
        enum status status = audit_tiles_read(tiles, level, have / AUDIT_TILE_HASHES, 0, count,
                                              edge->hashes[level], err);
        if (status != ST_OK) {
            return status;
        }
    }
    edge->size = tiles->size;
    return ST_OK;
}
