// What of the published log may be shown: the newest checkpoint whose right edge is known, and the
// tiles and entry bundles that have been proven to belong to it. Pure: says what is missing, takes
// what was fetched, believes none of it before the hashes lead to the checkpoint's root. Not for
// threads to share.
#pragma once

#include "proof/ring.h"
#include "proof/tiles.h"

struct portal_shelf;

// Keeps at most `pieces_max` tiles and bundles, of at most 10 KB each; the one not asked for
// longest goes first. NULL: no memory. `keys` are the log's, borrowed; they
// may grow between calls.
NODISCARD struct portal_shelf *portal_shelf_create(const struct proof_ring *keys,
                                                   size_t pieces_max);
void portal_shelf_destroy(struct portal_shelf **shelf);

// A piece to be fetched: `tile.width` hashes or leaves (38 bytes each) of the tree of `size`.
struct portal_want {
    struct proof_tile tile;
    uint64_t size;
};

bool portal_want_equal(const struct portal_want *a, const struct portal_want *b);

// Offers a signed checkpoint that continues those before (the peer has seen to that). It is shown
// once its edge is there. One of the shown size takes its place when it has more signatures. ST_OK
// also when it is not newer.
NODISCARD enum status portal_shelf_offer(struct portal_shelf *shelf, struct bytes note,
                                         struct error *err);

// The checkpoint that is shown. Size 0 and empty: none yet. Borrowed until the next put or offer.
uint64_t portal_shelf_checkpoint(const struct portal_shelf *shelf, struct bytes *note);

// True when the offered checkpoint still lacks the partial tile of this level.
bool portal_shelf_edge(const struct portal_shelf *shelf, unsigned level, struct portal_want *want);

enum portal_found {
    PORTAL_NONE = 0, // the published tree has no such tile
    PORTAL_HERE,     // *content
    PORTAL_MISSING,  // *want has to be fetched first, perhaps more after it
};

// *content is what the tile's file holds; borrowed until the next put or offer.
enum portal_found portal_shelf_find(struct portal_shelf *shelf, const struct proof_tile *tile,
                                    struct bytes *content, struct portal_want *want);

// Takes what was fetched. ST_UNPROVEN: it is not what the checkpoint stands for. ST_STALE: what
// would prove it is not here any more; ask again.
NODISCARD enum status portal_shelf_put(struct portal_shelf *shelf, const struct portal_want *want,
                                       struct bytes body, struct error *err);
