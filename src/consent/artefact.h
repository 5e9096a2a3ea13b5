// What a citizen granted, as signed (`Artefact` on the wire), and its life: which change may follow
// which, and that it never exceeds its agreement.
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "catalogue/catalogue.h"
#include "consent/grant.h"
#include "wire/message.h"

// What is done to a consent, numbered as on the wire.
enum consent_action {
    CONSENT_REQUEST = 1, // an agency asks for it
    CONSENT_GRANT = 2,   // given; on one that is active already: narrowed
    CONSENT_REFUSE = 3,
    CONSENT_PAUSE = 4,
    CONSENT_RESUME = 5,
    CONSENT_WITHDRAW = 6,
    CONSENT_ACTION_COUNT,
};

// Who does it.
enum consent_actor {
    CONSENT_ACTOR_AGENCY,  // a node, for its own member
    CONSENT_ACTOR_CITIZEN, // in a citizen's session: own log-in, or a desk with the citizen's code
    CONSENT_ACTOR_COUNT,
};

// The state that follows; CONSENT_NONE when that actor may not do that to a consent in that state.
enum consent_state consent_transition(enum consent_state from, enum consent_action action,
                                      enum consent_actor actor);

// "requested", "active", …; "none". Static.
const char *consent_state_name(enum consent_state state);
const char *consent_action_name(enum consent_action action);

// Checks a first revision, or one that narrows, against the catalogue: asker, dataset, purpose and
// fields are known; one agreement that takes consents allows every field in a form at least as
// strong; window and uses within its bounds. ST_DENIED names what exceeds.
NODISCARD enum status consent_artefact_within(const struct wire_artefact *artefact,
                                              const struct catalogue *catalogue, struct error *err);

// Checks that `next` may follow `current` (NULL, with its hash NULL: there is none yet) by `action`
// of `actor`: state, revision, previous hash, unchanged subject matter; a grant after a request,
// and a change of what was granted, only ever narrows; pause, resume and withdraw change nothing
// but the state. ST_DENIED says what does not follow; ST_STALE: made from another revision.
NODISCARD enum status consent_artefact_follows(const struct wire_artefact *current,
                                               const struct digest *current_hash,
                                               const struct wire_artefact *next,
                                               enum consent_action action, enum consent_actor actor,
                                               struct error *err);

// True when `next` grants nothing that `current` does not: fields, forms, window, uses, automated.
bool consent_artefact_narrows(const struct wire_artefact *current,
                              const struct wire_artefact *next);

// The facts for policy. Views borrow from artefact and arena. ST_MALFORMED: a form that is none.
NODISCARD enum status consent_grant_read(const struct wire_artefact *artefact,
                                         const struct digest *hash, uint64_t spent,
                                         struct arena *arena, struct consent_grant *grant,
                                         struct error *err);

// The state as people see it: an active or paused consent past its window has expired.
enum consent_state consent_state_at(enum consent_state state, uint64_t not_after_ms,
                                    int64_t now_ms);
