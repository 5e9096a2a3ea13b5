// Readers greet peers and answer questions. They see one state of log and views for each job. A
// look that has to be on record is recorded first: the job comes back with its entry durable, and
// only then is the result sent.
#include "audit/keys.h"
#include "base/clock.h"
#include "base/event.h"
#include "broker/exchange.h"
#include "broker/key_changes.h"
#include "broker/metric.h"
#include "broker/proof.h"
#include "broker/query.h"
#include "proof/note.h"

enum { READER_BATCH = 16, VERSION = 1, PINS = 4 };

// A result that waits for its entry.
struct waiting {
    struct wire_result result;
    struct bytes body;
};

static void unpin(struct snapshot_item *items[PINS])
{
    for (size_t i = 0; i < PINS; i++) {
        snapshot_unpin(&items[i]);
    }
}

// Registry and bundle first: whatever they name is in the log that is seen afterwards.
static enum status begin(struct desk *desk, struct snapshot_item *items[PINS], struct error *err)
{
    uint64_t seen = 0;
    desk->registry = snapshot_pin(desk->broker->registry, &items[0]);
    desk->bundle = snapshot_pin(desk->broker->policy, &items[1]);
    desk->directory = snapshot_pin(desk->broker->directory, &items[2]);
    desk->epoch = snapshot_pin(desk->broker->epoch, &items[3]);
    enum status status = audit_reader_begin(desk->reader, &seen, err);
    if (status != ST_OK) {
        unpin(items);
        return status;
    }
    status = audit_log_begin(desk->log, &desk->size, err);
    if (status != ST_OK) {
        audit_reader_end(desk->reader);
        unpin(items);
        return status;
    }
    // The views may be a commit behind what the log shows by now, never ahead.
    desk->size = seen < desk->size ? seen : desk->size;
    return ST_OK;
}

static void end(struct desk *desk, struct snapshot_item *items[PINS])
{
    audit_log_end(desk->log);
    audit_reader_end(desk->reader);
    unpin(items);
}

// ---- greeting

// The consistency proof from the peer's newest checkpoint. A peer that holds our own signature on a
// tree that this log is not an extension of has caught a rollback: signing stops for good.
static enum status prove_consistency(struct desk *desk, struct bytes theirs, uint64_t published,
                                     struct buffer *path, struct error *err)
{
    struct proof_checkpoint checkpoint;
    if (theirs.size == 0) {
        return ST_OK;
    }
    enum status status =
        audit_keys_open(audit_journal_keys(desk->broker->journal), theirs, &checkpoint, err);
    if (status != ST_OK) {
        return error_wrap(err, "the checkpoint in HELLO");
    }
    struct digest root = { 0 };
    if (checkpoint.size <= desk->size) {
        status = audit_log_root(desk->log, checkpoint.size, &root, err);
    }
    if (status == ST_OK &&
        (checkpoint.size > desk->size || !digest_equal(&root, &checkpoint.root))) {
        error_set(err, ST_CORRUPT,
                  "a node holds this log's signature on %llu entries that this log does not have; "
                  "an older copy was restored or entries were changed",
                  (unsigned long long)checkpoint.size);
        broker_fail(desk->broker, "log.rolled-back", err);
        return ST_CORRUPT;
    }
    if (status == ST_OK && checkpoint.size < published) {
        status = audit_log_consistency(desk->log, checkpoint.size, published, path, err);
    }
    return status;
}

