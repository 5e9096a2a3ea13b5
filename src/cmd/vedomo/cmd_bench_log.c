// vedomo bench log: what the log and its views do at a size that is made first. No broker takes
// part; the functions are those of its recorder, indexer and readers.
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "bench_figures.h"
#include "bench_log_run.h"
#include "commands.h"

enum {
    SMALL = 10000,
    QUICK_ENTRIES = 200000,
    LEAST_ENTRIES = 40000,
    BYTES_AN_ENTRY = 3600, // of log and views together while the views grow
    GROUP_SMALL = 1,
    GROUP_LARGE = 2,
};

static const uint64_t default_entries = 10000000;

struct options {
    uint64_t entries;
    uint64_t subjects;
    uint64_t batch;
    const char *dir;
    bool quick;
    bool keep;
};

static const struct command_option option_table[] = {
    { COMMAND_NUMBER, offsetof(struct options, entries), "entries", 0, "N",
      "Size of the log that is made (default 10000000)" },
    { COMMAND_NUMBER, offsetof(struct options, subjects), "subjects", 0, "N",
      "Persons that entries are about, drawn at random (default a tenth of the entries)" },
    { COMMAND_NUMBER, offsetof(struct options, batch), "batch", 0, "N",
      "Entries in one commit, 2 to 1024, even (default 256)" },
    { COMMAND_TEXT, offsetof(struct options, dir), "dir", 'd', "FOLDER",
      "Where the log is made (default /tmp)" },
    { COMMAND_FLAG, offsetof(struct options, quick), "quick", 0, NULL,
      "200,000 entries, unless --entries says otherwise: within a minute" },
    { COMMAND_FLAG, offsetof(struct options, keep), "keep", 0, NULL,
      "Leave the folder behind, as a stopped broker's log, views and keys" },
    { .kind = COMMAND_END },
};

// Everything that one run found.
struct figures {
    struct bench_log_pace growth;
    struct bench_log_pace pace; // at the end
    struct bench_log_alone alone;
    struct bench_log_page small;
    struct bench_log_page large;
    struct bench_log_opened started;
    struct bench_log_opened rebuilt;
    struct bench_log_epoch epoch;
    struct bench_log_check leaves;
    struct bench_log_check bodies;
    struct bench_log_check views;
    uint64_t size;
    uint64_t log_bytes;
    uint64_t views_bytes;
};

static enum status settle(const struct options *given, struct options *options, struct error *err)
{
    *options = *given;
    if (options->entries == 0) {
        options->entries = options->quick ? QUICK_ENTRIES : default_entries;
    }
    if (options->subjects == 0) {
        options->subjects = options->entries / 10;
    }
    if (options->batch == 0) {
        options->batch = 256;
    }
    if (options->dir == NULL) {
        options->dir = "/tmp";
    }
    if (options->entries < LEAST_ENTRIES) {
        return error_set(err, ST_USAGE, "--entries: at least %d", LEAST_ENTRIES);
    }
    if (options->batch < 2 || options->batch > AUDIT_BATCH_MAX || options->batch % 2 != 0) {
        return error_set(err, ST_USAGE, "--batch: an even number from 2 to %d", AUDIT_BATCH_MAX);
    }
    return ST_OK;
}

static enum status check_space(const struct options *options, struct error *err)
{
    struct statvfs disk;
    uint64_t needed = options->entries * BYTES_AN_ENTRY;
    if (statvfs(options->dir, &disk) != 0) {
        return error_errno(err, ST_IO, "%s", options->dir);
    }
    uint64_t there = (uint64_t)disk.f_bavail * disk.f_frsize;
    if (there < needed) {
        return error_set(err, ST_FULL,
                         "%s has %.1f GB free; %llu entries take up to %.1f GB. Give another "
                         "folder with --dir, or fewer --entries",
                         options->dir, (double)there / 1e9, (unsigned long long)options->entries,
                         (double)needed / 1e9);
    }
    return ST_OK;
}

