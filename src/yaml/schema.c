// The table engine. It walks rules and file together; the path of the key that it stands at is kept
// as text, so that every message can name it. Nothing of a file that breaks a rule is used.
#include "yaml/schema.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "yaml/units.h"

enum { PATH_BYTES = 128, TEXT_MAX = 4096, CODE_MAX = 64, LIST_MAX = 65536 };

struct reading {
    const char *name;
    struct arena *arena;
    char path[PATH_BYTES]; // "agreements[3].budget"
    size_t path_size;
};

static enum status read_value(struct reading *reading, const struct yaml_rule *rule,
                              const struct yaml_item *item, void *out, struct error *err);
static enum status read_shape(struct reading *reading, const struct yaml_shape *shape,
                              const struct yaml_item *item, void *out, struct error *err);

static enum status refuse(const struct reading *reading, const struct yaml_item *item,
                          const char *expected, struct error *err)
{
    const char *key = reading->path_size != 0 ? reading->path : "the file";
    if (item->kind == YAML_SCALAR) {
        return error_set(err, ST_MALFORMED, "%s:%u: %s: expected %s, found '%.40s'", reading->name,
                         item->line, key, expected, item->text);
    }
    return error_set(err, ST_MALFORMED, "%s:%u: %s: expected %s", reading->name, item->line, key,
                     expected);
}

// Puts a key or a position behind the path; returns the size to go back to.
static size_t enter(struct reading *reading, const char *key, size_t position)
{
    size_t before = reading->path_size;
    size_t room = PATH_BYTES - before;
    int written =
        key != NULL ? snprintf(reading->path + before, room, "%s%.48s", before != 0 ? "." : "", key)
                    : snprintf(reading->path + before, room, "[%zu]", position);
    if (written > 0) {
        reading->path_size = before + ((size_t)written < room ? (size_t)written : room - 1);
    }
    return before;
}

static void leave(struct reading *reading, size_t before)
{
    reading->path_size = before;
    reading->path[before] = '\0';
}

static uint64_t upper_bound(const struct yaml_rule *rule)
{
    if (rule->max != 0) {
        return rule->max;
    }
    switch (rule->kind) {
    case YAML_RULE_TEXT:
        return TEXT_MAX;
    case YAML_RULE_CODE:
        return CODE_MAX;
    case YAML_RULE_LIST:
    case YAML_RULE_TABLE:
        return LIST_MAX;
    case YAML_RULE_NUMBER:
    case YAML_RULE_DURATION:
    case YAML_RULE_SIZE:
    case YAML_RULE_BOOL:
    case YAML_RULE_CHOICE:
    case YAML_RULE_RECORD:
    case YAML_RULE_END:
        break;
    }
    return INT64_MAX;
}

static bool within(const struct yaml_rule *rule, uint64_t value)
{
    return value >= rule->min && value <= upper_bound(rule);
}

static void format_bound(const struct yaml_rule *rule, uint64_t value, struct buffer *out)
{
    if (rule->kind == YAML_RULE_DURATION) {
        yaml_duration_format((int64_t)value, out);
    } else if (rule->kind == YAML_RULE_SIZE) {
        yaml_size_format(value, out);
    } else {
        buffer_format(out, "%" PRIu64, value);
    }
}

static const char *const kind_names[] = {
    [YAML_RULE_END] = "",
    [YAML_RULE_TEXT] = "text",
    [YAML_RULE_CODE] = "a code",
    [YAML_RULE_NUMBER] = "a whole number",
    [YAML_RULE_DURATION] = "a duration such as '5 s'",
    [YAML_RULE_SIZE] = "a size such as '64 KB'",
    [YAML_RULE_BOOL] = "true or false",
    [YAML_RULE_CHOICE] = "one of",
    [YAML_RULE_RECORD] = "a mapping",
    [YAML_RULE_LIST] = "a list",
    [YAML_RULE_TABLE] = "a mapping",
};

