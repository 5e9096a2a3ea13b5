// Small sets of places, chosen by the digest's first bytes; the oldest of a set gives way. One
// lock: it is held for a few comparisons.
#include "base/recent.h"

#include <pthread.h>
#include <stdlib.h>

enum { WAYS = 4 };

struct set {
    struct digest places[WAYS]; // all zero: empty
    unsigned next;              // the place that gives way
};

struct recent {
    pthread_mutex_t lock;
    size_t mask; // sets - 1, a power of two less one
    struct set *sets;
};

struct recent *recent_create(size_t capacity)
{
    size_t sets = 1;
    while (sets * WAYS < capacity) {
        sets *= 2;
    }
    struct recent *recent = calloc(1, sizeof(*recent));
    struct set *room = calloc(sets, sizeof(*room));
    if (recent == NULL || room == NULL) {
        free(recent);
        free(room);
        return NULL;
    }
    pthread_mutex_init(&recent->lock, NULL);
    recent->mask = sets - 1;
    recent->sets = room;
    return recent;
}

void recent_destroy(struct recent **recent)
{
    if (*recent != NULL) {
        pthread_mutex_destroy(&(*recent)->lock);
        free((*recent)->sets);
        free(*recent);
        *recent = NULL;
    }
}

static struct set *set_of(const struct recent *recent, const struct digest *digest)
{
    uint64_t hash;
    memcpy(&hash, digest->bytes, sizeof(hash));
    return &recent->sets[hash & recent->mask];
}

// With the lock held.
static bool is_in(const struct set *set, const struct digest *digest)
{
    for (size_t i = 0; i < WAYS; i++) {
        if (digest_equal(&set->places[i], digest)) {
            return true;
        }
    }
    return false;
}

bool recent_has(struct recent *recent, const struct digest *digest)
{
    pthread_mutex_lock(&recent->lock);
    bool has = !digest_is_zero(digest) && is_in(set_of(recent, digest), digest);
    pthread_mutex_unlock(&recent->lock);
    return has;
}

void recent_put(struct recent *recent, const struct digest *digest)
{
    pthread_mutex_lock(&recent->lock);
    struct set *set = set_of(recent, digest);
    if (!is_in(set, digest)) {
        set->places[set->next] = *digest;
        set->next = (set->next + 1) % WAYS;
    }
    pthread_mutex_unlock(&recent->lock);
}
