// Consents are entries of class consent, as a desk's grant makes them: first in their person's
// list, with the whole artefact. They are written in the largest commits there are, and the views
// with them.
#include "bench_fill.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "bench_log_make.h"
#include "bench_request.h"
#include "bench_store.h"
#include "consent/artefact.h"
#include "proof/commit.h"
#include "seal/hash.h"
#include "sql/make.h"

enum { BATCH = AUDIT_BATCH_MAX, ARENA_BYTES = 64 * 1024 * 1024, TAIL_MAX = 32 * 1024 };

struct id bench_consent_id(uint64_t person)
{
    // Any time will do; the rest tells one from another.
    static const int64_t when_ms = 1760000000000;
    struct digest hash = seal_sha256(bytes_of(&person, sizeof(person)));
    return id_make(when_ms, hash.bytes);
}

// ---- consents

struct filling {
    const struct bench_home *home;
    struct bench_store *store;
    struct arena *arena; // of a batch
    struct buffer packed;
    uint64_t now_ms;
    struct audit_entry entries[BATCH];
    struct audit_facts facts[BATCH];
};

// A person, and the beginning of its tag.
struct place {
    uint8_t tag[8];
    uint64_t person;
};

// The parts of one entry, in the batch's arena.
struct parts {
    struct wire_exchange_part exchange;
    struct wire_subject_part subject;
    struct wire_officer_part officer;
    struct wire_consent_record record;
    struct audit_tag tag;
};

static enum status keep(struct filling *f, enum wire_schema schema, const void *message,
                        struct bytes *kept, struct error *err)
{
    buffer_clear(&f->packed);
    enum status status = wire_encode(schema, message, &f->packed, err);
    *kept = arena_copy(f->arena, buffer_view(&f->packed));
    return status == ST_OK && kept->data == NULL ? error_set(err, ST_NOMEM, "bench: no memory")
                                                 : status;
}

static enum status make_artefact(struct filling *f, uint64_t person, struct bytes *artefact,
                                 struct error *err)
{
    const struct bench_home *home = f->home;
    struct wire_field_ask fields[BENCH_FIELDS_MAX];
    bench_request_fields(home, fields);
    const struct wire_artefact granted = {
        .version = 1,
        .id = bench_consent_id(person),
        .revision = 1,
        .asker = bytes_text(home->askers[bench_consent_asker(home, person)].code),
        .dataset = bytes_text(BENCH_DATASET),
        .fields = fields,
        .fields_count = home->field_count,
        .purpose = bytes_text(BENCH_CONSENT_PURPOSE),
        .not_before = f->now_ms,
        .not_after = f->now_ms + (uint64_t)BENCH_CONSENT_DAYS * 24 * 60 * 60 * 1000,
        .uses = BENCH_CONSENT_USES,
        .notice_hash = home->bundle_hash,
        .language = bytes_text("en"),
        .state = CONSENT_ACTIVE,
        .collected_at = f->now_ms,
        .bundle_hash = home->bundle_hash,
    };
    return keep(f, WIRE_SCHEMA_ARTEFACT, &granted, artefact, err);
}

