// Leaves and commitments.
#include "proof/commit.h"

#include "base/reader.h"
#include "seal/hash.h"

#include <assert.h>

enum { LEAF_FORMAT = 1 };

struct class_rule {
    size_t count;
    uint8_t types[PROOF_PARTS_MAX];
};

static const struct class_rule class_rules[] = {
    [PROOF_CLASS_EXCHANGE] = { 3, { PROOF_PART_EXCHANGE, PROOF_PART_SUBJECT, PROOF_PART_OFFICER } },
    [PROOF_CLASS_CONSENT] = { 3, { PROOF_PART_EXCHANGE, PROOF_PART_SUBJECT, PROOF_PART_OFFICER } },
    [PROOF_CLASS_OVERSIGHT] = { 2, { PROOF_PART_SUBJECT, PROOF_PART_OFFICER } },
    [PROOF_CLASS_GOVERNANCE] = { 2, { PROOF_PART_OFFICER, PROOF_PART_PUBLIC } },
    [PROOF_CLASS_DELAYED] = { 3, { PROOF_PART_EXCHANGE, PROOF_PART_SUBJECT, PROOF_PART_OFFICER } },
    [PROOF_CLASS_EPOCH] = { 2, { PROOF_PART_OFFICER, PROOF_PART_PUBLIC } },
};

size_t proof_class_parts(unsigned class, const uint8_t **types)
{
    if (class >= ARRAY_COUNT(class_rules) || class_rules[class].count == 0) {
        return 0;
    }
    if (types != NULL) {
        *types = class_rules[class].types;
    }
    return class_rules[class].count;
}

int proof_class_place(unsigned class, unsigned part_type)
{
    const uint8_t *types = NULL;
    size_t count = proof_class_parts(class, &types);
    for (size_t i = 0; i < count; i++) {
        if (types[i] == part_type) {
            return (int)i;
        }
    }
    return -1;
}

void proof_leaf_encode(const struct proof_leaf *leaf, uint8_t bytes[PROOF_LEAF_BYTES])
{
    bytes[0] = LEAF_FORMAT;
    bytes[1] = leaf->class;
    for (size_t i = 0; i < 4; i++) {
        bytes[2 + i] = (uint8_t)(leaf->minutes >> (24 - 8 * i));
    }
    memcpy(bytes + 6, leaf->commitment.bytes, DIGEST_BYTES);
}

enum status proof_leaf_decode(struct bytes bytes, struct proof_leaf *leaf, struct error *err)
{
    struct reader reader = reader_init(bytes);
    uint8_t format = reader_u8(&reader);
    struct proof_leaf read;
    read.class = reader_u8(&reader);
    read.minutes = reader_u32(&reader);
    read.commitment = reader_digest(&reader);
    if (!reader_finished(&reader)) {
        return error_set(err, ST_MALFORMED, "leaf of %zu bytes: %s", bytes.size,
                         reader_reason(&reader));
    }
    if (format != LEAF_FORMAT) {
        return error_set(err, ST_UNSUPPORTED, "leaf of format %u", format);
    }
    if (proof_class_parts(read.class, NULL) == 0) {
        return error_set(err, ST_MALFORMED, "leaf of class %u", read.class);
    }
    *leaf = read;
    return ST_OK;
}

struct digest proof_part_hash(uint8_t type, const struct digest *salt, struct bytes bytes)
{
    // One piece for what stands before the bytes: most of the hash of a short part is overhead.
    struct bytes label = seal_label("vedomo/1 part");
    uint8_t head[32 + DIGEST_BYTES];
    assert(label.size + 1 + DIGEST_BYTES <= sizeof(head));
    memcpy(head, label.data, label.size);
    head[label.size] = type;
    memcpy(head + label.size + 1, salt->bytes, DIGEST_BYTES);
    const struct bytes parts[] = { bytes_of(head, label.size + 1 + DIGEST_BYTES), bytes };
    return seal_sha256_parts(parts, ARRAY_COUNT(parts));
}

struct digest proof_body_commitment(unsigned class, const struct digest *parts)
{
    size_t count = proof_class_parts(class, NULL);
    assert(count > 0);
    uint8_t number = (uint8_t)count;
    const struct bytes pieces[] = { seal_label("vedomo/1 body"), bytes_of(&number, 1),
                                    bytes_of(parts, count * sizeof(parts[0])) };
    return seal_sha256_parts(pieces, ARRAY_COUNT(pieces));
}
