// The epoch thread: at each interval it builds the map of all lists, puts its root on record as an
// entry like any other, and lets readers prove places in it. It has the lowest priority that shares
// the processor, reads log and views for a moment at a time, and nobody waits for it.
//
// An entry names the epoch's number and root, and the file of that number has them too. So whatever
// the process dies of, the log says which file counts; another one is built over.
#include "broker/epoch.h"

#include "base/clock.h"
#include "base/event.h"
#include "broker/frames.h"

#include <stdlib.h>

enum { LOOK_EVERY_MS = 250, RETRY_MS = 60 * 1000 };

struct epochs {
    struct broker *broker;
    struct audit_log *log;
    struct audit_reader *reader;
    struct audit_epoch last; // zero: none yet
    uint64_t last_index;
    bool lost;      // it has no file: readers have nothing to prove from
    int64_t due_ms; // wall clock
};

void epoch_now_free(void *object)
{
    struct epoch_now *now = object;
    if (now != NULL) {
        audit_epoch_close(&now->map);
        free(now);
    }
}

// Readers see this epoch from now on. Takes the map over.
static enum status adopt(struct epochs *epochs, struct audit_epoch_map *map, uint64_t index,
                         int64_t built_ms, struct error *err)
{
    struct epoch_now *now = calloc(1, sizeof(*now));
    if (now != NULL) {
        *now = (struct epoch_now){ .map = map, .index = index, .built_ms = built_ms };
    }
    if (now == NULL || !snapshot_swap(epochs->broker->epoch, now)) {
        audit_epoch_close(&map);
        free(now);
        return error_set(err, ST_NOMEM, "epoch: no memory");
    }
    epochs->last = *audit_epoch_of(map);
    epochs->last_index = index;
    epochs->lost = false;
    return ST_OK;
}

// ---- what the log says

static int64_t moment_of(struct audit_log *log, uint64_t index)
{
    enum { MINUTE_MS = 60 * 1000 };
    struct audit_record record;
    struct error err;
    return audit_log_record(log, index, &record, &err) == ST_OK
               ? (int64_t)record.minutes * MINUTE_MS
               : 0;
}

static enum status read_last(struct epochs *epochs, int64_t *at_ms, struct error *err)
{
    uint64_t size = 0;
    enum status status = audit_reader_begin(epochs->reader, &size, err);
    if (status != ST_OK) {
        return status;
    }
    status = audit_log_begin(epochs->log, &size, err);
    if (status == ST_OK) {
        status =
            audit_epoch_last(epochs->log, epochs->reader, &epochs->last, &epochs->last_index, err);
        *at_ms = status == ST_OK ? moment_of(epochs->log, epochs->last_index) : 0;
        audit_log_end(epochs->log);
    }
    audit_reader_end(epochs->reader);
    return status;
}

// At the start: the newest epoch of the log, if its file is whole; else the next one is due at
// once.
static enum status resume(struct epochs *epochs, struct error *err)
{
    struct broker *broker = epochs->broker;
    struct audit_epoch_map *map = NULL;
    int64_t at_ms = 0;
    int64_t now_ms = clock_wall_ms();
    int64_t interval_ms = broker->home.settings->audit.epoch_ms;
    enum status status = read_last(epochs, &at_ms, err);
    if (status == ST_NOT_FOUND) {
        epochs->due_ms = now_ms + interval_ms;
        return ST_OK;
    }
    if (status != ST_OK) {
        return status;
    }
    epochs->due_ms = at_ms + interval_ms;
    status = audit_epoch_open(broker->home.path, broker->home.vault, broker->home.origin,
                              epochs->last.number, &epochs->last.root, &map, err);
    if (status == ST_OK) {
        return adopt(epochs, map, epochs->last_index, -1, err);
    }
    if (status == ST_NOMEM) {
        return status;
    }
    log_event(LOG_LEVEL_WARNING, "epoch.file-lost", log_text("why", err->message));
    epochs->due_ms = now_ms;
    epochs->lost = true;
    return ST_OK;
}

// ---- the next one

static enum status build(struct epochs *epochs, struct audit_epoch_built *built, struct error *err)
{
    struct broker *broker = epochs->broker;
    struct snapshot_item *item = NULL;
    const struct epoch_now *now = snapshot_pin(broker->epoch, &item);
    struct audit_epoch_options options = {
        .home = broker->home.path,
        .origin = broker->home.origin,
        .vault = broker->home.vault,
        .journal = broker->journal,
        .views = broker->views,
        .tagger = broker->tagger,
        .before = now == NULL ? NULL : now->map,
        .number = epochs->last.number + 1,
        .stopping = &broker->stopping,
    };
    enum status status = audit_epoch_build(&options, built, err);
    bool from_run = options.before != NULL;
    if (from_run && (status == ST_CORRUPT || status == ST_STALE || status == ST_NOT_FOUND)) {
        log_event(LOG_LEVEL_WARNING, "epoch.from-lists", log_text("why", err->message));
        options.before = NULL;
        status = audit_epoch_build(&options, built, err);
    }
    snapshot_unpin(&item);
    return status;
}

