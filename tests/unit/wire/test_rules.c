// The table of rules against the message reference as protobuf-c compiled it.
#include "descriptors.h"

#include "base/text.h"

struct shape {
    ProtobufCType type;
    bool repeated;
    size_t width;
};

static struct shape shape_of(enum wire_rule_kind kind)
{
    switch (kind) {
    case WIRE_RULE_ID:
        return (struct shape){ PROTOBUF_C_TYPE_BYTES, false, ID_BYTES };
    case WIRE_RULE_DIGEST:
        return (struct shape){ PROTOBUF_C_TYPE_BYTES, false, DIGEST_BYTES };
    case WIRE_RULE_BYTES:
    case WIRE_RULE_HASHES:
    case WIRE_RULE_ZEROS:
    case WIRE_RULE_TEXT:
    case WIRE_RULE_CODE:
        return (struct shape){ PROTOBUF_C_TYPE_BYTES, false, sizeof(struct bytes) };
    case WIRE_RULE_NUMBER:
    case WIRE_RULE_ENUM:
    case WIRE_RULE_VERSION:
        return (struct shape){ PROTOBUF_C_TYPE_UINT32, false, sizeof(uint32_t) };
    case WIRE_RULE_NUMBER64:
        return (struct shape){ PROTOBUF_C_TYPE_UINT64, false, sizeof(uint64_t) };
    case WIRE_RULE_BOOL:
        return (struct shape){ PROTOBUF_C_TYPE_BOOL, false, sizeof(bool) };
    case WIRE_RULE_MESSAGE:
        return (struct shape){ PROTOBUF_C_TYPE_MESSAGE, false, sizeof(void *) };
    case WIRE_RULE_MESSAGES:
        return (struct shape){ PROTOBUF_C_TYPE_MESSAGE, true, sizeof(void *) };
    case WIRE_RULE_CODES:
    case WIRE_RULE_BLOBS:
        return (struct shape){ PROTOBUF_C_TYPE_BYTES, true, sizeof(void *) };
    case WIRE_RULE_NUMBERS:
        return (struct shape){ PROTOBUF_C_TYPE_UINT32, true, sizeof(void *) };
    case WIRE_RULE_NUMBERS64:
        return (struct shape){ PROTOBUF_C_TYPE_UINT64, true, sizeof(void *) };
    }
    fail();
    return (struct shape){ 0 };
}

TEST(each_field_of_each_message_has_its_row_with_the_same_number_name_and_type)
{
    for (enum wire_schema schema = 0; schema < WIRE_SCHEMA_COUNT; schema++) {
        const struct wire_rules *rules = wire_rules_of(schema);
        const ProtobufCMessageDescriptor *descriptor = descriptor_of(rules->name);
        assert_int_equal(rules->count, descriptor->n_fields);
        assert_true(rules->count <= WIRE_FIELDS_MAX);
        for (size_t i = 0; i < rules->count; i++) {
            const struct wire_rule *rule = &rules->rows[i];
            const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
            struct shape shape = shape_of(rule->kind);
            assert_int_equal(rule->number, field->id);
            assert_memory_equal(rule->name, field->name, strlen(field->name));
            assert_int_equal(shape.type, field->type);
            assert_int_equal(shape.repeated, field->label == PROTOBUF_C_LABEL_REPEATED);
            assert_int_equal(shape.width, rule->width);
            if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
                assert_ptr_equal(field->descriptor,
                                 descriptor_of(wire_rules_of(rule->schema)->name));
            }
        }
    }
}

TEST(no_message_can_hold_itself)
{
    // The scan and the codec recurse along the schemas, so their depth is bounded by this.
    for (enum wire_schema schema = 0; schema < WIRE_SCHEMA_COUNT; schema++) {
        bool reached[WIRE_SCHEMA_COUNT] = { false };
        bool grows = true;
        reached[schema] = true;
        for (bool first = true; grows; first = false) {
            grows = false;
            for (enum wire_schema at = 0; at < WIRE_SCHEMA_COUNT; at++) {
                const struct wire_rules *rules = wire_rules_of(at);
                for (size_t i = 0; reached[at] && i < rules->count; i++) {
                    const struct wire_rule *rule = &rules->rows[i];
                    if (rule->kind != WIRE_RULE_MESSAGE && rule->kind != WIRE_RULE_MESSAGES) {
                        continue;
                    }
                    assert_true(rule->schema != schema);
                    grows = grows || !reached[rule->schema];
                    reached[rule->schema] = true;
                }
            }
            (void)first;
        }
    }
}

TEST(each_type_has_a_name_and_all_but_the_reserved_ones_a_schema)
{
    for (enum wire_type type = WIRE_HELLO; type < WIRE_TYPE_COUNT; type++) {
        assert_string_not_equal(wire_type_name(type), "none");
        assert_int_equal(wire_type_schema(type) == WIRE_SCHEMA_COUNT, type >= WIRE_QUEUED);
    }
    assert_string_equal(wire_type_name(WIRE_CONSENT_CHANGE), "consent-change");
    assert_string_equal(wire_type_name(WIRE_NONE), "none");
    assert_string_equal(wire_type_name((enum wire_type)200), "none");
    assert_int_equal(wire_type_schema((enum wire_type)200), WIRE_SCHEMA_COUNT);
}
