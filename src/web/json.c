// The JSON door (jansson). A document is measured before it is parsed: depth and number of values
// are bounded by our limits, not by the library's. The writer escapes what RFC 8259 demands and
// nothing else, so that Cyrillic text stays readable.
#include "web/json.h"

#include "base/text.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>

const struct web_json_limits web_json_limits_default = { .depth = 8, .values = 4096 };

// `struct web_json` is jansson's value under a name of ours.
static const json_t *inner(const struct web_json *value)
{
    return (const json_t *)(const void *)value;
}

static const struct web_json *outer(const json_t *value)
{
    return (const struct web_json *)(const void *)value;
}

// Depth and number of values at most those of the document; exact for well-formed ones.
static enum status measure(struct bytes text, const struct web_json_limits *limits,
                           struct error *err)
{
    size_t depth = 0;
    size_t values = 1;
    bool quoted = false;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (quoted) {
            if (byte == '\\') {
                i++;
            } else if (byte == '"') {
                quoted = false;
            }
            continue;
        }
        if (byte == '"') {
            quoted = true;
        } else if (byte == '{' || byte == '[') {
            depth++;
            values++;
        } else if ((byte == '}' || byte == ']') && depth > 0) {
            depth--;
        } else if (byte == ',') {
            values++;
        }
        if (depth > limits->depth) {
            return error_set(err, ST_MALFORMED, "JSON: nested deeper than %zu", limits->depth);
        }
        if (values > limits->values) {
            return error_set(err, ST_MALFORMED, "JSON: more than %zu values", limits->values);
        }
    }
    return ST_OK;
}

enum status web_json_parse(struct bytes text, const struct web_json_limits *limits,
                           struct web_json **document, struct error *err)
{
    enum status status = measure(text, limits, err);
    if (status != ST_OK) {
        return status;
    }
    json_error_t problem;
    json_t *parsed =
        json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, &problem);
    if (parsed == NULL) {
        if (json_error_code(&problem) == json_error_out_of_memory) {
            return error_set(err, ST_NOMEM, "JSON: no memory");
        }
        // jansson quotes the text near the fault; that may be personal data, so it is cut off.
        char *near = strstr(problem.text, " near '");
        if (near != NULL) {
            *near = '\0';
        }
        if (json_error_code(&problem) == json_error_duplicate_key) {
            return error_set(err, ST_MALFORMED, "JSON: line %d: a name is given twice",
                             problem.line);
        }
        return error_set(err, ST_MALFORMED, "JSON: line %d, column %d: %s", problem.line,
                         problem.column, problem.text);
    }
    *document = (struct web_json *)(void *)parsed;
    return ST_OK;
}

void web_json_destroy(struct web_json **document)
{
    if (*document == NULL) {
        return;
    }
    json_decref((json_t *)(void *)*document);
    *document = NULL;
}

enum web_json_kind web_json_kind(const struct web_json *value)
{
    if (value == NULL) {
        return WEB_JSON_KIND_NULL;
    }
    switch (json_typeof(inner(value))) {
    case JSON_OBJECT:
        return WEB_JSON_KIND_OBJECT;
    case JSON_ARRAY:
        return WEB_JSON_KIND_ARRAY;
    case JSON_STRING:
        return WEB_JSON_KIND_TEXT;
    case JSON_INTEGER:
        return WEB_JSON_KIND_INTEGER;
    case JSON_REAL:
        return WEB_JSON_KIND_REAL;
    case JSON_TRUE:
    case JSON_FALSE:
        return WEB_JSON_KIND_BOOL;
    case JSON_NULL:
        break;
    }
    return WEB_JSON_KIND_NULL;
}

size_t web_json_count(const struct web_json *value)
{
    switch (web_json_kind(value)) {
    case WEB_JSON_KIND_ARRAY:
        return json_array_size(inner(value));
    case WEB_JSON_KIND_OBJECT:
        return json_object_size(inner(value));
    case WEB_JSON_KIND_NULL:
    case WEB_JSON_KIND_BOOL:
    case WEB_JSON_KIND_INTEGER:
    case WEB_JSON_KIND_REAL:
    case WEB_JSON_KIND_TEXT:
        break;
    }
    return 0;
}

const struct web_json *web_json_at(const struct web_json *array, size_t index)
{
    return array == NULL ? NULL : outer(json_array_get(inner(array), index));
}

const struct web_json *web_json_get(const struct web_json *object, const char *name)
{
    return object == NULL ? NULL : outer(json_object_get(inner(object), name));
}

const struct web_json *web_json_item(const struct web_json *object, size_t index, const char **name)
{
    if (web_json_kind(object) != WEB_JSON_KIND_OBJECT) {
        return NULL;
    }
    // jansson's iterator takes the object as changeable though it does not change it.
    json_t *items = (json_t *)(void *)(uintptr_t)object;
    void *at = json_object_iter(items);
    for (size_t i = 0; i < index && at != NULL; i++) {
        at = json_object_iter_next(items, at);
    }
    if (at == NULL) {
        return NULL;
    }
    *name = json_object_iter_key(at);
    return outer(json_object_iter_value(at));
}

