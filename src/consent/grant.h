// What policy reads of a consent: plain facts of one revision.
#pragma once

#include "base/bytes.h"
#include "catalogue/form.h"

// States of a consent, numbered as on the wire.
enum consent_state {
    CONSENT_NONE = 0,
    CONSENT_REQUESTED = 1,
    CONSENT_ACTIVE = 2,
    CONSENT_PAUSED = 3,
    CONSENT_WITHDRAWN = 4,
    CONSENT_EXPIRED = 5,
    CONSENT_REFUSED = 6,
    CONSENT_SUPERSEDED = 7,
    CONSENT_STATE_COUNT,
};

enum { CONSENT_FIELDS_MAX = 64 };

// A field with the strongest form granted; weaker ones that the field has are granted with it.
struct consent_grant_field {
    struct bytes name;
    struct catalogue_form form;
};

struct consent_grant {
    struct id id;
    uint32_t revision;
    enum consent_state state;
    struct bytes asker;
    struct bytes dataset;
    struct bytes purpose;
    const struct consent_grant_field *fields;
    size_t field_count;
    bool automated;        // decisions without a person are agreed to as well
    int64_t not_before_ms; // from here
    int64_t not_after_ms;  // and before here
    uint32_t uses;         // releases granted; 0 grants none
    uint64_t spent;        // releases made under it, from its counter
    struct digest hash;    // of the artefact of this revision
};
