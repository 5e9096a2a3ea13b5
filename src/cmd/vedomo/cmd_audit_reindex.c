// vedomo audit reindex: the views of a stopped broker made again from its log.
#include <stdio.h>
#include <unistd.h>

#include "commands.h"
#include "home_log.h"

#include "audit/facet.h"
#include "audit/views.h"
#include "base/clock.h"

enum { SHOW_EVERY_MS = 500 };

struct options {
    const char *home;
};

static const struct command_option option_table[] = {
    { COMMAND_TEXT, offsetof(struct options, home), "home", 0, "HOME",
      "The broker's folder; the broker is stopped" },
    { .kind = COMMAND_END },
};

struct showing {
    bool person; // somebody watches
    int64_t shown_ms;
};

static void show_progress(uint64_t done, uint64_t total, void *context)
{
    struct showing *showing = context;
    int64_t now = clock_monotonic_ms();
    if (showing->person && (now - showing->shown_ms >= SHOW_EVERY_MS || done >= total)) {
        showing->shown_ms = now;
        fprintf(stderr, "\r%llu of %llu entries read%s", (unsigned long long)done,
                (unsigned long long)total, done >= total ? "; writing\n" : "");
    }
}

static enum status rebuild(const struct home_log *log, struct error *err)
{
    struct showing showing = { .person = isatty(STDERR_FILENO) == 1 };
    struct audit_views_options views = {
        .home = log->home.path,
        .origin = log->home.settings->origin,
        .map_bytes = (size_t)log->home.settings->audit.views_map_bytes,
        .journal = log->journal,
        .progress = show_progress,
        .progress_context = &showing,
    };
    struct audit_tagger *tagger = NULL;
    enum status status = audit_search_key(log->home.master.secrets[0], views.search_key, err);
    if (status == ST_OK) {
        status = audit_tagger_create(log->home.tag_secrets, log->home.tag_count, &tagger, err);
    }
    if (status == ST_OK) {
        views.tagger = tagger;
        status = audit_views_rebuild(&views, err);
    }
    audit_tagger_destroy(&tagger);
    return status;
}

static enum status run(struct command_call *call, struct error *err)
{
    const struct options *options = call->options;
    struct home_log log;
    if (options->home == NULL) {
        return error_set(err, ST_USAGE, "--home is missing: the broker's folder");
    }
    int64_t started = clock_monotonic_ms();
    enum status status = home_log_open(options->home, &log, err);
    if (status != ST_OK) {
        return status;
    }
    uint64_t entries = audit_journal_size(log.journal);
    status = rebuild(&log, err);
    home_log_close(&log);
    if (status == ST_OK) {
        double seconds = (double)(clock_monotonic_ms() - started) / 1000;
        output_number(call->out, "entries", entries);
        output_real(call->out, "seconds", seconds);
        output_line(call->out, "views of %llu entries made again in %.2f s",
                    (unsigned long long)entries, seconds);
    }
    return status;
}

const struct command cmd_audit_reindex = {
    .words = "audit reindex",
    .help = "Make the views of a stopped broker again from its log",
    .detail =
        "The new views take the place of the old ones when they are whole; it may be "
        "interrupted at any time. 'vedomo audit verify --home HOME' says whether it is needed.",
    .options = option_table,
    .options_bytes = sizeof(struct options),
    .run = run,
};
