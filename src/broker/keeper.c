// The keeper: forgets a month of the log's contents.
//
//   1. what still counts of it is carried forward (keeper_carry.c)
//   2. an entry says that the month is forgotten, by whose order: from here on there is no way back
//   3. the month's keys are destroyed
//   4. the views are renewed without the rows that went with it
//
// A broker that ends before 2 has forgotten nothing; one that ends behind it finishes 3 and 4 when
// it starts again, by what the log says. Requests go on all the time: the recorder writes the
// keeper's entries among others, and the indexer takes over views that were made beside its own.
#include "broker/keeper.h"

#include "audit/hold.h"
#include "audit/month.h"
#include "base/clock.h"
#include "base/event.h"
#include "base/reader.h"

enum { LOOK_MS = 50, RETRY_MS = 60 * 1000, COUNT_ENTRIES = 4096, TRIES = 16 };

static bool ends(const struct keeper *keeper)
{
    return atomic_load(&keeper->broker->keeper_stops);
}

static void refuse_order(struct keeper *keeper, struct job *job)
{
    struct error err;
    error_set(&err, ST_BUSY, "a month is being forgotten; try again when that is done");
    frame_failed(&keeper->maker, job, &err);
    broker_pass_one(keeper->broker->to_router, job);
}

enum status keeper_record(struct keeper *keeper, struct job *job, struct error *err)
{
    struct job *back = NULL;
    job->after = keeper->broker->to_keeper;
    broker_pass_one(keeper->broker->to_recorder, job);
    while (queue_wait(keeper->broker->to_keeper, (void **)&back, 1, -1) == 1) {
        if (back != job) {
            refuse_order(keeper, back);
            continue;
        }
        job->after = NULL;
        job->finishing = false;
        if (job->record.result == RECORD_DONE) {
            return ST_OK;
        }
        if (job->record.result == RECORD_STALE) {
            return error_set(err, ST_STALE, "a legal hold is being set");
        }
        *err = job->record.err;
        return err->status == ST_OK ? error_set(err, ST_BUSY, "it could not be put on record")
                                    : err->status;
    }
    return error_set(err, ST_CLOSED, "the broker ends");
}

// ---- behind the point of no return

static enum status renew(struct keeper *keeper, struct error *err)
{
    struct broker *broker = keeper->broker;
    int64_t begin_ms = clock_monotonic_ms();
    enum status status = audit_views_renew(broker->views, &broker->keeper_stops, err);
    while (status == ST_OK && (status = audit_views_renewed(broker->views)) == ST_BUSY) {
        if (ends(keeper)) {
            return ST_CLOSED;
        }
        status = ST_OK;
        broker_wait(broker, LOOK_MS);
    }
    if (status == ST_OK) {
        log_event(LOG_LEVEL_NOTICE, "retention.views-renewed",
                  log_number("ms", clock_monotonic_ms() - begin_ms));
    }
    return status;
}

// The keys of all months up to that one: a copy of the keys that was brought back may hold any.
static enum status destroy_keys(struct keeper *keeper, uint32_t last, struct error *err)
{
    struct audit_record first;
    uint64_t size = 0;
    uint32_t month = last;
    enum status status = audit_log_begin(keeper->log, &size, err);
    if (status == ST_OK) {
        status = audit_log_record(keeper->log, 0, &first, err);
        month = status == ST_OK ? audit_month_of(first.minutes) : last;
        audit_log_end(keeper->log);
    }
    for (; status == ST_OK && month <= last; month++) {
        status = audit_vault_forget(keeper->broker->home.vault, month, err);
        status = status == ST_NOT_FOUND ? ST_OK : status; // nothing was under a key of that month
    }
    return status;
}

// Brings to its end what the log says was begun.
static enum status finish(struct keeper *keeper, struct error *err)
{
    struct broker *broker = keeper->broker;
    struct audit_forgotten forgotten = { 0 };
    uint64_t size = 0;
    bool stale = false;
    enum status status = audit_reader_begin(keeper->reader, &size, err);
    if (status == ST_OK) {
        status = audit_reader_forgotten(keeper->reader, &forgotten, err);
        audit_reader_end(keeper->reader);
    }
    if (status != ST_OK || forgotten.month == 0) {
        return status;
    }
    status = destroy_keys(keeper, forgotten.month, err);
    if (status != ST_OK) {
        return status;
    }
    while (audit_views_stored(broker->views) <= forgotten.index) {
        if (ends(keeper)) {
            return ST_CLOSED;
        }
        broker_wait(broker, LOOK_MS);
    }
    status = audit_views_stale(broker->views, &stale, err);
    return status == ST_OK && stale ? renew(keeper, err) : status;
}

