// Inside policy: which agreement a request rests on, and which consent.
#pragma once

#include "policy/decide.h"

// The request's codes looked up in the catalogue. What is not known is NULL.
struct policy_match {
    const struct catalogue_dataset *dataset;
    const struct catalogue_purpose *purpose;
    bool holder_known;                                   // the holder answers for the dataset
    const struct catalogue_agreement *const *agreements; // of asker, dataset, purpose
    size_t agreement_count;
    const struct catalogue_agreement *agreement; // the one of purpose, basis and official role
};

void policy_match(const struct policy_input *input, struct policy_match *match);

// Why the field at `field` of the dataset is not in `match->agreement`: no-agreement,
// basis-not-allowed or role-not-allowed; NONE when it is in it. `listed`: some agreement for the
// purpose has it.
enum catalogue_reason policy_match_field(const struct policy_match *match,
                                         const struct policy_request *request, size_t field,
                                         bool *listed);

// One field on its way to consent: what the agreement lets through.
struct policy_candidate {
    const struct catalogue_field *field; // NULL: it was refused before
    const struct catalogue_form_set *allowed;
    struct catalogue_form asked;
};

// A consent and how it stands for this request.
struct policy_choice {
    const struct consent_grant *grant; // NULL: none has any of the fields
    enum catalogue_reason gate;        // NONE: it permits; else why it does not
    uint32_t uses;                     // as capped by the agreement
};

// The consent that the decision rests on: the one that stands best and, of those, permits most; of
// equals the first. `candidate_count` of the candidates have a field.
struct policy_choice policy_choose_consent(const struct policy_input *input,
                                           const struct catalogue_agreement *agreement,
                                           const struct policy_candidate *candidates,
                                           size_t candidate_count);

// The strongest form, not stronger than asked, that the agreement and, where there is one, the
// consent let through; with `exact` the form asked or NONE.
struct catalogue_form policy_form(const struct policy_candidate *candidate,
                                  const struct consent_grant *grant, bool exact);

// Counters by what they count; `value` is 0.
struct policy_counter policy_counter_case(const struct policy_request *request,
                                          const struct catalogue_agreement *agreement);
struct policy_counter policy_counter_day(const struct policy_request *request,
                                         const struct catalogue_agreement *agreement,
                                         int64_t now_ms);
struct policy_counter policy_counter_lock(const struct policy_request *request, struct bytes field);

// The counter as the input has it; NULL when it was not given.
const struct policy_counter *policy_counter_find(const struct policy_input *input,
                                                 const struct policy_counter *wanted);

// True when over(number) may not be given because another N was, not long ago.
bool policy_lock_refuses(uint64_t lock, uint8_t number, int64_t now_ms);
