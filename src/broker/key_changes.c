// Telling peers of changed keys. Whoever was away hears of the newest ones with WELCOME, whoever is
// connected by a PROOF as soon as the change is durable.
#include "broker/key_changes.h"

#include "audit/keys.h"
#include "base/event.h"
#include "broker/proof.h"

enum { EACH_MAX = KEY_CHANGES_MAX / 2, ARENA_BYTES = 4 << 20 };

static size_t receipt_size(const struct wire_receipt *receipt)
{
    enum { AROUND = 256 }; // leaf, salt, other hashes, field heads
    return receipt->proof.size + receipt->checkpoint.size + receipt->extra->part.size + AROUND;
}

// Adds the receipt, unless the message would become too long.
static void add(struct key_changes *changes, size_t *room, const struct audit_receipt *receipt)
{
    size_t size = receipt_size(&receipt->receipt);
    if (size <= *room && changes->count < KEY_CHANGES_MAX) {
        *room -= size;
        changes->receipts[changes->count++] = receipt->receipt;
    }
}

enum status key_changes_gather(struct broker *broker, struct audit_log *log, struct arena *arena,
                               struct key_changes *changes, struct error *err)
{
    struct proof_ring ring;
    size_t room = KEY_CHANGES_BYTES_MAX;
    enum status status = ST_OK;
    changes->count = 0;
    audit_keys_ring(audit_journal_keys(broker->journal), &ring);
    size_t first = ring.count > EACH_MAX + 1 ? ring.count - EACH_MAX + 1 : 2;
    for (size_t i = first; status == ST_OK && i <= ring.count; i++) {
        struct audit_receipt *receipt = arena_take(arena, sizeof(*receipt));
        status = receipt == NULL ? error_set(err, ST_NOMEM, "no memory for changes of keys")
                                 : audit_log_key_receipt(log, (unsigned)i, arena, receipt, err);
        if (status == ST_OK) {
            add(changes, &room, receipt);
        } else if (status == ST_NOT_FOUND) {
            status = ST_OK; // it has become the log's key a moment ago: this view is older
        }
    }
    size_t tag = broker->tag_recorded > EACH_MAX + 1 ? broker->tag_recorded - EACH_MAX : 1;
    uint64_t shown = 0;
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    if (status == ST_OK && broker->tag_recorded > 1) {
        status = audit_journal_published(broker->journal, &shown, &note, err);
    }
    for (; status == ST_OK && tag < broker->tag_recorded; tag++) {
        struct audit_receipt *receipt = arena_take(arena, sizeof(*receipt));
        status = receipt == NULL ? error_set(err, ST_NOMEM, "no memory for changes of keys")
                                 : audit_log_receipt(log, broker->tag_entries[tag], shown,
                                                     WIRE_PART_PUBLIC, arena, receipt, err);
        if (status == ST_OK) {
            add(changes, &room, receipt);
        }
    }
    buffer_fini(&note);
    return status;
}

void key_changes_broadcast(struct frame_maker *maker)
{
    struct error err = { 0 };
    struct broker *broker = maker->broker;
    struct audit_log *log = NULL;
    struct key_changes changes = { .count = 0 };
    struct arena *arena = arena_create(ARENA_BYTES);
    uint64_t size = 0;
    enum status status = arena == NULL ? error_set(&err, ST_NOMEM, "changes of keys")
                                       : audit_log_create(broker->journal, &log, &err);
    if (status == ST_OK) {
        status = audit_log_begin(log, &size, &err);
    }
    if (status == ST_OK) {
        status = key_changes_gather(broker, log, arena, &changes, &err);
        audit_log_end(log);
    }
    if (status == ST_OK) {
        proof_broadcast_keys(maker, changes.receipts, changes.count);
    } else {
        log_event(LOG_LEVEL_ERROR, "proof.not-sent", log_text("why", err.message));
    }
    audit_log_destroy(&log);
    arena_destroy(&arena);
}
