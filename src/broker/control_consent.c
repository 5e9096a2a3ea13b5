// Consents and citizens' sessions. A change of consent is signed by the peer that collected it, in
// a session that this broker opened with the citizen's code; an agency may only ask for one. The
// recorder checks the revision once more, in the order of the log.
#include "broker/control.h"

#include "broker/consents.h"
#include "consent/artefact.h"
#include "seal/hash.h"

enum { DAY_MS = 24 * 60 * 60 * 1000 };

static enum status no_memory(struct error *err)
{
    return error_set(err, ST_NOMEM, "no memory for the change");
}

enum status control_person(struct control *control, struct bytes scheme, struct bytes identifier,
                           struct audit_tag *tag, struct error *err)
{
    if (control->bundle == NULL) {
        return error_set(err, ST_DENIED, "no policy bundle is in force yet");
    }
    struct buffer normal = buffer_init(CATALOGUE_SUBJECT_MAX);
    enum status status =
        catalogue_subject_normalise(control->bundle->catalogue, scheme, identifier, &normal, err);
    if (status == ST_OK) {
        *tag = audit_tagger_tag(control->broker->tagger, scheme, buffer_view(&normal));
    }
    buffer_fini(&normal);
    return status;
}

// ---- consent

struct change {
    struct wire_artefact next;
    struct digest next_hash;
    struct audit_tag tag;
    enum consent_actor actor;
    uint32_t assurance;
};

static enum status find_person(struct control *control, const struct job *job,
                               struct change *change, struct error *err)
{
    const struct wire_consent_change *message = job->payload;
    if (job->from.role == REGISTRY_ROLE_NODE) {
        change->actor = CONSENT_ACTOR_AGENCY;
        change->assurance = WIRE_ASSURANCE_AGENCY;
        if (!bytes_equal(change->next.asker, job->from.member)) {
            return error_set(err, ST_DENIED, "an agency asks for its own consents only");
        }
        return control_person(control, message->subject_scheme, message->subject, &change->tag,
                              err);
    }
    change->actor = CONSENT_ACTOR_CITIZEN;
    change->assurance =
        job->from.role == REGISTRY_ROLE_DESK ? WIRE_ASSURANCE_DESK : WIRE_ASSURANCE_CITIZEN;
    return sessions_find(control->sessions, &message->session, &job->from.batch_key,
                         control->now_ms, &change->tag, err);
}

static enum status check_change(struct control *control, struct job *job, struct change *change,
                                struct error *err)
{
    const struct wire_consent_change *message = job->payload;
    struct wire_consent_record current = { 0 };
    struct wire_artefact before = { 0 };
    enum status status = audit_reader_consent(control->reader, &change->tag, &change->next.id,
                                              job->arena, &current, err);
    bool exists = status == ST_OK;
    if (exists) {
        status = wire_decode(WIRE_SCHEMA_ARTEFACT, current.artefact, job->arena, &before, err);
    } else if (status == ST_NOT_FOUND) {
        status = ST_OK;
    }
    if (status == ST_OK) {
        status = consent_artefact_follows(exists ? &before : NULL, exists ? &current.hash : NULL,
                                          &change->next, (enum consent_action)message->action,
                                          change->actor, err);
    }
    bool grants = message->action == WIRE_CONSENT_ACTION_REQUEST ||
                  message->action == WIRE_CONSENT_ACTION_GRANT;
    if (status == ST_OK && grants) {
        if (control->bundle == NULL ||
            !digest_equal(&change->next.bundle_hash, &control->bundle->head.hash)) {
            return error_set(err, ST_STALE,
                             "the policy bundle has changed; fetch it and show the "
                             "citizen the newest text");
        }
        status = consent_artefact_within(&change->next, control->bundle->catalogue, err);
    }
    if (status == ST_OK && message->action == WIRE_CONSENT_ACTION_REQUEST) {
        status = consents_may_request(control->reader, &change->tag, change->next.asker, 0,
                                      control->scratch, err);
    }
    int64_t age = control->now_ms - (int64_t)change->next.collected_at;
    if (status == ST_OK && (age < -DAY_MS || age > DAY_MS)) {
        status = error_set(err, ST_DENIED, "collected_at is more than a day off; set the clock");
    }
    return status;
}

static enum status fill_record(struct control *control, struct job *job,
                               const struct change *change, struct error *err)
{
    const struct wire_consent_change *message = job->payload;
    const struct wire_artefact *next = &change->next;
    struct wire_exchange_part *exchange = arena_take(job->arena, sizeof(*exchange));
    struct wire_subject_part *subject = arena_take(job->arena, sizeof(*subject));
    struct wire_officer_part *officer = arena_take(job->arena, sizeof(*officer));
    struct wire_consent_record *record = arena_take(job->arena, sizeof(*record));
    if (exchange == NULL || subject == NULL || officer == NULL || record == NULL) {
        return no_memory(err);
    }
    *exchange = (struct wire_exchange_part){ .format = 1,
                                             .kind = WIRE_KIND_CONSENT,
                                             .asker = next->asker,
                                             .dataset = next->dataset,
                                             .purpose = next->purpose,
                                             .consent = next->id,
                                             .consent_revision = next->revision,
                                             .bundle_hash = next->bundle_hash,
                                             .recorded_at = (uint64_t)control->now_ms,
                                             .signer = job->from.batch_key };
    *subject = (struct wire_subject_part){ .format = 1,
                                           .kind = WIRE_KIND_CONSENT,
                                           .asker = next->asker,
                                           .dataset = next->dataset,
                                           .purpose = next->purpose,
                                           .basis = WIRE_BASIS_CONSENT,
                                           .automated = next->automated,
                                           .consent = next->id,
                                           .consent_revision = next->revision,
                                           .consent_state = next->state,
                                           .bundle_hash = next->bundle_hash,
                                           .artefact = message->artefact };
    *record = (struct wire_consent_record){ .id = next->id,
                                            .revision = next->revision,
                                            .state = next->state,
                                            .artefact = message->artefact,
                                            .hash = change->next_hash,
                                            .collector = job->from.member,
                                            .collector_key = job->from.batch_key,
                                            .assurance = change->assurance };
    *officer = (struct wire_officer_part){ .format = 1,
                                           .kind = WIRE_KIND_CONSENT,
                                           .official = message->clerk,
                                           .node = job->from.node,
                                           .decided_at = (uint64_t)control->now_ms,
                                           .message_hash = seal_sha256(job->head.payload),
                                           .consent = record };
    job->record =
        (struct record){ .kind = RECORD_CONSENT,
                         .class = WIRE_CLASS_CONSENT,
                         .receipt_part = change->actor == CONSENT_ACTOR_AGENCY ? WIRE_PART_EXCHANGE
                                                                               : WIRE_PART_SUBJECT,
                         .exchange = exchange,
                         .subject = subject,
                         .officer = officer,
                         .chained = true,
                         .tag = change->tag };
    record->tag = audit_tag_view(&job->record.tag);
    return ST_OK;
}

