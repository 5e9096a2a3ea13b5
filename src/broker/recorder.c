// The recorder: the only writer of the log. It takes what waits, stages it, appends it in one
// synced commit, and only then passes the jobs on. If the commit fails, none of them says that
// anything was recorded; if it fails for another reason than lack of space, the process ends.
//
// The reply of an exchange (ASK, RELEASE, REFUSAL) is made here, because it needs the receipt, and
// only a commit makes receipts.
#include "base/clock.h"
#include "base/event.h"
#include "base/file.h"
#include "base/reader.h"
#include "broker/exchange.h"
#include "broker/frames.h"
#include "broker/key_state.h"
#include "broker/metric.h"
#include "broker/stage.h"
#include "catalogue/reason.h"
#include "proof/note.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    DECISIONS_MAX = 3,
    RETRY_MS = 200,
    GATHER_MAX_NS = 5 * 1000 * 1000,
    URGENT_BATCH_MAX = 64, // with a withdrawal or an order among them
};

struct recorder {
    struct broker *broker;
    struct stage *stage;
    struct frame_maker maker;
    size_t batch_max;
    int64_t commit_ns;                      // what the last one took
    struct audit_commit *done;              // of the batch: what receipts view
    struct job *to_router[AUDIT_BATCH_MAX]; // passed on together, in order
    size_t router_count;
};

// ---- replies of exchanges

static enum status reply_ask(struct recorder *recorder, struct job *job, struct error *err)
{
    struct exchange *exchange = job->exchange;
    int64_t left_ms = exchange->expires_at - clock_wall_ms();
    int64_t most_ms = recorder->broker->home.settings->exchange.answer_ms;
    left_ms = left_ms < most_ms ? left_ms : most_ms;
    struct wire_ask ask = {
        .version = 1,
        .id = exchange->id,
        .request = bus_frame_view(&job->message.head),
        .decision = job->record.receipt,
        .timeout_ms = left_ms > 0 ? (uint32_t)left_ms : 1,
        .under_way = load_of_holder(recorder->broker->load, exchange->holder),
    };
    job->outcome = OUTCOME_ASK;
    return frame_make(&recorder->maker, WIRE_ASK, &exchange->id, &ask, &job->reply_head, err);
}

static enum status reply_refusal(struct recorder *recorder, struct job *job,
                                 const struct wire_receipt *decision,
                                 const struct wire_receipt *ending, struct bytes reason,
                                 struct error *err)
{
    struct wire_refusal refusal = { .version = 1,
                                    .id = job->exchange->id,
                                    .reason = reason,
                                    .decision = decision,
                                    .ending = ending };
    return frame_make(&recorder->maker, WIRE_REFUSAL, &job->exchange->id, &refusal,
                      &job->reply_head, err);
}

static enum status reply_release(struct recorder *recorder, struct job *job, struct error *err)
{
    struct exchange *exchange = job->exchange;
    struct wire_release release = {
        .version = 1,
        .id = exchange->id,
        .answer = bus_frame_view(&job->message.head),
        .decision = exchange->decision_receipt,
        .release = job->record.receipt,
        .withheld = job->record.exchange->withheld,
        .withheld_count = job->record.exchange->withheld_count,
    };
    job->outcome = OUTCOME_RELEASE;
    return frame_make(&recorder->maker, WIRE_RELEASE, &exchange->id, &release, &job->reply_head,
                      err);
}

// A consent is as the citizen wants it. Releases before it have left the recorder before this.
static void reply_changed(struct recorder *recorder, struct job *job)
{
    struct wire_result result = { .receipt = job->record.receipt,
                                  .value = bytes_id(&job->record.officer->consent->id) };
    frame_result(&recorder->maker, job, &result, (struct bytes){ 0 });
}

