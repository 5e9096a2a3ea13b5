// The hash map: open addressing, linear probing, tombstones; at most three quarters full.
#include "base/map.h"

#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

struct slot {
    struct bytes key;
    void *value; // NULL: never used; &tombstone: removed
    uint64_t hash;
};

struct map {
    struct slot *slots;
    size_t capacity; // power of two
    size_t used;     // live and removed
    size_t live;
    uint64_t seed;
};

static char tombstone;

// Multiply-and-fold over 8-byte words: fast on short keys; the seed keeps it unpredictable.
static uint64_t fold(uint64_t a, uint64_t b)
{
    __extension__ unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_key(uint64_t seed, struct bytes key)
{
    uint64_t hash = seed ^ key.size * 0x9E3779B97F4A7C15U;
    for (size_t i = 0; i < key.size; i += 8) {
        uint64_t word = 0;
        memcpy(&word, key.data + i, key.size - i < 8 ? key.size - i : 8);
        hash = fold(hash ^ word, 0xA0761D6478BD642FU ^ seed);
    }
    return fold(hash, 0xE7037ED1A0B428DBU);
}

struct map *map_create(void)
{
    struct map *map = calloc(1, sizeof(*map));
    if (map == NULL) {
        return NULL;
    }
    if (getrandom(&map->seed, sizeof(map->seed), GRND_NONBLOCK) != sizeof(map->seed)) {
        map->seed = (uint64_t)time(NULL) ^ (uint64_t)(uintptr_t)map;
    }
    map->seed |= 1;
    map->capacity = 16;
    map->slots = calloc(map->capacity, sizeof(*map->slots));
    if (map->slots == NULL) {
        free(map);
        return NULL;
    }
    return map;
}

void map_destroy(struct map **map)
{
    if (*map != NULL) {
        free((*map)->slots);
        free(*map);
        *map = NULL;
    }
}

static struct slot *find_slot(const struct map *map, struct bytes key, uint64_t hash)
{
    size_t mask = map->capacity - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        struct slot *slot = &map->slots[i];
        if (slot->value == NULL) {
            return NULL;
        }
        if (slot->hash == hash && slot->value != &tombstone && bytes_equal(slot->key, key)) {
            return slot;
        }
    }
}

static bool resize(struct map *map, size_t capacity)
{
    struct slot *slots = calloc(capacity, sizeof(*slots));
    if (slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < map->capacity; i++) {
        struct slot *slot = &map->slots[i];
        if (slot->value == NULL || slot->value == &tombstone) {
            continue;
        }
        size_t at = slot->hash & (capacity - 1);
        while (slots[at].value != NULL) {
            at = (at + 1) & (capacity - 1);
        }
        slots[at] = *slot;
    }
    free(map->slots);
    map->slots = slots;
    map->capacity = capacity;
    map->used = map->live;
    return true;
}

void *map_get(const struct map *map, struct bytes key)
{
    const struct slot *slot = find_slot(map, key, hash_key(map->seed, key));
    return slot == NULL ? NULL : slot->value;
}

bool map_put(struct map *map, struct bytes key, void *value)
{
    uint64_t hash = hash_key(map->seed, key);
    struct slot *slot = find_slot(map, key, hash);
    if (slot != NULL) {
        slot->key = key;
        slot->value = value;
        return true;
    }
    if ((map->used + 1) * 4 > map->capacity * 3) {
        size_t capacity = map->live * 2 >= map->capacity ? map->capacity * 2 : map->capacity;
        if (!resize(map, capacity)) {
            return false;
        }
    }
    size_t at = hash & (map->capacity - 1);
    while (map->slots[at].value != NULL && map->slots[at].value != &tombstone) {
        at = (at + 1) & (map->capacity - 1);
    }
    map->used += map->slots[at].value == NULL ? 1 : 0;
    map->live++;
    map->slots[at] = (struct slot){ .key = key, .value = value, .hash = hash };
    return true;
}

void *map_remove(struct map *map, struct bytes key)
{
    struct slot *slot = find_slot(map, key, hash_key(map->seed, key));
    if (slot == NULL) {
        return NULL;
    }
    void *value = slot->value;
    slot->value = &tombstone;
    slot->key = (struct bytes){ 0 };
    map->live--;
    return value;
}

size_t map_count(const struct map *map)
{
    return map->live;
}

bool map_next(const struct map *map, size_t *cursor, struct bytes *key, void **value)
{
    while (*cursor < map->capacity) {
        const struct slot *slot = &map->slots[(*cursor)++];
        if (slot->value != NULL && slot->value != &tombstone) {
            *key = slot->key;
            *value = slot->value;
            return true;
        }
    }
    return false;
}
