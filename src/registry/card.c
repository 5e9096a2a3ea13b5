// Cards, orders and bundle heads: between their payloads and plain structs. What is decoded has
// been checked by the wire's rules; here follows what the rules cannot know: our origin, words for
// roles, times that make sense.
#include "registry/card.h"

#include <stdio.h>

#include "seal/batch.h"
#include "wire/wire.h"

enum { PAYLOAD_VERSION = 1, SUITE = 1 };

static const char *const role_names[REGISTRY_ROLE_COUNT] = {
    [REGISTRY_ROLE_NONE] = "none",           [REGISTRY_ROLE_NODE] = "node",
    [REGISTRY_ROLE_PORTAL] = "portal",       [REGISTRY_ROLE_DESK] = "desk",
    [REGISTRY_ROLE_OFFICER] = "officer",     [REGISTRY_ROLE_AUDITOR] = "auditor",
    [REGISTRY_ROLE_COURT] = "court",         [REGISTRY_ROLE_OPERATOR] = "operator",
    [REGISTRY_ROLE_WITNESS] = "witness",     [REGISTRY_ROLE_BROKER] = "broker",
    [REGISTRY_ROLE_REGISTRAR] = "registrar", [REGISTRY_ROLE_POLICY] = "policy",
};

const char *registry_role_name(enum registry_role role)
{
    return (unsigned)role < REGISTRY_ROLE_COUNT ? role_names[role] : role_names[0];
}

enum registry_role registry_role_parse(struct bytes name)
{
    for (size_t i = 1; i < REGISTRY_ROLE_COUNT; i++) {
        if (bytes_equal_text(name, role_names[i])) {
            return (enum registry_role)i;
        }
    }
    return REGISTRY_ROLE_NONE;
}

bool registry_role_has_card(enum registry_role role)
{
    return role > REGISTRY_ROLE_NONE && role < REGISTRY_ROLE_REGISTRAR;
}

// Copies a text that the wire's rules have bounded already. False: too long for us.
static bool copy_text(struct bytes text, char *out, size_t size)
{
    if (text.size >= size) {
        return false;
    }
    if (text.size > 0) {
        memcpy(out, text.data, text.size);
    }
    out[text.size] = '\0';
    return true;
}

static enum status check_origin(enum registry_label label, struct bytes of, struct bytes ours,
                                struct error *err)
{
    if (bytes_equal(of, ours)) {
        return ST_OK;
    }
    return error_set(err, ST_DENIED, "this %s is for the log '%.*s', not for '%.*s'",
                     registry_label_name(label), (int)of.size, (const char *)of.data,
                     (int)ours.size, (const char *)ours.data);
}

static enum status check_card(const struct registry_card *card, enum status status,
                              struct error *err)
{
    if (!registry_role_has_card(card->role)) {
        return error_set(err, status, "card: the role '%s' has no card",
                         registry_role_name(card->role));
    }
    if (card->not_after <= card->not_before) {
        return error_set(err, status, "card of %s %s: it ends before it begins", card->member,
                         card->node);
    }
    if (digest_is_zero(&card->batch_key)) {
        return error_set(err, status, "card of %s %s: no signing key", card->member, card->node);
    }
    if (digest_is_zero(&card->curve_key) && card->role != REGISTRY_ROLE_WITNESS) {
        return error_set(err, status, "card of %s %s: no transport key", card->member, card->node);
    }
    return ST_OK;
}

// What the wire's rules refuse in something that we write is the caller's words.
static enum status encode_status(enum status status, struct error *err)
{
    if (status == ST_MALFORMED) {
        status = ST_USAGE;
        if (err != NULL) {
            err->status = status;
        }
    }
    return status;
}

enum status registry_card_encode(const struct registry_card *card, struct bytes origin,
                                 struct buffer *out, struct error *err)
{
    enum status status = check_card(card, ST_USAGE, err);
    if (status != ST_OK) {
        return status;
    }
    struct wire_card message = {
        .version = PAYLOAD_VERSION,
        .origin = origin,
        .member = bytes_text(card->member),
        .node = bytes_text(card->node),
        .role = bytes_text(registry_role_name(card->role)),
        .curve_key = card->curve_key,
        .batch_key = card->batch_key,
        .not_before = card->not_before,
        .not_after = card->not_after,
        .suite = SUITE,
    };
    status = wire_encode(WIRE_SCHEMA_CARD, &message, out, err);
    return encode_status(status, err);
}

