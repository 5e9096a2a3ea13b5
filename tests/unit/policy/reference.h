// A second, naive evaluator of the policy rules, written from their prose and without the
// catalogue: it knows a small invented world as strings and flags, and goes through it field by
// field. Each rule can be left out by number, so that a test can show that its absence is noticed.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
    WORLD_MEMBERS = 4,
    WORLD_DATASETS = 2,
    WORLD_FIELDS = 6,
    WORLD_PURPOSES = 3,
    WORLD_ROLES = 3,
    WORLD_AGREEMENTS = 14,
    WORLD_FORMS = 8,
    CASE_FIELDS = 8,
    CASE_GRANTS = 4,
};

// The rules that can be left out.
enum broken {
    BROKEN_NOTHING,
    BROKEN_STANDING_ASKER,
    BROKEN_STANDING_HOLDER,
    BROKEN_STANDING_KEY,
    BROKEN_HOLDER,
    BROKEN_AGREEMENT_FIELD,
    BROKEN_AGREEMENT_PURPOSE,
    BROKEN_BASIS,
    BROKEN_ROLE,
    BROKEN_CASE,
    BROKEN_ARTICLE,
    BROKEN_JUSTIFICATION,
    BROKEN_EVIDENCE,
    BROKEN_UNSUPPORTED,
    BROKEN_CASE_BUDGET,
    BROKEN_DAY_BUDGET,
    BROKEN_FORM_OFFERED,
    BROKEN_FORM_AGREED,
    BROKEN_FORM_WEAKER,
    BROKEN_FORM_STRONGEST,
    BROKEN_FORM_BY_NAME,
    BROKEN_EXACT,
    BROKEN_LOCK,
    BROKEN_ONE_OVER,
    BROKEN_CONSENT_FIELD,
    BROKEN_CONSENT_FORM,
    BROKEN_CONSENT_NAMED,
    BROKEN_CONSENT_ASKER,
    BROKEN_CONSENT_PURPOSE,
    BROKEN_CONSENT_START,
    BROKEN_CONSENT_END,
    BROKEN_CONSENT_CAP_DAYS,
    BROKEN_CONSENT_PAUSED,
    BROKEN_CONSENT_WITHDRAWN,
    BROKEN_CONSENT_REQUESTED,
    BROKEN_CONSENT_USES,
    BROKEN_CONSENT_CAP_USES,
    BROKEN_CONSENT_AUTOMATED,
    BROKEN_CONSENT_BEST,
    BROKEN_ALL_OR_NOTHING,
    BROKEN_ASKER_REASON,
    BROKEN_OVER_ASKED,
    BROKEN_COUNT,
};

struct ref_agreement {
    int asker;
    int dataset;
    bool purposes[WORLD_PURPOSES];
    bool bases[6];
    bool roles[WORLD_ROLES];                      // none set: any
    const char *forms[WORLD_FIELDS][WORLD_FORMS]; // ended by NULL
    bool case_required;
    bool justification;
    uint64_t per_case;
    uint64_t per_day;
    int64_t days;
    uint64_t uses;
};

struct world {
    int holders[WORLD_DATASETS];
    const char *types[WORLD_DATASETS][WORLD_FIELDS];
    const char *offered[WORLD_DATASETS][WORLD_FIELDS][WORLD_FORMS]; // ended by NULL
    struct ref_agreement agreements[WORLD_AGREEMENTS];
    int agreement_count;
};

struct ref_grant {
    unsigned id;
    int state; // 1 requested .. 7 superseded
    int asker;
    int dataset;
    int purpose;
    int field_count;
    int fields[CASE_FIELDS];
    const char *forms[CASE_FIELDS];
    bool automated;
    int64_t from;
    int64_t until;
    uint64_t uses;
    uint64_t spent;
};

