// What a governance or epoch entry says to everyone: the card, order or bundle in it, the key that
// follows another, the map that is committed to. The signatures were verified before it was
// recorded; here the messages are only read.
#include "entry_text.h"

#include "audit/body_key.h"
#include "audit/month.h"
#include "card_text.h"
#include "wire/wire.h"

enum { ORIGIN_BYTES_MAX = 256 };

// Which key follows; of a body key by its name, as its file has it.
static void show_key_change(struct output *out, const struct wire_key_change *change)
{
    char name[AUDIT_KEY_NAME_BYTES];
    char until[OUTPUT_MOMENT_BYTES];
    switch ((enum wire_key_changed)change->what) {
    case WIRE_KEY_OF_LOG:
        output_text(out, "key_of", "log");
        output_number(out, "number", change->number);
        output_line(out, "       key %u of the log, which signs checkpoints", change->number);
        break;
    case WIRE_KEY_OF_TAGS:
        output_text(out, "key_of", "tags");
        output_number(out, "number", change->number);
        output_line(out, "       key %u of tags, under which persons are filed", change->number);
        break;
    case WIRE_KEY_OF_BODIES:
        audit_body_key_name(change->number, name);
        output_text(out, "key_of", "bodies");
        output_text(out, "key", name);
        output_line(out, "       body key %s, for the entries behind this one", name);
        break;
    case WIRE_KEY_MASTER:
        output_text(out, "key_of", "master");
        output_line(out, "       a new master key");
        break;
    }
    output_hex(out, "old_key", bytes_digest(&change->old_key));
    output_hex(out, "new_key", bytes_digest(&change->new_key));
    output_moment(out, "both_until", change->both_until);
    if (change->both_until != 0) {
        output_line(out, "       both keys sign until %s",
                    output_moment_text(change->both_until, until));
    }
}

static enum status show_card(struct output *out, struct bytes payload, struct bytes origin,
                             struct error *err)
{
    char until[OUTPUT_MOMENT_BYTES];
    struct registry_card card;
    enum status status = registry_card_decode(payload, origin, &card, err);
    if (status == ST_OK) {
        output_text(out, "node", card.node);
        output_text(out, "role", registry_role_name(card.role));
        output_moment(out, "not_after", card.not_after);
        output_line(out, "       card of %s %s, role %s, good until %s", card.member, card.node,
                    registry_role_name(card.role), output_moment_text(card.not_after, until));
    }
    return status;
}

static enum status show_order(struct output *out, struct bytes payload, struct bytes origin,
                              struct error *err)
{
    char since[OUTPUT_MOMENT_BYTES];
    struct registry_order order;
    enum status status = registry_order_decode(payload, origin, &order, err);
    if (status == ST_OK) {
        output_text(out, "action", order_action_name(order.action));
        output_text(out, "reason", order.reason);
        output_moment(out, "since", order.since);
        output_line(out, "       %s %s%s%s", order_action_name(order.action), order.member,
                    order.reason[0] != '\0' ? ": " : "", order.reason);
        if (order.since != 0) {
            output_line(out, "       entries since %s are marked",
                        output_moment_text(order.since, since));
        }
    }
    return status;
}

static enum status show_bundle(struct output *out, struct bytes payload, struct bytes origin,
                               struct error *err)
{
    struct registry_bundle_head head;
    enum status status = registry_bundle_head_decode(payload, origin, &head, err);
    if (status == ST_OK) {
        output_number(out, "serial", head.serial);
        output_hex(out, "hash", bytes_digest(&head.hash));
        output_line(out, "       policy bundle of serial %llu", (unsigned long long)head.serial);
    }
    return status;
}

// The signed message of an entry; silent about one that this program cannot read.
static void show_signed(struct output *out, const struct wire_public_part *part)
{
    struct error ignored;
    struct bytes payload;
    struct arena *arena = arena_create(WIRE_ARENA_BYTES);
    struct buffer origin = buffer_init(ORIGIN_BYTES_MAX);
    enum registry_label label = part->kind == WIRE_KIND_MEMBER   ? REGISTRY_CARD
                                : part->kind == WIRE_KIND_ORDER  ? REGISTRY_ORDER
                                : part->kind == WIRE_KIND_POLICY ? REGISTRY_BUNDLE
                                                                 : REGISTRY_LABEL_COUNT;
    if (arena == NULL || label == REGISTRY_LABEL_COUNT ||
        registry_signed_payload(part->signed_, arena, &payload, &ignored) != ST_OK ||
        payload_origin(label, payload, &origin, &ignored) != ST_OK) {
        goto out;
    }
    struct bytes name = buffer_view(&origin);
    enum status status = label == REGISTRY_CARD    ? show_card(out, payload, name, &ignored)
                         : label == REGISTRY_ORDER ? show_order(out, payload, name, &ignored)
                                                   : show_bundle(out, payload, name, &ignored);
    if (status != ST_OK) {
        output_line(out, "       (%s)", ignored.message);
    }
out:
    buffer_fini(&origin);
    arena_destroy(&arena);
}

static void show_epoch(struct output *out, const struct wire_public_part *part)
{
    output_number(out, "epoch", part->epoch);
    output_number(out, "map_size", part->map_size);
    output_hex(out, "map_root", bytes_digest(&part->map_root));
    output_line(out, "       number %llu: the lists of all persons, up to %llu entries of the log",
                (unsigned long long)part->epoch, (unsigned long long)part->map_size);
}

void entry_governance_show(struct output *out, const struct wire_public_part *part)
{
    output_bytes(out, "member", part->member);
    output_bytes(out, "note", part->note);
    if (part->signed_.size > 0) {
        show_signed(out, part);
    } else if (part->member.size > 0) {
        output_line(out, "       member %.*s", SPEECH_TEXT(part->member));
    }
    if (part->note.size > 0 && part->key_change == NULL) {
        output_line(out, "       %.*s", SPEECH_TEXT(part->note));
    }
    if (part->kind == WIRE_KIND_EPOCH) {
        show_epoch(out, part);
    }
    if (part->key_change != NULL) {
        show_key_change(out, part->key_change);
    }
    if (part->kind == WIRE_KIND_RESTART) {
        output_number(out, "closed", part->count);
        output_line(out, "       decisions closed as lost: %llu", (unsigned long long)part->count);
    }
    if (part->kind == WIRE_KIND_CARRY_FORWARD && part->month > 0) {
        char month[AUDIT_MONTH_TEXT_BYTES];
        audit_month_format(part->month, month);
        output_text(out, "month", month);
        output_number(out, "entries", part->count);
        output_line(out, "       %s: %llu entries", month, (unsigned long long)part->count);
    }
    if (part->continues.size > 0) {
        output_bytes(out, "continues", part->continues);
        output_line(out, "       it continues the log of this checkpoint:\n\n%.*s",
                    SPEECH_TEXT(part->continues));
    }
}
