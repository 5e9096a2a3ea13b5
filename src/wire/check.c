// A message in our form against its rules: the same for what came in and for what goes out.
#include "base/text.h"
#include "wire/rules.h"

// A list: its first item, and its count behind the pointer.
static const void *list_of(const void *member, size_t *count)
{
    const void *items = NULL;
    memcpy(&items, member, sizeof(items));
    memcpy(count, (const uint8_t *)member + sizeof(items), sizeof(*count));
    return items;
}

// Letters, digits and "/.-_:@()".
static bool is_code(struct bytes text)
{
    // A bit for each character that may stand there.
    static const uint64_t allowed[4] = { UINT64_C(0x07FFE30000000000),   // ( ) - . / 0-9 :
                                         UINT64_C(0x07FFFFFE87FFFFFF) }; // @ A-Z _ a-z
    uint64_t all = 1;
    for (size_t i = 0; i < text.size; i++) {
        all &= allowed[text.data[i] >> 6] >> (text.data[i] & 63);
    }
    return all != 0;
}

static const char *check_bytes(const struct wire_rule *rule, struct bytes bytes)
{
    if (bytes.size == 0) {
        return rule->needed ? "missing" : NULL;
    }
    if (bytes.size > rule->max) {
        return "too long";
    }
    if (bytes.size < rule->min) {
        return "too short";
    }
    if (rule->kind == WIRE_RULE_TEXT && !text_utf8_valid(bytes)) {
        return "not UTF-8 without NUL";
    }
    if (rule->kind == WIRE_RULE_CODE && !is_code(bytes)) {
        return "not a code";
    }
    if (rule->kind == WIRE_RULE_HASHES && bytes.size % DIGEST_BYTES != 0) {
        return "not whole hashes";
    }
    if (rule->kind == WIRE_RULE_ZEROS && !wire_is_zero(bytes)) {
        return "not zeros";
    }
    return NULL;
}

static const char *check_number(const struct wire_rule *rule, uint64_t value)
{
    if (rule->kind == WIRE_RULE_VERSION) {
        return value == 0 ? "missing" : NULL;
    }
    if (rule->kind == WIRE_RULE_ENUM) {
        return value < 64 && (rule->max >> value & 1) != 0 ? NULL : "not one of its values";
    }
    if (value < rule->min) {
        return value == 0 ? "missing" : "too small";
    }
    return value > rule->max ? "too large" : NULL;
}

static const char *check_items(const struct wire_rule *rule, const void *items, size_t count)
{
    if (count > rule->max) {
        return "too many";
    }
    for (size_t i = 0; i < count; i++) {
        if (rule->kind == WIRE_RULE_NUMBERS) {
            if (((const uint32_t *)items)[i] > rule->size) {
                return "a number is too large";
            }
        } else if (rule->kind != WIRE_RULE_NUMBERS64) {
            struct bytes item = ((const struct bytes *)items)[i];
            if (rule->kind == WIRE_RULE_BLOBS ? item.size != rule->size
                                              : item.size == 0 || item.size > rule->size) {
                return "an item is of another size";
            }
            if (rule->kind == WIRE_RULE_CODES && !is_code(item)) {
                return "an item is not a code";
            }
        }
    }
    return NULL;
}

static const char *check_field(const struct wire_rule *rule, const void *member)
{
    size_t count = 0;
    switch (rule->kind) {
    case WIRE_RULE_ID:
    case WIRE_RULE_DIGEST:
        return rule->needed && wire_is_zero(bytes_of(member, rule->width)) ? "missing" : NULL;
    case WIRE_RULE_BYTES:
    case WIRE_RULE_HASHES:
    case WIRE_RULE_ZEROS:
    case WIRE_RULE_TEXT:
    case WIRE_RULE_CODE:
        return check_bytes(rule, *(const struct bytes *)member);
    case WIRE_RULE_NUMBER:
    case WIRE_RULE_ENUM:
    case WIRE_RULE_VERSION:
        return check_number(rule, *(const uint32_t *)member);
    case WIRE_RULE_NUMBER64:
        return check_number(rule, *(const uint64_t *)member);
    case WIRE_RULE_CODES:
    case WIRE_RULE_BLOBS:
    case WIRE_RULE_NUMBERS:
    case WIRE_RULE_NUMBERS64: {
        const void *items = list_of(member, &count);
        return check_items(rule, items, count);
    }
    case WIRE_RULE_MESSAGE: {
        const void *item = NULL;
        memcpy(&item, member, sizeof(item));
        return rule->needed && item == NULL ? "missing" : NULL;
    }
    case WIRE_RULE_MESSAGES:
        (void)list_of(member, &count);
        return count < rule->min ? "too few" : count > rule->max ? "too many" : NULL;
    case WIRE_RULE_BOOL:
        break;
    }
    return NULL;
}

enum status wire_check_row(const struct wire_rules *rules, const struct wire_rule *rule,
                           const void *member, struct error *err)
{
    const char *broken = check_field(rule, member);
    if (broken != NULL) {
        return error_set(err, ST_MALFORMED, "%s.%s: %s", rules->name, rule->name, broken);
    }
    if (rule->kind == WIRE_RULE_VERSION && *(const uint32_t *)member != 1) {
        return error_set(err, ST_UNSUPPORTED, "%s.%s: %u, and only 1 is known", rules->name,
                         rule->name, *(const uint32_t *)member);
    }
    return ST_OK;
}

// There is no critical extension that this version knows.
enum status wire_check_extensions(const struct wire_rules *rules, const void *items, size_t count,
                                  struct error *err)
{
    const struct wire_extension *extensions = items;
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        total += extensions[i].value.size;
        if (extensions[i].critical) {
            return error_set(err, ST_UNSUPPORTED, "%s: unknown critical extension %u", rules->name,
                             extensions[i].id);
        }
    }
    if (total > WIRE_EXTENSIONS_MAX_BYTES) {
        return error_set(err, ST_MALFORMED, "%s.extensions: too long", rules->name);
    }
    return ST_OK;
}