static enum status card_of(const struct wire_card *message, struct bytes origin,
                           struct registry_card *out, struct error *err)
{
    enum status status = check_origin(REGISTRY_CARD, message->origin, origin, err);
    if (status != ST_OK) {
        return status;
    }
    if (message->version != PAYLOAD_VERSION || message->suite != SUITE) {
        return error_set(err, ST_UNSUPPORTED, "card of version %u, suite %u; this is version 1",
                         message->version, message->suite);
    }
    struct registry_card card = {
        .role = registry_role_parse(message->role),
        .curve_key = message->curve_key,
        .batch_key = message->batch_key,
        .not_before = message->not_before,
        .not_after = message->not_after,
    };
    if (!copy_text(message->member, card.member, sizeof(card.member)) ||
        !copy_text(message->node, card.node, sizeof(card.node))) {
        return error_set(err, ST_MALFORMED, "card: the member's or the node's name is too long");
    }
    status = check_card(&card, ST_MALFORMED, err);
    if (status == ST_OK) {
        *out = card;
    }
    return status;
}

enum status registry_card_decode(struct bytes payload, struct bytes origin,
                                 struct registry_card *card, struct error *err)
{
    struct arena *arena = arena_create(WIRE_ARENA_BYTES);
    if (arena == NULL) {
        return error_set(err, ST_NOMEM, "reading a card");
    }
    struct wire_card message;
    enum status status = wire_decode(WIRE_SCHEMA_CARD, payload, arena, &message, err);
    if (status == ST_OK) {
        status = card_of(&message, origin, card, err);
    }
    arena_destroy(&arena);
    return status;
}

enum status registry_card_verify(struct bytes signed_message, struct bytes origin,
                                 const struct registry_pins *pins, struct registry_card *card,
                                 struct error *err)
{
    struct arena *arena = arena_create(WIRE_ARENA_BYTES);
    if (arena == NULL) {
        return error_set(err, ST_NOMEM, "verifying a card");
    }
    struct digest audience = seal_audience(origin);
    struct bytes payload;
    enum status status = registry_signed_verify(REGISTRY_CARD, pins, &audience, signed_message,
                                                arena, &payload, err);
    if (status == ST_OK) {
        status = registry_card_decode(payload, origin, card, err);
    }
    arena_destroy(&arena);
    return status;
}

static enum status check_order(const struct registry_order *order, enum status status,
                               struct error *err)
{
    if (order->action < REGISTRY_SUSPEND || order->action > REGISTRY_REVOKE) {
        return error_set(err, status, "order about %s: unknown action %d", order->member,
                         (int)order->action);
    }
    bool names_key = !digest_is_zero(&order->key);
    if (names_key != (order->action == REGISTRY_REVOKE)) {
        return error_set(err, status, "order about %s: %s", order->member,
                         names_key ? "only a revocation names a key"
                                   : "a revocation names the key that is revoked");
    }
    if (order->issued_at == 0) {
        return error_set(err, status, "order about %s: no date", order->member);
    }
    return ST_OK;
}

enum status registry_order_encode(const struct registry_order *order, struct bytes origin,
                                  struct buffer *out, struct error *err)
{
    enum status status = check_order(order, ST_USAGE, err);
    if (status != ST_OK) {
        return status;
    }
    struct wire_member_order message = {
        .version = PAYLOAD_VERSION,
        .origin = origin,
        .action = (uint32_t)order->action,
        .member = bytes_text(order->member),
        .key = order->key,
        .since = order->since,
        .reason = bytes_text(order->reason),
        .issued_at = order->issued_at,
    };
    status = wire_encode(WIRE_SCHEMA_MEMBER_ORDER, &message, out, err);
    return encode_status(status, err);
}

