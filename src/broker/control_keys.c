// Changes of keys that are ordered while the broker runs: a new key of the log, which the registrar
// has signed for and an operator hands in; a new key of bodies, which is the operator's own order,
// as it is a secret of the broker's alone: no signature and no proof depends on it.
#include "broker/control.h"

#include "audit/keys.h"
#include "base/event.h"
#include "broker/key_changes.h"
#include "registry/log_key.h"

enum { MINUTE_MS = 60 * 1000 };

static enum status check_order(struct control *control, const struct registry_log_key *order,
                               struct error *err)
{
    struct proof_ring ring;
    audit_keys_ring(audit_journal_keys(control->broker->journal), &ring);
    if (proof_ring_has(&ring, &order->new_key)) {
        return error_set(err, ST_EXISTS, "log-key: the new key is, or was, the log's already");
    }
    if (!digest_equal(&proof_ring_newest(&ring)->key, &order->old_key)) {
        return error_set(err, ST_STALE,
                         "log-key: the order is about another key than the one that signs now");
    }
    int64_t tolerance_ms = control->broker->home.settings->exchange.clock_tolerance_ms;
    if (order->issued_at > (uint64_t)(control->now_ms + tolerance_ms)) {
        return error_set(err, ST_DENIED, "log-key: signed in the future; set the clocks");
    }
    if (order->both_until <= (uint64_t)control->now_ms) {
        return error_set(err, ST_STALE,
                         "log-key: the time in which both keys sign is over; sign a new order");
    }
    return ST_OK;
}

enum status control_log_key(struct control *control, struct job *job, struct error *err)
{
    const struct wire_control *message = job->payload;
    const struct broker_home *home = &control->broker->home;
    struct registry_log_key order;
    struct seal_signer *signer = NULL;
    struct record *record = &job->record;
    struct wire_key_change *change = arena_take(job->arena, sizeof(*change));
    enum status status = change == NULL ? error_set(err, ST_NOMEM, "no memory for the order")
                                        : registry_log_key_verify(message->signed_, home->origin,
                                                                  &home->registrar, &order, err);
    if (status == ST_OK) {
        status = check_order(control, &order, err);
    }
    if (status == ST_OK) {
        status = broker_home_log_key(home, &order.new_key, &signer, err);
    }
    if (status == ST_OK && message->dry_run) {
        frame_result(&control->maker, job, &(struct wire_result){ 0 }, (struct bytes){ 0 });
        seal_signer_destroy(&signer);
        return ST_OK;
    }
    if (status == ST_OK) {
        status = control_fill_record(control, job, WIRE_KIND_KEY_CHANGE, "", err);
    }
    if (status != ST_OK) {
        seal_signer_destroy(&signer);
        return status;
    }
    *change = (struct wire_key_change){ .what = WIRE_KEY_OF_LOG,
                                        .old_key = order.old_key,
                                        .new_key = order.new_key,
                                        .both_until = order.both_until };
    ((struct wire_public_part *)record->public_)->key_change = change;
    record->kind = RECORD_LOG_KEY;
    record->log_signer = signer;
    return ST_OK;
}

void control_log_key_done(struct control *control, const struct job *job)
{
    const struct wire_key_change *change = job->record.public_->key_change;
    struct error err = { 0 };
    struct proof_ring ring;
    audit_keys_ring(audit_journal_keys(control->broker->journal), &ring);
    log_event(LOG_LEVEL_NOTICE, "log.key-changed", log_number("number", (int64_t)change->number));
    if (broker_home_keep_keys(&control->broker->home, &ring, &err) != ST_OK) {
        log_event(LOG_LEVEL_ERROR, "log.keys-not-written", log_text("why", err.message));
    }
    key_changes_broadcast(&control->maker);
}

enum status control_body_key(struct control *control, struct job *job, struct error *err)
{
    const struct wire_control *message = job->payload;
    struct audit_vault *vault = control->broker->home.vault;
    struct wire_key_change *change = arena_take(job->arena, sizeof(*change));
    enum wire_class class = message->lasting ? WIRE_CLASS_GOVERNANCE : WIRE_CLASS_EXCHANGE;
    uint32_t minutes = (uint32_t)(control->now_ms / MINUTE_MS);
    uint32_t next = 0;
    enum status status =
        change == NULL ? error_set(err, ST_NOMEM, "no memory for the order")
                       : audit_vault_next(vault, audit_vault_key_id(class, minutes), &next, err);
    if (status == ST_OK && message->dry_run) {
        frame_result(&control->maker, job, &(struct wire_result){ 0 }, (struct bytes){ 0 });
        return ST_OK;
    }
    if (status == ST_OK) {
        status = control_fill_record(control, job, WIRE_KIND_KEY_CHANGE, "", err);
    }
    if (status == ST_OK) {
        // Which key it is, the recorder knows: months may change until then.
        *change = (struct wire_key_change){ .what = WIRE_KEY_OF_BODIES, .number = 1 };
        struct wire_public_part *public_part = job->record.public_;
        public_part->note = bytes_text("bodies");
        public_part->key_change = change;
        job->record.kind = RECORD_BODY_KEY;
        job->record.lasting = message->lasting;
    }
    return status;
}

void control_body_key_done(const struct job *job)
{
    char name[AUDIT_KEY_NAME_BYTES];
    audit_body_key_name(job->record.public_->key_change->number, name);
    log_event(LOG_LEVEL_NOTICE, "body.key-changed", log_text("key", name),
              log_number("entry", (int64_t)job->record.index));
}
