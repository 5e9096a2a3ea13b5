// docs/protocol-limits.md: every field of every message with its limits, as the rules have them.
#include "wire/rules.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/file.h"
#include "test.h"

static void put_range(struct buffer *out, const char *what, uint64_t min, uint64_t max)
{
    static const uint64_t year_10000 = UINT64_C(253402300799999);
    if (max == year_10000) {
        buffer_format(out, "a time in milliseconds%s", min > 0 ? ", not 0" : "");
    } else if (min == max) {
        buffer_format(out, "%s%" PRIu64, what, min);
    } else if (max == UINT32_MAX || max == UINT64_MAX) {
        buffer_format(out, min > 0 ? "%sfrom %" PRIu64 " on" : "any number", what, min);
    } else {
        buffer_format(out, "%s%" PRIu64 " to %" PRIu64, what, min, max);
    }
}

static void put_bits(struct buffer *out, uint64_t bits)
{
    const char *comma = "one of ";
    for (unsigned i = 0; i < 64; i++) {
        if ((bits >> i & 1) != 0) {
            buffer_format(out, "%s%u", comma, i);
            comma = ", ";
        }
    }
}

// How many bytes.
static void put_size(struct buffer *out, const struct wire_rule *rule, const char *what)
{
    if (rule->min == rule->max) {
        buffer_format(out, "%s%" PRIu64 " bytes", what, rule->min);
    } else {
        buffer_format(out, "%sat most %" PRIu64 " bytes", what, rule->max);
    }
}

static void put_items(struct buffer *out, const struct wire_rule *rule, const char *what)
{
    if (rule->min > 0) {
        buffer_format(out, "%" PRIu64 " to %" PRIu64 " %s", rule->min, rule->max, what);
    } else {
        buffer_format(out, "at most %" PRIu64 " %s", rule->max, what);
    }
}

static void put_limit(struct buffer *out, const struct wire_rule *rule)
{
    const char *schema = wire_schema_name(rule->schema);
    switch (rule->kind) {
    case WIRE_RULE_ID:
        buffer_text(out, "16 bytes");
        break;
    case WIRE_RULE_DIGEST:
        buffer_text(out, "32 bytes");
        break;
    case WIRE_RULE_BYTES:
        put_size(out, rule, "");
        break;
    case WIRE_RULE_HASHES:
        put_size(out, rule, "hashes of 32 bytes, ");
        break;
    case WIRE_RULE_ZEROS:
        put_size(out, rule, "zeros, ");
        break;
    case WIRE_RULE_TEXT:
        put_size(out, rule, "text, ");
        break;
    case WIRE_RULE_CODE:
        put_size(out, rule, "code, ");
        break;
    case WIRE_RULE_NUMBER:
    case WIRE_RULE_NUMBER64:
        put_range(out, "", rule->min, rule->max);
        break;
    case WIRE_RULE_ENUM:
        put_bits(out, rule->max);
        break;
    case WIRE_RULE_VERSION:
        buffer_text(out, "1");
        break;
    case WIRE_RULE_BOOL:
        buffer_text(out, "true or false");
        break;
    case WIRE_RULE_MESSAGE:
        buffer_format(out, "`%s`", schema);
        break;
    case WIRE_RULE_MESSAGES:
        put_items(out, rule, "of ");
        buffer_format(out, "`%s`", schema);
        break;
    case WIRE_RULE_CODES:
        buffer_format(out, "at most %" PRIu64 " codes of at most %u bytes", rule->max, rule->size);
        break;
    case WIRE_RULE_BLOBS:
        buffer_format(out, "at most %" PRIu64 " times %u bytes", rule->max, rule->size);
        break;
    case WIRE_RULE_NUMBERS:
        buffer_format(out, "at most %" PRIu64 " numbers up to %u", rule->max, rule->size);
        break;
    case WIRE_RULE_NUMBERS64:
        buffer_format(out, "at most %" PRIu64 " numbers", rule->max);
        break;
    }
}

// Whether a message without the field, or with an empty one, is refused.
static bool must_be_there(const struct wire_rule *rule)
{
    bool number = rule->kind == WIRE_RULE_NUMBER || rule->kind == WIRE_RULE_NUMBER64 ||
                  rule->kind == WIRE_RULE_MESSAGES;
    bool enumeration = rule->kind == WIRE_RULE_ENUM && (rule->max & 1) == 0;
    return rule->needed || (number && rule->min > 0) || enumeration ||
           rule->kind == WIRE_RULE_VERSION;
}

static void put_document(struct buffer *out)
{
    buffer_text(out, "# Limits of every field\n\n"
                     "Written by the table that checks messages (`src/wire/rules.c`); a test keeps "
                     "the two in step. [protocol.md](protocol.md) says what the fields mean.\n\n"
                     "*Needed*: a message in which the field is missing, empty or zero is refused. "
                     "Whatever is not needed may be absent. Texts are UTF-8 without NUL; codes are "
                     "letters, digits and `/ . - _ : @ ( )`. Extensions of one message have at "
                     "most 4096 bytes of values together.\n");
    for (int schema = 0; schema < WIRE_SCHEMA_COUNT; schema++) {
        const struct wire_rules *rules = wire_rules_of((enum wire_schema)schema);
        buffer_format(out, "\n## %s\n\n| no. | field | limit | needed |\n|---|---|---|---|\n",
                      rules->name);
        for (size_t i = 0; i < rules->count; i++) {
            const struct wire_rule *rule = &rules->rows[i];
            size_t length = strlen(rule->name);
            // Names that are words of C end in "_" in our structs.
            length -= length > 0 && rule->name[length - 1] == '_' ? 1 : 0;
            buffer_format(out, "| %u | `%.*s` | ", rule->number, (int)length, rule->name);
            put_limit(out, rule);
            buffer_format(out, " |%s |\n", must_be_there(rule) ? " yes" : "");
        }
    }
}

// With WRITE_REFERENCE in the environment it writes the reference first.
TEST(the_reference_of_limits_is_in_step_with_the_rules)
{
    static const char reference[] = PROJECT_DIR "/docs/protocol-limits.md";
    struct error err;
    struct buffer written = buffer_init(1 << 20);
    struct buffer made = buffer_init(1 << 20);
    put_document(&made);
    if (getenv("WRITE_REFERENCE") != NULL) {
        assert_ok(file_replace(reference, buffer_view(&made), 0644, &err));
    }
    assert_ok(file_read(reference, 1 << 20, &written, &err));
    if (!bytes_equal(buffer_view(&written), buffer_view(&made))) {
        fail_msg("docs/protocol-limits.md is not what the rules say; run this test with "
                 "WRITE_REFERENCE=1");
    }
    buffer_fini(&written);
    buffer_fini(&made);
}
