// Agreements of a bundle: everything they name exists, what their bases demand is there, and no two
// of them could decide the same request.
#include "catalogue/inside.h"

#include <stdlib.h>

static enum status no_memory(struct error *err)
{
    return error_set(err, ST_NOMEM, "policy bundle");
}

static bool has_basis(const struct catalogue_agreement *agreement, enum catalogue_basis basis)
{
    return (agreement->bases & 1u << basis) != 0;
}

static enum status build_parties(struct catalogue_loading *loading,
                                 const struct catalogue_entry *entry,
                                 struct catalogue_agreement *agreement, struct error *err)
{
    const struct catalogue_raw_agreement *raw = entry->raw;
    struct catalogue *catalogue = loading->catalogue;
    const char *const *purposes = raw->purposes.items;
    const char *const *roles = raw->roles.items;
    agreement->asker = catalogue_member(catalogue, bytes_text(raw->asker));
    if (agreement->asker == NULL) {
        return catalogue_refuse(entry, "agreements", err, "asker '%s' is no member", raw->asker);
    }
    agreement->dataset = catalogue_dataset(catalogue, bytes_text(raw->dataset));
    if (agreement->dataset == NULL) {
        return catalogue_refuse(entry, "agreements", err, "there is no dataset '%s'", raw->dataset);
    }
    const struct catalogue_purpose **known =
        arena_take(catalogue->arena, raw->purposes.count * sizeof(*known));
    const struct catalogue_official **officials =
        arena_take(catalogue->arena, (raw->roles.count + 1) * sizeof(*officials));
    if (known == NULL || officials == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < raw->purposes.count; i++) {
        known[i] = catalogue_purpose(catalogue, bytes_text(purposes[i]));
        if (known[i] == NULL) {
            return catalogue_refuse(entry, "agreements", err, "there is no purpose '%s'",
                                    purposes[i]);
        }
    }
    for (size_t i = 0; i < raw->roles.count; i++) {
        officials[i] = catalogue_official(catalogue, bytes_text(roles[i]));
        if (officials[i] == NULL) {
            return catalogue_refuse(entry, "agreements", err, "there is no official role '%s'",
                                    roles[i]);
        }
    }
    agreement->purposes = known;
    agreement->purpose_count = raw->purposes.count;
    agreement->roles = officials;
    agreement->role_count = raw->roles.count;
    return ST_OK;
}

static enum status build_field(const struct catalogue_entry *entry,
                               const struct catalogue_raw_forms *raw,
                               const struct catalogue_field *field, struct catalogue_form_set *set,
                               struct error *err)
{
    const char *const *texts = raw->forms.items;
    for (size_t i = 0; i < raw->forms.count; i++) {
        struct catalogue_form form = { 0 };
        if (!catalogue_form_parse(bytes_text(texts[i]), &form)) {
            return catalogue_refuse(entry, "agreements", err, "field '%s': '%s' is no form",
                                    raw->key, texts[i]);
        }
        if (!catalogue_form_set_has(&field->forms, form)) {
            return catalogue_refuse(entry, "agreements", err,
                                    "field '%s': its dataset does not offer the form '%s'",
                                    raw->key, texts[i]);
        }
        if (!catalogue_form_set_add(set, form)) {
            return catalogue_refuse(entry, "agreements", err, "field '%s': more than %d over(N)",
                                    raw->key, CATALOGUE_OVER_MAX);
        }
    }
    return ST_OK;
}

static enum status build_fields(struct catalogue_loading *loading,
                                const struct catalogue_entry *entry,
                                struct catalogue_agreement *agreement, struct error *err)
{
    const struct catalogue_raw_agreement *raw = entry->raw;
    const struct catalogue_raw_forms *fields = raw->fields.items;
    const struct catalogue_dataset *dataset = agreement->dataset;
    struct catalogue_form_set *sets =
        arena_take(loading->catalogue->arena, dataset->field_count * sizeof(*sets));
    if (sets == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < raw->fields.count; i++) {
        const struct catalogue_field *field = catalogue_field(dataset, bytes_text(fields[i].key));
        if (field == NULL) {
            return catalogue_refuse(entry, "agreements", err, "dataset '%s' has no field '%s'",
                                    dataset->code, fields[i].key);
        }
        enum status status =
            build_field(entry, &fields[i], field, &sets[field - dataset->fields], err);
        if (status != ST_OK) {
            return status;
        }
    }
    agreement->forms = sets;
    return ST_OK;
}

