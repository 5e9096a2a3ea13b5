// The JSON door. Reading: a whole document, in one call, within limits of size, depth and number of
// values; a name given twice is refused. What is read is a tree that lives until json_destroy().
// Writing: one value after another into a buffer.
#pragma once

#include "base/buffer.h"

#include <stdbool.h>

struct json; // a value: object, array, text, number, true, false, null

enum json_kind {
    JSON_KIND_NULL = 0,
    JSON_KIND_BOOL,
    JSON_KIND_INTEGER,
    JSON_KIND_REAL,
    JSON_KIND_TEXT,
    JSON_KIND_ARRAY,
    JSON_KIND_OBJECT
};

struct json_limits {
    size_t depth;  // objects and arrays inside one another
    size_t values; // values in the whole document
};

// For what an agency's system sends: depth 8, 4,096 values.
extern const struct json_limits json_limits_default;

// Parses strict JSON (RFC 8259). ST_MALFORMED names line and column, and what is wrong. The top is
// an object or an array.
NODISCARD enum status json_parse(struct bytes text, const struct json_limits *limits,
                                 struct json **document, struct error *err);
void json_destroy(struct json **document);

// NULL counts as null everywhere, so that chains of lookups need no checks between.
enum json_kind json_kind(const struct json *value);
size_t json_count(const struct json *value); // items of an array or object; else 0
const struct json *json_at(const struct json *array, size_t index);
const struct json *json_get(const struct json *object, const char *name);

// Items of an object in the order in which they were written.
const struct json *json_item(const struct json *object, size_t index, const char **name);

// What the value is; `otherwise` when it is of another kind. Texts are valid UTF-8 without NUL.
struct bytes json_text(const struct json *value); // {NULL, 0} when it is no text
bool json_bool(const struct json *value, bool otherwise);
int64_t json_integer(const struct json *value, int64_t otherwise);

// True when every name in the object is in the list (ended by NULL). *unknown is the first that is
// not, borrowed.
bool json_only(const struct json *object, const char *const *names, const char **unknown);

// --- writing ---

enum { JSON_WRITER_DEPTH = 16 };

// Appends to `out`, which remembers the first failure (a text that is not UTF-8 is one).
struct json_writer {
    struct buffer *out;
    unsigned depth;
    bool filled[JSON_WRITER_DEPTH]; // whether the open object or array has an item already
    bool named;                     // a name was written, its value comes next
};

struct json_writer json_writer_init(struct buffer *out);
void json_write_object(struct json_writer *writer);
void json_write_object_end(struct json_writer *writer);
void json_write_array(struct json_writer *writer);
void json_write_array_end(struct json_writer *writer);
void json_write_name(struct json_writer *writer, const char *name);
void json_write_text(struct json_writer *writer, struct bytes text);
void json_write_integer(struct json_writer *writer, int64_t value);
void json_write_bool(struct json_writer *writer, bool value);
void json_write_null(struct json_writer *writer);

// A name and a text.
void json_write_pair(struct json_writer *writer, const char *name, const char *text);

// JSON that is known to be well-formed, as it is.
void json_write_raw(struct json_writer *writer, struct bytes json);