static enum status reply_recorded(struct recorder *recorder, struct job *job, struct error *err)
{
    struct record *record = &job->record;
    struct exchange *exchange = job->exchange;
    switch (record->kind) {
    case RECORD_DECISION:
        metric_add(METRIC_DECISIONS, 1);
        exchange->decision_index = record->index;
        exchange->decision_leaf = record->leaf_hash;
        exchange->decision_receipt = record->receipt;
        if (exchange->grant_count > 0) {
            return reply_ask(recorder, job, err);
        }
        metric_add(METRIC_REFUSALS, 1);
        job->outcome = OUTCOME_REPLY;
        return reply_refusal(recorder, job, record->receipt, NULL, record->exchange->reason, err);
    case RECORD_RELEASE:
        metric_add(METRIC_RELEASES, 1);
        exchange->ending_index = record->index;
        return reply_release(recorder, job, err);
    case RECORD_ENDING:
        exchange->ending_index = record->index;
        if (bytes_equal_text(record->officer->reason,
                             catalogue_reason_name(CATALOGUE_REASON_WITHDRAWN_IN_FLIGHT))) {
            metric_add(METRIC_WITHDRAWN_IN_FLIGHT, 1);
        }
        job->outcome = OUTCOME_END;
        return reply_refusal(recorder, job, exchange->decision_receipt, record->receipt,
                             record->exchange->reason, err);
    case RECORD_CONSENT:
        reply_changed(recorder, job);
        break;
    case RECORD_NOTHING:
    case RECORD_REPEAT:
    case RECORD_REGISTRY:
    case RECORD_POLICY:
    case RECORD_FORGET:
    case RECORD_LOG_KEY:
    case RECORD_BODY_KEY:
    case RECORD_PLAIN:
        job->outcome = OUTCOME_NONE;
        break;
    }
    return ST_OK;
}

// ---- passing on

static void to_router(struct recorder *recorder, struct job *job)
{
    recorder->to_router[recorder->router_count++] = job;
}

static void decide_again(struct recorder *recorder, struct job *job)
{
    metric_add(METRIC_DECISIONS_AGAIN, 1);
    if (++job->attempt < DECISIONS_MAX) {
        broker_pass_one(recorder->broker->to_workers, job);
        return;
    }
    if (job->record.kind == RECORD_DECISION) {
        frame_busy(&recorder->maker, job, "policy-changing", RETRY_MS);
    } else {
        job->outcome = OUTCOME_END; // the router ends it; nothing is on record yet
    }
    to_router(recorder, job);
}

// The consent stays as it was, and whoever wanted to change it hears why.
static void pass_unchanged(struct recorder *recorder, struct job *job)
{
    struct error why = job->record.err;
    if (why.status == ST_OK) {
        error_set(&why, ST_BUSY, "it could not be put on record");
    }
    frame_failed(&recorder->maker, job, &why);
    to_router(recorder, job);
}

static void pass_failed(struct recorder *recorder, struct job *job)
{
    if (job->record.kind == RECORD_CONSENT) {
        pass_unchanged(recorder, job);
        return;
    }
    log_event(LOG_LEVEL_ERROR, "record.failed", log_text("why", job->record.err.message));
    bus_frame_fini(&job->reply_head);
    if (job->record.kind == RECORD_DECISION) {
        frame_busy(&recorder->maker, job, "record-unavailable", 5000);
    } else {
        job->outcome = job->exchange != NULL ? OUTCOME_END : OUTCOME_NONE;
    }
    to_router(recorder, job);
}

static void pass_on(struct recorder *recorder, struct job *job)
{
    struct error err;
    if (job->record.kind == RECORD_REPEAT) {
        job->outcome = OUTCOME_REPEAT;
        to_router(recorder, job);
        return;
    }
    switch (job->record.result) {
    case RECORD_DONE:
        if (reply_recorded(recorder, job, &err) != ST_OK) {
            // On record, but without words: the router sees the empty head and ends it.
            log_event(LOG_LEVEL_ERROR, "reply.failed", log_text("why", err.message));
        }
        job->record.receipt = NULL; // it views the commit, which goes
        break;
    case RECORD_STALE:
        decide_again(recorder, job);
        return;
    case RECORD_AGAIN:
        job->outcome = OUTCOME_AGAIN;
        break;
    case RECORD_REUSED:
        frame_refuse(&recorder->maker, job, "id-reused",
                     "this id belongs to another request; draw a new one", 0);
        break;
    case RECORD_PENDING:
    case RECORD_FAILED:
        pass_failed(recorder, job);
        return;
    }
    to_router(recorder, job);
}

