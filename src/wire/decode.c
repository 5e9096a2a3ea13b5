// Reading messages: straight from their bytes into our structs, by the table of rules. protobuf-c's
// own reader is no help with bytes from outside: it keeps unknown fields (in nested messages
// without telling), takes the last of several values, cuts numbers to 32 bits, and allocates before
// anybody can look at a list's length. So the bytes would have to be read before it reads them.
//
// Every field is known, stands there once, and fits its type before anything is made of it; before
// a list gets its room, its message is gone through to count the items, of which there may only be
// so many. All room comes from the caller's arena, which has an end.
#include "wire/rules.h"

enum { WIRE_VARINT = 0, WIRE_LENGTH = 2 };

// Reads a base-128 number of at most 64 bits. False: cut short, or too long.
static bool take_varint(struct bytes *left, uint64_t *value)
{
    if (left->size > 0 && left->data[0] < 0x80) {
        *value = left->data[0];
        left->data++;
        left->size--;
        return true;
    }
    uint64_t result = 0;
    for (size_t i = 0; i < left->size && i < 10; i++) {
        uint8_t byte = left->data[i];
        if (i == 9 && byte > 1) {
            return false;
        }
        result |= (uint64_t)(byte & 0x7F) << (7 * i);
        if (byte < 0x80) {
            *value = result;
            left->data += i + 1;
            left->size -= i + 1;
            return true;
        }
    }
    return false;
}

static bool is_number(enum wire_rule_kind kind)
{
    return kind == WIRE_RULE_NUMBER || kind == WIRE_RULE_NUMBER64 || kind == WIRE_RULE_ENUM ||
           kind == WIRE_RULE_VERSION || kind == WIRE_RULE_BOOL;
}

static bool is_number_list(enum wire_rule_kind kind)
{
    return kind == WIRE_RULE_NUMBERS || kind == WIRE_RULE_NUMBERS64;
}

static bool is_list(enum wire_rule_kind kind)
{
    return is_number_list(kind) || kind == WIRE_RULE_MESSAGES || kind == WIRE_RULE_CODES ||
           kind == WIRE_RULE_BLOBS;
}

static bool fits(enum wire_rule_kind kind, uint64_t value)
{
    if (kind == WIRE_RULE_BOOL) {
        return value <= 1;
    }
    return kind == WIRE_RULE_NUMBER64 || kind == WIRE_RULE_NUMBERS64 || value <= UINT32_MAX;
}

// Counts the numbers of a packed list; false when they do not fit.
static bool count_packed(enum wire_rule_kind kind, struct bytes packed, uint32_t *count)
{
    while (packed.size > 0) {
        uint64_t value = 0;
        if (!take_varint(&packed, &value) || !fits(kind, value)) {
            return false;
        }
        (*count)++;
    }
    return true;
}

// What one field holds.
struct content {
    const struct wire_rule *rule;
    size_t row;
    bool number;        // a number of its own, not one of a packed list
    uint64_t value;     // the number
    struct bytes bytes; // what is not a number
};

// Takes the content of one field. NULL, or the rule that it breaks.
static const char *take_content(const struct wire_rule *rule, uint64_t type, struct bytes *left,
                                struct content *content, uint32_t *count)
{
    content->number = type == WIRE_VARINT;
    if (type == WIRE_VARINT && (is_number(rule->kind) || is_number_list(rule->kind))) {
        if (!take_varint(left, &content->value)) {
            return "cut short";
        }
        (*count)++;
        return fits(rule->kind, content->value) ? NULL : "the number does not fit";
    }
    if (type != WIRE_LENGTH || is_number(rule->kind)) {
        return "of another type";
    }
    uint64_t size = 0;
    if (!take_varint(left, &size) || size > left->size) {
        return "cut short";
    }
    content->bytes = bytes_of(left->data, (size_t)size);
    left->data += size;
    left->size -= (size_t)size;
    if (is_number_list(rule->kind)) {
        return count_packed(rule->kind, content->bytes, count) ? NULL : "a number does not fit";
    }
    (*count)++;
    size_t fixed = rule->kind == WIRE_RULE_ID       ? ID_BYTES
                   : rule->kind == WIRE_RULE_DIGEST ? DIGEST_BYTES
                                                    : 0;
    if (fixed != 0 && size != 0 && size != fixed) {
        return fixed == ID_BYTES ? "not 16 bytes" : "not 32 bytes";
    }
    // Zero is how our structs say "absent", so it cannot be a value as well.
    return fixed != 0 && size != 0 && wire_is_zero(content->bytes) ? "all zero" : NULL;
}

