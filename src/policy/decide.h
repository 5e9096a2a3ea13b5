// The decision about one request: for each field, permit or deny, in which form and why. A pure
// function of its input: no I/O, no clock, no allocation. The broker, `vedomo request explain` and
// `vedomo audit replay` call the same one.
//
// The default is no. Forbidding beats permitting. One request rests on one agreement and, where
// consent is its basis, on one consent.
#pragma once

#include "base/error.h"
#include "catalogue/catalogue.h"
#include "consent/grant.h"

enum policy_verdict { POLICY_DENY = 0, POLICY_PERMIT };

// How a member, or the key that signed, stands. Zeroed memory is not active.
enum policy_standing {
    POLICY_STANDING_UNKNOWN = 0,
    POLICY_STANDING_ACTIVE = 1,
    POLICY_STANDING_SUSPENDED = 2,
    POLICY_STANDING_REVOKED = 3,
};

// What the caller found out about the evidence of `explicit-request` and `court-order`. Policy
// checks the evidence of the other bases itself.
enum policy_evidence {
    POLICY_EVIDENCE_UNSUPPORTED = 0, // the caller does not serve this basis
    POLICY_EVIDENCE_INVALID,
    POLICY_EVIDENCE_VALID,
};

struct policy_ask {
    struct bytes name;
    struct bytes form; // as on the wire: "full", "over(65)"
};

// What the request says, as far as it matters for the decision.
struct policy_request {
    struct bytes asker;
    struct bytes official;
    struct bytes official_role;
    struct bytes holder;
    struct bytes dataset;
    struct bytes purpose;
    const struct policy_ask *fields; // 1..CATALOGUE_FIELDS_MAX
    size_t field_count;
    enum catalogue_basis basis;
    struct id consent; // the consent it names; zero: whichever covers it
    struct bytes article;
    struct bytes justification;
    struct bytes case_ref;
    bool automated;
    bool partial_ok;
    bool exact;
};

enum policy_counter_kind {
    POLICY_COUNTER_CASE = 1,     // releases for one case under one agreement
    POLICY_COUNTER_OFFICIAL_DAY, // releases to one official on one UTC day under one agreement
    POLICY_COUNTER_FORM_LOCK,    // which over(N) was given: see policy_form_lock()
    POLICY_COUNTER_CONSENT,      // releases under one consent
};

// A number that the log keeps. Its identity is every field but `value` and `limit`; those that the
// kind does not use are empty. Views borrow from request, catalogue and grants.
struct policy_counter {
    enum policy_counter_kind kind;
    struct bytes agreement; // case, official-day
    struct bytes scope;     // case reference, official's pseudonym, field's name
    struct bytes asker;     // form-lock; so are the next two
    struct bytes dataset;
    struct bytes purpose;
    struct id consent; // consent
    uint32_t day;      // official-day: days since 1970 UTC
    bool per_subject;  // form-lock: the citizen's tag belongs to the identity
    uint64_t value;    // in the input: as it stands; in charges: as it will stand
    uint64_t limit;    // in charges: `value` may not pass it; 0: no limit (form-lock)
};

enum {
    POLICY_COUNTERS_MAX = 2 + CATALOGUE_FIELDS_MAX, // that a decision looks at
    POLICY_CHARGES_MAX = 3 + CATALOGUE_FIELDS_MAX,  // that a release changes
    POLICY_COUNTER_BYTES = 1024,                    // of a counter's identity
    POLICY_JUSTIFICATION_MIN = 20,                  // characters
    POLICY_FORM_LOCK_DAYS = 30,
};

struct policy_input {
    const struct policy_request *request;
    const struct catalogue *catalogue;
    const struct consent_grant *grants; // of the citizen; those of other askers are passed over
    size_t grant_count;
    const struct policy_counter *counters; // those policy_counters() named, with their values
    size_t counter_count;
    enum policy_standing asker;
    enum policy_standing holder;
    enum policy_standing key; // the one that signed the request
    enum policy_evidence evidence;
    int64_t now_ms;
};

struct policy_field_decision {
    enum policy_verdict verdict;
    struct catalogue_form asked;        // NONE: what was asked is no form
    struct catalogue_form given;        // NONE when denied
    enum catalogue_reason reason;       // the true one: for citizen and officer
    enum catalogue_reason asker_reason; // for asker and holder
    bool over_asked;                    // no agreement allows the field for this purpose
};

struct policy_decision {
    struct policy_field_decision fields[CATALOGUE_FIELDS_MAX]; // in the order of the request
    size_t field_count;
    bool permits_any;
    const struct catalogue_agreement *agreement;       // the one that decided; NULL: none applies
    const struct consent_grant *consent;               // the one that decided; NULL: none
    struct policy_counter charges[POLICY_CHARGES_MAX]; // what one release under it changes
    size_t charge_count;
    const struct digest *bundle_hash;
};

// The counters that policy_decide() will look at; values are left 0. Returns how many.
size_t policy_counters(const struct policy_input *input,
                       struct policy_counter counters[POLICY_COUNTERS_MAX]);

// The identity as bytes to hash: every field with its length. `subject_tag` counts where
// per_subject is set. Returns the size.
size_t policy_counter_identity(const struct policy_counter *counter, struct bytes subject_tag,
                               uint8_t identity[POLICY_COUNTER_BYTES]);

// A form lock as a counter's value: the N that was given, and until when no other N is.
uint64_t policy_form_lock(uint8_t number, int64_t until_ms);

// When a charge stops to count, in ms; 0: it counts for good.
int64_t policy_counter_until(const struct policy_counter *charge);

// True while the lock that stands is for another N than the one wanted.
bool policy_form_lock_refuses(uint64_t standing, uint64_t wanted, int64_t now_ms);

// True when the consent is about the request's asker and dataset: others never matter.
bool policy_grant_matters(const struct policy_request *request, const struct consent_grant *grant);

// Decides. A counter that was not given counts as spent. ST_MALFORMED: no field or too many.
// *decision is written on success only, and but for its first field_count and charge_count rows.
NODISCARD enum status policy_decide(const struct policy_input *input,
                                    struct policy_decision *decision, struct error *err);
