// Inside of the log: nodes of the tree from what the journal stores (full tiles, and leaves behind
// the last of them), and the right edge that the writer keeps in memory.
#pragma once

#include "audit/record.h"
#include "base/snapshot.h"
#include "proof/note.h"
#include "proof/tiles.h"

// The hashes of the tiles that are not full yet, for every level of tiles.
struct audit_edge {
    uint64_t size; // of the tree; level t has (size >> 8t) & 255 hashes
    struct digest hashes[AUDIT_TILE_LEVELS][AUDIT_TILE_HASHES];
};

// Called for each tile that becomes full: its level and number; its hashes stand in the edge.
typedef enum status (*audit_tile_full)(void *context, unsigned level, uint64_t number,
                                       const struct digest *hashes, struct error *err);

// Adds a leaf hash. Full tiles are given to `full`; when that fails the edge is of no more use.
NODISCARD enum status audit_edge_append(struct audit_edge *edge, const struct digest *leaf_hash,
                                        audit_tile_full full, void *context, struct error *err);

// Adds a whole tile of leaves by its root; the edge stands at whole tiles. Tiles of level 1 and up
// that become full are given to `full`.
NODISCARD enum status audit_edge_append_tile(struct audit_edge *edge, const struct digest *root,
                                             audit_tile_full full, void *context,
                                             struct error *err);

void audit_edge_copy(struct audit_edge *to, const struct audit_edge *from);

// A source of nodes, for one transaction. Lives on the stack.
struct audit_tiles {
    struct store_txn *txn;         // borrowed
    uint64_t size;                 // entries that it sees
    const struct audit_edge *edge; // upper levels of a tree of up to that size; may be NULL
    unsigned level;                // the tile read last: nodes of one proof share tiles
    uint64_t number;
    const struct digest *hashes; // NULL: none read yet
};

// A proof_reader; `context` is a struct audit_tiles.
NODISCARD enum status audit_tiles_node(void *context, unsigned level, uint64_t position,
                                       struct digest *node, struct error *err);

// Copies `count` hashes of one tile, from `first` within it.
NODISCARD enum status audit_tiles_read(struct audit_tiles *tiles, unsigned level, uint64_t number,
                                       unsigned first, unsigned count, struct digest *hashes,
                                       struct error *err);

// Fills the edge of the tree of tiles->size.
NODISCARD enum status audit_tiles_edge(struct audit_tiles *tiles, struct audit_edge *edge,
                                       struct error *err);
