// The decision about an exchange: what the pure function is fed with, what of its verdict the
// exchange keeps, and what goes on record for each kind of reader.
#include "broker/worker.h"

#include "broker/consents.h"
#include "broker/parts.h"
#include "broker/standing.h"
#include "consent/artefact.h"
#include "seal/hash.h"

static const int64_t FLAG_AFTER_WITHDRAWAL_MS = INT64_C(30) * 24 * 60 * 60 * 1000;
static const struct bytes flag_after_withdrawal = { (const uint8_t *)"basis-after-withdrawal", 22 };

static enum status out_of_memory(struct error *err)
{
    return error_set(err, ST_NOMEM, "the request needs more memory than one may have");
}

// The value under the newest of the older keys of tags that has one. Nothing is charged there any
// more, so it stays as it is.
static enum status read_carried(struct worker *worker, const struct exchange *exchange,
                                const struct policy_counter *counter, uint64_t *value,
                                struct error *err)
{
    const struct audit_tag *older = exchange->older_tags;
    bool personal = counter->per_subject || counter->kind == POLICY_COUNTER_CONSENT;
    enum status status = ST_OK;
    *value = 0;
    for (size_t i = 0; status == ST_OK && personal && *value == 0 && i < exchange->older_count;
         i++) {
        struct digest key = standing_counter_key(counter, &older[i]);
        status = audit_reader_counter(worker->reader, &key, value, err);
    }
    return status;
}

static enum status read_counter(struct worker *worker, const struct exchange *exchange,
                                struct policy_counter *counter, struct error *err)
{
    struct digest key = standing_counter_key(counter, &exchange->tag);
    enum status status = audit_reader_counter(worker->reader, &key, &counter->value, err);
    if (status == ST_OK && counter->value == 0) {
        status = read_carried(worker, exchange, counter, &counter->value, err);
    }
    return status;
}

// Asked on another ground soon after the citizen withdrew consent to the same: an officer should
// look at it.
static bool comes_after_withdrawal(const struct worker *worker, const struct exchange *exchange,
                                   const struct wire_consent_record *record)
{
    return exchange->basis != WIRE_BASIS_CONSENT && record->state == WIRE_CONSENT_WITHDRAWN &&
           worker->now_ms - (int64_t)record->changed_at < FLAG_AFTER_WITHDRAWAL_MS;
}

// What is collected of a citizen's consents for one decision.
struct gathering {
    struct worker *worker;
    const struct exchange *exchange;
    struct arena *arena;
    struct wire_officer_part *seen; // NULL: nobody asks
    size_t count;
    enum status status;
    struct error *err;
};

// Where the next one goes: one in force takes the place of one that is not when the room is full.
static size_t place_for(const struct gathering *gathering, const struct consents_row *row)
{
    const struct consent_grant *grants = gathering->worker->grants;
    if (gathering->count < WORKER_CONSENTS_MAX) {
        return gathering->count;
    }
    for (size_t i = 0; row->record.state == WIRE_CONSENT_ACTIVE && i < gathering->count; i++) {
        if (grants[i].state != CONSENT_ACTIVE) {
            return i;
        }
    }
    return WORKER_CONSENTS_MAX;
}

static enum status gather(struct gathering *gathering, const struct consents_row *row, size_t place)
{
    struct worker *worker = gathering->worker;
    struct policy_counter spent = { .kind = POLICY_COUNTER_CONSENT, .consent = row->record.id };
    struct consents_row kept;
    enum status status = consents_keep(row, gathering->arena, &kept, gathering->err);
    if (status == ST_OK) {
        status = read_counter(worker, gathering->exchange, &spent, gathering->err);
    }
    if (status == ST_OK) {
        status = consent_grant_read(&kept.artefact, &kept.record.hash, spent.value,
                                    gathering->arena, &worker->grants[place], gathering->err);
    }
    if (status == ST_OK && place == gathering->count) {
        gathering->count++;
    }
    return status;
}

// Asked for, refused and superseded ones permit nothing and never did.
static bool visit_consent(void *context, const struct consents_row *row)
{
    struct gathering *gathering = context;
    const struct exchange *exchange = gathering->exchange;
    bool counts =
        row->record.state == WIRE_CONSENT_ACTIVE || row->record.state == WIRE_CONSENT_PAUSED ||
        row->record.state == WIRE_CONSENT_WITHDRAWN || row->record.state == WIRE_CONSENT_EXPIRED;
    if (!counts || !bytes_equal(row->artefact.asker, exchange->asker) ||
        !bytes_equal(row->artefact.dataset, exchange->dataset)) {
        return true;
    }
    if (gathering->seen != NULL &&
        comes_after_withdrawal(gathering->worker, exchange, &row->record)) {
        gathering->seen->flags = &flag_after_withdrawal;
        gathering->seen->flags_count = 1;
    }
    size_t place = place_for(gathering, row);
    if (place < WORKER_CONSENTS_MAX) {
        gathering->status = gather(gathering, row, place);
    }
    return gathering->status == ST_OK;
}

