// Writing messages: straight from our structs into their bytes, by the table of rules, in the order
// of the fields' numbers and without what is absent, as every writer of proto3 does (a test
// compares them with protobuf-c's). What is signed or hashed is always the bytes that wire_encode()
// gave or that came in: packing the same message again may give others.
//
// Each message is first checked, row by row, and then written from its last byte to its first, so
// that the length of what stands in it is known when its turn comes: nothing is measured beforehand
// and nothing is moved.
#include <stdlib.h>

#include "wire/rules.h"

enum { WIRE_VARINT = 0, WIRE_LENGTH = 2, VARINT_MAX = 10, USUAL_BYTES = 4096 };

// A list in our structs: the pointer, and the count behind it.
struct list {
    const void *items;
    size_t count;
};

// Written are the bytes from `start` to the end.
struct writer {
    uint8_t *data;
    size_t capacity;
    size_t start;
    uint8_t *heap; // NULL: `data` is the caller's
    bool failed;   // no memory
    uint8_t usual[USUAL_BYTES];
};

static size_t written(const struct writer *writer)
{
    return writer->capacity - writer->start;
}

// It may be about a person: nothing of it stays behind.
static void forget(struct writer *writer)
{
    explicit_bzero(writer->data + writer->start, written(writer));
    free(writer->heap);
}

static bool grow(struct writer *writer, size_t size)
{
    size_t used = written(writer);
    size_t capacity = 2 * writer->capacity + size;
    uint8_t *data = malloc(capacity);
    if (data == NULL) {
        writer->failed = true;
        return false;
    }
    memcpy(data + capacity - used, writer->data + writer->start, used);
    forget(writer);
    writer->heap = data;
    writer->data = data;
    writer->capacity = capacity;
    writer->start = capacity - used;
    return true;
}

// Room for so many bytes before those that are written. NULL: no memory.
static uint8_t *put_room(struct writer *writer, size_t size)
{
    if (size > writer->start && !grow(writer, size)) {
        return NULL;
    }
    writer->start -= size;
    return writer->data + writer->start;
}

static void put_varint(struct writer *writer, uint64_t value)
{
    uint8_t bytes[VARINT_MAX];
    size_t size = 0;
    if (value < 0x80 && writer->start > 0) { // most are
        writer->data[--writer->start] = (uint8_t)value;
        return;
    }
    for (; value >= 0x80; value >>= 7) {
        bytes[size++] = (uint8_t)(value | 0x80);
    }
    bytes[size++] = (uint8_t)value;
    uint8_t *room = put_room(writer, size);
    for (size_t i = 0; room != NULL && i < size; i++) {
        room[i] = bytes[i];
    }
}

static void put_number(struct writer *writer, const struct wire_rule *rule, uint64_t value)
{
    put_varint(writer, value);
    put_varint(writer, (uint64_t)rule->number << 3 | WIRE_VARINT);
}

// What stands before the bytes of a field that has a length.
static void put_length(struct writer *writer, const struct wire_rule *rule, size_t size)
{
    put_varint(writer, size);
    put_varint(writer, (uint64_t)rule->number << 3 | WIRE_LENGTH);
}

static void put_bytes(struct writer *writer, const struct wire_rule *rule, struct bytes bytes)
{
    uint8_t *room = put_room(writer, bytes.size);
    if (room != NULL && bytes.size > 0) {
        memcpy(room, bytes.data, bytes.size);
    }
    put_length(writer, rule, bytes.size);
}

static void put_numbers(struct writer *writer, const struct wire_rule *rule,
                        const struct list *list)
{
    size_t before = written(writer);
    for (size_t i = list->count; i > 0; i--) {
        put_varint(writer, rule->kind == WIRE_RULE_NUMBERS
                               ? ((const uint32_t *)list->items)[i - 1]
                               : ((const uint64_t *)list->items)[i - 1]);
    }
    if (list->count > 0) {
        put_length(writer, rule, written(writer) - before);
    }
}

static enum status put_message(struct writer *writer, enum wire_schema schema, const void *ours,
                               struct error *err);

static enum status put_within(struct writer *writer, const struct wire_rule *rule,
                              const void *message, struct error *err)
{
    size_t before = written(writer);
    enum status status = put_message(writer, rule->schema, message, err);
    put_length(writer, rule, written(writer) - before);
    return status;
}

static enum status put_list(struct writer *writer, const struct wire_rules *rules,
                            const struct wire_rule *rule, const struct list *list,
                            struct error *err)
{
    enum status status = ST_OK;
    if (rule->kind == WIRE_RULE_NUMBERS || rule->kind == WIRE_RULE_NUMBERS64) {
        put_numbers(writer, rule, list);
        return ST_OK;
    }
    bool messages = rule->kind == WIRE_RULE_MESSAGES;
    size_t size = messages ? wire_rules_of(rule->schema)->size : sizeof(struct bytes);
    for (size_t i = list->count; status == ST_OK && i > 0; i--) {
        const uint8_t *item = (const uint8_t *)list->items + (i - 1) * size;
        if (messages) {
            status = put_within(writer, rule, item, err);
        } else {
            put_bytes(writer, rule, *(const struct bytes *)(const void *)item);
        }
    }
    return status == ST_OK && messages && rule->schema == WIRE_SCHEMA_EXTENSION
               ? wire_check_extensions(rules, list->items, list->count, err)
               : status;
}

