// The node's sealing keys. Invariants: secrets are in guarded memory; a key past its end and grace
// opens nothing, because it is gone, and so is every secret that came from it; announcements'
// serials grow, across restarts too, since they are times.
#include "node/keys.h"

#include "seal/exchange.h"
#include "seal/hash.h"
#include "seal/secret.h"
#include "wire/wire.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { GENERATIONS = 4, PAYLOAD_MAX_BYTES = 1024 };

struct generation {
    struct seal_secret *secret; // NULL: empty place
    struct digest hash;         // of the announcement
    uint64_t not_after;
};

struct pair {
    struct seal_secret *secret; // NULL: empty place
    struct digest own;          // announcements
    struct digest other;
    bool asking;
    uint64_t used;
};

struct node_keys {
    char *member;
    char *node;
    struct digest audience;
    struct generation generations[GENERATIONS]; // [0] is the current one
    struct buffer payload;                      // of the current announcement
    uint64_t renew_at;
    uint64_t serial;
    struct pair pairs[NODE_PAIRS_MAX];
    uint64_t uses;
};

enum status node_keys_create(const char *member, const char *node, const struct digest *audience,
                             struct node_keys **keys, struct error *err)
{
    struct node_keys *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return error_set(err, ST_NOMEM, "sealing keys: no memory");
    }
    made->member = strdup(member);
    made->node = strdup(node);
    made->audience = *audience;
    made->payload = buffer_init(PAYLOAD_MAX_BYTES);
    if (made->member == NULL || made->node == NULL) {
        node_keys_destroy(&made);
        return error_set(err, ST_NOMEM, "sealing keys: no memory");
    }
    *keys = made;
    return ST_OK;
}

void node_keys_destroy(struct node_keys **keys)
{
    if (*keys == NULL) {
        return;
    }
    struct node_keys *gone = *keys;
    *keys = NULL;
    for (size_t i = 0; i < GENERATIONS; i++) {
        seal_secret_destroy(&gone->generations[i].secret);
    }
    for (size_t i = 0; i < NODE_PAIRS_MAX; i++) {
        seal_secret_destroy(&gone->pairs[i].secret);
    }
    buffer_fini(&gone->payload);
    free(gone->member);
    free(gone->node);
    free(gone);
}

static void wipe_pairs_of(struct node_keys *keys, const struct digest *announcement, bool own)
{
    for (size_t i = 0; i < NODE_PAIRS_MAX; i++) {
        struct pair *pair = &keys->pairs[i];
        const struct digest *side = own ? &pair->own : &pair->other;
        if (pair->secret != NULL && digest_equal(side, announcement)) {
            seal_secret_destroy(&pair->secret);
            *pair = (struct pair){ 0 };
        }
    }
}

static void wipe_generation(struct node_keys *keys, struct generation *generation)
{
    wipe_pairs_of(keys, &generation->hash, true);
    seal_secret_destroy(&generation->secret);
    *generation = (struct generation){ 0 };
}

static bool generation_over(const struct generation *generation, uint64_t now_ms)
{
    return now_ms >= generation->not_after + NODE_KEY_GRACE_MS;
}

static enum status renew(struct node_keys *keys, uint64_t now_ms, struct error *err)
{
    struct seal_secret *secret = NULL;
    struct digest public_key;
    enum status status = seal_exchange_create(&secret, &public_key, err);
    if (status != ST_OK) {
        return status;
    }
    uint64_t serial = now_ms > keys->serial ? now_ms : keys->serial + 1;
    struct wire_announcement announcement = { .version = 1,
                                              .member = bytes_text(keys->member),
                                              .node = bytes_text(keys->node),
                                              .audience = keys->audience,
                                              .key = public_key,
                                              .not_before = now_ms,
                                              .not_after = now_ms + NODE_KEY_LIFE_MS,
                                              .serial = serial };
    struct buffer payload = buffer_init(PAYLOAD_MAX_BYTES);
    status = wire_encode(WIRE_SCHEMA_ANNOUNCEMENT, &announcement, &payload, err);
    if (status != ST_OK) {
        buffer_fini(&payload);
        seal_secret_destroy(&secret);
        return status;
    }
    wipe_generation(keys, &keys->generations[GENERATIONS - 1]);
    memmove(&keys->generations[1], &keys->generations[0],
            (GENERATIONS - 1) * sizeof(keys->generations[0]));
    keys->generations[0] =
        (struct generation){ .secret = secret,
                             .hash = seal_announcement_hash(buffer_view(&payload)),
                             .not_after = announcement.not_after };
    buffer_fini(&keys->payload);
    keys->payload = payload;
    keys->serial = serial;
    keys->renew_at = now_ms + NODE_KEY_RENEW_MS;
    return ST_OK;
}

