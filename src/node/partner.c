// The directory's rows, verified, and the table of those that hold. Invariants: a partner in the
// table was verified; serials of a key never go back; a dropped key stays dropped while the process
// lives. The table forgets what ended; when it is full it forgets what ends first.
#include "node/partner.h"

#include "base/map.h"
#include "node/keys.h"
#include "seal/exchange.h"
#include "wire/wire.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool copy_code(char *out, size_t room, struct bytes text)
{
    if (text.size == 0 || text.size >= room) {
        return false;
    }
    memcpy(out, text.data, text.size);
    out[text.size] = '\0';
    return true;
}

enum status node_announcement_read(const struct digest *audience, struct bytes payload,
                                   uint64_t now_ms, struct arena *arena,
                                   struct node_announcement *announcement, struct error *err)
{
    struct wire_announcement said;
    enum status status = wire_decode(WIRE_SCHEMA_ANNOUNCEMENT, payload, arena, &said, err);
    if (status != ST_OK) {
        return status;
    }
    struct node_announcement made = { .hash = seal_announcement_hash(payload),
                                      .key = said.key,
                                      .not_before = said.not_before,
                                      .not_after = said.not_after,
                                      .serial = said.serial };
    if (!copy_code(made.member, sizeof(made.member), said.member) ||
        !copy_code(made.node, sizeof(made.node), said.node)) {
        return error_set(err, ST_MALFORMED, "announcement: member or node is too long");
    }
    if (!digest_equal(&said.audience, audience)) {
        return error_set(err, ST_UNPROVEN, "announcement of %s: for another federation",
                         made.member);
    }
    if (said.not_after <= said.not_before ||
        said.not_after - said.not_before > NODE_ANNOUNCEMENT_LIFE_MAX_MS) {
        return error_set(err, ST_MALFORMED, "announcement of %s: its key lives too long",
                         made.member);
    }
    if (said.not_before > now_ms + NODE_CLOCK_TOLERANCE_MS) {
        return error_set(err, ST_STALE, "announcement of %s: has not begun", made.member);
    }
    *announcement = made;
    return ST_OK;
}

// The card is one of a node, and the log has the entry that enrolled it.
static enum status check_card(struct node_trust *trust, const struct wire_row *row, uint64_t now_ms,
                              struct arena *arena, struct registry_card *card, struct error *err)
{
    enum status status =
        registry_card_verify(row->card, node_trust_origin(trust), &trust->registrar, card, err);
    if (status != ST_OK) {
        return status;
    }
    if (card->role != REGISTRY_ROLE_NODE) {
        return error_set(err, ST_UNPROVEN, "card of %s: its role is %s, not node", card->member,
                         registry_role_name(card->role));
    }
    if (now_ms + NODE_CLOCK_TOLERANCE_MS < card->not_before || now_ms >= card->not_after) {
        return error_set(err, ST_UNPROVEN, "card of %s: not in force now", card->member);
    }
    struct proof_proven proven;
    status = node_trust_receipt(trust, row->receipt, PROOF_CLASS_GOVERNANCE, PROOF_PART_PUBLIC,
                                "member entry", &proven, err);
    struct wire_public_part part;
    if (status == ST_OK) {
        status = wire_decode(WIRE_SCHEMA_PUBLIC_PART, row->receipt->extra->part, arena, &part, err);
    }
    if (status != ST_OK) {
        return status;
    }
    if (part.kind != WIRE_KIND_MEMBER || !bytes_equal(part.signed_, row->card)) {
        return error_set(err, ST_UNPROVEN, "card of %s: the log's entry is of another card",
                         card->member);
    }
    return ST_OK;
}

static struct seal_batch_sig batch_sig(const struct wire_batch_sig *sig)
{
    return (struct seal_batch_sig){ .key = sig->key,
                                    .size = sig->size,
                                    .index = sig->index,
                                    .salt = sig->salt,
                                    .path = sig->path,
                                    .signature = sig->signature };
}