static enum status greet(struct desk *desk, struct job *job, struct error *err)
{
    const struct wire_hello *hello = job->payload;
    const struct config_vedomod *settings = desk->broker->home.settings;
    if (!bytes_equal(hello->member, job->from.member) ||
        !bytes_equal(hello->node, job->from.node)) {
        return error_set(err, ST_DENIED, "HELLO names another member or node than the key's card");
    }
    if (hello->version_min > VERSION || hello->version_max < VERSION) {
        return error_set(err, ST_UNSUPPORTED, "this broker speaks version %d only", VERSION);
    }
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    struct buffer path = buffer_init(8192);
    uint64_t published = 0;
    enum status status = audit_journal_published(desk->broker->journal, &published, &note, err);
    if (status == ST_OK) {
        status = prove_consistency(desk, hello->checkpoint, published, &path, err);
    }
    struct key_changes changes;
    if (status == ST_OK) {
        status = key_changes_gather(desk->broker, desk->log, job->arena, &changes, err);
    }
    struct proof_vouched vouched = { 0 };
    if (status == ST_OK) {
        status = proof_vouched_init(desk->broker, desk->log, published, buffer_view(&note),
                                    &vouched, err);
    }
    if (status == ST_OK) {
        struct wire_welcome welcome = {
            .version = 1,
            .speak = VERSION,
            .checkpoint = vouched.checkpoint,
            .consistency = buffer_view(&path),
            .witnessed = vouched.witnessed,
            .witnessed_path = vouched.path,
            .witnessed_trial = vouched.trial,
            .witnessed_at = vouched.at_ms,
            .credit = (uint32_t)settings->limits.credit,
            .heartbeat_ms = (uint32_t)settings->listen.heartbeat_ms,
            .now = (uint64_t)clock_wall_ms(),
            .key_changes = changes.receipts,
            .key_changes_count = changes.count,
        };
        if (desk->bundle != NULL) {
            welcome.bundle_hash = desk->bundle->head.hash;
        }
        job->outcome = OUTCOME_WELCOME;
        status =
            frame_make(&desk->maker, WIRE_WELCOME, &job->head.ref, &welcome, &job->reply_head, err);
    }
    proof_vouched_fini(&vouched);
    buffer_fini(&note);
    buffer_fini(&path);
    return status;
}

static void handle_hello(struct desk *desk, struct job *job)
{
    struct error err = { 0 };
    if (greet(desk, job, &err) != ST_OK) {
        frame_refuse(&desk->maker, job, status_name(err.status), err.message, 0);
    }
}

// ---- a request that was decided before

// What it got the first time, from the log: the receipts of its decision and of its ending.
static enum status repeat(struct desk *desk, struct job *job, struct error *err)
{
    struct audit_exchange_row row;
    struct audit_receipt *decision = arena_take(job->arena, sizeof(*decision));
    struct audit_receipt *ending = arena_take(job->arena, sizeof(*ending));
    if (decision == NULL || ending == NULL) {
        return error_set(err, ST_NOMEM, "no memory for the receipts");
    }
    enum status status = audit_reader_exchange(desk->reader, &job->exchange->id, &row, err);
    if (status == ST_OK) {
        status = audit_log_receipt(desk->log, row.decision_index, desk->size, WIRE_PART_EXCHANGE,
                                   job->arena, decision, err);
    }
    bool two = row.ending == WIRE_KIND_RELEASED || row.ending == WIRE_KIND_REFUSED ||
               row.ending == WIRE_KIND_EXPIRED || row.ending == WIRE_KIND_CANCELLED;
    if (status == ST_OK && two) {
        status = audit_log_receipt(desk->log, row.ending_index, desk->size, WIRE_PART_EXCHANGE,
                                   job->arena, ending, err);
    }
    if (status != ST_OK) {
        return status;
    }
    // What a failure cut off has no ending of its own: nothing left, and nothing proves more.
    bool proven = two || row.ending == WIRE_KIND_DECISION;
    struct wire_refusal refusal = {
        .version = 1,
        .id = job->exchange->id,
        .reason = bytes_text(row.ending == WIRE_KIND_RELEASED ? "released-undelivered"
                             : proven                         ? "already-decided"
                                                              : "lost"),
        .message = bytes_text(proven ? "it was decided before and the answer is no longer held"
                                     : "a failure cut it off; ask again with a new request"),
        .decision = proven ? &decision->receipt : NULL,
        .ending = two ? &ending->receipt : NULL,
    };
    job->outcome = OUTCOME_REPLY;
    return frame_make(&desk->maker, WIRE_REFUSAL, &job->head.ref, &refusal, &job->reply_head, err);
}

static void handle_repeat(struct desk *desk, struct job *job)
{
    struct error err = { 0 };
    if (repeat(desk, job, &err) != ST_OK) {
        frame_refuse(&desk->maker, job, "already-decided", err.message, 0);
    }
}

// ---- questions

static void finish(struct desk *desk, struct job *job)
{
    struct waiting *waiting = job->scratch;
    if (job->record.result != RECORD_DONE) {
        error_wrap(&job->record.err, "the look could not be put on record");
        frame_failed(&desk->maker, job, &job->record.err);
        return;
    }
    waiting->result.receipt = job->record.receipt;
    frame_result(&desk->maker, job, &waiting->result, waiting->body);
}