// The citizen's consents that could matter for this request.
static enum status read_grants(struct worker *worker, const struct exchange *exchange,
                               struct arena *arena, struct policy_input *input,
                               struct wire_officer_part *seen, struct error *err)
{
    struct gathering gathering = {
        .worker = worker, .exchange = exchange, .arena = arena, .seen = seen, .err = err
    };
    enum status status = consents_walk(worker->reader, &exchange->tag, NULL, worker->scratch,
                                       visit_consent, &gathering, err);
    input->grants = worker->grants;
    input->grant_count = gathering.count;
    return status == ST_OK ? gathering.status : status;
}

// What the decision looked at, so that it can be made again.
static enum status list_seen(const struct policy_input *input, const struct audit_tag *tag,
                             struct arena *arena, struct wire_officer_part *seen, struct error *err)
{
    struct wire_consent_seen *consents = arena_take(arena, input->grant_count * sizeof(*consents));
    struct wire_counter_seen *counters =
        arena_take(arena, input->counter_count * sizeof(*counters));
    if (consents == NULL || counters == NULL) {
        return out_of_memory(err);
    }
    for (size_t i = 0; i < input->grant_count; i++) {
        const struct consent_grant *grant = &input->grants[i];
        consents[i] = (struct wire_consent_seen){ .id = grant->id,
                                                  .revision = grant->revision,
                                                  .hash = grant->hash,
                                                  .uses = (uint32_t)grant->spent };
    }
    for (size_t i = 0; i < input->counter_count; i++) {
        counters[i] =
            (struct wire_counter_seen){ .key = standing_counter_key(&input->counters[i], tag),
                                        .value = input->counters[i].value };
    }
    seen->consents = consents;
    seen->consents_count = input->grant_count;
    seen->counters = counters;
    seen->counters_count = input->counter_count;
    return ST_OK;
}

enum status worker_decide(struct worker *worker, const struct exchange *exchange,
                          struct arena *arena, struct wire_officer_part *seen, struct error *err)
{
    struct policy_input input = {
        .request = &exchange->facts,
        .catalogue = worker->bundle->catalogue,
        .asker = standing_of_member(worker->registry, exchange->asker),
        .holder = standing_of_member(worker->registry, exchange->holder),
        .key = standing_of_key(worker->registry, &exchange->asker_key, worker->now_ms),
        .evidence = POLICY_EVIDENCE_UNSUPPORTED,
        .now_ms = worker->now_ms,
    };
    enum status status = read_grants(worker, exchange, arena, &input, seen, err);
    if (status != ST_OK) {
        return status;
    }
    struct policy_counter *counters = worker->counters;
    input.counter_count = policy_counters(&input, counters);
    input.counters = counters;
    for (size_t i = 0; status == ST_OK && i < input.counter_count; i++) {
        status = read_counter(worker, exchange, &counters[i], err);
    }
    if (status == ST_OK) {
        status = policy_decide(&input, worker->decision, err);
    }
    if (status == ST_OK && seen != NULL) {
        status = list_seen(&input, &exchange->tag, arena, seen, err);
    }
    return status;
}

static const char *charge_reason(enum policy_counter_kind kind)
{
    switch (kind) {
    case POLICY_COUNTER_CONSENT:
        return "consent-used-up";
    case POLICY_COUNTER_CASE:
    case POLICY_COUNTER_OFFICIAL_DAY:
        return "limit-reached";
    case POLICY_COUNTER_FORM_LOCK:
        break;
    }
    return "form-not-allowed";
}

static enum status keep_charges(struct worker *worker, struct exchange *exchange,
                                const struct policy_decision *decision, struct error *err)
{
    exchange->charges =
        arena_take(exchange->arena, decision->charge_count * sizeof(*exchange->charges));
    if (exchange->charges == NULL) {
        return out_of_memory(err);
    }
    exchange->charge_count = decision->charge_count;
    for (size_t i = 0; i < decision->charge_count; i++) {
        const struct policy_counter *charge = &decision->charges[i];
        bool lock = charge->kind == POLICY_COUNTER_FORM_LOCK;
        exchange->charges[i] = (struct exchange_charge){
            .key = standing_counter_key(charge, &exchange->tag),
            .limit = charge->limit,
            .lock = lock ? charge->value : 0,
            .until = (uint64_t)policy_counter_until(charge),
            .reason = charge_reason(charge->kind),
        };
        enum status status =
            read_carried(worker, exchange, charge, &exchange->charges[i].carried, err);
        if (status != ST_OK) {
            return status;
        }
    }
    return ST_OK;
}

