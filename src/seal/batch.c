// Batch signatures. A batch is padded by nothing: the tree has the shape of RFC 6962, built level
// by level, an odd node moving up as it is (which is the same shape). The cache is an array of
// small sets of places; the set comes from a hash keyed by a secret, so that a signer cannot choose
// roots that push others out.
#include "seal/batch.h"

#include "seal/hash.h"
#include "seal/random.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

struct digest seal_audience(struct bytes origin)
{
    return seal_sha256(origin);
}

struct digest seal_batch_leaf(const char *type, const struct digest *salt, struct bytes payload)
{
    static const char prefix[] = "vedomo/1 ";
    static const uint8_t leaf_prefix = 0x00;
    struct bytes name = bytes_text(type);
    uint8_t length[2];
    const struct bytes parts[] = { bytes_of(&leaf_prefix, 1),
                                   seal_u16(length, (uint16_t)(sizeof(prefix) - 1 + name.size)),
                                   bytes_of(prefix, sizeof(prefix) - 1),
                                   name,
                                   bytes_digest(salt),
                                   payload };
    return seal_sha256_parts(parts, ARRAY_COUNT(parts));
}

static const char batch_label[] = "vedomo/1 batch";
enum { SIGNED_BYTES = sizeof(batch_label) + 2 * DIGEST_BYTES + 2 + DIGEST_BYTES };

static void signed_bytes(const struct digest *audience, const struct digest *key, uint32_t size,
                         const struct digest *root, uint8_t out[SIGNED_BYTES])
{
    memcpy(out, batch_label, sizeof(batch_label));
    out += sizeof(batch_label);
    memcpy(out, audience->bytes, DIGEST_BYTES);
    memcpy(out + DIGEST_BYTES, key->bytes, DIGEST_BYTES);
    seal_u16(out + 2 * DIGEST_BYTES, (uint16_t)size);
    memcpy(out + 2 * DIGEST_BYTES + 2, root->bytes, DIGEST_BYTES);
}

// One level up, in place. Message i's ancestor stands at i >> level.
static size_t fold_level(struct digest *nodes, size_t width)
{
    for (size_t i = 0; i + 1 < width; i += 2) {
        nodes[i / 2] = seal_node_hash(&nodes[i], &nodes[i + 1]);
    }
    if (width % 2 == 1) {
        nodes[width / 2] = nodes[width - 1];
    }
    return (width + 1) / 2;
}

void seal_batch_sign(const struct seal_signer *signer, const struct digest *audience,
                     const struct digest *leaves, size_t count,
                     uint8_t signature[SEAL_SIGNATURE_BYTES], struct seal_batch_path *paths)
{
    assert(count >= 1 && count <= SEAL_BATCH_MAX);
    struct digest nodes[SEAL_BATCH_MAX];
    memcpy(nodes, leaves, count * sizeof(nodes[0]));
    for (size_t i = 0; i < count; i++) {
        paths[i].count = 0;
    }
    unsigned level = 0;
    for (size_t width = count; width > 1; level++) {
        for (size_t i = 0; i < count; i++) {
            size_t sibling = (i >> level) ^ 1;
            if (sibling < width) {
                paths[i].steps[paths[i].count++] = nodes[sibling];
            }
        }
        width = fold_level(nodes, width);
    }
    uint8_t message[SIGNED_BYTES];
    signed_bytes(audience, seal_signer_key(signer), (uint32_t)count, &nodes[0], message);
    seal_sign(signer, bytes_of(message, sizeof(message)), signature);
}

enum status seal_batch_root(const struct seal_batch_sig *sig, const char *type,
                            struct bytes payload, struct digest *root, struct error *err)
{
    if (sig->size < 1 || sig->size > SEAL_BATCH_MAX || sig->index >= sig->size ||
        sig->signature.size != SEAL_SIGNATURE_BYTES) {
        return error_set(err, ST_MALFORMED, "signature of %s: message %u of %u, %zu bytes", type,
                         sig->index, sig->size, sig->signature.size);
    }
    struct digest node = seal_batch_leaf(type, &sig->salt, payload);
    size_t used = 0;
    uint32_t position = sig->index;
    for (uint32_t width = sig->size; width > 1; width = (width + 1) / 2, position /= 2) {
        if ((position ^ 1) >= width) {
            continue; // an odd node at the end moves up as it is
        }
        if (sig->path.size - used < DIGEST_BYTES) {
            return error_set(err, ST_MALFORMED, "signature of %s: path too short", type);
        }
        struct digest sibling;
        memcpy(sibling.bytes, sig->path.data + used, DIGEST_BYTES);
        used += DIGEST_BYTES;
        node =
            position % 2 == 0 ? seal_node_hash(&node, &sibling) : seal_node_hash(&sibling, &node);
    }
    if (used != sig->path.size) {
        return error_set(err, ST_MALFORMED, "signature of %s: path too long", type);
    }
    *root = node;
    return ST_OK;
}

