// A worker takes what came in, verifies the signature, decodes the payload, and handles requests
// and answers; everything else it passes on, verified. Workers hold no state between jobs but a
// cache of batch roots that have verified.
#include "base/clock.h"
#include "base/event.h"
#include "broker/message.h"
#include "broker/parts.h"
#include "broker/worker.h"

#include <stdlib.h>

enum { WORKER_BATCH = 64, ROOTS_CACHED = 4096 };

static void pin(struct worker *worker, struct snapshot_item *items[3])
{
    worker->registry = snapshot_pin(worker->broker->registry, &items[0]);
    worker->bundle = snapshot_pin(worker->broker->policy, &items[1]);
    worker->directory = snapshot_pin(worker->broker->directory, &items[2]);
    worker->now_ms = clock_wall_ms();
}

static void unpin(struct snapshot_item *items[3])
{
    for (size_t i = 0; i < 3; i++) {
        snapshot_unpin(&items[i]);
    }
}

// Where a verified message goes. Sessions are control's, so it sees questions that name one first.
static struct queue *handler_of(struct broker *broker, const struct job *job)
{
    const struct wire_query *query = job->payload;
    bool in_session = job->head.type == WIRE_QUERY && !digest_is_zero(&query->session);
    bool reads = job->head.type == WIRE_HELLO || job->head.type == WIRE_QUERY;
    return reads && !in_session ? broker->to_readers : broker->to_control;
}

static void handle(struct worker *worker, struct job *job)
{
    struct error err = { 0 };
    if (job->attempt > 0) {
        if (job->head.type == WIRE_REQUEST) {
            worker_request(worker, job, true);
        } else {
            worker_answer(worker, job);
        }
        return;
    }
    enum status status = message_verify(worker->broker, worker->roots, job, &err);
    if (status == ST_OK && job->head.type == WIRE_REQUEST) {
        worker_request(worker, job, false);
        return;
    }
    if (status == ST_OK) {
        status = message_decode(job, &err);
    }
    if (status != ST_OK) {
        message_reject(&worker->maker, job, &err);
    } else if (job->head.type == WIRE_ANSWER) {
        worker_answer(worker, job);
    } else if (job->head.type == WIRE_CANCEL) {
        job->outcome = OUTCOME_CANCEL;
    } else {
        job->after = handler_of(worker->broker, job);
    }
}

struct sorted {
    struct job *jobs[WORKER_BATCH];
    size_t count;
};

static void sort_in(struct sorted *sorted, struct job *job)
{
    sorted->jobs[sorted->count++] = job;
}

static void handle_batch(struct worker *worker, struct job **jobs, size_t count)
{
    struct broker *broker = worker->broker;
    struct sorted to_recorder = { .count = 0 };
    struct sorted to_router = { .count = 0 };
    for (size_t i = 0; i < count; i++) {
        struct job *job = jobs[i];
        handle(worker, job);
        if (job->after != NULL) {
            struct queue *after = job->after;
            job->after = NULL;
            broker_pass_ahead(after, job);
        } else if (job->outcome != OUTCOME_NONE || job->record.kind == RECORD_NOTHING) {
            sort_in(&to_router, job);
        } else {
            sort_in(&to_recorder, job);
        }
    }
    broker_pass(broker->to_recorder, to_recorder.jobs, to_recorder.count);
    broker_pass(broker->to_router, to_router.jobs, to_router.count);
}

static enum status open_worker(struct worker *worker, struct error *err)
{
    worker->roots = seal_batch_cache_create(ROOTS_CACHED);
    worker->scratch = arena_create(WIRE_ARENA_BYTES);
    worker->grants = calloc(WORKER_CONSENTS_MAX, sizeof(*worker->grants));
    worker->counters = calloc(POLICY_COUNTERS_MAX, sizeof(*worker->counters));
    worker->decision = calloc(1, sizeof(*worker->decision));
    if (worker->roots == NULL || worker->scratch == NULL || worker->grants == NULL ||
        worker->counters == NULL || worker->decision == NULL) {
        return error_set(err, ST_NOMEM, "worker: no memory");
    }
    return audit_reader_create(worker->broker->views, &worker->reader, err);
}

void broker_worker_run(struct thread *thread, void *argument)
{
    struct broker *broker = argument;
    struct worker worker = { .broker = broker,
                             .maker = frame_maker_init(broker),
                             .packed = buffer_init(PARTS_BYTES_MAX),
                             .normal = buffer_init(CATALOGUE_SUBJECT_MAX) };
    struct error err = { 0 };
    thread_stand_back();
    enum status status = open_worker(&worker, &err);
    thread_ready(thread, status, &err);
    struct job *jobs[WORKER_BATCH];
    size_t count;
    while (status == ST_OK &&
           (count = queue_wait(broker->to_workers, (void **)jobs, WORKER_BATCH, -1)) > 0) {
        struct snapshot_item *items[3];
        status = audit_reader_begin(worker.reader, &worker.seen_size, &err);
        if (status != ST_OK) {
            broker_fail(broker, "worker.views-unreadable", &err);
            for (size_t i = 0; i < count; i++) {
                job_destroy(&jobs[i]);
            }
            break;
        }
        pin(&worker, items);
        handle_batch(&worker, jobs, count);
        unpin(items);
        audit_reader_end(worker.reader);
    }
    audit_reader_destroy(&worker.reader);
    arena_destroy(&worker.scratch);
    free(worker.grants);
    free(worker.counters);
    free(worker.decision);
    seal_batch_cache_destroy(&worker.roots);
    frame_maker_fini(&worker.maker);
    buffer_fini(&worker.packed);
    buffer_fini(&worker.normal);
}
