// A full tile is proven by its hash in the tile above it, that one by the one above, up to a
// partial tile: the partial tiles are the right edge, and their root is the checkpoint's. A bundle
// is proven by the tile of level 0 with its leaves' hashes. Full tiles stay proven for every later
// checkpoint, because that one continues this one.
#include "portal/shelf.h"

#include "base/clock.h"
#include "base/map.h"
#include "proof/commit.h"
#include "seal/hash.h"

#include <stdlib.h>

enum { ENTRY_BYTES = 2 + PROOF_LEAF_BYTES, KEY_BYTES = 10 };

// A checkpoint and its right edge.
struct edge {
    struct proof_checkpoint checkpoint;
    struct buffer note;
    bool have[PROOF_TILE_LEVELS];
    struct digest hashes[PROOF_TILE_LEVELS][PROOF_TILE_HASHES];
};

struct piece {
    uint8_t key[KEY_BYTES]; // bundle or not, level, number
    uint64_t used;          // the shelf's count when it was last asked for; 0: an empty place
    struct buffer content;
};

struct portal_shelf {
    const struct proof_ring *keys; // the log's
    struct edge *shown;            // size 0: nothing yet
    struct edge *next;             // waits for its edge; size 0: nothing waits
    struct map *by_key;            // struct piece
    struct piece *pieces;
    size_t pieces_max;
    uint64_t count; // of looks
};

// ---- life

static void edge_destroy(struct edge *edge)
{
    if (edge != NULL) {
        buffer_fini(&edge->note);
        free(edge);
    }
}

static struct edge *edge_create(void)
{
    struct edge *edge = calloc(1, sizeof(*edge));
    if (edge != NULL) {
        edge->note = buffer_init(PROOF_NOTE_MAX);
    }
    return edge;
}

struct portal_shelf *portal_shelf_create(const struct proof_ring *keys, size_t pieces_max)
{
    struct portal_shelf *shelf = calloc(1, sizeof(*shelf));
    if (shelf == NULL) {
        return NULL;
    }
    shelf->keys = keys;
    shelf->shown = edge_create();
    shelf->next = edge_create();
    shelf->by_key = map_create();
    shelf->pieces = calloc(pieces_max, sizeof(*shelf->pieces));
    shelf->pieces_max = shelf->pieces == NULL ? 0 : pieces_max;
    if (shelf->shown == NULL || shelf->next == NULL || shelf->by_key == NULL ||
        shelf->pieces == NULL) {
        portal_shelf_destroy(&shelf);
    }
    return shelf;
}

void portal_shelf_destroy(struct portal_shelf **shelf)
{
    if (*shelf == NULL) {
        return;
    }
    for (size_t i = 0; i < (*shelf)->pieces_max; i++) {
        buffer_fini(&(*shelf)->pieces[i].content);
    }
    map_destroy(&(*shelf)->by_key);
    edge_destroy((*shelf)->shown);
    edge_destroy((*shelf)->next);
    free((*shelf)->pieces);
    free(*shelf);
    *shelf = NULL;
}

// ---- the cache

static void make_key(bool entries, unsigned level, uint64_t number, uint8_t key[KEY_BYTES])
{
    key[0] = entries ? 1 : 0;
    key[1] = (uint8_t)level;
    memcpy(key + 2, &number, sizeof(number));
}

static struct piece *find_piece(struct portal_shelf *shelf, bool entries, unsigned level,
                                uint64_t number)
{
    uint8_t key[KEY_BYTES];
    make_key(entries, level, number, key);
    struct piece *piece = map_get(shelf->by_key, bytes_of(key, sizeof(key)));
    if (piece != NULL) {
        piece->used = ++shelf->count;
    }
    return piece;
}

// A place for a piece, emptied: its own old one, a free one, or that of the one longest unused.
static struct piece *take_place(struct portal_shelf *shelf, bool entries, unsigned level,
                                uint64_t number)
{
    struct piece *place = find_piece(shelf, entries, level, number);
    if (place == NULL) {
        place = &shelf->pieces[0];
        for (size_t i = 1; i < shelf->pieces_max; i++) {
            if (shelf->pieces[i].used < place->used) {
                place = &shelf->pieces[i];
            }
        }
        if (place->used != 0) {
            (void)map_remove(shelf->by_key, bytes_of(place->key, KEY_BYTES));
            place->used = 0;
        }
        make_key(entries, level, number, place->key);
        if (!map_put(shelf->by_key, bytes_of(place->key, KEY_BYTES), place)) {
            return NULL;
        }
        place->content.limit = (size_t)PROOF_TILE_HASHES * ENTRY_BYTES;
    }
    place->used = ++shelf->count;
    buffer_clear(&place->content);
    return place;
}

static void drop_piece(struct portal_shelf *shelf, struct piece *piece)
{
    (void)map_remove(shelf->by_key, bytes_of(piece->key, KEY_BYTES));
    piece->used = 0;
}

// ---- proven hashes

static unsigned shown_width(const struct portal_shelf *shelf, unsigned level, uint64_t number)
{
    return proof_tile_width(level, number, shelf->shown->checkpoint.size);
}