enum { CACHE_WAYS = 4, CACHE_MIN = 16 };

struct cache_place {
    struct digest key;
    struct digest audience;
    struct digest root;
    uint8_t signature[SEAL_SIGNATURE_BYTES];
    uint32_t size;  // 0: an empty place
    uint64_t order; // when it was put in
};

struct seal_batch_cache {
    struct cache_place *places;
    size_t set_count; // a power of two
    uint64_t puts;
    uint8_t hash_key[crypto_shorthash_KEYBYTES];
};

struct seal_batch_cache *seal_batch_cache_create(size_t capacity)
{
    size_t places = CACHE_MIN;
    while (places < capacity && places < SIZE_MAX / 2) {
        places *= 2;
    }
    struct seal_batch_cache *cache = calloc(1, sizeof(*cache));
    if (cache == NULL) {
        return NULL;
    }
    cache->places = calloc(places, sizeof(cache->places[0]));
    if (cache->places == NULL) {
        free(cache);
        return NULL;
    }
    cache->set_count = places / CACHE_WAYS;
    seal_random(cache->hash_key, sizeof(cache->hash_key));
    return cache;
}

void seal_batch_cache_destroy(struct seal_batch_cache **cache)
{
    if (*cache != NULL) {
        free((*cache)->places);
        free(*cache);
        *cache = NULL;
    }
}

void seal_batch_cache_drop(struct seal_batch_cache *cache, const struct digest *key)
{
    for (size_t i = 0; i < cache->set_count * CACHE_WAYS; i++) {
        if (digest_equal(&cache->places[i].key, key)) {
            cache->places[i].size = 0;
        }
    }
}

static struct cache_place *cache_set(const struct seal_batch_cache *cache,
                                     const struct digest *root)
{
    union {
        uint8_t bytes[crypto_shorthash_BYTES];
        uint64_t number;
    } hash;
    crypto_shorthash(hash.bytes, root->bytes, DIGEST_BYTES, cache->hash_key);
    return cache->places + (hash.number & (cache->set_count - 1)) * CACHE_WAYS;
}

bool seal_batch_known(const struct seal_batch_cache *cache, const struct digest *audience,
                      const struct seal_batch_sig *sig, const struct digest *root)
{
    const struct cache_place *set = cache_set(cache, root);
    for (size_t i = 0; i < CACHE_WAYS; i++) {
        const struct cache_place *place = &set[i];
        if (place->size == sig->size && place->size != 0 && digest_equal(&place->root, root) &&
            digest_equal(&place->key, &sig->key) && digest_equal(&place->audience, audience) &&
            bytes_equal(bytes_of(place->signature, SEAL_SIGNATURE_BYTES), sig->signature)) {
            return true;
        }
    }
    return false;
}

void seal_batch_remember(struct seal_batch_cache *cache, const struct digest *audience,
                         const struct seal_batch_sig *sig, const struct digest *root)
{
    struct cache_place *set = cache_set(cache, root);
    struct cache_place *place = &set[0];
    for (size_t i = 1; i < CACHE_WAYS && place->size != 0; i++) {
        if (set[i].size == 0 || set[i].order < place->order) {
            place = &set[i];
        }
    }
    *place = (struct cache_place){ .key = sig->key,
                                   .audience = *audience,
                                   .root = *root,
                                   .size = sig->size,
                                   .order = ++cache->puts };
    memcpy(place->signature, sig->signature.data, SEAL_SIGNATURE_BYTES);
}

bool seal_batch_check(struct seal_batch_cache *cache, const struct digest *audience,
                      const struct seal_batch_sig *sig, const struct digest *root)
{
    uint8_t message[SIGNED_BYTES];
    signed_bytes(audience, &sig->key, sig->size, root, message);
    if (!seal_verify(&sig->key, bytes_of(message, sizeof(message)), sig->signature)) {
        return false;
    }
    if (cache != NULL) {
        seal_batch_remember(cache, audience, sig, root);
    }
    return true;
}

enum status seal_batch_verify(struct seal_batch_cache *cache, const struct digest *audience,
                              const struct seal_batch_sig *sig, const char *type,
                              struct bytes payload, struct error *err)
{
    struct digest root;
    enum status status = seal_batch_root(sig, type, payload, &root, err);
    if (status != ST_OK) {
        return status;
    }
    if ((cache != NULL && seal_batch_known(cache, audience, sig, &root)) ||
        seal_batch_check(cache, audience, sig, &root)) {
        return ST_OK;
    }
    return error_set(err, ST_UNPROVEN, "signature of %s does not verify", type);
}
