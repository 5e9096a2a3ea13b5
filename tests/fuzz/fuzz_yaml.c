// Any bytes as a YAML file, and as a configuration or policy file. Whatever is accepted has no key
// twice and no item deeper than the bound.
#include <stdlib.h>

#include "replay.h"

#include "base/arena.h"
#include "catalogue/schema.h"
#include "config/schema.h"
#include "yaml/tree.h"

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void walk(const struct yaml_item *item, unsigned depth)
{
    require(depth <= YAML_TREE_DEPTH_MAX);
    require(item->kind != YAML_SCALAR || item->text != NULL);
    for (size_t i = 0; i < item->count; i++) {
        if (item->kind == YAML_MAPPING) {
            require(yaml_item_find(item, item->keys[i].text) == &item->items[i]);
        }
        walk(&item->items[i], depth + 1);
    }
}

static void try_shape(const struct yaml_shape *shape, const struct yaml_item *item)
{
    enum { ROOM = 1 << 24 };
    struct arena *arena = arena_create(ROOM);
    void *out = arena != NULL ? arena_take(arena, shape->size) : NULL;
    enum status status =
        out != NULL ? yaml_schema_read(shape, item, "fuzz", arena, out, NULL) : ST_NOMEM;
    require(status == ST_OK || status == ST_MALFORMED || status == ST_NOMEM);
    arena_destroy(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct yaml_tree *tree = NULL;
    if (yaml_tree_parse(bytes_of(data, size), "fuzz", &tree, NULL) == ST_OK) {
        walk(yaml_tree_root(tree), 0);
        try_shape(&config_vedomod_shape, yaml_tree_root(tree));
        try_shape(&config_node_shape, yaml_tree_root(tree));
        try_shape(&catalogue_file_shape, yaml_tree_root(tree));
    }
    yaml_tree_destroy(&tree);
    return 0;
}
