// Two maps with a queue each: what came first ends first, so that forgetting is taking from the
// head. A full table of persons forgets the oldest; a full table of exchanges refuses, because
// forgetting there would let one be answered twice.
#include "node/memory.h"

#include "base/map.h"
#include "seal/hash.h"
#include "seal/random.h"

#include <stdlib.h>
#include <string.h>

enum { ONCE_MS = 16 * 60 * 1000 }; // a request lives 15 minutes at most

struct item {
    struct digest name;
    struct digest value;
    uint64_t since_ms;
    struct item *next;
};

struct table {
    struct map *map;
    struct item *first;
    struct item *last;
    uint64_t life_ms;
};

struct node_memory {
    struct digest key; // makes names of persons; not a secret that opens anything
    struct table once;
    struct table persons;
};

static void forget_first(struct table *table)
{
    struct item *item = table->first;
    map_remove(table->map, bytes_digest(&item->name));
    table->first = item->next;
    if (table->first == NULL) {
        table->last = NULL;
    }
    free(item);
}

static void expire(struct table *table, uint64_t now_ms)
{
    while (table->first != NULL && table->first->since_ms + table->life_ms <= now_ms) {
        forget_first(table);
    }
}

static bool remember(struct table *table, const struct digest *name, const struct digest *value,
                     uint64_t now_ms)
{
    struct item *item = malloc(sizeof(*item));
    if (item == NULL) {
        return false;
    }
    *item = (struct item){ .name = *name, .value = *value, .since_ms = now_ms };
    if (!map_put(table->map, bytes_digest(&item->name), item)) {
        free(item);
        return false;
    }
    if (table->last != NULL) {
        table->last->next = item;
    } else {
        table->first = item;
    }
    table->last = item;
    return true;
}

struct node_memory *node_memory_create(uint64_t person_ms)
{
    struct node_memory *memory = calloc(1, sizeof(*memory));
    if (memory == NULL) {
        return NULL;
    }
    memory->key = seal_random_digest();
    memory->once.life_ms = ONCE_MS;
    memory->persons.life_ms = person_ms;
    memory->once.map = map_create();
    memory->persons.map = map_create();
    if (memory->once.map == NULL || memory->persons.map == NULL) {
        node_memory_destroy(&memory);
    }
    return memory;
}

static void table_fini(struct table *table)
{
    while (table->first != NULL) {
        forget_first(table);
    }
    map_destroy(&table->map);
}

void node_memory_destroy(struct node_memory **memory)
{
    if (*memory == NULL) {
        return;
    }
    table_fini(&(*memory)->once);
    table_fini(&(*memory)->persons);
    free(*memory);
    *memory = NULL;
}

bool node_memory_once(struct node_memory *memory, struct bytes asker, const struct id *id,
                      uint64_t now_ms)
{
    static const struct digest nothing;
    struct bytes parts[] = { bytes_id(id), asker };
    struct digest name = seal_blake2b(bytes_digest(&memory->key), parts, ARRAY_COUNT(parts));
    expire(&memory->once, now_ms);
    if (map_get(memory->once.map, bytes_digest(&name)) != NULL ||
        map_count(memory->once.map) >= NODE_ONCE_MAX) {
        return false;
    }
    return remember(&memory->once, &name, &nothing, now_ms);
}

bool node_memory_person(struct node_memory *memory, struct bytes scheme, struct bytes subject,
                        uint32_t tag_key_id, const struct digest *check, uint64_t now_ms)
{
    uint8_t number[8];
    uint8_t size[2];
    struct bytes parts[] = { seal_u64(number, tag_key_id), seal_u16(size, (uint16_t)scheme.size),
                             scheme, subject };
    struct digest name = seal_blake2b(bytes_digest(&memory->key), parts, ARRAY_COUNT(parts));
    expire(&memory->persons, now_ms);
    const struct item *known = map_get(memory->persons.map, bytes_digest(&name));
    if (known != NULL) {
        return digest_equal(&known->value, check);
    }
    if (map_count(memory->persons.map) >= NODE_PERSONS_MAX) {
        forget_first(&memory->persons);
    }
    // Without memory for it the check is not remembered; the next access tries again.
    bool remembered = remember(&memory->persons, &name, check, now_ms);
    (void)remembered;
    return true;
}
