// Reading what was appended: pages of who viewed, starting again, checking.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench_log_run.h"

#include "audit/verify.h"
#include "base/clock.h"

enum { WARM_ROUNDS = 20, COLD_ROUNDS = 4, ARENA_BYTES = 4 << 20, KILL_AFTER_MS = 1500 };

// ---- open and closed

enum status bench_log_makers(struct bench_log_run *run, struct error *err)
{
    enum status status = ST_OK;
    for (size_t i = 0; status == ST_OK && i < BENCH_LOG_MAKERS; i++) {
        const struct bench_maker_options options = { .subjects = run->subjects,
                                                     .batch = run->batch,
                                                     .seed = i + 1 };
        status = bench_maker_create(&options, &run->makers[i], err);
    }
    return status;
}

void bench_log_watch(struct bench_log_run *run, unsigned group, uint64_t every)
{
    for (size_t i = 0; i < BENCH_LOG_MAKERS; i++) {
        bench_maker_watch(run->makers[i], group, every);
    }
}

static enum status use_views(struct bench_log_run *run, struct audit_views *views,
                             struct error *err)
{
    enum status status = ST_OK;
    for (size_t i = 0; status == ST_OK && i < BENCH_LOG_MAKERS; i++) {
        if (run->makers[i] != NULL) {
            status = bench_maker_use(run->makers[i], views, err);
        }
    }
    return status;
}

enum status bench_log_open(struct bench_log_run *run, struct bench_log_opened *opened,
                           struct error *err)
{
    enum status status = bench_log_home_open(&run->home, true, NULL, opened, err);
    return status == ST_OK ? use_views(run, run->home.views, err) : status;
}

void bench_log_close(struct bench_log_run *run)
{
    struct error ignored;
    if (use_views(run, NULL, &ignored) != ST_OK) {
        return; // letting go cannot fail
    }
    bench_log_home_close(&run->home);
}

// ---- who viewed

struct reading {
    struct audit_reader *reader;
    struct audit_log *log;
    struct arena *arena;
};

static void reading_fini(struct reading *reading)
{
    audit_reader_destroy(&reading->reader);
    audit_log_destroy(&reading->log);
    arena_destroy(&reading->arena);
}

static enum status reading_init(struct reading *reading, struct bench_log_home *home,
                                struct error *err)
{
    *reading = (struct reading){ .arena = arena_create(ARENA_BYTES) };
    enum status status = reading->arena == NULL
                             ? error_set(err, ST_NOMEM, "bench: no memory")
                             : audit_reader_create(home->views, &reading->reader, err);
    if (status == ST_OK) {
        status = audit_log_create(home->journal, &reading->log, err);
    }
    if (status != ST_OK) {
        reading_fini(reading);
    }
    return status;
}

static enum status open_rows(struct reading *reading, const struct audit_subject_row *rows,
                             size_t count, struct error *err)
{
    enum status status = ST_OK;
    for (size_t i = 0; status == ST_OK && i < count; i++) {
        struct audit_record record;
        struct audit_body body;
        struct audit_facts facts = { 0 };
        status = audit_log_record(reading->log, rows[i].index, &record, err);
        if (status == ST_OK) {
            status =
                audit_log_body(reading->log, rows[i].index, &record, reading->arena, &body, err);
        }
        if (status == ST_OK) {
            status = audit_facts_decode(&body, reading->arena, &facts, err);
        }
        if (status == ST_OK && facts.subject->sequence != rows[i].sequence) {
            status = error_set(err, ST_CORRUPT, "bench: entry %llu is not the one of the list",
                               (unsigned long long)rows[i].index);
        }
    }
    return status;
}

static enum status read_page(struct reading *reading, const struct audit_tag *tag, double *us,
                             struct error *err)
{
    struct audit_subject_row rows[BENCH_PAGE_ROWS];
    size_t count = 0;
    uint64_t size = 0;
    int64_t start = clock_monotonic_ns();
    arena_reset(reading->arena);
    enum status status = audit_reader_begin(reading->reader, &size, err);
    if (status != ST_OK) {
        return status;
    }
    status = audit_log_begin(reading->log, &size, err);
    if (status == ST_OK) {
        status =
            audit_reader_subject_page(reading->reader, tag, 0, BENCH_PAGE_ROWS, rows, &count, err);
    }
    if (status == ST_OK && count != BENCH_PAGE_ROWS) {
        status = error_set(err, ST_CORRUPT, "bench: a list of %zu entries, not %d", count,
                           BENCH_PAGE_ROWS);
    }
    if (status == ST_OK) {
        status = open_rows(reading, rows, count, err);
    }
    audit_log_end(reading->log);
    audit_reader_end(reading->reader);
    *us = (double)(clock_monotonic_ns() - start) / 1e3;
    return status;
}

static enum status read_pages(struct bench_log_run *run, unsigned group, unsigned rounds,
                              double *times, size_t *count, struct error *err)
{
    struct reading reading;
    enum status status = reading_init(&reading, &run->home, err);
    if (status != ST_OK) {
        return status;
    }
    for (unsigned i = 0; status == ST_OK && i < rounds * BENCH_WATCHED; i++) {
        struct audit_tag tag = bench_maker_watched(group, i % BENCH_WATCHED);
        status = read_page(&reading, &tag, &times[*count], err);
        *count += status == ST_OK ? 1 : 0;
    }
    reading_fini(&reading);
    return status;
}

