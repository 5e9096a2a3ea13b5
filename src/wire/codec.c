// The codec: protobuf-c packs and unpacks, the table of rules says what its structs mean in ours.
//
// Decoding is scan, unpack, convert, check. The scan comes first, so that nothing is allocated for
// bytes that break a rule of shape; all that is allocated comes from the caller's arena. Encoding
// is check, convert, pack. What is signed or hashed is always the bytes that wire_encode() gave or
// that came in: packing the same message again may give others.
#include <assert.h>
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

// What protobuf-c allocates from while it unpacks: a stretch of the arena taken at once, as it asks
// for many small pieces, then the arena itself.
struct source {
    struct arena *arena;
    uint8_t *next;
    size_t left;
    bool full;
};

static size_t rounded(size_t size)
{
    return (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
}

static struct source source_init(struct arena *arena, size_t payload_bytes)
{
    size_t usual = rounded(2 * payload_bytes + 1024);
    uint8_t *stretch = arena_take(arena, usual);
    return (struct source){ .arena = arena, .next = stretch, .left = stretch == NULL ? 0 : usual };
}

static void *arena_alloc(void *context, size_t size)
{
    struct source *source = context;
    size_t needed = rounded(size);
    if (needed <= source->left) {
        void *taken = source->next;
        source->next += needed;
        source->left -= needed;
        return taken;
    }
    void *taken = arena_take(source->arena, size);
    source->full = source->full || taken == NULL;
    return taken;
}

static void arena_free(void *context, void *pointer)
{
    (void)context;
    (void)pointer;
}

static struct bytes view(const ProtobufCBinaryData *data)
{
    return bytes_of(data->data, data->len);
}

static bool convert(enum wire_schema schema, const void *theirs, void *ours, struct arena *arena);

// A list of bytes or of messages; numbers need no conversion.
static bool convert_list(const struct wire_rule *rule, const void *items, size_t count,
                         struct list *list, struct arena *arena)
{
    if (count == 0) {
        return true;
    }
    if (rule->kind == WIRE_RULE_NUMBERS || rule->kind == WIRE_RULE_NUMBERS64) {
        *list = (struct list){ .items = items, .count = count };
        return true;
    }
    bool messages = rule->kind == WIRE_RULE_MESSAGES;
    size_t size = messages ? wire_rules_of(rule->schema)->size : sizeof(struct bytes);
    uint8_t *converted = arena_take(arena, count * size);
    if (converted == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!messages) {
            ((struct bytes *)converted)[i] = view(&((const ProtobufCBinaryData *)items)[i]);
        } else if (!convert(rule->schema, ((void *const *)items)[i], converted + i * size, arena)) {
            return false;
        }
    }
    *list = (struct list){ .items = converted, .count = count };
    return true;
}

static bool convert_message(const struct wire_rule *rule, const void *theirs, void *member,
                            struct arena *arena)
{
    if (theirs == NULL) {
        return true;
    }
    void *ours = arena_take(arena, wire_rules_of(rule->schema)->size);
    if (ours == NULL || !convert(rule->schema, theirs, ours, arena)) {
        return false;
    }
    memcpy(member, &ours, sizeof(ours));
    return true;
}

