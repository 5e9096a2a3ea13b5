// Entries as the broker makes them, for the tests of rows and views.
#pragma once

#include "log_fixture.h"

#include "audit/rows.h"
#include "audit/views.h"
#include "wire/wire.h"

// The minute of what the functions below make.
static uint32_t made_minutes = NOVEMBER;

// One entry and the memory of its parts.
struct made_entry {
    struct audit_entry entry;
    struct buffer parts[AUDIT_PARTS_MAX];
};

static inline void made_fini(struct made_entry *made)
{
    for (size_t i = 0; i < AUDIT_PARTS_MAX; i++) {
        buffer_fini(&made->parts[i]);
    }
}

static inline struct id id_of(unsigned number)
{
    struct id id = { .bytes = { 1, 2, 3 } };
    id.bytes[14] = (uint8_t)(number >> 8);
    id.bytes[15] = (uint8_t)number;
    return id;
}

static inline struct audit_tag tag_of(unsigned person)
{
    struct audit_tag tag = { .bytes = { 1 } };
    struct digest hash = seal_sha256(bytes_of(&person, sizeof(person)));
    memcpy(tag.bytes + 1, hash.bytes, 32);
    return tag;
}

static inline struct digest key_of(unsigned number)
{
    return seal_sha256(bytes_of(&number, sizeof(number)));
}

// Packs the parts that are not NULL, in the order of the class, and seals.
static inline void make_entry(struct made_entry *made, enum wire_class class, uint32_t minutes,
                              const struct wire_exchange_part *exchange,
                              const struct wire_subject_part *subject,
                              const struct wire_officer_part *officer,
                              const struct wire_public_part *public_)
{
    struct error err;
    const uint8_t *types = NULL;
    memset(made, 0, sizeof(*made));
    made->entry.class = class;
    size_t count = proof_class_parts((unsigned)class, &types);
    for (size_t i = 0; i < count; i++) {
        struct buffer *part = &made->parts[i];
        *part = buffer_init(1 << 20);
        if (types[i] == WIRE_PART_EXCHANGE && exchange != NULL) {
            assert_ok(wire_encode(WIRE_SCHEMA_EXCHANGE_PART, exchange, part, &err));
        } else if (types[i] == WIRE_PART_SUBJECT && subject != NULL) {
            assert_ok(wire_encode(WIRE_SCHEMA_SUBJECT_PART, subject, part, &err));
        } else if (types[i] == WIRE_PART_OFFICER && officer != NULL) {
            assert_ok(wire_encode(WIRE_SCHEMA_OFFICER_PART, officer, part, &err));
        } else if (types[i] == WIRE_PART_PUBLIC && public_ != NULL) {
            assert_ok(wire_encode(WIRE_SCHEMA_PUBLIC_PART, public_, part, &err));
        }
        made->entry.parts[i].bytes = buffer_view(part);
    }
    assert_ok(audit_entry_seal(&made->entry, minutes, &err));
}

static inline void make_decision(struct made_entry *made, unsigned person, uint64_t sequence,
                                 unsigned exchange, bool granted)
{
    struct audit_tag tag = tag_of(person);
    struct wire_verdict verdict = { .name = bytes_text("valid"),
                                    .asked = bytes_text("exists"),
                                    .given = granted ? bytes_text("exists") : bytes_text(""),
                                    .reason = bytes_text("allowed") };
    struct wire_exchange_part part = { .format = 1,
                                       .kind = WIRE_KIND_DECISION,
                                       .exchange_id = id_of(exchange),
                                       .request_hash = key_of(exchange),
                                       .asker = bytes_text("ru/a"),
                                       .holder = bytes_text("ru/b"),
                                       .verdicts = &verdict,
                                       .verdicts_count = 1,
                                       .expires_at = 1000 + exchange };
    struct wire_subject_part subject = { .format = 1,
                                         .kind = WIRE_KIND_DECISION,
                                         .sequence = sequence };
    struct wire_officer_part officer = { .format = 1,
                                         .kind = WIRE_KIND_DECISION,
                                         .tag = audit_tag_view(&tag) };
    make_entry(made, WIRE_CLASS_EXCHANGE, made_minutes, &part, &subject, &officer, NULL);
}

