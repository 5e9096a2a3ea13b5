// vedomo audit reindex: the views of a stopped broker made again from its log.
#include <stdio.h>
#include <unistd.h>

#include "commands.h"

#include "audit/facet.h"
#include "audit/views.h"
#include "base/clock.h"
#include "broker/home.h"

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

static enum status rebuild(const struct broker_home *home, uint64_t *entries, struct error *err)
{
    struct showing showing = { .person = isatty(STDERR_FILENO) == 1 };
    struct audit_journal *journal = NULL;
    const struct audit_journal_options options = {
        .home = home->path,
        .origin = home->settings->origin,
        .map_bytes = (size_t)home->settings->audit.log_map_bytes,
        .signer = home->log.signer,
        .vault = home->vault,
    };
    enum status status = audit_journal_open(&options, &journal, err);
    if (status == ST_OK) {
        struct audit_views_options views = {
            .home = home->path,
            .origin = home->settings->origin,
            .map_bytes = (size_t)home->settings->audit.views_map_bytes,
            .journal = journal,
            .progress = show_progress,
            .progress_context = &showing,
        };
        *entries = audit_journal_size(journal);
        status = audit_search_key(home->master.secrets[0], views.search_key, err);
        if (status == ST_OK) {
            status = audit_views_rebuild(&views, err);
        }
    }
    audit_journal_close(&journal);
    return status;
}

static enum status run(struct command_call *call, struct error *err)
{
    const struct options *options = call->options;
    struct broker_home home;
    uint64_t entries = 0;
    if (options->home == NULL) {
        return error_set(err, ST_USAGE, "--home is missing: the broker's folder");
    }
    int64_t started = clock_monotonic_ms();
    enum status status = broker_home_open(options->home, &home, err);
    if (status != ST_OK) {
        return status;
    }
    status = rebuild(&home, &entries, err);
    broker_home_close(&home);
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
