// Messages made from the table of rules, so that every rule of every field is tried.
#include "descriptors.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "wire/rules.h"

enum fill {
    FILL_LEAST, // only what is needed, as small as it may be
    FILL_SOME   // every field, two items a list
};

static struct error err; // of the running test

struct fixture {
    struct arena *arena;
    struct buffer buffer;
};

static struct fixture fixture(void)
{
    struct fixture f = { .arena = arena_create(16 << 20), .buffer = buffer_init(4 << 20) };
    assert_non_null(f.arena);
    return f;
}

static void fixture_end(struct fixture *f)
{
    buffer_fini(&f->buffer);
    arena_destroy(&f->arena);
}

static void *fill_message(enum wire_schema schema, enum fill fill, struct arena *arena);

// `size` bytes that are a code, a text, and no zeros.
static struct bytes fill_bytes(struct arena *arena, size_t size, uint8_t with)
{
    uint8_t *data = arena_take(arena, size);
    assert_non_null(data);
    memset(data, with, size);
    return bytes_of(data, size);
}

static void set_list(uint8_t *member, const void *items, size_t count)
{
    memcpy(member, &items, sizeof(items));
    memcpy(member + sizeof(items), &count, sizeof(count));
}

static size_t least_size(const struct wire_rule *rule)
{
    if (rule->kind == WIRE_RULE_HASHES) {
        return DIGEST_BYTES;
    }
    return rule->min > 0 ? (size_t)rule->min : 1;
}

static void fill_list(const struct wire_rule *rule, uint8_t *member, size_t count, enum fill fill,
                      struct arena *arena)
{
    size_t width = rule->kind == WIRE_RULE_MESSAGES    ? wire_rules_of(rule->schema)->size
                   : rule->kind == WIRE_RULE_NUMBERS   ? sizeof(uint32_t)
                   : rule->kind == WIRE_RULE_NUMBERS64 ? sizeof(uint64_t)
                                                       : sizeof(struct bytes);
    uint8_t *items = arena_take(arena, count * width);
    assert_non_null(items);
    for (size_t i = 0; i < count; i++) {
        if (rule->kind == WIRE_RULE_MESSAGES) {
            memcpy(items + i * width, fill_message(rule->schema, fill, arena), width);
        } else if (rule->kind == WIRE_RULE_CODES || rule->kind == WIRE_RULE_BLOBS) {
            ((struct bytes *)items)[i] = fill_bytes(arena, rule->size, 'z');
        } else if (rule->kind == WIRE_RULE_NUMBERS) {
            ((uint32_t *)items)[i] = i == 0 ? rule->size : 0;
        } else {
            ((uint64_t *)items)[i] = i == 0 ? UINT64_MAX : 0;
        }
    }
    set_list(member, count == 0 ? NULL : items, count);
}

static void fill_field(const struct wire_rule *rule, uint8_t *member, enum fill fill,
                       struct arena *arena)
{
    bool some = fill == FILL_SOME;
    switch (rule->kind) {
    case WIRE_RULE_ID:
    case WIRE_RULE_DIGEST:
        memset(member, some || rule->needed ? 0xA5 : 0, rule->width);
        break;
    case WIRE_RULE_BYTES:
    case WIRE_RULE_HASHES:
    case WIRE_RULE_TEXT:
    case WIRE_RULE_CODE:
    case WIRE_RULE_ZEROS:
        if (some || rule->needed) {
            *(struct bytes *)member =
                fill_bytes(arena, least_size(rule), rule->kind == WIRE_RULE_ZEROS ? 0 : 'a');
        }
        break;
    case WIRE_RULE_NUMBER:
        *(uint32_t *)member = (uint32_t)(some ? rule->max : rule->min);
        break;
    case WIRE_RULE_NUMBER64:
        *(uint64_t *)member = some ? rule->max : rule->min;
        break;
    case WIRE_RULE_ENUM:
    case WIRE_RULE_VERSION:
        *(uint32_t *)member = 1;
        break;
    case WIRE_RULE_BOOL:
        *(bool *)member = some && rule->offset != offsetof(struct wire_extension, critical);
        break;
    case WIRE_RULE_MESSAGE:
        if (some || rule->needed) {
            void *nested = fill_message(rule->schema, fill, arena);
            memcpy(member, &nested, sizeof(nested));
        }
        break;
    case WIRE_RULE_MESSAGES:
    case WIRE_RULE_CODES:
    case WIRE_RULE_BLOBS:
    case WIRE_RULE_NUMBERS:
    case WIRE_RULE_NUMBERS64:
        fill_list(rule, member, some ? (rule->max < 2 ? 1 : 2) : (size_t)rule->min, fill, arena);
        break;
    }
}