struct bytes web_json_text(const struct web_json *value)
{
    if (web_json_kind(value) != WEB_JSON_KIND_TEXT) {
        return (struct bytes){ 0 };
    }
    return bytes_of(json_string_value(inner(value)), json_string_length(inner(value)));
}

bool web_json_bool(const struct web_json *value, bool otherwise)
{
    return web_json_kind(value) == WEB_JSON_KIND_BOOL ? json_is_true(inner(value)) : otherwise;
}

int64_t web_json_integer(const struct web_json *value, int64_t otherwise)
{
    return web_json_kind(value) == WEB_JSON_KIND_INTEGER ? json_integer_value(inner(value))
                                                         : otherwise;
}

bool web_json_only(const struct web_json *object, const char *const *names, const char **unknown)
{
    const char *name = NULL;
    for (size_t i = 0; web_json_item(object, i, &name) != NULL; i++) {
        size_t at = 0;
        while (names[at] != NULL && strcmp(names[at], name) != 0) {
            at++;
        }
        if (names[at] == NULL) {
            *unknown = name;
            return false;
        }
    }
    return true;
}

struct web_json_writer web_json_writer_init(struct buffer *out)
{
    return (struct web_json_writer){ .out = out };
}

// A comma where one is due.
static void begin_value(struct web_json_writer *writer)
{
    if (writer->named) {
        writer->named = false;
        return;
    }
    if (writer->depth > 0) {
        if (writer->filled[writer->depth - 1]) {
            buffer_u8(writer->out, ',');
        }
        writer->filled[writer->depth - 1] = true;
    }
}

static void open_level(struct web_json_writer *writer, char bracket)
{
    assert(writer->depth < WEB_JSON_WRITER_DEPTH);
    begin_value(writer);
    buffer_u8(writer->out, (uint8_t)bracket);
    writer->filled[writer->depth++] = false;
}

static void close_level(struct web_json_writer *writer, char bracket)
{
    assert(writer->depth > 0 && !writer->named);
    writer->depth--;
    buffer_u8(writer->out, (uint8_t)bracket);
}

void web_json_write_object(struct web_json_writer *writer)
{
    open_level(writer, '{');
}

void web_json_write_object_end(struct web_json_writer *writer)
{
    close_level(writer, '}');
}

void web_json_write_array(struct web_json_writer *writer)
{
    open_level(writer, '[');
}

void web_json_write_array_end(struct web_json_writer *writer)
{
    close_level(writer, ']');
}

static void escape(struct buffer *out, struct bytes text)
{
    buffer_u8(out, '"');
    size_t plain = 0; // where the bytes begin that need no escape
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (byte >= 0x20 && byte != '"' && byte != '\\') {
            continue;
        }
        buffer_bytes(out, bytes_of(text.data + plain, i - plain));
        plain = i + 1;
        if (byte == '"' || byte == '\\') {
            buffer_format(out, "\\%c", byte);
        } else if (byte == '\n') {
            buffer_text(out, "\\n");
        } else {
            buffer_format(out, "\\u%04x", byte);
        }
    }
    buffer_bytes(out, bytes_of(text.data + plain, text.size - plain));
    buffer_u8(out, '"');
}

void web_json_write_name(struct web_json_writer *writer, const char *name)
{
    assert(writer->depth > 0 && !writer->named);
    begin_value(writer);
    escape(writer->out, bytes_text(name));
    buffer_u8(writer->out, ':');
    writer->named = true;
}

void web_json_write_text(struct web_json_writer *writer, struct bytes text)
{
    begin_value(writer);
    if (text.size > 0 && !text_utf8_valid(text)) {
        writer->out->failed = true;
        return;
    }
    if (text.size == 0) {
        buffer_text(writer->out, "\"\"");
        return;
    }
    escape(writer->out, text);
}

void web_json_write_integer(struct web_json_writer *writer, int64_t value)
{
    begin_value(writer);
    buffer_format(writer->out, "%" PRId64, value);
}

void web_json_write_real(struct web_json_writer *writer, double value)
{
    if (!isfinite(value)) {
        web_json_write_null(writer);
        return;
    }
    begin_value(writer);
    buffer_format(writer->out, "%.9g", value);
}

void web_json_write_bool(struct web_json_writer *writer, bool value)
{
    begin_value(writer);
    buffer_text(writer->out, value ? "true" : "false");
}

void web_json_write_null(struct web_json_writer *writer)
{
    begin_value(writer);
    buffer_text(writer->out, "null");
}

void web_json_write_pair(struct web_json_writer *writer, const char *name, const char *text)
{
    web_json_write_name(writer, name);
    web_json_write_text(writer, bytes_text(text));
}

void web_json_write_raw(struct web_json_writer *writer, struct bytes json)
{
    begin_value(writer);
    buffer_bytes(writer->out, json);
}
