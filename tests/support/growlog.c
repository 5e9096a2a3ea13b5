// growlog HOME SIZE: makes the log of a broker that is not running SIZE entries long, for tests
// that need a large one. The entries are officers' looks at nobody.
#include "broker/home.h"

#include "audit/journal.h"
#include "base/clock.h"
#include "proof/commit.h"
#include "wire/wire.h"

#include <stdio.h>
#include <stdlib.h>

enum { BATCH = AUDIT_BATCH_MAX };

static enum status append(struct audit_journal *journal, size_t count, struct bytes officer,
                          struct error *err)
{
    static struct audit_entry entries[BATCH];
    const struct audit_entry *list[BATCH];
    const uint8_t *types = NULL;
    size_t parts = proof_class_parts(WIRE_CLASS_OVERSIGHT, &types);
    uint32_t minutes = audit_journal_minutes(journal, clock_wall_ms());
    enum status status = ST_OK;
    for (size_t i = 0; status == ST_OK && i < count; i++) {
        entries[i] = (struct audit_entry){ .class = WIRE_CLASS_OVERSIGHT };
        for (size_t part = 0; part < parts; part++) {
            if (types[part] == WIRE_PART_OFFICER) {
                entries[i].parts[part].bytes = officer;
            }
        }
        list[i] = &entries[i];
        status = audit_entry_seal(&entries[i], minutes, err);
    }
    struct audit_commit *commit = NULL;
    if (status == ST_OK) {
        status = audit_journal_append(journal, list, count, audit_journal_size(journal),
                                      audit_journal_term(journal), &commit, err);
    }
    if (status == ST_OK) {
        audit_commit_unref(&commit);
    }
    return status;
}

static enum status grow(const struct broker_home *home, uint64_t size, struct error *err)
{
    const struct wire_officer_part look = { .format = 1, .kind = WIRE_KIND_READ };
    const struct audit_journal_options options = {
        .home = home->path,
        .origin = home->settings->origin,
        .map_bytes = (size_t)home->settings->audit.log_map_bytes,
        .signer = home->logs[0].signer,
        .vault = home->vault,
    };
    struct audit_journal *journal = NULL;
    struct buffer officer = buffer_init(4096);
    enum status status = wire_encode(WIRE_SCHEMA_OFFICER_PART, &look, &officer, err);
    if (status == ST_OK) {
        status = audit_journal_open(&options, &journal, err);
    }
    while (status == ST_OK && audit_journal_size(journal) < size) {
        uint64_t left = size - audit_journal_size(journal);
        status = append(journal, left < BATCH ? (size_t)left : BATCH, buffer_view(&officer), err);
    }
    audit_journal_close(&journal);
    buffer_fini(&officer);
    return status;
}

int main(int argc, char **argv)
{
    struct error err = { 0 };
    struct broker_home home;
    if (argc != 3) {
        fprintf(stderr, "usage: growlog HOME SIZE\n");
        return 2;
    }
    enum status status = broker_home_open(argv[1], &home, &err);
    if (status == ST_OK) {
        status = grow(&home, strtoull(argv[2], NULL, 10), &err);
        broker_home_close(&home);
    }
    if (status != ST_OK) {
        fprintf(stderr, "growlog: %s\n", err.message);
    }
    return status == ST_OK ? 0 : 1;
}
