// Appending: the recorder's loop in this thread, a worker that packs for it and the indexer in
// threads of their own, all through the functions that the broker's use.
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "bench_log_run.h"

#include "base/clock.h"
#include "base/queue.h"
#include "base/thread.h"

enum { SHOW_EVERY_MS = 500, PAUSE_NS = 1000000, TURN_BATCHES = 8 };

// ---- the indexer

struct indexer {
    struct audit_views *views;
    atomic_bool stopping;
    atomic_bool failed;
    uint64_t writes;
    double cpu_s;
    struct error err;
};

static void pause_briefly(void)
{
    struct timespec time = { .tv_nsec = PAUSE_NS };
    (void)nanosleep(&time, NULL);
}

static void run_indexer(struct thread *thread, void *argument)
{
    struct indexer *indexer = argument;
    int64_t applied_ms = clock_monotonic_ms();
    thread_ready(thread, ST_OK, NULL);
    while (!atomic_load(&indexer->stopping)) {
        uint64_t applied = 0;
        if (!audit_views_due(indexer->views, applied_ms)) {
            pause_briefly();
            continue;
        }
        applied_ms = clock_monotonic_ms();
        if (audit_views_apply(indexer->views, &applied, &indexer->err) != ST_OK) {
            atomic_store(&indexer->failed, true);
            break;
        }
        indexer->writes++;
    }
    indexer->cpu_s = (double)clock_thread_cpu_ns() / 1e9;
}

// ---- the worker

struct packer {
    struct queue *to_pack;
    struct queue *packed;
    double cpu_s;
    struct error err; // of the batch that could not be packed
};

static void run_packer(struct thread *thread, void *argument)
{
    struct packer *packer = argument;
    void *maker = NULL;
    thread_ready(thread, ST_OK, NULL);
    while (queue_wait(packer->to_pack, &maker, 1, -1) > 0) {
        if (bench_maker_pack(maker, &packer->err) != ST_OK) {
            break;
        }
        (void)queue_push(packer->packed, &maker, 1); // it has room for all makers
    }
    queue_close(packer->packed);
    packer->cpu_s = (double)clock_thread_cpu_ns() / 1e9;
}

static enum status start_packer(struct bench_log_run *run, struct packer *packer,
                                struct thread **thread, struct error *err)
{
    enum status status = queue_create(BENCH_LOG_MAKERS, 0, &packer->to_pack, err);
    if (status == ST_OK) {
        status = queue_create(BENCH_LOG_MAKERS, 0, &packer->packed, err);
    }
    if (status == ST_OK) {
        (void)queue_push(packer->to_pack, (void *const *)run->makers, BENCH_LOG_MAKERS);
        status = thread_start("worker", run_packer, packer, thread, err);
    }
    return status;
}

static void stop_packer(struct packer *packer, struct thread **thread)
{
    if (packer->to_pack != NULL) {
        queue_close(packer->to_pack);
    }
    thread_join(thread);
    queue_destroy(&packer->to_pack);
    queue_destroy(&packer->packed);
}

// ---- the recorder's loop

static double lap(int64_t *since_ns)
{
    int64_t now = clock_monotonic_ns();
    double seconds = (double)(now - *since_ns) / 1e9;
    *since_ns = now;
    return seconds;
}

static enum status place(struct bench_log_home *home, struct bench_maker *maker, struct error *err)
{
    return bench_maker_place(maker, audit_journal_size(home->journal),
                             audit_journal_minutes(home->journal, clock_wall_ms()), err);
}

static enum status append(struct bench_log_home *home, struct bench_maker *maker, struct error *err)
{
    size_t count = 0;
    struct audit_commit *commit = NULL;
    const struct audit_entry *const *entries = bench_maker_entries(maker, &count);
    enum status status =
        audit_journal_append(home->journal, entries, count, audit_journal_size(home->journal),
                             audit_journal_term(home->journal), &commit, err);
    audit_commit_unref(&commit);
    return status;
}

static enum status publish(struct bench_log_home *home, struct bench_maker *maker,
                           struct error *err)
{
    struct audit_rows *rows = NULL;
    enum status status = bench_maker_rows(maker, &rows, err);
    if (status == ST_OK) {
        status = audit_views_publish(home->views, &rows, audit_journal_size(home->journal), err);
    }
    audit_rows_destroy(&rows);
    return status;
}

static enum status one_batch(struct bench_log_home *home, struct packer *packer,
                             struct bench_log_pace *pace, struct error *err)
{
    void *maker = NULL;
    int64_t time = clock_monotonic_ns();
    if (queue_wait(packer->packed, &maker, 1, -1) == 0) {
        return error_set(err, packer->err.status, "%s", packer->err.message);
    }
    pace->waited_s += lap(&time);
    enum status status = place(home, maker, err);
    pace->place_s += lap(&time);
    if (status == ST_OK) {
        status = append(home, maker, err);
    }
    pace->append_s += lap(&time);
    if (status == ST_OK) {
        status = publish(home, maker, err);
    }
    pace->rows_s += lap(&time);
    pace->part_bytes += bench_maker_part_bytes(maker);
    pace->commits++;
    (void)queue_push(packer->to_pack, &maker, 1); // it came from there
    return status;
}

static void show(const struct bench_log_run *run, uint64_t done, uint64_t until, int64_t *shown_ms)
{
    int64_t now = clock_monotonic_ms();
    if (run->person && (now - *shown_ms >= SHOW_EVERY_MS || done >= until)) {
        *shown_ms = now;
        fprintf(stderr, "\r%llu of %llu entries%s", (unsigned long long)done,
                (unsigned long long)until, done >= until ? "\n" : "");
    }
}

