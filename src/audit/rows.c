// Rows of the views. An exchange has two rows, so that an ending need not repeat its decision:
//   id16, u8 0 -> request hash, u64 index, leaf hash, u64 expires at, u8 granted anything
//   id16, u8 1 -> u8 kind of the ending, u64 index
// A hold's row is its packed Hold as the newest entry about it left it.
// A subject row's value is u64 index, leaf hash, u32 minutes, u8 kind. What was forgotten is
//   "forgotten" -> u32 month, u64 first entry behind it, u64 index of the entry, u64 when
#include "audit/rows.h"

#include <stdlib.h>

#include "audit/facet.h"
#include "base/reader.h"
#include "seal/hash.h"
#include "wire/wire.h"

enum { BLOB_BYTES_MAX = 256 * 1024 * 1024, ROW_BYTES_MAX = 128 * 1024 };

struct item {
    size_t offset; // of the key in the blob; the value follows it
    size_t key_size;
    size_t value_size;
    enum audit_table table;
    bool removed;
};

struct audit_rows {
    struct item *items;
    size_t count;
    size_t capacity;
    struct buffer blob;
    struct buffer record; // scratch for packing consents
    bool searchable;      // facets are made, under this key
    uint8_t search_key[SEAL_SHORT_KEY_BYTES];
    const struct audit_tagger *tagger; // NULL: tags stay as they are
};

struct audit_rows *audit_rows_create(void)
{
    struct audit_rows *rows = calloc(1, sizeof(*rows));
    if (rows != NULL) {
        rows->blob = buffer_init(BLOB_BYTES_MAX);
        rows->record = buffer_init(ROW_BYTES_MAX);
    }
    return rows;
}

void audit_rows_destroy(struct audit_rows **rows)
{
    if (*rows != NULL) {
        buffer_fini(&(*rows)->blob);
        buffer_fini(&(*rows)->record);
        free((*rows)->items);
        free(*rows);
        *rows = NULL;
    }
}

void audit_rows_renew_tags(struct audit_rows *rows, const struct audit_tagger *tagger)
{
    rows->tagger = tagger;
}

static enum status newest_tag(const struct audit_rows *rows, struct bytes stored,
                              struct audit_tag *tag, struct error *err)
{
    if (rows->tagger != NULL) {
        enum status status = audit_tagger_renew(rows->tagger, stored, tag, err);
        return status == ST_MALFORMED ? ST_CORRUPT : status;
    }
    memcpy(tag->bytes, stored.data, AUDIT_TAG_BYTES);
    return ST_OK;
}

void audit_rows_make_searchable(struct audit_rows *rows, const uint8_t *search_key)
{
    memcpy(rows->search_key, search_key, sizeof(rows->search_key));
    rows->searchable = true;
}

void audit_rows_clear(struct audit_rows *rows)
{
    buffer_clear(&rows->blob);
    rows->count = 0;
}

size_t audit_rows_count(const struct audit_rows *rows)
{
    return rows->count;
}

size_t audit_rows_bytes(const struct audit_rows *rows)
{
    return rows->blob.size;
}

struct audit_row audit_rows_at(const struct audit_rows *rows, size_t place)
{
    const struct item *item = &rows->items[place];
    const uint8_t *key = rows->blob.data + item->offset;
    return (struct audit_row){
        .table = item->table,
        .key = bytes_of(key, item->key_size),
        .value = bytes_of(key + item->key_size, item->value_size),
        .removed = item->removed,
    };
}

enum status audit_rows_put(struct audit_rows *rows, const struct audit_row *row, struct error *err)
{
    if (rows->count == rows->capacity) {
        size_t capacity = rows->capacity == 0 ? 64 : rows->capacity * 2;
        struct item *items = realloc(rows->items, capacity * sizeof(*items));
        if (items == NULL) {
            return error_set(err, ST_NOMEM, "rows of the views");
        }
        rows->items = items;
        rows->capacity = capacity;
    }
    struct item item = {
        .offset = rows->blob.size,
        .key_size = row->key.size,
        .value_size = row->value.size,
        .table = row->table,
        .removed = row->removed,
    };
    buffer_bytes(&rows->blob, row->key);
    buffer_bytes(&rows->blob, row->value);
    enum status status = buffer_ok(&rows->blob, "rows of the views", err);
    if (status == ST_OK) {
        rows->items[rows->count++] = item;
    }
    return status;
}

// ---- one row each