// All hashes that the shown tree has of a tile; NULL: it has to be fetched.
static const struct digest *proven_hashes(struct portal_shelf *shelf, unsigned level,
                                          uint64_t number)
{
    if (shown_width(shelf, level, number) < PROOF_TILE_HASHES) {
        return shelf->shown->hashes[level];
    }
    const struct piece *piece = find_piece(shelf, false, level, number);
    return piece == NULL ? NULL : (const struct digest *)(const void *)piece->content.data;
}

// The highest tile between this one and the edge that is missing: what is above it proves it.
static void want_tile(struct portal_shelf *shelf, unsigned level, uint64_t number,
                      struct portal_want *want)
{
    while (proven_hashes(shelf, level + 1, number / PROOF_TILE_HASHES) == NULL) {
        level++;
        number /= PROOF_TILE_HASHES;
    }
    *want = (struct portal_want){
        .tile = { .level = level, .number = number, .width = PROOF_TILE_HASHES },
        .size = shelf->shown->checkpoint.size,
    };
}

enum portal_found portal_shelf_find(struct portal_shelf *shelf, const struct proof_tile *tile,
                                    struct bytes *content, struct portal_want *want)
{
    if (!proof_tile_exists(tile, shelf->shown->checkpoint.size)) {
        return PORTAL_NONE;
    }
    const struct digest *hashes = proven_hashes(shelf, tile->level, tile->number);
    if (!tile->entries) {
        if (hashes != NULL) {
            *content = bytes_of(hashes, (size_t)tile->width * DIGEST_BYTES);
            return PORTAL_HERE;
        }
        want_tile(shelf, tile->level, tile->number, want);
        return PORTAL_MISSING;
    }
    const struct piece *bundle = find_piece(shelf, true, 0, tile->number);
    if (bundle != NULL && bundle->content.size >= (size_t)tile->width * ENTRY_BYTES) {
        *content = bytes_of(bundle->content.data, (size_t)tile->width * ENTRY_BYTES);
        return PORTAL_HERE;
    }
    if (hashes == NULL) {
        want_tile(shelf, 0, tile->number, want);
        return PORTAL_MISSING;
    }
    *want = (struct portal_want){
        .tile = { .entries = true,
                  .number = tile->number,
                  .width = shown_width(shelf, 0, tile->number) },
        .size = shelf->shown->checkpoint.size,
    };
    return PORTAL_MISSING;
}

// ---- checkpoints

uint64_t portal_shelf_checkpoint(const struct portal_shelf *shelf, struct bytes *note)
{
    *note = buffer_view(&shelf->shown->note);
    return shelf->shown->checkpoint.size;
}

bool portal_shelf_edge(const struct portal_shelf *shelf, unsigned level, struct portal_want *want)
{
    uint64_t size = shelf->next->checkpoint.size;
    uint64_t number = (size >> (8 * level)) / PROOF_TILE_HASHES;
    unsigned width = proof_tile_width(level, number, size);
    if (width == 0 || shelf->next->have[level]) {
        return false;
    }
    *want = (struct portal_want){ .tile = { .level = level, .number = number, .width = width },
                                  .size = size };
    return true;
}

// The tree that is shown, perhaps with witnesses' lines by now.
static enum status more_signatures(struct portal_shelf *shelf,
                                   const struct proof_checkpoint *offered, struct bytes note,
                                   struct error *err)
{
    struct edge *shown = shelf->shown;
    if (note.size <= shown->note.size || !digest_equal(&offered->root, &shown->checkpoint.root)) {
        return ST_OK;
    }
    buffer_clear(&shown->note);
    buffer_bytes(&shown->note, note);
    return buffer_ok(&shown->note, "checkpoint", err);
}

enum status portal_shelf_offer(struct portal_shelf *shelf, struct bytes note, struct error *err)
{
    struct proof_checkpoint offered;
    // One at a time: else a busy log's checkpoints would overtake one another for ever.
    if (shelf->next->checkpoint.size > 0) {
        return ST_OK;
    }
    enum status status =
        proof_ring_open(shelf->keys, (uint64_t)clock_wall_ms(), note, &offered, err);
    if (status != ST_OK || offered.size < shelf->shown->checkpoint.size || offered.size == 0) {
        return status;
    }
    if (offered.size == shelf->shown->checkpoint.size) {
        return more_signatures(shelf, &offered, note, err);
    }
    struct edge *next = shelf->next;
    buffer_clear(&next->note);
    buffer_bytes(&next->note, note);
    status = buffer_ok(&next->note, "checkpoint", err);
    if (status == ST_OK) {
        memset(next->have, 0, sizeof(next->have));
        next->checkpoint = offered;
    }
    return status;
}

// A proof_reader: a node that a partial tile of the edge holds.
static enum status edge_node(void *context, unsigned level, uint64_t position, struct digest *node,
                             struct error *err)
{
    const struct edge *edge = context;
    unsigned fold = level % 8;
    uint64_t first = (position << fold) % PROOF_TILE_HASHES;
    struct proof_frontier folded = { .size = 0 };
    (void)err;
    for (uint64_t i = 0; i < UINT64_C(1) << fold; i++) {
        proof_frontier_append(&folded, &edge->hashes[level / 8][first + i]);
    }
    *node = proof_frontier_root(&folded);
    return ST_OK;
}

