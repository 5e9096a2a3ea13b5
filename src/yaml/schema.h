// One table says what a file may hold: it reads the file into structs, checks every key, type and
// range, and writes the reference. Unknown keys, missing ones and values out of range are refused
// with file, line, key and what was expected.
#pragma once

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "yaml/tree.h"

enum yaml_rule_kind {
    YAML_RULE_END = 0,
    YAML_RULE_TEXT,     // const char *: min..max bytes of UTF-8
    YAML_RULE_CODE,     // const char *: min..max letters, digits and ._/- in ASCII
    YAML_RULE_NUMBER,   // uint64_t: min..max
    YAML_RULE_DURATION, // int64_t milliseconds: "250 ms", "5 s", "10 min", "2 h", "30 d"
    YAML_RULE_SIZE,     // uint64_t bytes: "512 B", "64 KB", "16 MB", "2 GB", "1 TB" (of 1024)
    YAML_RULE_BOOL,     // bool: true, false
    YAML_RULE_CHOICE,   // int: place in `words`
    YAML_RULE_RECORD,   // a struct in place, read by `shape`
    YAML_RULE_LIST,     // struct yaml_list: min..max items, each read by `of`
    YAML_RULE_TABLE, // struct yaml_list: a mapping with free keys; each value a record of `shape`
};

// What a list or table was read into: `count` items of the size that the rule's item has.
struct yaml_list {
    const void *items;
    size_t count;
};

struct yaml_shape;

// One key. A table of rules ends with a rule of kind YAML_RULE_END.
struct yaml_rule {
    const char *key;
    enum yaml_rule_kind kind;
    size_t offset; // of the member in the struct
    bool required; // must stand in the file; else `preset` counts
    uint64_t min;  // see kinds; with max 0: the kind's own bounds
    uint64_t max;
    const char *preset;             // the default, as it would be written; NULL: zeroed
    const char *const *words;       // choice: ended by NULL
    const struct yaml_shape *shape; // record, table
    const struct yaml_rule *of;     // list: how one item is read (its key and offset are not used)
    const char *help;               // one line for the reference
};

enum { YAML_NO_OFFSET = -1 };

// A struct and its keys.
struct yaml_shape {
    size_t size;
    const struct yaml_rule *rules; // NULL: the value is not a mapping but read by `bare`
    const struct yaml_rule *bare;
    ptrdiff_t key_offset;  // in a table: const char * that gets the key; else YAML_NO_OFFSET
    ptrdiff_t line_offset; // unsigned that gets the line; else YAML_NO_OFFSET
};

// Reads `item` into *out (shape->size zeroed bytes). Texts and lists are taken from the arena, so
// the tree may go. `name` is the file for messages. ST_MALFORMED; ST_NOMEM: past the arena.
NODISCARD enum status yaml_schema_read(const struct yaml_shape *shape, const struct yaml_item *item,
                                       const char *name, struct arena *arena, void *out,
                                       struct error *err);

// Appends a Markdown table of every key, dotted: type and range, default, help.
void yaml_schema_markdown(const struct yaml_shape *shape, struct buffer *out);