static enum status put(struct audit_rows *rows, enum audit_table table, const uint8_t *key,
                       size_t key_size, const uint8_t *value, size_t value_size, struct error *err)
{
    struct audit_row row = { .table = table,
                             .key = bytes_of(key, key_size),
                             .value = bytes_of(value, value_size) };
    return audit_rows_put(rows, &row, err);
}

static void fill_u32(uint8_t out[4], uint32_t number)
{
    for (unsigned i = 0; i < 4; i++) {
        out[i] = (uint8_t)(number >> (24 - 8 * i));
    }
}

static enum status put_subject(struct audit_rows *rows, struct bytes stored,
                               const struct audit_subject_row *row, struct error *err)
{
    struct audit_tag tag;
    enum status status = newest_tag(rows, stored, &tag, err);
    if (status != ST_OK) {
        return status;
    }
    uint8_t key[AUDIT_TAG_BYTES + 8];
    uint8_t value[8 + DIGEST_BYTES + 4 + 1];
    memcpy(key, tag.bytes, AUDIT_TAG_BYTES);
    (void)seal_u64(key + AUDIT_TAG_BYTES, row->sequence);
    (void)seal_u64(value, row->index);
    memcpy(value + 8, row->leaf_hash.bytes, DIGEST_BYTES);
    fill_u32(value + 8 + DIGEST_BYTES, row->minutes);
    value[8 + DIGEST_BYTES + 4] = (uint8_t)row->kind;
    return put(rows, AUDIT_TABLE_SUBJECT, key, sizeof(key), value, sizeof(value), err);
}

// What of forgotten entries goes on counting.
static enum status put_carried(struct audit_rows *rows, const struct wire_officer_part *part,
                               struct error *err)
{
    enum status status = ST_OK;
    for (size_t i = 0; status == ST_OK && i < part->carried_heads_count; i++) {
        const struct wire_carried_head *head = &part->carried_heads[i];
        const struct audit_subject_row row = { .sequence = head->sequence,
                                               .index = head->index,
                                               .leaf_hash = head->leaf_hash,
                                               .minutes = head->minutes,
                                               .kind = (enum wire_kind)head->kind };
        status = put_subject(rows, head->tag, &row, err);
    }
    for (size_t i = 0; status == ST_OK && i < part->carried_counters_count; i++) {
        const struct wire_counter_seen *counter = &part->carried_counters[i];
        uint8_t value[16];
        (void)seal_u64(value, counter->value);
        (void)seal_u64(value + 8, counter->until);
        status = put(rows, AUDIT_TABLE_CARRIED, counter->key.bytes, DIGEST_BYTES, value,
                     sizeof(value), err);
    }
    return status;
}

static enum status put_forgotten(struct audit_rows *rows, const struct audit_facts *facts,
                                 struct error *err)
{
    static const uint8_t word[] = "forgotten";
    uint8_t value[4 + 3 * 8];
    fill_u32(value, facts->public_->month);
    (void)seal_u64(value + 4, facts->public_->forgotten_to);
    (void)seal_u64(value + 12, facts->index);
    (void)seal_u64(value + 20, facts->public_->recorded_at);
    return put(rows, AUDIT_TABLE_META, word, sizeof(word) - 1, value, sizeof(value), err);
}

struct bytes audit_exchange_key(const struct id *id, uint8_t key[AUDIT_EXCHANGE_KEY_BYTES])
{
    memcpy(key, id->bytes, ID_BYTES);
    key[ID_BYTES] = 0;
    return bytes_of(key, AUDIT_EXCHANGE_KEY_BYTES);
}

struct bytes audit_consent_key(const struct audit_tag *tag, const struct id *id,
                               uint8_t key[AUDIT_CONSENT_KEY_BYTES])
{
    memcpy(key, tag->bytes, AUDIT_TAG_BYTES);
    memcpy(key + AUDIT_TAG_BYTES, id->bytes, ID_BYTES);
    return bytes_of(key, AUDIT_CONSENT_KEY_BYTES);
}

bool audit_table_is_by_tag(enum audit_table table)
{
    return table == AUDIT_TABLE_SUBJECT || table == AUDIT_TABLE_CONSENT;
}