static enum status order_of(const struct wire_member_order *message, struct bytes origin,
                            struct registry_order *out, struct error *err)
{
    enum status status = check_origin(REGISTRY_ORDER, message->origin, origin, err);
    if (status != ST_OK) {
        return status;
    }
    if (message->version != PAYLOAD_VERSION) {
        return error_set(err, ST_UNSUPPORTED, "order of version %u; this is version 1",
                         message->version);
    }
    struct registry_order order = {
        .action = (enum registry_action)message->action,
        .key = message->key,
        .since = message->since,
        .issued_at = message->issued_at,
    };
    if (!copy_text(message->member, order.member, sizeof(order.member)) ||
        !copy_text(message->reason, order.reason, sizeof(order.reason))) {
        return error_set(err, ST_MALFORMED, "order: the member's code or the reason is too long");
    }
    status = check_order(&order, ST_MALFORMED, err);
    if (status == ST_OK) {
        *out = order;
    }
    return status;
}

enum status registry_order_decode(struct bytes payload, struct bytes origin,
                                  struct registry_order *order, struct error *err)
{
    struct arena *arena = arena_create(WIRE_ARENA_BYTES);
    if (arena == NULL) {
        return error_set(err, ST_NOMEM, "reading an order");
    }
    struct wire_member_order message;
    enum status status = wire_decode(WIRE_SCHEMA_MEMBER_ORDER, payload, arena, &message, err);
    if (status == ST_OK) {
        status = order_of(&message, origin, order, err);
    }
    arena_destroy(&arena);
    return status;
}

enum status registry_order_verify(struct bytes signed_message, struct bytes origin,
                                  const struct registry_pins *pins, struct registry_order *order,
                                  struct error *err)
{
    struct arena *arena = arena_create(WIRE_ARENA_BYTES);
    if (arena == NULL) {
        return error_set(err, ST_NOMEM, "verifying an order");
    }
    struct digest audience = seal_audience(origin);
    struct bytes payload;
    enum status status = registry_signed_verify(REGISTRY_ORDER, pins, &audience, signed_message,
                                                arena, &payload, err);
    if (status == ST_OK) {
        status = registry_order_decode(payload, origin, order, err);
    }
    arena_destroy(&arena);
    return status;
}

enum status registry_bundle_head_encode(const struct registry_bundle_head *head,
                                        struct bytes origin, struct buffer *out, struct error *err)
{
    struct wire_bundle_head message = {
        .version = PAYLOAD_VERSION,
        .origin = origin,
        .serial = head->serial,
        .hash = head->hash,
        .size = head->size,
        .issued_at = head->issued_at,
    };
    return encode_status(wire_encode(WIRE_SCHEMA_BUNDLE_HEAD, &message, out, err), err);
}

enum status registry_bundle_head_decode(struct bytes payload, struct bytes origin,
                                        struct registry_bundle_head *head, struct error *err)
{
    struct arena *arena = arena_create(WIRE_ARENA_BYTES);
    if (arena == NULL) {
        return error_set(err, ST_NOMEM, "reading a bundle's head");
    }
    struct wire_bundle_head message;
    enum status status = wire_decode(WIRE_SCHEMA_BUNDLE_HEAD, payload, arena, &message, err);
    if (status == ST_OK) {
        status = check_origin(REGISTRY_BUNDLE, message.origin, origin, err);
    }
    if (status == ST_OK && message.version != PAYLOAD_VERSION) {
        status = error_set(err, ST_UNSUPPORTED, "bundle head of version %u; this is version 1",
                           message.version);
    }
    if (status == ST_OK) {
        *head = (struct registry_bundle_head){
            .serial = message.serial,
            .hash = message.hash,
            .size = message.size,
            .issued_at = message.issued_at,
        };
    }
    arena_destroy(&arena);
    return status;
}

enum status registry_bundle_head_verify(struct bytes signed_message, struct bytes origin,
                                        const struct registry_pins *pins,
                                        struct registry_bundle_head *head, struct error *err)
{
    struct arena *arena = arena_create(WIRE_ARENA_BYTES);
    if (arena == NULL) {
        return error_set(err, ST_NOMEM, "verifying a bundle's head");
    }
    struct digest audience = seal_audience(origin);
    struct bytes payload;
    enum status status = registry_signed_verify(REGISTRY_BUNDLE, pins, &audience, signed_message,
                                                arena, &payload, err);
    if (status == ST_OK) {
        status = registry_bundle_head_decode(payload, origin, head, err);
    }
    arena_destroy(&arena);
    return status;
}