static void finish_or_retry(struct keeper *keeper)
{
    struct error err = { 0 };
    enum status status = finish(keeper, &err);
    keeper->retry_ms = 0;
    if (status != ST_OK && status != ST_CLOSED) {
        keeper->retry_ms = clock_monotonic_ms() + RETRY_MS;
        log_event(LOG_LEVEL_ERROR, "retention.unfinished", log_text("why", err.message));
    }
}

// ---- an order

static bool find_open(struct bytes key, struct bytes value, void *context)
{
    uint64_t *lowest = context;
    struct reader reader = reader_init(value);
    uint64_t index = reader_u64(&reader);
    (void)key;
    *lowest = index < *lowest ? index : *lowest;
    return true;
}

static enum status check_hold(struct keeper *keeper, const struct keeping *keeping,
                              struct error *err)
{
    struct audit_covering covering = { 0 };
    enum status status = audit_holds_cover_month(
        keeper->reader, keeper->broker->tagger, audit_month_begin(keeping->month),
        audit_month_begin(keeping->month + 1), &covering, err);
    if (status == ST_OK && covering.count > 0) {
        return error_set(err, ST_DENIED, "a legal hold covers entries of that month: %s",
                         covering.cases);
    }
    return status;
}

// Reader and log have begun.
static enum status check_order(struct keeper *keeper, uint64_t size, struct keeping *keeping,
                               struct error *err)
{
    struct retention retention;
    uint64_t term = keeper->broker->home.settings->audit.retention_months;
    uint64_t open = UINT64_MAX;
    enum status status =
        retention_look(keeper->reader, keeper->log, size, keeping->now_ms, term, &retention, err);
    if (status == ST_OK) {
        status = retention_check(&retention, keeping->month, keeping->now_ms, term, err);
    }
    if (status == ST_OK) {
        status = check_hold(keeper, keeping, err);
    }
    if (status == ST_OK) {
        keeping->from = retention.forgotten.to;
        status = audit_log_find_minute(keeper->log, audit_month_begin(keeping->month + 1),
                                       &keeping->to, err);
    }
    if (status == ST_OK) {
        status = audit_reader_scan(keeper->reader, AUDIT_TABLE_OPEN, (struct bytes){ 0 },
                                   (struct bytes){ 0 }, false, find_open, &open, err);
    }
    if (status == ST_OK && open < keeping->to) {
        return error_set(err, ST_BUSY, "the exchange of entry %llu has not ended yet",
                         (unsigned long long)open);
    }
    return status;
}

static enum status begin_order(struct keeper *keeper, struct keeping *keeping, struct error *err)
{
    uint64_t seen = 0;
    uint64_t size = 0;
    enum status status = audit_reader_begin(keeper->reader, &seen, err);
    if (status != ST_OK) {
        return status;
    }
    status = audit_log_begin(keeper->log, &size, err);
    if (status == ST_OK) {
        status = check_order(keeper, seen < size ? seen : size, keeping, err);
        audit_log_end(keeper->log);
    }
    audit_reader_end(keeper->reader);
    return status;
}

struct counting {
    uint32_t month;
    uint64_t count;
};

static bool count_entry(uint64_t index, const struct audit_record *record, void *context)
{
    struct counting *counting = context;
    (void)index;
    counting->count += audit_body_key_month(record->key_id) == counting->month ? 1 : 0;
    return true;
}

static enum status count_entries(struct keeper *keeper, struct keeping *keeping, struct error *err)
{
    struct counting counting = { .month = keeping->month };
    enum status status = ST_OK;
    for (uint64_t from = keeping->from; status == ST_OK && from < keeping->to;
         from += COUNT_ENTRIES) {
        uint64_t size = 0;
        uint64_t left = keeping->to - from;
        status = ends(keeper) ? error_set(err, ST_CLOSED, "the broker ends")
                              : audit_log_begin(keeper->log, &size, err);
        if (status == ST_OK) {
            status = audit_log_scan(keeper->log, from, left < COUNT_ENTRIES ? left : COUNT_ENTRIES,
                                    count_entry, &counting, err);
            audit_log_end(keeper->log);
        }
    }
    keeping->count = counting.count;
    return status;
}