// Takes the next field: its row, searched from content->row on, as fields come in order almost
// always, and what it holds.
static enum status take_field(const struct wire_rules *rules, struct bytes *left, uint32_t *counts,
                              struct content *content, struct error *err)
{
    uint64_t tag = 0;
    if (!take_varint(left, &tag)) {
        return error_set(err, ST_MALFORMED, "%s: cut short", rules->name);
    }
    uint64_t number = tag >> 3;
    size_t i = content->row;
    if (rules->rows[i].number > number) {
        i = 0;
    }
    while (i < rules->count && rules->rows[i].number < number) {
        i++;
    }
    if (i == rules->count || rules->rows[i].number != number) {
        return error_set(err, ST_MALFORMED, "%s: unknown field %llu", rules->name,
                         (unsigned long long)number);
    }
    const struct wire_rule *rule = &rules->rows[i];
    content->row = i;
    content->rule = rule;
    const char *broken = take_content(rule, tag & 7, left, content, &counts[i]);
    if (broken == NULL && !is_list(rule->kind) && counts[i] > 1) {
        broken = "given twice";
    } else if (broken == NULL && is_list(rule->kind) && counts[i] > rule->max) {
        broken = "too many";
    }
    return broken == NULL
               ? ST_OK
               : error_set(err, ST_MALFORMED, "%s.%s: %s", rules->name, rule->name, broken);
}

// How many items the list of that row has.
static enum status count_items(const struct wire_rules *rules, struct bytes payload, size_t row,
                               uint32_t *count, struct error *err)
{
    uint32_t counts[WIRE_FIELDS_MAX] = { 0 };
    struct content content = { .row = 0 };
    enum status status = ST_OK;
    while (status == ST_OK && payload.size > 0) {
        status = take_field(rules, &payload, counts, &content, err);
    }
    *count = counts[row];
    return status;
}

// A list in our structs: the pointer, and the count behind it.
struct list {
    void *items;
    size_t count;
};

static size_t item_size(const struct wire_rule *rule)
{
    switch ((int)rule->kind) {
    case WIRE_RULE_MESSAGE:
    case WIRE_RULE_MESSAGES:
        return wire_rules_of(rule->schema)->size;
    case WIRE_RULE_NUMBERS:
        return sizeof(uint32_t);
    case WIRE_RULE_NUMBERS64:
        return sizeof(uint64_t);
    default:
        return sizeof(struct bytes);
    }
}

static void put_number(const struct wire_rule *rule, struct list *list, uint64_t value)
{
    if (rule->kind == WIRE_RULE_NUMBERS) {
        ((uint32_t *)list->items)[list->count++] = (uint32_t)value;
    } else {
        ((uint64_t *)list->items)[list->count++] = value;
    }
}

static enum status read_message(enum wire_schema schema, struct bytes payload, void *ours,
                                struct arena *arena, struct error *err);

// Puts an item behind those that the list has; room for all is taken with the first.
static enum status put_item(const struct wire_rules *rules, struct bytes payload,
                            const struct content *content, struct list *list, struct arena *arena,
                            struct error *err)
{
    const struct wire_rule *rule = content->rule;
    // A packed list of nothing. There may be as many of them as there are bytes, so the message is
    // not gone through for each.
    if (is_number_list(rule->kind) && !content->number && content->bytes.size == 0) {
        return ST_OK;
    }
    if (list->items == NULL) {
        uint32_t count = 0;
        enum status status = count_items(rules, payload, content->row, &count, err);
        if (status != ST_OK) {
            return status;
        }
        list->items = arena_take(arena, count * item_size(rule));
        if (list->items == NULL) {
            return error_set(err, ST_NOMEM, "%s: does not fit into the memory of one message",
                             rules->name);
        }
    }
    if (is_number_list(rule->kind) && content->number) {
        put_number(rule, list, content->value);
    } else if (is_number_list(rule->kind)) {
        struct bytes packed = content->bytes;
        uint64_t value = 0;
        while (packed.size > 0 && take_varint(&packed, &value)) {
            put_number(rule, list, value);
        }
    } else if (rule->kind == WIRE_RULE_MESSAGES) {
        uint8_t *item = (uint8_t *)list->items + list->count++ * item_size(rule);
        return read_message(rule->schema, content->bytes, item, arena, err);
    } else {
        ((struct bytes *)list->items)[list->count++] = content->bytes;
    }
    return ST_OK;
}

