// An entry on its way into the log: its parts, what commits to them, and its public leaf. Pure: no
// store, no thread of its own. docs/audit-log.md has the format.
#pragma once

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/error.h"
#include "proof/commit.h"
#include "wire/codes.h"

enum {
    AUDIT_LEAF_BYTES = PROOF_LEAF_BYTES,
    AUDIT_PARTS_MAX = PROOF_PARTS_MAX,
    AUDIT_BODY_BYTES_MAX = 2 * 1024 * 1024, // the parts of one entry together
};

struct audit_part {
    struct bytes bytes; // the packed message; borrowed until the append has returned
    struct digest salt; // filled by sealing
    struct digest hash; // filled by sealing; all zero before
};

// Fill `class` and the bytes of the parts, in the order of the class (proof/commit.h); the rest is
// filled by sealing.
struct audit_entry {
    enum wire_class class;
    struct audit_part parts[AUDIT_PARTS_MAX]; // unused ones stay zero
    uint32_t minutes;                         // since 1970 UTC, as in the leaf
    uint8_t leaf[AUDIT_LEAF_BYTES];
    struct digest leaf_hash; // RFC 6962 hash of `leaf`
    bool sealed;
};

// Salts and hashes one part; a worker may do this ahead of the recorder.
void audit_part_seal(struct audit_part *part, enum wire_part type);

// Seals the parts that are not yet, and makes commitment, leaf and leaf hash. `minutes` comes from
// audit_journal_minutes(). ST_MALFORMED: no such class, or the parts are too large.
NODISCARD enum status audit_entry_seal(struct audit_entry *entry, uint32_t minutes,
                                       struct error *err);

// What a stored body holds, once opened.
struct audit_body {
    size_t count;
    struct {
        enum wire_part type;
        struct digest salt;
        struct bytes bytes; // borrowed from the packed body
    } parts[AUDIT_PARTS_MAX];
};

// A body as it is encrypted: for each part type, salt, length, bytes. Appends to `out`.
void audit_body_pack(const struct audit_entry *entry, struct buffer *out);

// ST_CORRUPT: not what audit_body_pack() makes for this class.
NODISCARD enum status audit_body_unpack(struct bytes packed, enum wire_class class,
                                        struct audit_body *body, struct error *err);

// The commitment of an opened body, to compare with the leaf's.
struct digest audit_body_commitment(enum wire_class class, const struct audit_body *body);
