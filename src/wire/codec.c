// Writing messages: the table of rules says what our structs mean in protobuf-c's, which packs
// them. Each field is checked on the way. What is signed or hashed is always the bytes that
// wire_encode() gave or that came in: packing the same message again may give others.
#include <stdalign.h>
#include <stdlib.h>

#include "vedomo/v1/consent.pb-c.h"
#include "vedomo/v1/control.pb-c.h"
#include "vedomo/v1/entry.pb-c.h"
#include "vedomo/v1/exchange.pb-c.h"
#include "vedomo/v1/head.pb-c.h"
#include "vedomo/v1/link.pb-c.h"

#include "wire/rules.h"

static const ProtobufCMessageDescriptor *const descriptors[WIRE_SCHEMA_COUNT] = {
    [WIRE_SCHEMA_HEAD] = &vedomo__v1__head__descriptor,
    [WIRE_SCHEMA_BATCH_SIG] = &vedomo__v1__batch_sig__descriptor,
    [WIRE_SCHEMA_EXTENSION] = &vedomo__v1__extension__descriptor,
    [WIRE_SCHEMA_KEY_SIGNATURE] = &vedomo__v1__key_signature__descriptor,
    [WIRE_SCHEMA_SIGNED] = &vedomo__v1__signed__descriptor,
    [WIRE_SCHEMA_CARD] = &vedomo__v1__card__descriptor,
    [WIRE_SCHEMA_MEMBER_ORDER] = &vedomo__v1__member_order__descriptor,
    [WIRE_SCHEMA_LOG_KEY_CHANGE] = &vedomo__v1__log_key_change__descriptor,
    [WIRE_SCHEMA_BUNDLE_HEAD] = &vedomo__v1__bundle_head__descriptor,
    [WIRE_SCHEMA_HELLO] = &vedomo__v1__hello__descriptor,
    [WIRE_SCHEMA_WELCOME] = &vedomo__v1__welcome__descriptor,
    [WIRE_SCHEMA_PING] = &vedomo__v1__ping__descriptor,
    [WIRE_SCHEMA_PONG] = &vedomo__v1__pong__descriptor,
    [WIRE_SCHEMA_ANNOUNCEMENT] = &vedomo__v1__announcement__descriptor,
    [WIRE_SCHEMA_PROOF] = &vedomo__v1__proof__descriptor,
    [WIRE_SCHEMA_BUSY] = &vedomo__v1__busy__descriptor,
    [WIRE_SCHEMA_FIELD_ASK] = &vedomo__v1__field_ask__descriptor,
    [WIRE_SCHEMA_BASIS] = &vedomo__v1__basis__descriptor,
    [WIRE_SCHEMA_REQUEST] = &vedomo__v1__request__descriptor,
    [WIRE_SCHEMA_PARAMS] = &vedomo__v1__params__descriptor,
    [WIRE_SCHEMA_PARAM] = &vedomo__v1__param__descriptor,
    [WIRE_SCHEMA_RECEIPT] = &vedomo__v1__receipt__descriptor,
    [WIRE_SCHEMA_ASK] = &vedomo__v1__ask__descriptor,
    [WIRE_SCHEMA_ANSWER_FIELD] = &vedomo__v1__answer_field__descriptor,
    [WIRE_SCHEMA_ANSWER] = &vedomo__v1__answer__descriptor,
    [WIRE_SCHEMA_BOX_CONTENT] = &vedomo__v1__box_content__descriptor,
    [WIRE_SCHEMA_RELEASE] = &vedomo__v1__release__descriptor,
    [WIRE_SCHEMA_REFUSAL] = &vedomo__v1__refusal__descriptor,
    [WIRE_SCHEMA_ACK_ITEM] = &vedomo__v1__ack_item__descriptor,
    [WIRE_SCHEMA_ACK] = &vedomo__v1__ack__descriptor,
    [WIRE_SCHEMA_CANCEL] = &vedomo__v1__cancel__descriptor,
    [WIRE_SCHEMA_VERDICT] = &vedomo__v1__verdict__descriptor,
    [WIRE_SCHEMA_EXCHANGE_PART] = &vedomo__v1__exchange_part__descriptor,
    [WIRE_SCHEMA_DELIVERY] = &vedomo__v1__delivery__descriptor,
    [WIRE_SCHEMA_SUBJECT_PART] = &vedomo__v1__subject_part__descriptor,
    [WIRE_SCHEMA_OFFICER_PART] = &vedomo__v1__officer_part__descriptor,
    [WIRE_SCHEMA_CONSENT_SEEN] = &vedomo__v1__consent_seen__descriptor,
    [WIRE_SCHEMA_COUNTER_SEEN] = &vedomo__v1__counter_seen__descriptor,
    [WIRE_SCHEMA_CARRIED_HEAD] = &vedomo__v1__carried_head__descriptor,
    [WIRE_SCHEMA_KEY_CHANGE] = &vedomo__v1__key_change__descriptor,
    [WIRE_SCHEMA_PUBLIC_PART] = &vedomo__v1__public_part__descriptor,
    [WIRE_SCHEMA_RECEIPT_EXTRA] = &vedomo__v1__receipt_extra__descriptor,
    [WIRE_SCHEMA_HOLD] = &vedomo__v1__hold__descriptor,
    [WIRE_SCHEMA_CONSENT_RECORD] = &vedomo__v1__consent_record__descriptor,
    [WIRE_SCHEMA_ARTEFACT] = &vedomo__v1__artefact__descriptor,
    [WIRE_SCHEMA_CONSENT_CHANGE] = &vedomo__v1__consent_change__descriptor,
    [WIRE_SCHEMA_SESSION] = &vedomo__v1__session__descriptor,
    [WIRE_SCHEMA_QUERY] = &vedomo__v1__query__descriptor,
    [WIRE_SCHEMA_FILTER] = &vedomo__v1__filter__descriptor,
    [WIRE_SCHEMA_CONTROL] = &vedomo__v1__control__descriptor,
    [WIRE_SCHEMA_CHUNK] = &vedomo__v1__chunk__descriptor,
    [WIRE_SCHEMA_RESULT] = &vedomo__v1__result__descriptor,
    [WIRE_SCHEMA_ROWS] = &vedomo__v1__rows__descriptor,
    [WIRE_SCHEMA_ROW] = &vedomo__v1__row__descriptor,
    [WIRE_SCHEMA_ROW_PART] = &vedomo__v1__row_part__descriptor,
    [WIRE_SCHEMA_PERSON_PROOF] = &vedomo__v1__person_proof__descriptor,
};