static void *fill_message(enum wire_schema schema, enum fill fill, struct arena *arena)
{
    const struct wire_rules *rules = wire_rules_of(schema);
    uint8_t *message = arena_take(arena, rules->size);
    assert_non_null(message);
    for (size_t i = 0; i < rules->count; i++) {
        fill_field(&rules->rows[i], message + rules->rows[i].offset, fill, arena);
    }
    return message;
}

// Puts an invalid value into a field. NULL: there is no such variant; else the words expected.
static const char *break_sized(const struct wire_rule *rule, struct bytes *member, int variant,
                               struct arena *arena)
{
    uint8_t plain = rule->kind == WIRE_RULE_ZEROS ? 0 : 'a';
    switch (variant) {
    case 0:
        *member = fill_bytes(arena, rule->max + 1, plain);
        return "too long";
    case 1:
        *member = (struct bytes){ 0 };
        return rule->needed ? "missing" : "";
    case 2:
        *member = fill_bytes(arena, rule->min > 1 ? rule->min - 1 : 1, plain);
        return rule->min > 1 ? "too short" : "";
    case 3:
        *member = fill_bytes(arena, least_size(rule), 0);
        return rule->kind == WIRE_RULE_TEXT   ? "not UTF-8 without NUL"
               : rule->kind == WIRE_RULE_CODE ? "not a code"
                                              : "";
    case 4:
        *member = fill_bytes(arena, least_size(rule), 0xC3);
        return rule->kind == WIRE_RULE_TEXT    ? "not UTF-8 without NUL"
               : rule->kind == WIRE_RULE_CODE  ? "not a code"
               : rule->kind == WIRE_RULE_ZEROS ? "not zeros"
                                               : "";
    case 5:
        *member = fill_bytes(arena, least_size(rule), ' ');
        return rule->kind == WIRE_RULE_CODE ? "not a code" : "";
    case 6:
        *member = fill_bytes(arena, DIGEST_BYTES - 1, 'a');
        return rule->kind == WIRE_RULE_HASHES ? "not whole hashes" : "";
    default:
        return NULL;
    }
}

static const char *break_number(const struct wire_rule *rule, uint8_t *member, int variant)
{
    uint64_t value = 0;
    const char *words = NULL;
    if (rule->kind == WIRE_RULE_ENUM || rule->kind == WIRE_RULE_VERSION) {
        static const uint32_t wrong[] = { 0, 7, 63, 64, UINT32_MAX };
        if (variant >= (int)ARRAY_COUNT(wrong)) {
            return NULL;
        }
        value = wrong[variant];
        words = rule->kind == WIRE_RULE_ENUM ? "not one of its values"
                : value == 0                 ? "missing"
                                             : "and only 1 is known";
    } else if (variant == 0) {
        value = rule->min - 1;
        words = rule->min == 0 ? "" : value == 0 ? "missing" : "too small";
    } else if (variant == 1) {
        value = rule->max + 1;
        uint64_t top = rule->kind == WIRE_RULE_NUMBER ? UINT32_MAX : UINT64_MAX;
        words = rule->max == top ? "" : "too large";
    } else {
        return NULL;
    }
    memcpy(member, &value, rule->width);
    return words;
}

static const char *break_list(const struct wire_rule *rule, uint8_t *member, int variant,
                              struct arena *arena)
{
    if (variant == 0) {
        fill_list(rule, member, (size_t)rule->max + 1, FILL_LEAST, arena);
        return "too many";
    }
    if (rule->kind == WIRE_RULE_MESSAGES && variant == 1) {
        set_list(member, NULL, 0);
        return rule->min > 0 ? "too few" : "";
    }
    if (rule->kind == WIRE_RULE_NUMBERS && variant == 1) {
        fill_list(rule, member, 1, FILL_LEAST, arena);
        (**(uint32_t **)member)++;
        return "a number is too large";
    }
    bool sized = rule->kind == WIRE_RULE_CODES || rule->kind == WIRE_RULE_BLOBS;
    if (!sized || variant > 3) {
        return NULL;
    }
    fill_list(rule, member, 1, FILL_LEAST, arena);
    struct bytes *item = *(struct bytes **)member;
    if (variant == 3) {
        *item = fill_bytes(arena, rule->size, '?');
        return rule->kind == WIRE_RULE_CODES ? "an item is not a code" : "";
    }
    item->size = variant == 1 ? 0 : item->size + 1;
    return "an item is of another size";
}

