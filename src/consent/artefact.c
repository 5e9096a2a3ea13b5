// The life of a consent. Two tables say who may do what in which state; everything else is the rule
// that a consent only ever becomes less: a citizen grants at most what was asked, and narrows what
// is granted; more needs a new consent. Whether it still holds when data are asked for is policy's
// question, asked anew each time: the agreement may have become narrower meanwhile.
#include "consent/artefact.h"

#include <inttypes.h>

static const char *const state_names[CONSENT_STATE_COUNT] = {
    [CONSENT_NONE] = "none",           [CONSENT_REQUESTED] = "requested",
    [CONSENT_ACTIVE] = "active",       [CONSENT_PAUSED] = "paused",
    [CONSENT_WITHDRAWN] = "withdrawn", [CONSENT_EXPIRED] = "expired",
    [CONSENT_REFUSED] = "refused",     [CONSENT_SUPERSEDED] = "superseded",
};

static const char *const action_names[CONSENT_ACTION_COUNT] = {
    [0] = "none",
    [CONSENT_REQUEST] = "request",
    [CONSENT_GRANT] = "grant",
    [CONSENT_REFUSE] = "refuse",
    [CONSENT_PAUSE] = "pause",
    [CONSENT_RESUME] = "resume",
    [CONSENT_WITHDRAW] = "withdraw",
};

// Who may do it at all.
static const bool allowed[CONSENT_ACTION_COUNT][CONSENT_ACTOR_COUNT] = {
    [CONSENT_REQUEST] = { [CONSENT_ACTOR_AGENCY] = true },
    [CONSENT_GRANT] = { [CONSENT_ACTOR_CITIZEN] = true },
    [CONSENT_REFUSE] = { [CONSENT_ACTOR_CITIZEN] = true },
    [CONSENT_PAUSE] = { [CONSENT_ACTOR_CITIZEN] = true },
    [CONSENT_RESUME] = { [CONSENT_ACTOR_CITIZEN] = true },
    [CONSENT_WITHDRAW] = { [CONSENT_ACTOR_CITIZEN] = true },
};

// The state after it; none: it does not follow. Withdrawn, expired, refused and superseded are
// ends.
static const enum consent_state transitions[CONSENT_STATE_COUNT][CONSENT_ACTION_COUNT] = {
    [CONSENT_NONE] = { [CONSENT_REQUEST] = CONSENT_REQUESTED, [CONSENT_GRANT] = CONSENT_ACTIVE },
    [CONSENT_REQUESTED] = { [CONSENT_GRANT] = CONSENT_ACTIVE, [CONSENT_REFUSE] = CONSENT_REFUSED },
    [CONSENT_ACTIVE] = { [CONSENT_GRANT] = CONSENT_ACTIVE,
                         [CONSENT_PAUSE] = CONSENT_PAUSED,
                         [CONSENT_WITHDRAW] = CONSENT_WITHDRAWN },
    [CONSENT_PAUSED] = { [CONSENT_RESUME] = CONSENT_ACTIVE,
                         [CONSENT_WITHDRAW] = CONSENT_WITHDRAWN },
};

enum consent_state consent_transition(enum consent_state from, enum consent_action action,
                                      enum consent_actor actor)
{
    if ((unsigned)from >= CONSENT_STATE_COUNT || (unsigned)action >= CONSENT_ACTION_COUNT ||
        (unsigned)actor >= CONSENT_ACTOR_COUNT || !allowed[action][actor]) {
        return CONSENT_NONE;
    }
    return transitions[from][action];
}

const char *consent_state_name(enum consent_state state)
{
    return (unsigned)state < CONSENT_STATE_COUNT ? state_names[state] : "unknown";
}

const char *consent_action_name(enum consent_action action)
{
    return (unsigned)action < CONSENT_ACTION_COUNT ? action_names[action] : "unknown";
}

static enum status exceeds(const struct bytes *what, const char *problem, struct error *err)
{
    return error_set(err, ST_DENIED, "consent: '%.*s': %s",
                     (int)(what->size < 64 ? what->size : 64), (const char *)what->data, problem);
}

