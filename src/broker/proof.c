// PROOF messages.
#include "broker/proof.h"

#include "base/event.h"
#include "broker/policy_bundle.h"
#include "broker/witnesses.h"
#include "proof/note.h"

enum { DROPPED_MAX = 512 }; // the newest ones; announcements end within the hour anyway

static size_t list_dropped(const struct registry *registry, struct bytes keys[DROPPED_MAX])
{
    size_t count = 0;
    for (size_t i = registry_key_count(registry); i > 0 && count < DROPPED_MAX; i--) {
        const struct registry_key *key = registry_key_at(registry, i - 1);
        if (key->state == REGISTRY_KEY_REVOKED) {
            keys[count++] = bytes_digest(&key->card.batch_key);
        }
    }
    return count;
}

enum status proof_vouched_init(struct broker *broker, struct audit_log *log, uint64_t size,
                               struct bytes note, struct proof_vouched *vouched, struct error *err)
{
    struct proof_vouched made = { .checkpoint = note,
                                  .path_room = buffer_init(PROOF_PATH_MAX * DIGEST_BYTES) };
    enum status status = ST_OK;
    const struct witnessed *witnessed = snapshot_pin(broker->witnessed, &made.item);
    if (witnessed != NULL && witnessed->size > 0 && witnessed->size <= size) {
        struct bytes vouched_for = bytes_of(witnessed->note, witnessed->note_size);
        made.trial = witnessed->trial;
        made.at_ms = witnessed->time_s * 1000;
        if (witnessed->size == size) {
            made.checkpoint = vouched_for;
        } else {
            made.witnessed = vouched_for;
            status = audit_log_consistency(log, witnessed->size, size, &made.path_room, err);
            made.path = buffer_view(&made.path_room);
        }
    }
    if (status != ST_OK) {
        proof_vouched_fini(&made);
        return status;
    }
    *vouched = made;
    return ST_OK;
}

void proof_vouched_fini(struct proof_vouched *vouched)
{
    snapshot_unpin(&vouched->item);
    buffer_fini(&vouched->path_room);
}

// The same for a thread that has no reader of the log at hand.
static enum status vouch(struct broker *broker, const struct proof_step *step,
                         struct proof_vouched *vouched, struct error *err)
{
    struct audit_log *log = NULL;
    uint64_t seen = 0;
    enum status status = audit_log_create(broker->journal, &log, err);
    if (status == ST_OK) {
        status = audit_log_begin(log, &seen, err);
    }
    if (status == ST_OK) {
        status = proof_vouched_init(broker, log, step->size, step->note, vouched, err);
    }
    audit_log_destroy(&log);
    return status;
}

void proof_send(struct frame_maker *maker, const struct proof_step *step)
{
    struct error err = { 0 };
    struct broker *broker = maker->broker;
    struct proof_vouched vouched = { .checkpoint = step->note };
    struct snapshot_item *items[2];
    struct bytes keys[DROPPED_MAX];
    struct job *job = job_create(JOB_BROADCAST);
    if (job == NULL) {
        return; // the next one says the same
    }
    if (vouch(broker, step, &vouched, &err) != ST_OK) {
        log_event(LOG_LEVEL_ERROR, "proof.without-witnesses", log_text("why", err.message));
    }
    const struct policy_bundle *bundle = snapshot_pin(broker->policy, &items[0]);
    const struct registry *registry = snapshot_pin(broker->registry, &items[1]);
    struct wire_proof proof = { .version = 1,
                                .checkpoint = vouched.checkpoint,
                                .old_size = step->old_size,
                                .consistency = step->path,
                                .key_changes = step->key_changes,
                                .key_changes_count = step->key_changes_count,
                                .witnessed = vouched.witnessed,
                                .witnessed_path = vouched.path,
                                .witnessed_trial = vouched.trial,
                                .witnessed_at = vouched.at_ms,
                                .dropped_keys = keys,
                                .dropped_keys_count = list_dropped(registry, keys) };
    if (bundle != NULL) {
        proof.bundle_hash = bundle->head.hash;
    }
    enum status status = frame_make(maker, WIRE_PROOF, NULL, &proof, &job->reply_head, &err);
    snapshot_unpin(&items[0]);
    snapshot_unpin(&items[1]);
    proof_vouched_fini(&vouched);
    job->outcome = status == ST_OK ? OUTCOME_BROADCAST : OUTCOME_NONE;
    if (status != ST_OK) {
        log_event(LOG_LEVEL_ERROR, "proof.not-sent", log_text("why", err.message));
    }
    broker_pass_one(broker->to_router, job);
}

void proof_broadcast(struct frame_maker *maker)
{
    proof_broadcast_keys(maker, NULL, 0);
}

void proof_broadcast_keys(struct frame_maker *maker, const struct wire_receipt *changes,
                          size_t count)
{
    struct error err = { 0 };
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    uint64_t size = 0;
    if (audit_journal_published(maker->broker->journal, &size, &note, &err) == ST_OK) {
        struct proof_step step = { .old_size = size,
                                   .size = size,
                                   .note = buffer_view(&note),
                                   .key_changes = changes,
                                   .key_changes_count = count };
        proof_send(maker, &step);
    } else {
        log_event(LOG_LEVEL_ERROR, "proof.not-sent", log_text("why", err.message));
    }
    buffer_fini(&note);
}
