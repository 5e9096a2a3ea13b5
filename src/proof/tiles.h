// Names and sizes of tiles (C2SP tlog-tiles): the pieces in which a log is published. Tile `number`
// of level l holds the hashes of 256 nodes, each the root of 256^l leaves; an entry bundle holds
// the leaves themselves, each behind its u16 length (buffer_lp()), under the numbers of level 0.
#pragma once

#include "proof/tree.h"

enum {
    PROOF_TILE_HASHES = 256,
    PROOF_TILE_LEVELS = 8, // 256^8 leaves
    PROOF_TILE_BYTES = PROOF_TILE_HASHES * DIGEST_BYTES,
    PROOF_TILE_NAME_BYTES = 64,
};

struct proof_tile {
    bool entries;   // a bundle of entries; level is 0
    unsigned level; // below PROOF_TILE_LEVELS
    uint64_t number;
    unsigned width; // 1..256; a partial tile has less than 256
};

// "tile/0/x001/x234/067", "tile/1/000.p/8", "tile/entries/003".
void proof_tile_name(const struct proof_tile *tile, char name[PROOF_TILE_NAME_BYTES]);

// Strict: only what proof_tile_name() writes.
NODISCARD bool proof_tile_parse(const char *name, struct proof_tile *tile);

// How many hashes (or entries) of that tile the tree of `size` leaves has: 0..256.
unsigned proof_tile_width(unsigned level, uint64_t number, uint64_t size);

// True when all hashes of the tile are in the tree of `size` leaves.
bool proof_tile_exists(const struct proof_tile *tile, uint64_t size);

// The root of a full tile: the hash that stands for it one level up.
struct digest proof_tile_root(const struct digest hashes[PROOF_TILE_HASHES]);