// What the rule accepts, in words: for messages and for the reference.
static void describe(const struct yaml_rule *rule, struct buffer *out)
{
    const char *unit = "";
    const char *comma = "";
    buffer_text(out, kind_names[rule->kind]);
    switch (rule->kind) {
    case YAML_RULE_CHOICE:
        for (size_t i = 0; rule->words[i] != NULL; i++) {
            if (rule->words[i][0] != '\0') { // "" keeps a place that no word has
                buffer_format(out, "%s %s", comma, rule->words[i]);
                comma = ",";
            }
        }
        return;
    case YAML_RULE_BOOL:
    case YAML_RULE_RECORD:
    case YAML_RULE_TABLE:
    case YAML_RULE_END:
        return;
    case YAML_RULE_LIST:
        if (rule->of->kind != YAML_RULE_RECORD) {
            buffer_text(out, " of ");
            describe(rule->of, out);
        }
        return;
    case YAML_RULE_TEXT:
    case YAML_RULE_CODE:
        unit = " bytes";
        break;
    case YAML_RULE_NUMBER:
    case YAML_RULE_DURATION:
    case YAML_RULE_SIZE:
        break;
    }
    if (rule->min != 0 || rule->max != 0) {
        buffer_text(out, ", ");
        format_bound(rule, rule->min, out);
        buffer_text(out, rule->max != 0 ? " to " : " or more");
        if (rule->max != 0) {
            format_bound(rule, rule->max, out);
        }
        buffer_text(out, unit);
    }
}

static enum status refuse_by_rule(const struct reading *reading, const struct yaml_rule *rule,
                                  const struct yaml_item *item, struct error *err)
{
    struct buffer words = buffer_init(512);
    describe(rule, &words);
    buffer_u8(&words, 0);
    const char *expected = words.failed ? kind_names[rule->kind] : (const char *)words.data;
    enum status status = refuse(reading, item, expected, err);
    buffer_fini(&words);
    return status;
}

static enum status read_text(struct reading *reading, const struct yaml_rule *rule,
                             const struct yaml_item *item, const char **out, struct error *err)
{
    struct bytes text = bytes_text(item->text);
    bool fits = within(rule, text.size);
    if (rule->kind == YAML_RULE_CODE) {
        fits = fits && (text.size == 0 || text_is_code(text, text.size, "._/-"));
    }
    if (!fits) {
        return refuse_by_rule(reading, rule, item, err);
    }
    *out = arena_text(reading->arena, text);
    return *out != NULL ? ST_OK : error_set(err, ST_NOMEM, "%s", reading->name);
}

// A scalar of any kind but text; its place in `out` has the type that the kind tells.
static bool scan_scalar(const struct yaml_rule *rule, const struct yaml_item *item, void *out)
{
    uint64_t number = 0;
    int64_t duration = 0;
    if (rule->kind == YAML_RULE_CHOICE) {
        for (int i = 0; rule->words[i] != NULL; i++) {
            if (strcmp(rule->words[i], item->text) == 0) {
                memcpy(out, &i, sizeof(i));
                return true;
            }
        }
        return false;
    }
    if (rule->kind == YAML_RULE_BOOL) {
        bool yes = strcmp(item->text, "true") == 0;
        memcpy(out, &yes, sizeof(yes));
        return !item->quoted && (yes || strcmp(item->text, "false") == 0);
    }
    if (rule->kind == YAML_RULE_DURATION) {
        bool fits = yaml_duration_parse(item->text, &duration) && within(rule, (uint64_t)duration);
        memcpy(out, &duration, sizeof(duration));
        return fits;
    }
    bool fits = rule->kind == YAML_RULE_SIZE
                    ? yaml_size_parse(item->text, &number)
                    : !item->quoted && text_u64_parse(bytes_text(item->text), INT64_MAX, &number);
    memcpy(out, &number, sizeof(number));
    return fits && within(rule, number);
}

static size_t value_size(const struct yaml_rule *rule)
{
    switch (rule->kind) {
    case YAML_RULE_TEXT:
    case YAML_RULE_CODE:
        return sizeof(const char *);
    case YAML_RULE_NUMBER:
    case YAML_RULE_DURATION:
    case YAML_RULE_SIZE:
        return sizeof(uint64_t);
    case YAML_RULE_BOOL:
        return sizeof(bool);
    case YAML_RULE_CHOICE:
        return sizeof(int);
    case YAML_RULE_RECORD:
        return rule->shape->size;
    case YAML_RULE_LIST:
    case YAML_RULE_TABLE:
        return sizeof(struct yaml_list);
    case YAML_RULE_END:
        break;
    }
    return 0;
}