// One request with everything around it. Numbers past the world's end stand for unknown things.
struct ref_case {
    int asker;
    int holder;
    int dataset;
    int purpose;
    int role;
    int basis;
    int field_count;
    int fields[CASE_FIELDS];
    const char *forms[CASE_FIELDS];
    unsigned consent; // 0: none named
    bool article_good;
    const char *justification;
    int justification_length; // characters that count
    bool has_case;
    bool automated;
    bool partial_ok;
    bool exact;
    bool asker_active;
    bool holder_active;
    bool key_active;
    int evidence; // 0 unsupported, 1 invalid, 2 valid
    int64_t now;
    struct ref_grant grants[CASE_GRANTS];
    int grant_count;
    bool counters_given;
    uint64_t case_count;
    uint64_t day_count;
    uint64_t lock_number; // the N given before to every field; 0: none
    int64_t lock_until;
};

struct ref_result {
    const char *reasons[CASE_FIELDS];
    const char *asker_reasons[CASE_FIELDS];
    const char *given[CASE_FIELDS]; // NULL: denied
    bool over_asked[CASE_FIELDS];
    int agreement; // -1: none
    int grant;     // -1: none
};

static inline int ref_strength(const char *form)
{
    if (strcmp(form, "full") == 0) {
        return 3;
    }
    if (strcmp(form, "masked") == 0 || strcmp(form, "last4") == 0 || strcmp(form, "year") == 0) {
        return 2;
    }
    return strcmp(form, "exists") == 0 ? 1 : 0;
}

static inline bool ref_is_form(const char *form)
{
    static const char *const good[] = { "full",  "masked",   "last4",    "year",     "exists",
                                        "match", "over(18)", "over(65)", "pseudonym" };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        if (strcmp(form, good[i]) == 0) {
            return true;
        }
    }
    return false;
}

// `list` has the form or, where both are in the order, a stronger one.
static inline bool ref_covers(const char *const *list, const char *form)
{
    for (int i = 0; list[i] != NULL; i++) {
        if (strcmp(list[i], form) == 0 ||
            (ref_strength(form) > 0 && ref_strength(list[i]) > ref_strength(form))) {
            return true;
        }
    }
    return false;
}

static inline bool ref_offers(const char *const *offered, const char *form)
{
    for (int i = 0; offered[i] != NULL; i++) {
        bool over = strcmp(offered[i], "over") == 0 && strncmp(form, "over(", 5) == 0;
        if (over || strcmp(offered[i], form) == 0) {
            return true;
        }
    }
    return false;
}

static inline bool ref_usable(const struct world *world, const struct ref_case *c,
                              const struct ref_agreement *agreement, const struct ref_grant *grant,
                              int field, const char *form, enum broken broken)
{
    if (broken != BROKEN_FORM_OFFERED && !ref_offers(world->offered[c->dataset][field], form)) {
        return false;
    }
    if (broken != BROKEN_FORM_AGREED && !ref_covers(agreement->forms[field], form)) {
        return false;
    }
    if (grant == NULL || broken == BROKEN_CONSENT_FIELD) {
        return true;
    }
    for (int i = 0; i < grant->field_count; i++) {
        const char *one[2] = { grant->forms[i], NULL };
        if (grant->fields[i] == field && (broken == BROKEN_CONSENT_FORM || ref_covers(one, form))) {
            return true;
        }
    }
    return false;
}