enum status node_partner_verify(struct node_trust *trust, struct seal_batch_cache *cache,
                                const struct wire_row *row, uint64_t now_ms, struct arena *arena,
                                struct node_partner *partner, struct error *err)
{
    struct node_partner made = { 0 };
    enum status status = check_card(trust, row, now_ms, arena, &made.card, err);
    if (status != ST_OK) {
        return status;
    }
    if (row->state == WIRE_MEMBER_REVOKED) {
        return error_set(err, ST_DENIED, "key of %s: revoked", made.card.member);
    }
    if (row->announcement.size == 0) {
        return error_set(err, ST_NOT_FOUND,
                         "%s has not announced a sealing key: it is not connected",
                         made.card.member);
    }
    struct wire_head head;
    status = wire_decode(WIRE_SCHEMA_HEAD, row->announcement, arena, &head, err);
    if (status != ST_OK) {
        return status;
    }
    if (head.type != WIRE_ANNOUNCEMENT || head.sig == NULL ||
        !digest_equal(&head.sig->key, &made.card.batch_key)) {
        return error_set(err, ST_UNPROVEN, "announcement of %s: not signed by the card's key",
                         made.card.member);
    }
    struct seal_batch_sig sig = batch_sig(head.sig);
    status = seal_batch_verify(cache, &trust->audience, &sig, wire_type_name(WIRE_ANNOUNCEMENT),
                               head.payload, err);
    if (status != ST_OK) {
        error_wrap(err, "announcement of %s", made.card.member);
        return status;
    }
    status = node_announcement_read(&trust->audience, head.payload, now_ms, arena,
                                    &made.announcement, err);
    if (status != ST_OK) {
        return status;
    }
    if (strcmp(made.announcement.member, made.card.member) != 0 ||
        strcmp(made.announcement.node, made.card.node) != 0) {
        return error_set(err, ST_UNPROVEN, "announcement of %s: of another node than the card",
                         made.card.member);
    }
    *partner = made;
    return ST_OK;
}

// --- the table ---

enum { ENDED_KEPT_MS = 5 * 60 * 1000, SERIALS_MAX = 16384 };

struct serial {
    struct digest key; // batch key
    uint64_t highest;
    bool dropped;
};

struct node_partners {
    struct map *by_hash;   // announcement's hash → struct node_partner
    struct map *by_member; // member's code → struct node_partner with its newest announcement
    struct map *serials;   // batch key → struct serial
};

static void free_values(struct map **map)
{
    if (*map == NULL) {
        return;
    }
    size_t cursor = 0;
    struct bytes key;
    void *value = NULL;
    while (map_next(*map, &cursor, &key, &value)) {
        free(value);
    }
    map_destroy(map);
}

struct node_partners *node_partners_create(void)
{
    struct node_partners *partners = calloc(1, sizeof(*partners));
    if (partners == NULL) {
        return NULL;
    }
    partners->by_hash = map_create();
    partners->by_member = map_create();
    partners->serials = map_create();
    if (partners->by_hash == NULL || partners->by_member == NULL || partners->serials == NULL) {
        node_partners_destroy(&partners);
    }
    return partners;
}

void node_partners_destroy(struct node_partners **partners)
{
    if (*partners == NULL) {
        return;
    }
    map_destroy(&(*partners)->by_member);
    free_values(&(*partners)->by_hash);
    free_values(&(*partners)->serials);
    free(*partners);
    *partners = NULL;
}

static struct bytes member_key(const struct node_partner *partner)
{
    return bytes_text(partner->card.member);
}

static void take_out(struct node_partners *partners, struct node_partner *partner)
{
    if (map_get(partners->by_member, member_key(partner)) == partner) {
        map_remove(partners->by_member, member_key(partner));
    }
    map_remove(partners->by_hash, bytes_digest(&partner->announcement.hash));
    free(partner);
}

// Room for one more: the one that ends first goes.
static void make_room(struct node_partners *partners)
{
    if (map_count(partners->by_hash) < NODE_PARTNERS_MAX) {
        return;
    }
    struct node_partner *first = NULL;
    size_t cursor = 0;
    struct bytes key;
    void *value = NULL;
    while (map_next(partners->by_hash, &cursor, &key, &value)) {
        struct node_partner *partner = value;
        if (first == NULL || partner->announcement.not_after < first->announcement.not_after) {
            first = partner;
        }
    }
    take_out(partners, first);
}