static struct bytes form_text(struct arena *arena, struct catalogue_form form)
{
    char text[CATALOGUE_FORM_TEXT_BYTES];
    catalogue_form_format(form, text);
    return arena_copy(arena, bytes_text(text));
}

// What the decision grants, kept with the exchange.
static enum status keep_decision(struct worker *worker, struct exchange *exchange,
                                 const struct policy_decision *decision, struct error *err)
{
    exchange->bundle_hash = worker->bundle->head.hash;
    exchange->seen_size = worker->seen_size;
    exchange->consent = (struct id){ 0 };
    exchange->grant_count = 0;
    exchange->agreement = (struct bytes){ 0 };
    if (decision->agreement != NULL) {
        exchange->agreement = arena_copy(exchange->arena, bytes_text(decision->agreement->id));
    }
    if (decision->permits_any && decision->consent != NULL) {
        exchange->consent = decision->consent->id;
        exchange->consent_revision = decision->consent->revision;
        exchange->consent_not_after = decision->consent->not_after_ms;
    }
    exchange->grants =
        arena_take(exchange->arena, decision->field_count * sizeof(*exchange->grants));
    if (exchange->grants == NULL) {
        return out_of_memory(err);
    }
    for (size_t i = 0; i < decision->field_count; i++) {
        if (decision->fields[i].verdict != POLICY_PERMIT) {
            continue;
        }
        exchange->grants[exchange->grant_count++] = (struct exchange_grant){
            .index = (uint32_t)i,
            .name = exchange->facts.fields[i].name,
            .form = form_text(exchange->arena, decision->fields[i].given),
        };
    }
    return keep_charges(worker, exchange, decision, err);
}

// ---- record

// The verdicts with the reasons that one kind of reader may know.
static struct wire_verdict *list_verdicts(struct job *job, const struct policy_decision *decision,
                                          bool true_reasons)
{
    const struct exchange *exchange = job->exchange;
    struct wire_verdict *verdicts =
        arena_take(job->arena, decision->field_count * sizeof(*verdicts));
    size_t granted = 0; // as keep_decision() has listed them
    for (size_t i = 0; verdicts != NULL && i < decision->field_count; i++) {
        const struct policy_field_decision *field = &decision->fields[i];
        enum catalogue_reason reason = true_reasons ? field->reason : field->asker_reason;
        verdicts[i] = (struct wire_verdict){
            .name = exchange->facts.fields[i].name,
            .asked = exchange->facts.fields[i].form,
            .reason = bytes_text(catalogue_reason_name(reason)),
        };
        if (field->verdict == POLICY_PERMIT) {
            verdicts[i].given = exchange->grants[granted++].form;
        }
    }
    return verdicts;
}

static enum status list_reasons(struct job *job, const struct policy_decision *decision,
                                struct wire_officer_part *officer, struct error *err)
{
    struct bytes *reasons = arena_take(job->arena, decision->field_count * sizeof(*reasons));
    uint32_t *over_asked = arena_take(job->arena, decision->field_count * sizeof(*over_asked));
    if (reasons == NULL || over_asked == NULL) {
        return out_of_memory(err);
    }
    officer->reasons = reasons;
    officer->reasons_count = decision->field_count;
    officer->over_asked = over_asked;
    officer->over_asked_count = 0;
    for (size_t i = 0; i < decision->field_count; i++) {
        reasons[i] = bytes_text(catalogue_reason_name(decision->fields[i].reason));
        if (decision->fields[i].over_asked) {
            over_asked[officer->over_asked_count++] = (uint32_t)i;
        }
    }
    return ST_OK;
}

static void fill_exchange_part(struct worker *worker, struct job *job,
                               const struct wire_request *request, struct wire_exchange_part *part)
{
    const struct exchange *exchange = job->exchange;
    *part = (struct wire_exchange_part){
        .format = 1,
        .kind = WIRE_KIND_DECISION,
        .exchange_id = exchange->id,
        .request_hash = exchange->request_hash,
        .asker = exchange->asker,
        .holder = exchange->holder,
        .dataset = exchange->dataset,
        .purpose = exchange->purpose,
        .basis = exchange->basis,
        .bundle_hash = exchange->bundle_hash,
        .agreement = exchange->agreement,
        .consent = exchange->consent,
        .consent_revision = exchange->consent_revision,
        .issued_at = (uint64_t)exchange->issued_at,
        .expires_at = (uint64_t)exchange->expires_at,
        .asker_check = audit_tag_check(&exchange->tag, exchange->asker),
        .holder_check = audit_tag_check(&exchange->tag, exchange->holder),
        .tag_key_id = exchange->tag.bytes[0],
        .root_id = request->root_id,
        .parent_id = request->parent_id,
        .part = request->part,
        .part_of = request->part_of,
        .attempt = job->attempt + 1,
        .automated = exchange->automated,
        .recorded_at = (uint64_t)worker->now_ms,
        .signer = exchange->asker_key,
    };
}

