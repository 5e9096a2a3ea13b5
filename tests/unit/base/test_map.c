// The hash map against a plain array that does the same.
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"

enum { KEYS = 2000, ROUNDS = 60000 };

struct item {
    char key[16];
    bool present;
};

static struct item items[KEYS];

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525U + 1013904223U;
    return *state >> 8;
}

TEST(it_does_what_an_array_would_do)
{
    struct map *map = map_create();
    uint32_t state = 7;
    size_t count = 0;
    for (int i = 0; i < KEYS; i++) {
        snprintf(items[i].key, sizeof(items[i].key), "%x", i * 7919);
        items[i].present = false;
    }
    for (int round = 0; round < ROUNDS; round++) {
        struct item *item = &items[next_random(&state) % KEYS];
        struct bytes key = bytes_text(item->key);
        assert_ptr_equal(map_get(map, key), item->present ? item : NULL);
        if (next_random(&state) % 2 == 0) {
            assert_true(map_put(map, key, item));
            count += item->present ? 0 : 1;
            item->present = true;
        } else {
            assert_ptr_equal(map_remove(map, key), item->present ? item : NULL);
            count -= item->present ? 1 : 0;
            item->present = false;
        }
        assert_int_equal(map_count(map), count);
    }
    map_destroy(&map);
    map_destroy(&map);
}

TEST(every_item_is_visited_once_and_may_be_removed_on_the_way)
{
    struct map *map = map_create();
    for (int i = 0; i < KEYS; i++) {
        snprintf(items[i].key, sizeof(items[i].key), "%d", i);
        items[i].present = false;
        assert_true(map_put(map, bytes_text(items[i].key), &items[i]));
    }
    size_t cursor = 0;
    struct bytes key;
    void *value = NULL;
    while (map_next(map, &cursor, &key, &value)) {
        struct item *item = value;
        assert_false(item->present);
        item->present = true;
        assert_true(bytes_equal_text(key, item->key));
        assert_ptr_equal(map_remove(map, key), item);
    }
    for (int i = 0; i < KEYS; i++) {
        assert_true(items[i].present);
    }
    assert_int_equal(map_count(map), 0);
    map_destroy(&map);
}

TEST(a_key_that_comes_again_replaces_its_value)
{
    struct map *map = map_create();
    int one = 1;
    int two = 2;
    assert_true(map_put(map, bytes_text("a"), &one));
    assert_true(map_put(map, bytes_text("a"), &two));
    assert_true(map_put(map, (struct bytes){ 0 }, &one));
    assert_ptr_equal(map_get(map, bytes_text("a")), &two);
    assert_ptr_equal(map_get(map, (struct bytes){ 0 }), &one);
    assert_null(map_get(map, bytes_text("b")));
    assert_int_equal(map_count(map), 2);
    map_destroy(&map);
}