static void fill_parts(const struct filling *f, uint64_t person, struct bytes artefact,
                       struct parts *parts)
{
    const struct bench_home *home = f->home;
    struct bytes asker = bytes_text(home->askers[bench_consent_asker(home, person)].code);
    struct id id = bench_consent_id(person);
    parts->tag = bench_store_tag(f->store, person);
    parts->record = (struct wire_consent_record){ .id = id,
                                                  .revision = 1,
                                                  .state = CONSENT_ACTIVE,
                                                  .artefact = artefact,
                                                  .hash = seal_sha256(artefact),
                                                  .tag = audit_tag_view(&parts->tag),
                                                  .changed_at = f->now_ms,
                                                  .collector = bytes_text(home->desk.member),
                                                  .collector_key = home->desk.sign_key,
                                                  .assurance = WIRE_ASSURANCE_DESK };
    parts->exchange = (struct wire_exchange_part){ .format = 1,
                                                   .kind = WIRE_KIND_CONSENT,
                                                   .asker = asker,
                                                   .dataset = bytes_text(BENCH_DATASET),
                                                   .purpose = bytes_text(BENCH_CONSENT_PURPOSE),
                                                   .consent = id,
                                                   .consent_revision = 1,
                                                   .bundle_hash = home->bundle_hash,
                                                   .recorded_at = f->now_ms,
                                                   .signer = home->desk.sign_key };
    parts->subject = (struct wire_subject_part){ .format = 1,
                                                 .kind = WIRE_KIND_CONSENT,
                                                 .asker = asker,
                                                 .dataset = bytes_text(BENCH_DATASET),
                                                 .purpose = bytes_text(BENCH_CONSENT_PURPOSE),
                                                 .basis = WIRE_BASIS_CONSENT,
                                                 .consent = id,
                                                 .consent_revision = 1,
                                                 .consent_state = CONSENT_ACTIVE,
                                                 .bundle_hash = home->bundle_hash,
                                                 .artefact = artefact,
                                                 .sequence = 1,
                                                 .recorded_at = f->now_ms };
    parts->officer = (struct wire_officer_part){ .format = 1,
                                                 .kind = WIRE_KIND_CONSENT,
                                                 .official = bytes_text("bench-clerk"),
                                                 .node = bytes_text(home->desk.node),
                                                 .decided_at = f->now_ms,
                                                 .message_hash = home->bundle_hash,
                                                 .tag = audit_tag_view(&parts->tag),
                                                 .consent = &parts->record };
}

static enum status make_entry(struct filling *f, size_t place, uint64_t person, uint32_t minutes,
                              struct error *err)
{
    struct audit_entry *entry = &f->entries[place];
    struct parts *parts = arena_take(f->arena, sizeof(*parts));
    struct bytes artefact = { 0 };
    enum status status = parts == NULL ? error_set(err, ST_NOMEM, "bench: no memory")
                                       : make_artefact(f, person, &artefact, err);
    if (status != ST_OK) {
        return status;
    }
    fill_parts(f, person, artefact, parts);
    const struct {
        enum wire_part type;
        enum wire_schema schema;
        const void *part;
    } rows[] = { { WIRE_PART_EXCHANGE, WIRE_SCHEMA_EXCHANGE_PART, &parts->exchange },
                 { WIRE_PART_SUBJECT, WIRE_SCHEMA_SUBJECT_PART, &parts->subject },
                 { WIRE_PART_OFFICER, WIRE_SCHEMA_OFFICER_PART, &parts->officer } };
    *entry = (struct audit_entry){ .class = WIRE_CLASS_CONSENT };
    for (size_t i = 0; status == ST_OK && i < ARRAY_COUNT(rows); i++) {
        int at = proof_class_place(WIRE_CLASS_CONSENT, rows[i].type);
        if (at >= 0) {
            status = keep(f, rows[i].schema, rows[i].part, &entry->parts[at].bytes, err);
        }
    }
    f->facts[place] = (struct audit_facts){ .class = WIRE_CLASS_CONSENT,
                                            .minutes = minutes,
                                            .exchange = &parts->exchange,
                                            .subject = &parts->subject,
                                            .officer = &parts->officer };
    return status == ST_OK ? audit_entry_seal(entry, minutes, err) : status;
}