static enum status put_field(struct writer *writer, const struct wire_rules *rules,
                             const struct wire_rule *rule, const void *member, struct error *err)
{
    struct bytes bytes = { 0 };
    uint64_t number = 0;
    switch (rule->kind) {
    case WIRE_RULE_ID:
    case WIRE_RULE_DIGEST:
        bytes = bytes_of(member, wire_is_zero(bytes_of(member, rule->width)) ? 0 : rule->width);
        break;
    case WIRE_RULE_BYTES:
    case WIRE_RULE_HASHES:
    case WIRE_RULE_ZEROS:
    case WIRE_RULE_TEXT:
    case WIRE_RULE_CODE:
        bytes = *(const struct bytes *)member;
        break;
    case WIRE_RULE_NUMBER:
    case WIRE_RULE_ENUM:
    case WIRE_RULE_VERSION:
        number = *(const uint32_t *)member;
        break;
    case WIRE_RULE_NUMBER64:
        number = *(const uint64_t *)member;
        break;
    case WIRE_RULE_BOOL:
        number = *(const bool *)member ? 1 : 0;
        break;
    case WIRE_RULE_MESSAGE: {
        const void *message = *(const void *const *)member;
        return message == NULL ? ST_OK : put_within(writer, rule, message, err);
    }
    case WIRE_RULE_MESSAGES:
    case WIRE_RULE_CODES:
    case WIRE_RULE_BLOBS:
    case WIRE_RULE_NUMBERS:
    case WIRE_RULE_NUMBERS64:
        return put_list(writer, rules, rule, member, err);
    }
    if (bytes.size > 0) {
        put_bytes(writer, rule, bytes);
    } else if (number != 0) {
        put_number(writer, rule, number);
    }
    return ST_OK;
}

static enum status put_message(struct writer *writer, enum wire_schema schema, const void *ours,
                               struct error *err)
{
    const struct wire_rules *rules = wire_rules_of(schema);
    const struct wire_rule *present[WIRE_FIELDS_MAX];
    size_t count = 0;
    enum status status = ST_OK;
    for (size_t i = 0; status == ST_OK && i < rules->count; i++) {
        const struct wire_rule *rule = &rules->rows[i];
        const uint8_t *member = (const uint8_t *)ours + rule->offset;
        if (!wire_may_be_absent(rule) || !wire_is_zero(bytes_of(member, rule->width))) {
            present[count++] = rule;
            status = wire_check_row(rules, rule, member, err);
        }
    }
    while (status == ST_OK && count > 0) {
        const struct wire_rule *rule = present[--count];
        status = put_field(writer, rules, rule, (const uint8_t *)ours + rule->offset, err);
    }
    return status;
}

enum status wire_encode(enum wire_schema schema, const void *in, struct buffer *out,
                        struct error *err)
{
    struct writer writer;
    writer.data = writer.usual;
    writer.capacity = writer.start = USUAL_BYTES;
    writer.heap = NULL;
    writer.failed = false;
    enum status status = put_message(&writer, schema, in, err);
    if (status == ST_OK && writer.failed) {
        status = error_set(err, ST_NOMEM, "%s: no memory to pack it", wire_schema_name(schema));
    } else if (status == ST_OK) {
        buffer_bytes(out, bytes_of(writer.data + writer.start, written(&writer)));
        status = buffer_ok(out, wire_schema_name(schema), err);
    }
    forget(&writer);
    return status;
}

size_t wire_head_begin(enum wire_type type, const struct id *ref, size_t payload_bytes,
                       uint8_t out[WIRE_HEAD_BEGIN_MAX])
{
    static const struct id none;
    enum { TAG_TYPE = 1 << 3, TAG_REF = 2 << 3 | 2, TAG_PAYLOAD = 3 << 3 | 2 };
    size_t size = 0;
    out[size++] = TAG_TYPE;
    out[size++] = (uint8_t)type; // less than 128
    if (!id_equal(ref, &none)) {
        out[size++] = TAG_REF;
        out[size++] = ID_BYTES;
        memcpy(out + size, ref->bytes, ID_BYTES);
        size += ID_BYTES;
    }
    out[size++] = TAG_PAYLOAD;
    size_t left = payload_bytes;
    for (; left >= 0x80; left >>= 7) {
        out[size++] = (uint8_t)(left | 0x80);
    }
    out[size++] = (uint8_t)left;
    return size;
}