static struct serial *serial_of(struct node_partners *partners, const struct digest *batch_key)
{
    struct serial *serial = map_get(partners->serials, bytes_digest(batch_key));
    if (serial != NULL || map_count(partners->serials) >= SERIALS_MAX) {
        return serial;
    }
    serial = calloc(1, sizeof(*serial));
    if (serial == NULL) {
        return NULL;
    }
    serial->key = *batch_key;
    if (!map_put(partners->serials, bytes_digest(&serial->key), serial)) {
        free(serial);
        return NULL;
    }
    return serial;
}

enum status node_partners_keep(struct node_partners *partners, const struct node_partner *partner,
                               struct error *err)
{
    struct serial *serial = serial_of(partners, &partner->card.batch_key);
    if (serial == NULL) {
        return error_set(err, ST_FULL, "no room for another partner's key");
    }
    if (serial->dropped) {
        return error_set(err, ST_DENIED, "key of %s: revoked", partner->card.member);
    }
    if (partner->announcement.serial < serial->highest) {
        return error_set(err, ST_STALE, "announcement of %s: serial %" PRIu64 " after %" PRIu64,
                         partner->card.member, partner->announcement.serial, serial->highest);
    }
    struct node_partner *known =
        map_get(partners->by_hash, bytes_digest(&partner->announcement.hash));
    if (known != NULL) {
        map_remove(partners->by_member, member_key(known));
        return map_put(partners->by_member, member_key(known), known)
                   ? ST_OK
                   : error_set(err, ST_NOMEM, "partner: no memory");
    }
    make_room(partners);
    struct node_partner *kept = malloc(sizeof(*kept));
    if (kept == NULL) {
        return error_set(err, ST_NOMEM, "partner: no memory");
    }
    *kept = *partner;
    if (!map_put(partners->by_hash, bytes_digest(&kept->announcement.hash), kept)) {
        free(kept);
        return error_set(err, ST_NOMEM, "partner: no memory");
    }
    map_remove(partners->by_member, member_key(kept));
    if (!map_put(partners->by_member, member_key(kept), kept)) {
        take_out(partners, kept);
        return error_set(err, ST_NOMEM, "partner: no memory");
    }
    serial->highest = kept->announcement.serial;
    return ST_OK;
}

const struct node_partner *node_partners_of(const struct node_partners *partners,
                                            struct bytes member, uint64_t now_ms, uint64_t left_ms)
{
    const struct node_partner *partner = map_get(partners->by_member, member);
    bool good = partner != NULL && now_ms + left_ms <= partner->announcement.not_after &&
                now_ms < partner->card.not_after;
    return good ? partner : NULL;
}

const struct node_partner *node_partners_by_hash(const struct node_partners *partners,
                                                 const struct digest *announcement)
{
    return map_get(partners->by_hash, bytes_digest(announcement));
}

// Takes out what the key announced; without a key, what has ended.
static void sweep(struct node_partners *partners, const struct digest *batch_key, uint64_t now_ms,
                  struct node_keys *keys)
{
    size_t cursor = 0;
    struct bytes key;
    void *value = NULL;
    while (map_next(partners->by_hash, &cursor, &key, &value)) {
        struct node_partner *partner = value;
        bool gone = batch_key != NULL ? digest_equal(&partner->card.batch_key, batch_key)
                                      : partner->announcement.not_after + ENDED_KEPT_MS < now_ms;
        if (gone) {
            if (keys != NULL) {
                node_keys_forget(keys, &partner->announcement.hash);
            }
            take_out(partners, partner);
        }
    }
}

void node_partners_drop(struct node_partners *partners, const struct digest *batch_key,
                        struct node_keys *keys)
{
    struct serial *serial = serial_of(partners, batch_key);
    if (serial != NULL) {
        serial->dropped = true;
    }
    sweep(partners, batch_key, 0, keys);
}

void node_partners_outdated(struct node_partners *partners, struct bytes member)
{
    map_remove(partners->by_member, member);
}

void node_partners_expire(struct node_partners *partners, uint64_t now_ms)
{
    sweep(partners, NULL, now_ms, NULL);
}
