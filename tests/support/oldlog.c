// oldlog HOME: prints the counters that the views of a broker that is not running have, and whether
// they were carried forward.
// oldlog HOME --carried: prints what its log carries forward, by entry: a list's tag or a budget's
// key.
// oldlog HOME --spare-key: leaves a body key of this month in its file, as a broker does that ends
// between making one and putting it on record.
// oldlog HOME SCHEME IDENTIFIER COUNT MONTH...: fills the log of a broker that has not started yet
// with exchanges of past months, for tests of what becomes of them. In each month COUNT exchanges,
// the first about the person named, the others about people who are never heard of again. Their
// ids, officials and cases carry the month in clear, so that a test can look for them. A month with
// a + behind it: its last exchange ends in the next month. With a @ behind it: it gets a new body
// key when half of its exchanges are there.
#include "home_journal.h"

#include "audit/month.h"
#include "audit/scan.h"
#include "audit/tag.h"
#include "audit/views.h"
#include "base/clock.h"
#include "base/text.h"
#include "seal/hash.h"
#include "wire/wire.h"

#include <stdio.h>
#include <stdlib.h>

enum { PART_BYTES = 16 * 1024, PARTS = 3, LATE_MINUTES = 2 };

struct old {
    struct audit_journal *journal;
    struct audit_tagger *tagger;
    const char *scheme;
    const char *identifier;
    unsigned count;
    const char *month;
    uint32_t minutes;
    bool ends_late;         // the exchange at hand does
    uint64_t sequence;      // of the person named
    struct digest previous; // leaf hash
    uint64_t previous_index;
};

static enum status append(struct old *old, const struct wire_exchange_part *exchange,
                          const struct wire_subject_part *subject,
                          const struct wire_officer_part *officer, struct digest *leaf_hash,
                          struct error *err)
{
    struct audit_entry entry = { .class = WIRE_CLASS_EXCHANGE };
    struct buffer parts[PARTS];
    for (size_t i = 0; i < PARTS; i++) {
        parts[i] = buffer_init(PART_BYTES);
    }
    enum status status = wire_encode(WIRE_SCHEMA_EXCHANGE_PART, exchange, &parts[0], err);
    if (status == ST_OK && subject != NULL) {
        status = wire_encode(WIRE_SCHEMA_SUBJECT_PART, subject, &parts[1], err);
    }
    if (status == ST_OK) {
        status = wire_encode(WIRE_SCHEMA_OFFICER_PART, officer, &parts[2], err);
    }
    for (size_t i = 0; i < PARTS; i++) {
        entry.parts[i].bytes = buffer_view(&parts[i]);
    }
    if (status == ST_OK) {
        status = home_journal_append(old->journal, &entry, 1, old->minutes, err);
    }
    if (status == ST_OK) {
        *leaf_hash = entry.leaf_hash;
    }
    for (size_t i = 0; i < PARTS; i++) {
        buffer_fini(&parts[i]);
    }
    return status;
}

static struct digest counter_key(const char *what, const char *month)
{
    struct bytes parts[] = { bytes_text(what), bytes_text(month) };
    return seal_sha256_parts(parts, 2);
}

