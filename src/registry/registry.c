// The set of enrolled keys, by value: every version owns all it points at, so that a reader of an
// old version never meets a change. Copying costs about a kilobyte a key and happens only when the
// registrar has signed something.
//
// Invariants: no two cards share a key; a revoked key never becomes active again; a member exists
// from its first card on.
#include "registry/registry.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "seal/batch.h"
#include "wire/wire.h"

enum { PLACE_BYTES = REGISTRY_MEMBER_BYTES + REGISTRY_NODE_BYTES };

// A key as we own it; `key` is what others see.
struct record {
    struct registry_key key;
    uint8_t *signed_card;
    char place[PLACE_BYTES]; // "member node": the key of by_place
};

struct registry {
    uint8_t *origin;
    size_t origin_size;
    struct digest audience;
    struct registry_pins pins;
    uint64_t revision;
    struct record **records; // in the order in which they came
    size_t record_count;
    struct registry_member **members;
    size_t member_count;
    struct map *by_curve;  // -> struct record
    struct map *by_batch;  // -> struct record
    struct map *by_place;  // "member node" -> the newest active record
    struct map *by_member; // code -> struct registry_member
};

static const char *const standing_names[] = {
    [REGISTRY_UNKNOWN] = "unknown", [REGISTRY_GOOD] = "good",   [REGISTRY_SUSPENDED] = "suspended",
    [REGISTRY_REVOKED] = "revoked", [REGISTRY_EARLY] = "early", [REGISTRY_ENDED] = "ended",
};

const char *registry_standing_name(enum registry_standing standing)
{
    return (unsigned)standing < ARRAY_COUNT(standing_names) ? standing_names[standing] : "unknown";
}

static enum status no_memory(struct error *err)
{
    return error_set(err, ST_NOMEM, "the registry of members");
}

static void record_destroy(struct record *record)
{
    if (record != NULL) {
        free(record->signed_card);
        free(record);
    }
}

void registry_destroy(struct registry **registry)
{
    struct registry *r = *registry;
    if (r == NULL) {
        return;
    }
    for (size_t i = 0; i < r->record_count; i++) {
        record_destroy(r->records[i]);
    }
    for (size_t i = 0; i < r->member_count; i++) {
        free(r->members[i]);
    }
    map_destroy(&r->by_curve);
    map_destroy(&r->by_batch);
    map_destroy(&r->by_place);
    map_destroy(&r->by_member);
    free(r->records);
    free(r->members);
    free(r->origin);
    free(r);
    *registry = NULL;
}

enum status registry_create(struct bytes origin, const struct registry_pins *pins,
                            struct registry **registry, struct error *err)
{
    struct registry *r = calloc(1, sizeof(*r));
    if (r == NULL) {
        return no_memory(err);
    }
    r->origin = malloc(origin.size + 1);
    r->by_curve = map_create();
    r->by_batch = map_create();
    r->by_place = map_create();
    r->by_member = map_create();
    if (r->origin == NULL || r->by_curve == NULL || r->by_batch == NULL || r->by_place == NULL ||
        r->by_member == NULL) {
        registry_destroy(&r);
        return no_memory(err);
    }
    memcpy(r->origin, origin.data, origin.size);
    r->origin_size = origin.size;
    r->audience = seal_audience(origin);
    r->pins = *pins;
    *registry = r;
    return ST_OK;
}

// Room for one item more in an array of pointers that doubles at powers of two.
static bool grow(void *array, size_t count)
{
    void **items;
    memcpy(&items, array, sizeof(items));
    if ((count & (count - 1)) == 0) {
        size_t capacity = count == 0 ? 1 : count * 2;
        void **grown = realloc(items, capacity * sizeof(*grown));
        if (grown == NULL) {
            return false;
        }
        memcpy(array, &grown, sizeof(grown));
    }
    return true;
}

static struct registry_member *find_member(const struct registry *r, const char *code)
{
    return map_get(r->by_member, bytes_text(code));
}

