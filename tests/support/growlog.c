// growlog HOME SIZE: makes the log of a broker that is not running SIZE entries long, for tests
// that need a large one. The entries are officers' looks at nobody.
#include "home_journal.h"

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
    const uint8_t *types = NULL;
    size_t parts = proof_class_parts(WIRE_CLASS_OVERSIGHT, &types);
    for (size_t i = 0; i < count; i++) {
        entries[i] = (struct audit_entry){ .class = WIRE_CLASS_OVERSIGHT };
        for (size_t part = 0; part < parts; part++) {
            if (types[part] == WIRE_PART_OFFICER) {
                entries[i].parts[part].bytes = officer;
            }
        }
    }
    return home_journal_append(journal, entries, count,
                               audit_journal_minutes(journal, clock_wall_ms()), err);
}

static enum status grow(const struct broker_home *home, int argc, char **argv, struct error *err)
{
    const struct wire_officer_part look = { .format = 1, .kind = WIRE_KIND_READ };
    uint64_t size = strtoull(argv[argc - 1], NULL, 10);
    struct audit_journal *journal = NULL;
    struct buffer officer = buffer_init(4096);
    enum status status = wire_encode(WIRE_SCHEMA_OFFICER_PART, &look, &officer, err);
    if (status == ST_OK) {
        status = home_journal_open(home, false, &journal, err);
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
    if (argc != 3) {
        fprintf(stderr, "usage: growlog HOME SIZE\n");
        return 2;
    }
    return home_run("growlog", argc, argv, grow);
}
