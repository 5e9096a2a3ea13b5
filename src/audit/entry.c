// Entries before they are stored, and bodies after they were opened. A packed body is, for each
// part of the class in its order: u8 type, salt, u32 length, bytes.
#include "audit/entry.h"

#include "base/reader.h"
#include "seal/hash.h"
#include "seal/random.h"

void audit_part_seal(struct audit_part *part, enum wire_part type)
{
    part->salt = seal_random_digest();
    part->hash = proof_part_hash((uint8_t)type, &part->salt, part->bytes);
}

enum status audit_entry_seal(struct audit_entry *entry, uint32_t minutes, struct error *err)
{
    const uint8_t *types = NULL;
    size_t count = proof_class_parts((unsigned)entry->class, &types);
    if (count == 0) {
        return error_set(err, ST_MALFORMED, "entry: no class %d", (int)entry->class);
    }
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        total += entry->parts[i].bytes.size;
    }
    if (total > AUDIT_BODY_BYTES_MAX) {
        return error_set(err, ST_MALFORMED, "entry: its parts take %zu bytes, at most %d", total,
                         AUDIT_BODY_BYTES_MAX);
    }
    struct digest hashes[AUDIT_PARTS_MAX];
    for (size_t i = 0; i < count; i++) {
        if (digest_is_zero(&entry->parts[i].hash)) {
            audit_part_seal(&entry->parts[i], (enum wire_part)types[i]);
        }
        hashes[i] = entry->parts[i].hash;
    }
    struct proof_leaf leaf = {
        .class = (uint8_t)entry->class,
        .minutes = minutes,
        .commitment = proof_body_commitment((unsigned)entry->class, hashes),
    };
    proof_leaf_encode(&leaf, entry->leaf);
    entry->leaf_hash = seal_leaf_hash(bytes_of(entry->leaf, AUDIT_LEAF_BYTES));
    entry->minutes = minutes;
    entry->sealed = true;
    return ST_OK;
}

void audit_body_pack(const struct audit_entry *entry, struct buffer *out)
{
    const uint8_t *types = NULL;
    size_t count = proof_class_parts((unsigned)entry->class, &types);
    for (size_t i = 0; i < count; i++) {
        buffer_u8(out, types[i]);
        buffer_bytes(out, bytes_digest(&entry->parts[i].salt));
        buffer_u32(out, (uint32_t)entry->parts[i].bytes.size);
        buffer_bytes(out, entry->parts[i].bytes);
    }
}

enum status audit_body_unpack(struct bytes packed, enum wire_class class, struct audit_body *body,
                              struct error *err)
{
    const uint8_t *types = NULL;
    struct audit_body read = { .count = proof_class_parts((unsigned)class, &types) };
    struct reader reader = reader_init(packed);
    for (size_t i = 0; i < read.count; i++) {
        if (reader_u8(&reader) != types[i]) {
            reader_fail(&reader, "a part of another type");
        }
        read.parts[i].type = (enum wire_part)types[i];
        read.parts[i].salt = reader_digest(&reader);
        read.parts[i].bytes = reader_bytes(&reader, reader_u32(&reader));
    }
    if (read.count == 0 || !reader_finished(&reader)) {
        return error_set(err, ST_CORRUPT, "body: %s", reader_reason(&reader));
    }
    *body = read;
    return ST_OK;
}

struct digest audit_body_commitment(enum wire_class class, const struct audit_body *body)
{
    struct digest hashes[AUDIT_PARTS_MAX] = { 0 };
    for (size_t i = 0; i < body->count; i++) {
        hashes[i] = proof_part_hash((uint8_t)body->parts[i].type, &body->parts[i].salt,
                                    body->parts[i].bytes);
    }
    return proof_body_commitment((unsigned)class, hashes);
}