static enum status exchange(struct old *old, unsigned number, struct error *err)
{
    char text[64];
    char official[64];
    char reference[64];
    char other[64];
    struct digest leaf_hash;
    bool named = number == 0;
    snprintf(text, sizeof(text), "%s%09u", old->month, number);
    snprintf(official, sizeof(official), "canary-official-%s", old->month);
    snprintf(reference, sizeof(reference), "canary-case-%s", old->month);
    snprintf(other, sizeof(other), "OTHER%s%u", old->month, number);
    struct audit_tag tag = audit_tagger_tag(old->tagger, bytes_text(old->scheme),
                                            bytes_text(named ? old->identifier : other));
    struct wire_verdict verdict = { .name = bytes_text("full_name"),
                                    .asked = bytes_text("match"),
                                    .given = bytes_text("match"),
                                    .reason = bytes_text("allowed") };
    struct wire_exchange_part decision = { .format = 1,
                                           .kind = WIRE_KIND_DECISION,
                                           .asker = bytes_text("ru/interior/road-safety"),
                                           .holder = bytes_text("ru/interior/population-register"),
                                           .dataset = bytes_text("identity.person"),
                                           .purpose = bytes_text("identity-check"),
                                           .basis = WIRE_BASIS_LAW,
                                           .verdicts = &verdict,
                                           .verdicts_count = 1,
                                           .expires_at = (uint64_t)old->minutes * 60000 };
    memcpy(decision.exchange_id.bytes, text, ID_BYTES);
    decision.request_hash = seal_sha256(bytes_text(text));
    struct wire_subject_part subject = { .format = 1,
                                         .kind = WIRE_KIND_DECISION,
                                         .sequence = named ? old->sequence + 1 : 1,
                                         .asker = decision.asker,
                                         .holder = decision.holder,
                                         .dataset = decision.dataset,
                                         .purpose = decision.purpose,
                                         .basis = WIRE_BASIS_LAW,
                                         .verdicts = &verdict,
                                         .verdicts_count = 1,
                                         .recorded_at = (uint64_t)old->minutes * 60000 };
    if (named) {
        subject.previous = old->previous;
        subject.previous_index = old->previous_index;
    }
    struct wire_officer_part officer = { .format = 1,
                                         .kind = WIRE_KIND_DECISION,
                                         .tag = audit_tag_view(&tag),
                                         .official = bytes_text(official),
                                         .case_ref = bytes_text(reference),
                                         .reasons = &verdict.reason,
                                         .reasons_count = 1 };
    enum status status = append(old, &decision, &subject, &officer, &leaf_hash, err);
    if (status == ST_OK && named) {
        old->sequence++;
        old->previous = leaf_hash;
        old->previous_index = audit_journal_size(old->journal) - 1;
    }
    struct wire_counter_seen charges[] = {
        { .key = counter_key("case", old->month), .value = number + 1 },
        { .key = counter_key("day", old->month), .value = number + 1, .until = 1 },
    };
    if (old->ends_late) {
        old->minutes += LATE_MINUTES;
    }
    struct wire_exchange_part released = { .format = 1,
                                           .kind = WIRE_KIND_RELEASED,
                                           .exchange_id = decision.exchange_id,
                                           .decision_index = audit_journal_size(old->journal) - 1 };
    officer = (struct wire_officer_part){
        .format = 1, .kind = WIRE_KIND_RELEASED, .charges = charges, .charges_count = 2
    };
    return status == ST_OK ? append(old, &released, NULL, &officer, &leaf_hash, err) : status;
}

// The entry that brings a new body key, and the key.
static enum status change_key(struct old *old, struct audit_vault *vault, struct error *err)
{
    struct audit_entry entry = { .class = WIRE_CLASS_GOVERNANCE };
    const struct audit_entry *list[] = { &entry };
    struct audit_commit *commit = NULL;
    struct wire_key_change change = { .what = WIRE_KEY_OF_BODIES };
    struct wire_public_part part = { .format = 1,
                                     .kind = WIRE_KIND_KEY_CHANGE,
                                     .recorded_at = (uint64_t)old->minutes * 60000,
                                     .key_change = &change };
    struct buffer bytes = buffer_init(PART_BYTES);
    int place = proof_class_place(WIRE_CLASS_GOVERNANCE, WIRE_PART_PUBLIC);
    enum status status =
        audit_vault_renew(vault, audit_month_of(old->minutes), &change.number, err);
    if (status == ST_OK) {
        status = audit_vault_mark(vault, change.number, &change.new_key, err);
    }
    if (status == ST_OK) {
        status = wire_encode(WIRE_SCHEMA_PUBLIC_PART, &part, &bytes, err);
    }
    entry.parts[place].bytes = buffer_view(&bytes);
    if (status == ST_OK) {
        status = audit_entry_seal(&entry, old->minutes, err);
    }
    if (status == ST_OK) {
        audit_vault_plan(vault, change.number, 0);
        status = audit_journal_append(old->journal, list, 1, audit_journal_size(old->journal),
                                      audit_journal_term(old->journal), &commit, err);
    }
    audit_commit_unref(&commit);
    buffer_fini(&bytes);
    return status;
}

static enum status fill(const struct broker_home *home, int argc, char **argv, struct error *err)
{
    struct old old = { .scheme = argv[2],
                       .identifier = argv[3],
                       .count = (unsigned)strtoul(argv[4], NULL, 10) };
    enum status status = audit_tagger_create(home->tag_secrets, home->tag_count, &old.tagger, err);
    if (status == ST_OK) {
        status = home_journal_open(home, true, &old.journal, err);
    }
    for (int i = 5; status == ST_OK && i < argc; i++) {
        uint32_t month = 0;
        bool late = strchr(argv[i], '+') != NULL;
        bool change = strchr(argv[i], '@') != NULL;
        argv[i][strcspn(argv[i], "+@")] = '\0';
        if (!audit_month_parse(bytes_text(argv[i]), &month)) {
            status = error_set(err, ST_USAGE, "'%s' is not a month", argv[i]);
        }
        old.month = argv[i];
        old.minutes = audit_month_begin(month) + 60;
        for (unsigned number = 0; status == ST_OK && number < old.count; number++) {
            old.ends_late = late && number + 1 == old.count;
            old.minutes =
                old.ends_late ? audit_month_begin(month + 1) - LATE_MINUTES / 2 : old.minutes;
            status = change && number == old.count / 2 ? change_key(&old, home->vault, err) : ST_OK;
            status = status == ST_OK ? exchange(&old, number, err) : status;
        }
    }
    audit_journal_close(&old.journal);
    audit_tagger_destroy(&old.tagger);
    return status;
}