static enum status put_message(const struct wire_rules *rules, const struct content *content,
                               void *member, struct arena *arena, struct error *err)
{
    void *item = arena_take(arena, item_size(content->rule));
    if (item == NULL) {
        return error_set(err, ST_NOMEM, "%s: does not fit into the memory of one message",
                         rules->name);
    }
    memcpy(member, &item, sizeof(item));
    return read_message(content->rule->schema, content->bytes, item, arena, err);
}

// Puts what a field of the message holds into its member.
static enum status put_field(const struct wire_rules *rules, struct bytes payload,
                             const struct content *content, void *member, struct arena *arena,
                             struct error *err)
{
    switch (content->rule->kind) {
    case WIRE_RULE_ID:
    case WIRE_RULE_DIGEST:
        memcpy(member, content->bytes.data, content->bytes.size); // all of it, or nothing
        break;
    case WIRE_RULE_BYTES:
    case WIRE_RULE_HASHES:
    case WIRE_RULE_ZEROS:
    case WIRE_RULE_TEXT:
    case WIRE_RULE_CODE:
        *(struct bytes *)member = content->bytes;
        break;
    case WIRE_RULE_NUMBER:
    case WIRE_RULE_ENUM:
    case WIRE_RULE_VERSION:
        *(uint32_t *)member = (uint32_t)content->value;
        break;
    case WIRE_RULE_NUMBER64:
        *(uint64_t *)member = content->value;
        break;
    case WIRE_RULE_BOOL:
        *(bool *)member = content->value != 0;
        break;
    case WIRE_RULE_MESSAGE:
        return put_message(rules, content, member, arena, err);
    case WIRE_RULE_MESSAGES:
    case WIRE_RULE_CODES:
    case WIRE_RULE_BLOBS:
    case WIRE_RULE_NUMBERS:
    case WIRE_RULE_NUMBERS64:
        return put_item(rules, payload, content, member, arena, err);
    }
    return ST_OK;
}

static enum status check_message(const struct wire_rules *rules, const uint32_t *counts,
                                 const void *ours, struct error *err)
{
    enum status status = ST_OK;
    for (size_t i = 0; status == ST_OK && i < rules->count; i++) {
        const struct wire_rule *rule = &rules->rows[i];
        const uint8_t *member = (const uint8_t *)ours + rule->offset;
        if (counts[i] == 0 && wire_may_be_absent(rule)) {
            continue;
        }
        status = wire_check_row(rules, rule, member, err);
        if (status == ST_OK && rule->kind == WIRE_RULE_MESSAGES &&
            rule->schema == WIRE_SCHEMA_EXTENSION) {
            const struct list *list = (const struct list *)(const void *)member;
            status = wire_check_extensions(rules, list->items, list->count, err);
        }
    }
    return status;
}

// `ours` is zeroed; views are of the payload.
static enum status read_message(enum wire_schema schema, struct bytes payload, void *ours,
                                struct arena *arena, struct error *err)
{
    const struct wire_rules *rules = wire_rules_of(schema);
    uint32_t counts[WIRE_FIELDS_MAX] = { 0 };
    struct content content = { .row = 0 };
    enum status status = ST_OK;
    struct bytes left = payload;
    while (status == ST_OK && left.size > 0) {
        status = take_field(rules, &left, counts, &content, err);
        if (status == ST_OK) {
            status = put_field(rules, payload, &content, (uint8_t *)ours + content.rule->offset,
                               arena, err);
        }
    }
    return status == ST_OK ? check_message(rules, counts, ours, err) : status;
}

static enum status decode(enum wire_schema schema, struct bytes payload, bool here,
                          struct arena *arena, void *out, struct error *err)
{
    const struct wire_rules *rules = wire_rules_of(schema);
    struct bytes lasting = here ? payload : arena_copy(arena, payload);
    void *ours = lasting.size != payload.size ? NULL : arena_take(arena, rules->size);
    if (ours == NULL) {
        return error_set(err, ST_NOMEM, "%s: does not fit into the memory of one message",
                         rules->name);
    }
    enum status status = read_message(schema, lasting, ours, arena, err);
    if (status == ST_OK) {
        memcpy(out, ours, rules->size);
    }
    return status;
}

enum status wire_decode(enum wire_schema schema, struct bytes payload, struct arena *arena,
                        void *out, struct error *err)
{
    return decode(schema, payload, false, arena, out, err);
}

enum status wire_decode_here(enum wire_schema schema, struct bytes payload, struct arena *arena,
                             void *out, struct error *err)
{
    return decode(schema, payload, true, arena, out, err);
}