static const char *break_field(const struct wire_rule *rule, uint8_t *member, int variant,
                               struct arena *arena)
{
    switch (rule->kind) {
    case WIRE_RULE_ID:
    case WIRE_RULE_DIGEST:
        memset(member, 0, rule->width);
        return variant > 0 ? NULL : rule->needed ? "missing" : "";
    case WIRE_RULE_BYTES:
    case WIRE_RULE_HASHES:
    case WIRE_RULE_TEXT:
    case WIRE_RULE_CODE:
    case WIRE_RULE_ZEROS:
        return break_sized(rule, (struct bytes *)member, variant, arena);
    case WIRE_RULE_NUMBER:
    case WIRE_RULE_NUMBER64:
    case WIRE_RULE_ENUM:
    case WIRE_RULE_VERSION:
        return break_number(rule, member, variant);
    case WIRE_RULE_BOOL:
        return NULL;
    case WIRE_RULE_MESSAGE:
        memset(member, 0, sizeof(void *));
        return variant > 0 ? NULL : rule->needed ? "missing" : "";
    case WIRE_RULE_MESSAGES:
    case WIRE_RULE_CODES:
    case WIRE_RULE_BLOBS:
    case WIRE_RULE_NUMBERS:
    case WIRE_RULE_NUMBERS64:
        return break_list(rule, member, variant, arena);
    }
    return NULL;
}

// decode(encode(message)) encodes to the same bytes.
static void check_round_trip(enum wire_schema schema, const void *message, struct fixture *f)
{
    struct buffer again = buffer_init(4 << 20);
    void *decoded = arena_take(f->arena, wire_rules_of(schema)->size);
    buffer_clear(&f->buffer);
    assert_ok(wire_encode(schema, message, &f->buffer, &err));
    assert_ok(wire_decode(schema, buffer_view(&f->buffer), f->arena, decoded, &err));
    assert_ok(wire_encode(schema, decoded, &again, &err));
    assert_true(bytes_equal(buffer_view(&f->buffer), buffer_view(&again)));
    buffer_fini(&again);
}

TEST(each_message_survives_a_round_trip_with_the_least_and_with_every_field)
{
    for (enum wire_schema schema = 0; schema < WIRE_SCHEMA_COUNT; schema++) {
        struct fixture f = fixture();
        check_round_trip(schema, fill_message(schema, FILL_LEAST, f.arena), &f);
        check_round_trip(schema, fill_message(schema, FILL_SOME, f.arena), &f);
        fixture_end(&f);
    }
}

TEST(each_rule_of_each_field_refuses_what_breaks_it_by_name)
{
    for (enum wire_schema schema = 0; schema < WIRE_SCHEMA_COUNT; schema++) {
        const struct wire_rules *rules = wire_rules_of(schema);
        for (size_t i = 0; i < rules->count; i++) {
            const char *words = "";
            for (int variant = 0; words != NULL; variant++) {
                struct fixture f = fixture();
                uint8_t *message = fill_message(schema, FILL_SOME, f.arena);
                words =
                    break_field(&rules->rows[i], message + rules->rows[i].offset, variant, f.arena);
                if (words != NULL && words[0] != '\0') {
                    enum status status = wire_encode(schema, message, &f.buffer, &err);
                    char name[128];
                    snprintf(name, sizeof(name), "%s.%s", rules->name, rules->rows[i].name);
                    assert_true(status == ST_MALFORMED || status == ST_UNSUPPORTED);
                    assert_non_null(strstr(err.message, name));
                    assert_non_null(strstr(err.message, words));
                    assert_int_equal(f.buffer.size, 0);
                }
                fixture_end(&f);
            }
        }
    }
}

// ---- bytes written by hand -------------------------------------------------------------------

static void put_varint(struct buffer *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) {
        buffer_u8(out, (uint8_t)(value | 0x80));
    }
    buffer_u8(out, (uint8_t)value);
}

static void put_number(struct buffer *out, uint32_t field, uint64_t value)
{
    put_varint(out, (uint64_t)field << 3);
    put_varint(out, value);
}

static void put_bytes(struct buffer *out, uint32_t field, struct bytes content)
{
    put_varint(out, (uint64_t)field << 3 | 2);
    put_varint(out, content.size);
    buffer_bytes(out, content);
}

static enum status decode(enum wire_schema schema, struct fixture *f)
{
    void *out = arena_take(f->arena, wire_rules_of(schema)->size);
    return wire_decode(schema, buffer_view(&f->buffer), f->arena, out, &err);
}