static enum status fill_order(struct job *job, const struct keeping *keeping, struct error *err)
{
    struct wire_public_part *public_part = arena_take(job->arena, sizeof(*public_part));
    struct wire_officer_part *officer = arena_take(job->arena, sizeof(*officer));
    if (public_part == NULL || officer == NULL) {
        return error_set(err, ST_NOMEM, "no memory for the order");
    }
    *public_part =
        (struct wire_public_part){ .format = 1,
                                   .kind = WIRE_KIND_CARRY_FORWARD,
                                   .member = job->from.member,
                                   .recorded_at = (uint64_t)keeping->now_ms,
                                   .note = bytes_text("forgotten under the retention rule"),
                                   .count = keeping->count,
                                   .month = keeping->month,
                                   .forgotten_to = keeping->to };
    *officer =
        (struct wire_officer_part){ .format = 1,
                                    .kind = WIRE_KIND_CARRY_FORWARD,
                                    .reader = job->from.member,
                                    .reader_role = bytes_text(registry_role_name(job->from.role)),
                                    .node = job->from.node,
                                    .decided_at = (uint64_t)keeping->now_ms };
    job->record = (struct record){ .kind = RECORD_FORGET,
                                   .class = WIRE_CLASS_GOVERNANCE,
                                   .receipt_part = WIRE_PART_PUBLIC,
                                   .officer = officer,
                                   .public_ = public_part };
    return ST_OK;
}

// *mine turns false when the job is no longer this thread's.
static enum status forget(struct keeper *keeper, struct job *job, bool *mine, struct error *err)
{
    const struct wire_control *message = job->payload;
    struct keeping keeping = { .month = message->month, .now_ms = clock_wall_ms() };
    char month[AUDIT_MONTH_TEXT_BYTES];
    enum status status = begin_order(keeper, &keeping, err);
    if (status != ST_OK || message->dry_run) {
        return status;
    }
    audit_month_format(keeping.month, month);
    log_event(LOG_LEVEL_NOTICE, "retention.begun", log_text("month", month));
    status = count_entries(keeper, &keeping, err);
    if (status == ST_OK) {
        status = keeper_carry(keeper, &keeping, err);
    }
    for (unsigned tries = 0; status == ST_OK && tries < TRIES; tries++) {
        status = fill_order(job, &keeping, err);
        if (status != ST_OK) {
            break;
        }
        status = keeper_record(keeper, job, err);
        if (status != ST_STALE) {
            *mine = status != ST_CLOSED;
            break;
        }
        status = begin_order(keeper, &keeping, err); // the hold may be about this month
    }
    return status;
}

static void take_order(struct keeper *keeper, struct job *job)
{
    struct error err = { 0 };
    bool mine = true;
    job->after = NULL;
    enum status status = forget(keeper, job, &mine, &err);
    if (!mine) {
        return; // the broker ends
    }
    if (status == ST_OK && job->record.kind == RECORD_FORGET) {
        log_event(LOG_LEVEL_NOTICE, "retention.forgotten",
                  log_number("entries", (int64_t)job->record.public_->count));
        finish_or_retry(keeper);
    }
    if (status == ST_OK) {
        struct wire_result result = { .receipt = job->record.receipt };
        frame_result(&keeper->maker, job, &result, (struct bytes){ 0 });
    } else {
        err.status = status;
        job->record.kind = RECORD_NOTHING;
        frame_failed(&keeper->maker, job, &err);
    }
    broker_pass_one(keeper->broker->to_router, job);
}

void broker_keeper_run(struct thread *thread, void *argument)
{
    struct broker *broker = argument;
    struct keeper keeper = { .broker = broker, .maker = frame_maker_init(broker) };
    struct error err = { 0 };
    enum status status = audit_reader_create(broker->views, &keeper.reader, &err);
    if (status == ST_OK) {
        status = audit_log_create(broker->journal, &keeper.log, &err);
    }
    thread_ready(thread, status, &err);
    if (status == ST_OK) {
        finish_or_retry(&keeper);
    }
    while (status == ST_OK && !ends(&keeper)) {
        struct job *job = NULL;
        int64_t until_ms = keeper.retry_ms == 0 ? -1 : keeper.retry_ms;
        if (queue_wait(broker->to_keeper, (void **)&job, 1, until_ms) == 1) {
            take_order(&keeper, job);
        } else if (!ends(&keeper)) {
            finish_or_retry(&keeper);
        }
    }
    audit_log_destroy(&keeper.log);
    audit_reader_destroy(&keeper.reader);
    frame_maker_fini(&keeper.maker);
}