// From protobuf-c's struct to ours, which is zeroed. False: the arena is full.
static bool convert(enum wire_schema schema, const void *theirs, void *ours, struct arena *arena)
{
    const struct wire_rules *rules = wire_rules_of(schema);
    const ProtobufCFieldDescriptor *fields = descriptors[schema]->fields;
    bool done = true;
    for (size_t i = 0; i < rules->count && done; i++) {
        const struct wire_rule *rule = &rules->rows[i];
        const uint8_t *from = (const uint8_t *)theirs + fields[i].offset;
        uint8_t *member = (uint8_t *)ours + rule->offset;
        switch (rule->kind) {
        case WIRE_RULE_ID:
        case WIRE_RULE_DIGEST: {
            struct bytes bytes = view((const ProtobufCBinaryData *)from);
            if (bytes.size == rule->width) {
                memcpy(member, bytes.data, rule->width);
            }
            break;
        }
        case WIRE_RULE_BYTES:
        case WIRE_RULE_HASHES:
        case WIRE_RULE_ZEROS:
        case WIRE_RULE_TEXT:
        case WIRE_RULE_CODE:
            *(struct bytes *)member = view((const ProtobufCBinaryData *)from);
            break;
        case WIRE_RULE_NUMBER:
        case WIRE_RULE_ENUM:
        case WIRE_RULE_VERSION:
        case WIRE_RULE_NUMBER64:
            memcpy(member, from, rule->width);
            break;
        case WIRE_RULE_BOOL:
            *(bool *)member = *(const protobuf_c_boolean *)from != 0;
            break;
        case WIRE_RULE_MESSAGE:
            done = convert_message(rule, *(void *const *)from, member, arena);
            break;
        case WIRE_RULE_MESSAGES:
        case WIRE_RULE_CODES:
        case WIRE_RULE_BLOBS:
        case WIRE_RULE_NUMBERS:
        case WIRE_RULE_NUMBERS64:
            done = convert_list(
                rule, *(const void *const *)from,
                *(const size_t *)((const uint8_t *)theirs + fields[i].quantifier_offset),
                (struct list *)member, arena);
            break;
        }
    }
    return done;
}

enum status wire_decode(enum wire_schema schema, struct bytes payload, struct arena *arena,
                        void *out, struct error *err)
{
    const struct wire_rules *rules = wire_rules_of(schema);
    enum status status = wire_scan(schema, payload, err);
    if (status != ST_OK) {
        return status;
    }
    struct source source = source_init(arena, payload.size);
    ProtobufCAllocator allocator = { .alloc = arena_alloc,
                                     .free = arena_free,
                                     .allocator_data = &source };
    const void *theirs =
        protobuf_c_message_unpack(descriptors[schema], &allocator, payload.size, payload.data);
    if (theirs == NULL && !source.full) {
        return error_set(err, ST_MALFORMED, "%s: does not unpack", rules->name);
    }
    void *ours = theirs == NULL ? NULL : arena_take(arena, rules->size);
    if (ours == NULL || !convert(schema, theirs, ours, arena)) {
        return error_set(err, ST_NOMEM, "%s: does not fit into the memory of one message",
                         rules->name);
    }
    status = wire_check(schema, ours, err);
    if (status == ST_OK) {
        memcpy(out, ours, rules->size);
    }
    return status;
}

// Memory for protobuf-c's structs while a message is packed: measured first, taken at once.
struct scratch {
    uint8_t *next;
    size_t left;
};

static void *scratch_take(struct scratch *scratch, size_t size)
{
    size = rounded(size);
    assert(size <= scratch->left);
    void *taken = scratch->next;
    scratch->next += size;
    scratch->left -= size;
    return taken;
}

static struct list list_of(const struct wire_rule *rule, const void *member)
{
    if (rule->kind == WIRE_RULE_MESSAGE) {
        const void *item = *(const void *const *)member;
        return (struct list){ .items = item, .count = item != NULL };
    }
    return *(const struct list *)member;
}

// Bytes of scratch that the message needs, and those within it.
static size_t scratch_needed(enum wire_schema schema, const void *ours)
{
    const struct wire_rules *rules = wire_rules_of(schema);
    size_t needed = rounded(descriptors[schema]->sizeof_message);
    for (size_t i = 0; i < rules->count; i++) {
        const struct wire_rule *rule = &rules->rows[i];
        const uint8_t *member = (const uint8_t *)ours + rule->offset;
        if (rule->kind == WIRE_RULE_CODES || rule->kind == WIRE_RULE_BLOBS) {
            needed += rounded(list_of(rule, member).count * sizeof(ProtobufCBinaryData));
        } else if (rule->kind == WIRE_RULE_MESSAGES || rule->kind == WIRE_RULE_MESSAGE) {
            struct list list = list_of(rule, member);
            size_t size = wire_rules_of(rule->schema)->size;
            needed += rounded(list.count * sizeof(void *));
            for (size_t k = 0; k < list.count; k++) {
                needed += scratch_needed(rule->schema, (const uint8_t *)list.items + k * size);
            }
        }
    }
    return needed;
}