static void handle_query(struct desk *desk, struct job *job)
{
    struct error err = { 0 };
    struct wire_result result = { 0 };
    enum status status = query_answer(desk, job, &result, &err);
    if (status != ST_OK) {
        job->record.kind = RECORD_NOTHING;
        err.status = status;
        frame_failed(&desk->maker, job, &err);
        return;
    }
    if (job->record.kind == RECORD_NOTHING) {
        frame_result(&desk->maker, job, &result, buffer_view(&desk->body));
        return;
    }
    struct waiting *waiting = arena_take(job->arena, sizeof(*waiting));
    if (waiting != NULL) {
        *waiting =
            (struct waiting){ .result = result, .body = job_keep(job, buffer_view(&desk->body)) };
    }
    if (waiting == NULL || (waiting->body.data == NULL && desk->body.size > 0)) {
        job->record.kind = RECORD_NOTHING;
        error_set(&err, ST_NOMEM, "the answer needs more memory than one may have");
        frame_failed(&desk->maker, job, &err);
        return;
    }
    job->scratch = waiting;
    job->after = desk->broker->to_readers;
}

// A bundle that control has handed over: loaded, and kept if it is to be in force.
static void load_bundle(struct desk *desk, struct job *job)
{
    const struct wire_control *message = job->payload;
    struct policy_bundle *bundle = job->record.bundle;
    struct error err = { 0 };
    enum status status = policy_bundle_load(bundle, &err);
    if (status == ST_OK && !message->dry_run) {
        status = policy_bundle_keep(desk->broker->home.bundles, &bundle->head.hash,
                                    bytes_of(bundle->blob, (size_t)bundle->head.size), &err);
    }
    if (status == ST_OK) {
        broker_pass_ahead(desk->broker->to_control, job);
        return;
    }
    err.status = status;
    frame_failed(&desk->maker, job, &err);
    broker_pass_one(desk->broker->to_router, job);
}

static void handle(struct desk *desk, struct job *job)
{
    struct snapshot_item *items[PINS];
    struct error err = { 0 };
    if (job->finishing) {
        job->after = NULL;
        finish(desk, job);
    } else if (begin(desk, items, &err) != ST_OK) {
        frame_failed(&desk->maker, job, &err);
    } else {
        if (job->head.type == WIRE_HELLO) {
            handle_hello(desk, job);
        } else if (job->head.type == WIRE_REQUEST) {
            handle_repeat(desk, job);
        } else {
            handle_query(desk, job);
        }
        end(desk, items);
    }
    bool recorded = !job->finishing && job->after != NULL;
    broker_pass_one(recorded ? desk->broker->to_recorder : desk->broker->to_router, job);
}

void broker_reader_run(struct thread *thread, void *argument)
{
    struct broker *broker = argument;
    struct desk desk = { .broker = broker,
                         .maker = frame_maker_init(broker),
                         .body = buffer_init(WIRE_BOXES_MAX_BYTES) };
    struct error err = { 0 };
    desk.scratch = arena_create(WIRE_ROWS_ARENA_BYTES);
    enum status status = desk.scratch == NULL
                             ? error_set(&err, ST_NOMEM, "reader: no memory")
                             : audit_reader_create(broker->views, &desk.reader, &err);
    if (status == ST_OK) {
        status = audit_log_create(broker->journal, &desk.log, &err);
    }
    thread_ready(thread, status, &err);
    struct job *jobs[READER_BATCH];
    size_t count;
    while (status == ST_OK &&
           (count = queue_wait(broker->to_readers, (void **)jobs, READER_BATCH, -1)) > 0) {
        // A bundle takes its time: what came with it goes first.
        size_t bundles = 0;
        for (size_t i = 0; i < count; i++) {
            if (jobs[i]->head.type == WIRE_CONTROL) {
                jobs[bundles++] = jobs[i];
            } else {
                handle(&desk, jobs[i]);
            }
        }
        for (size_t i = 0; i < bundles; i++) {
            load_bundle(&desk, jobs[i]);
        }
    }
    audit_log_destroy(&desk.log);
    audit_reader_destroy(&desk.reader);
    arena_destroy(&desk.scratch);
    buffer_fini(&desk.body);
    frame_maker_fini(&desk.maker);
}