// The entry, and where it stands. ST_CLOSED: the broker ends first.
static enum status record(struct epochs *epochs, const struct audit_epoch *epoch, uint64_t *index,
                          struct error *err)
{
    struct broker *broker = epochs->broker;
    struct job *job = job_create(JOB_BROADCAST);
    struct wire_public_part *public_part =
        job == NULL ? NULL : arena_take(job->arena, sizeof(*public_part));
    struct wire_officer_part *officer =
        job == NULL ? NULL : arena_take(job->arena, sizeof(*officer));
    if (public_part == NULL || officer == NULL) {
        job_destroy(&job);
        return error_set(err, ST_NOMEM, "epoch: no memory");
    }
    *public_part = (struct wire_public_part){ .format = 1,
                                              .kind = WIRE_KIND_EPOCH,
                                              .recorded_at = (uint64_t)clock_wall_ms(),
                                              .epoch = epoch->number,
                                              .map_root = epoch->root,
                                              .map_size = epoch->size };
    *officer = (struct wire_officer_part){ .format = 1, .kind = WIRE_KIND_EPOCH };
    job->record = (struct record){
        .kind = RECORD_PLAIN, .class = WIRE_CLASS_EPOCH, .officer = officer, .public_ = public_part
    };
    job->after = broker->to_epoch;
    broker_pass_one(broker->to_recorder, job);
    job = NULL;
    while (queue_wait(broker->to_epoch, (void **)&job, 1, clock_monotonic_ms() + LOOK_EVERY_MS) ==
           0) {
        if (atomic_load(&broker->stopping)) {
            return error_set(err, ST_CLOSED, "epoch: stopped");
        }
    }
    enum status status = ST_OK;
    if (job->record.result == RECORD_DONE) {
        *index = job->record.index;
    } else {
        status = error_set(err, job->record.err.status == ST_OK ? ST_IO : job->record.err.status,
                           "%s", job->record.err.message);
    }
    job_destroy(&job);
    return status;
}

static enum status advance(struct epochs *epochs, struct error *err)
{
    struct broker *broker = epochs->broker;
    struct audit_epoch_built built;
    struct audit_epoch_map *map = NULL;
    uint64_t index = 0;
    enum status status = build(epochs, &built, err);
    if (status == ST_OK) {
        status = audit_epoch_open(broker->home.path, broker->home.vault, broker->home.origin,
                                  built.epoch.number, &built.epoch.root, &map, err);
    }
    if (status == ST_OK) {
        status = record(epochs, &built.epoch, &index, err);
    }
    if (status != ST_OK) {
        audit_epoch_close(&map);
        return status;
    }
    status = adopt(epochs, map, index, built.merge_ms + built.hash_ms, err);
    log_event(LOG_LEVEL_INFO, "epoch.made", log_number("number", (int64_t)built.epoch.number),
              log_number("entry", (int64_t)index),
              log_number("people", (int64_t)built.epoch.people),
              log_number("entries-read", (int64_t)built.entries),
              log_number("merge-ms", built.merge_ms), log_number("hash-ms", built.hash_ms));
    if (status == ST_OK) {
        status = audit_epoch_sweep(broker->home.path, built.epoch.number, 0, err);
    }
    return status;
}

// An epoch of which nothing but its own entry has come since says all there is to say.
static bool has_changed(const struct epochs *epochs)
{
    uint64_t size = audit_journal_size(epochs->broker->journal);
    return epochs->last.number == 0 || size > epochs->last_index + 1;
}

static void look(struct epochs *epochs)
{
    struct broker *broker = epochs->broker;
    struct error err = { 0 };
    int64_t now_ms = clock_wall_ms();
    int64_t interval_ms = broker->home.settings->audit.epoch_ms;
    if (now_ms < epochs->due_ms || atomic_load(&broker->full)) {
        return;
    }
    if (!has_changed(epochs) && !epochs->lost) {
        epochs->due_ms = now_ms + LOOK_EVERY_MS;
        return;
    }
    enum status status = advance(epochs, &err);
    epochs->due_ms = now_ms + interval_ms;
    if (status != ST_OK && status != ST_CLOSED) {
        log_event(LOG_LEVEL_ERROR, "epoch.failed", log_text("why", err.message));
        epochs->due_ms = clock_wall_ms() + (RETRY_MS < interval_ms ? RETRY_MS : interval_ms);
    }
}

void broker_epoch_run(struct thread *thread, void *argument)
{
    struct broker *broker = argument;
    struct epochs epochs = { .broker = broker };
    struct error err = { 0 };
    enum status status = audit_log_create(broker->journal, &epochs.log, &err);
    if (status == ST_OK) {
        status = audit_reader_create(broker->views, &epochs.reader, &err);
    }
    if (status == ST_OK) {
        status = resume(&epochs, &err);
    }
    thread_give_way();
    thread_ready(thread, status, &err);
    while (status == ST_OK && !atomic_load(&broker->stopping)) {
        broker_wait(broker, LOOK_EVERY_MS);
        look(&epochs);
    }
    audit_reader_destroy(&epochs.reader);
    audit_log_destroy(&epochs.log);
}