// ---- the batch

static enum status commit(struct recorder *recorder, struct error *err)
{
    struct stage *stage = recorder->stage;
    struct broker *broker = recorder->broker;
    int64_t begin_ns = clock_monotonic_ns();
    enum status status = stage_plan(stage, err);
    if (status == ST_OK) {
        status = audit_journal_append(broker->journal, stage_entries(stage), stage_count(stage),
                                      stage_size(stage), audit_journal_term(broker->journal),
                                      &recorder->done, err);
    }
    recorder->commit_ns = clock_monotonic_ns() - begin_ns;
    metric_add(METRIC_SYNC_NS, (uint64_t)recorder->commit_ns);
    if (status == ST_FULL) {
        metric_add(METRIC_COMMIT_FAILURES, 1);
        atomic_store(&broker->full, true);
        stage_failed(stage, err);
        return ST_OK;
    }
    if (status != ST_OK) {
        return status;
    }
    metric_add(METRIC_COMMITS, 1);
    metric_add(METRIC_ENTRIES, stage_count(stage));
    return stage_done(stage, recorder->done, err);
}

static enum status record_batch(struct recorder *recorder, struct job **jobs, size_t count,
                                struct error *err)
{
    enum status status = stage_begin(recorder->stage, err);
    for (size_t i = 0; status == ST_OK && i < count; i++) {
        stage_add(recorder->stage, jobs[i]);
    }
    if (status == ST_OK && stage_count(recorder->stage) > 0) {
        status = commit(recorder, err);
    }
    stage_end(recorder->stage);
    if (status != ST_OK) {
        audit_commit_unref(&recorder->done);
        return status;
    }
    // The router gets the releases before control hears of a withdrawal behind them, and so before
    // it can acknowledge it.
    recorder->router_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (jobs[i]->after == NULL) {
            pass_on(recorder, jobs[i]);
            jobs[i] = NULL;
        }
    }
    audit_commit_unref(&recorder->done);
    broker_pass(recorder->broker->to_router, recorder->to_router, recorder->router_count);
    for (size_t i = 0; i < count; i++) {
        if (jobs[i] != NULL) {
            jobs[i]->finishing = true;
            broker_pass_ahead(jobs[i]->after, jobs[i]);
        }
    }
    return ST_OK;
}

// The jobs of the next batch; 0: the queue is closed. Nothing waits for company that does not come.
// But while workers have jobs, what they make would miss the commit and wait for the whole of the
// next one, so it is taken along for half a commit's time: fewer commits, and fuller ones, which
// the peers answer with fewer signatures. A withdrawal or an order never waits, goes into the log
// before everything that waits with it, so that no release does that could still be stopped, and
// shares its commit with few.
static size_t gather(struct recorder *recorder, struct job **jobs)
{
    struct queue *queue = recorder->broker->to_recorder;
    size_t max = recorder->batch_max;
    size_t count = queue_wait(queue, (void **)jobs, 1, -1);
    if (count > 0 && jobs[0]->urgent && max > URGENT_BATCH_MAX) {
        max = URGENT_BATCH_MAX;
    }
    count += count == 0 ? 0 : queue_take(queue, (void **)jobs + 1, max - 1);
    jobs_urgent_first(jobs, count);
    int64_t most_ns = recorder->commit_ns / 2;
    int64_t until_ms =
        clock_monotonic_ms() + (most_ns < GATHER_MAX_NS ? most_ns : GATHER_MAX_NS) / 1000000;
    size_t more = count;
    while (more > 0 && count < max && !jobs[0]->urgent &&
           queue_length(recorder->broker->to_workers) > 0) {
        more = queue_wait(queue, (void **)jobs + count, max - count, until_ms);
        count += more;
        jobs_urgent_first(jobs, count);
    }
    return count;
}

