// Opened as the broker opens its own.
#include "bench_store.h"

#include <stdio.h>

#include "audit/facet.h"
#include "bench_request.h"

// With the broker's keys, or it would make them anew from the log when it starts.
static enum status open_views(const struct bench_home *home, struct bench_store *store,
                              struct error *err)
{
    struct audit_views_opened opened;
    struct audit_views_options options = { .home = home->path,
                                           .origin = home->origin,
                                           .journal = store->journal,
                                           .tagger = store->tagger };
    enum status status = audit_search_key(home->master.secrets[0], options.search_key, err);
    return status == ST_OK ? audit_views_open(&options, &store->views, &opened, err) : status;
}

enum status bench_store_open(const struct bench_home *home, struct bench_store *store,
                             struct error *err)
{
    char folder[PATH_MAX];
    *store = (struct bench_store){ .journal = NULL };
    snprintf(folder, sizeof(folder), "%.4000s/" AUDIT_VAULT_FOLDER, home->path);
    enum status status = audit_vault_open(folder, home->master.secrets[0], &store->vault, err);
    if (status == ST_OK) {
        const struct audit_journal_options options = { .home = home->path,
                                                       .origin = home->origin,
                                                       .signer = home->log.signer,
                                                       .vault = store->vault,
                                                       .create = true };
        status = audit_journal_open(&options, &store->journal, err);
    }
    if (status == ST_OK) {
        status = audit_tagger_create((const struct seal_secret *const *)home->tag.secrets,
                                     home->tag.secret_count, &store->tagger, err);
    }
    if (status == ST_OK) {
        status = open_views(home, store, err);
    }
    if (status != ST_OK) {
        bench_store_close(store);
    }
    return status;
}

void bench_store_close(struct bench_store *store)
{
    audit_tagger_destroy(&store->tagger);
    audit_views_close(&store->views);
    audit_journal_close(&store->journal);
    audit_vault_close(&store->vault);
}

enum status bench_store_apply(struct bench_store *store, struct error *err)
{
    enum status status = ST_OK;
    uint64_t applied;
    while (status == ST_OK && audit_views_tail_entries(store->views) > 0) {
        status = audit_views_apply(store->views, &applied, err);
        audit_views_retire(store->views);
    }
    return status;
}

struct audit_tag bench_store_tag(const struct bench_store *store, uint64_t person)
{
    char subject[BENCH_SUBJECT_BYTES];
    bench_subject(person, subject);
    return audit_tagger_tag(store->tagger, bytes_text(BENCH_SCHEME), bytes_text(subject));
}
