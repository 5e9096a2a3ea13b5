// The decision. Each field walks down the same list of questions and stops at the first "no":
//
//   1. members and key in good standing             member-suspended
//   2. holder, dataset and field exist              unknown-field
//   3. an agreement names it for the purpose        no-agreement
//   4. ... on this basis                            basis-not-allowed
//   5. ... for this official role                   role-not-allowed
//   6. a case, where one is demanded                case-missing
//   7. the basis' evidence                          evidence-invalid, basis-unsupported,
//                                                   no-justification
//   8. budgets                                      limit-reached
//   9. a form that the agreement allows             form-not-allowed
//  10. where consent is the basis: a consent        no-consent, consent-..., wrong-purpose,
//                                                   automated-not-agreed
//  11. one over(N) of a field in one request        form-not-allowed
//
// and if all or nothing was asked and one field is refused, every other one is (all-or-nothing).
// Budgets come before consent, so that reaching a limit tells an asker nothing about a citizen.
#include "policy/decide.h"

#include "policy/match.h"

static bool in_good_standing(const struct policy_input *input)
{
    return input->asker == POLICY_STANDING_ACTIVE && input->holder == POLICY_STANDING_ACTIVE &&
           input->key == POLICY_STANDING_ACTIVE;
}

// Characters of UTF-8, with one space for many and none at the ends.
static size_t count_characters(struct bytes text)
{
    size_t count = 0;
    bool pending_space = false;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (byte <= ' ') {
            pending_space = count != 0;
        } else if ((byte & 0xc0) != 0x80) {
            count += pending_space ? 2 : 1;
            pending_space = false;
        }
    }
    return count;
}

static bool names_article(const struct catalogue_agreement *agreement, struct bytes article)
{
    for (size_t i = 0; i < agreement->article_count; i++) {
        if (bytes_equal_text(article, agreement->articles[i])) {
            return true;
        }
    }
    return false;
}

static enum catalogue_reason check_evidence(const struct policy_input *input,
                                            const struct catalogue_agreement *agreement)
{
    const struct policy_request *request = input->request;
    bool justified = count_characters(request->justification) >= POLICY_JUSTIFICATION_MIN;
    switch (request->basis) {
    case CATALOGUE_BASIS_CONSENT:
        break;
    case CATALOGUE_BASIS_LAW:
        if (!names_article(agreement, request->article)) {
            return CATALOGUE_REASON_EVIDENCE_INVALID;
        }
        break;
    case CATALOGUE_BASIS_VITAL_INTEREST:
        if (!justified) {
            return CATALOGUE_REASON_NO_JUSTIFICATION;
        }
        break;
    case CATALOGUE_BASIS_EXPLICIT_REQUEST:
    case CATALOGUE_BASIS_COURT_ORDER:
        if (input->evidence != POLICY_EVIDENCE_VALID) {
            return input->evidence == POLICY_EVIDENCE_INVALID ? CATALOGUE_REASON_EVIDENCE_INVALID
                                                              : CATALOGUE_REASON_BASIS_UNSUPPORTED;
        }
        break;
    case CATALOGUE_BASIS_NONE:
    case CATALOGUE_BASIS_COUNT:
        return CATALOGUE_REASON_BASIS_NOT_ALLOWED;
    }
    if (agreement->justification_required && !justified) {
        return CATALOGUE_REASON_NO_JUSTIFICATION;
    }
    return CATALOGUE_REASON_NONE;
}

static bool is_spent(const struct policy_input *input, const struct policy_counter *wanted)
{
    const struct policy_counter *counter = policy_counter_find(input, wanted);
    return counter == NULL || counter->value >= wanted->limit;
}

// What the agreement demands of the request as a whole.
static enum catalogue_reason check_agreement(const struct policy_input *input,
                                             const struct catalogue_agreement *agreement)
{
    const struct policy_request *request = input->request;
    if (agreement->case_required && count_characters(request->case_ref) == 0) {
        return CATALOGUE_REASON_CASE_MISSING;
    }
    enum catalogue_reason reason = check_evidence(input, agreement);
    if (reason != CATALOGUE_REASON_NONE) {
        return reason;
    }
    if (agreement->per_case != 0) {
        struct policy_counter counter = policy_counter_case(request, agreement);
        if (is_spent(input, &counter)) {
            return CATALOGUE_REASON_LIMIT_REACHED;
        }
    }
    if (agreement->per_official_day != 0) {
        struct policy_counter counter = policy_counter_day(request, agreement, input->now_ms);
        if (is_spent(input, &counter)) {
            return CATALOGUE_REASON_LIMIT_REACHED;
        }
    }
    return CATALOGUE_REASON_NONE;
}

