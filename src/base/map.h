// A hash map from bytes to a pointer. Keys are borrowed: they live inside what the value points at
// (or elsewhere, as long as the item is in the map). Hashing is seeded from the system's
// randomness, so outsiders cannot choose colliding keys. Not for threads to share.
#pragma once

#include "base/bytes.h"
#include "base/compiler.h"

struct map;

NODISCARD struct map *map_create(void); // NULL: no memory
void map_destroy(struct map **map);     // the values stay the caller's

// The value under the key; NULL when there is none.
void *map_get(const struct map *map, struct bytes key);

// Adds or replaces. `key` must stay valid while it is in the map; `value` is not NULL.
// False: no memory, nothing changed.
NODISCARD bool map_put(struct map *map, struct bytes key, void *value);

// Takes the key out and returns its value; NULL when it was not there.
void *map_remove(struct map *map, struct bytes key);

size_t map_count(const struct map *map);

// Visits every item in no order: start with *cursor = 0; false at the end. The map must not change
// meanwhile, but for map_remove() of the item just visited.
bool map_next(const struct map *map, size_t *cursor, struct bytes *key, void **value);