static ProtobufCBinaryData lent(struct bytes bytes)
{
    // protobuf-c only reads while it packs.
    return (ProtobufCBinaryData){ .len = bytes.size, .data = (uint8_t *)(uintptr_t)bytes.data };
}

static void *lend(enum wire_schema schema, const void *ours, struct scratch *scratch);

// A list's items in protobuf-c's form.
static void *lend_list(const struct wire_rule *rule, struct list list, struct scratch *scratch)
{
    if (list.count == 0) {
        return NULL;
    }
    if (rule->kind == WIRE_RULE_MESSAGES) {
        size_t size = wire_rules_of(rule->schema)->size;
        void **items = scratch_take(scratch, list.count * sizeof(*items));
        for (size_t i = 0; i < list.count; i++) {
            items[i] = lend(rule->schema, (const uint8_t *)list.items + i * size, scratch);
        }
        return items;
    }
    if (rule->kind == WIRE_RULE_CODES || rule->kind == WIRE_RULE_BLOBS) {
        ProtobufCBinaryData *items = scratch_take(scratch, list.count * sizeof(*items));
        for (size_t i = 0; i < list.count; i++) {
            items[i] = lent(((const struct bytes *)list.items)[i]);
        }
        return items;
    }
    return (void *)(uintptr_t)list.items;
}

// From our struct to protobuf-c's, whose bytes stay ours.
static void *lend(enum wire_schema schema, const void *ours, struct scratch *scratch)
{
    const struct wire_rules *rules = wire_rules_of(schema);
    const ProtobufCFieldDescriptor *fields = descriptors[schema]->fields;
    ProtobufCMessage *theirs = scratch_take(scratch, descriptors[schema]->sizeof_message);
    descriptors[schema]->message_init(theirs);
    for (size_t i = 0; i < rules->count; i++) {
        const struct wire_rule *rule = &rules->rows[i];
        const uint8_t *member = (const uint8_t *)ours + rule->offset;
        uint8_t *to = (uint8_t *)theirs + fields[i].offset;
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
        case WIRE_RULE_MESSAGE: {
            struct list list = list_of(rule, member);
            *(void **)to = list.count == 0 ? NULL : lend(rule->schema, list.items, scratch);
            break;
        }
        case WIRE_RULE_MESSAGES:
        case WIRE_RULE_CODES:
        case WIRE_RULE_BLOBS:
        case WIRE_RULE_NUMBERS:
        case WIRE_RULE_NUMBERS64: {
            struct list list = list_of(rule, member);
            *(void **)to = lend_list(rule, list, scratch);
            *(size_t *)((uint8_t *)theirs + fields[i].quantifier_offset) = list.count;
            break;
        }
        }
    }
    return theirs;
}

enum status wire_encode(enum wire_schema schema, const void *in, struct buffer *out,
                        struct error *err)
{
    enum status status = wire_check(schema, in, err);
    if (status != ST_OK) {
        return status;
    }
    enum { USUAL_BYTES = 4096 };
    alignas(max_align_t) uint8_t usual[USUAL_BYTES];
    size_t needed = scratch_needed(schema, in);
    uint8_t *memory = needed <= sizeof(usual) ? usual : malloc(needed);
    if (memory == NULL) {
        return error_set(err, ST_NOMEM, "%s: no memory to pack it", wire_schema_name(schema));
    }
    struct scratch scratch = { .next = memory, .left = needed };
    const ProtobufCMessage *theirs = lend(schema, in, &scratch);
    uint8_t *room = buffer_reserve(out, protobuf_c_message_get_packed_size(theirs));
    if (room != NULL) {
        protobuf_c_message_pack(theirs, room);
    }
    if (memory != usual) {
        free(memory);
    }
    return buffer_ok(out, wire_schema_name(schema), err);
}