static enum status read_list(struct reading *reading, const struct yaml_rule *rule,
                             const struct yaml_item *item, struct yaml_list *out, struct error *err)
{
    bool table = rule->kind == YAML_RULE_TABLE;
    if (item->kind != (table ? YAML_MAPPING : YAML_SEQUENCE)) {
        return refuse_by_rule(reading, rule, item, err);
    }
    if (!within(rule, item->count)) {
        char words[64];
        snprintf(words, sizeof(words), "%" PRIu64 " to %" PRIu64 " items, not %zu", rule->min,
                 upper_bound(rule), item->count);
        return refuse(reading, item, words, err);
    }
    size_t size = table ? rule->shape->size : value_size(rule->of);
    uint8_t *items = arena_take(reading->arena, (item->count + 1) * size);
    if (items == NULL) {
        return error_set(err, ST_NOMEM, "%s", reading->name);
    }
    for (size_t i = 0; i < item->count; i++) {
        size_t before = enter(reading, table ? item->keys[i].text : NULL, i);
        enum status status = ST_OK;
        if (table) {
            static const struct yaml_rule key_rule = { .kind = YAML_RULE_CODE, .min = 1 };
            const char *key = NULL;
            status = read_text(reading, &key_rule, &item->keys[i], &key, err);
            memcpy(items + i * size + rule->shape->key_offset, &key, sizeof(key));
            if (status == ST_OK) {
                status = read_shape(reading, rule->shape, &item->items[i], items + i * size, err);
            }
        } else {
            status = read_value(reading, rule->of, &item->items[i], items + i * size, err);
        }
        if (status != ST_OK) {
            return status;
        }
        leave(reading, before);
    }
    out->items = items;
    out->count = item->count;
    return ST_OK;
}

static enum status read_value(struct reading *reading, const struct yaml_rule *rule,
                              const struct yaml_item *item, void *out, struct error *err)
{
    if (rule->kind == YAML_RULE_RECORD) {
        return read_shape(reading, rule->shape, item, out, err);
    }
    if (rule->kind == YAML_RULE_LIST || rule->kind == YAML_RULE_TABLE) {
        return read_list(reading, rule, item, out, err);
    }
    if (item->kind != YAML_SCALAR) {
        return refuse_by_rule(reading, rule, item, err);
    }
    if (rule->kind == YAML_RULE_TEXT || rule->kind == YAML_RULE_CODE) {
        return read_text(reading, rule, item, out, err);
    }
    return scan_scalar(rule, item, out) ? ST_OK : refuse_by_rule(reading, rule, item, err);
}

// A key that does not stand in the file.
static enum status read_absent(struct reading *reading, const struct yaml_rule *rule,
                               const struct yaml_item *parent, void *out, struct error *err)
{
    if (rule->required) {
        return error_set(err, ST_MALFORMED, "%s:%u: %s: the key is missing", reading->name,
                         parent->line, reading->path);
    }
    if (rule->kind == YAML_RULE_RECORD && rule->shape->rules != NULL) {
        for (const struct yaml_rule *inner = rule->shape->rules; inner->kind != YAML_RULE_END;
             inner++) {
            struct yaml_rule optional = *inner;
            optional.required = false;
            enum status status =
                read_absent(reading, &optional, parent, (uint8_t *)out + inner->offset, err);
            if (status != ST_OK) {
                return status;
            }
        }
        return ST_OK;
    }
    const char *preset = rule->preset;
    if (preset == NULL && (rule->kind == YAML_RULE_TEXT || rule->kind == YAML_RULE_CODE)) {
        memcpy(out, &(const char *){ "" }, sizeof(const char *));
        return ST_OK;
    }
    if (preset == NULL) {
        return ST_OK;
    }
    struct yaml_item item = { .kind = YAML_SCALAR, .line = parent->line, .text = preset };
    return read_value(reading, rule, &item, out, err);
}

static const struct yaml_rule *rule_of(const struct yaml_shape *shape, const char *key)
{
    for (const struct yaml_rule *rule = shape->rules; rule->kind != YAML_RULE_END; rule++) {
        if (strcmp(rule->key, key) == 0) {
            return rule;
        }
    }
    return NULL;
}

