// Two maps with a queue each: what came first ends first, so that forgetting is taking from the
// head. A full table of persons forgets the oldest; a full table of exchanges refuses, because
// forgetting there would let one be answered twice.
#include "node/memory.h"

#include "base/map.h"
#include "node/memory_file.h"
#include "seal/hash.h"
#include "seal/random.h"
#include "seal/secret.h"

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
    struct digest key; // makes names of persons and of their checks
    struct table once;
    struct table persons;
    uint32_t first_key; // the tag keys that count: from, to; 0: none was seen
    uint32_t last_key;
    struct node_memory_file *file; // NULL: in this process only
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
    node_memory_file_close(&(*memory)->file);
    seal_wipe(&(*memory)->key, sizeof((*memory)->key));
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

// ---- persons

static bool is_room(struct node_memory *memory)
{
    if (map_count(memory->persons.map) >= NODE_PERSONS_MAX) {
        forget_first(&memory->persons);
    }
    return map_count(memory->persons.map) < NODE_PERSONS_MAX;
}

static void count_key(struct node_memory *memory, uint32_t tag_key_id)
{
    if (memory->first_key == 0) {
        memory->first_key = tag_key_id;
    }
    memory->last_key = tag_key_id > memory->last_key ? tag_key_id : memory->last_key;
}

static struct node_record key_record(uint32_t tag_key_id, uint64_t now_ms)
{
    struct node_record record = { .kind = NODE_RECORD_KEY, .since_ms = now_ms };
    (void)seal_u64(record.value.bytes, tag_key_id);
    return record;
}

static void load(void *context, const struct node_record *record)
{
    struct node_memory *memory = context;
    if (record->kind == NODE_RECORD_KEY) {
        uint32_t id = 0;
        for (size_t i = 4; i < 8; i++) {
            id = id << 8 | record->value.bytes[i];
        }
        count_key(memory, id);
        return;
    }
    bool known = map_get(memory->persons.map, bytes_digest(&record->name)) != NULL;
    if (!known && is_room(memory)) {
        bool remembered =
            remember(&memory->persons, &record->name, &record->value, record->since_ms);
        (void)remembered; // without memory for it the next access remembers it
    }
}

// What is still known, for a file that has grown: the two keys, then the persons.
struct rewriting {
    const struct node_memory *memory;
    uint32_t keys;
    const struct item *item;
};

static bool next_record(void *context, struct node_record *record)
{
    struct rewriting *rewriting = context;
    const struct node_memory *memory = rewriting->memory;
    if (rewriting->keys < 2 && memory->first_key != 0) {
        *record = key_record(rewriting->keys++ == 0 ? memory->first_key : memory->last_key, 0);
        return true;
    }
    if (rewriting->item == NULL) {
        return false;
    }
    *record = (struct node_record){ .kind = NODE_RECORD_PERSON,
                                    .name = rewriting->item->name,
                                    .value = rewriting->item->value,
                                    .since_ms = rewriting->item->since_ms };
    rewriting->item = rewriting->item->next;
    return true;
}

static bool keep(struct node_memory *memory, const struct node_record *record)
{
    struct error err;
    if (memory->file == NULL) {
        return true;
    }
    if (node_memory_file_count(memory->file) < 2 * NODE_PERSONS_MAX) {
        return node_memory_file_add(memory->file, record, &err) == ST_OK;
    }
    struct rewriting rewriting = { .memory = memory, .item = memory->persons.first };
    return node_memory_file_rewrite(memory->file, next_record, &rewriting, &err) == ST_OK;
}

enum status node_memory_keep(struct node_memory *memory, const char *path, struct bytes key,
                             uint64_t now_ms, bool *fresh, struct error *err)
{
    struct bytes labels[] = { seal_label("vedomo/1 persons"), seal_label("vedomo/1 persons kept") };
    struct digest kept = seal_blake2b(key, &labels[1], 1);
    memory->key = seal_blake2b(key, &labels[0], 1);
    enum status status =
        node_memory_file_open(path, &kept, load, memory, &memory->file, fresh, err);
    seal_wipe(&kept, sizeof(kept));
    expire(&memory->persons, now_ms);
    return status;
}

bool node_memory_accept_key(struct node_memory *memory, uint32_t tag_key_id, uint64_t now_ms)
{
    if (tag_key_id == 0 || tag_key_id <= memory->last_key) {
        return false;
    }
    count_key(memory, tag_key_id);
    struct node_record record = key_record(tag_key_id, now_ms);
    return keep(memory, &record);
}

enum node_person node_memory_person(struct node_memory *memory, struct bytes scheme,
                                    struct bytes subject, uint32_t tag_key_id,
                                    const struct digest *check, uint64_t now_ms, bool *kept)
{
    uint8_t number[8];
    uint8_t size[2];
    struct bytes parts[] = { seal_u64(number, tag_key_id), seal_u16(size, (uint16_t)scheme.size),
                             scheme, subject };
    struct node_record record = { .kind = NODE_RECORD_PERSON, .since_ms = now_ms };
    struct bytes value[] = { seal_label("vedomo/1 check"), bytes_digest(check) };
    record.name = seal_blake2b(bytes_digest(&memory->key), parts, ARRAY_COUNT(parts));
    record.value = seal_blake2b(bytes_digest(&memory->key), value, ARRAY_COUNT(value));
    *kept = true;
    if (memory->first_key == 0 && tag_key_id != 0) {
        *kept = node_memory_accept_key(memory, tag_key_id, now_ms);
    }
    if (tag_key_id < memory->first_key || tag_key_id > memory->last_key || tag_key_id == 0) {
        return NODE_PERSON_KEY_UNKNOWN;
    }
    expire(&memory->persons, now_ms);
    const struct item *known = map_get(memory->persons.map, bytes_digest(&record.name));
    if (known != NULL) {
        return digest_equal(&known->value, &record.value) ? NODE_PERSON_AGREES
                                                          : NODE_PERSON_DIFFERS;
    }
    // Without memory for it the check is not remembered; the next access tries again.
    if (is_room(memory) && remember(&memory->persons, &record.name, &record.value, now_ms)) {
        *kept = keep(memory, &record) && *kept;
    }
    return NODE_PERSON_AGREES;
}