// The form that may be given in place of the one asked; NULL: none.
static inline const char *ref_form(const struct world *world, const struct ref_case *c,
                                   const struct ref_agreement *agreement,
                                   const struct ref_grant *grant, int field, const char *asked,
                                   enum broken broken)
{
    const char *best = NULL;
    if (ref_usable(world, c, agreement, grant, field, asked, broken)) {
        return asked;
    }
    if (c->exact && broken != BROKEN_EXACT) {
        return NULL;
    }
    for (int i = 0; world->offered[c->dataset][field][i] != NULL; i++) {
        const char *form = world->offered[c->dataset][field][i];
        bool weaker = ref_strength(form) > 0 && ref_strength(form) < ref_strength(asked);
        if (broken == BROKEN_FORM_BY_NAME && strcmp(form, "match") == 0) {
            weaker = ref_strength(asked) > 0;
        }
        if (broken == BROKEN_FORM_WEAKER) {
            weaker = ref_strength(form) > 0;
        }
        bool better = best == NULL || ref_strength(form) > ref_strength(best);
        if (broken == BROKEN_FORM_STRONGEST) {
            better = true;
        }
        if (weaker && better && ref_usable(world, c, agreement, grant, field, form, broken)) {
            best = form;
        }
    }
    return best;
}

static inline bool ref_role_fits(const struct ref_agreement *agreement, int role)
{
    bool any = true;
    for (int i = 0; i < WORLD_ROLES; i++) {
        any = any && !agreement->roles[i];
    }
    return any || (role < WORLD_ROLES && agreement->roles[role]);
}

// What stands against the field before forms are looked at; NULL: nothing. Also finds the agreement
// and whether any agreement for the purpose has the field.
static inline const char *ref_admit(const struct world *world, const struct ref_case *c, int at,
                                    enum broken broken, int *agreement, bool *listed)
{
    int field = c->fields[at];
    bool known = c->dataset < WORLD_DATASETS && field < WORLD_FIELDS;
    bool basis_seen = false;
    *agreement = -1;
    *listed = false;
    for (int i = 0; known && i < world->agreement_count; i++) {
        const struct ref_agreement *a = &world->agreements[i];
        if (a->asker != c->asker || a->dataset != c->dataset) {
            continue;
        }
        if ((c->purpose >= WORLD_PURPOSES || !a->purposes[c->purpose]) &&
            broken != BROKEN_AGREEMENT_PURPOSE) {
            continue;
        }
        if (a->forms[field][0] == NULL && broken != BROKEN_AGREEMENT_FIELD) {
            continue;
        }
        *listed = true;
        if (!a->bases[c->basis] && broken != BROKEN_BASIS) {
            continue;
        }
        basis_seen = true;
        if (ref_role_fits(a, c->role) || broken == BROKEN_ROLE) {
            *agreement = i;
            break;
        }
    }
    if ((!c->asker_active && broken != BROKEN_STANDING_ASKER) ||
        (!c->holder_active && broken != BROKEN_STANDING_HOLDER) ||
        (!c->key_active && broken != BROKEN_STANDING_KEY)) {
        return "member-suspended";
    }
    if (!known || (world->holders[c->dataset] != c->holder && broken != BROKEN_HOLDER)) {
        return "unknown-field";
    }
    if (!*listed) {
        return "no-agreement";
    }
    if (*agreement >= 0) {
        return NULL;
    }
    return basis_seen ? "role-not-allowed" : "basis-not-allowed";
}

static inline const char *ref_terms(const struct ref_case *c, const struct ref_agreement *agreement,
                                    enum broken broken)
{
    bool justified = c->justification_length >= 20 || broken == BROKEN_JUSTIFICATION;
    if (agreement->case_required && !c->has_case && broken != BROKEN_CASE) {
        return "case-missing";
    }
    if (c->basis == 3 && !c->article_good && broken != BROKEN_ARTICLE) {
        return "evidence-invalid";
    }
    if (c->basis == 4 && !justified) {
        return "no-justification";
    }
    if ((c->basis == 2 || c->basis == 5) && c->evidence == 1 && broken != BROKEN_EVIDENCE) {
        return "evidence-invalid";
    }
    if ((c->basis == 2 || c->basis == 5) && c->evidence == 0 && broken != BROKEN_UNSUPPORTED) {
        return "basis-unsupported";
    }
    if (agreement->justification && !justified) {
        return "no-justification";
    }
    if (agreement->per_case != 0 && broken != BROKEN_CASE_BUDGET &&
        (!c->counters_given || c->case_count >= agreement->per_case)) {
        return "limit-reached";
    }
    if (agreement->per_day != 0 && broken != BROKEN_DAY_BUDGET &&
        (!c->counters_given || c->day_count >= agreement->per_day)) {
        return "limit-reached";
    }
    return NULL;
}