// Grows to 10 thousand, where pages are timed, and to the whole size.
static enum status grow(struct bench_log_run *run, const struct options *options,
                        struct figures *figures, struct error *err)
{
    struct bench_log_pace small;
    uint64_t lists = (uint64_t)BENCH_WATCHED * (BENCH_PAGE_ROWS + 2);
    bench_log_watch(run, GROUP_SMALL, SMALL / 2 / lists);
    enum status status = bench_log_grow(run, SMALL, &small, err);
    if (status == ST_OK) {
        status = bench_log_pages(run, GROUP_SMALL, &figures->small, err);
    }
    bench_log_watch(run, GROUP_LARGE, (options->entries - SMALL) / 2 / lists);
    return status == ST_OK ? bench_log_grow(run, options->entries, &figures->growth, err) : status;
}

static enum status measure_grown(struct bench_log_run *run, const struct options *options,
                                 struct figures *figures, struct error *err)
{
    uint64_t more = options->entries / 5;
    uint64_t most = 500000;
    more = more > most ? most : more;
    bench_log_watch(run, GROUP_LARGE, 0);
    enum status status = bench_log_pages(run, GROUP_LARGE, &figures->large, err);
    if (status == ST_OK) {
        figures->log_bytes = bench_log_home_bytes(&run->home, "log");
        figures->views_bytes = bench_log_home_bytes(&run->home, "views");
        figures->size = audit_journal_size(run->home.journal);
        status = bench_log_home_warm(&run->home, err); // the cold pages were the last
    }
    if (status == ST_OK) {
        status = bench_log_grow(run, figures->size + more, &figures->pace, err);
    }
    if (status == ST_OK) {
        status = bench_log_alone(run, options->dir, more, &figures->alone, err);
    }
    if (status == ST_OK) {
        status = bench_log_epoch(run, &figures->epoch, err);
    }
    bench_log_close(run);
    if (status == ST_OK) {
        status = bench_log_kill(run, &figures->started, err);
    }
    bench_log_close(run);
    if (status == ST_OK) {
        status = bench_log_check(run, BENCH_LOG_LEAVES, &figures->leaves, err);
    }
    if (status == ST_OK) {
        status = bench_log_check(run, BENCH_LOG_BODIES, &figures->bodies, err);
    }
    if (status == ST_OK) {
        status = bench_log_check(run, BENCH_LOG_VIEWS, &figures->views, err);
    }
    if (status == ST_OK) {
        status = bench_log_rebuild(run, &figures->rebuilt, err);
    }
    return status;
}

// ---- the report

static double rate(uint64_t count, double seconds)
{
    return seconds > 0 ? (double)count / seconds : 0;
}

static double ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

static void report_head(struct output *out, const struct options *options,
                        const struct figures *figures)
{
    char model[128];
    long cores = 0;
    bench_machine(model, sizeof(model), &cores);
    output_text(out, "machine", model);
    output_number(out, "cores", (uint64_t)cores);
    output_number(out, "entries", figures->size);
    output_number(out, "subjects", options->subjects);
    output_number(out, "batch", options->batch);
    output_bool(out, "quick", options->quick);
    output_line(out, "%s, %ld cores; %llu entries about %llu persons, %llu in a commit%s", model,
                cores, (unsigned long long)figures->size, (unsigned long long)options->subjects,
                (unsigned long long)options->batch,
                options->quick ? "; a quick run: smaller than what the goals are about" : "");
}