static int compare(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

static double percentile(double *times, size_t count, unsigned permille)
{
    qsort(times, count, sizeof(*times), compare);
    return count == 0 ? 0 : times[(count - 1) * permille / 1000];
}

enum status bench_log_pages(struct bench_log_run *run, unsigned group, struct bench_log_page *page,
                            struct error *err)
{
    static double times[WARM_ROUNDS * BENCH_WATCHED];
    struct bench_log_opened opened;
    size_t count = 0;
    enum status status = read_pages(run, group, 1, times, &count, err); // warms
    count = 0;
    if (status == ST_OK) {
        status = read_pages(run, group, WARM_ROUNDS, times, &count, err);
    }
    page->warm_count = count;
    page->warm_p50_us = percentile(times, count, 500);
    page->warm_p99_us = percentile(times, count, 990);
    count = 0;
    for (int i = 0; status == ST_OK && i < COLD_ROUNDS; i++) {
        bench_log_close(run);
        status = bench_log_home_drop(&run->home, err);
        if (status == ST_OK) {
            status = bench_log_open(run, &opened, err);
        }
        if (status == ST_OK) {
            status = read_pages(run, group, 1, times, &count, err);
        }
    }
    page->cold_count = count;
    page->cold_p50_us = percentile(times, count, 500);
    page->cold_p99_us = percentile(times, count, 990);
    return status;
}

// ---- starting again

// In the child: appends until it is killed.
static void append_for_ever(struct bench_log_run *run, int ready)
{
    struct bench_log_opened opened;
    struct bench_log_pace pace;
    struct error err;
    bench_folder_enter(&run->home.folder);
    run->person = false;
    enum status status = bench_log_open(run, &opened, &err);
    if (status == ST_OK && write(ready, "r", 1) == 1) {
        status = bench_log_grow(run, UINT64_MAX, &pace, &err);
    }
    fprintf(stderr, "bench: the process to be killed ended by itself: %s\n",
            status == ST_OK ? "" : err.message);
    _exit(1);
}

enum status bench_log_kill(struct bench_log_run *run, struct bench_log_opened *opened,
                           struct error *err)
{
    int ends[2];
    int how = 0;
    char byte = 0;
    if (pipe(ends) != 0) {
        return error_errno(err, ST_IO, "bench: pipe");
    }
    pid_t child = fork();
    if (child < 0) {
        close(ends[0]);
        close(ends[1]);
        return error_errno(err, ST_IO, "bench: fork");
    }
    if (child == 0) {
        close(ends[0]);
        append_for_ever(run, ends[1]);
    }
    close(ends[1]);
    bool began = read(ends[0], &byte, 1) == 1;
    close(ends[0]);
    if (began) {
        (void)usleep(KILL_AFTER_MS * 1000); // under load when it is killed
    }
    (void)kill(child, SIGKILL);
    while (waitpid(child, &how, 0) < 0 && errno == EINTR) {
    }
    if (!began || !WIFSIGNALED(how)) {
        return error_set(err, ST_IO, "bench: the process to be killed ended by itself");
    }
    return bench_log_open(run, opened, err);
}

static void show_rebuild(uint64_t done, uint64_t total, void *context)
{
    (void)context;
    if (isatty(STDERR_FILENO) == 1) {
        fprintf(stderr, "\rviews: %llu of %llu entries%s", (unsigned long long)done,
                (unsigned long long)total, done >= total ? "\n" : "");
    }
}

enum status bench_log_rebuild(struct bench_log_run *run, struct bench_log_opened *opened,
                              struct error *err)
{
    bench_log_home_forget_views(&run->home);
    enum status status = bench_log_home_open(&run->home, true, show_rebuild, opened, err);
    return status == ST_OK ? use_views(run, run->home.views, err) : status;
}

// ---- checking

static void take_finding(const struct audit_finding *finding, void *context)
{
    (void)context;
    fprintf(stderr, "bench: %s: %s\n", audit_fault_name(finding->fault), finding->message);
}

static double children_cpu_s(void)
{
    struct rusage used;
    if (getrusage(RUSAGE_CHILDREN, &used) != 0) {
        return 0;
    }
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

enum status bench_log_check(struct bench_log_run *run, enum bench_log_depth depth,
                            struct bench_log_check *check, struct error *err)
{
    struct audit_verify_options options = { .home = run->home.path,
                                            .vkey = run->home.vkey,
                                            .master = depth == BENCH_LOG_LEAVES
                                                          ? NULL
                                                          : run->home.master.secrets[0],
                                            .views = depth == BENCH_LOG_VIEWS,
                                            .found = take_finding };
    struct audit_verify_result result;
    double cpu = children_cpu_s();
    int64_t start = clock_monotonic_ns();
    enum status status = audit_verify(&options, &result, err);
    if (status == ST_OK && result.findings > 0) {
        status = error_set(err, ST_CORRUPT, "bench: the log that was made is not whole");
    }
    if (status == ST_OK) {
        *check = (struct bench_log_check){ .entries = result.size,
                                           .seconds = (double)(clock_monotonic_ns() - start) / 1e9,
                                           .cpu_s = children_cpu_s() - cpu };
    }
    return status;
}
