// The publisher: every few seconds it makes the newest checkpoint the published one and sends every
// peer a PROOF that it extends the one before. Nodes are witnesses: each keeps what it was shown.
#include "base/clock.h"
#include "base/event.h"
#include "broker/proof.h"
#include "proof/note.h"

enum { LOOK_EVERY_MS = 100, MINUTE_MS = 60 * 1000 };

struct publisher {
    struct broker *broker;
    struct audit_log *log;
    struct frame_maker maker;
    uint64_t published; // size
    unsigned signing;   // which keys signed it
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
        struct proof_step step = { .old_size = old_size, .path = buffer_view(&path), .note = note };
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
        publisher->published = status == ST_OK ? size : publisher->published;
        publisher->signing = status == ST_OK ? signing : publisher->signing;
    }
    buffer_fini(&note);
    return status;
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
        if (now_ms - published_ms >= broker->home.settings->audit.publish_ms) {
            status = publish(&publisher, false, &err);
            published_ms = now_ms;
            if (status == ST_UNPROVEN) {
                broker_fail(broker, "log.rolled-back", &err);
            } else if (status != ST_OK) {
                log_event(LOG_LEVEL_ERROR, "publish.failed", log_text("why", err.message));
                status = ST_OK;
            }
        }
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