// Takes a copy of `from` into the registry; NULL: no memory.
static struct registry_member *add_member(struct registry *r, const struct registry_member *from)
{
    struct registry_member *member = malloc(sizeof(*member));
    if (member == NULL || !grow(&r->members, r->member_count)) {
        free(member);
        return NULL;
    }
    *member = *from;
    if (!map_put(r->by_member, bytes_text(member->code), member)) {
        free(member);
        return NULL;
    }
    r->members[r->member_count++] = member;
    return member;
}

static bool keep_signed(struct record *record, struct bytes signed_card)
{
    uint8_t *copy = malloc(signed_card.size + 1);
    if (copy == NULL) {
        return false;
    }
    memcpy(copy, signed_card.data, signed_card.size);
    free(record->signed_card);
    record->signed_card = copy;
    record->key.signed_card = bytes_of(copy, signed_card.size);
    return true;
}

static bool index_record(struct registry *r, struct record *record)
{
    const struct registry_card *card = &record->key.card;
    bool good = map_put(r->by_batch, bytes_digest(&card->batch_key), record);
    if (!digest_is_zero(&card->curve_key)) {
        good = good && map_put(r->by_curve, bytes_digest(&card->curve_key), record);
    }
    if (record->key.state == REGISTRY_KEY_ACTIVE) {
        good = good && map_put(r->by_place, bytes_text(record->place), record);
    }
    return good;
}

// Takes a copy of `from` into the registry, whose members are there already. A failure may leave
// the registry half changed: it is thrown away then.
static bool add_record(struct registry *r, const struct registry_key *from)
{
    struct record *record = calloc(1, sizeof(*record));
    if (record == NULL || !grow(&r->records, r->record_count)) {
        free(record);
        return false;
    }
    record->key = *from;
    record->key.member = find_member(r, from->card.member);
    snprintf(record->place, sizeof(record->place), "%s %s", from->card.member, from->card.node);
    r->records[r->record_count++] = record;
    return keep_signed(record, from->signed_card) && index_record(r, record);
}

static enum status copy_registry(const struct registry *old, struct registry **out,
                                 struct error *err)
{
    struct registry *r = NULL;
    enum status status =
        registry_create(bytes_of(old->origin, old->origin_size), &old->pins, &r, err);
    if (status != ST_OK) {
        return status;
    }
    r->revision = old->revision;
    bool good = true;
    for (size_t i = 0; good && i < old->member_count; i++) {
        good = add_member(r, old->members[i]) != NULL;
    }
    for (size_t i = 0; good && i < old->record_count; i++) {
        good = add_record(r, &old->records[i]->key);
    }
    if (!good) {
        registry_destroy(&r);
        return no_memory(err);
    }
    *out = r;
    return ST_OK;
}

static bool same_place(const struct registry_card *a, const struct registry_card *b)
{
    return strcmp(a->member, b->member) == 0 && strcmp(a->node, b->node) == 0 && a->role == b->role;
}

// A card whose keys are known: good only as the renewal of that very card.
static enum status renew_card(struct registry *r, struct record *record,
                              const struct registry_card *card,
                              const struct registry_change *change, struct error *err)
{
    struct registry_card *old = &record->key.card;
    if (record->key.state == REGISTRY_KEY_REVOKED) {
        return error_set(err, ST_EXISTS,
                         "%s %s: these keys are revoked and stay so; make new ones with "
                         "'vedomo keygen'",
                         card->member, card->node);
    }
    bool same_keys = digest_equal(&old->curve_key, &card->curve_key) &&
                     digest_equal(&old->batch_key, &card->batch_key);
    if (!same_keys || !same_place(old, card)) {
        return error_set(err, ST_EXISTS, "%s %s: its keys stand on the card of %s %s already",
                         card->member, card->node, old->member, old->node);
    }
    if (card->not_after <= old->not_after) {
        return error_set(err, ST_EXISTS, "%s %s: this card, or a longer one, is there already",
                         card->member, card->node);
    }
    if (!keep_signed(record, change->signed_message)) {
        return no_memory(err);
    }
    *old = *card;
    record->key.entry_index = change->entry_index;
    return map_put(r->by_place, bytes_text(record->place), record) ? ST_OK : no_memory(err);
}