static void report_pace(struct output *out, const struct figures *figures)
{
    const struct bench_log_alone *alone = &figures->alone;
    const struct bench_log_pace *pace = &figures->pace;
    double fresh = rate(alone->entries, alone->fresh_s);
    double grown = rate(alone->entries, alone->grown_s);
    double sustained = rate(pace->entries, pace->seconds);
    double n = (double)pace->entries / 1e6;
    output_real(out, "append_per_s_at_0", fresh);
    output_real(out, "append_per_s", grown);
    output_real(out, "append_ratio", ratio(grown, fresh));
    output_real(out, "sustained_per_s", sustained);
    output_real(out, "sustained_ratio", ratio(sustained, grown));
    output_real(out, "growth_per_s", rate(figures->growth.entries, figures->growth.seconds));
    output_number(out, "tail_peak", pace->tail_peak);
    output_real(out, "pack_cpu_us", pace->pack_cpu_s / n);
    output_real(out, "waited_us", pace->waited_s / n);
    output_real(out, "place_us", pace->place_s / n);
    output_real(out, "append_us", pace->append_s / n);
    output_real(out, "rows_us", pace->rows_s / n);
    output_real(out, "stalled_s", pace->stalled_s);
    output_real(out, "apply_cpu_us", pace->apply_cpu_s / n);
    output_number(out, "view_commits", pace->view_writes);
    output_line(out, "journal alone: %.0f appends/s on a new log, %.0f here: %.2f (goal 0.8)",
                fresh, grown, ratio(grown, fresh));
    output_line(out, "with views, the indexer keeping up: %.0f/s: %.2f (goal 0.3)", sustained,
                ratio(sustained, grown));
    output_line(out,
                "  an entry: the recorder waits for the worker %.1f, places %.1f, appends %.1f, "
                "makes rows %.1f us; stalled %.1f of %.1f s; the worker %.1f, the indexer %.1f us "
                "of CPU; tail at most %llu entries",
                pace->waited_s / n, pace->place_s / n, pace->append_s / n, pace->rows_s / n,
                pace->stalled_s, pace->seconds, pace->pack_cpu_s / n, pace->apply_cpu_s / n,
                (unsigned long long)pace->tail_peak);
    output_line(out, "  while it grew: %.0f/s over all %llu entries",
                rate(figures->growth.entries, figures->growth.seconds),
                (unsigned long long)figures->growth.entries);
}

static void report_page(struct output *out, const char *name, uint64_t size,
                        const struct bench_log_page *page)
{
    output_object(out, name);
    output_number(out, "entries", size);
    output_real(out, "warm_p50_us", page->warm_p50_us);
    output_real(out, "warm_p99_us", page->warm_p99_us);
    output_real(out, "cold_p50_us", page->cold_p50_us);
    output_real(out, "cold_p99_us", page->cold_p99_us);
    output_number(out, "warm_count", page->warm_count);
    output_number(out, "cold_count", page->cold_count);
    output_object_end(out);
    output_line(out,
                "who viewed, a page of %d with bodies, at %llu entries: warm p50 %.0f p99 %.0f us; "
                "cold (files dropped from memory by posix_fadvise) p50 %.0f p99 %.0f us",
                BENCH_PAGE_ROWS, (unsigned long long)size, page->warm_p50_us, page->warm_p99_us,
                page->cold_p50_us, page->cold_p99_us);
}