// What each basis demands of an agreement.
static enum status check_bases(const struct catalogue_entry *entry,
                               const struct catalogue_agreement *agreement, struct error *err)
{
    if (has_basis(agreement, CATALOGUE_BASIS_CONSENT) != (agreement->consent_days != 0)) {
        return catalogue_refuse(entry, "agreements", err,
                                "the basis 'consent' and 'consent_max' go together");
    }
    if (has_basis(agreement, CATALOGUE_BASIS_LAW) && agreement->article_count == 0) {
        return catalogue_refuse(entry, "agreements", err, "the basis 'law' needs 'articles'");
    }
    if (has_basis(agreement, CATALOGUE_BASIS_VITAL_INTEREST) &&
        (agreement->role_count == 0 || !agreement->justification_required ||
         agreement->per_official_day == 0 || agreement->review_hours == 0 ||
         !agreement->notice_at_once)) {
        return catalogue_refuse(entry, "agreements", err,
                                "the basis 'vital-interest' needs official_roles, justification, "
                                "budget per_official_day, review and notice at-once");
    }
    return ST_OK;
}

static enum status build_terms(struct catalogue_loading *loading,
                               const struct catalogue_entry *entry,
                               struct catalogue_agreement *agreement, struct error *err)
{
    const struct catalogue_raw_agreement *raw = entry->raw;
    const int *bases = raw->bases.items;
    const char *const *articles = raw->articles.items;
    for (size_t i = 0; i < raw->bases.count; i++) {
        if (bases[i] == CATALOGUE_BASIS_NONE ||
            has_basis(agreement, (enum catalogue_basis)bases[i])) {
            return catalogue_refuse(entry, "agreements", err, "a basis is empty or stands twice");
        }
        agreement->bases |= 1u << bases[i];
    }
    const char **kept =
        arena_take(loading->catalogue->arena, (raw->articles.count + 1) * sizeof(*kept));
    if (kept == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < raw->articles.count; i++) {
        kept[i] = catalogue_keep(loading, articles[i]);
        if (kept[i] == NULL) {
            return no_memory(err);
        }
    }
    agreement->articles = kept;
    agreement->article_count = raw->articles.count;
    agreement->case_required = raw->case_required || raw->per_case != 0;
    agreement->justification_required = raw->justification == 1;
    agreement->notice_at_once = raw->notice == 1;
    agreement->per_case = (uint32_t)raw->per_case;
    agreement->per_official_day = (uint32_t)raw->per_official_day;
    agreement->consent_days = (uint32_t)raw->consent_days;
    agreement->consent_uses = (uint32_t)raw->consent_uses;
    agreement->review_hours = (uint32_t)raw->review_hours;
    return check_bases(entry, agreement, err);
}

static bool share_purpose(const struct catalogue_agreement *a, const struct catalogue_agreement *b)
{
    for (size_t i = 0; i < a->purpose_count; i++) {
        for (size_t j = 0; j < b->purpose_count; j++) {
            if (a->purposes[i] == b->purposes[j]) {
                return true;
            }
        }
    }
    return false;
}

static bool share_role(const struct catalogue_agreement *a, const struct catalogue_agreement *b)
{
    if (a->role_count == 0 || b->role_count == 0) {
        return true;
    }
    for (size_t i = 0; i < a->role_count; i++) {
        for (size_t j = 0; j < b->role_count; j++) {
            if (a->roles[i] == b->roles[j]) {
                return true;
            }
        }
    }
    return false;
}

static int compare_by_asker(const void *left, const void *right)
{
    const struct catalogue_agreement *a = *(const struct catalogue_agreement *const *)left;
    const struct catalogue_agreement *b = *(const struct catalogue_agreement *const *)right;
    if (a->asker != b->asker) {
        return a->asker->index < b->asker->index ? -1 : 1;
    }
    if (a->dataset != b->dataset) {
        return a->dataset->index < b->dataset->index ? -1 : 1;
    }
    return strcmp(a->id, b->id);
}