static void fill_subject_part(struct job *job, struct wire_subject_part *part)
{
    const struct exchange *exchange = job->exchange;
    *part = (struct wire_subject_part){
        .format = 1,
        .kind = WIRE_KIND_DECISION,
        .exchange_id = exchange->id,
        .asker = exchange->asker,
        .holder = exchange->holder,
        .dataset = exchange->dataset,
        .purpose = exchange->purpose,
        .basis = exchange->basis,
        .article = exchange->facts.article,
        .justification = exchange->facts.justification,
        .official_role = exchange->facts.official_role,
        .automated = exchange->automated,
        .bundle_hash = exchange->bundle_hash,
        .consent = exchange->consent,
        .consent_revision = exchange->consent_revision,
        .agreement = exchange->agreement,
    };
}

static void fill_officer_part(struct worker *worker, struct job *job,
                              const struct wire_request *request, struct wire_officer_part *part)
{
    const struct exchange *exchange = job->exchange;
    part->format = 1;
    part->kind = WIRE_KIND_DECISION;
    part->official = exchange->facts.official;
    part->official_role = exchange->facts.official_role;
    part->case_ref = exchange->facts.case_ref;
    part->article = exchange->facts.article;
    part->justification = exchange->facts.justification;
    part->automated = exchange->automated;
    part->exact = exchange->facts.exact;
    part->named_consent = exchange->facts.consent;
    part->partial_ok = exchange->facts.partial_ok;
    part->traceparent = request->traceparent;
    part->decided_at = (uint64_t)worker->now_ms;
    part->node = job->from.node;
    part->member_revision = registry_revision(worker->registry);
}

static enum status fill_record(struct worker *worker, struct job *job,
                               const struct wire_request *request,
                               const struct policy_decision *decision,
                               struct wire_officer_part *officer, struct error *err)
{
    struct wire_exchange_part *exchange = arena_take(job->arena, sizeof(*exchange));
    struct wire_subject_part *subject = arena_take(job->arena, sizeof(*subject));
    if (exchange == NULL || subject == NULL) {
        return out_of_memory(err);
    }
    fill_exchange_part(worker, job, request, exchange);
    fill_subject_part(job, subject);
    fill_officer_part(worker, job, request, officer);
    exchange->verdicts = list_verdicts(job, decision, false);
    exchange->verdicts_count = decision->field_count;
    subject->verdicts = list_verdicts(job, decision, true);
    subject->verdicts_count = decision->field_count;
    if (exchange->verdicts == NULL || subject->verdicts == NULL) {
        return out_of_memory(err);
    }
    if (!decision->permits_any) {
        exchange->reason = exchange->verdicts[0].reason;
    }
    job->record = (struct record){
        .kind = RECORD_DECISION,
        .class = WIRE_CLASS_EXCHANGE,
        .receipt_part = WIRE_PART_EXCHANGE,
        .exchange = exchange,
        .subject = subject,
        .officer = officer,
        .chained = true,
        .tag = job->exchange->tag,
        .bundle_hash = job->exchange->bundle_hash,
        .seen_size = worker->seen_size,
        .seen_new = job->attempt == 0, // or it would not have come here
    };
    officer->tag = audit_tag_view(&job->record.tag);
    enum status status =
        audit_reader_subject_head(worker->reader, &job->record.tag, &job->record.seen_head, err);
    if (status == ST_OK || status == ST_NOT_FOUND) {
        status = list_reasons(job, decision, officer, err);
    }
    return status == ST_OK ? parts_pack(job, PARTS_EXCHANGE | PARTS_OFFICER, &worker->packed, err)
                           : status;
}

enum status worker_record_decision(struct worker *worker, struct job *job,
                                   const struct wire_request *request, struct error *err)
{
    const struct policy_decision *decision = worker->decision;
    struct wire_officer_part *officer = arena_take(job->arena, sizeof(*officer));
    if (officer == NULL) {
        return out_of_memory(err);
    }
    enum status status = worker_decide(worker, job->exchange, job->arena, officer, err);
    if (status == ST_OK) {
        status = keep_decision(worker, job->exchange, decision, err);
    }
    return status == ST_OK ? fill_record(worker, job, request, decision, officer, err) : status;
}