static enum status apply_card(struct registry *r, struct bytes payload,
                              const struct registry_change *change, struct error *err)
{
    struct registry_card card;
    enum status status =
        registry_card_decode(payload, bytes_of(r->origin, r->origin_size), &card, err);
    if (status != ST_OK) {
        return status;
    }
    struct record *known = map_get(r->by_batch, bytes_digest(&card.batch_key));
    if (known == NULL && !digest_is_zero(&card.curve_key)) {
        known = map_get(r->by_curve, bytes_digest(&card.curve_key));
    }
    struct registry_member *member = find_member(r, card.member);
    if (member == NULL) {
        struct registry_member fresh = { .state = REGISTRY_MEMBER_ACTIVE };
        memcpy(fresh.code, card.member, sizeof(fresh.code));
        member = add_member(r, &fresh);
        if (member == NULL) {
            return no_memory(err);
        }
    }
    if (known != NULL) {
        status = renew_card(r, known, &card, change, err);
    } else {
        struct registry_key key = {
            .card = card,
            .state = REGISTRY_KEY_ACTIVE,
            .entry_index = change->entry_index,
            .signed_card = change->signed_message,
        };
        status = add_record(r, &key) ? ST_OK : no_memory(err);
    }
    if (status == ST_OK) {
        member->revision = r->revision;
        member->entry_index = change->entry_index;
    }
    return status;
}

// After a revocation: the newest key of the place that is still active, or none.
static enum status refill_place(struct registry *r, const struct record *gone, struct error *err)
{
    (void)map_remove(r->by_place, bytes_text(gone->place));
    for (size_t i = r->record_count; i-- > 0;) {
        struct record *record = r->records[i];
        if (record->key.state == REGISTRY_KEY_ACTIVE && strcmp(record->place, gone->place) == 0) {
            return map_put(r->by_place, bytes_text(record->place), record) ? ST_OK : no_memory(err);
        }
    }
    return ST_OK;
}

static enum status revoke_key(struct registry *r, const struct registry_order *order,
                              uint64_t entry_index, struct error *err)
{
    struct record *record = map_get(r->by_batch, bytes_digest(&order->key));
    if (record == NULL || strcmp(record->key.card.member, order->member) != 0) {
        return error_set(err, ST_NOT_FOUND, "order: %s has no such key", order->member);
    }
    if (record->key.state == REGISTRY_KEY_REVOKED) {
        return error_set(err, ST_STALE, "order: the key of %s %s is revoked already", order->member,
                         record->key.card.node);
    }
    record->key.state = REGISTRY_KEY_REVOKED;
    record->key.revoked_index = entry_index;
    record->key.revoked_since = order->since;
    return refill_place(r, record, err);
}

static enum status move_member(struct registry_member *member, const struct registry_order *order,
                               struct error *err)
{
    enum registry_member_state state =
        order->action == REGISTRY_SUSPEND ? REGISTRY_MEMBER_SUSPENDED : REGISTRY_MEMBER_ACTIVE;
    if (order->issued_at <= member->changed_at) {
        return error_set(err, ST_STALE, "order: a newer one about %s is in force", member->code);
    }
    if (member->state == state) {
        return error_set(err, ST_STALE, "order: %s is %s already", member->code,
                         state == REGISTRY_MEMBER_SUSPENDED ? "suspended" : "active");
    }
    member->state = state;
    member->changed_at = order->issued_at;
    return ST_OK;
}

// A revocation counts whenever it was signed: it only ever takes away. Suspend and resume undo one
// another, so there the newest wins.
static enum status apply_order(struct registry *r, struct bytes payload,
                               const struct registry_change *change, struct error *err)
{
    struct registry_order order;
    enum status status =
        registry_order_decode(payload, bytes_of(r->origin, r->origin_size), &order, err);
    if (status != ST_OK) {
        return status;
    }
    struct registry_member *member = find_member(r, order.member);
    if (member == NULL) {
        return error_set(err, ST_NOT_FOUND, "order: there is no member %s", order.member);
    }
    status = order.action == REGISTRY_REVOKE ? revoke_key(r, &order, change->entry_index, err)
                                             : move_member(member, &order, err);
    if (status == ST_OK) {
        member->revision = r->revision;
        member->entry_index = change->entry_index;
    }
    return status;
}