static enum status put_decision(struct audit_rows *rows, const struct audit_facts *facts,
                                struct error *err)
{
    const struct wire_exchange_part *part = facts->exchange;
    uint8_t key[AUDIT_EXCHANGE_KEY_BYTES];
    uint8_t value[DIGEST_BYTES + 8 + DIGEST_BYTES + 8 + 1];
    bool granted = false;
    for (size_t i = 0; i < part->verdicts_count; i++) {
        granted = granted || part->verdicts[i].given.size > 0;
    }
    (void)audit_exchange_key(&part->exchange_id, key);
    memcpy(value, part->request_hash.bytes, DIGEST_BYTES);
    (void)seal_u64(value + 32, facts->index);
    memcpy(value + 40, facts->leaf_hash.bytes, DIGEST_BYTES);
    (void)seal_u64(value + 72, part->expires_at);
    value[80] = granted ? 1 : 0;
    enum status status =
        put(rows, AUDIT_TABLE_EXCHANGE, key, sizeof(key), value, sizeof(value), err);
    if (status == ST_OK && granted) {
        status = put(rows, AUDIT_TABLE_OPEN, key, ID_BYTES, value + 32, 8, err);
    }
    return status;
}

static enum status put_ending(struct audit_rows *rows, struct bytes id, enum wire_kind kind,
                              uint64_t index, struct error *err)
{
    uint8_t key[AUDIT_EXCHANGE_KEY_BYTES];
    uint8_t value[1 + 8];
    memcpy(key, id.data, ID_BYTES);
    key[ID_BYTES] = 1;
    value[0] = (uint8_t)kind;
    (void)seal_u64(value + 1, index);
    enum status status =
        put(rows, AUDIT_TABLE_EXCHANGE, key, sizeof(key), value, sizeof(value), err);
    if (status == ST_OK) {
        struct audit_row closed = { .table = AUDIT_TABLE_OPEN,
                                    .key = bytes_of(key, ID_BYTES),
                                    .removed = true };
        status = audit_rows_put(rows, &closed, err);
    }
    return status;
}

static enum status put_consent(struct audit_rows *rows, const struct audit_facts *facts,
                               struct error *err)
{
    uint8_t key[AUDIT_CONSENT_KEY_BYTES];
    struct wire_consent_record record = *facts->officer->consent;
    struct audit_tag tag;
    enum status status = newest_tag(rows, facts->officer->tag, &tag, err);
    if (status != ST_OK) {
        return status;
    }
    record.index = facts->index;
    record.tag = audit_tag_view(&tag);
    (void)audit_consent_key(&tag, &record.id, key);
    buffer_clear(&rows->record);
    status = wire_encode(WIRE_SCHEMA_CONSENT_RECORD, &record, &rows->record, err);
    if (status != ST_OK) {
        return status;
    }
    return put(rows, AUDIT_TABLE_CONSENT, key, sizeof(key), rows->record.data, rows->record.size,
               err);
}

// The entry that lifts a hold says where it was set.
static enum status put_hold(struct audit_rows *rows, const struct audit_facts *facts,
                            struct error *err)
{
    struct wire_hold hold = *facts->officer->hold;
    if (hold.state == WIRE_HOLD_LIFTED) {
        hold.lifted_index = facts->index;
    } else {
        hold.index = facts->index;
    }
    buffer_clear(&rows->record);
    enum status status = wire_encode(WIRE_SCHEMA_HOLD, &hold, &rows->record, err);
    if (status != ST_OK) {
        return status;
    }
    return put(rows, AUDIT_TABLE_HOLD, hold.id.bytes, ID_BYTES, rows->record.data,
               rows->record.size, err);
}

static enum status put_officer(struct audit_rows *rows, const struct audit_facts *facts,
                               enum wire_kind kind, struct error *err)
{
    const struct wire_officer_part *part = facts->officer;
    enum status status = ST_OK;
    for (size_t i = 0; status == ST_OK && i < part->charges_count; i++) {
        uint8_t value[24];
        (void)seal_u64(value, part->charges[i].value);
        (void)seal_u64(value + 8, facts->index);
        (void)seal_u64(value + 16, part->charges[i].until);
        status = put(rows, AUDIT_TABLE_COUNTER, part->charges[i].key.bytes, DIGEST_BYTES, value,
                     sizeof(value), err);
    }
    for (size_t i = 0; status == ST_OK && kind == WIRE_KIND_RESTART && i < part->lost_ids_count;
         i++) {
        if (part->lost_ids[i].size != ID_BYTES) {
            return error_set(err, ST_CORRUPT, "entry %llu: a lost exchange without its id",
                             (unsigned long long)facts->index);
        }
        status = put_ending(rows, part->lost_ids[i], kind, facts->index, err);
    }
    if (status == ST_OK && part->hold != NULL) {
        status = put_hold(rows, facts, err);
    }
    if (status == ST_OK && kind == WIRE_KIND_CARRY_FORWARD) {
        status = put_carried(rows, part, err);
    }
    if (status != ST_OK || part->tag.size != AUDIT_TAG_BYTES) {
        return status;
    }
    if (part->consent != NULL) {
        status = put_consent(rows, facts, err);
    }
    if (status == ST_OK && facts->class != WIRE_CLASS_DELAYED && facts->subject != NULL &&
        facts->subject->sequence > 0) {
        const struct audit_subject_row row = { .sequence = facts->subject->sequence,
                                               .index = facts->index,
                                               .leaf_hash = facts->leaf_hash,
                                               .minutes = facts->minutes,
                                               .kind = kind };
        status = put_subject(rows, part->tag, &row, err);
    }
    return status;
}

