// forge HOME INDEX WHAT: appends to the log of a broker that is not running a copy of the entry
// INDEX that says something else: in a body that opens, in a tree that holds. WHAT: grant (the
// first refused field was given), reason (another true reason), agreement, bundle, anew (of another
// exchange, the same for each entry of one), spent (refused, as its first budget is said to be
// spent), orphan (of another exchange, decided by entry 0), copy (as it is).
// For the tests of `vedomo audit replay`.
#include "home_journal.h"

#include "audit/scan.h"
#include "base/clock.h"
#include "wire/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PART_BYTES = 1 << 20, FIELDS_MAX = 64 };

struct forging {
    struct wire_exchange_part exchange;
    struct wire_subject_part subject;
    struct wire_officer_part officer;
    struct wire_verdict told[FIELDS_MAX];
    struct wire_verdict true_ones[FIELDS_MAX];
    struct bytes reasons[FIELDS_MAX];
    struct wire_counter_seen counters[FIELDS_MAX];
    struct buffer parts[3];
};

static void give_first_refused(struct forging *forging)
{
    for (size_t i = 0; i < forging->exchange.verdicts_count; i++) {
        if (forging->told[i].given.size == 0) {
            forging->told[i].given = forging->told[i].asked;
            forging->told[i].reason = bytes_text("allowed");
            forging->true_ones[i].given = forging->told[i].asked;
            forging->true_ones[i].reason = bytes_text("allowed");
            forging->reasons[i] = bytes_text("allowed");
            return;
        }
    }
}

static void refuse_as_spent(struct forging *forging)
{
    forging->counters[0].value = 1000;
    for (size_t i = 0; i < forging->exchange.verdicts_count; i++) {
        forging->told[i].given = (struct bytes){ 0 };
        forging->told[i].reason = bytes_text("limit-reached");
        forging->true_ones[i].given = (struct bytes){ 0 };
        forging->true_ones[i].reason = bytes_text("limit-reached");
        forging->reasons[i] = bytes_text("limit-reached");
    }
}

static void change(struct forging *forging, const char *what)
{
    if (strcmp(what, "grant") == 0) {
        give_first_refused(forging);
    } else if (strcmp(what, "reason") == 0) {
        forging->reasons[0] = bytes_text("no-agreement");
    } else if (strcmp(what, "agreement") == 0) {
        forging->exchange.agreement = bytes_text("another-agreement");
    } else if (strcmp(what, "bundle") == 0) {
        forging->exchange.bundle_hash.bytes[0] ^= 1;
    } else if (strcmp(what, "anew") == 0) {
        forging->exchange.exchange_id.bytes[ID_BYTES - 1] ^= 1;
        forging->subject.exchange_id = forging->exchange.exchange_id;
    } else if (strcmp(what, "orphan") == 0) {
        forging->exchange.exchange_id.bytes[ID_BYTES - 1] ^= 1;
        forging->exchange.decision_index = 0;
    } else if (strcmp(what, "spent") == 0) {
        refuse_as_spent(forging);
    }
}

static enum status pack(struct forging *forging, struct audit_entry *entry, struct error *err)
{
    const struct {
        enum wire_schema schema;
        const void *part;
    } parts[] = { { WIRE_SCHEMA_EXCHANGE_PART, &forging->exchange },
                  { WIRE_SCHEMA_SUBJECT_PART, &forging->subject },
                  { WIRE_SCHEMA_OFFICER_PART, &forging->officer } };
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        forging->parts[i] = buffer_init(PART_BYTES);
        enum status status = wire_encode(parts[i].schema, parts[i].part, &forging->parts[i], err);
        if (status != ST_OK) {
            return status;
        }
        entry->parts[i].bytes = buffer_view(&forging->parts[i]);
    }
    return ST_OK;
}

static enum status append(const struct broker_home *home, struct audit_entry *entry,
                          struct error *err)
{
    struct audit_journal *journal = NULL;
    enum status status = home_journal_open(home, false, &journal, err);
    if (status == ST_OK) {
        status = home_journal_append(journal, entry, 1,
                                     audit_journal_minutes(journal, clock_wall_ms()), err);
    }
    if (status == ST_OK) {
        printf("%llu\n", (unsigned long long)audit_journal_size(journal) - 1);
    }
    audit_journal_close(&journal);
    return status;
}

static enum status forge(const struct broker_home *home, int argc, char **argv, struct error *err)
{
    uint64_t index = strtoull(argv[2], NULL, 10);
    const char *what = argv[argc - 1];
    static struct forging forging;
    const struct audit_scan_options options = { .home = home->path,
                                                .origin = home->settings->origin,
                                                .master = home->master.secrets[0] };
    struct audit_scan *scan = NULL;
    struct audit_scanned found = { 0 };
    struct audit_entry entry = { .class = WIRE_CLASS_EXCHANGE };
    struct arena *arena = arena_create((size_t)32 << 20);
    enum status status = arena == NULL ? error_set(err, ST_NOMEM, "forge") : ST_OK;
    if (status == ST_OK) {
        status = audit_scan_open(&options, &scan, err);
    }
    if (status == ST_OK) {
        status = audit_scan_entry(scan, index, arena, &found, err);
    }
    audit_scan_close(&scan);
    if (status == ST_OK &&
        (found.facts.exchange == NULL || found.facts.subject == NULL ||
         found.facts.officer == NULL || found.facts.exchange->verdicts_count > FIELDS_MAX ||
         found.facts.officer->counters_count > FIELDS_MAX)) {
        status =
            error_set(err, ST_USAGE, "entry %llu is of no exchange", (unsigned long long)index);
    }
    if (status == ST_OK) {
        forging.exchange = *found.facts.exchange;
        forging.subject = *found.facts.subject;
        forging.officer = *found.facts.officer;
        for (size_t i = 0; i < forging.exchange.verdicts_count; i++) {
            forging.told[i] = forging.exchange.verdicts[i];
            forging.true_ones[i] = forging.subject.verdicts[i];
            forging.reasons[i] = forging.officer.reasons[i];
        }
        forging.exchange.verdicts = forging.told;
        forging.subject.verdicts = forging.true_ones;
        for (size_t i = 0; i < forging.officer.counters_count; i++) {
            forging.counters[i] = forging.officer.counters[i];
        }
        forging.officer.reasons = forging.reasons;
        forging.officer.counters = forging.counters;
        change(&forging, what);
        if (strcmp(what, "spent") == 0 && forging.officer.counters_count == 0) {
            status =
                error_set(err, ST_USAGE, "entry %llu has no budget", (unsigned long long)index);
        }
    }
    if (status == ST_OK) {
        status = pack(&forging, &entry, err);
    }
    if (status == ST_OK) {
        status = append(home, &entry, err);
    }
    for (size_t i = 0; i < 3; i++) {
        buffer_fini(&forging.parts[i]);
    }
    arena_destroy(&arena);
    return status;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: forge HOME INDEX WHAT\n");
        return 2;
    }
    return home_run("forge", argc, argv, forge);
}
