// From a request to its agreement. The catalogue makes sure that no two agreements have asker,
// dataset, purpose, basis and official role in common, so the first that fits is the only one.
#include "policy/match.h"

static bool has_role(const struct catalogue_agreement *agreement, struct bytes role)
{
    if (agreement->role_count == 0) {
        return true;
    }
    for (size_t i = 0; i < agreement->role_count; i++) {
        if (bytes_equal_text(role, agreement->roles[i]->code)) {
            return true;
        }
    }
    return false;
}

static bool has_basis(const struct catalogue_agreement *agreement, enum catalogue_basis basis)
{
    return basis > CATALOGUE_BASIS_NONE && basis < CATALOGUE_BASIS_COUNT &&
           (agreement->bases & 1u << basis) != 0;
}

void policy_match(const struct policy_input *input, struct policy_match *match)
{
    const struct policy_request *request = input->request;
    const struct catalogue *catalogue = input->catalogue;
    const struct catalogue_member *asker = catalogue_member(catalogue, request->asker);
    const struct catalogue_member *holder = catalogue_member(catalogue, request->holder);
    *match = (struct policy_match){ .dataset = catalogue_dataset(catalogue, request->dataset),
                                    .purpose = catalogue_purpose(catalogue, request->purpose) };
    if (match->dataset == NULL) {
        return;
    }
    match->holder_known = holder != NULL && catalogue_is_holder(match->dataset, holder);
    if (asker == NULL || match->purpose == NULL) {
        return;
    }
    match->agreements = catalogue_agreements_for(catalogue, asker, match->dataset, match->purpose,
                                                 &match->agreement_count);
    for (size_t i = 0; i < match->agreement_count && match->agreement == NULL; i++) {
        const struct catalogue_agreement *agreement = match->agreements[i];
        if (has_basis(agreement, request->basis) && has_role(agreement, request->official_role)) {
            match->agreement = agreement;
        }
    }
}

enum catalogue_reason policy_match_field(const struct policy_match *match,
                                         const struct policy_request *request, size_t field,
                                         bool *listed)
{
    enum catalogue_reason reason = CATALOGUE_REASON_NO_AGREEMENT;
    *listed = true;
    if (match->agreement != NULL && match->agreement->forms[field].kinds != 0) {
        return CATALOGUE_REASON_NONE;
    }
    *listed = false;
    for (size_t i = 0; i < match->agreement_count; i++) {
        const struct catalogue_agreement *agreement = match->agreements[i];
        if (agreement->forms[field].kinds == 0) {
            continue;
        }
        *listed = true;
        if (has_basis(agreement, request->basis)) {
            return CATALOGUE_REASON_ROLE_NOT_ALLOWED;
        }
        reason = CATALOGUE_REASON_BASIS_NOT_ALLOWED;
    }
    return reason;
}

// Names of one dataset differ at their ends more often than at their beginnings.
static bool same_name(struct bytes a, struct bytes b)
{
    return a.size == b.size && a.size != 0 && a.data[a.size - 1] == b.data[b.size - 1] &&
           memcmp(a.data, b.data, a.size) == 0;
}

// True when the consent names the field in this form or a stronger one.
static bool grant_covers(const struct consent_grant *grant, struct bytes name,
                         struct catalogue_form form)
{
    for (size_t i = 0; i < grant->field_count; i++) {
        const struct consent_grant_field *field = &grant->fields[i];
        if (same_name(field->name, name) && (catalogue_form_equal(field->form, form) ||
                                             catalogue_form_stronger(field->form, form))) {
            return true;
        }
    }
    return false;
}

static bool lets_through(const struct policy_candidate *candidate,
                         const struct consent_grant *grant, struct catalogue_form form)
{
    return catalogue_form_set_has(&candidate->field->forms, form) &&
           catalogue_form_set_covers(candidate->allowed, form) &&
           (grant == NULL || grant_covers(grant, candidate->field->name_bytes, form));
}

struct catalogue_form policy_form(const struct policy_candidate *candidate,
                                  const struct consent_grant *grant, bool exact)
{
    static const struct catalogue_form none = { .kind = CATALOGUE_FORM_NONE };
    if (lets_through(candidate, grant, candidate->asked)) {
        return candidate->asked;
    }
    if (exact) {
        return none;
    }
    const enum catalogue_form_kind weaker[] = {
        candidate->field->middle, CATALOGUE_FORM_MASKED, CATALOGUE_FORM_LAST4,
        CATALOGUE_FORM_YEAR,      CATALOGUE_FORM_EXISTS,
    };
    for (size_t i = 0; i < ARRAY_COUNT(weaker); i++) {
        struct catalogue_form form = { .kind = weaker[i] };
        if (catalogue_form_stronger(candidate->asked, form) &&
            lets_through(candidate, grant, form)) {
            return form;
        }
    }
    return none;
}

