// What may go into a batch.
//
// A decision is written while what it was made from is current; a release while consent, members
// and bundle still allow it and its budgets have room; a consent's revisions follow one another.
// Whatever the batch has changed already counts before the views.
#include "broker/stage_inside.h"

#include "audit/hold.h"
#include "audit/month.h"
#include "audit/keys.h"
#include "broker/consents.h"
#include "broker/parts.h"
#include "consent/grant.h"

// ---- what stands, batch first, then views

// Whether what the worker saw of a key still stands.
static bool still(const struct stage *stage, const struct record *record, enum audit_table table,
                  struct bytes key)
{
    return record->seen_size > 0 &&
           audit_reader_still(stage->reader, table, key, record->seen_size);
}

enum status stage_find_head(struct stage *stage, const struct record *record,
                            struct chain_head **head, struct error *err)
{
    const struct audit_tag *tag = &record->tag;
    struct chain_head *found = map_get(stage->heads, audit_tag_view(tag));
    if (found == NULL) {
        struct audit_subject_row row = record->seen_head;
        enum status status = ST_OK;
        if (!still(stage, record, AUDIT_TABLE_SUBJECT, audit_tag_view(tag))) {
            row = (struct audit_subject_row){ 0 };
            status = audit_reader_subject_head(stage->reader, tag, &row, err);
        }
        if (status != ST_OK && status != ST_NOT_FOUND) {
            return status;
        }
        found = arena_take(stage->arena, sizeof(*found));
        if (found == NULL) {
            return error_set(err, ST_NOMEM, "recorder: no memory");
        }
        *found = (struct chain_head){
            .tag = *tag, .sequence = row.sequence, .index = row.index, .leaf_hash = row.leaf_hash
        };
        if (!map_put(stage->heads, audit_tag_view(&found->tag), found)) {
            return error_set(err, ST_NOMEM, "recorder: no memory");
        }
    }
    *head = found;
    return ST_OK;
}

// Whether the exchange's consent is as its decision found it, in force: neither the batch nor
// anything since has changed it.
static bool consent_untouched(const struct stage *stage, const struct exchange *exchange)
{
    uint8_t storage[AUDIT_CONSENT_KEY_BYTES];
    struct bytes key = audit_consent_key(&exchange->tag, &exchange->consent, storage);
    return exchange->seen_size > 0 && map_get(stage->consents, key) == NULL &&
           audit_reader_still(stage->reader, AUDIT_TABLE_CONSENT, key, exchange->seen_size);
}

enum status stage_find_consent(struct stage *stage, const struct audit_tag *tag,
                               const struct id *id, struct consent_now **consent, struct error *err)
{
    uint8_t key[AUDIT_CONSENT_KEY_BYTES];
    struct consent_now *found = map_get(stage->consents, audit_consent_key(tag, id, key));
    if (found == NULL) {
        struct wire_consent_record record = { 0 };
        enum status status =
            audit_reader_consent(stage->reader, tag, id, stage->arena, &record, err);
        if (status != ST_OK && status != ST_NOT_FOUND) {
            return status;
        }
        found = arena_take(stage->arena, sizeof(*found));
        if (found == NULL) {
            return error_set(err, ST_NOMEM, "recorder: no memory");
        }
        memcpy(found->key, key, sizeof(key));
        if (status == ST_OK) {
            found->revision = record.revision;
            found->state = record.state;
            found->hash = record.hash;
        }
        if (!map_put(stage->consents, bytes_of(found->key, sizeof(found->key)), found)) {
            return error_set(err, ST_NOMEM, "recorder: no memory");
        }
    }
    *consent = found;
    return ST_OK;
}

static enum status find_counter(struct stage *stage, const struct digest *key, uint64_t carried,
                                struct counter_now **counter, struct error *err)
{
    struct counter_now *found = map_get(stage->counters, bytes_digest(key));
    if (found == NULL) {
        uint64_t value = 0;
        enum status status = audit_reader_counter(stage->reader, key, &value, err);
        if (status != ST_OK) {
            return status;
        }
        found = arena_take(stage->arena, sizeof(*found));
        if (found == NULL) {
            return error_set(err, ST_NOMEM, "recorder: no memory");
        }
        *found = (struct counter_now){ .key = *key, .value = value != 0 ? value : carried };
        if (!map_put(stage->counters, bytes_digest(&found->key), found)) {
            return error_set(err, ST_NOMEM, "recorder: no memory");
        }
    }
    *counter = found;
    return ST_OK;
}

// ---- rules