static void assert_refused(enum wire_schema schema, struct fixture *f, const char *words)
{
    assert_status(ST_MALFORMED, decode(schema, f));
    if (strstr(err.message, words) == NULL) {
        fail_msg("'%s' does not say '%s'", err.message, words);
    }
}

TEST(a_singular_field_given_twice_is_refused_in_each_message)
{
    for (enum wire_schema schema = 0; schema < WIRE_SCHEMA_COUNT; schema++) {
        const struct wire_rules *rules = wire_rules_of(schema);
        for (size_t i = 0; i < rules->count; i++) {
            const struct wire_rule *rule = &rules->rows[i];
            bool list = rule->width == sizeof(void *) && rule->kind >= WIRE_RULE_MESSAGES;
            if (list) {
                continue;
            }
            struct fixture f = fixture();
            assert_ok(
                wire_encode(schema, fill_message(schema, FILL_LEAST, f.arena), &f.buffer, &err));
            bool number = rule->kind == WIRE_RULE_NUMBER || rule->kind == WIRE_RULE_NUMBER64 ||
                          rule->kind == WIRE_RULE_ENUM || rule->kind == WIRE_RULE_VERSION ||
                          rule->kind == WIRE_RULE_BOOL;
            for (int k = 0; k < 2; k++) {
                if (number) {
                    put_number(&f.buffer, rule->number, 1);
                } else if (rule->kind == WIRE_RULE_MESSAGE) {
                    struct buffer nested = buffer_init(1 << 20);
                    assert_ok(wire_encode(rule->schema,
                                          fill_message(rule->schema, FILL_LEAST, f.arena), &nested,
                                          &err));
                    put_bytes(&f.buffer, rule->number, buffer_view(&nested));
                    buffer_fini(&nested);
                } else {
                    put_bytes(&f.buffer, rule->number, (struct bytes){ 0 });
                }
            }
            assert_refused(schema, &f, "given twice");
            assert_non_null(strstr(err.message, rule->name));
            fixture_end(&f);
        }
    }
}

TEST(an_unknown_field_is_refused_in_each_message_by_its_number)
{
    for (enum wire_schema schema = 0; schema < WIRE_SCHEMA_COUNT; schema++) {
        struct fixture f = fixture();
        assert_ok(wire_encode(schema, fill_message(schema, FILL_SOME, f.arena), &f.buffer, &err));
        put_number(&f.buffer, 99, 1);
        assert_refused(schema, &f, "unknown field 99");
        assert_non_null(strstr(err.message, wire_schema_name(schema)));
        fixture_end(&f);
    }
}

TEST(an_unknown_field_in_a_nested_message_is_refused)
{
    struct fixture f = fixture();
    struct buffer ask = buffer_init(1 << 16);
    const struct wire_field_ask field = { .name = bytes_text("fit"), .form = bytes_text("full") };
    assert_ok(wire_encode(WIRE_SCHEMA_FIELD_ASK, &field, &ask, &err));
    put_number(&ask, 77, 5);
    assert_ok(wire_encode(WIRE_SCHEMA_REQUEST,
                          fill_message(WIRE_SCHEMA_REQUEST, FILL_LEAST, f.arena), &f.buffer, &err));
    put_bytes(&f.buffer, 11, buffer_view(&ask));
    assert_refused(WIRE_SCHEMA_REQUEST, &f, "FieldAsk: unknown field 77");
    buffer_fini(&ask);
    fixture_end(&f);
}

TEST(fields_in_another_order_and_unpacked_lists_decode)
{
    struct fixture f = fixture();
    struct wire_ping ping = { 0 };
    put_number(&f.buffer, 2, 300);
    put_number(&f.buffer, 1, 1);
    assert_ok(wire_decode(WIRE_SCHEMA_PING, buffer_view(&f.buffer), f.arena, &ping, &err));
    assert_int_equal(ping.number, 300);

    struct wire_exchange_part part = { 0 };
    buffer_clear(&f.buffer);
    put_number(&f.buffer, 1, 1);
    put_number(&f.buffer, 2, WIRE_KIND_RELEASED);
    put_number(&f.buffer, 20, 3);
    put_number(&f.buffer, 20, 5);
    put_bytes(&f.buffer, 20, bytes_text("\x07\x08"));
    assert_ok(wire_decode(WIRE_SCHEMA_EXCHANGE_PART, buffer_view(&f.buffer), f.arena, &part, &err));
    assert_int_equal(part.released_count, 4);
    assert_int_equal(part.released[1], 5);
    assert_int_equal(part.released[3], 8);
    fixture_end(&f);
}

