// The public leaf of an entry, and its commitment to the parts of its body.
//
//   leaf        u8 format 1 ‖ u8 class ‖ u32 minutes since 1970 UTC ‖ commitment: 38 bytes
//   commitment  H("vedomo/1 body\0" ‖ u8 n ‖ part 1 … part n), n and the types fixed by the class
//   part        H("vedomo/1 part\0" ‖ u8 type ‖ salt ‖ bytes); an empty part is salted as any other
//
//   class         parts, in this order
//   1 exchange    1 exchange, 2 subject, 3 officer
//   2 consent     1 exchange, 2 subject, 3 officer
//   3 oversight   2 subject, 3 officer
//   4 governance  3 officer, 4 public
//   5 delayed     1 exchange, 2 subject, 3 officer
//   6 epoch       3 officer, 4 public
#pragma once

#include "base/bytes.h"
#include "base/error.h"

enum { PROOF_LEAF_BYTES = 38, PROOF_PARTS_MAX = 3 };

enum proof_class {
    PROOF_CLASS_EXCHANGE = 1,
    PROOF_CLASS_CONSENT,
    PROOF_CLASS_OVERSIGHT,
    PROOF_CLASS_GOVERNANCE,
    PROOF_CLASS_DELAYED,
    PROOF_CLASS_EPOCH,
};

enum proof_part {
    PROOF_PART_EXCHANGE = 1,
    PROOF_PART_SUBJECT,
    PROOF_PART_OFFICER,
    PROOF_PART_PUBLIC,
};

// What an entry shows to everyone.
struct proof_leaf {
    uint8_t class;            // an enum proof_class
    uint32_t minutes;         // since 1970 UTC; never decreasing along the log
    struct digest commitment; // to the body's parts
};

void proof_leaf_encode(const struct proof_leaf *leaf, uint8_t bytes[PROOF_LEAF_BYTES]);

// ST_MALFORMED: of another size, or an unknown class. ST_UNSUPPORTED: another format.
NODISCARD enum status proof_leaf_decode(struct bytes bytes, struct proof_leaf *leaf,
                                        struct error *err);

// How many parts entries of the class have; 0 for an unknown class. *types (which may be NULL) is
// set to their types in order; static.
size_t proof_class_parts(unsigned class, const uint8_t **types);

// The place of a part's type among the parts of the class; -1 when the class has no such part.
int proof_class_place(unsigned class, unsigned part_type);

struct digest proof_part_hash(uint8_t type, const struct digest *salt, struct bytes bytes);

// From the hashes of all parts of the class, in its order. `class` is a known one.
struct digest proof_body_commitment(unsigned class, const struct digest *parts);