static void stop(struct job *job, const char *reason)
{
    job->record.reason = reason;
}

// The members behind an exchange are as they were, or at least as good.
static bool members_stand(const struct stage *stage, const struct exchange *exchange)
{
    uint64_t now = (uint64_t)stage->now_ms;
    const struct registry_key *asker = registry_by_batch(stage->registry, &exchange->asker_key);
    const struct registry_key *holder = registry_by_batch(stage->registry, &exchange->holder_key);
    return registry_key_standing(asker, now) == REGISTRY_GOOD &&
           registry_key_standing(holder, now) == REGISTRY_GOOD;
}

static bool bundle_is(const struct stage *stage, const struct digest *hash)
{
    return stage->bundle != NULL && digest_equal(&stage->bundle->head.hash, hash);
}

// Why the answer of an exchange may not leave (any more); NULL: it may. The same question is asked
// at the release and when the answer is asked for again.
static enum status find_stop(struct stage *stage, const struct exchange *exchange,
                             const char **reason, struct error *err)
{
    static const struct id none;
    *reason = NULL;
    if (!members_stand(stage, exchange)) {
        *reason = "member-suspended";
        return ST_OK;
    }
    if (id_equal(&exchange->consent, &none)) {
        return ST_OK;
    }
    struct consent_now *consent = NULL;
    enum status status = ST_OK;
    if (!consent_untouched(stage, exchange)) {
        status = stage_find_consent(stage, &exchange->tag, &exchange->consent, &consent, err);
    }
    if (status != ST_OK) {
        return status;
    }
    if (consent != NULL && consent->state == CONSENT_PAUSED) {
        *reason = "consent-paused";
    } else if (consent != NULL && (consent->state != CONSENT_ACTIVE ||
                                   consent->revision != exchange->consent_revision)) {
        *reason = "withdrawn-in-flight";
    } else if (stage->now_ms >= exchange->consent_not_after) {
        *reason = "consent-expired";
    }
    return ST_OK;
}

// A decision is written only while what it was made from is current. One that permits nothing
// needs no more than the bundle: nothing can leave under it.
static enum status check_versions(struct stage *stage, struct job *job, struct error *err)
{
    const char *reason = NULL;
    if (!bundle_is(stage, &job->record.bundle_hash)) {
        job->record.result = RECORD_STALE;
        return ST_OK;
    }
    if (job->exchange->grant_count == 0) {
        return ST_OK;
    }
    enum status status = find_stop(stage, job->exchange, &reason, err);
    if (status == ST_OK && reason != NULL) {
        job->record.result = RECORD_STALE;
    }
    return status;
}

static enum status check_decision(struct stage *stage, struct job *job, struct error *err)
{
    struct record *record = &job->record;
    const struct exchange *exchange = job->exchange;
    const struct exchange_now *here = map_get(stage->exchanges, bytes_id(&exchange->id));
    uint8_t key[AUDIT_EXCHANGE_KEY_BYTES];
    struct audit_exchange_row row = { 0 };
    if (here != NULL) {
        row.request_hash = here->request_hash;
        row.decision_index = here->index;
    } else if (record->seen_new &&
               still(stage, record, AUDIT_TABLE_EXCHANGE, audit_exchange_key(&exchange->id, key))) {
        return check_versions(stage, job, err);
    } else {
        enum status status = audit_reader_exchange(stage->reader, &exchange->id, &row, err);
        if (status != ST_OK && status != ST_NOT_FOUND) {
            return status;
        }
        if (status == ST_NOT_FOUND) {
            return check_versions(stage, job, err);
        }
    }
    if (!digest_equal(&row.request_hash, &exchange->request_hash)) {
        record->result = RECORD_REUSED;
        return ST_OK;
    }
    record->result = RECORD_AGAIN;
    record->earlier.index = row.decision_index;
    record->earlier.ending = row.ending;
    record->earlier.ending_index = row.ending_index;
    record->earlier.open = row.ending == WIRE_KIND_NONE;
    return ST_OK;
}

// The answer that the first decision let pass is given again only while that decision still stands.
static enum status check_repeat(struct stage *stage, struct job *job, struct error *err)
{
    enum status status = find_stop(stage, job->exchange, &job->record.reason, err);
    if (status == ST_OK) {
        job->record.result = RECORD_AGAIN;
    }
    return status;
}