enum status node_keys_turn(struct node_keys *keys, uint64_t now_ms, bool *renewed,
                           struct error *err)
{
    for (size_t i = 0; i < GENERATIONS; i++) {
        if (keys->generations[i].secret != NULL && generation_over(&keys->generations[i], now_ms)) {
            wipe_generation(keys, &keys->generations[i]);
        }
    }
    // A clock that was set back must not keep a key for longer than its time.
    bool due = keys->generations[0].secret == NULL || now_ms >= keys->renew_at ||
               keys->renew_at - now_ms > NODE_KEY_RENEW_MS;
    if (due) {
        enum status status = renew(keys, now_ms, err);
        if (status != ST_OK) {
            return status;
        }
    }
    *renewed = due;
    return ST_OK;
}

uint64_t node_keys_next_ms(const struct node_keys *keys)
{
    uint64_t next = keys->generations[0].secret == NULL ? 0 : keys->renew_at;
    for (size_t i = 0; i < GENERATIONS; i++) {
        uint64_t end = keys->generations[i].not_after + NODE_KEY_GRACE_MS;
        if (keys->generations[i].secret != NULL && end < next) {
            next = end;
        }
    }
    return next;
}

struct bytes node_keys_announcement(const struct node_keys *keys, struct digest *hash)
{
    *hash = keys->generations[0].hash;
    return buffer_view(&keys->payload);
}

// The place for a new pair: an empty one, or the one that was used longest ago.
static struct pair *place_for_pair(struct node_keys *keys)
{
    struct pair *oldest = &keys->pairs[0];
    for (size_t i = 0; i < NODE_PAIRS_MAX; i++) {
        if (keys->pairs[i].secret == NULL) {
            return &keys->pairs[i];
        }
        if (keys->pairs[i].used < oldest->used) {
            oldest = &keys->pairs[i];
        }
    }
    seal_secret_destroy(&oldest->secret);
    return oldest;
}

static enum status derive(const struct generation *generation,
                          const struct node_announcement *partner, bool asking, struct digest *pair,
                          struct error *err)
{
    struct digest shared;
    enum status status = seal_shared(generation->secret, &partner->key, &shared, err);
    if (status != ST_OK) {
        error_wrap(err, "sealing key of %s", partner->member);
        return status;
    }
    *pair = asking ? seal_pair_key(&shared, &generation->hash, &partner->hash)
                   : seal_pair_key(&shared, &partner->hash, &generation->hash);
    seal_wipe(&shared, sizeof(shared));
    return ST_OK;
}

static const struct generation *find_generation(const struct node_keys *keys,
                                                const struct digest *own, uint64_t now_ms)
{
    for (size_t i = 0; i < GENERATIONS; i++) {
        const struct generation *generation = &keys->generations[i];
        if (generation->secret != NULL && digest_equal(&generation->hash, own)) {
            return generation_over(generation, now_ms) ? NULL : generation;
        }
    }
    return NULL;
}

enum status node_keys_pair(struct node_keys *keys, const struct digest *own,
                           const struct node_announcement *partner, bool asking, uint64_t now_ms,
                           struct digest *pair, struct error *err)
{
    const struct generation *generation = find_generation(keys, own, now_ms);
    if (generation == NULL) {
        return error_set(err, ST_NOT_FOUND,
                         "sealed for a key that this node does not have, or no longer has");
    }
    for (size_t i = 0; i < NODE_PAIRS_MAX; i++) {
        struct pair *known = &keys->pairs[i];
        if (known->secret != NULL && known->asking == asking && digest_equal(&known->own, own) &&
            digest_equal(&known->other, &partner->hash)) {
            known->used = ++keys->uses;
            memcpy(pair->bytes, seal_secret_view(known->secret).data, DIGEST_BYTES);
            return ST_OK;
        }
    }
    struct digest derived;
    enum status status = derive(generation, partner, asking, &derived, err);
    if (status != ST_OK) {
        return status;
    }
    struct pair *place = place_for_pair(keys);
    *place = (struct pair){ 0 };
    status = seal_secret_copy(bytes_digest(&derived), &place->secret, err);
    if (status == ST_OK) {
        place->own = *own;
        place->other = partner->hash;
        place->asking = asking;
        place->used = ++keys->uses;
        *pair = derived;
    }
    seal_wipe(&derived, sizeof(derived));
    return status;
}

void node_keys_forget(struct node_keys *keys, const struct digest *announcement)
{
    wipe_pairs_of(keys, announcement, false);
}

size_t node_keys_pair_count(const struct node_keys *keys)
{
    size_t count = 0;
    for (size_t i = 0; i < NODE_PAIRS_MAX; i++) {
        count += keys->pairs[i].secret != NULL ? 1 : 0;
    }
    return count;
}