static inline void make_ending(struct made_entry *made, enum wire_kind kind, unsigned exchange,
                               unsigned counter, uint64_t value)
{
    struct wire_counter_seen charge = { .key = key_of(counter), .value = value };
    struct wire_exchange_part part = { .format = 1,
                                       .kind = (uint32_t)kind,
                                       .exchange_id = id_of(exchange) };
    struct wire_officer_part officer = { .format = 1,
                                         .kind = (uint32_t)kind,
                                         .charges = &charge,
                                         .charges_count = counter == 0 ? 0 : 1 };
    make_entry(made, WIRE_CLASS_EXCHANGE, made_minutes, &part, NULL, &officer, NULL);
}

static inline void make_consent(struct made_entry *made, unsigned person, uint64_t sequence,
                                unsigned consent, uint32_t revision, uint32_t state)
{
    struct audit_tag tag = tag_of(person);
    struct wire_consent_record record = { .id = id_of(consent),
                                          .revision = revision,
                                          .state = state,
                                          .artefact = bytes_text("artefact"),
                                          .hash = key_of(revision),
                                          .tag = audit_tag_view(&tag),
                                          .changed_at = 5,
                                          .collector = bytes_text("ru/portal"),
                                          .collector_key = key_of(3),
                                          .assurance = 3 };
    struct wire_subject_part subject = { .format = 1,
                                         .kind = WIRE_KIND_CONSENT,
                                         .sequence = sequence };
    struct wire_officer_part officer = {
        .format = 1, .kind = WIRE_KIND_CONSENT, .tag = audit_tag_view(&tag), .consent = &record
    };
    make_entry(made, WIRE_CLASS_CONSENT, made_minutes, NULL, &subject, &officer, NULL);
}

static inline void make_restart(struct made_entry *made, const unsigned *lost, size_t count)
{
    static struct id ids[64];
    static struct bytes views[64];
    static uint64_t indices[64];
    for (size_t i = 0; i < count; i++) {
        ids[i] = id_of(lost[i]);
        views[i] = bytes_id(&ids[i]);
    }
    struct wire_public_part public_ = { .format = 1, .kind = WIRE_KIND_RESTART, .count = count };
    struct wire_officer_part officer = { .format = 1,
                                         .kind = WIRE_KIND_RESTART,
                                         .lost = indices,
                                         .lost_count = count,
                                         .lost_ids = views,
                                         .lost_ids_count = count };
    make_entry(made, WIRE_CLASS_GOVERNANCE, made_minutes, NULL, NULL, &officer, &public_);
}

// The rows of an entry, as the recorder makes them.
static inline void add_rows(struct audit_rows *rows, const struct made_entry *made, uint64_t index)
{
    struct error err;
    struct arena *arena = arena_create(1 << 20);
    struct buffer packed = buffer_init(1 << 20);
    struct audit_body body;
    struct audit_facts facts = { .index = index,
                                 .minutes = made->entry.minutes,
                                 .leaf_hash = made->entry.leaf_hash,
                                 .class = made->entry.class };
    audit_body_pack(&made->entry, &packed);
    assert_ok(audit_body_unpack(buffer_view(&packed), made->entry.class, &body, &err));
    assert_ok(audit_facts_decode(&body, arena, &facts, &err));
    assert_ok(audit_rows_add(rows, &facts, &err));
    buffer_fini(&packed);
    arena_destroy(&arena);
}

// Appends one entry to the log and, where `views` is not NULL, publishes its rows. Takes `made`.
static inline void append_made(struct log_fixture *fixture, struct audit_views *views,
                               struct made_entry *made)
{
    struct error err;
    struct audit_commit *commit = NULL;
    const struct audit_entry *list[] = { &made->entry };
    uint64_t size = audit_journal_size(fixture->journal);
    assert_ok(audit_journal_append(fixture->journal, list, 1, size,
                                   audit_journal_term(fixture->journal), &commit, &err));
    if (views != NULL) {
        struct audit_rows *rows = audit_rows_create();
        audit_rows_make_searchable(rows, audit_views_search_key(views));
        add_rows(rows, made, audit_commit_first(commit));
        assert_ok(audit_views_publish(views, &rows, audit_commit_size(commit), &err));
        assert_null(rows);
    }
    audit_commit_unref(&commit);
    made_fini(made);
}