enum wire_kind audit_facts_kind(const struct audit_facts *facts)
{
    uint32_t kind = 0;
    if (facts->exchange != NULL && facts->exchange->kind != 0) {
        kind = facts->exchange->kind;
    } else if (facts->subject != NULL && facts->subject->kind != 0) {
        kind = facts->subject->kind;
    } else if (facts->officer != NULL && facts->officer->kind != 0) {
        kind = facts->officer->kind;
    } else if (facts->public_ != NULL) {
        kind = facts->public_->kind;
    }
    return (enum wire_kind)kind;
}

static enum status put_facet(struct audit_rows *rows, const struct audit_facts *facts,
                             struct error *err)
{
    struct audit_terms terms;
    uint8_t key[8];
    uint8_t facet[AUDIT_FACET_BYTES];
    audit_terms_read(facts, &terms);
    audit_facet_write(&terms, rows->search_key, facet);
    (void)seal_u64(key, facts->index);
    return put(rows, AUDIT_TABLE_FACET, key, sizeof(key), facet, sizeof(facet), err);
}

enum status audit_rows_add(struct audit_rows *rows, const struct audit_facts *facts,
                           struct error *err)
{
    enum wire_kind kind = audit_facts_kind(facts);
    enum status status = ST_OK;
    if (facts->exchange != NULL && kind == WIRE_KIND_DECISION) {
        status = put_decision(rows, facts, err);
    } else if (facts->exchange != NULL &&
               (kind == WIRE_KIND_RELEASED || kind == WIRE_KIND_REFUSED ||
                kind == WIRE_KIND_EXPIRED || kind == WIRE_KIND_CANCELLED)) {
        status = put_ending(rows, bytes_id(&facts->exchange->exchange_id), kind, facts->index, err);
    }
    if (status == ST_OK && facts->officer != NULL) {
        status = put_officer(rows, facts, kind, err);
    }
    bool governance = facts->class == WIRE_CLASS_GOVERNANCE || facts->class == WIRE_CLASS_EPOCH;
    if (status == ST_OK && governance) {
        uint8_t key[8];
        uint8_t value[1] = { (uint8_t)kind };
        (void)seal_u64(key, facts->index);
        status = put(rows, AUDIT_TABLE_GOVERNANCE, key, sizeof(key), value, sizeof(value), err);
        if (status == ST_OK && kind == WIRE_KIND_CARRY_FORWARD && facts->public_ != NULL) {
            status = put_forgotten(rows, facts, err);
        }
    }
    if (status == ST_OK && rows->searchable) {
        status = put_facet(rows, facts, err);
    }
    return status;
}

// Kinds are numbered by tens: 0 exchange, 10 consent, 20 oversight, 30 governance, 40 delayed,
// 50 epoch.
bool audit_kind_lasts(enum wire_kind kind)
{
    unsigned tens = (unsigned)kind / 10;
    return tens == 1 || tens == 3 || tens == 5;
}

// ---- from stored bytes

enum status audit_subject_row_decode(struct bytes key, struct bytes value,
                                     struct audit_subject_row *row, struct error *err)
{
    struct reader name = reader_init(key);
    struct reader content = reader_init(value);
    struct audit_subject_row read = { 0 };
    (void)reader_bytes(&name, AUDIT_TAG_BYTES);
    read.sequence = reader_u64(&name);
    read.index = reader_u64(&content);
    read.leaf_hash = reader_digest(&content);
    read.minutes = reader_u32(&content);
    read.kind = (enum wire_kind)reader_u8(&content);
    if (!reader_finished(&name) || !reader_finished(&content)) {
        return error_set(err, ST_CORRUPT, "views: a subject row that is none");
    }
    *row = read;
    return ST_OK;
}

