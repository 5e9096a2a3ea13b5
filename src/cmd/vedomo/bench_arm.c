// The broker's CPU of a round is counted until the index has caught up with the log, so that
// nothing is left for later unpaid.
#include "bench_arm.h"

#include <stdlib.h>

#include "base/clock.h"
#include "bench_ground.h"

enum {
    SETTLE_MS = 60 * 1000, // for answers under way, and for the index
    LOOK_MS = 20,
    PEAK_MS = 100,
};

static void ignore(void *argument, const struct peer_message *message)
{
    (void)argument;
    (void)message;
}

enum status bench_arm_wait(struct bench_arm *arm, int64_t deadline_ms, struct error *err)
{
    enum status status = ST_OK;
    while (status == ST_OK && clock_monotonic_ms() < deadline_ms) {
        status = peer_step(arm->operator_, deadline_ms, ignore, NULL, err);
        if (status == ST_OK) {
            status = bench_look_after(&arm->home->broker_pid, "the broker", err);
        }
    }
    return status;
}

// ---- a round

static void higher(uint64_t *peak, uint64_t value)
{
    *peak = value > *peak ? value : *peak;
}

static void see_commits(struct bench_peaks *peaks, const struct bench_figures *now)
{
    uint64_t commits = bench_figure(now, "log.commits");
    uint64_t entries = bench_figure(now, "log.entries");
    uint64_t ns = bench_figure(now, "log.commit-ns");
    if (commits > peaks->last_commits) {
        double grown = (double)(commits - peaks->last_commits);
        double us = (double)(ns - peaks->last_ns) / 1e3 / grown;
        double batch = (double)(entries - peaks->last_entries) / grown;
        peaks->commit_us = us > peaks->commit_us ? us : peaks->commit_us;
        peaks->batch = batch > peaks->batch ? batch : peaks->batch;
    }
    peaks->last_commits = commits;
    peaks->last_entries = entries;
    peaks->last_ns = ns;
}

static enum status look(struct bench_arm *arm, struct bench_peaks *peaks, struct error *err)
{
    struct bench_figures now;
    enum status status = bench_figures_read(arm->operator_, &now, err);
    if (status == ST_OK) {
        higher(&peaks->workers, bench_figure(&now, "queue.workers"));
        higher(&peaks->recorder, bench_figure(&now, "queue.recorder"));
        higher(&peaks->router, bench_figure(&now, "queue.router"));
        higher(&peaks->tail, bench_figure(&now, "views.tail"));
        higher(&peaks->rss_kb, bench_rss_anon_kb(arm->home->broker_pid));
        see_commits(peaks, &now);
    }
    return status;
}

static enum status run_load(struct bench_arm *arm, int64_t ms, struct bench_round *round,
                            struct error *err)
{
    int64_t deadline_ms = clock_monotonic_ms() + ms;
    enum status status = ST_OK;
    while (status == ST_OK && clock_monotonic_ms() < deadline_ms) {
        int64_t next_ms = clock_monotonic_ms() + PEAK_MS;
        status = bench_arm_wait(arm, next_ms < deadline_ms ? next_ms : deadline_ms, err);
        if (status == ST_OK && next_ms < deadline_ms) {
            status = look(arm, &round->peaks, err);
        }
    }
    return status;
}

static enum status wait_quiet(struct bench_arm *arm, struct error *err)
{
    int64_t deadline_ms = clock_monotonic_ms() + SETTLE_MS;
    enum status status = ST_OK;
    while (status == ST_OK && !bench_load_quiet(arm->load)) {
        if (clock_monotonic_ms() >= deadline_ms) {
            return error_set(err, ST_TIMEOUT, "bench: answers stay away");
        }
        status = bench_arm_wait(arm, clock_monotonic_ms() + LOOK_MS, err);
    }
    return status;
}

// Until the index is where it was before the round.
static enum status wait_index(struct bench_arm *arm, struct bench_round *round, struct error *err)
{
    int64_t deadline_ms = clock_monotonic_ms() + SETTLE_MS;
    uint64_t before = bench_figure(&round->before, "views.tail");
    for (;;) {
        enum status status = bench_figures_read(arm->operator_, &round->after, err);
        if (status != ST_OK || bench_figure(&round->after, "views.tail") <= before) {
            return status;
        }
        if (clock_monotonic_ms() >= deadline_ms) {
            return error_set(err, ST_TIMEOUT, "bench: the index does not catch up with the log");
        }
        status = bench_arm_wait(arm, clock_monotonic_ms() + 5 * LOOK_MS, err);
        if (status != ST_OK) {
            return status;
        }
    }
}

