// The JSON door. Reading: a whole document, in one call, within limits of size, depth and number of
// values; a name given twice is refused. What is read is a tree that lives until
// web_json_destroy(). Writing: one value after another into a buffer.
#pragma once

#include "base/buffer.h"

#include <stdbool.h>

struct web_json; // a value: object, array, text, number, true, false, null

enum web_json_kind {
    WEB_JSON_KIND_NULL = 0,
    WEB_JSON_KIND_BOOL,
    WEB_JSON_KIND_INTEGER,
    WEB_JSON_KIND_REAL,
    WEB_JSON_KIND_TEXT,
    WEB_JSON_KIND_ARRAY,
    WEB_JSON_KIND_OBJECT
};

struct web_json_limits {
    size_t depth;  // objects and arrays inside one another
    size_t values; // values in the whole document
};

// For what an agency's system sends: depth 8, 4,096 values.
extern const struct web_json_limits web_json_limits_default;

// Parses strict JSON (RFC 8259). ST_MALFORMED names line and column, and what is wrong. The top is
// an object or an array.
NODISCARD enum status web_json_parse(struct bytes text, const struct web_json_limits *limits,
                                     struct web_json **document, struct error *err);
void web_json_destroy(struct web_json **document);

// NULL counts as null everywhere, so that chains of lookups need no checks between.
enum web_json_kind web_json_kind(const struct web_json *value);
size_t web_json_count(const struct web_json *value); // items of an array or object; else 0
const struct web_json *web_json_at(const struct web_json *array, size_t index);
const struct web_json *web_json_get(const struct web_json *object, const char *name);

// Items of an object in the order in which they were written.
const struct web_json *web_json_item(const struct web_json *object, size_t index,
                                     const char **name);

// What the value is; `otherwise` when it is of another kind. Texts are valid UTF-8 without NUL.
struct bytes web_json_text(const struct web_json *value); // {NULL, 0} when it is no text
bool web_json_bool(const struct web_json *value, bool otherwise);
int64_t web_json_integer(const struct web_json *value, int64_t otherwise);

// True when every name in the object is in the list (ended by NULL). *unknown is the first that is
// not, borrowed.
bool web_json_only(const struct web_json *object, const char *const *names, const char **unknown);

// --- writing ---

enum { WEB_JSON_WRITER_DEPTH = 16 };

// Appends to `out`, which remembers the first failure (a text that is not UTF-8 is one).
struct web_json_writer {
    struct buffer *out;
    unsigned depth;
    bool filled[WEB_JSON_WRITER_DEPTH]; // whether the open object or array has an item already
    bool named;                         // a name was written, its value comes next
};

struct web_json_writer web_json_writer_init(struct buffer *out);
void web_json_write_object(struct web_json_writer *writer);
void web_json_write_object_end(struct web_json_writer *writer);
void web_json_write_array(struct web_json_writer *writer);
void web_json_write_array_end(struct web_json_writer *writer);
void web_json_write_name(struct web_json_writer *writer, const char *name);
void web_json_write_text(struct web_json_writer *writer, struct bytes text);
void web_json_write_integer(struct web_json_writer *writer, int64_t value);
void web_json_write_real(struct web_json_writer *writer, double value); // finite, else null
void web_json_write_bool(struct web_json_writer *writer, bool value);
void web_json_write_null(struct web_json_writer *writer);

// A name and a text.
void web_json_write_pair(struct web_json_writer *writer, const char *name, const char *text);

// JSON that is known to be well-formed, as it is.
void web_json_write_raw(struct web_json_writer *writer, struct bytes json);