enum status control_consent(struct control *control, struct job *job, struct error *err)
{
    const struct wire_consent_change *message = job->payload;
    struct change change = { .next_hash = seal_sha256(message->artefact) };
    enum status status =
        wire_decode(WIRE_SCHEMA_ARTEFACT, message->artefact, job->arena, &change.next, err);
    if (status == ST_OK) {
        status = find_person(control, job, &change, err);
    }
    if (status == ST_OK) {
        status = check_change(control, job, &change, err);
    }
    return status == ST_OK ? fill_record(control, job, &change, err) : status;
}

// ---- sessions

struct opened {
    struct digest handle;
    int64_t expires_ms;
};

static enum status make_code(struct control *control, struct job *job, struct error *err)
{
    const struct wire_session *message = job->payload;
    struct audit_tag tag;
    struct id code;
    int64_t expires_ms = 0;
    if (job->from.role != REGISTRY_ROLE_PORTAL) {
        return error_set(err, ST_DENIED,
                         "codes for citizens are made by a key of role portal; a "
                         "desk only takes the code that the citizen brings");
    }
    enum status status =
        control_person(control, message->subject_scheme, message->subject, &tag, err);
    if (status == ST_OK) {
        status =
            sessions_make_code(control->sessions, &tag, control->now_ms, &code, &expires_ms, err);
    }
    if (status == ST_OK) {
        struct wire_result result = { .value = bytes_id(&code),
                                      .expires_at = (uint64_t)expires_ms };
        frame_result(&control->maker, job, &result, (struct bytes){ 0 });
    }
    return status;
}

static enum status open_session(struct control *control, struct job *job, struct error *err)
{
    const struct wire_session *message = job->payload;
    struct opened *opened = arena_take(job->arena, sizeof(*opened));
    struct wire_subject_part *subject = arena_take(job->arena, sizeof(*subject));
    struct wire_officer_part *officer = arena_take(job->arena, sizeof(*officer));
    struct audit_tag tag;
    if (opened == NULL || subject == NULL || officer == NULL) {
        return no_memory(err);
    }
    if (job->from.role != REGISTRY_ROLE_DESK) {
        return error_set(err, ST_DENIED,
                         "a session is opened with a code by a key of role desk: "
                         "whoever makes codes cannot spend them");
    }
    enum status status =
        sessions_open(control->sessions, &message->code, &job->from.batch_key, control->now_ms,
                      &opened->handle, &tag, &opened->expires_ms, err);
    if (status != ST_OK) {
        return status;
    }
    struct bytes role = bytes_text(registry_role_name(job->from.role));
    *subject = (struct wire_subject_part){ .format = 1,
                                           .kind = WIRE_KIND_SESSION_OPENED,
                                           .asker = job->from.member,
                                           .official_role = role };
    *officer = (struct wire_officer_part){ .format = 1,
                                           .kind = WIRE_KIND_SESSION_OPENED,
                                           .reader = job->from.member,
                                           .reader_role = role,
                                           .official = message->clerk,
                                           .node = job->from.node,
                                           .decided_at = (uint64_t)control->now_ms };
    job->record = (struct record){ .kind = RECORD_PLAIN,
                                   .class = WIRE_CLASS_OVERSIGHT,
                                   .receipt_part = WIRE_PART_SUBJECT,
                                   .subject = subject,
                                   .officer = officer,
                                   .chained = true,
                                   .tag = tag };
    job->scratch = opened;
    return ST_OK;
}

enum status control_session(struct control *control, struct job *job, struct error *err)
{
    const struct wire_session *message = job->payload;
    switch ((enum wire_session_action)message->action) {
    case WIRE_SESSION_MAKE_CODE:
        return make_code(control, job, err);
    case WIRE_SESSION_OPEN:
        return open_session(control, job, err);
    case WIRE_SESSION_CLOSE:
        sessions_close(control->sessions, &message->session);
        frame_result(&control->maker, job, &(struct wire_result){ 0 }, (struct bytes){ 0 });
        return ST_OK;
    }
    return error_set(err, ST_UNSUPPORTED, "session: no such action");
}

enum status control_session_done(struct control *control, struct job *job, struct error *err)
{
    const struct opened *opened = job->scratch;
    struct wire_result result = { .receipt = job->record.receipt,
                                  .value = bytes_digest(&opened->handle),
                                  .expires_at = (uint64_t)opened->expires_ms };
    (void)err;
    frame_result(&control->maker, job, &result, (struct bytes){ 0 });
    return ST_OK;
}