// Checks fields, window and uses against one agreement.
static enum status within_agreement(const struct wire_artefact *artefact,
                                    const struct catalogue_agreement *agreement, struct error *err)
{
    static const uint64_t day_ms = 86400000;
    const struct catalogue_dataset *dataset = agreement->dataset;
    for (size_t i = 0; i < artefact->fields_count; i++) {
        const struct wire_field_ask *ask = &artefact->fields[i];
        const struct catalogue_field *field = catalogue_field(dataset, ask->name);
        struct catalogue_form form;
        if (field == NULL) {
            return exceeds(&ask->name, "the dataset has no such field", err);
        }
        if (!catalogue_form_parse(ask->form, &form) ||
            !catalogue_form_set_has(&field->forms, form)) {
            return exceeds(&ask->name, "the field has no such form", err);
        }
        if (!catalogue_form_set_covers(&agreement->forms[field - dataset->fields], form)) {
            return exceeds(&ask->name, "no agreement allows this field in this form", err);
        }
    }
    if (artefact->not_after - artefact->not_before > agreement->consent_days * day_ms) {
        return error_set(err, ST_DENIED, "consent: longer than the %" PRIu32 " days of '%s'",
                         agreement->consent_days, agreement->id);
    }
    if (artefact->uses > agreement->consent_uses) {
        return error_set(err, ST_DENIED, "consent: more than the %" PRIu32 " uses of '%s'",
                         agreement->consent_uses, agreement->id);
    }
    return ST_OK;
}

static enum status check_shape(const struct wire_artefact *artefact, struct error *err)
{
    if (artefact->fields_count == 0 || artefact->fields_count > CONSENT_FIELDS_MAX) {
        return error_set(err, ST_DENIED, "consent: %zu fields, not 1 to %d", artefact->fields_count,
                         CONSENT_FIELDS_MAX);
    }
    for (size_t i = 0; i < artefact->fields_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (bytes_equal(artefact->fields[i].name, artefact->fields[j].name) &&
                bytes_equal(artefact->fields[i].form, artefact->fields[j].form)) {
                return exceeds(&artefact->fields[i].name, "stands twice", err);
            }
        }
    }
    if (artefact->not_before >= artefact->not_after || artefact->not_after > INT64_MAX) {
        return error_set(err, ST_DENIED, "consent: its window ends before it begins");
    }
    if (artefact->uses == 0) {
        return error_set(err, ST_DENIED, "consent: it covers no release");
    }
    return ST_OK;
}

enum status consent_artefact_within(const struct wire_artefact *artefact,
                                    const struct catalogue *catalogue, struct error *err)
{
    const struct catalogue_member *asker = catalogue_member(catalogue, artefact->asker);
    const struct catalogue_dataset *dataset = catalogue_dataset(catalogue, artefact->dataset);
    const struct catalogue_purpose *purpose = catalogue_purpose(catalogue, artefact->purpose);
    size_t count = 0;
    enum status status = check_shape(artefact, err);
    if (status != ST_OK) {
        return status;
    }
    if (asker == NULL) {
        return exceeds(&artefact->asker, "there is no such member", err);
    }
    if (dataset == NULL) {
        return exceeds(&artefact->dataset, "there is no such dataset", err);
    }
    if (purpose == NULL) {
        return exceeds(&artefact->purpose, "there is no such purpose", err);
    }
    const struct catalogue_agreement *const *agreements =
        catalogue_agreements_for(catalogue, asker, dataset, purpose, &count);
    status = exceeds(&artefact->asker, "no agreement of it takes consents for this purpose", err);
    for (size_t i = 0; i < count && status != ST_OK; i++) {
        if ((agreements[i]->bases & 1u << CATALOGUE_BASIS_CONSENT) != 0) {
            status = within_agreement(artefact, agreements[i], err);
        }
    }
    return status;
}

static bool covers_field(const struct wire_artefact *artefact, const struct wire_field_ask *ask)
{
    struct catalogue_form wanted;
    struct catalogue_form has;
    if (!catalogue_form_parse(ask->form, &wanted)) {
        return false;
    }
    for (size_t i = 0; i < artefact->fields_count; i++) {
        if (bytes_equal(artefact->fields[i].name, ask->name) &&
            catalogue_form_parse(artefact->fields[i].form, &has) &&
            (catalogue_form_equal(has, wanted) || catalogue_form_stronger(has, wanted))) {
            return true;
        }
    }
    return false;
}

bool consent_artefact_narrows(const struct wire_artefact *current, const struct wire_artefact *next)
{
    for (size_t i = 0; i < next->fields_count; i++) {
        if (!covers_field(current, &next->fields[i])) {
            return false;
        }
    }
    return next->not_before >= current->not_before && next->not_after <= current->not_after &&
           next->uses <= current->uses && (current->automated || !next->automated);
}

