// The journal's bytes.
#include "audit/record.h"

#include "base/reader.h"
#include "seal/hash.h"

enum { RECORD_FORMAT = 1 };

const char *const audit_journal_tables[AUDIT_JOURNAL_TABLES] = {
    [AUDIT_JOURNAL_ENTRY] = "entry",
    [AUDIT_JOURNAL_TILE] = "tile",
    [AUDIT_JOURNAL_CHECKPOINT] = "checkpoint",
    [AUDIT_JOURNAL_TERM] = "term",
    [AUDIT_JOURNAL_META] = "meta",
};

struct audit_key audit_key_u64(uint64_t number)
{
    struct audit_key key = { .size = 8 };
    (void)seal_u64(key.bytes, number);
    return key;
}

struct audit_key audit_key_pair(uint64_t first, uint64_t second)
{
    struct audit_key key = { .size = 16 };
    (void)seal_u64(key.bytes, first);
    (void)seal_u64(key.bytes + 8, second);
    return key;
}

struct audit_key audit_key_tile(unsigned level, uint64_t number)
{
    struct audit_key key = { .size = 9 };
    key.bytes[0] = (uint8_t)level;
    (void)seal_u64(key.bytes + 1, number);
    return key;
}

enum status audit_number_decode(struct bytes bytes, uint64_t *number, struct error *err)
{
    struct reader reader = reader_init(bytes);
    uint64_t value = reader_u64(&reader);
    if (!reader_finished(&reader)) {
        return error_set(err, ST_CORRUPT, "log: a number of %zu bytes", bytes.size);
    }
    *number = value;
    return ST_OK;
}

uint8_t *audit_record_head(uint8_t *room, const uint8_t leaf[AUDIT_LEAF_BYTES], uint32_t key_id)
{
    room[0] = RECORD_FORMAT;
    memcpy(room + 1, leaf, AUDIT_LEAF_BYTES);
    for (unsigned i = 0; i < 4; i++) {
        room[1 + AUDIT_LEAF_BYTES + i] = (uint8_t)(key_id >> (24 - 8 * i));
    }
    return room + 1 + AUDIT_LEAF_BYTES + 4;
}

enum status audit_record_decode(struct bytes value, uint64_t index, struct audit_record *record,
                                struct error *err)
{
    struct reader reader = reader_init(value);
    struct proof_leaf leaf;
    struct audit_record read = { 0 };
    if (reader_u8(&reader) != RECORD_FORMAT) {
        reader_fail(&reader, "another format");
    }
    read.leaf = reader_bytes(&reader, AUDIT_LEAF_BYTES);
    read.key_id = reader_u32(&reader);
    read.nonce = reader_bytes(&reader, AUDIT_BOX_NONCE_BYTES).data;
    if (reader_ok(&reader)) {
        read.box = reader_bytes(&reader, reader.left);
    }
    if (reader_ok(&reader) &&
        (read.box.size < AUDIT_BOX_TAG_BYTES || read.box.size > AUDIT_BODY_BYTES_MAX + 1024)) {
        reader_fail(&reader, "a body of that size is never written");
    }
    if (!reader_ok(&reader)) {
        return error_set(err, ST_CORRUPT, "entry %llu: %s", (unsigned long long)index,
                         reader_reason(&reader));
    }
    if (proof_leaf_decode(read.leaf, &leaf, err) != ST_OK) {
        (void)error_wrap(err, "entry %llu", (unsigned long long)index);
        return ST_CORRUPT;
    }
    read.class = (enum wire_class)leaf.class;
    read.minutes = leaf.minutes;
    read.commitment = leaf.commitment;
    read.leaf_hash = seal_leaf_hash(read.leaf);
    *record = read;
    return ST_OK;
}

enum status audit_record_size(struct store_txn *txn, uint64_t *size, struct error *err)
{
    struct store_cursor *cursor = NULL;
    struct bytes key;
    struct bytes value;
    uint64_t last = 0;
    enum status status = store_cursor_open(txn, AUDIT_JOURNAL_ENTRY, &cursor, err);
    if (status != ST_OK) {
        return status;
    }
    status = store_cursor_last(cursor, &key, &value, err);
    if (status == ST_NOT_FOUND) {
        *size = 0;
        status = ST_OK;
    } else if (status == ST_OK) {
        status = audit_number_decode(key, &last, err);
        if (status == ST_OK) {
            *size = last + 1;
        }
    }
    store_cursor_close(&cursor);
    return status;
}

enum status audit_record_body(struct audit_vault *vault, struct bytes origin, uint64_t index,
                              const struct audit_record *record, uint8_t *plain,
                              struct audit_body *body, struct error *err)
{
    if (record->key_id >= AUDIT_KEY_IDS || audit_body_key_month(record->key_id) !=
                                               audit_vault_key_id(record->class, record->minutes)) {
        return error_set(err, ST_CORRUPT, "entry %llu: its body names another month's key",
                         (unsigned long long)index);
    }
    enum status status =
        audit_vault_open_body(vault, record->key_id, origin, index, &record->leaf_hash,
                              record->nonce, record->box, plain, err);
    if (status != ST_OK) {
        return status;
    }
    struct audit_body read;
    status = audit_body_unpack(bytes_of(plain, record->box.size - AUDIT_BOX_TAG_BYTES),
                               record->class, &read, err);
    if (status != ST_OK) {
        (void)error_wrap(err, "entry %llu", (unsigned long long)index);
        return status;
    }
    struct digest commitment = audit_body_commitment(record->class, &read);
    if (!digest_equal(&commitment, &record->commitment)) {
        return error_set(err, ST_CORRUPT, "entry %llu: its body is not what its leaf commits to",
                         (unsigned long long)index);
    }
    *body = read;
    return ST_OK;
}

enum status audit_record_last(struct store_txn *txn, unsigned table, uint64_t *number,
                              struct bytes *value, struct error *err)
{
    struct store_cursor *cursor = NULL;
    struct bytes key;
    enum status status = store_cursor_open(txn, table, &cursor, err);
    if (status == ST_OK) {
        status = store_cursor_last(cursor, &key, value, err);
        if (status == ST_OK) {
            status =
                audit_number_decode(bytes_of(key.data, key.size < 8 ? key.size : 8), number, err);
        }
        store_cursor_close(&cursor);
    }
    return status;
}
