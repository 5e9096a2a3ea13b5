// The map of an epoch: a sparse Merkle tree that commits to every person's list at one moment, and
// tells nobody who is in it. Pure; needs a hash only. docs/audit-log.md, "Epochs", has the format.
//
//   position    the first 80 bits of the tag's 32 bytes, the highest bit nearest the root
//   chain       H("vedomo/1 chain\0" ‖ u8 which ‖ salt ‖ u64 count ‖ head)
//   leaf        H(0x00 ‖ "vedomo/1 map\0" ‖ tag ‖ chain open ‖ chain delayed)
//   node        H(0x01 ‖ left ‖ right); of two empty subtrees: empty
//   empty       32 zero bytes, at every level
#pragma once

#include "base/bytes.h"
#include "base/error.h"

enum {
    PROOF_TAG_BYTES = 33, // u8 key version and 32 bytes
    PROOF_MAP_DEPTH = 80, // levels between root and leaves
    PROOF_MAP_BITMAP_BYTES = PROOF_MAP_DEPTH / 8,
};

// The two lists of a person.
enum proof_chain { PROOF_CHAIN_OPEN = 1, PROOF_CHAIN_DELAYED = 2 };

// How a list stands: entries, and the leaf hash of the last one (zero when there are none).
struct proof_chain_head {
    uint64_t count;
    struct digest head;
};

struct digest proof_chain_commitment(enum proof_chain which, const struct digest *salt,
                                     const struct proof_chain_head *head);

// `tag` has PROOF_TAG_BYTES.
struct digest proof_map_leaf(const uint8_t *tag, const struct digest *open,
                             const struct digest *delayed);

// A node from its two children. Two empty ones make an empty one.
struct digest proof_map_node(const struct digest *left, const struct digest *right);

// Bit `level` of the tag's position: which child of the node at that level is on its way; 0 is the
// root.
unsigned proof_map_bit(const uint8_t *tag, unsigned level);

// How many bits the positions of two tags have in common; PROOF_MAP_DEPTH: all.
unsigned proof_map_common(const uint8_t *a, const uint8_t *b);

// The node at `level` on the way of `tag` to a lower node of depth `below` (level <= below), when
// everything else under it is empty.
struct digest proof_map_lift(const uint8_t *tag, unsigned below, unsigned level,
                             struct digest node);

// The siblings on the way of a tag. Those that are empty are left out and have no bit.
struct proof_map_path {
    uint8_t bitmap[PROOF_MAP_BITMAP_BYTES]; // bit `level`, the highest of the first byte: level 0
    struct digest steps[PROOF_MAP_DEPTH];   // of the levels that have a bit, the deepest first
    size_t count;
};

// Notes the sibling at the next level, from the deepest one (PROOF_MAP_DEPTH - 1) up to 0.
void proof_map_path_add(struct proof_map_path *path, unsigned level, const struct digest *sibling);

// The path from its bytes. False: a length that is none, as many hashes as bits are not there, or
// one of the hashes is the empty one.
NODISCARD bool proof_map_path_read(struct bytes bitmap, struct bytes steps,
                                   struct proof_map_path *path);

// The root that leaf (empty: nobody) and path lead to.
struct digest proof_map_root(const uint8_t *tag, const struct digest *leaf,
                             const struct proof_map_path *path);

// What is claimed about a person.
struct proof_map_claim {
    struct bytes tag;
    bool absent;                  // in this case nothing below counts
    struct proof_chain_head open; // the person's list
    struct digest salt;           // of its commitment
    struct digest delayed;        // the other commitment, unopened
    struct bytes bitmap;
    struct bytes path;
};

// Whether the claim holds in the map with this root. ST_MALFORMED: it is none. ST_UNPROVEN: it does
// not hold.
NODISCARD enum status proof_map_verify(const struct proof_map_claim *claim,
                                       const struct digest *root, struct error *err);
