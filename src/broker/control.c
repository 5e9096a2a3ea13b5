// Control: announcements, sessions, consents, orders. Everything here is rare. It is the only
// writer of the directory, and the only one that knows citizens' sessions.
#include "broker/control.h"

#include "base/clock.h"
#include "base/event.h"
#include "base/file.h"
#include "registry/file.h"
#include "seal/exchange.h"

#include <dirent.h>
#include <stdio.h>

enum { CONTROL_BATCH = 32, ROOTS_CACHED = 256, ANNOUNCEMENT_MAX_MS = 60 * 60 * 1000 };

// ---- announcements

static enum status take_announcement(struct control *control, struct job *job, struct error *err)
{
    const struct wire_announcement *message = job->payload;
    int64_t tolerance = control->broker->home.settings->exchange.clock_tolerance_ms;
    if (!bytes_equal(message->member, job->from.member) ||
        !bytes_equal(message->node, job->from.node) ||
        !digest_equal(&message->audience, &control->broker->audience)) {
        return error_set(err, ST_DENIED, "announcement: of another node, or for another log");
    }
    if (message->not_after <= message->not_before ||
        message->not_after - message->not_before > ANNOUNCEMENT_MAX_MS ||
        (int64_t)message->not_before > control->now_ms + tolerance ||
        (int64_t)message->not_after <= control->now_ms) {
        return error_set(err, ST_DENIED,
                         "announcement: not in force now, or longer than an hour; "
                         "set the node's clock");
    }
    struct directory_item item = {
        .batch_key = job->from.batch_key,
        .member = message->member,
        .node = message->node,
        .hash = seal_announcement_hash(job->head.payload),
        .curve_key = message->key,
        .not_before = message->not_before,
        .not_after = message->not_after,
        .serial = message->serial,
        .head = bus_frame_view(&job->message.head),
    };
    struct snapshot_item *pinned;
    struct directory *next = NULL;
    const struct directory *directory = snapshot_pin(control->broker->directory, &pinned);
    enum status status = directory_next(directory, &item, control->now_ms, &next, err);
    snapshot_unpin(&pinned);
    if (status == ST_OK && !snapshot_swap(control->broker->directory, next)) {
        directory_destroy(&next);
        status = error_set(err, ST_NOMEM, "directory: no memory");
    }
    return status;
}

static enum status take_chunk(struct control *control, struct job *job, struct error *err)
{
    const struct wire_chunk *chunk = job->payload;
    enum status status = uploads_add(control->uploads, &chunk->hash, chunk->total, chunk->offset,
                                     bus_frame_view(&job->message.boxes), err);
    if (status == ST_OK) {
        frame_result(&control->maker, job, &(struct wire_result){ 0 }, (struct bytes){ 0 });
    }
    return status;
}

// A question in a citizen's session: whose it is, then on to the readers.
static enum status find_session(struct control *control, struct job *job, struct error *err)
{
    const struct wire_query *query = job->payload;
    enum status status = sessions_find(control->sessions, &query->session, &job->from.batch_key,
                                       control->now_ms, &job->session_tag, err);
    if (status == ST_OK) {
        job->in_session = true;
        job->after = control->broker->to_readers;
    }
    return status;
}

// ---- the table

static const struct {
    control_handler begin;
    control_handler done;
} handlers[WIRE_TYPE_COUNT] = {
    [WIRE_ANNOUNCEMENT] = { take_announcement, NULL },
    [WIRE_CHUNK] = { take_chunk, NULL },
    [WIRE_QUERY] = { find_session, NULL },
    [WIRE_SESSION] = { control_session, control_session_done },
    [WIRE_CONSENT_CHANGE] = { control_consent, NULL },
    [WIRE_CONTROL] = { control_order, control_order_done },
};

static void fail(struct control *control, struct job *job, const struct error *why)
{
    job->record.kind = RECORD_NOTHING;
    if (job->head.type == WIRE_ANNOUNCEMENT) {
        frame_refuse(&control->maker, job, status_name(why->status), why->message, 0);
    } else {
        frame_failed(&control->maker, job, why);
    }
}

static enum status begin(struct control *control, struct job *job, struct error *err)
{
    uint64_t seen;
    enum status status = audit_reader_begin(control->reader, &seen, err);
    if (status == ST_OK) {
        status = handlers[job->head.type].begin(control, job, err);
        audit_reader_end(control->reader);
    }
    return status;
}

static enum status done(struct control *control, struct job *job, struct error *err)
{
    if (job->record.result != RECORD_DONE) {
        *err = job->record.err;
        return err->status == ST_OK ? error_set(err, ST_BUSY, "it could not be put on record")
                                    : err->status;
    }
    return handlers[job->head.type].done(control, job, err);
}

// Changes of consent come from the router as they are; the rest was opened by a worker.
static bool open_message(struct control *control, struct job *job)
{
    struct error err = { 0 };
    enum status status = ST_OK;
    if (job->payload == NULL) {
        status = message_verify(control->broker, control->roots, job, &err);
    }
    if (status == ST_OK && job->payload == NULL) {
        status = message_decode(job, &err);
    }
    if (status != ST_OK) {
        message_reject(&control->maker, job, &err);
    }
    return status == ST_OK;
}

