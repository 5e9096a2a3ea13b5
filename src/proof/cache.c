// Opened checkpoints: a ring, searched from its start, because it holds a handful. Only what has
// verified enters, so a peer that sends bad notes cannot push good ones out.
#include "proof/cache.h"

#include "seal/hash.h"

#include <assert.h>
#include <stdlib.h>

struct cache_item {
    struct digest note; // SHA-256 of its bytes
    struct digest key;  // of the log
    struct proof_checkpoint checkpoint;
};

struct proof_cache {
    size_t capacity;
    size_t count;
    size_t next; // the place that is filled next: the oldest once all are full
    uint64_t misses;
    struct cache_item items[];
};

struct proof_cache *proof_cache_create(size_t capacity)
{
    assert(capacity >= 1);
    struct proof_cache *cache = calloc(1, sizeof(*cache) + capacity * sizeof(cache->items[0]));
    if (cache != NULL) {
        cache->capacity = capacity;
    }
    return cache;
}

void proof_cache_destroy(struct proof_cache **cache)
{
    free(*cache);
    *cache = NULL;
}

enum status proof_cache_open(struct proof_cache *cache, struct bytes note,
                             const struct proof_key *log, struct proof_checkpoint *checkpoint,
                             struct error *err)
{
    struct digest hash = seal_sha256(note);
    for (size_t i = 0; i < cache->count; i++) {
        const struct cache_item *item = &cache->items[i];
        // The name counts too: a checkpoint opens only where it is the origin.
        if (digest_equal(&item->note, &hash) && digest_equal(&item->key, &log->key) &&
            strcmp(item->checkpoint.origin, log->name) == 0) {
            *checkpoint = item->checkpoint;
            return ST_OK;
        }
    }
    struct proof_checkpoint opened;
    cache->misses++;
    enum status status = proof_checkpoint_open(note, log, &opened, err);
    if (status != ST_OK) {
        return status;
    }
    cache->items[cache->next] =
        (struct cache_item){ .note = hash, .key = log->key, .checkpoint = opened };
    cache->next = (cache->next + 1) % cache->capacity;
    cache->count += cache->count < cache->capacity ? 1 : 0;
    *checkpoint = opened;
    return ST_OK;
}

enum status proof_cache_verify(struct proof_cache *cache, const struct proof_receipt *receipt,
                               const struct proof_key *log, struct proof_proven *proven,
                               struct error *err)
{
    struct proof_checkpoint checkpoint;
    enum status status = proof_cache_open(cache, receipt->checkpoint, log, &checkpoint, err);
    if (status != ST_OK) {
        return error_wrap(err, "receipt");
    }
    return proof_receipt_check(receipt, &checkpoint, proven, err);
}

uint64_t proof_cache_misses(const struct proof_cache *cache)
{
    return cache->misses;
}
