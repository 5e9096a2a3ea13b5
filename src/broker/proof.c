// PROOF messages.
#include "broker/proof.h"

#include "base/event.h"
#include "broker/policy_bundle.h"
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

void proof_send(struct frame_maker *maker, const struct proof_step *step)
{
    struct error err = { 0 };
    struct broker *broker = maker->broker;
    struct snapshot_item *items[2];
    struct bytes keys[DROPPED_MAX];
    struct job *job = job_create(JOB_BROADCAST);
    if (job == NULL) {
        return; // the next one says the same
    }
    const struct policy_bundle *bundle = snapshot_pin(broker->policy, &items[0]);
    const struct registry *registry = snapshot_pin(broker->registry, &items[1]);
    struct wire_proof proof = { .version = 1,
                                .checkpoint = step->note,
                                .old_size = step->old_size,
                                .consistency = step->path,
                                .key_changes = step->key_changes,
                                .key_changes_count = step->key_changes_count,
                                .dropped_keys = keys,
                                .dropped_keys_count = list_dropped(registry, keys) };
    if (bundle != NULL) {
        proof.bundle_hash = bundle->head.hash;
    }
    enum status status = frame_make(maker, WIRE_PROOF, NULL, &proof, &job->reply_head, &err);
    snapshot_unpin(&items[0]);
    snapshot_unpin(&items[1]);
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
                                   .note = buffer_view(&note),
                                   .key_changes = changes,
                                   .key_changes_count = count };
        proof_send(maker, &step);
    } else {
        log_event(LOG_LEVEL_ERROR, "proof.not-sent", log_text("why", err.message));
    }
    buffer_fini(&note);
}