// Charges are listed in the officer's part with their new values: the entry is the charge.
static enum status charge(struct stage *stage, struct job *job, struct error *err)
{
    struct exchange *exchange = job->exchange;
    struct wire_counter_seen *charges =
        arena_take(job->arena, exchange->charge_count * sizeof(*charges));
    struct counter_now *counters[POLICY_CHARGES_MAX];
    if (charges == NULL || exchange->charge_count > POLICY_CHARGES_MAX) {
        return error_set(err, ST_NOMEM, "recorder: no memory");
    }
    for (size_t i = 0; i < exchange->charge_count; i++) {
        const struct exchange_charge *one = &exchange->charges[i];
        enum status status = find_counter(stage, &one->key, one->carried, &counters[i], err);
        if (status != ST_OK) {
            return status;
        }
        uint64_t value = one->lock != 0 ? one->lock : counters[i]->value + 1;
        bool refused = one->lock != 0
                           ? policy_form_lock_refuses(counters[i]->value, one->lock, stage->now_ms)
                           : value > one->limit;
        if (refused) {
            stop(job, one->reason);
            return ST_OK;
        }
        charges[i] =
            (struct wire_counter_seen){ .key = one->key, .value = value, .until = one->until };
    }
    for (size_t i = 0; i < exchange->charge_count; i++) {
        counters[i]->value = charges[i].value;
    }
    job->record.officer->charges = charges;
    job->record.officer->charges_count = exchange->charge_count;
    return ST_OK;
}

// A release that may not leave becomes the ending `refused` on the spot.
static void turn_into_refusal(struct stage *stage, struct job *job)
{
    struct record *record = &job->record;
    const struct catalogue *catalogue = stage->bundle->catalogue;
    parts_forget(job);
    enum catalogue_reason reason = catalogue_reason_parse(bytes_text(record->reason));
    record->kind = RECORD_ENDING;
    record->exchange->kind = WIRE_KIND_REFUSED;
    record->officer->kind = WIRE_KIND_REFUSED;
    record->subject->kind = WIRE_KIND_REFUSED;
    record->officer->reason = bytes_text(record->reason);
    record->exchange->reason =
        bytes_text(catalogue_reason_name(catalogue_asker_reason(catalogue, reason)));
    record->exchange->released = NULL;
    record->exchange->released_count = 0;
    record->exchange->answer_hash = (struct digest){ 0 };
}

static enum status check_release(struct stage *stage, struct job *job, struct error *err)
{
    if (!bundle_is(stage, &job->record.bundle_hash)) {
        job->record.result = RECORD_STALE;
        return ST_OK;
    }
    const char *reason = NULL;
    enum status status = find_stop(stage, job->exchange, &reason, err);
    if (status == ST_OK && reason != NULL) {
        stop(job, reason);
    } else if (status == ST_OK) {
        status = charge(stage, job, err);
    }
    if (status == ST_OK && job->record.reason != NULL) {
        turn_into_refusal(stage, job);
    }
    return status;
}

// Control has counted before; those that were on their way with this one are counted here.
static enum status check_requested(struct stage *stage, const struct record *record,
                                   struct error *err)
{
    size_t here = 0;
    for (size_t i = 0; i < stage->count; i++) {
        const struct record *other = &stage->jobs[i]->record;
        here += other->kind == RECORD_CONSENT &&
                        other->officer->consent->state == WIRE_CONSENT_REQUESTED &&
                        bytes_equal(audit_tag_view(&other->tag), audit_tag_view(&record->tag)) &&
                        bytes_equal(other->exchange->asker, record->exchange->asker)
                    ? 1
                    : 0;
    }
    return consents_may_request(stage->reader, &record->tag, record->exchange->asker, here,
                                stage->scratch, err);
}

static enum status check_consent(struct stage *stage, struct job *job, struct error *err)
{
    struct wire_consent_record *record = (struct wire_consent_record *)job->record.officer->consent;
    struct consent_now *now = NULL;
    enum status status = stage_find_consent(stage, &job->record.tag, &record->id, &now, err);
    if (status != ST_OK) {
        return status;
    }
    if (now->revision + 1 != record->revision) {
        return error_set(err, ST_STALE,
                         "the consent has changed meanwhile; look at it again and repeat");
    }
    record->index = stage->size + stage->count;
    record->changed_at = (uint64_t)stage->now_ms;
    return record->state == WIRE_CONSENT_REQUESTED ? check_requested(stage, &job->record, err)
                                                   : ST_OK;
}

static enum status check_registry(struct stage *stage, struct job *job, struct error *err)
{
    struct registry_change change = { .label = job->record.label,
                                      .signed_message = job->record.signed_message,
                                      .entry_index = stage->size + stage->count };
    return registry_next(stage->registry, &change, 1, &stage->tried_registry, err);
}