static enum status write_consents(struct filling *f, const struct place *places, size_t count,
                                  struct error *err)
{
    const struct audit_entry *list[BATCH];
    struct audit_journal *journal = f->store->journal;
    struct audit_commit *commit = NULL;
    struct audit_rows *rows = audit_rows_create();
    uint64_t size = audit_journal_size(journal);
    uint32_t minutes = audit_journal_minutes(journal, clock_wall_ms());
    enum status status = rows == NULL ? error_set(err, ST_NOMEM, "bench: no memory") : ST_OK;
    arena_reset(f->arena);
    for (size_t i = 0; status == ST_OK && i < count; i++) {
        status = make_entry(f, i, places[i].person, minutes, err);
        list[i] = &f->entries[i];
    }
    if (status == ST_OK) {
        status = audit_journal_append(journal, list, count, size, audit_journal_term(journal),
                                      &commit, err);
    }
    audit_commit_unref(&commit);
    if (status == ST_OK) {
        audit_rows_make_searchable(rows, audit_views_search_key(f->store->views));
    }
    for (size_t i = 0; status == ST_OK && i < count; i++) {
        f->facts[i].index = size + i;
        f->facts[i].leaf_hash = f->entries[i].leaf_hash;
        status = audit_rows_add(rows, &f->facts[i], err);
    }
    if (status == ST_OK) {
        status = audit_views_publish(f->store->views, &rows, size + count, err);
    }
    audit_rows_destroy(&rows);
    return status == ST_OK && audit_views_tail_entries(f->store->views) > TAIL_MAX
               ? bench_store_apply(f->store, err)
               : status;
}

static int by_tag(const void *a, const void *b)
{
    const struct place *one = a;
    const struct place *two = b;
    return memcmp(one->tag, two->tag, sizeof(one->tag));
}

// Persons in the order of their tags: so the pages of the views fill one after another, where they
// would be written again and again. NULL: no memory.
static struct place *order_persons(const struct bench_store *store, uint64_t count)
{
    struct place *places = calloc(count + 1, sizeof(*places));
    for (uint64_t i = 0; places != NULL && i < count; i++) {
        struct audit_tag tag = bench_store_tag(store, i);
        memcpy(places[i].tag, audit_tag_view(&tag).data, sizeof(places[i].tag));
        places[i].person = i;
    }
    if (places != NULL) {
        qsort(places, count, sizeof(*places), by_tag);
    }
    return places;
}

static enum status fill_consents(const struct bench_home *home, struct bench_store *store,
                                 uint64_t count, struct error *err)
{
    struct filling *f = calloc(1, sizeof(*f));
    struct place *places = order_persons(store, count);
    if (f == NULL || places == NULL) {
        free(f);
        free(places);
        return error_set(err, ST_NOMEM, "bench: no memory");
    }
    f->home = home;
    f->store = store;
    f->arena = arena_create(ARENA_BYTES);
    f->packed = buffer_init(WIRE_HEAD_MAX_BYTES);
    f->now_ms = (uint64_t)clock_wall_ms();
    enum status status = f->arena == NULL ? error_set(err, ST_NOMEM, "bench: no memory") : ST_OK;
    for (uint64_t i = 0; status == ST_OK && i < count; i += BATCH) {
        uint64_t left = count - i;
        status = write_consents(f, places + i, left < BATCH ? (size_t)left : BATCH, err);
    }
    arena_destroy(&f->arena);
    buffer_fini(&f->packed);
    free(places);
    free(f);
    return status;
}

// ---- entries of other exchanges

static enum status write_entries(struct bench_store *store, struct bench_maker *maker,
                                 struct error *err)
{
    struct audit_journal *journal = store->journal;
    struct audit_commit *commit = NULL;
    struct audit_rows *rows = NULL;
    size_t count = 0;
    uint64_t size = audit_journal_size(journal);
    enum status status = bench_maker_pack(maker, err);
    if (status == ST_OK) {
        status =
            bench_maker_place(maker, size, audit_journal_minutes(journal, clock_wall_ms()), err);
    }
    if (status == ST_OK) {
        const struct audit_entry *const *entries = bench_maker_entries(maker, &count);
        status = audit_journal_append(journal, entries, count, size, audit_journal_term(journal),
                                      &commit, err);
    }
    audit_commit_unref(&commit);
    if (status == ST_OK) {
        status = bench_maker_rows(maker, &rows, err);
    }
    if (status == ST_OK) {
        status = audit_views_publish(store->views, &rows, size + count, err);
    }
    audit_rows_destroy(&rows);
    return status == ST_OK && audit_views_tail_entries(store->views) > TAIL_MAX
               ? bench_store_apply(store, err)
               : status;
}

