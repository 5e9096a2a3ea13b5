// The publisher: every few seconds it makes the newest checkpoint the published one and sends every
// peer a PROOF that it extends the one before. Nodes are witnesses: each keeps what it was shown.
// What the witnesses of the policy say comes from a thread of its own (witnesses.c), whenever it
// comes: then the published checkpoint is replaced by the same with their lines, and sent again.
#include "base/clock.h"
#include "base/event.h"
#include "broker/proof.h"
#include "broker/witnesses.h"
#include "proof/note.h"

enum { LOOK_EVERY_MS = 100, MINUTE_MS = 60 * 1000 };

struct publisher {
    struct broker *broker;
    struct audit_log *log;
    struct frame_maker maker;
    uint64_t published; // size
    unsigned signing;   // which keys signed it
    uint64_t before;    // size that was published before that one
    uint64_t vouched_size;
    uint64_t vouched_s;  // time of the cosignatures that were sent last
    size_t vouched_rows; // lines of the checkpoint that was published with them
};

static enum status send_proof(struct publisher *publisher, uint64_t old_size, uint64_t size,
                              struct bytes note, struct error *err)
{
    struct buffer path = buffer_init(8192);
    uint64_t seen = 0;
    enum status status = audit_log_begin(publisher->log, &seen, err);
    if (status == ST_OK) {
        status = audit_log_consistency(publisher->log, old_size, size, &path, err);
        audit_log_end(publisher->log);
    }
    if (status == ST_OK) {
        struct proof_step step = {
            .old_size = old_size, .path = buffer_view(&path), .size = size, .note = note
        };
        proof_send(&publisher->maker, &step);
    }
    buffer_fini(&path);
    return status;
}

static enum status publish(struct publisher *publisher, bool first, struct error *err)
{
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    struct digest root;
    uint64_t size = 0;
    unsigned signing = audit_journal_signing(publisher->broker->journal);
    enum status status =
        audit_journal_checkpoint(publisher->broker->journal, &size, &root, &note, err);
    if (status == ST_OK &&
        (first || size > publisher->published || signing != publisher->signing)) {
        status = audit_journal_publish(publisher->broker->journal, buffer_view(&note), err);
        if (status == ST_OK && !first) {
            status = send_proof(publisher, publisher->published, size, buffer_view(&note), err);
        }
        if (status == ST_OK) {
            publisher->before = first ? size : publisher->published;
            publisher->published = size;
            publisher->signing = signing;
        }
    }
    buffer_fini(&note);
    return status;
}

// The last step once more: a peer that greeted while it was taken has not seen it yet.
static enum status send_again(struct publisher *publisher, struct error *err)
{
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    uint64_t size = 0;
    enum status status = audit_journal_published(publisher->broker->journal, &size, &note, err);
    if (status == ST_OK) {
        status = send_proof(publisher, publisher->before, size, buffer_view(&note), err);
    }
    buffer_fini(&note);
    return status;
}

// A word of the witnesses that nobody was told yet. The published note is replaced when it is about
// that one and has more lines; a mere renewal goes to the peers alone.
static enum status vouch(struct publisher *publisher, struct error *err)
{
    struct snapshot_item *item = NULL;
    enum status status = ST_OK;
    const struct witnessed *witnessed = snapshot_pin(publisher->broker->witnessed, &item);
    bool news =
        witnessed != NULL && witnessed->size > 0 &&
        (witnessed->size != publisher->vouched_size || witnessed->time_s != publisher->vouched_s ||
         witnessed->cosigners > publisher->vouched_rows);
    if (news && witnessed->size == publisher->published &&
        (witnessed->size != publisher->vouched_size ||
         witnessed->cosigners > publisher->vouched_rows)) {
        status = audit_journal_publish(publisher->broker->journal,
                                       bytes_of(witnessed->note, witnessed->note_size), err);
    }
    if (news && status == ST_OK) {
        publisher->vouched_size = witnessed->size;
        publisher->vouched_s = witnessed->time_s;
        publisher->vouched_rows = witnessed->cosigners;
        status = send_again(publisher, err);
    }
    snapshot_unpin(&item);
    return status;
}

static void turn_publish(struct publisher *publisher, bool due, struct error *err)
{
    enum status status = due ? publish(publisher, false, err) : ST_OK;
    if (status == ST_OK) {
        status = vouch(publisher, err);
    }
    if (status == ST_UNPROVEN) {
        broker_fail(publisher->broker, "log.rolled-back", err);
    } else if (status != ST_OK) {
        log_event(LOG_LEVEL_ERROR, "publish.failed", log_text("why", err->message));
    }
}

void broker_publisher_run(struct thread *thread, void *argument)
{
    struct broker *broker = argument;
    struct publisher publisher = { .broker = broker, .maker = frame_maker_init(broker) };
    struct error err = { 0 };
    int64_t published_ms = clock_monotonic_ms();
    int64_t minute_ms = published_ms;
    enum status status = audit_log_create(broker->journal, &publisher.log, &err);
    if (status == ST_OK) {
        status = publish(&publisher, true, &err);
    }
    thread_ready(thread, status, &err);
    while (status == ST_OK && !atomic_load(&broker->stopping)) {
        broker_wait(broker, LOOK_EVERY_MS);
        int64_t now_ms = clock_monotonic_ms();
        bool due = now_ms - published_ms >= broker->home.settings->audit.publish_ms;
        published_ms = due ? now_ms : published_ms;
        turn_publish(&publisher, due, &err);
        if (now_ms - minute_ms >= MINUTE_MS) {
            minute_ms = now_ms;
            proof_broadcast(&publisher.maker); // also when the log has not grown
            if (audit_journal_reader_check(broker->journal, &err) != ST_OK) {
                log_event(LOG_LEVEL_WARNING, "readers.unchecked", log_text("why", err.message));
            }
        }
    }
    audit_log_destroy(&publisher.log);
    frame_maker_fini(&publisher.maker);
}