static enum status check_policy(struct stage *stage, struct job *job, struct error *err)
{
    struct policy_bundle *bundle = job->record.bundle;
    if (stage->bundle != NULL && bundle->head.serial <= stage->bundle->head.serial) {
        return error_set(err, ST_STALE,
                         "the bundle's serial %llu is not above %llu, which is in force",
                         (unsigned long long)bundle->head.serial,
                         (unsigned long long)stage->bundle->head.serial);
    }
    return ST_OK;
}

// The month's contents go with this entry. A hold that the same batch sets is looked at when it
// stands in the views.
static enum status check_forget(struct stage *stage, struct job *job, struct error *err)
{
    const struct wire_public_part *order = job->record.public_;
    struct audit_forgotten forgotten;
    struct audit_covering covering = { 0 };
    for (size_t i = 0; i < stage->count; i++) {
        const struct wire_officer_part *officer = stage->jobs[i]->record.officer;
        if (officer != NULL && officer->hold != NULL) {
            job->record.result = RECORD_STALE;
            return ST_OK;
        }
    }
    enum status status = audit_reader_forgotten(stage->reader, &forgotten, err);
    if (status == ST_OK && order->month <= forgotten.month) {
        return error_set(err, ST_EXISTS, "that month was forgotten already");
    }
    if (status == ST_OK) {
        status = audit_holds_cover_month(stage->reader, stage->broker->tagger,
                                         audit_month_begin(order->month),
                                         audit_month_begin(order->month + 1), &covering, err);
    }
    if (status == ST_OK && covering.count > 0) {
        return error_set(err, ST_DENIED, "a legal hold covers entries of that month: %s",
                         covering.cases);
    }
    return status;
}

// Once in a batch, and only after the key that signs now. What is signed stands in the order; which
// number the key gets is known here.
static enum status check_log_key(struct stage *stage, struct job *job, struct error *err)
{
    struct proof_ring ring;
    struct wire_key_change *change = (struct wire_key_change *)job->record.public_->key_change;
    audit_keys_ring(audit_journal_keys(stage->broker->journal), &ring);
    if (stage->key_job != NULL || !digest_equal(&proof_ring_newest(&ring)->key, &change->old_key)) {
        return error_set(err, ST_STALE,
                         "log-key: the order is about another key than the one that signs now");
    }
    change->number = (uint32_t)ring.count + 1;
    return ST_OK;
}

// Once in a batch. The new key is durable before this entry is: one that stays without its entry
// is passed over by the next order.
static enum status check_body_key(struct stage *stage, struct job *job, struct error *err)
{
    struct audit_vault *vault = stage->broker->home.vault;
    struct wire_key_change *change = (struct wire_key_change *)job->record.public_->key_change;
    enum wire_class class = job->record.lasting ? WIRE_CLASS_GOVERNANCE : WIRE_CLASS_EXCHANGE;
    uint32_t old_key = audit_vault_current(vault, class, stage->minutes);
    if (stage->body_job != NULL) {
        return error_set(err, ST_BUSY, "another new body key is being put on record; try again");
    }
    enum status status = audit_vault_prepare(vault, old_key, err);
    if (status == ST_OK) {
        status = audit_vault_mark(vault, old_key, &change->old_key, err);
    }
    if (status == ST_OK) {
        status = audit_vault_renew(vault, audit_body_key_month(old_key), &change->number, err);
    }
    return status == ST_OK ? audit_vault_mark(vault, change->number, &change->new_key, err)
                           : status;
}

enum status stage_check(struct stage *stage, struct job *job, struct error *err)
{
    switch (job->record.kind) {
    case RECORD_DECISION:
        return check_decision(stage, job, err);
    case RECORD_RELEASE:
        return check_release(stage, job, err);
    case RECORD_REPEAT:
        return check_repeat(stage, job, err);
    case RECORD_CONSENT:
        return check_consent(stage, job, err);
    case RECORD_REGISTRY:
        return check_registry(stage, job, err);
    case RECORD_POLICY:
        return check_policy(stage, job, err);
    case RECORD_FORGET:
        return check_forget(stage, job, err);
    case RECORD_LOG_KEY:
        return check_log_key(stage, job, err);
    case RECORD_BODY_KEY:
        return check_body_key(stage, job, err);
    case RECORD_ENDING:
    case RECORD_PLAIN:
        return ST_OK;
    case RECORD_NOTHING:
        break;
    }
    return error_set(err, ST_IO, "recorder: a job without a record");
}