// A list in our structs: the pointer, and the count behind it.
struct list {
    const void *items;
    size_t count;
};

static size_t rounded(size_t size)
{
    return (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
}

// Memory for protobuf-c's structs while a message is packed: room on the stack, then pieces.
struct piece {
    struct piece *older;
    alignas(max_align_t) uint8_t data[];
};

struct scratch {
    uint8_t *next;
    size_t left;
    struct piece *pieces;
};

static void *scratch_take(struct scratch *scratch, size_t size)
{
    enum { PIECE_BYTES = 16384 };
    size = rounded(size);
    if (size > scratch->left) {
        size_t capacity = size > PIECE_BYTES ? size : PIECE_BYTES;
        struct piece *piece = malloc(sizeof(*piece) + capacity);
        if (piece == NULL) {
            return NULL;
        }
        piece->older = scratch->pieces;
        scratch->pieces = piece;
        scratch->next = piece->data;
        scratch->left = capacity;
    }
    void *taken = scratch->next;
    scratch->next += size;
    scratch->left -= size;
    return taken;
}

static void scratch_fini(struct scratch *scratch)
{
    while (scratch->pieces != NULL) {
        struct piece *older = scratch->pieces->older;
        free(scratch->pieces);
        scratch->pieces = older;
    }
}

static enum status no_scratch(const struct wire_rules *rules, struct error *err)
{
    return error_set(err, ST_NOMEM, "%s: no memory to pack it", rules->name);
}

static ProtobufCBinaryData lent(struct bytes bytes)
{
    // protobuf-c only reads while it packs.
    return (ProtobufCBinaryData){ .len = bytes.size, .data = (uint8_t *)(uintptr_t)bytes.data };
}

static enum status lend(enum wire_schema schema, const void *ours, struct scratch *scratch,
                        void **theirs, struct error *err);

// The items of a list, or the one message of a field, in protobuf-c's form.
static enum status lend_list(const struct wire_rules *rules, const struct wire_rule *rule,
                             const ProtobufCFieldDescriptor *field, const uint8_t *member,
                             void *made, struct scratch *scratch, struct error *err)
{
    const void *items = *(const void *const *)(const void *)member;
    void **to = (void **)(void *)((uint8_t *)made + field->offset);
    if (rule->kind == WIRE_RULE_MESSAGE) {
        return items == NULL ? ST_OK : lend(rule->schema, items, scratch, to, err);
    }
    size_t count = ((const struct list *)(const void *)member)->count;
    *(size_t *)(void *)((uint8_t *)made + field->quantifier_offset) = count;
    if (count == 0) {
        return ST_OK;
    }
    if (rule->kind == WIRE_RULE_NUMBERS || rule->kind == WIRE_RULE_NUMBERS64) {
        *to = (void *)(uintptr_t)items;
        return ST_OK;
    }
    bool messages = rule->kind == WIRE_RULE_MESSAGES;
    void *lent_items =
        scratch_take(scratch, count * (messages ? sizeof(void *) : sizeof(ProtobufCBinaryData)));
    if (lent_items == NULL) {
        return no_scratch(rules, err);
    }
    *to = lent_items;
    if (!messages) {
        for (size_t i = 0; i < count; i++) {
            ((ProtobufCBinaryData *)lent_items)[i] = lent(((const struct bytes *)items)[i]);
        }
        return ST_OK;
    }
    size_t size = wire_rules_of(rule->schema)->size;
    enum status status = ST_OK;
    for (size_t i = 0; status == ST_OK && i < count; i++) {
        status = lend(rule->schema, (const uint8_t *)items + i * size, scratch,
                      &((void **)lent_items)[i], err);
    }
    return status == ST_OK && rule->schema == WIRE_SCHEMA_EXTENSION
               ? wire_check_extensions(rules, items, count, err)
               : status;
}

// From our struct to protobuf-c's, whose bytes stay ours, each field checked against its row.
static enum status lend(enum wire_schema schema, const void *ours, struct scratch *scratch,
                        void **theirs, struct error *err)
{
    const struct wire_rules *rules = wire_rules_of(schema);
    static const uint8_t absent[DIGEST_BYTES];
    const ProtobufCFieldDescriptor *fields = descriptors[schema]->fields;
    ProtobufCMessage *made = scratch_take(scratch, descriptors[schema]->sizeof_message);
    if (made == NULL) {
        return no_scratch(rules, err);
    }
    descriptors[schema]->message_init(made);
    *theirs = made;
    enum status status = ST_OK;
    for (size_t i = 0; i < rules->count && status == ST_OK; i++) {
        const struct wire_rule *rule = &rules->rows[i];
        const uint8_t *member = (const uint8_t *)ours + rule->offset;
        uint8_t *to = (uint8_t *)made + fields[i].offset;
        if (wire_may_be_absent(rule) && memcmp(member, absent, rule->width) == 0) {
            continue;
        }
        status = wire_check_row(rules, rule, member, err);
        if (status != ST_OK) {
            break;
        }
        switch (rule->kind) {
        case WIRE_RULE_ID:
        case WIRE_RULE_DIGEST: {
            struct bytes bytes = bytes_of(member, rule->width);
            *(ProtobufCBinaryData *)to = lent(wire_is_zero(bytes) ? (struct bytes){ 0 } : bytes);
            break;
        }
        case WIRE_RULE_BYTES:
        case WIRE_RULE_HASHES:
        case WIRE_RULE_ZEROS:
        case WIRE_RULE_TEXT:
        case WIRE_RULE_CODE:
            *(ProtobufCBinaryData *)to = lent(*(const struct bytes *)member);
            break;
        case WIRE_RULE_NUMBER:
        case WIRE_RULE_ENUM:
        case WIRE_RULE_VERSION:
        case WIRE_RULE_NUMBER64:
            memcpy(to, member, rule->width);
            break;
        case WIRE_RULE_BOOL:
            *(protobuf_c_boolean *)to = *(const bool *)member;
            break;
        case WIRE_RULE_MESSAGE:
        case WIRE_RULE_MESSAGES:
        case WIRE_RULE_CODES:
        case WIRE_RULE_BLOBS:
        case WIRE_RULE_NUMBERS:
        case WIRE_RULE_NUMBERS64:
            status = lend_list(rules, rule, &fields[i], member, made, scratch, err);
            break;
        }
    }
    return status;
}

enum status wire_encode(enum wire_schema schema, const void *in, struct buffer *out,
                        struct error *err)
{
    enum { USUAL_BYTES = 6144 };
    alignas(max_align_t) uint8_t usual[USUAL_BYTES];
    struct scratch scratch = { .next = usual, .left = sizeof(usual) };
    void *theirs = NULL;
    enum status status = lend(schema, in, &scratch, &theirs, err);
    if (status == ST_OK) {
        uint8_t *room = buffer_reserve(out, protobuf_c_message_get_packed_size(theirs));
        if (room != NULL) {
            protobuf_c_message_pack(theirs, room);
        }
        status = buffer_ok(out, wire_schema_name(schema), err);
    }
    scratch_fini(&scratch);
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