static enum status check_chain(const struct wire_artefact *current,
                               const struct digest *current_hash, const struct wire_artefact *next,
                               struct error *err)
{
    if (current == NULL) {
        if (next->revision != 1 || !digest_is_zero(&next->previous)) {
            return error_set(err, ST_STALE, "consent: there is no revision before this one");
        }
        return ST_OK;
    }
    if (!id_equal(&current->id, &next->id)) {
        return error_set(err, ST_DENIED, "consent: a revision keeps its id");
    }
    if (next->revision != current->revision + 1 || !digest_equal(&next->previous, current_hash)) {
        return error_set(err, ST_STALE, "consent: revision %" PRIu32 " is the current one",
                         current->revision);
    }
    if (!bytes_equal(current->asker, next->asker) ||
        !bytes_equal(current->dataset, next->dataset) ||
        !bytes_equal(current->purpose, next->purpose)) {
        return error_set(err, ST_DENIED, "consent: asker, dataset and purpose never change");
    }
    if (next->collected_at < current->collected_at) {
        return error_set(err, ST_DENIED, "consent: collected before the revision that it follows");
    }
    return ST_OK;
}

enum status consent_artefact_follows(const struct wire_artefact *current,
                                     const struct digest *current_hash,
                                     const struct wire_artefact *next, enum consent_action action,
                                     enum consent_actor actor, struct error *err)
{
    enum consent_state from = current != NULL ? (enum consent_state)current->state : CONSENT_NONE;
    enum consent_state to = consent_transition(from, action, actor);
    enum status status = check_chain(current, current_hash, next, err);
    if (status != ST_OK) {
        return status;
    }
    if (to == CONSENT_NONE) {
        bool ended = from == CONSENT_WITHDRAWN || from == CONSENT_EXPIRED ||
                     from == CONSENT_REFUSED || from == CONSENT_SUPERSEDED;
        return error_set(err, ST_DENIED, "consent: it is %s, '%s' cannot follow%s",
                         from == CONSENT_NONE ? "not there yet" : consent_state_name(from),
                         consent_action_name(action),
                         ended ? "; what has ended is asked for anew" : " for whoever acts here");
    }
    if (next->state != (uint32_t)to) {
        return error_set(err, ST_DENIED, "consent: after '%s' its state is '%s'",
                         consent_action_name(action), consent_state_name(to));
    }
    if (current == NULL) {
        return ST_OK;
    }
    if (!consent_artefact_narrows(current, next)) {
        return error_set(err, ST_DENIED,
                         "consent: a revision never grants more than the one before");
    }
    if (action != CONSENT_GRANT && !consent_artefact_narrows(next, current)) {
        return error_set(err, ST_DENIED, "consent: '%s' changes the state alone",
                         consent_action_name(action));
    }
    return ST_OK;
}

enum status consent_grant_read(const struct wire_artefact *artefact, const struct digest *hash,
                               uint64_t spent, struct arena *arena, struct consent_grant *grant,
                               struct error *err)
{
    struct consent_grant_field *fields =
        arena_take(arena, (artefact->fields_count + 1) * sizeof(*fields));
    if (fields == NULL) {
        return error_set(err, ST_NOMEM, "consent");
    }
    for (size_t i = 0; i < artefact->fields_count; i++) {
        fields[i].name = artefact->fields[i].name;
        if (!catalogue_form_parse(artefact->fields[i].form, &fields[i].form)) {
            return error_set(err, ST_MALFORMED, "consent: a form is none");
        }
    }
    if (artefact->not_before > INT64_MAX || artefact->not_after > INT64_MAX) {
        return error_set(err, ST_MALFORMED, "consent: a time past all time");
    }
    *grant = (struct consent_grant){ .id = artefact->id,
                                     .revision = artefact->revision,
                                     .state = (enum consent_state)artefact->state,
                                     .asker = artefact->asker,
                                     .dataset = artefact->dataset,
                                     .purpose = artefact->purpose,
                                     .fields = fields,
                                     .field_count = artefact->fields_count,
                                     .automated = artefact->automated,
                                     .not_before_ms = (int64_t)artefact->not_before,
                                     .not_after_ms = (int64_t)artefact->not_after,
                                     .uses = artefact->uses,
                                     .spent = spent,
                                     .hash = *hash };
    return ST_OK;
}

enum consent_state consent_state_at(enum consent_state state, uint64_t not_after_ms, int64_t now_ms)
{
    bool live = state == CONSENT_ACTIVE || state == CONSENT_PAUSED;
    return live && now_ms >= 0 && (uint64_t)now_ms >= not_after_ms ? CONSENT_EXPIRED : state;
}