// ---- what was open when the process ended last

enum { LOST_MAX = 1024 };

struct lost {
    struct bytes ids[LOST_MAX];
    struct id storage[LOST_MAX];
    uint64_t indices[LOST_MAX];
    size_t count;
};

static bool add_lost(struct bytes key, struct bytes value, void *context)
{
    struct lost *lost = context;
    struct reader reader = reader_init(value);
    memcpy(lost->storage[lost->count].bytes, key.data, ID_BYTES);
    lost->ids[lost->count] = bytes_id(&lost->storage[lost->count]);
    lost->indices[lost->count] = reader_u64(&reader);
    return ++lost->count < LOST_MAX;
}

static enum status find_lost(struct broker *broker, struct lost *lost, struct error *err)
{
    struct audit_reader *reader = NULL;
    uint64_t size;
    lost->count = 0;
    enum status status = audit_reader_create(broker->views, &reader, err);
    if (status == ST_OK) {
        status = audit_reader_begin(reader, &size, err);
    }
    if (status == ST_OK) {
        status = audit_reader_scan(reader, AUDIT_TABLE_OPEN, (struct bytes){ 0 },
                                   (struct bytes){ 0 }, false, add_lost, lost, err);
        audit_reader_end(reader);
    }
    audit_reader_destroy(&reader);
    return status;
}

static enum status record_note(struct recorder *recorder, enum wire_kind kind, const char *note,
                               const struct lost *lost, struct bytes continues,
                               const struct wire_key_change *change, struct error *err)
{
    struct job *job = job_create(JOB_BROADCAST);
    if (job == NULL) {
        return error_set(err, ST_NOMEM, "recorder: no memory");
    }
    struct wire_public_part public_part = { .format = 1,
                                            .kind = kind,
                                            .recorded_at = (uint64_t)clock_wall_ms(),
                                            .note = bytes_text(note),
                                            .continues = continues,
                                            .key_change = change };
    struct wire_officer_part officer = { .format = 1, .kind = kind };
    if (lost != NULL) {
        public_part.count = lost->count;
        officer.lost = lost->indices;
        officer.lost_count = lost->count;
        officer.lost_ids = lost->ids;
        officer.lost_ids_count = lost->count;
    }
    job->record = (struct record){ .kind = RECORD_PLAIN,
                                   .class = WIRE_CLASS_GOVERNANCE,
                                   .officer = &officer,
                                   .public_ = &public_part };
    enum status status = record_batch(recorder, &job, 1, err);
    if (status != ST_OK) {
        job_destroy(&job);
    }
    return status;
}

// The first entry of a log, with the last known checkpoint of the log that it continues, if any.
static enum status record_begin(struct recorder *recorder, struct error *err)
{
    char path[PATH_MAX + 32];
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    snprintf(path, sizeof(path), "%s/log.continues", recorder->broker->home.path);
    enum status status = file_read(path, PROOF_NOTE_MAX, &note, err);
    if (status == ST_OK || status == ST_NOT_FOUND) {
        status = record_note(recorder, WIRE_KIND_LOG,
                             note.size == 0 ? "log begins" : "log begins, and continues another",
                             NULL, buffer_view(&note), NULL, err);
    }
    buffer_fini(&note);
    return status;
}