bool policy_grant_matters(const struct policy_request *request, const struct consent_grant *grant)
{
    static const struct id any;
    return bytes_equal(grant->asker, request->asker) &&
           bytes_equal(grant->dataset, request->dataset) &&
           (id_equal(&request->consent, &any) || id_equal(&request->consent, &grant->id));
}

// How the consent stands, whatever its fields. Its window and uses never exceed the agreement's.
static enum catalogue_reason grant_gate(const struct policy_input *input,
                                        const struct catalogue_agreement *agreement,
                                        const struct consent_grant *grant, uint32_t *uses)
{
    static const int64_t day_ms = 86400000;
    int64_t longest_ms = (int64_t)agreement->consent_days * day_ms;
    int64_t end_ms = grant->not_before_ms > grant->not_after_ms - longest_ms
                         ? grant->not_after_ms
                         : grant->not_before_ms + longest_ms;
    bool past = input->now_ms >= end_ms;
    bool live = grant->state == CONSENT_ACTIVE || grant->state == CONSENT_PAUSED;
    *uses = grant->uses < agreement->consent_uses ? grant->uses : agreement->consent_uses;
    if (input->now_ms < grant->not_before_ms) {
        return CATALOGUE_REASON_NO_CONSENT;
    }
    if (!bytes_equal(grant->purpose, input->request->purpose)) {
        return live && !past ? CATALOGUE_REASON_WRONG_PURPOSE : CATALOGUE_REASON_NO_CONSENT;
    }
    if (grant->state == CONSENT_WITHDRAWN) {
        return CATALOGUE_REASON_CONSENT_WITHDRAWN;
    }
    if (grant->state == CONSENT_EXPIRED || (live && past)) {
        return CATALOGUE_REASON_CONSENT_EXPIRED;
    }
    if (grant->state == CONSENT_PAUSED) {
        return CATALOGUE_REASON_CONSENT_PAUSED;
    }
    if (grant->state != CONSENT_ACTIVE) {
        return CATALOGUE_REASON_NO_CONSENT;
    }
    if (grant->spent >= *uses) {
        return CATALOGUE_REASON_CONSENT_USED_UP;
    }
    if (input->request->automated && !grant->automated) {
        return CATALOGUE_REASON_AUTOMATED_NOT_AGREED;
    }
    return CATALOGUE_REASON_NONE;
}

// The better a consent stands, the higher: its reason is the one that the citizen reads.
static unsigned gate_rank(enum catalogue_reason gate)
{
    static const uint8_t ranks[CATALOGUE_REASON_COUNT] = {
        [CATALOGUE_REASON_NONE] = 8,
        [CATALOGUE_REASON_AUTOMATED_NOT_AGREED] = 7,
        [CATALOGUE_REASON_CONSENT_USED_UP] = 6,
        [CATALOGUE_REASON_CONSENT_PAUSED] = 5,
        [CATALOGUE_REASON_CONSENT_EXPIRED] = 4,
        [CATALOGUE_REASON_CONSENT_WITHDRAWN] = 3,
        [CATALOGUE_REASON_WRONG_PURPOSE] = 2,
        [CATALOGUE_REASON_NO_CONSENT] = 1,
    };
    return ranks[gate];
}

static size_t count_fields(const struct policy_request *request,
                           const struct policy_candidate *candidates,
                           const struct consent_grant *grant)
{
    size_t count = 0;
    for (size_t i = 0; i < request->field_count; i++) {
        if (candidates[i].field != NULL &&
            policy_form(&candidates[i], grant, request->exact).kind != CATALOGUE_FORM_NONE) {
            count++;
        }
    }
    return count;
}

struct policy_choice policy_choose_consent(const struct policy_input *input,
                                           const struct catalogue_agreement *agreement,
                                           const struct policy_candidate *candidates,
                                           size_t candidate_count)
{
    struct policy_choice best = { .gate = CATALOGUE_REASON_NO_CONSENT };
    unsigned best_rank = 0;
    size_t best_fields = 0;
    for (size_t i = 0; i < input->grant_count; i++) {
        struct policy_choice choice = { .grant = &input->grants[i] };
        if (!policy_grant_matters(input->request, choice.grant)) {
            continue;
        }
        choice.gate = grant_gate(input, agreement, choice.grant, &choice.uses);
        unsigned rank = gate_rank(choice.gate);
        // One that stands worse, or as well as one that permits everything, cannot be better.
        if (rank < best_rank || (rank == best_rank && best_fields == candidate_count)) {
            continue;
        }
        size_t fields = count_fields(input->request, candidates, choice.grant);
        if (fields != 0 && (rank > best_rank || fields > best_fields)) {
            best = choice;
            best_rank = rank;
            best_fields = fields;
        }
    }
    return best;
}