TEST(numbers_that_would_be_cut_to_32_bits_are_refused)
{
    struct fixture f = fixture();
    put_number(&f.buffer, 1, UINT64_C(0x100000001));
    assert_refused(WIRE_SCHEMA_PING, &f, "Ping.version: the number does not fit");
    buffer_clear(&f.buffer);
    put_number(&f.buffer, 1, 1);
    put_number(&f.buffer, 2, WIRE_KIND_RELEASED);
    put_bytes(&f.buffer, 20, bytes_text("\x81\x80\x80\x80\x10"));
    assert_refused(WIRE_SCHEMA_EXCHANGE_PART, &f, "a number does not fit");
    buffer_clear(&f.buffer);
    put_number(&f.buffer, 35, 2);
    assert_refused(WIRE_SCHEMA_EXCHANGE_PART, &f, "the number does not fit");
    fixture_end(&f);
}

TEST(numbers_longer_than_64_bits_and_fields_of_another_type_are_refused)
{
    struct fixture f = fixture();
    buffer_bytes(&f.buffer, bytes_of("\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11));
    assert_refused(WIRE_SCHEMA_PING, &f, "cut short");
    static const uint8_t wrong[] = { 0x0a, 0x0d, 0x09, 0x0b }; // version as bytes, fixed, group
    for (size_t i = 0; i < sizeof(wrong); i++) {
        buffer_clear(&f.buffer);
        buffer_u8(&f.buffer, wrong[i]);
        buffer_bytes(&f.buffer, bytes_of("\x01\x01\x01\x01\x01\x01\x01\x01", 8));
        assert_refused(WIRE_SCHEMA_PING, &f, "of another type");
    }
    buffer_clear(&f.buffer);
    put_number(&f.buffer, 2, 1); // Cancel.id as a number
    assert_refused(WIRE_SCHEMA_CANCEL, &f, "of another type");
    fixture_end(&f);
}

TEST(fixed_sizes_are_exact_and_zero_is_no_value)
{
    static const uint8_t zeros[DIGEST_BYTES + 1];
    struct fixture f = fixture();
    for (size_t size = 0; size <= sizeof(zeros); size++) {
        buffer_clear(&f.buffer);
        put_number(&f.buffer, 1, 1);
        put_bytes(&f.buffer, 2, bytes_of(zeros, size));
        const char *words = size == 0 ? "missing" : size == ID_BYTES ? "all zero" : "not 16 bytes";
        assert_refused(WIRE_SCHEMA_CANCEL, &f, words);
    }
    fixture_end(&f);
}

TEST(unknown_critical_extensions_are_refused_by_id_and_others_kept)
{
    struct fixture f = fixture();
    const struct wire_extension extensions[] = {
        { .id = 7, .value = bytes_text("kept") },
        { .id = 4711, .critical = true },
    };
    struct wire_ping ping = { .version = 1, .extensions = extensions, .extensions_count = 1 };
    assert_ok(wire_encode(WIRE_SCHEMA_PING, &ping, &f.buffer, &err));
    struct wire_ping read = { 0 };
    assert_ok(wire_decode(WIRE_SCHEMA_PING, buffer_view(&f.buffer), f.arena, &read, &err));
    assert_int_equal(read.extensions_count, 1);
    assert_int_equal(read.extensions[0].id, 7);
    assert_true(bytes_equal_text(read.extensions[0].value, "kept"));

    // id 4711, critical
    put_bytes(&f.buffer, 15, bytes_of("\x08\xe7\x24\x10\x01", 5));
    assert_status(ST_UNSUPPORTED, decode(WIRE_SCHEMA_PING, &f));
    assert_non_null(strstr(err.message, "4711"));
    ping.extensions_count = 2;
    assert_status(ST_UNSUPPORTED, wire_encode(WIRE_SCHEMA_PING, &ping, &f.buffer, &err));
    fixture_end(&f);
}

TEST(extensions_of_a_message_share_one_limit)
{
    struct fixture f = fixture();
    struct wire_extension extensions[2] = {
        { .id = 1, .value = fill_bytes(f.arena, WIRE_EXTENSIONS_MAX_BYTES, 'x') },
        { .id = 2 },
    };
    struct wire_ping ping = { .version = 1, .extensions = extensions, .extensions_count = 2 };
    assert_ok(wire_encode(WIRE_SCHEMA_PING, &ping, &f.buffer, &err));
    extensions[1].value = bytes_text("y");
    assert_status(ST_MALFORMED, wire_encode(WIRE_SCHEMA_PING, &ping, &f.buffer, &err));
    fixture_end(&f);
}

TEST(texts_with_nul_or_broken_utf8_are_refused_as_they_come_in)
{
    static const char *const bad[] = { "a\x80", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80" };
    struct fixture f = fixture();
    for (size_t i = 0; i <= ARRAY_COUNT(bad); i++) {
        buffer_clear(&f.buffer);
        put_number(&f.buffer, 1, 0);
        put_bytes(&f.buffer, 2, i < ARRAY_COUNT(bad) ? bytes_text(bad[i]) : bytes_of("a\0b", 3));
        assert_refused(WIRE_SCHEMA_PARAM, &f, "Param.value: not UTF-8 without NUL");
    }
    fixture_end(&f);
}

TEST(long_lists_are_refused_before_they_get_any_room)
{
    struct fixture f = fixture();
    for (size_t i = 0; i < WIRE_HEAD_MAX_BYTES / 2; i++) {
        put_bytes(&f.buffer, 2, (struct bytes){ 0 }); // Ack.items, empty ones
    }
    struct arena *arena = arena_create(WIRE_ARENA_BYTES);
    struct wire_ack ack;
    assert_status(ST_MALFORMED,
                  wire_decode_here(WIRE_SCHEMA_ACK, buffer_view(&f.buffer), arena, &ack, &err));
    assert_non_null(strstr(err.message, "Ack.items: too many"));
    assert_true(arena_used_bytes(arena) <= sizeof(ack) + 16);
    arena_destroy(&arena);
    fixture_end(&f);
}

// Two bytes each, and nothing in them: their number has no limit but the message's size.
TEST(packed_lists_of_nothing_cost_no_more_than_their_bytes)
{
    struct fixture f = fixture();
    struct wire_filter filter;
    const uint8_t nothing[] = { 15 << 3 | 2, 0 };
    const uint8_t two[] = { 15 << 3 | 2, 2, 1, 2 };
    for (size_t i = 0; i < 64 * 1024; i++) {
        buffer_bytes(&f.buffer, bytes_of(nothing, sizeof(nothing)));
    }
    int64_t begin_ms = clock_monotonic_ms();
    assert_ok(wire_decode(WIRE_SCHEMA_FILTER, buffer_view(&f.buffer), f.arena, &filter, &err));
    assert_true(clock_monotonic_ms() - begin_ms < 2000);
    assert_int_equal(filter.group_count, 0);
    buffer_bytes(&f.buffer, bytes_of(two, sizeof(two)));
    assert_ok(wire_decode(WIRE_SCHEMA_FILTER, buffer_view(&f.buffer), f.arena, &filter, &err));
    assert_int_equal(filter.group_count, 2);
    assert_int_equal(filter.group[1], 2);
    fixture_end(&f);
}

TEST(every_head_within_its_limit_decodes_within_the_arenas_cap)
{
    // The worst that 32 KB can hold: as many small nested messages as the rules let through.
    struct fixture f = fixture();
    for (enum wire_schema schema = 0; schema < WIRE_SCHEMA_COUNT; schema++) {
        const struct wire_rules *rules = wire_rules_of(schema);
        uint8_t *message = fill_message(schema, FILL_LEAST, f.arena);
        for (size_t i = 0; i < rules->count; i++) {
            if (rules->rows[i].kind == WIRE_RULE_MESSAGES && rules->rows[i].max <= 256) {
                fill_list(&rules->rows[i], message + rules->rows[i].offset, rules->rows[i].max,
                          FILL_LEAST, f.arena);
            }
        }
        buffer_clear(&f.buffer);
        assert_ok(wire_encode(schema, message, &f.buffer, &err));
        struct arena *arena = arena_create(WIRE_ARENA_BYTES);
        void *out = arena_take(f.arena, rules->size);
        assert_ok(wire_decode(schema, buffer_view(&f.buffer), arena, out, &err));
        arena_destroy(&arena);
    }
    fixture_end(&f);
}

TEST(a_full_arena_is_told_at_each_step_and_leaves_the_result_alone)
{
    static const enum wire_schema schemas[] = { WIRE_SCHEMA_REQUEST, WIRE_SCHEMA_OFFICER_PART,
                                                WIRE_SCHEMA_ROWS };
    for (size_t s = 0; s < ARRAY_COUNT(schemas); s++) {
        struct fixture f = fixture();
        size_t size = wire_rules_of(schemas[s])->size;
        assert_ok(
            wire_encode(schemas[s], fill_message(schemas[s], FILL_SOME, f.arena), &f.buffer, &err));
        uint8_t *out = arena_take(f.arena, size);
        uint8_t *before = arena_take(f.arena, size);
        memset(out, 0x5A, size);
        memset(before, 0x5A, size);
        enum status status = ST_NOMEM;
        for (size_t limit = 0; status != ST_OK; limit += 16) {
            struct arena *arena = arena_create(limit);
            status = wire_decode(schemas[s], buffer_view(&f.buffer), arena, out, &err);
            if (status != ST_OK) {
                assert_int_equal(status, ST_NOMEM);
                assert_memory_equal(out, before, size);
            }
            arena_destroy(&arena);
            assert_true(limit < 1 << 20);
        }
        fixture_end(&f);
    }
}

TEST(a_full_buffer_is_told_and_nothing_is_appended)
{
    struct fixture f = fixture();
    struct buffer small = buffer_init(8);
    struct wire_ping ping = { .version = 1, .number = 1 };
    assert_ok(wire_encode(WIRE_SCHEMA_PING, &ping, &small, &err));
    size_t size = small.size;
    ping.number = UINT64_MAX;
    assert_status(ST_NOMEM, wire_encode(WIRE_SCHEMA_PING, &ping, &small, &err));
    assert_int_equal(small.size, size);
    buffer_fini(&small);
    fixture_end(&f);
}

TEST(bytes_are_as_another_implementation_writes_them)
{
    // protoc --encode=vedomo.v1.Head: type 6, ref 00..0f, payload "abc", sig { key, size 2, index
    // 1, salt, path, signature }.
    static const char golden[] =
        "08061210000102030405060708090a0b0c0d0e0f1a0361626322ac010a20aaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa100218012220bbbbbbbbbbbbbbbbbbbbbbbb"
        "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb2a20cccccccccccccccccccccccccccccccccccc"
        "cccccccccccccccccccccccccccc3240dddddddddddddddddddddddddddddddddddddddddddddddd"
        "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd";
    uint8_t expected[(sizeof(golden) - 1) / 2];
    assert_true(text_hex_decode(bytes_text(golden), expected, sizeof(expected)));

    struct fixture f = fixture();
    struct wire_batch_sig sig = {
        .size = 2,
        .index = 1,
        .path = fill_bytes(f.arena, 32, 0xCC),
        .signature = fill_bytes(f.arena, 64, 0xDD),
    };
    memset(&sig.key, 0xAA, sizeof(sig.key));
    memset(&sig.salt, 0xBB, sizeof(sig.salt));
    struct wire_head head = { .type = WIRE_REQUEST, .payload = bytes_text("abc"), .sig = &sig };
    for (uint8_t i = 0; i < ID_BYTES; i++) {
        head.ref.bytes[i] = i;
    }
    assert_ok(wire_encode(WIRE_SCHEMA_HEAD, &head, &f.buffer, &err));
    assert_true(bytes_equal(buffer_view(&f.buffer), bytes_of(expected, sizeof(expected))));

    struct wire_head read = { 0 };
    assert_ok(
        wire_decode(WIRE_SCHEMA_HEAD, bytes_of(expected, sizeof(expected)), f.arena, &read, &err));
    assert_int_equal(read.type, WIRE_REQUEST);
    assert_true(id_equal(&read.ref, &head.ref));
    assert_true(bytes_equal_text(read.payload, "abc"));
    assert_true(digest_equal(&read.sig->salt, &sig.salt));
    assert_true(bytes_equal(read.sig->signature, sig.signature));
    fixture_end(&f);
}

// protobuf-c's own bytes for what it reads in ours.
static void assert_packed_alike(enum wire_schema schema, struct bytes ours)
{
    const ProtobufCMessageDescriptor *descriptor = descriptor_of(wire_rules_of(schema)->name);
    ProtobufCMessage *read = protobuf_c_message_unpack(descriptor, NULL, ours.size, ours.data);
    assert_non_null(read);
    uint8_t *theirs = malloc(ours.size + 1);
    assert_non_null(theirs);
    assert_int_equal(protobuf_c_message_get_packed_size(read), ours.size);
    assert_int_equal(protobuf_c_message_pack(read, theirs), ours.size);
    assert_memory_equal(theirs, ours.data, ours.size);
    free(theirs);
    protobuf_c_message_free_unpacked(read, NULL);
}

TEST(each_message_has_the_bytes_that_protobuf_c_gives_it)
{
    for (enum wire_schema schema = 0; schema < WIRE_SCHEMA_COUNT; schema++) {
        for (enum fill fill = FILL_LEAST; fill <= FILL_SOME; fill++) {
            struct fixture f = fixture();
            const void *message = fill_message(schema, fill, f.arena);
            assert_ok(wire_encode(schema, message, &f.buffer, &err));
            assert_packed_alike(schema, buffer_view(&f.buffer));
            fixture_end(&f);
        }
    }
}

TEST(lengths_and_numbers_of_every_size_have_the_bytes_that_protobuf_c_gives_them)
{
    static const size_t sizes[] = { 1, 127, 128, 4000, 4090, 4096, 4097, 16383, 16384, 30000 };
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        struct fixture f = fixture();
        struct wire_ping ping = { .version = 1, .number = UINT64_MAX >> 7 * i };
        struct wire_batch_sig sig = { .size = 2, .index = 1 };
        struct wire_head head = { .type = WIRE_PING,
                                  .payload = fill_bytes(f.arena, sizes[i], 'p'),
                                  .sig = &sig };
        sig.path = fill_bytes(f.arena, 32, 0xCC);
        sig.signature = fill_bytes(f.arena, 64, 0xDD);
        memset(&sig.key, 0xAA, sizeof(sig.key));
        memset(&sig.salt, 0xBB, sizeof(sig.salt));
        assert_ok(wire_encode(WIRE_SCHEMA_PING, &ping, &f.buffer, &err));
        assert_packed_alike(WIRE_SCHEMA_PING, buffer_view(&f.buffer));
        buffer_clear(&f.buffer);
        assert_ok(wire_encode(WIRE_SCHEMA_HEAD, &head, &f.buffer, &err));
        assert_packed_alike(WIRE_SCHEMA_HEAD, buffer_view(&f.buffer));
        fixture_end(&f);
    }
}

TEST(cut_and_flipped_messages_are_refused_or_mean_something)
{
    for (enum wire_schema schema = 0; schema < WIRE_SCHEMA_COUNT; schema++) {
        struct fixture f = fixture();
        assert_ok(wire_encode(schema, fill_message(schema, FILL_SOME, f.arena), &f.buffer, &err));
        size_t size = f.buffer.size < 2048 ? f.buffer.size : 2048;
        struct arena *arena = arena_create(WIRE_ARENA_BYTES);
        uint8_t *out = arena_take(f.arena, wire_rules_of(schema)->size);
        for (size_t cut = 0; cut < size; cut++) {
            arena_reset(arena);
            struct buffer copy = buffer_init(cut); // exactly as long, so that ASan sees an overrun
            buffer_bytes(&copy, bytes_of(f.buffer.data, cut));
            enum status status = wire_decode(schema, buffer_view(&copy), arena, out, NULL);
            assert_true(status == ST_OK || status == ST_MALFORMED || status == ST_UNSUPPORTED);
            buffer_fini(&copy);
        }
        for (size_t i = 0; i < size * 8; i += 3) {
            arena_reset(arena);
            f.buffer.data[i / 8] ^= (uint8_t)(1u << i % 8);
            enum status status = wire_decode(schema, buffer_view(&f.buffer), arena, out, NULL);
            if (status == ST_OK) {
                struct buffer again = buffer_init(1 << 20);
                assert_ok(wire_encode(schema, out, &again, &err));
                buffer_fini(&again);
            }
            f.buffer.data[i / 8] ^= (uint8_t)(1u << i % 8);
        }
        arena_destroy(&arena);
        fixture_end(&f);
    }
}

TEST(a_head_begun_by_hand_is_the_head_that_the_codec_makes)
{
    struct fixture f = fixture();
    struct id ref = { { 1, 2, 3 } };
    static const size_t sizes[] = { 1, 2, 127, 128, 129, 16383, 16384, 32767, 32768 };
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        for (uint32_t type = 1; type < WIRE_TYPE_COUNT; type++) {
            uint8_t begin[WIRE_HEAD_BEGIN_MAX];
            struct wire_head head = { .type = type, .payload = fill_bytes(f.arena, sizes[i], 'p') };
            head.ref = i % 2 == 0 ? ref : (struct id){ 0 };
            buffer_clear(&f.buffer);
            assert_ok(wire_encode(WIRE_SCHEMA_HEAD, &head, &f.buffer, &err));
            size_t size = wire_head_begin((enum wire_type)type, &head.ref, sizes[i], begin);
            assert_in_range(size, 1, WIRE_HEAD_BEGIN_MAX);
            assert_int_equal(size + sizes[i], f.buffer.size);
            assert_memory_equal(f.buffer.data, begin, size);
            assert_memory_equal(f.buffer.data + size, head.payload.data, sizes[i]);
        }
        arena_reset(f.arena);
    }
    fixture_end(&f);
}