// The first entry of a log says so; decisions without an ending are closed as lost.
static enum status record_start(struct recorder *recorder, struct error *err)
{
    struct broker *broker = recorder->broker;
    if (audit_journal_size(broker->journal) == 0) {
        return record_begin(recorder, err);
    }
    struct lost *lost = malloc(sizeof(*lost));
    enum status status = lost == NULL ? error_set(err, ST_NOMEM, "recorder: no memory") : ST_OK;
    bool first = true;
    while (status == ST_OK) {
        status = find_lost(broker, lost, err);
        if (status != ST_OK || (lost->count == 0 && !first)) {
            break;
        }
        first = false;
        if (lost->count > 0) {
            log_event(LOG_LEVEL_NOTICE, "start.closed-as-lost",
                      log_number("exchanges", (int64_t)lost->count));
        }
        status =
            record_note(recorder, WIRE_KIND_RESTART, "start", lost, (struct bytes){ 0 }, NULL, err);
        if (lost->count < LOST_MAX) {
            break;
        }
    }
    free(lost);
    return status;
}

// A new master key, which the broker finds when it starts.
static enum status record_master_key(struct recorder *recorder, struct error *err)
{
    struct wire_key_change change;
    bool due = true;
    enum status status = ST_OK;
    while (status == ST_OK && due) {
        status = key_state_master(recorder->broker, &change, &due, err);
        if (status == ST_OK && due) {
            status = record_note(recorder, WIRE_KIND_KEY_CHANGE, "master", NULL,
                                 (struct bytes){ 0 }, &change, err);
        }
        if (status == ST_OK && due) {
            key_state_master_recorded(recorder->broker, &change);
        }
    }
    return status;
}

// How many of the jobs fit into one commit: some take several entries.
static size_t fitting(struct job *const *jobs, size_t count)
{
    size_t entries = 0;
    for (size_t i = 0; i < count; i++) {
        entries += 1 + jobs[i]->record.also_count;
        if (i > 0 && entries > AUDIT_BATCH_MAX) {
            return i;
        }
    }
    return count;
}

// Keys of tags that have come since the last start count from their entries on.
static enum status record_tag_keys(struct recorder *recorder, struct error *err)
{
    struct broker *broker = recorder->broker;
    struct wire_key_change change;
    enum status status = ST_OK;
    while (status == ST_OK && key_state_next_tag(broker, &change)) {
        uint64_t index = audit_journal_size(broker->journal);
        status = record_note(recorder, WIRE_KIND_KEY_CHANGE, "tags", NULL, (struct bytes){ 0 },
                             &change, err);
        if (status == ST_OK) {
            key_state_tag_recorded(broker, index);
        }
    }
    return status;
}

void broker_recorder_run(struct thread *thread, void *argument)
{
    struct broker *broker = argument;
    struct recorder recorder = { .broker = broker, .maker = frame_maker_init(broker) };
    struct error err = { 0 };
    recorder.batch_max = (size_t)broker->home.settings->audit.batch_max;
    if (recorder.batch_max > AUDIT_BATCH_MAX) {
        recorder.batch_max = AUDIT_BATCH_MAX;
    }
    thread_wake_soon();
    enum status status = stage_create(broker, &recorder.stage, &err);
    if (status == ST_OK) {
        status = record_start(&recorder, &err);
    }
    if (status == ST_OK) {
        status = record_tag_keys(&recorder, &err);
    }
    if (status == ST_OK) {
        status = record_master_key(&recorder, &err);
    }
    thread_ready(thread, status, &err);
    struct job *jobs[AUDIT_BATCH_MAX];
    while (status == ST_OK) {
        size_t count = gather(&recorder, jobs);
        if (count == 0) {
            break;
        }
        size_t done = 0;
        while (status == ST_OK && done < count) {
            size_t fit = fitting(jobs + done, count - done);
            status = record_batch(&recorder, jobs + done, fit, &err);
            done += status == ST_OK ? fit : 0;
        }
        if (status != ST_OK) {
            broker_fail(broker, "record.lost", &err);
            for (size_t i = done; i < count; i++) {
                job_destroy(&jobs[i]);
            }
        }
        audit_views_retire(broker->views);
    }
    stage_destroy(&recorder.stage);
    frame_maker_fini(&recorder.maker);
}
