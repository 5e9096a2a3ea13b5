// Comparing two bundles by what they let people see: each agreement is taken apart into purposes,
// bases and official roles, and each of those is looked for on the other side. Names are compared,
// not places: agreements may be renamed, split or joined without a difference.
#include "catalogue/diff.h"

struct comparing {
    const struct catalogue *other;
    enum catalogue_change change;
    void (*report)(void *context, const struct catalogue_difference *difference);
    void *context;
    size_t count;
};

static void report(struct comparing *comparing, const struct catalogue_difference *difference)
{
    comparing->count++;
    comparing->report(comparing->context, difference);
}

static bool takes_purpose(const struct catalogue_agreement *agreement, const char *code)
{
    for (size_t i = 0; i < agreement->purpose_count; i++) {
        if (strcmp(agreement->purposes[i]->code, code) == 0) {
            return true;
        }
    }
    return false;
}

// "" stands for any role.
static bool takes_role(const struct catalogue_agreement *agreement, const char *code)
{
    if (agreement->role_count == 0) {
        return true;
    }
    for (size_t i = 0; i < agreement->role_count; i++) {
        if (strcmp(agreement->roles[i]->code, code) == 0) {
            return true;
        }
    }
    return false;
}

// The other side's agreement for the same asker, dataset, purpose, basis and role.
static const struct catalogue_agreement *find_counterpart(const struct catalogue *other,
                                                          const struct catalogue_difference *what)
{
    const struct catalogue_agreement *wanted = what->agreement;
    size_t count = 0;
    if (other == NULL) {
        return NULL;
    }
    const struct catalogue_member *asker = catalogue_member(other, bytes_text(wanted->asker->code));
    const struct catalogue_dataset *dataset =
        catalogue_dataset(other, bytes_text(wanted->dataset->code));
    if (asker == NULL || dataset == NULL) {
        return NULL;
    }
    const struct catalogue_agreement *const *found =
        catalogue_agreements_of(other, asker, dataset, &count);
    for (size_t i = 0; i < count; i++) {
        if ((found[i]->bases & 1u << what->basis) != 0 &&
            takes_purpose(found[i], what->purpose->code) && takes_role(found[i], what->role)) {
            return found[i];
        }
    }
    return NULL;
}

static void compare_forms(struct comparing *comparing, const struct catalogue_difference *what,
                          const struct catalogue_form_set *set,
                          const struct catalogue_form_set *other)
{
    static const struct catalogue_form_set nothing = { 0 };
    const struct catalogue_form_set *against = other != NULL ? other : &nothing;
    struct catalogue_difference difference = *what;
    for (int kind = CATALOGUE_FORM_NONE + 1; kind < CATALOGUE_FORM_COUNT; kind++) {
        bool over = kind == CATALOGUE_FORM_OVER;
        for (uint8_t i = 0; i < (over ? set->over_count : 1); i++) {
            difference.form = (struct catalogue_form){ .kind = (enum catalogue_form_kind)kind,
                                                       .number = over ? set->over[i] : 0 };
            if (catalogue_form_set_has(set, difference.form) &&
                !catalogue_form_set_covers(against, difference.form)) {
                report(comparing, &difference);
            }
        }
    }
}

static void compare_fields(struct comparing *comparing, const struct catalogue_difference *what,
                           const struct catalogue_agreement *other)
{
    const struct catalogue_dataset *dataset = what->agreement->dataset;
    struct catalogue_difference difference = *what;
    for (size_t i = 0; i < dataset->field_count; i++) {
        const struct catalogue_form_set *against = NULL;
        difference.field = &dataset->fields[i];
        if (other != NULL) {
            const struct catalogue_field *same =
                catalogue_field(other->dataset, difference.field->name_bytes);
            against = same != NULL ? &other->forms[same - other->dataset->fields] : NULL;
        }
        compare_forms(comparing, &difference, &what->agreement->forms[i], against);
    }
}

// 0 stands for no limit.
static bool looser(uint32_t limit, uint32_t other)
{
    return other != 0 && (limit == 0 || limit > other);
}