static inline bool ref_locked(const struct ref_case *c, const char *form)
{
    unsigned number = 0;
    if (sscanf(form, "over(%u)", &number) != 1) {
        return false;
    }
    return !c->counters_given ||
           (c->lock_number != 0 && c->lock_until > c->now && c->lock_number != number);
}

// How a consent stands for the request; "" when it permits.
static inline const char *ref_stands(const struct ref_case *c, const struct ref_grant *grant,
                                     const struct ref_agreement *agreement, enum broken broken)
{
    int64_t until = grant->until;
    uint64_t uses = grant->uses;
    bool live = grant->state == 2 || grant->state == 3;
    if (broken != BROKEN_CONSENT_CAP_DAYS && until > grant->from + agreement->days * 86400000) {
        until = grant->from + agreement->days * 86400000;
    }
    if (broken != BROKEN_CONSENT_CAP_USES && uses > agreement->uses) {
        uses = agreement->uses;
    }
    bool over = c->now >= until && broken != BROKEN_CONSENT_END;
    if (c->now < grant->from && broken != BROKEN_CONSENT_START) {
        return "no-consent";
    }
    if (grant->purpose != c->purpose && broken != BROKEN_CONSENT_PURPOSE) {
        return live && !over ? "wrong-purpose" : "no-consent";
    }
    if (grant->state == 4 && broken != BROKEN_CONSENT_WITHDRAWN) {
        return "consent-withdrawn";
    }
    if (grant->state == 5 || (live && over)) {
        return "consent-expired";
    }
    if (grant->state == 3 && broken != BROKEN_CONSENT_PAUSED) {
        return "consent-paused";
    }
    if ((grant->state == 1 || grant->state >= 6) && broken != BROKEN_CONSENT_REQUESTED) {
        return "no-consent";
    }
    if (grant->spent >= uses && broken != BROKEN_CONSENT_USES) {
        return "consent-used-up";
    }
    if (c->automated && !grant->automated && broken != BROKEN_CONSENT_AUTOMATED) {
        return "automated-not-agreed";
    }
    return "";
}

static inline int ref_standing(const char *stands)
{
    static const char *const order[] = { "no-consent",           "wrong-purpose",
                                         "consent-withdrawn",    "consent-expired",
                                         "consent-paused",       "consent-used-up",
                                         "automated-not-agreed", "" };
    for (int i = 0; i < 8; i++) {
        if (strcmp(stands, order[i]) == 0) {
            return i;
        }
    }
    return -1;
}

static inline int ref_choose(const struct world *world, const struct ref_case *c,
                             const struct ref_agreement *agreement, const bool *open,
                             enum broken broken)
{
    int best = -1;
    int best_standing = -1;
    int best_fields = 0;
    for (int i = 0; i < c->grant_count; i++) {
        const struct ref_grant *grant = &c->grants[i];
        int fields = 0;
        if ((grant->asker != c->asker && broken != BROKEN_CONSENT_ASKER) ||
            grant->dataset != c->dataset ||
            (c->consent != 0 && c->consent != grant->id && broken != BROKEN_CONSENT_NAMED)) {
            continue;
        }
        for (int j = 0; j < c->field_count; j++) {
            if (open[j] &&
                ref_form(world, c, agreement, grant, c->fields[j], c->forms[j], broken) != NULL) {
                fields++;
            }
        }
        int standing = ref_standing(ref_stands(c, grant, agreement, broken));
        bool better =
            standing > best_standing || (standing == best_standing && fields > best_fields);
        if (broken == BROKEN_CONSENT_BEST) {
            better = best < 0;
        }
        if (fields > 0 && better) {
            best = i;
            best_standing = standing;
            best_fields = fields;
        }
    }
    return best;
}