static struct queue *handle(struct control *control, struct job *job)
{
    struct broker *broker = control->broker;
    struct error err = { 0 };
    struct snapshot_item *items[2];
    bool finishing = job->finishing;
    job->finishing = false;
    job->after = NULL;
    control->now_ms = clock_wall_ms();
    control->registry = snapshot_pin(broker->registry, &items[0]);
    control->bundle = snapshot_pin(broker->policy, &items[1]);
    enum status status = finishing ? done(control, job, &err) : begin(control, job, &err);
    if (status != ST_OK) {
        err.status = status;
        fail(control, job, &err);
    }
    snapshot_unpin(&items[0]);
    snapshot_unpin(&items[1]);
    struct queue *next = broker->to_router;
    if (job->after != NULL) {
        next = job->after;
        job->after = NULL;
    } else if (!finishing && job->record.kind != RECORD_NOTHING && job->outcome == OUTCOME_NONE) {
        job->after = handlers[job->head.type].done != NULL ? broker->to_control : NULL;
        next = broker->to_recorder;
    }
    return next;
}

static void pass(struct control *control, struct job *job)
{
    struct queue *to_router = control->broker->to_router;
    struct queue *next = open_message(control, job) ? handle(control, job) : to_router;
    if (next == to_router) {
        broker_pass_one(next, job);
    } else {
        broker_pass_ahead(next, job);
    }
}

// ---- cards that lie in the home at the start: enrolled before anybody may connect

// Hands the card to the recorder; true: it comes back by control's own queue.
static bool enrol_file(struct control *control, const char *path)
{
    struct error err = { 0 };
    struct registry_file_content content;
    enum status status = registry_file_read(path, 1U << REGISTRY_FILE_CARD, &content, &err);
    if (status != ST_OK) {
        log_event(LOG_LEVEL_WARNING, "card.unreadable", log_text("why", err.message));
        return false;
    }
    struct job *job = job_create(JOB_MESSAGE);
    struct wire_control *message = job == NULL ? NULL : arena_take(job->arena, sizeof(*message));
    if (message == NULL) {
        status = error_set(&err, ST_NOMEM, "no memory for a card");
    } else {
        *message = (struct wire_control){ .version = 1,
                                          .action = WIRE_CONTROL_CARD,
                                          .signed_ = job_keep(job, buffer_view(&content.message)) };
        job->head.type = WIRE_CONTROL;
        job->from.role = REGISTRY_ROLE_OPERATOR; // whoever can write to the home
        job->payload = message;
        job->after = control->broker->to_control;
        status = control_order(control, job, &err);
    }
    registry_file_fini(&content);
    if (status == ST_OK) {
        broker_pass_one(control->broker->to_recorder, job);
        return true;
    }
    if (status != ST_EXISTS) {
        log_event(LOG_LEVEL_WARNING, "card.refused", log_text("file", path),
                  log_text("why", err.message));
    }
    job_destroy(&job);
    return false;
}

// The router does not run yet: whatever comes to control is one of those cards.
static void wait_for_cards(struct control *control, size_t count)
{
    struct job *job;
    while (count > 0 && queue_wait(control->broker->to_control, (void **)&job, 1, -1) == 1) {
        if (job->record.result != RECORD_DONE) {
            log_event(LOG_LEVEL_WARNING, "card.refused", log_text("why", job->record.err.message));
        }
        job_destroy(&job);
        count--;
    }
}

static void enrol_cards(struct control *control)
{
    struct snapshot_item *item;
    DIR *folder = opendir(control->broker->home.cards);
    if (folder == NULL) {
        return;
    }
    control->now_ms = clock_wall_ms();
    control->registry = snapshot_pin(control->broker->registry, &item);
    const struct dirent *entry;
    size_t handed_on = 0;
    while ((entry = readdir(folder)) != NULL) {
        char path[PATH_MAX];
        size_t length = strlen(entry->d_name);
        if (length > 5 && strcmp(entry->d_name + length - 5, ".card") == 0 &&
            snprintf(path, sizeof(path), "%s/%s", control->broker->home.cards, entry->d_name) <
                (int)sizeof(path)) {
            handed_on += enrol_file(control, path) ? 1 : 0;
        }
    }
    wait_for_cards(control, handed_on);
    snapshot_unpin(&item);
    closedir(folder);
}

// ---- life

static enum status open_control(struct control *control, struct error *err)
{
    const struct config_vedomod *settings = control->broker->home.settings;
    control->maker = frame_maker_init(control->broker);
    enum status status = sessions_create(settings->sessions.code_ms, settings->sessions.session_ms,
                                         &control->sessions, err);
    if (status == ST_OK) {
        status = uploads_create(&control->uploads, err);
    }
    control->scratch = arena_create(WIRE_ARENA_BYTES);
    control->roots = seal_batch_cache_create(ROOTS_CACHED);
    if (status == ST_OK && (control->scratch == NULL || control->roots == NULL)) {
        status = error_set(err, ST_NOMEM, "control: no memory");
    }
    if (status == ST_OK) {
        status = audit_reader_create(control->broker->views, &control->reader, err);
    }
    return status;
}

void broker_control_run(struct thread *thread, void *argument)
{
    struct broker *broker = argument;
    struct control control = { .broker = broker };
    struct error err = { 0 };
    thread_wake_soon();
    enum status status = open_control(&control, &err);
    if (status == ST_OK) {
        enrol_cards(&control);
    }
    thread_ready(thread, status, &err);
    struct job *jobs[CONTROL_BATCH];
    size_t count;
    while (status == ST_OK &&
           (count = queue_wait(broker->to_control, (void **)jobs, CONTROL_BATCH, -1)) > 0) {
        for (size_t i = 0; i < count; i++) {
            pass(&control, jobs[i]);
        }
    }
    audit_reader_destroy(&control.reader);
    sessions_destroy(&control.sessions);
    uploads_destroy(&control.uploads);
    arena_destroy(&control.scratch);
    seal_batch_cache_destroy(&control.roots);
    frame_maker_fini(&control.maker);
}