static void report_rest(struct output *out, const struct figures *figures)
{
    double started = figures->started.journal_s + figures->started.views_s;
    double leaves = rate(figures->leaves.entries, figures->leaves.cpu_s);
    double bodies = rate(figures->bodies.entries, figures->bodies.cpu_s);
    double views = rate(figures->views.entries, figures->views.cpu_s);
    double size = (double)figures->size;
    output_real(out, "page_ratio", ratio(figures->large.warm_p50_us, figures->small.warm_p50_us));
    output_line(out, "  large to small, warm p50: %.2f (goal 1.5, and 1000 us)",
                ratio(figures->large.warm_p50_us, figures->small.warm_p50_us));
    output_real(out, "start_s", started);
    output_real(out, "start_journal_s", figures->started.journal_s);
    output_number(out, "start_tail", figures->started.tail);
    output_bool(out, "start_rebuilt", figures->started.rebuilt);
    output_real(out, "rebuild_s", figures->rebuilt.views_s);
    output_line(out,
                "opening journal and views after kill -9 under load: %.3f s, journal %.3f s, tail "
                "of %llu entries loaded (goal 1 s); views made again from nothing: %.1f s",
                started, figures->started.journal_s, (unsigned long long)figures->started.tail,
                figures->rebuilt.views_s);
    output_number(out, "epoch_people", figures->epoch.people);
    output_number(out, "epoch_entries", figures->epoch.entries);
    output_real(out, "epoch_lists_s", figures->epoch.lists_s);
    output_real(out, "epoch_next_s", figures->epoch.next_s);
    output_real(out, "epoch_next_cpu_s", figures->epoch.next_cpu_s);
    output_line(out,
                "an epoch of %llu persons: from their lists %.1f s; the next, %llu entries later, "
                "%.1f s (%.1f s of CPU)",
                (unsigned long long)figures->epoch.people, figures->epoch.lists_s,
                (unsigned long long)figures->epoch.entries, figures->epoch.next_s,
                figures->epoch.next_cpu_s);
    output_real(out, "verify_leaves_per_core_s", leaves);
    output_real(out, "verify_bodies_per_core_s", bodies);
    output_real(out, "verify_views_per_core_s", views);
    output_line(out,
                "checking, entries a second of one core: leaves and tiles %.0f (goal 1000000), "
                "with bodies %.0f (goal 250000), with bodies and views %.0f",
                leaves, bodies, views);
    output_number(out, "log_bytes", figures->log_bytes);
    output_number(out, "views_bytes", figures->views_bytes);
    output_real(out, "log_bytes_per_entry", (double)figures->log_bytes / size);
    output_real(out, "views_bytes_per_entry", (double)figures->views_bytes / size);
    output_real(out, "part_bytes_per_entry",
                ratio((double)figures->pace.part_bytes, (double)figures->pace.entries));
    output_line(out, "bytes an entry: parts %.0f, log %.0f, views %.0f",
                ratio((double)figures->pace.part_bytes, (double)figures->pace.entries),
                (double)figures->log_bytes / size, (double)figures->views_bytes / size);
}

static enum status run(struct command_call *call, struct error *err)
{
    struct options options;
    struct figures figures = { 0 };
    struct bench_log_run bench = { .person = isatty(STDERR_FILENO) == 1 };
    struct bench_log_opened opened;
    enum status status = settle(call->options, &options, err);
    if (status != ST_OK) {
        return status;
    }
    status = check_space(&options, err);
    if (status != ST_OK) {
        return status;
    }
    bench.subjects = options.subjects;
    bench.batch = (size_t)options.batch;
    status = bench_log_makers(&bench, err);
    if (status == ST_OK) {
        status = bench_log_home_create(options.dir, &bench.home, err);
    }
    if (status == ST_OK) {
        status = bench_log_open(&bench, &opened, err);
    }
    if (status == ST_OK) {
        status = grow(&bench, &options, &figures, err);
    }
    if (status == ST_OK) {
        status = measure_grown(&bench, &options, &figures, err);
    }
    if (status == ST_OK) {
        report_head(call->out, &options, &figures);
        report_pace(call->out, &figures);
        report_page(call->out, "page_small", SMALL, &figures.small);
        report_page(call->out, "page_large", figures.size, &figures.large);
        report_rest(call->out, &figures);
        if (options.keep) {
            output_text(call->out, "folder", bench.home.path);
            output_line(call->out, "kept: %s", bench.home.path);
        }
    }
    bench_log_close(&bench);
    for (size_t i = 0; i < BENCH_LOG_MAKERS; i++) {
        bench_maker_destroy(&bench.makers[i]);
    }
    bench_log_home_destroy(&bench.home, options.keep && status == ST_OK);
    return status;
}

const struct command cmd_bench_log = {
    .words = "bench log",
    .help = "Measure the log and its views at a given size",
    .detail = "Takes several gigabytes and minutes at the default size.",
    .options = option_table,
    .options_bytes = sizeof(struct options),
    .run = run,
};
