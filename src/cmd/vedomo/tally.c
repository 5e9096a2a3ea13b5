// Adding up counts. A group is told by its names; what the broker counts in another piece of the
// log comes under the same names.
#include "tally.h"

#include <stdlib.h>

#include "base/map.h"

enum { ARENA_BYTES = 256 * 1024 * 1024, GROUPS_MAX = 1000000 };

static const char *const words[WIRE_GROUP_COUNT] = {
    [WIRE_GROUP_ASKER] = "asker",        [WIRE_GROUP_HOLDER] = "holder",
    [WIRE_GROUP_DATASET] = "dataset",    [WIRE_GROUP_PURPOSE] = "purpose",
    [WIRE_GROUP_BASIS] = "basis",        [WIRE_GROUP_VERDICT] = "verdict",
    [WIRE_GROUP_KIND] = "kind",          [WIRE_GROUP_OFFICIAL] = "official",
    [WIRE_GROUP_OFFICIAL_ROLE] = "role", [WIRE_GROUP_CASE] = "case",
    [WIRE_GROUP_SIGNER] = "key",         [WIRE_GROUP_DAY] = "day",
    [WIRE_GROUP_MONTH] = "month",        [WIRE_GROUP_REASON] = "reason",
    [WIRE_GROUP_FIELD] = "field",
};

uint32_t tally_group_parse(const char *word)
{
    for (uint32_t i = 1; i < WIRE_GROUP_COUNT; i++) {
        if (strcmp(words[i], word) == 0) {
            return i;
        }
    }
    return WIRE_GROUP_NONE;
}

static struct tally_group *new_group(struct tally *tally, struct bytes key,
                                     const struct wire_row *row)
{
    if (tally->count == tally->capacity) {
        size_t capacity = tally->capacity == 0 ? 256 : tally->capacity * 2;
        void *grown = realloc(tally->groups, capacity * sizeof(*tally->groups));
        if (grown == NULL) {
            return NULL;
        }
        tally->groups = grown;
        tally->capacity = capacity;
    }
    struct tally_group *group = arena_take(tally->arena, sizeof(*group));
    struct bytes kept = arena_copy(tally->arena, key);
    if (group == NULL || kept.data == NULL || !map_put(tally->map, kept, group)) {
        return NULL;
    }
    group->names[0] = bytes_of(kept.data, row->name.size);
    group->names[1] = bytes_of(kept.data + row->name.size + 1, row->text.size);
    tally->groups[tally->count++] = group;
    return group;
}

static enum status add_row(void *context, const struct wire_row *row, struct error *err)
{
    struct tally *tally = context;
    struct buffer key = buffer_init(8192);
    buffer_bytes(&key, row->name);
    buffer_u8(&key, 0);
    buffer_bytes(&key, row->text);
    enum status status = buffer_ok(&key, "a count", err);
    struct tally_group *group = status == ST_OK ? map_get(tally->map, buffer_view(&key)) : NULL;
    if (status == ST_OK && group == NULL) {
        group = tally->count == GROUPS_MAX ? NULL : new_group(tally, buffer_view(&key), row);
    }
    if (status == ST_OK && group == NULL) {
        status = error_set(err, ST_FULL, "more than %zu different values; narrow the question",
                           tally->count);
    }
    if (status == ST_OK) {
        group->number += row->number;
        group->asked += row->asked;
        group->over_asked += row->over_asked;
    }
    buffer_fini(&key);
    return status;
}

static int by_size(const void *one, const void *other)
{
    const struct tally_group *a = *(struct tally_group *const *)one;
    const struct tally_group *b = *(struct tally_group *const *)other;
    if (a->number != b->number) {
        return a->number > b->number ? -1 : 1;
    }
    int order = bytes_compare(a->names[0], b->names[0]);
    return order != 0 ? order : bytes_compare(a->names[1], b->names[1]);
}

enum status tally_ask(struct link *link, struct question *question, struct tally *tally,
                      struct error *err)
{
    *tally = (struct tally){ .arena = arena_create(ARENA_BYTES), .map = map_create() };
    enum status status = tally->arena == NULL || tally->map == NULL
                             ? error_set(err, ST_NOMEM, "counting")
                             : question_ask(link, question, add_row, tally, err);
    if (status == ST_OK && tally->count > 0) {
        qsort(tally->groups, tally->count, sizeof(*tally->groups), by_size);
    }
    if (status != ST_OK) {
        tally_fini(tally);
    }
    return status;
}

void tally_fini(struct tally *tally)
{
    map_destroy(&tally->map);
    arena_destroy(&tally->arena);
    free(tally->groups);
    tally->groups = NULL;
    tally->count = 0;
}