// Sorts the agreements by asker and dataset, and refuses two that one request could rest on.
static enum status build_index(struct catalogue *catalogue, const struct catalogue_entries *entries,
                               struct error *err)
{
    size_t count = catalogue->agreement_count;
    catalogue->by_asker = arena_take(catalogue->arena, (count + 1) * sizeof(*catalogue->by_asker));
    catalogue->asker_start = arena_take(catalogue->arena, (catalogue->member_count + 1) *
                                                              sizeof(*catalogue->asker_start));
    if (catalogue->by_asker == NULL || catalogue->asker_start == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < count; i++) {
        catalogue->by_asker[i] = &catalogue->agreements[i];
        catalogue->asker_start[catalogue->agreements[i].asker->index + 1]++;
    }
    for (size_t i = 0; i < catalogue->member_count; i++) {
        catalogue->asker_start[i + 1] += catalogue->asker_start[i];
    }
    qsort(catalogue->by_asker, count, sizeof(*catalogue->by_asker), compare_by_asker);
    for (size_t i = 0; i < count; i++) {
        const struct catalogue_agreement *a = catalogue->by_asker[i];
        for (size_t j = i + 1; j < count; j++) {
            const struct catalogue_agreement *b = catalogue->by_asker[j];
            if (a->asker != b->asker || a->dataset != b->dataset) {
                break;
            }
            if (share_purpose(a, b) && (a->bases & b->bases) != 0 && share_role(a, b)) {
                return catalogue_refuse(&entries->items[b - catalogue->agreements], "agreements",
                                        err,
                                        "'%s' covers the same asker, dataset, purpose, basis and "
                                        "official role",
                                        a->id);
            }
        }
    }
    return ST_OK;
}

struct placed {
    struct catalogue_ground ground;
    const struct catalogue_agreement *agreement;
};

static int compare_placed(const void *left, const void *right)
{
    const struct placed *a = left;
    const struct placed *b = right;
    int order = catalogue_ground_compare(&a->ground, &b->ground);
    return order != 0 ? order : strcmp(a->agreement->id, b->agreement->id);
}

// The same agreements by what a request names.
static enum status build_grounds(struct catalogue_loading *loading, struct error *err)
{
    struct catalogue *catalogue = loading->catalogue;
    size_t count = 0;
    for (size_t i = 0; i < catalogue->agreement_count; i++) {
        count += catalogue->agreements[i].purpose_count;
    }
    struct placed *placed = arena_take(loading->arena, (count + 1) * sizeof(*placed));
    catalogue->by_purpose =
        arena_take(catalogue->arena, (count + 1) * sizeof(*catalogue->by_purpose));
    catalogue->grounds = arena_take(catalogue->arena, (count + 1) * sizeof(*catalogue->grounds));
    if (placed == NULL || catalogue->by_purpose == NULL || catalogue->grounds == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < catalogue->agreement_count; i++) {
        const struct catalogue_agreement *agreement = &catalogue->agreements[i];
        for (size_t j = 0; j < agreement->purpose_count; j++) {
            placed[catalogue->ground_count++] =
                (struct placed){ .ground = { .asker = agreement->asker->index,
                                             .dataset = agreement->dataset->index,
                                             .purpose = agreement->purposes[j]->index },
                                 .agreement = agreement };
        }
    }
    qsort(placed, count, sizeof(*placed), compare_placed);
    for (size_t i = 0; i < count; i++) {
        catalogue->grounds[i] = placed[i].ground;
        catalogue->by_purpose[i] = placed[i].agreement;
    }
    return ST_OK;
}

enum status catalogue_build_agreements(struct catalogue_loading *loading, struct error *err)
{
    struct catalogue *catalogue = loading->catalogue;
    struct catalogue_entries entries = { 0 };
    enum status status =
        CATALOGUE_COLLECT(loading, agreements, struct catalogue_raw_agreement, id, &entries, err);
    if (status != ST_OK) {
        return status;
    }
    catalogue->agreements =
        arena_take(catalogue->arena, (entries.count + 1) * sizeof(*catalogue->agreements));
    if (catalogue->agreements == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < entries.count; i++) {
        const struct catalogue_raw_agreement *raw = entries.items[i].raw;
        struct catalogue_agreement *agreement = &catalogue->agreements[i];
        agreement->id = catalogue_keep(loading, raw->id);
        if (agreement->id == NULL ||
            !catalogue_keep_text(loading, &raw->paper, &agreement->paper) ||
            !map_put(catalogue->agreement_map, bytes_text(agreement->id), agreement)) {
            return no_memory(err);
        }
        status = build_parties(loading, &entries.items[i], agreement, err);
        if (status == ST_OK) {
            status = build_fields(loading, &entries.items[i], agreement, err);
        }
        if (status == ST_OK) {
            status = build_terms(loading, &entries.items[i], agreement, err);
        }
        if (status != ST_OK) {
            return status;
        }
    }
    catalogue->agreement_count = entries.count;
    status = build_index(catalogue, &entries, err);
    return status == ST_OK ? build_grounds(loading, err) : status;
}
