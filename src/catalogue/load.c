// From a blob to a checked catalogue: files are read by the schema, the items of all files are put
// together and sorted by code, and codes are replaced by pointers in the order members, purposes,
// officials, datasets, agreements, sentences. The first thing that is wrong ends it, with its file
// and line; nothing of a bad bundle is kept.
#include "catalogue/inside.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { READ_ARENA_BYTES = 512 << 20, KEEP_ARENA_BYTES = 512 << 20 };

static const char *text_at(const void *item, size_t offset)
{
    const char *text = NULL;
    memcpy(&text, (const uint8_t *)item + offset, sizeof(text));
    return text;
}

static unsigned line_at(const void *item, size_t offset)
{
    unsigned line = 0;
    memcpy(&line, (const uint8_t *)item + offset, sizeof(line));
    return line;
}

static int compare_entries(const void *left, const void *right)
{
    const struct catalogue_entry *a = left;
    const struct catalogue_entry *b = right;
    int order = strcmp(a->code, b->code);
    if (order == 0) {
        order = strcmp(a->file, b->file);
    }
    return order != 0 ? order : (a->line > b->line) - (a->line < b->line);
}

static const struct yaml_list *list_of(const struct catalogue_raw_file *file, size_t offset)
{
    return (const struct yaml_list *)(const void *)((const uint8_t *)file + offset);
}

enum status catalogue_collect(struct catalogue_loading *loading, const char *section, size_t list,
                              size_t size, size_t code, size_t line,
                              struct catalogue_entries *entries, struct error *err)
{
    size_t count = 0;
    for (size_t i = 0; i < loading->file_count; i++) {
        count += list_of(&loading->files[i], list)->count;
    }
    struct catalogue_entry *items = arena_take(loading->arena, (count + 1) * sizeof(*items));
    if (items == NULL) {
        return error_set(err, ST_NOMEM, "policy bundle");
    }
    size_t at = 0;
    for (size_t i = 0; i < loading->file_count; i++) {
        const struct yaml_list *part = list_of(&loading->files[i], list);
        for (size_t j = 0; j < part->count; j++) {
            const uint8_t *raw = (const uint8_t *)part->items + j * size;
            items[at++] = (struct catalogue_entry){ .code = text_at(raw, code),
                                                    .file = loading->names[i],
                                                    .line = line_at(raw, line),
                                                    .raw = raw };
        }
    }
    qsort(items, count, sizeof(*items), compare_entries);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(items[i - 1].code, items[i].code) == 0) {
            return catalogue_refuse(&items[i], section, err, "stands in %s:%u already",
                                    items[i - 1].file, items[i - 1].line);
        }
    }
    entries->items = items;
    entries->count = count;
    return ST_OK;
}