enum status audit_counter_row_decode(struct bytes value, bool carried,
                                     struct audit_counter_row *row, struct error *err)
{
    struct reader reader = reader_init(value);
    struct audit_counter_row read = { .value = reader_u64(&reader) };
    read.index = carried ? 0 : reader_u64(&reader);
    read.until = reader_u64(&reader);
    if (!reader_finished(&reader)) {
        return error_set(err, ST_CORRUPT, "views: a counter that is none");
    }
    *row = read;
    return ST_OK;
}

enum status audit_forgotten_decode(struct bytes value, struct audit_forgotten *row,
                                   struct error *err)
{
    struct reader reader = reader_init(value);
    struct audit_forgotten read = { .month = reader_u32(&reader) };
    read.to = reader_u64(&reader);
    read.index = reader_u64(&reader);
    read.at_ms = reader_u64(&reader);
    if (!reader_finished(&reader)) {
        return error_set(err, ST_CORRUPT, "views: what was forgotten cannot be read");
    }
    *row = read;
    return ST_OK;
}

enum status audit_exchange_row_decode(struct bytes decision, struct bytes ending,
                                      struct audit_exchange_row *row, struct error *err)
{
    struct reader reader = reader_init(decision);
    struct audit_exchange_row read = { 0 };
    read.request_hash = reader_digest(&reader);
    read.decision_index = reader_u64(&reader);
    read.decision_leaf = reader_digest(&reader);
    read.expires_at = reader_u64(&reader);
    bool granted = reader_u8(&reader) != 0;
    bool good = reader_finished(&reader);
    if (ending.size > 0) {
        reader = reader_init(ending);
        read.ending = (enum wire_kind)reader_u8(&reader);
        read.ending_index = reader_u64(&reader);
        good = good && reader_finished(&reader);
    } else if (!granted) {
        read.ending = WIRE_KIND_DECISION;
        read.ending_index = read.decision_index;
    }
    if (!good) {
        return error_set(err, ST_CORRUPT, "views: an exchange row that is none");
    }
    *row = read;
    return ST_OK;
}

static enum status decode_part(enum wire_schema schema, size_t size, struct bytes bytes,
                               struct arena *arena, const void **part, struct error *err)
{
    if (bytes.size == 0) {
        return ST_OK;
    }
    void *out = arena_take(arena, size);
    if (out == NULL) {
        return error_set(err, ST_NOMEM, "parts of an entry");
    }
    enum status status = wire_decode(schema, bytes, arena, out, err);
    if (status == ST_MALFORMED || status == ST_UNSUPPORTED) {
        (void)error_wrap(err, "a stored part");
        return ST_CORRUPT;
    }
    if (status == ST_OK) {
        *part = out;
    }
    return status;
}

enum status audit_facts_decode(const struct audit_body *body, struct arena *arena,
                               struct audit_facts *facts, struct error *err)
{
    const void *decoded[WIRE_PART_PUBLIC + 1] = { NULL };
    enum status status = ST_OK;
    for (size_t i = 0; status == ST_OK && i < body->count; i++) {
        enum wire_part type = body->parts[i].type;
        struct bytes bytes = body->parts[i].bytes;
        const void **part = &decoded[type];
        switch (type) {
        case WIRE_PART_EXCHANGE:
            status = decode_part(WIRE_SCHEMA_EXCHANGE_PART, sizeof(struct wire_exchange_part),
                                 bytes, arena, part, err);
            break;
        case WIRE_PART_SUBJECT:
            status = decode_part(WIRE_SCHEMA_SUBJECT_PART, sizeof(struct wire_subject_part), bytes,
                                 arena, part, err);
            break;
        case WIRE_PART_OFFICER:
            status = decode_part(WIRE_SCHEMA_OFFICER_PART, sizeof(struct wire_officer_part), bytes,
                                 arena, part, err);
            break;
        case WIRE_PART_PUBLIC:
            status = decode_part(WIRE_SCHEMA_PUBLIC_PART, sizeof(struct wire_public_part), bytes,
                                 arena, part, err);
            break;
        default:
            status = error_set(err, ST_CORRUPT, "a stored part of type %d", (int)type);
            break;
        }
    }
    if (status == ST_OK) {
        facts->exchange = decoded[WIRE_PART_EXCHANGE];
        facts->subject = decoded[WIRE_PART_SUBJECT];
        facts->officer = decoded[WIRE_PART_OFFICER];
        facts->public_ = decoded[WIRE_PART_PUBLIC];
    }
    return status;
}
