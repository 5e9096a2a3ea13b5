// Cards, orders and bundle heads as people see them, and as files.
#include "card_text.h"

#include <stdio.h>

#include "base/file.h"
#include "base/text.h"
#include "seal/sign.h"
#include "wire/wire.h"

enum { FILE_BYTES_MAX = REGISTRY_BLOB_MAX + 4 * REGISTRY_FILE_MAX };

enum status signed_write(enum registry_file kind, struct bytes message, struct bytes blob,
                         const char *comment, const char *path, bool replace, struct error *err)
{
    struct buffer text = buffer_init(FILE_BYTES_MAX);
    enum status status = registry_file_format(kind, message, blob, comment, &text, err);
    if (status == ST_OK) {
        status = replace ? file_replace(path, buffer_view(&text), 0644, err)
                         : file_create(path, buffer_view(&text), 0644, err);
    }
    buffer_fini(&text);
    return status;
}

enum status card_request_write(const struct registry_card *card, struct bytes origin,
                               const char *path, struct error *err)
{
    struct buffer payload = buffer_init(REGISTRY_FILE_MAX);
    char comment[512];
    snprintf(comment, sizeof(comment),
             "%s %s, role %s, for %.*s\nnot signed yet: vedomo member sign FILE --registrar KEY",
             card->member, card->node, registry_role_name(card->role), (int)origin.size,
             (const char *)origin.data);
    enum status status = registry_card_encode(card, origin, &payload, err);
    if (status == ST_OK) {
        status = signed_write(REGISTRY_FILE_CARD_REQUEST, buffer_view(&payload),
                              (struct bytes){ 0 }, comment, path, false, err);
    }
    buffer_fini(&payload);
    return status;
}

static void show_key(struct output *out, const char *name, const struct digest *key)
{
    struct buffer text = buffer_init(128);
    seal_key_format(&text, key);
    output_bytes(out, name, buffer_view(&text));
    output_line(out, "  signing key %.*s", (int)text.size, (const char *)text.data);
    buffer_fini(&text);
}

void card_show(struct output *out, const struct registry_card *card)
{
    char from[OUTPUT_MOMENT_BYTES];
    char until[OUTPUT_MOMENT_BYTES];
    output_text(out, "member", card->member);
    output_text(out, "node", card->node);
    output_text(out, "role", registry_role_name(card->role));
    output_hex(out, "curve_key", bytes_digest(&card->curve_key));
    output_moment(out, "not_before", card->not_before);
    output_moment(out, "not_after", card->not_after);
    output_line(out, "card: %s %s, role %s", card->member, card->node,
                registry_role_name(card->role));
    output_line(out, "  good from %s to %s", output_moment_text(card->not_before, from),
                output_moment_text(card->not_after, until));
    show_key(out, "batch_key", &card->batch_key);
}

const char *order_action_name(enum registry_action action)
{
    switch (action) {
    case REGISTRY_SUSPEND:
        return "suspend";
    case REGISTRY_RESUME:
        return "resume";
    case REGISTRY_REVOKE:
        return "revoke";
    }
    return "unknown";
}

void order_show(struct output *out, const struct registry_order *order)
{
    char at[OUTPUT_MOMENT_BYTES];
    output_text(out, "action", order_action_name(order->action));
    output_text(out, "member", order->member);
    output_text(out, "reason", order->reason);
    output_moment(out, "issued_at", order->issued_at);
    output_moment(out, "since", order->since);
    output_line(out, "order: %s %s", order_action_name(order->action), order->member);
    output_line(out, "  given %s%s%s", output_moment_text(order->issued_at, at),
                order->reason[0] != '\0' ? "; reason: " : "", order->reason);
    if (order->action == REGISTRY_REVOKE) {
        show_key(out, "key", &order->key);
    }
    if (order->since != 0) {
        output_line(out, "  entries since %s are marked for the citizens concerned",
                    output_moment_text(order->since, at));
    }
}

void bundle_head_show(struct output *out, const struct registry_bundle_head *head)
{
    char at[OUTPUT_MOMENT_BYTES];
    char hash[2 * DIGEST_BYTES + 1];
    text_hex_encode(bytes_digest(&head->hash), hash);
    output_number(out, "serial", head->serial);
    output_text(out, "hash", hash);
    output_number(out, "bytes", head->size);
    output_moment(out, "issued_at", head->issued_at);
    output_line(out, "policy bundle: serial %llu, %llu bytes, signed %s",
                (unsigned long long)head->serial, (unsigned long long)head->size,
                output_moment_text(head->issued_at, at));
    output_line(out, "  SHA-256 %s", hash);
}

enum status payload_origin(enum registry_label label, struct bytes payload, struct buffer *origin,
                           struct error *err)
{
    struct arena *arena = arena_create(WIRE_ARENA_BYTES);
    if (arena == NULL) {
        return error_set(err, ST_NOMEM, "reading a %s", registry_label_name(label));
    }
    struct wire_card card;
    struct wire_member_order order;
    struct wire_bundle_head head;
    struct wire_log_key_change change;
    enum status status = ST_OK;
    switch (label) {
    case REGISTRY_CARD:
        status = wire_decode(WIRE_SCHEMA_CARD, payload, arena, &card, err);
        if (status == ST_OK) {
            buffer_bytes(origin, card.origin);
        }
        break;
    case REGISTRY_ORDER:
        status = wire_decode(WIRE_SCHEMA_MEMBER_ORDER, payload, arena, &order, err);
        if (status == ST_OK) {
            buffer_bytes(origin, order.origin);
        }
        break;
    case REGISTRY_LOG_KEY:
        status = wire_decode(WIRE_SCHEMA_LOG_KEY_CHANGE, payload, arena, &change, err);
        if (status == ST_OK) {
            buffer_bytes(origin, change.origin);
        }
        break;
    case REGISTRY_BUNDLE:
    case REGISTRY_LABEL_COUNT:
        status = wire_decode(WIRE_SCHEMA_BUNDLE_HEAD, payload, arena, &head, err);
        if (status == ST_OK) {
            buffer_bytes(origin, head.origin);
        }
        break;
    }
    arena_destroy(&arena);
    return status == ST_OK ? buffer_ok(origin, "origin", err) : status;
}