static inline const char *ref_for_asker(const char *reason, enum broken broken)
{
    static const char *const hidden[] = { "consent-paused", "consent-withdrawn", "consent-expired",
                                          "wrong-purpose" };
    for (size_t i = 0; broken != BROKEN_ASKER_REASON && i < 4; i++) {
        if (strcmp(reason, hidden[i]) == 0) {
            return "no-consent";
        }
    }
    return reason;
}

static inline void ref_finish(const struct ref_case *c, struct ref_result *result,
                              enum broken broken)
{
    bool refused = false;
    for (int i = 0; i < c->field_count; i++) {
        refused = refused || result->given[i] == NULL;
    }
    for (int i = 0; i < c->field_count; i++) {
        if (refused && !c->partial_ok && result->given[i] != NULL &&
            broken != BROKEN_ALL_OR_NOTHING) {
            result->given[i] = NULL;
            result->reasons[i] = "all-or-nothing";
        }
        result->asker_reasons[i] = ref_for_asker(result->reasons[i], broken);
    }
}

static inline void ref_decide(const struct world *world, const struct ref_case *c,
                              enum broken broken, struct ref_result *result)
{
    bool open[CASE_FIELDS] = { false };
    bool any_open = false;
    result->agreement = -1;
    result->grant = -1;
    for (int i = 0; i < c->field_count; i++) {
        int found = -1;
        bool listed = false;
        const char *reason = ref_admit(world, c, i, broken, &found, &listed);
        const struct ref_agreement *a = found >= 0 ? &world->agreements[found] : NULL;
        if (found >= 0) {
            result->agreement = found;
        }
        result->given[i] = NULL;
        result->over_asked[i] = !listed && broken != BROKEN_OVER_ASKED;
        if (reason == NULL) {
            reason = ref_terms(c, a, broken);
        }
        if (reason == NULL &&
            (!ref_is_form(c->forms[i]) ||
             ref_form(world, c, a, NULL, c->fields[i], c->forms[i], broken) == NULL ||
             (ref_locked(c, c->forms[i]) && broken != BROKEN_LOCK))) {
            reason = "form-not-allowed";
        }
        result->reasons[i] = reason;
        open[i] = reason == NULL;
        any_open = any_open || open[i];
    }
    const struct ref_agreement *agreement =
        result->agreement >= 0 ? &world->agreements[result->agreement] : NULL;
    if (any_open && c->basis == 1) {
        result->grant = ref_choose(world, c, agreement, open, broken);
    }
    const struct ref_grant *grant = result->grant >= 0 ? &c->grants[result->grant] : NULL;
    for (int i = 0; i < c->field_count; i++) {
        if (!open[i]) {
            continue;
        }
        const char *form = ref_form(world, c, agreement, grant, c->fields[i], c->forms[i], broken);
        const char *stands = c->basis != 1   ? ""
                             : grant == NULL ? "no-consent"
                                             : ref_stands(c, grant, agreement, broken);
        bool second = false;
        for (int j = 0; form != NULL && j < i; j++) {
            second = second ||
                     (result->given[j] != NULL && strncmp(form, "over(", 5) == 0 &&
                      strncmp(result->given[j], "over(", 5) == 0 && c->fields[j] == c->fields[i]);
        }
        if (form == NULL) {
            result->reasons[i] = "no-consent";
        } else if (stands[0] != '\0') {
            result->reasons[i] = stands;
        } else if (second && broken != BROKEN_ONE_OVER) {
            result->reasons[i] = "form-not-allowed";
        } else {
            result->given[i] = form;
            result->reasons[i] = strcmp(form, c->forms[i]) == 0 ? "allowed" : "weaker-form";
        }
    }
    ref_finish(c, result, broken);
}
