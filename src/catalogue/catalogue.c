// Reading a catalogue: every look-up is a hash or an index, and none of them allocates.
#include "catalogue/catalogue.h"

#include "catalogue/inside.h"

static const char *const basis_names[CATALOGUE_BASIS_COUNT] = {
    [CATALOGUE_BASIS_NONE] = "",
    [CATALOGUE_BASIS_CONSENT] = "consent",
    [CATALOGUE_BASIS_EXPLICIT_REQUEST] = "explicit-request",
    [CATALOGUE_BASIS_LAW] = "law",
    [CATALOGUE_BASIS_VITAL_INTEREST] = "vital-interest",
    [CATALOGUE_BASIS_COURT_ORDER] = "court-order",
};

static const char *const type_names[CATALOGUE_TYPE_COUNT] = { "text", "code", "bool", "date",
                                                              "list" };

const struct digest *catalogue_hash(const struct catalogue *catalogue)
{
    return &catalogue->hash;
}

const struct catalogue_member *catalogue_member(const struct catalogue *catalogue,
                                                struct bytes code)
{
    return map_get(catalogue->member_map, code);
}

const struct catalogue_official *catalogue_official(const struct catalogue *catalogue,
                                                    struct bytes code)
{
    return map_get(catalogue->official_map, code);
}

const struct catalogue_purpose *catalogue_purpose(const struct catalogue *catalogue,
                                                  struct bytes code)
{
    return map_get(catalogue->purpose_map, code);
}

const struct catalogue_dataset *catalogue_dataset(const struct catalogue *catalogue,
                                                  struct bytes code)
{
    return map_get(catalogue->dataset_map, code);
}

const struct catalogue_agreement *catalogue_agreement(const struct catalogue *catalogue,
                                                      struct bytes id)
{
    return map_get(catalogue->agreement_map, id);
}

const struct catalogue_scheme *catalogue_scheme(const struct catalogue *catalogue,
                                                struct bytes code)
{
    for (size_t i = 0; i < catalogue->scheme_count; i++) {
        if (bytes_equal_text(code, catalogue->schemes[i].code)) {
            return &catalogue->schemes[i];
        }
    }
    return NULL;
}

const struct catalogue_field *catalogue_field(const struct catalogue_dataset *dataset,
                                              struct bytes name)
{
    for (size_t i = 0; i < dataset->field_count; i++) {
        if (bytes_equal(dataset->fields[i].name_bytes, name)) {
            return &dataset->fields[i];
        }
    }
    return NULL;
}

bool catalogue_is_holder(const struct catalogue_dataset *dataset,
                         const struct catalogue_member *member)
{
    for (size_t i = 0; i < dataset->holder_count; i++) {
        if (dataset->holders[i] == member) {
            return true;
        }
    }
    return false;
}

const struct catalogue_agreement *const *
catalogue_agreements_of(const struct catalogue *catalogue, const struct catalogue_member *asker,
                        const struct catalogue_dataset *dataset, size_t *count)
{
    size_t low = catalogue->asker_start[asker->index];
    size_t end = catalogue->asker_start[asker->index + 1];
    size_t high = end;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (catalogue->by_asker[middle]->dataset->index < dataset->index) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    while (high < end && catalogue->by_asker[high]->dataset == dataset) {
        high++;
    }
    *count = high - low;
    return catalogue->by_asker + low;
}

int catalogue_ground_compare(const struct catalogue_ground *a, const struct catalogue_ground *b)
{
    if (a->asker != b->asker) {
        return a->asker < b->asker ? -1 : 1;
    }
    if (a->dataset != b->dataset) {
        return a->dataset < b->dataset ? -1 : 1;
    }
    return (a->purpose > b->purpose) - (a->purpose < b->purpose);
}

const struct catalogue_agreement *const *
catalogue_agreements_for(const struct catalogue *catalogue, const struct catalogue_member *asker,
                         const struct catalogue_dataset *dataset,
                         const struct catalogue_purpose *purpose, size_t *count)
{
    const struct catalogue_ground wanted = { .asker = asker->index,
                                             .dataset = dataset->index,
                                             .purpose = purpose->index };
    size_t low = 0;
    size_t high = catalogue->ground_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (catalogue_ground_compare(&catalogue->grounds[middle], &wanted) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    while (high < catalogue->ground_count &&
           catalogue_ground_compare(&catalogue->grounds[high], &wanted) == 0) {
        high++;
    }
    *count = high - low;
    return catalogue->by_purpose + low;
}

const struct catalogue_member *catalogue_members(const struct catalogue *catalogue, size_t *count)
{
    *count = catalogue->member_count;
    return catalogue->members;
}

const struct catalogue_purpose *catalogue_purposes(const struct catalogue *catalogue, size_t *count)
{
    *count = catalogue->purpose_count;
    return catalogue->purposes;
}

const struct catalogue_dataset *catalogue_datasets(const struct catalogue *catalogue, size_t *count)
{
    *count = catalogue->dataset_count;
    return catalogue->datasets;
}

const struct catalogue_agreement *catalogue_agreements(const struct catalogue *catalogue,
                                                       size_t *count)
{
    *count = catalogue->agreement_count;
    return catalogue->agreements;
}

enum catalogue_reason catalogue_asker_reason(const struct catalogue *catalogue,
                                             enum catalogue_reason reason)
{
    return catalogue->asker_reasons[reason];
}

const struct catalogue_text *catalogue_reason_text(const struct catalogue *catalogue,
                                                   enum catalogue_reason reason)
{
    return &catalogue->reason_texts[reason];
}

const struct catalogue_text *catalogue_citizen_text(const struct catalogue *catalogue,
                                                    const char *name)
{
    return map_get(catalogue->citizen_map, bytes_text(name));
}

const struct catalogue_text *catalogue_form_text(const struct catalogue *catalogue,
                                                 enum catalogue_form_kind kind)
{
    return &catalogue->form_texts[kind];
}

const struct catalogue_text *catalogue_basis_text(const struct catalogue *catalogue,
                                                  enum catalogue_basis basis)
{
    return &catalogue->basis_texts[basis];
}

const char *catalogue_basis_name(enum catalogue_basis basis)
{
    return basis < CATALOGUE_BASIS_COUNT ? basis_names[basis] : "";
}

enum catalogue_basis catalogue_basis_parse(struct bytes name)
{
    for (int i = CATALOGUE_BASIS_NONE + 1; i < CATALOGUE_BASIS_COUNT; i++) {
        if (bytes_equal_text(name, basis_names[i])) {
            return (enum catalogue_basis)i;
        }
    }
    return CATALOGUE_BASIS_NONE;
}

const char *catalogue_type_name(enum catalogue_type type)
{
    return type < CATALOGUE_TYPE_COUNT ? type_names[type] : "";
}
