// What protobuf-c lets pass and the rules do not, found in the bytes themselves: it keeps unknown
// fields (in nested messages without telling), takes the last of several values, cuts numbers to 32
// bits, and allocates before anybody can look at a list's length.
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

// Takes the content of one field. NULL, or the rule that it breaks.
static const char *take_content(const struct wire_rule *rule, uint64_t type, struct bytes *left,
                                struct bytes *content, uint32_t *count)
{
    if (type == WIRE_VARINT && (is_number(rule->kind) || is_number_list(rule->kind))) {
        uint64_t value = 0;
        if (!take_varint(left, &value)) {
            return "cut short";
        }
        (*count)++;
        return fits(rule->kind, value) ? NULL : "the number does not fit";
    }
    if (type != WIRE_LENGTH || is_number(rule->kind)) {
        return "of another type";
    }
    uint64_t size = 0;
    if (!take_varint(left, &size) || size > left->size) {
        return "cut short";
    }
    *content = bytes_of(left->data, (size_t)size);
    left->data += size;
    left->size -= (size_t)size;
    if (is_number_list(rule->kind)) {
        return count_packed(rule->kind, *content, count) ? NULL : "a number does not fit";
    }
    (*count)++;
    size_t fixed = rule->kind == WIRE_RULE_ID       ? ID_BYTES
                   : rule->kind == WIRE_RULE_DIGEST ? DIGEST_BYTES
                                                    : 0;
    if (fixed != 0 && size != 0 && size != fixed) {
        return fixed == ID_BYTES ? "not 16 bytes" : "not 32 bytes";
    }
    // Zero is how our structs say "absent", so it cannot be a value as well.
    return fixed != 0 && size != 0 && wire_is_zero(*content) ? "all zero" : NULL;
}

enum status wire_scan(enum wire_schema schema, struct bytes payload, struct error *err)
{
    const struct wire_rules *rules = wire_rules_of(schema);
    uint32_t counts[WIRE_FIELDS_MAX] = { 0 };
    struct bytes left = payload;
    size_t i = 0;
    while (left.size > 0) {
        uint64_t tag = 0;
        if (!take_varint(&left, &tag)) {
            return error_set(err, ST_MALFORMED, "%s: cut short", rules->name);
        }
        uint64_t number = tag >> 3;
        // Fields come in order almost always, so the search goes on from the last one.
        if (i < rules->count && rules->rows[i].number > number) {
            i = 0;
        }
        while (i < rules->count && rules->rows[i].number < number) {
            i++;
        }
        if (i == rules->count || rules->rows[i].number != number) {
            i = 0;
            return error_set(err, ST_MALFORMED, "%s: unknown field %llu", rules->name,
                             (unsigned long long)number);
        }
        const struct wire_rule *rule = &rules->rows[i];
        struct bytes content = { 0 };
        const char *broken = take_content(rule, tag & 7, &left, &content, &counts[i]);
        if (broken == NULL && !is_list(rule->kind) && counts[i] > 1) {
            broken = "given twice";
        } else if (broken == NULL && is_list(rule->kind) && counts[i] > rule->max) {
            broken = "too many";
        }
        if (broken != NULL) {
            return error_set(err, ST_MALFORMED, "%s.%s: %s", rules->name, rule->name, broken);
        }
        if (rule->kind == WIRE_RULE_MESSAGE || rule->kind == WIRE_RULE_MESSAGES) {
            enum status status = wire_scan(rule->schema, content, err);
            if (status != ST_OK) {
                return status;
            }
        }
    }
    return ST_OK;
}