static bool print_counter(struct bytes key, struct bytes value, void *context)
{
    struct audit_counter_row row;
    struct error err;
    const bool *carried = context;
    char hex[2 * DIGEST_BYTES + 1];
    text_hex_encode(key, hex);
    if (audit_counter_row_decode(value, *carried, &row, &err) == ST_OK) {
        printf("%s %llu %s\n", hex, (unsigned long long)row.value, *carried ? "carried" : "set");
    }
    return true;
}

static enum status print(const struct broker_home *home, struct error *err)
{
    struct audit_journal *journal = NULL;
    struct audit_views *views = NULL;
    struct audit_reader *reader = NULL;
    struct audit_views_opened opened;
    uint64_t size = 0;
    enum status status = home_journal_open(home, false, &journal, err);
    if (status == ST_OK) {
        const struct audit_views_options look = { .home = home->path,
                                                  .origin = home->settings->origin,
                                                  .journal = journal };
        status = audit_views_open(&look, &views, &opened, err);
    }
    if (status == ST_OK) {
        status = audit_reader_create(views, &reader, err);
    }
    if (status == ST_OK) {
        status = audit_reader_begin(reader, &size, err);
    }
    for (int i = 0; status == ST_OK && i < 2; i++) {
        bool carried = i == 1;
        status = audit_reader_scan(reader, carried ? AUDIT_TABLE_CARRIED : AUDIT_TABLE_COUNTER,
                                   (struct bytes){ 0 }, (struct bytes){ 0 }, false, print_counter,
                                   &carried, err);
    }
    audit_reader_destroy(&reader);
    audit_views_close(&views);
    audit_journal_close(&journal);
    return status;
}

static enum status spare(const struct broker_home *home, struct error *err)
{
    uint32_t key_id = 0;
    uint32_t month = audit_month_of((uint32_t)(clock_wall_ms() / 60000));
    return audit_vault_renew(home->vault, month, &key_id, err);
}

static enum status print_entry(const struct audit_scanned *entry, void *context, struct error *err)
{
    const struct wire_officer_part *officer = entry->facts.officer;
    char hex[2 * AUDIT_TAG_BYTES + 1];
    (void)context;
    (void)err;
    for (size_t i = 0; officer != NULL && i < officer->carried_heads_count; i++) {
        text_hex_encode(officer->carried_heads[i].tag, hex);
        printf("%llu list %s\n", (unsigned long long)entry->facts.index, hex);
    }
    for (size_t i = 0; officer != NULL && i < officer->carried_counters_count; i++) {
        text_hex_encode(bytes_digest(&officer->carried_counters[i].key), hex);
        printf("%llu budget %s\n", (unsigned long long)entry->facts.index, hex);
    }
    return ST_OK;
}

static enum status print_carried(const struct broker_home *home, struct error *err)
{
    const struct audit_scan_options options = { .home = home->path,
                                                .origin = home->settings->origin,
                                                .master = home->master.secrets[0] };
    struct audit_scan *scan = NULL;
    enum status status = audit_scan_open(&options, &scan, err);
    if (status == ST_OK) {
        status = audit_scan_run(scan, 0, audit_scan_size(scan), NULL, print_entry, NULL, err);
    }
    audit_scan_close(&scan);
    return status;
}

static enum status run(const struct broker_home *home, int argc, char **argv, struct error *err)
{
    if (argc == 2) {
        return print(home, err);
    }
    if (argc > 3) {
        return fill(home, argc, argv, err);
    }
    return strcmp(argv[2], "--carried") == 0 ? print_carried(home, err) : spare(home, err);
}

int main(int argc, char **argv)
{
    bool known =
        argc == 3 && (strcmp(argv[2], "--spare-key") == 0 || strcmp(argv[2], "--carried") == 0);
    if (argc != 2 && argc < 6 && !known) {
        fprintf(stderr, "usage: oldlog HOME [--carried | --spare-key | SCHEME IDENTIFIER COUNT "
                        "MONTH[+|@]...]\n");
        return 2;
    }
    return home_run("oldlog", argc, argv, run);
}