// A form under the agreement alone; a locked over(N) counts as not allowed.
static bool form_allowed(const struct policy_input *input, const struct policy_candidate *candidate)
{
    if (policy_form(candidate, NULL, input->request->exact).kind == CATALOGUE_FORM_NONE) {
        return false;
    }
    if (candidate->asked.kind != CATALOGUE_FORM_OVER) {
        return true;
    }
    struct policy_counter wanted =
        policy_counter_lock(input->request, candidate->field->name_bytes);
    const struct policy_counter *lock = policy_counter_find(input, &wanted);
    return lock != NULL &&
           !policy_lock_refuses(lock->value, candidate->asked.number, input->now_ms);
}

// Questions 1 to 9 for one field. NONE: it goes on, and *candidate is filled.
static enum catalogue_reason check_field(const struct policy_input *input,
                                         const struct policy_match *match,
                                         enum catalogue_reason whole, size_t at,
                                         struct policy_field_decision *decision,
                                         struct policy_candidate *candidate)
{
    const struct policy_ask *ask = &input->request->fields[at];
    const struct catalogue_field *field = NULL;
    enum catalogue_reason reason = CATALOGUE_REASON_UNKNOWN_FIELD;
    bool listed = false;
    bool well_formed = catalogue_form_parse(ask->form, &decision->asked);
    if (match->dataset != NULL) {
        field = catalogue_field(match->dataset, ask->name);
    }
    if (field != NULL) {
        size_t place = (size_t)(field - match->dataset->fields);
        enum catalogue_reason unmatched = policy_match_field(match, input->request, place, &listed);
        reason = match->holder_known ? unmatched : CATALOGUE_REASON_UNKNOWN_FIELD;
    }
    decision->over_asked = !listed;
    if (!in_good_standing(input)) {
        return CATALOGUE_REASON_MEMBER_SUSPENDED;
    }
    if (reason != CATALOGUE_REASON_NONE) {
        return reason;
    }
    if (whole != CATALOGUE_REASON_NONE) {
        return whole;
    }
    *candidate =
        (struct policy_candidate){ .field = field,
                                   .allowed =
                                       &match->agreement->forms[field - match->dataset->fields],
                                   .asked = decision->asked };
    if (!well_formed || !form_allowed(input, candidate)) {
        candidate->field = NULL;
        return CATALOGUE_REASON_FORM_NOT_ALLOWED;
    }
    return CATALOGUE_REASON_NONE;
}

// Another N of the same field was given further up in the same request.
static bool over_given_before(const struct policy_decision *decision,
                              const struct policy_candidate *candidates, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (decision->fields[i].given.kind == CATALOGUE_FORM_OVER &&
            candidates[i].field == candidates[at].field) {
            return true;
        }
    }
    return false;
}

static void permit(struct policy_field_decision *field, struct catalogue_form form)
{
    field->verdict = POLICY_PERMIT;
    field->given = form;
    field->reason = catalogue_form_equal(form, field->asked) ? CATALOGUE_REASON_ALLOWED
                                                             : CATALOGUE_REASON_WEAKER_FORM;
}

// Questions 10 and 11 for what came through.
static void decide_candidates(const struct policy_input *input,
                              const struct policy_candidate *candidates,
                              const struct policy_choice *choice, bool by_consent,
                              struct policy_decision *decision)
{
    for (size_t i = 0; i < decision->field_count; i++) {
        struct policy_field_decision *field = &decision->fields[i];
        if (candidates[i].field == NULL) {
            continue;
        }
        if (by_consent && choice->grant == NULL) {
            field->reason = CATALOGUE_REASON_NO_CONSENT;
            continue;
        }
        struct catalogue_form form =
            policy_form(&candidates[i], choice->grant, input->request->exact);
        if (form.kind == CATALOGUE_FORM_NONE) {
            field->reason = CATALOGUE_REASON_NO_CONSENT;
        } else if (choice->gate != CATALOGUE_REASON_NONE) {
            field->reason = choice->gate;
        } else if (form.kind == CATALOGUE_FORM_OVER && over_given_before(decision, candidates, i)) {
            field->reason = CATALOGUE_REASON_FORM_NOT_ALLOWED;
        } else {
            permit(field, form);
        }
    }
}

