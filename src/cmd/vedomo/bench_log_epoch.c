// Building epochs of the log that was made, by the function that the broker's thread uses.
#include "bench_log_run.h"

#include "audit/epoch.h"
#include "base/clock.h"

enum { ENTRIES_BETWEEN = 50000 };

static enum status build(const struct bench_log_run *run, struct audit_tagger *tagger,
                         const struct audit_epoch_map *before, double *seconds, double *cpu_s,
                         struct audit_epoch *epoch, struct error *err)
{
    struct audit_epoch_built built;
    const struct bench_log_home *home = &run->home;
    struct audit_epoch_options options = { .home = home->path,
                                           .origin = bytes_text(home->origin),
                                           .vault = home->vault,
                                           .journal = home->journal,
                                           .views = home->views,
                                           .tagger = tagger,
                                           .before = before,
                                           .number = before == NULL ? 1 : 2 };
    int64_t start = clock_monotonic_ns();
    int64_t cpu = clock_thread_cpu_ns();
    enum status status = audit_epoch_build(&options, &built, err);
    *seconds = (double)(clock_monotonic_ns() - start) / 1e9;
    *cpu_s = (double)(clock_thread_cpu_ns() - cpu) / 1e9;
    if (status == ST_OK) {
        *epoch = built.epoch;
    }
    return status;
}

enum status bench_log_epoch(struct bench_log_run *run, struct bench_log_epoch *measured,
                            struct error *err)
{
    const struct seal_secret *keys[] = { run->home.master.secrets[0] };
    struct audit_tagger *tagger = NULL;
    struct audit_epoch_map *map = NULL;
    struct audit_epoch epoch;
    struct bench_log_pace pace;
    double cpu_s = 0;
    *measured = (struct bench_log_epoch){ 0 };
    enum status status = audit_tagger_create(keys, 1, &tagger, err);
    if (status == ST_OK) {
        status = audit_vault_prepare(run->home.vault, AUDIT_KEY_LASTING, err);
    }
    if (status == ST_OK) {
        status = build(run, tagger, NULL, &measured->lists_s, &cpu_s, &epoch, err);
    }
    if (status == ST_OK) {
        status = audit_epoch_open(run->home.path, run->home.vault, bytes_text(run->home.origin), 1,
                                  &epoch.root, &map, err);
    }
    if (status == ST_OK) {
        status = bench_log_grow(run, audit_journal_size(run->home.journal) + ENTRIES_BETWEEN, &pace,
                                err);
    }
    if (status == ST_OK) {
        measured->entries = pace.entries;
        status = build(run, tagger, map, &measured->next_s, &measured->next_cpu_s, &epoch, err);
        measured->people = epoch.people;
    }
    audit_epoch_close(&map);
    audit_tagger_destroy(&tagger);
    return status;
}
