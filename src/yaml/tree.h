// A YAML file as a tree that remembers its lines. One document, UTF-8, strings as keys; a key given
// twice, an alias inside what it names, merge keys and explicit tags are refused. Size, depth and
// the number of items (with aliases counted as often as they are used) are bounded.
#pragma once

#include "base/bytes.h"
#include "base/error.h"

enum { YAML_TREE_BYTES_MAX = 8 << 20, YAML_TREE_DEPTH_MAX = 24, YAML_TREE_ITEMS_MAX = 1 << 20 };

enum yaml_item_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

// One item. Lives as long as its tree.
struct yaml_item {
    enum yaml_item_kind kind;
    unsigned line;                 // from 1
    bool quoted;                   // a scalar in quotes is text, whatever it looks like
    const char *text;              // of a scalar; terminated, holds no NUL
    size_t count;                  // items of a sequence, pairs of a mapping
    const struct yaml_item *items; // of a sequence; values of a mapping
    const struct yaml_item *keys;  // of a mapping
};

struct yaml_tree;

// `name` stands in error messages: "name:line: what". ST_MALFORMED with the line.
NODISCARD enum status yaml_tree_parse(struct bytes text, const char *name, struct yaml_tree **tree,
                                      struct error *err);
void yaml_tree_destroy(struct yaml_tree **tree);

// The top item; an empty file gives a mapping without pairs.
const struct yaml_item *yaml_tree_root(const struct yaml_tree *tree);

// The name given at the parse.
const char *yaml_tree_name(const struct yaml_tree *tree);

// The value under the key; NULL when there is none, or the item is no mapping.
const struct yaml_item *yaml_item_find(const struct yaml_item *mapping, const char *key);