static enum status check_known(struct reading *reading, const struct yaml_shape *shape,
                               const struct yaml_item *item, struct error *err)
{
    for (size_t i = 0; i < item->count; i++) {
        if (rule_of(shape, item->keys[i].text) == NULL) {
            enter(reading, item->keys[i].text, 0);
            return error_set(err, ST_MALFORMED, "%s:%u: %s: there is no such key", reading->name,
                             item->keys[i].line, reading->path);
        }
    }
    return ST_OK;
}

static enum status read_shape(struct reading *reading, const struct yaml_shape *shape,
                              const struct yaml_item *item, void *out, struct error *err)
{
    uint8_t *base = out;
    if (shape->line_offset != YAML_NO_OFFSET) {
        memcpy(base + shape->line_offset, &item->line, sizeof(item->line));
    }
    if (shape->rules == NULL) {
        return read_value(reading, shape->bare, item, base + shape->bare->offset, err);
    }
    if (item->kind != YAML_MAPPING) {
        return refuse(reading, item, "a mapping", err);
    }
    enum status status = check_known(reading, shape, item, err);
    for (const struct yaml_rule *rule = shape->rules;
         rule->kind != YAML_RULE_END && status == ST_OK; rule++) {
        const struct yaml_item *value = yaml_item_find(item, rule->key);
        size_t before = enter(reading, rule->key, 0);
        status = value != NULL ? read_value(reading, rule, value, base + rule->offset, err)
                               : read_absent(reading, rule, item, base + rule->offset, err);
        if (status == ST_OK) {
            leave(reading, before);
        }
    }
    return status;
}

enum status yaml_schema_read(const struct yaml_shape *shape, const struct yaml_item *item,
                             const char *name, struct arena *arena, void *out, struct error *err)
{
    struct reading reading = { .name = name, .arena = arena };
    return read_shape(&reading, shape, item, out, err);
}

static void write_rules(const struct yaml_shape *shape, const char *prefix, struct buffer *out);

static void write_row(const struct yaml_rule *rule, const char *key, struct buffer *out)
{
    buffer_format(out, "| `%s` | ", key);
    describe(rule, out);
    buffer_text(out, " | ");
    if (rule->required) {
        buffer_text(out, "required");
    } else if (rule->preset != NULL && rule->preset[0] != '\0') {
        buffer_format(out, "`%s`", rule->preset);
    } else if (rule->kind != YAML_RULE_RECORD) {
        buffer_text(out, "none");
    }
    buffer_format(out, " | %s |\n", rule->help != NULL ? rule->help : "");
}

static void write_rule(const struct yaml_rule *rule, const char *key, struct buffer *out)
{
    char inner[PATH_BYTES];
    const struct yaml_shape *shape = rule->shape;
    bool list = rule->kind == YAML_RULE_LIST;
    bool table = rule->kind == YAML_RULE_TABLE;
    if (list && rule->of->kind == YAML_RULE_RECORD) {
        shape = rule->of->shape;
    }
    bool nested = shape != NULL && shape->rules != NULL;
    if (rule->kind != YAML_RULE_RECORD || rule->help != NULL) {
        write_row(rule, key, out);
    }
    if (nested) {
        snprintf(inner, sizeof(inner), "%s%s", key, list ? "[]" : table ? ".NAME" : "");
        write_rules(shape, inner, out);
    } else if (table) {
        snprintf(inner, sizeof(inner), "%s.NAME", key);
        write_rule(shape->bare, inner, out);
    }
}

static void write_rules(const struct yaml_shape *shape, const char *prefix, struct buffer *out)
{
    for (const struct yaml_rule *rule = shape->rules; rule->kind != YAML_RULE_END; rule++) {
        char key[PATH_BYTES];
        snprintf(key, sizeof(key), "%s%s%s", prefix, prefix[0] != '\0' ? "." : "", rule->key);
        write_rule(rule, key, out);
    }
}

void yaml_schema_markdown(const struct yaml_shape *shape, struct buffer *out)
{
    buffer_text(out, "| key | value | default | what it is |\n|---|---|---|---|\n");
    write_rules(shape, "", out);
}