static enum status apply(struct registry *r, const struct registry_change *change,
                         struct arena *arena, struct error *err)
{
    struct bytes payload;
    enum status status = registry_signed_verify(change->label, &r->pins, &r->audience,
                                                change->signed_message, arena, &payload, err);
    if (status != ST_OK) {
        return status;
    }
    r->revision++;
    switch (change->label) {
    case REGISTRY_CARD:
        return apply_card(r, payload, change, err);
    case REGISTRY_ORDER:
        return apply_order(r, payload, change, err);
    case REGISTRY_BUNDLE:
    case REGISTRY_LOG_KEY:
    case REGISTRY_LABEL_COUNT:
        break;
    }
    return error_set(err, ST_UNSUPPORTED, "a %s is not for the registry",
                     registry_label_name(change->label));
}

enum status registry_next(const struct registry *old, const struct registry_change *changes,
                          size_t count, struct registry **next, struct error *err)
{
    struct registry *r = NULL;
    struct arena *arena = arena_create(WIRE_ARENA_BYTES);
    enum status status = arena == NULL ? no_memory(err) : copy_registry(old, &r, err);
    for (size_t i = 0; status == ST_OK && i < count; i++) {
        status = apply(r, &changes[i], arena, err);
        arena_reset(arena);
    }
    if (status == ST_OK) {
        *next = r;
        r = NULL;
    }
    registry_destroy(&r);
    arena_destroy(&arena);
    return status;
}

struct bytes registry_origin(const struct registry *registry)
{
    return bytes_of(registry->origin, registry->origin_size);
}

const struct registry_pins *registry_pins_of(const struct registry *registry)
{
    return &registry->pins;
}

uint64_t registry_revision(const struct registry *registry)
{
    return registry->revision;
}

static const struct registry_key *seen(const struct record *record)
{
    return record == NULL ? NULL : &record->key;
}

const struct registry_key *registry_by_curve(const struct registry *registry,
                                             const struct digest *curve_key)
{
    return seen(map_get(registry->by_curve, bytes_digest(curve_key)));
}

const struct registry_key *registry_by_batch(const struct registry *registry,
                                             const struct digest *batch_key)
{
    return seen(map_get(registry->by_batch, bytes_digest(batch_key)));
}

const struct registry_member *registry_member_find(const struct registry *registry,
                                                   struct bytes code)
{
    return map_get(registry->by_member, code);
}

const struct registry_key *registry_node_find(const struct registry *registry, struct bytes member,
                                              struct bytes node)
{
    char place[PLACE_BYTES];
    if (member.size >= REGISTRY_MEMBER_BYTES || node.size >= REGISTRY_NODE_BYTES) {
        return NULL;
    }
    int size = snprintf(place, sizeof(place), "%.*s %.*s", (int)member.size,
                        (const char *)member.data, (int)node.size, (const char *)node.data);
    return seen(map_get(registry->by_place, bytes_of(place, (size_t)size)));
}

enum registry_standing registry_key_standing(const struct registry_key *key, uint64_t now_ms)
{
    if (key == NULL) {
        return REGISTRY_UNKNOWN;
    }
    if (key->state != REGISTRY_KEY_ACTIVE) {
        return REGISTRY_REVOKED;
    }
    if (now_ms < key->card.not_before) {
        return REGISTRY_EARLY;
    }
    if (now_ms >= key->card.not_after) {
        return REGISTRY_ENDED;
    }
    return key->member->state == REGISTRY_MEMBER_ACTIVE ? REGISTRY_GOOD : REGISTRY_SUSPENDED;
}

size_t registry_key_count(const struct registry *registry)
{
    return registry->record_count;
}

const struct registry_key *registry_key_at(const struct registry *registry, size_t index)
{
    return &registry->records[index]->key;
}

size_t registry_member_count(const struct registry *registry)
{
    return registry->member_count;
}

const struct registry_member *registry_member_at(const struct registry *registry, size_t index)
{
    return registry->members[index];
}