static bool has_article_beyond(const struct catalogue_agreement *agreement,
                               const struct catalogue_agreement *other)
{
    for (size_t i = 0; i < agreement->article_count; i++) {
        bool found = false;
        for (size_t j = 0; j < other->article_count && !found; j++) {
            found = strcmp(agreement->articles[i], other->articles[j]) == 0;
        }
        if (!found) {
            return true;
        }
    }
    return false;
}

static bool has_holder_beyond(const struct catalogue_dataset *dataset,
                              const struct catalogue_dataset *other)
{
    for (size_t i = 0; i < dataset->holder_count; i++) {
        bool found = false;
        for (size_t j = 0; j < other->holder_count && !found; j++) {
            found = strcmp(dataset->holders[i]->code, other->holders[j]->code) == 0;
        }
        if (!found) {
            return true;
        }
    }
    return false;
}

static void compare_limits(struct comparing *comparing, const struct catalogue_difference *what,
                           const struct catalogue_agreement *other)
{
    const struct catalogue_agreement *one = what->agreement;
    bool by_consent = what->basis == CATALOGUE_BASIS_CONSENT;
    const struct {
        const char *name;
        bool differs;
    } limits[] = {
        { "holders", has_holder_beyond(one->dataset, other->dataset) },
        { "articles", what->basis == CATALOGUE_BASIS_LAW && has_article_beyond(one, other) },
        { "case", !one->case_required && other->case_required },
        { "justification", !one->justification_required && other->justification_required },
        { "per-case", looser(one->per_case, other->per_case) },
        { "per-official-day", looser(one->per_official_day, other->per_official_day) },
        { "consent-days", by_consent && looser(one->consent_days, other->consent_days) },
        { "consent-uses", by_consent && looser(one->consent_uses, other->consent_uses) },
        { "review", looser(one->review_hours, other->review_hours) },
        { "notice", !one->notice_at_once && other->notice_at_once },
    };
    struct catalogue_difference difference = *what;
    for (size_t i = 0; i < ARRAY_COUNT(limits); i++) {
        if (limits[i].differs) {
            difference.limit = limits[i].name;
            report(comparing, &difference);
        }
    }
}

static void compare_one(struct comparing *comparing, const struct catalogue_difference *what)
{
    const struct catalogue_agreement *other = find_counterpart(comparing->other, what);
    compare_fields(comparing, what, other);
    if (other != NULL) {
        compare_limits(comparing, what, other);
    }
}

static void compare_agreement(struct comparing *comparing,
                              const struct catalogue_agreement *agreement)
{
    struct catalogue_difference what = { .change = comparing->change,
                                         .agreement = agreement,
                                         .limit = "" };
    for (size_t i = 0; i < agreement->purpose_count; i++) {
        what.purpose = agreement->purposes[i];
        for (int basis = CATALOGUE_BASIS_NONE + 1; basis < CATALOGUE_BASIS_COUNT; basis++) {
            if ((agreement->bases & 1u << basis) == 0) {
                continue;
            }
            what.basis = (enum catalogue_basis)basis;
            what.role = "";
            if (agreement->role_count == 0) {
                compare_one(comparing, &what);
            }
            for (size_t j = 0; j < agreement->role_count; j++) {
                what.role = agreement->roles[j]->code;
                compare_one(comparing, &what);
            }
        }
    }
}

size_t catalogue_diff(const struct catalogue *old, const struct catalogue *new,
                      void (*report_one)(void *context,
                                         const struct catalogue_difference *difference),
                      void *context)
{
    struct comparing comparing = { .report = report_one, .context = context };
    const struct catalogue *sides[] = { new, old };
    for (size_t side = 0; side < ARRAY_COUNT(sides); side++) {
        size_t count = 0;
        comparing.change = side == 0 ? CATALOGUE_WIDER : CATALOGUE_NARROWER;
        comparing.other = sides[1 - side];
        if (sides[side] == NULL) {
            continue;
        }
        const struct catalogue_agreement *agreements = catalogue_agreements(sides[side], &count);
        for (size_t i = 0; i < count; i++) {
            compare_agreement(&comparing, &agreements[i]);
        }
    }
    return comparing.count;
}
