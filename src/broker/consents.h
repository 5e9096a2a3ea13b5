// A person's consents as they stand, one after another, in the order of their ids.
#pragma once

#include "audit/views.h"
#include "base/arena.h"
#include "wire/consent.h"

// One consent. What it views is good for the call of the visitor only.
struct consents_row {
    struct wire_consent_record record;
    struct wire_artefact artefact;
    struct bytes packed; // the record as stored
};

// Returns false to end the walk.
typedef bool (*consents_visit)(void *context, const struct consents_row *row);

// Visits the consents from id `from` on (NULL: all). `scratch` is reset for each of them, so there
// is no bound on how many a person may have.
NODISCARD enum status consents_walk(struct audit_reader *reader, const struct audit_tag *tag,
                                    const struct id *from, struct arena *scratch,
                                    consents_visit visit, void *context, struct error *err);

// A copy of the row that lives in the arena.
NODISCARD enum status consents_keep(const struct consents_row *row, struct arena *arena,
                                    struct consents_row *kept, struct error *err);

// An agency may have so many requests open with one person: more would bury the citizen's list.
enum { CONSENTS_REQUESTED_MAX = 16 };

// ST_DENIED: with those that the person has from the asker, and `more`, there is no room for one.
NODISCARD enum status consents_may_request(struct audit_reader *reader, const struct audit_tag *tag,
                                           struct bytes asker, size_t more, struct arena *scratch,
                                           struct error *err);