static enum status unproven(const struct portal_want *want, struct error *err)
{
    char name[PROOF_TILE_NAME_BYTES];
    proof_tile_name(&want->tile, name);
    return error_set(err, ST_UNPROVEN, "%s: it does not belong to the checkpoint of %llu entries",
                     name, (unsigned long long)want->size);
}

// A part of the offered checkpoint's edge; the last one decides.
static enum status put_edge(struct portal_shelf *shelf, const struct portal_want *want,
                            struct bytes body, struct error *err)
{
    struct edge *next = shelf->next;
    struct portal_want left;
    struct digest root;
    memcpy(next->hashes[want->tile.level], body.data, body.size);
    next->have[want->tile.level] = true;
    for (unsigned level = 0; level < PROOF_TILE_LEVELS; level++) {
        if (portal_shelf_edge(shelf, level, &left)) {
            return ST_OK;
        }
    }
    enum status status = proof_root(next->checkpoint.size, edge_node, next, &root, err);
    if (status == ST_OK && !digest_equal(&root, &next->checkpoint.root)) {
        status = error_set(err, ST_UNPROVEN,
                           "the tiles of the checkpoint of %llu entries have another root",
                           (unsigned long long)next->checkpoint.size);
    }
    if (status == ST_OK) {
        shelf->next = shelf->shown;
        shelf->shown = next;
    }
    shelf->next->checkpoint.size = 0;
    return status;
}

static enum status put_tile(struct portal_shelf *shelf, const struct portal_want *want,
                            struct bytes body, struct error *err)
{
    const struct proof_tile *tile = &want->tile;
    struct digest hashes[PROOF_TILE_HASHES];
    const struct digest *above =
        proven_hashes(shelf, tile->level + 1, tile->number / PROOF_TILE_HASHES);
    if (above == NULL) {
        return error_set(err, ST_STALE, "the tile above is not kept any more");
    }
    memcpy(hashes, body.data, sizeof(hashes));
    struct digest root = proof_tile_root(hashes);
    if (!digest_equal(&root, &above[tile->number % PROOF_TILE_HASHES])) {
        return unproven(want, err);
    }
    struct piece *piece = take_place(shelf, false, tile->level, tile->number);
    if (piece == NULL) {
        return error_set(err, ST_NOMEM, "tile");
    }
    buffer_bytes(&piece->content, body);
    enum status status = buffer_ok(&piece->content, "tile", err);
    if (status != ST_OK) {
        drop_piece(shelf, piece);
    }
    return status;
}

static enum status put_bundle(struct portal_shelf *shelf, const struct portal_want *want,
                              struct bytes body, struct error *err)
{
    const struct digest *hashes = proven_hashes(shelf, 0, want->tile.number);
    if (hashes == NULL) {
        return error_set(err, ST_STALE, "the tile of its hashes is not kept any more");
    }
    for (size_t i = 0; i < want->tile.width; i++) {
        struct digest hash =
            seal_leaf_hash(bytes_of(body.data + i * PROOF_LEAF_BYTES, PROOF_LEAF_BYTES));
        if (!digest_equal(&hash, &hashes[i])) {
            return unproven(want, err);
        }
    }
    struct piece *piece = take_place(shelf, true, 0, want->tile.number);
    if (piece == NULL) {
        return error_set(err, ST_NOMEM, "entry bundle");
    }
    for (size_t i = 0; i < want->tile.width; i++) {
        buffer_lp(&piece->content, bytes_of(body.data + i * PROOF_LEAF_BYTES, PROOF_LEAF_BYTES));
    }
    enum status status = buffer_ok(&piece->content, "entry bundle", err);
    if (status != ST_OK) {
        drop_piece(shelf, piece);
    }
    return status;
}

enum status portal_shelf_put(struct portal_shelf *shelf, const struct portal_want *want,
                             struct bytes body, struct error *err)
{
    const struct proof_tile *tile = &want->tile;
    struct portal_want wanted;
    if (body.size != (size_t)tile->width * (tile->entries ? PROOF_LEAF_BYTES : DIGEST_BYTES)) {
        return unproven(want, err);
    }
    if (tile->entries) {
        // The tree has grown since, never shrunk: what it had then, it has now.
        return put_bundle(shelf, want, body, err);
    }
    if (tile->width == PROOF_TILE_HASHES) {
        return put_tile(shelf, want, body, err);
    }
    if (!portal_shelf_edge(shelf, tile->level, &wanted) || !portal_want_equal(&wanted, want)) {
        return error_set(err, ST_STALE, "that part of the edge is not wanted any more");
    }
    return put_edge(shelf, want, body, err);
}

bool portal_want_equal(const struct portal_want *a, const struct portal_want *b)
{
    return a->size == b->size && a->tile.entries == b->tile.entries &&
           a->tile.level == b->tile.level && a->tile.number == b->tile.number &&
           a->tile.width == b->tile.width;
}