static void finish_fields(const struct policy_input *input, struct policy_decision *decision)
{
    bool denies_any = false;
    for (size_t i = 0; i < decision->field_count; i++) {
        denies_any = denies_any || decision->fields[i].verdict != POLICY_PERMIT;
    }
    bool nothing = denies_any && !input->request->partial_ok;
    decision->permits_any = false;
    for (size_t i = 0; i < decision->field_count; i++) {
        struct policy_field_decision *field = &decision->fields[i];
        if (nothing && field->verdict == POLICY_PERMIT) {
            field->verdict = POLICY_DENY;
            field->given = (struct catalogue_form){ .kind = CATALOGUE_FORM_NONE };
            field->reason = CATALOGUE_REASON_ALL_OR_NOTHING;
        }
        field->asker_reason = catalogue_asker_reason(input->catalogue, field->reason);
        decision->permits_any = decision->permits_any || field->verdict == POLICY_PERMIT;
    }
}

static void charge(const struct policy_input *input, struct policy_counter counter,
                   struct policy_decision *decision)
{
    const struct policy_counter *seen = policy_counter_find(input, &counter);
    counter.value = (seen != NULL ? seen->value : 0) + 1;
    decision->charges[decision->charge_count++] = counter;
}

// What one release under this decision changes.
static void write_charges(const struct policy_input *input, const struct policy_choice *choice,
                          struct policy_decision *decision)
{
    static const int64_t lock_ms = (int64_t)POLICY_FORM_LOCK_DAYS * 86400000;
    const struct catalogue_agreement *agreement = decision->agreement;
    if (agreement->per_case != 0) {
        charge(input, policy_counter_case(input->request, agreement), decision);
    }
    if (agreement->per_official_day != 0) {
        charge(input, policy_counter_day(input->request, agreement, input->now_ms), decision);
    }
    if (choice->grant != NULL) {
        decision->charges[decision->charge_count++] =
            (struct policy_counter){ .kind = POLICY_COUNTER_CONSENT,
                                     .consent = choice->grant->id,
                                     .value = choice->grant->spent + 1,
                                     .limit = choice->uses };
    }
    for (size_t i = 0; i < decision->field_count; i++) {
        if (decision->fields[i].given.kind == CATALOGUE_FORM_OVER) {
            struct policy_counter lock =
                policy_counter_lock(input->request, input->request->fields[i].name);
            lock.value =
                policy_form_lock(decision->fields[i].given.number, input->now_ms + lock_ms);
            decision->charges[decision->charge_count++] = lock;
        }
    }
}

enum status policy_decide(const struct policy_input *input, struct policy_decision *decision,
                          struct error *err)
{
    const struct policy_request *request = input->request;
    struct policy_match match;
    struct policy_candidate candidates[CATALOGUE_FIELDS_MAX];
    struct policy_choice choice = { .gate = CATALOGUE_REASON_NONE };
    enum catalogue_reason whole = CATALOGUE_REASON_NONE;
    size_t candidate_count = 0;
    if (request->field_count == 0 || request->field_count > CATALOGUE_FIELDS_MAX) {
        return error_set(err, ST_MALFORMED, "request: %zu fields, not 1 to %d",
                         request->field_count, CATALOGUE_FIELDS_MAX);
    }
    policy_match(input, &match);
    if (match.agreement != NULL) {
        whole = check_agreement(input, match.agreement);
    }
    decision->field_count = request->field_count;
    for (size_t i = 0; i < request->field_count; i++) {
        decision->fields[i] = (struct policy_field_decision){ .verdict = POLICY_DENY };
        candidates[i] = (struct policy_candidate){ .field = NULL };
        decision->fields[i].reason =
            check_field(input, &match, whole, i, &decision->fields[i], &candidates[i]);
        candidate_count += candidates[i].field != NULL;
    }
    bool by_consent = request->basis == CATALOGUE_BASIS_CONSENT;
    if (by_consent && candidate_count != 0) {
        choice = policy_choose_consent(input, match.agreement, candidates, candidate_count);
    }
    decide_candidates(input, candidates, &choice, by_consent, decision);
    finish_fields(input, decision);
    decision->agreement = match.agreement;
    decision->consent = choice.grant;
    decision->bundle_hash = catalogue_hash(input->catalogue);
    decision->charge_count = 0;
    if (decision->permits_any) {
        write_charges(input, &choice, decision);
    }
    return ST_OK;
}