enum status bench_arm_round(struct bench_arm *arm, int64_t ms, struct bench_round *round,
                            struct error *err)
{
    enum status status = bench_figures_read(arm->operator_, &round->before, err);
    if (status != ST_OK) {
        return status;
    }
    round->peaks = (struct bench_peaks){ .rss_kb = 0 };
    see_commits(&round->peaks, &round->before);
    round->peaks.commit_us = 0;
    round->peaks.batch = 0;
    uint64_t cpu_us = bench_cpu_us(arm->home->broker_pid);
    int64_t begin_ns = clock_monotonic_ns();
    bench_load_start(arm->load);
    status = run_load(arm, ms, round, err);
    bench_load_stop(arm->load);
    int64_t end_ns = clock_monotonic_ns();
    round->seconds = (double)(end_ns - begin_ns) / 1e9;
    higher(&round->peaks.rss_kb, bench_rss_anon_kb(arm->home->broker_pid));
    if (status == ST_OK) {
        status = wait_quiet(arm, err);
    }
    if (status == ST_OK) {
        status = wait_index(arm, round, err);
    }
    round->settle_s = (double)(clock_monotonic_ns() - end_ns) / 1e9;
    round->cpu_us = bench_cpu_us(arm->home->broker_pid) - cpu_us;
    arm->after_kb = bench_rss_anon_kb(arm->home->broker_pid);
    if (status == ST_OK) {
        bench_load_collect(arm->load, &round->tally);
    }
    return status;
}

// ---- life

// All announcements are known to the broker.
static enum status wait_announced(struct bench_arm *arm, struct error *err)
{
    int64_t deadline_ms = clock_monotonic_ms() + SETTLE_MS;
    struct bench_figures figures = { .count = 0 };
    uint64_t wanted = arm->home->asker_count + arm->home->holder_count;
    enum status status = ST_OK;
    while (status == ST_OK && bench_figure(&figures, "announcements") < wanted) {
        if (clock_monotonic_ms() >= deadline_ms) {
            return error_set(err, ST_TIMEOUT, "bench: the broker knows %llu announcements",
                             (unsigned long long)bench_figure(&figures, "announcements"));
        }
        status = bench_figures_read(arm->operator_, &figures, err);
        if (status == ST_OK) {
            status = bench_arm_wait(arm, clock_monotonic_ms() + LOOK_MS, err);
        }
    }
    return status;
}

enum status bench_arm_open(struct bench_arm *arm, const struct bench_arm_options *options,
                           struct bus_context *context, struct error *err)
{
    const struct bench_shape *shape = &arm->shape;
    struct bench_home_options home = options->home;
    struct bench_load_options load = options->load;
    home.agreements = shape->agreements;
    home.consents = shape->consents;
    home.entries = shape->entries;
    home.subjects = shape->subjects;
    home.fields = shape->fields;
    home.value_bytes = shape->value_bytes;
    home.sqlite = shape->sqlite;
    home.vedomod = shape->vedomod;
    load.subjects = shape->subjects;
    arm->rounds = calloc(options->rounds, sizeof(*arm->rounds));
    enum status status = arm->rounds == NULL ? error_set(err, ST_NOMEM, "bench: no memory")
                                             : bench_free_port(&home.port, err);
    if (status == ST_OK) {
        status = bench_home_create(&home, context, &arm->home, err);
    }
    if (status == ST_OK) {
        status =
            bench_home_peer(arm->home, context, &arm->home->operator_, NULL, &arm->operator_, err);
    }
    if (status == ST_OK) {
        status = bench_load_create(arm->home, context, &load, &arm->load, err);
    }
    if (status == ST_OK) {
        status = wait_announced(arm, err);
    }
    if (status == ST_OK) {
        arm->idle_kb = bench_rss_anon_kb(arm->home->broker_pid);
    }
    return status;
}

void bench_arm_close(struct bench_arm *arm)
{
    bench_load_destroy(&arm->load);
    peer_destroy(&arm->operator_);
    bench_home_destroy(&arm->home);
    free(arm->rounds);
    arm->rounds = NULL;
}
