// The same steps as a broker's start takes, without anything else of a broker.
#include "home_journal.h"

#include <stdio.h>

enum status home_journal_open(const struct broker_home *home, bool create,
                              struct audit_journal **journal, struct error *err)
{
    const struct audit_journal_options options = {
        .home = home->path,
        .origin = home->settings->origin,
        .map_bytes = (size_t)home->settings->audit.log_map_bytes,
        .signer = home->logs[0].signer,
        .vault = home->vault,
        .create = create,
    };
    return audit_journal_open(&options, journal, err);
}

enum status home_journal_append(struct audit_journal *journal, struct audit_entry *entries,
                                size_t count, uint32_t minutes, struct error *err)
{
    const struct audit_entry *list[AUDIT_BATCH_MAX];
    struct audit_commit *commit = NULL;
    enum status status =
        count <= AUDIT_BATCH_MAX ? ST_OK : error_set(err, ST_USAGE, "more entries than a batch");
    for (size_t i = 0; status == ST_OK && i < count; i++) {
        list[i] = &entries[i];
        status = audit_entry_seal(&entries[i], minutes, err);
    }
    if (status == ST_OK) {
        status = audit_journal_append(journal, list, count, audit_journal_size(journal),
                                      audit_journal_term(journal), &commit, err);
    }
    audit_commit_unref(&commit);
    return status;
}

int home_run(const char *program, int argc, char **argv, home_job job)
{
    struct error err = { 0 };
    struct broker_home home;
    enum status status = broker_home_open(argv[1], &home, &err);
    if (status == ST_OK) {
        status = job(&home, argc, argv, &err);
        broker_home_close(&home);
    }
    if (status != ST_OK) {
        fprintf(stderr, "%s: %s\n", program, err.message);
    }
    return status == ST_OK ? 0 : 1;
}
