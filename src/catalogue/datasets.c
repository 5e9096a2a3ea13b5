// Datasets of a bundle: holders are known members, every field can be given in the forms it lists.
#include "catalogue/inside.h"

#include "catalogue/value.h"

static enum status no_memory(struct error *err)
{
    return error_set(err, ST_NOMEM, "policy bundle");
}

static enum status build_holders(struct catalogue_loading *loading,
                                 const struct catalogue_entry *entry,
                                 struct catalogue_dataset *dataset, struct error *err)
{
    const struct catalogue_raw_dataset *raw = entry->raw;
    bool single = raw->holder[0] != '\0';
    if (single == (raw->holders.count != 0)) {
        return catalogue_refuse(entry, "datasets", err, "needs either 'holder' or 'holders'");
    }
    const char *const *codes = single ? &raw->holder : raw->holders.items;
    size_t count = single ? 1 : raw->holders.count;
    const struct catalogue_member **holders =
        arena_take(loading->catalogue->arena, count * sizeof(*holders));
    if (holders == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < count; i++) {
        holders[i] = catalogue_member(loading->catalogue, bytes_text(codes[i]));
        if (holders[i] == NULL) {
            return catalogue_refuse(entry, "datasets", err, "holder '%s' is no member", codes[i]);
        }
        for (size_t j = 0; j < i; j++) {
            if (holders[j] == holders[i]) {
                return catalogue_refuse(entry, "datasets", err, "holder '%s' stands twice",
                                        codes[i]);
            }
        }
    }
    dataset->holders = holders;
    dataset->holder_count = count;
    return ST_OK;
}

static enum status build_forms(const struct catalogue_entry *entry,
                               const struct catalogue_raw_field *raw, struct catalogue_field *field,
                               struct error *err)
{
    const char *const *texts = raw->forms.items;
    for (size_t i = 0; i < raw->forms.count; i++) {
        struct catalogue_form form = { .kind = CATALOGUE_FORM_OVER };
        bool any = strcmp(texts[i], "over") == 0;
        if (!any && !catalogue_form_parse(bytes_text(texts[i]), &form)) {
            return catalogue_refuse(entry, "datasets", err, "field '%s': '%s' is no form", raw->key,
                                    texts[i]);
        }
        if (!catalogue_type_has_form(field->type, form.kind)) {
            return catalogue_refuse(entry, "datasets", err, "field '%s': type %s has no form '%s'",
                                    raw->key, catalogue_type_name(field->type), texts[i]);
        }
        bool open = (field->forms.kinds & 1u << CATALOGUE_FORM_OVER) != 0;
        if (catalogue_form_set_has(&field->forms, form) ||
            (form.kind == CATALOGUE_FORM_OVER && any && open)) {
            return catalogue_refuse(entry, "datasets", err, "field '%s': form '%s' stands twice",
                                    raw->key, texts[i]);
        }
        if (!catalogue_form_set_add(&field->forms, form)) {
            return catalogue_refuse(entry, "datasets", err, "field '%s': more than %d over(N)",
                                    raw->key, CATALOGUE_OVER_MAX);
        }
        bool middle = form.kind == CATALOGUE_FORM_MASKED || form.kind == CATALOGUE_FORM_LAST4 ||
                      form.kind == CATALOGUE_FORM_YEAR;
        if (middle && field->middle == CATALOGUE_FORM_NONE) {
            field->middle = form.kind;
        }
    }
    return ST_OK;
}

static enum status build_codes(struct catalogue_loading *loading,
                               const struct catalogue_entry *entry,
                               const struct catalogue_raw_field *raw, struct catalogue_field *field,
                               struct error *err)
{
    const char *const *words = raw->codes.items;
    if (raw->codes.count == 0) {
        return ST_OK;
    }
    if (field->type != CATALOGUE_TYPE_CODE) {
        return catalogue_refuse(entry, "datasets", err, "field '%s': 'codes' goes with type code",
                                raw->key);
    }
    const char **codes = arena_take(loading->catalogue->arena, raw->codes.count * sizeof(*codes));
    if (codes == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < raw->codes.count; i++) {
        if (strlen(words[i]) > raw->max_bytes) {
            return catalogue_refuse(entry, "datasets", err,
                                    "field '%s': the code '%s' is longer than max_bytes", raw->key,
                                    words[i]);
        }
        codes[i] = catalogue_keep(loading, words[i]);
        if (codes[i] == NULL) {
            return no_memory(err);
        }
    }
    field->codes = codes;
    field->code_count = raw->codes.count;
    return ST_OK;
}

static enum status build_fields(struct catalogue_loading *loading,
                                const struct catalogue_entry *entry,
                                struct catalogue_dataset *dataset, struct error *err)
{
    const struct catalogue_raw_dataset *raw = entry->raw;
    const struct catalogue_raw_field *raws = raw->fields.items;
    struct catalogue_field *fields =
        arena_take(loading->catalogue->arena, raw->fields.count * sizeof(*fields));
    if (fields == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < raw->fields.count; i++) {
        struct catalogue_field *field = &fields[i];
        field->type = (enum catalogue_type)raws[i].type;
        field->sensitivity = (enum catalogue_sensitivity)raws[i].sensitivity;
        field->max_bytes = (uint32_t)raws[i].max_bytes;
        field->name = catalogue_keep(loading, raws[i].key);
        if (field->name == NULL || !catalogue_keep_text(loading, &raws[i].title, &field->title)) {
            return no_memory(err);
        }
        field->name_bytes = bytes_text(field->name);
        enum status status = build_forms(entry, &raws[i], field, err);
        if (status == ST_OK) {
            status = build_codes(loading, entry, &raws[i], field, err);
        }
        if (status != ST_OK) {
            return status;
        }
    }
    dataset->fields = fields;
    dataset->field_count = raw->fields.count;
    return ST_OK;
}

enum status catalogue_build_datasets(struct catalogue_loading *loading, struct error *err)
{
    struct catalogue *catalogue = loading->catalogue;
    struct catalogue_entries entries = { 0 };
    enum status status =
        CATALOGUE_COLLECT(loading, datasets, struct catalogue_raw_dataset, code, &entries, err);
    if (status != ST_OK) {
        return status;
    }
    catalogue->datasets =
        arena_take(catalogue->arena, (entries.count + 1) * sizeof(*catalogue->datasets));
    if (catalogue->datasets == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < entries.count; i++) {
        const struct catalogue_raw_dataset *raw = entries.items[i].raw;
        struct catalogue_dataset *dataset = &catalogue->datasets[i];
        dataset->index = (uint32_t)i;
        dataset->code = catalogue_keep(loading, raw->code);
        if (dataset->code == NULL || !catalogue_keep_text(loading, &raw->title, &dataset->title) ||
            !map_put(catalogue->dataset_map, bytes_text(dataset->code), dataset)) {
            return no_memory(err);
        }
        status = build_holders(loading, &entries.items[i], dataset, err);
        if (status == ST_OK) {
            status = build_fields(loading, &entries.items[i], dataset, err);
        }
        if (status != ST_OK) {
            return status;
        }
    }
    catalogue->dataset_count = entries.count;
    return ST_OK;
}
