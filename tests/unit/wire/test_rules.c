// The table of rules against the message reference as protobuf-c compiled it.
#include "test.h"

#include "base/text.h"
#include "vedomo/v1/consent.pb-c.h"
#include "vedomo/v1/control.pb-c.h"
#include "vedomo/v1/entry.pb-c.h"
#include "vedomo/v1/exchange.pb-c.h"
#include "vedomo/v1/head.pb-c.h"
#include "vedomo/v1/link.pb-c.h"
#include "wire/rules.h"

// Descriptors that are reached from the messages at the top, by full name.
static const ProtobufCMessageDescriptor *descriptor_of(const char *name)
{
    static const ProtobufCMessageDescriptor *const all[] = {
        &vedomo__v1__head__descriptor,          &vedomo__v1__batch_sig__descriptor,
        &vedomo__v1__extension__descriptor,     &vedomo__v1__key_signature__descriptor,
        &vedomo__v1__signed__descriptor,        &vedomo__v1__card__descriptor,
        &vedomo__v1__member_order__descriptor,  &vedomo__v1__bundle_head__descriptor,
        &vedomo__v1__hello__descriptor,         &vedomo__v1__welcome__descriptor,
        &vedomo__v1__ping__descriptor,          &vedomo__v1__pong__descriptor,
        &vedomo__v1__announcement__descriptor,  &vedomo__v1__proof__descriptor,
        &vedomo__v1__busy__descriptor,          &vedomo__v1__field_ask__descriptor,
        &vedomo__v1__basis__descriptor,         &vedomo__v1__request__descriptor,
        &vedomo__v1__params__descriptor,        &vedomo__v1__param__descriptor,
        &vedomo__v1__receipt__descriptor,       &vedomo__v1__ask__descriptor,
        &vedomo__v1__answer_field__descriptor,  &vedomo__v1__answer__descriptor,
        &vedomo__v1__box_content__descriptor,   &vedomo__v1__release__descriptor,
        &vedomo__v1__refusal__descriptor,       &vedomo__v1__ack_item__descriptor,
        &vedomo__v1__ack__descriptor,           &vedomo__v1__cancel__descriptor,
        &vedomo__v1__verdict__descriptor,       &vedomo__v1__exchange_part__descriptor,
        &vedomo__v1__delivery__descriptor,      &vedomo__v1__subject_part__descriptor,
        &vedomo__v1__officer_part__descriptor,  &vedomo__v1__consent_seen__descriptor,
        &vedomo__v1__counter_seen__descriptor,  &vedomo__v1__public_part__descriptor,
        &vedomo__v1__receipt_extra__descriptor, &vedomo__v1__consent_record__descriptor,
        &vedomo__v1__artefact__descriptor,      &vedomo__v1__consent_change__descriptor,
        &vedomo__v1__session__descriptor,       &vedomo__v1__query__descriptor,
        &vedomo__v1__control__descriptor,       &vedomo__v1__chunk__descriptor,
        &vedomo__v1__result__descriptor,        &vedomo__v1__rows__descriptor,
        &vedomo__v1__row__descriptor,           &vedomo__v1__row_part__descriptor,
        &vedomo__v1__carried_head__descriptor,  &vedomo__v1__log_key_change__descriptor,
        &vedomo__v1__key_change__descriptor,    &vedomo__v1__hold__descriptor,
        &vedomo__v1__filter__descriptor,        &vedomo__v1__person_proof__descriptor,
    };
    assert_int_equal(ARRAY_COUNT(all), WIRE_SCHEMA_COUNT);
    for (size_t i = 0; i < ARRAY_COUNT(all); i++) {
        if (strcmp(all[i]->short_name, name) == 0) {
            return all[i];
        }
    }
    fail_msg("no message %s", name);
    return NULL;
}

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