enum status catalogue_refuse(const struct catalogue_entry *entry, const char *section,
                             struct error *err, const char *format, ...)
{
    char what[ERROR_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    return error_set(err, ST_MALFORMED, "%s:%u: %s '%s': %s", entry->file, entry->line, section,
                     entry->code, what);
}

const char *catalogue_keep(struct catalogue_loading *loading, const char *text)
{
    return arena_text(loading->catalogue->arena, bytes_text(text));
}

bool catalogue_keep_text(struct catalogue_loading *loading, const struct catalogue_text *text,
                         struct catalogue_text *kept)
{
    for (size_t i = 0; i < CATALOGUE_LANGUAGE_COUNT; i++) {
        kept->in[i] = catalogue_keep(loading, text->in[i]);
        if (kept->in[i] == NULL) {
            return false;
        }
    }
    return true;
}

static enum status no_memory(struct error *err)
{
    return error_set(err, ST_NOMEM, "policy bundle");
}

static enum status build_schemes(struct catalogue_loading *loading, struct error *err)
{
    struct catalogue *catalogue = loading->catalogue;
    struct catalogue_entries entries = { 0 };
    enum status status =
        CATALOGUE_COLLECT(loading, schemes, struct catalogue_raw_scheme, code, &entries, err);
    if (status != ST_OK) {
        return status;
    }
    catalogue->schemes =
        arena_take(catalogue->arena, (entries.count + 1) * sizeof(*catalogue->schemes));
    if (catalogue->schemes == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < entries.count; i++) {
        const struct catalogue_raw_scheme *raw = entries.items[i].raw;
        const char *problem = catalogue_pattern_problem(raw->pattern);
        if (problem != NULL) {
            return catalogue_refuse(&entries.items[i], "schemes", err, "pattern: %s", problem);
        }
        struct catalogue_scheme *scheme = &catalogue->schemes[catalogue->scheme_count++];
        scheme->code = catalogue_keep(loading, raw->code);
        scheme->pattern = catalogue_keep(loading, raw->pattern);
        scheme->mod9 = raw->check == 1;
        if (scheme->code == NULL || scheme->pattern == NULL) {
            return no_memory(err);
        }
    }
    return ST_OK;
}

static enum status build_members(struct catalogue_loading *loading, struct error *err)
{
    struct catalogue *catalogue = loading->catalogue;
    struct catalogue_entries entries = { 0 };
    enum status status =
        CATALOGUE_COLLECT(loading, members, struct catalogue_raw_member, code, &entries, err);
    if (status != ST_OK) {
        return status;
    }
    catalogue->members =
        arena_take(catalogue->arena, (entries.count + 1) * sizeof(*catalogue->members));
    if (catalogue->members == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < entries.count; i++) {
        const struct catalogue_raw_member *raw = entries.items[i].raw;
        struct catalogue_member *member = &catalogue->members[i];
        member->index = (uint32_t)i;
        member->code = catalogue_keep(loading, raw->code);
        member->contact = catalogue_keep(loading, raw->contact);
        if (member->code == NULL || member->contact == NULL ||
            !catalogue_keep_text(loading, &raw->title, &member->title) ||
            !map_put(catalogue->member_map, bytes_text(member->code), member)) {
            return no_memory(err);
        }
    }
    catalogue->member_count = entries.count;
    return ST_OK;
}

static enum status build_officials(struct catalogue_loading *loading, struct error *err)
{
    struct catalogue *catalogue = loading->catalogue;
    struct catalogue_entries entries = { 0 };
    enum status status =
        CATALOGUE_COLLECT(loading, officials, struct catalogue_raw_text, key, &entries, err);
    if (status != ST_OK) {
        return status;
    }
    catalogue->officials =
        arena_take(catalogue->arena, (entries.count + 1) * sizeof(*catalogue->officials));
    if (catalogue->officials == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < entries.count; i++) {
        const struct catalogue_raw_text *raw = entries.items[i].raw;
        struct catalogue_official *official = &catalogue->officials[i];
        official->code = catalogue_keep(loading, raw->key);
        if (official->code == NULL || !catalogue_keep_text(loading, &raw->text, &official->title) ||
            !map_put(catalogue->official_map, bytes_text(official->code), official)) {
            return no_memory(err);
        }
    }
    catalogue->official_count = entries.count;
    return ST_OK;
}

static enum status build_purposes(struct catalogue_loading *loading, struct error *err)
{
    struct catalogue *catalogue = loading->catalogue;
    struct catalogue_entries entries = { 0 };
    enum status status =
        CATALOGUE_COLLECT(loading, purposes, struct catalogue_raw_purpose, key, &entries, err);
    if (status != ST_OK) {
        return status;
    }
    catalogue->purposes =
        arena_take(catalogue->arena, (entries.count + 1) * sizeof(*catalogue->purposes));
    if (catalogue->purposes == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < entries.count; i++) {
        const struct catalogue_raw_purpose *raw = entries.items[i].raw;
        struct catalogue_purpose *purpose = &catalogue->purposes[i];
        purpose->index = (uint32_t)i;
        purpose->code = catalogue_keep(loading, raw->key);
        purpose->dpv = catalogue_keep(loading, raw->dpv);
        if (purpose->code == NULL || purpose->dpv == NULL ||
            !catalogue_keep_text(loading, &raw->text, &purpose->text) ||
            !catalogue_keep_text(loading, &raw->benefit, &purpose->benefit) ||
            !map_put(catalogue->purpose_map, bytes_text(purpose->code), purpose)) {
            return no_memory(err);
        }
    }
    catalogue->purpose_count = entries.count;
    return ST_OK;
}

static enum status read_file(struct catalogue_loading *loading,
                             const struct catalogue_bundle_file *file, struct error *err)
{
    size_t at = loading->file_count;
    struct yaml_tree *tree = NULL;
    const char *name = arena_text(loading->arena, file->name);
    if (name == NULL) {
        return no_memory(err);
    }
    enum status status = yaml_tree_parse(file->content, name, &tree, err);
    if (status == ST_OK) {
        status = yaml_schema_read(&catalogue_file_shape, yaml_tree_root(tree), name, loading->arena,
                                  &loading->files[at], err);
        loading->names[at] = name;
        loading->file_count++;
    }
    yaml_tree_destroy(&tree);
    return status;
}

static enum status load(struct catalogue_loading *loading, struct bytes blob, struct error *err)
{
    struct catalogue_bundle_file files[CATALOGUE_BUNDLE_FILES_MAX];
    size_t count = 0;
    enum status status = catalogue_bundle_unpack(blob, files, &count, err);
    for (size_t i = 0; i < count && status == ST_OK; i++) {
        status = read_file(loading, &files[i], err);
    }
    static enum status (*const steps[])(struct catalogue_loading *, struct error *) = {
        build_schemes,
        build_members,
        build_officials,
        build_purposes,
        catalogue_build_datasets,
        catalogue_build_agreements,
        catalogue_build_texts,
    };
    for (size_t i = 0; i < ARRAY_COUNT(steps) && status == ST_OK; i++) {
        status = steps[i](loading, err);
    }
    return status;
}

static struct catalogue *create(const struct digest *hash)
{
    struct catalogue *catalogue = calloc(1, sizeof(*catalogue));
    if (catalogue == NULL) {
        return NULL;
    }
    catalogue->hash = *hash;
    catalogue->arena = arena_create(KEEP_ARENA_BYTES);
    catalogue->member_map = map_create();
    catalogue->official_map = map_create();
    catalogue->purpose_map = map_create();
    catalogue->dataset_map = map_create();
    catalogue->agreement_map = map_create();
    catalogue->citizen_map = map_create();
    if (catalogue->arena == NULL || catalogue->member_map == NULL ||
        catalogue->official_map == NULL || catalogue->purpose_map == NULL ||
        catalogue->dataset_map == NULL || catalogue->agreement_map == NULL ||
        catalogue->citizen_map == NULL) {
        catalogue_destroy(&catalogue);
    }
    return catalogue;
}

enum status catalogue_load(struct bytes blob, const struct digest *hash,
                           struct catalogue **catalogue, struct error *err)
{
    struct catalogue_loading *loading = calloc(1, sizeof(*loading));
    if (loading == NULL) {
        return no_memory(err);
    }
    enum status status = ST_OK;
    loading->catalogue = create(hash);
    loading->arena = arena_create(READ_ARENA_BYTES);
    if (loading->catalogue == NULL || loading->arena == NULL) {
        status = no_memory(err);
    } else {
        status = load(loading, blob, err);
    }
    if (status == ST_OK) {
        *catalogue = loading->catalogue;
    } else {
        catalogue_destroy(&loading->catalogue);
    }
    arena_destroy(&loading->arena);
    free(loading);
    return status;
}

void catalogue_destroy(struct catalogue **catalogue)
{
    struct catalogue *gone = *catalogue;
    if (gone == NULL) {
        return;
    }
    map_destroy(&gone->member_map);
    map_destroy(&gone->official_map);
    map_destroy(&gone->purpose_map);
    map_destroy(&gone->dataset_map);
    map_destroy(&gone->agreement_map);
    map_destroy(&gone->citizen_map);
    arena_destroy(&gone->arena);
    free(gone);
    *catalogue = NULL;
}