static enum status fill_entries(const struct bench_home_options *options, struct bench_store *store,
                                struct error *err)
{
    const struct bench_maker_options making = { .subjects = options->subjects,
                                                .batch = BATCH,
                                                .seed = 1 };
    struct bench_maker *maker = NULL;
    uint64_t end = audit_journal_size(store->journal) + options->entries;
    if (options->entries == 0) {
        return ST_OK;
    }
    enum status status = bench_maker_create(&making, &maker, err);
    if (status == ST_OK) {
        status = bench_maker_use(maker, store->views, err);
    }
    while (status == ST_OK && audit_journal_size(store->journal) < end) {
        status = write_entries(store, maker, err);
    }
    bench_maker_destroy(&maker);
    return status;
}

static enum status fill_log(const struct bench_home *home, const struct bench_home_options *options,
                            struct error *err)
{
    struct bench_store store;
    if (options->consents == 0 && options->entries == 0) {
        return ST_OK;
    }
    enum status status = bench_store_open(home, &store, err);
    if (status != ST_OK) {
        return status;
    }
    status = fill_consents(home, &store, options->consents, err);
    if (status == ST_OK) {
        status = fill_entries(options, &store, err);
    }
    if (status == ST_OK) {
        status = bench_store_apply(&store, err);
    }
    bench_store_close(&store);
    return status;
}

// ---- the register

static void add_columns(struct buffer *sql, const struct bench_home *home)
{
    // As bench_value() makes them.
    for (size_t i = 0; i < home->field_count; i++) {
        buffer_format(sql, ", substr(printf('field %zu of %%09d, ', i) || dots, 1, %zu)", i,
                      home->value_bytes);
    }
}

static enum status fill_register(struct bench_home *home, uint64_t persons, struct error *err)
{
    struct buffer create = buffer_init(64 * 1024);
    struct buffer insert = buffer_init(64 * 1024);
    snprintf(home->register_path, sizeof(home->register_path), "%.4000s/register.db", home->path);
    buffer_text(&create, "CREATE TABLE record (person TEXT PRIMARY KEY");
    for (size_t i = 0; i < home->field_count; i++) {
        buffer_format(&create, ", %s TEXT", home->field_names[i]);
    }
    buffer_text(&create, ") WITHOUT ROWID");
    buffer_format(&insert,
                  "WITH RECURSIVE n(i, dots) AS (SELECT 0, replace(hex(zeroblob(%zu)), '0', '.') "
                  "UNION ALL SELECT i + 1, dots FROM n WHERE i + 1 < %llu) "
                  "INSERT INTO record SELECT printf('%%09d', i)",
                  home->value_bytes, (unsigned long long)persons);
    add_columns(&insert, home);
    buffer_text(&insert, " FROM n");
    buffer_u8(&create, 0);
    buffer_u8(&insert, 0);
    enum status status = buffer_ok(&create, "register", err);
    if (status == ST_OK) {
        status = buffer_ok(&insert, "register", err);
    }
    if (status == ST_OK) {
        const char *const statements[] = { (const char *)create.data, (const char *)insert.data };
        status = sql_make(home->register_path, statements, ARRAY_COUNT(statements), err);
    }
    buffer_fini(&create);
    buffer_fini(&insert);
    return status;
}

enum status bench_register_open(const struct bench_home *home, struct sql_register **reg,
                                struct error *err)
{
    const char *columns[BENCH_FIELDS_MAX];
    *reg = NULL;
    if (home->register_path[0] == '\0') {
        return ST_OK;
    }
    for (size_t i = 0; i < home->field_count; i++) {
        columns[i] = home->field_names[i];
    }
    const struct sql_mapping mapping = { .path = home->register_path,
                                         .query = "SELECT * FROM record WHERE person = :subject",
                                         .columns = columns,
                                         .column_count = home->field_count,
                                         .value_max_bytes = home->value_bytes };
    return sql_register_open(&mapping, reg, err);
}

enum status bench_fill(struct bench_home *home, const struct bench_home_options *options,
                       struct error *err)
{
    enum status status = fill_log(home, options, err);
    uint64_t persons = options->consents > 0 ? options->consents : options->subjects;
    return status == ST_OK && options->sqlite ? fill_register(home, persons, err) : status;
}