static enum status loop(struct bench_log_run *run, uint64_t until, const struct indexer *indexer,
                        struct packer *packer, struct bench_log_pace *pace, struct error *err)
{
    struct bench_log_home *home = &run->home;
    int64_t shown_ms = 0;
    enum status status = ST_OK;
    while (status == ST_OK && audit_journal_size(home->journal) < until) {
        int64_t time = clock_monotonic_ns();
        while (audit_views_tail_full(home->views) && !atomic_load(&indexer->failed)) {
            pause_briefly();
            audit_views_retire(home->views);
        }
        pace->stalled_s += lap(&time);
        if (atomic_load(&indexer->failed)) {
            return error_set(err, indexer->err.status, "%s", indexer->err.message);
        }
        status = one_batch(home, packer, pace, err);
        uint64_t tail = audit_views_tail_entries(home->views);
        pace->tail_peak = tail > pace->tail_peak ? tail : pace->tail_peak;
        show(run, audit_journal_size(home->journal), until, &shown_ms);
    }
    while (status == ST_OK && audit_views_tail_entries(home->views) > 0) {
        pause_briefly();
        if (atomic_load(&indexer->failed)) {
            return error_set(err, indexer->err.status, "%s", indexer->err.message);
        }
    }
    audit_views_retire(home->views);
    return status;
}

enum status bench_log_grow(struct bench_log_run *run, uint64_t until, struct bench_log_pace *pace,
                           struct error *err)
{
    struct indexer indexer = { .views = run->home.views };
    struct packer packer = { 0 };
    struct thread *indexing = NULL;
    struct thread *packing = NULL;
    uint64_t before = audit_journal_size(run->home.journal);
    *pace = (struct bench_log_pace){ 0 };
    enum status status = thread_start("indexer", run_indexer, &indexer, &indexing, err);
    if (status != ST_OK) {
        return status;
    }
    int64_t start = clock_monotonic_ns();
    status = start_packer(run, &packer, &packing, err);
    if (status == ST_OK) {
        status = loop(run, until, &indexer, &packer, pace, err);
    }
    pace->seconds = lap(&start);
    atomic_store(&indexer.stopping, true);
    thread_join(&indexing);
    stop_packer(&packer, &packing);
    pace->entries = audit_journal_size(run->home.journal) - before;
    pace->pack_cpu_s = packer.cpu_s;
    pace->apply_cpu_s = indexer.cpu_s;
    pace->view_writes = indexer.writes;
    return status;
}

// ---- the journal alone

// One batch of which only appending is timed.
static enum status bare_batch(struct bench_log_home *home, struct bench_maker *maker,
                              double *append_s, struct error *err)
{
    enum status status = bench_maker_pack(maker, err);
    if (status == ST_OK) {
        status = place(home, maker, err);
    }
    int64_t time = clock_monotonic_ns();
    if (status == ST_OK) {
        status = append(home, maker, err);
    }
    *append_s += lap(&time);
    if (status == ST_OK && home->views != NULL) {
        uint64_t applied = 0;
        status = publish(home, maker, err);
        if (status == ST_OK && audit_views_tail_entries(home->views) > AUDIT_TAIL_ENTRIES_MAX / 2) {
            status = audit_views_apply(home->views, &applied, err);
        }
    }
    return status;
}

static enum status take_turns(struct bench_log_run *run, struct bench_log_home *fresh,
                              struct bench_maker *maker, uint64_t entries,
                              struct bench_log_alone *alone, struct error *err)
{
    enum status status = ST_OK;
    uint64_t before = audit_journal_size(run->home.journal);
    while (status == ST_OK && audit_journal_size(fresh->journal) < entries) {
        for (int i = 0; status == ST_OK && i < TURN_BATCHES; i++) {
            status = bare_batch(fresh, maker, &alone->fresh_s, err);
        }
        for (int i = 0; status == ST_OK && i < TURN_BATCHES; i++) {
            status = bare_batch(&run->home, run->makers[0], &alone->grown_s, err);
        }
    }
    alone->entries = audit_journal_size(run->home.journal) - before;
    // The second log's first batch has no releases: its time is of a few entries less.
    alone->fresh_s *= (double)alone->entries / (double)audit_journal_size(fresh->journal);
    return status;
}

enum status bench_log_alone(struct bench_log_run *run, const char *folder, uint64_t entries,
                            struct bench_log_alone *alone, struct error *err)
{
    struct bench_log_home fresh = { 0 };
    struct bench_log_opened opened;
    struct bench_maker *maker = NULL;
    struct bench_maker_options options = { .subjects = run->subjects,
                                           .batch = run->batch,
                                           .seed = 7 };
    uint64_t applied = 0;
    *alone = (struct bench_log_alone){ 0 };
    enum status status = bench_log_home_create(folder, &fresh, err);
    if (status == ST_OK) {
        status = bench_log_home_open(&fresh, false, NULL, &opened, err);
    }
    if (status == ST_OK) {
        status = bench_maker_create(&options, &maker, err);
    }
    if (status == ST_OK) {
        status = take_turns(run, &fresh, maker, entries, alone, err);
    }
    while (status == ST_OK && audit_views_tail_entries(run->home.views) > 0) {
        status = audit_views_apply(run->home.views, &applied, err);
    }
    if (status == ST_OK) {
        audit_views_retire(run->home.views);
    }
    bench_maker_destroy(&maker);
    bench_log_home_destroy(&fresh, false);
    return status;
}
