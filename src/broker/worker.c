// A worker takes what came in, verifies the signature, decodes the payload, and handles requests
// and answers; everything else it passes on, verified. Workers hold no state between jobs but a
// cache of batch roots that have verified.
#include "base/clock.h"
#include "base/event.h"
#include "broker/connection.h"
#include "broker/metric.h"
#include "broker/parts.h"
#include "broker/worker.h"
#include "seal/hash.h"

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

// What a signature that verified is remembered by: all that was verified, under a key of this
// process, so that nobody can find two alike or push another's out.
static struct digest mark_of(const struct broker *broker, const struct seal_batch_sig *sig,
                             const struct digest *root)
{
    uint8_t size[8];
    const struct bytes parts[] = { bytes_digest(&sig->key), bytes_digest(&broker->audience),
                                   seal_u64(size, sig->size), bytes_digest(root), sig->signature };
    return seal_blake2b(bytes_digest(&broker->verified_key), parts, ARRAY_COUNT(parts));
}

// The signature is by the key that stands behind the connection, over this very payload and type.
static enum status verify(struct worker *worker, struct job *job, struct error *err)
{
    const struct digest *audience = &worker->broker->audience;
    const struct wire_batch_sig *from = job->head.sig;
    if (from == NULL) {
        return error_set(err, ST_UNPROVEN, "the message is not signed");
    }
    if (!digest_equal(&from->key, &job->from.batch_key)) {
        return error_set(err, ST_UNPROVEN,
                         "the message is signed by another key than the "
                         "connection's");
    }
    struct seal_batch_sig sig = { .key = from->key,
                                  .size = from->size,
                                  .index = from->index,
                                  .salt = from->salt,
                                  .path = from->path,
                                  .signature = from->signature };
    struct digest root;
    enum status status = seal_batch_root(&sig, wire_type_name((enum wire_type)job->head.type),
                                         job->head.payload, &root, err);
    if (status != ST_OK) {
        return status;
    }
    if (seal_batch_known(worker->roots, audience, &sig, &root)) {
        metric_add(METRIC_ROOTS_KNOWN, 1);
        return ST_OK;
    }
    // The rest of a batch may have met another worker.
    struct digest mark = mark_of(worker->broker, &sig, &root);
    if (recent_has(worker->broker->verified, &mark)) {
        metric_add(METRIC_ROOTS_KNOWN, 1);
        seal_batch_remember(worker->roots, audience, &sig, &root);
        return ST_OK;
    }
    // An answer was asked for, so there are no more of them than exchanges under way.
    if (job->head.type != WIRE_ANSWER && !connection_spend(job->connection)) {
        return error_set(err, ST_BUSY, "too many signatures to verify; sign larger batches");
    }
    metric_add(METRIC_VERIFICATIONS, 1);
    if (!seal_batch_check(worker->roots, audience, &sig, &root)) {
        return error_set(err, ST_UNPROVEN, "the signature does not verify");
    }
    recent_put(worker->broker->verified, &mark);
    return ST_OK;
}

static bool is_called(uint32_t type)
{
    return type == WIRE_SESSION || type == WIRE_CONSENT_CHANGE || type == WIRE_QUERY ||
           type == WIRE_CONTROL || type == WIRE_CHUNK;
}

// Says why in the way that the sender waits for: RESULT for what is called, else REFUSAL or BUSY.
static void reject(struct worker *worker, struct job *job, const struct error *why)
{
    metric_add(why->status == ST_UNPROVEN ? METRIC_UNSIGNED
               : why->status == ST_BUSY   ? METRIC_BUSY
                                          : METRIC_MALFORMED,
               1);
    job->rejected = why->status != ST_BUSY;
    if (job->head.type == WIRE_ANSWER) {
        job->outcome = OUTCOME_END; // the router ends the exchange
        return;
    }
    if (is_called(job->head.type)) {
        frame_failed(&worker->maker, job, why);
    } else if (why->status == ST_BUSY) {
        frame_busy(&worker->maker, job, "verifications", 1000);
    } else {
        frame_refuse(&worker->maker, job, status_name(why->status), why->message, 0);
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

// Room for the struct of any message that a peer may send.
static void *payload_room(struct job *job)
{
    union any {
        struct wire_hello hello;
        struct wire_announcement announcement;
        struct wire_answer answer;
        struct wire_cancel cancel;
        struct wire_session session;
        struct wire_consent_change change;
        struct wire_query query;
        struct wire_control control;
        struct wire_chunk chunk;
        struct wire_ack ack;
        struct wire_ping ping;
    };
    return arena_take(job->arena, sizeof(union any));
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
    enum status status = verify(worker, job, &err);
    if (status == ST_OK && job->head.type == WIRE_REQUEST) {
        worker_request(worker, job, false);
        return;
    }
    if (status == ST_OK) {
        enum wire_schema schema = wire_type_schema((enum wire_type)job->head.type);
        void *payload = payload_room(job);
        status = payload == NULL
                     ? error_set(&err, ST_NOMEM, "no memory for the message")
                     : wire_decode_here(schema, job->head.payload, job->arena, payload, &err);
        job->payload = payload;
    }
    if (status != ST_OK) {
        reject(worker, job, &err);
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
            broker_pass_one(after, job);
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
                             .packed = buffer_init(PARTS_BYTES_MAX) };
    struct error err = { 0 };
    enum status status = open_worker(&worker, &err);
    thread_ready(thread, status, &err);
    struct job *jobs[WORKER_BATCH];
    size_t count;
    while (status == ST_OK &&
           (count = queue_wait(broker->to_workers, (void **)jobs, WORKER_BATCH, -1)) > 0) {
        struct snapshot_item *items[3];
        uint64_t size;
        status = audit_reader_begin(worker.reader, &size, &err);
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
}
