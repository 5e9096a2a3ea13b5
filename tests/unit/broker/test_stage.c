// The rules of the recorder, on a real log in a scratch folder, without threads or sockets.
#include "test.h"

#include "base/clock.h"
#include "base/file.h"
#include "broker/consents.h"
#include "broker/exchange.h"
#include "broker/parts.h"
#include "broker/policy_bundle.h"
#include "broker/stage.h"
#include "catalogue/bundle.h"
#include "base/text.h"
#include "consent/grant.h"
#include "seal/batch.h"
#include "seal/hash.h"
#include "wire/wire.h"

#include <stdio.h>
#include <stdlib.h>

static const char origin[] = "test.example/log";

struct fixture {
    struct broker broker;
    char path[64];
    struct seal_identity registrar;
    struct seal_identity asker;
    struct seal_identity holder;
    struct stage *stage;
    struct audit_tag tag;
    struct id consent;
    struct digest counter;
};

static void free_registry(void *registry)
{
    struct registry *r = registry;
    registry_destroy(&r);
}

static struct bytes sign(const struct fixture *fixture, enum registry_label label,
                         struct bytes payload, struct buffer *out)
{
    struct error err = { 0 };
    struct digest audience = seal_audience(bytes_text(origin));
    assert_ok(
        registry_signed_make(label, payload, &audience, fixture->registrar.signer, out, &err));
    return buffer_view(out);
}

static void add_card(struct fixture *fixture, const struct seal_identity *identity,
                     struct registry **registry)
{
    struct error err = { 0 };
    struct registry *next = NULL;
    struct buffer payload = buffer_init(4096);
    struct buffer message = buffer_init(8192);
    struct registry_card card = { .role = REGISTRY_ROLE_NODE,
                                  .curve_key = identity->curve_key,
                                  .batch_key = identity->sign_key,
                                  .not_before = 1,
                                  .not_after = (uint64_t)clock_wall_ms() + 3600000 };
    snprintf(card.member, sizeof(card.member), "%s", identity->member);
    snprintf(card.node, sizeof(card.node), "%s", identity->node);
    assert_ok(registry_card_encode(&card, bytes_text(origin), &payload, &err));
    struct registry_change change = { .label = REGISTRY_CARD,
                                      .signed_message = sign(fixture, REGISTRY_CARD,
                                                             buffer_view(&payload), &message) };
    assert_ok(registry_next(*registry, &change, 1, &next, &err));
    registry_destroy(registry);
    *registry = next;
    buffer_fini(&payload);
    buffer_fini(&message);
}

static void make_registry(struct fixture *fixture)
{
    struct error err = { 0 };
    struct registry_pins pins = { .keys = { fixture->registrar.sign_key },
                                  .count = 1,
                                  .threshold = 1 };
    struct registry *registry = NULL;
    assert_ok(registry_create(bytes_text(origin), &pins, &registry, &err));
    add_card(fixture, &fixture->asker, &registry);
    add_card(fixture, &fixture->holder, &registry);
    fixture->broker.registry = snapshot_create(free_registry);
    assert_true(snapshot_swap(fixture->broker.registry, registry));
}

static struct policy_bundle *make_bundle(uint64_t serial, uint8_t mark)
{
    struct error err = { 0 };
    struct buffer blob = buffer_init(1 << 20);
    struct policy_bundle *bundle = calloc(1, sizeof(*bundle));
    struct digest hash = { .bytes = { mark } };
    assert_ok(catalogue_bundle_pack(PROJECT_DIR "/config/scenario", &blob, &err));
    assert_ok(catalogue_load(buffer_view(&blob), &hash, &bundle->catalogue, &err));
    bundle->head.serial = serial;
    bundle->head.hash = hash;
    buffer_fini(&blob);
    return bundle;
}

static void open_log(struct fixture *fixture)
{
    struct error err = { 0 };
    struct audit_views_opened opened;
    struct audit_journal_options journal = { .home = fixture->path,
                                             .origin = origin,
                                             .map_bytes = 64 << 20,
                                             .signer = fixture->broker.home.logs[0].signer,
                                             .vault = fixture->broker.home.vault,
                                             .create = true };
    assert_ok(audit_journal_open(&journal, &fixture->broker.journal, &err));
    struct audit_views_options views = { .home = fixture->path,
                                         .origin = origin,
                                         .map_bytes = 64 << 20,
                                         .journal = fixture->broker.journal };
    assert_ok(audit_views_open(&views, &fixture->broker.views, &opened, &err));
    assert_ok(stage_create(&fixture->broker, &fixture->stage, &err));
}

static void close_log(struct fixture *fixture)
{
    stage_destroy(&fixture->stage);
    audit_views_close(&fixture->broker.views);
    audit_journal_close(&fixture->broker.journal);
}

static void set_up(struct fixture *fixture)
{
    struct error err = { 0 };
    char path[128];
    memset(fixture, 0, sizeof(*fixture));
    snprintf(fixture->path, sizeof(fixture->path), "%s", test_directory());
    assert_ok(
        seal_identity_create(SEAL_ROLE_REGISTRAR, "", "registrar", &fixture->registrar, &err));
    assert_ok(seal_identity_create(SEAL_ROLE_LOG, "", origin, &fixture->broker.home.logs[0], &err));
    assert_ok(seal_identity_create(SEAL_ROLE_MASTER, "", "", &fixture->broker.home.master, &err));
    assert_ok(seal_identity_create(SEAL_ROLE_NODE, "ru/interior/road-safety", "gate",
                                   &fixture->asker, &err));
    assert_ok(
        seal_identity_create(SEAL_ROLE_NODE, "ru/health/clinic-2", "gate", &fixture->holder, &err));
    snprintf(path, sizeof(path), "%s/keys", fixture->path);
    assert_ok(file_make_folder(path, 0700, &err));
    snprintf(path, sizeof(path), "%s/keys/body", fixture->path);
    assert_ok(audit_vault_open(path, fixture->broker.home.master.secrets[0],
                               &fixture->broker.home.vault, &err));
    make_registry(fixture);
    fixture->broker.policy = snapshot_create(policy_bundle_free);
    assert_true(snapshot_swap(fixture->broker.policy, make_bundle(1, 1)));
    fixture->tag.bytes[0] = 1;
    fixture->consent.bytes[0] = 77;
    fixture->counter.bytes[0] = 9;
    open_log(fixture);
}

static void tear_down(struct fixture *fixture)
{
    close_log(fixture);
    snapshot_destroy(&fixture->broker.registry);
    snapshot_destroy(&fixture->broker.policy);
    audit_vault_close(&fixture->broker.home.vault);
    seal_identity_fini(&fixture->registrar);
    seal_identity_fini(&fixture->asker);
    seal_identity_fini(&fixture->holder);
    seal_identity_fini(&fixture->broker.home.logs[0]);
    seal_identity_fini(&fixture->broker.home.master);
}

// ---- jobs

static void *take(struct job *job, size_t size)
{
    void *taken = arena_take(job->arena, size);
    assert_non_null(taken);
    return taken;
}

static struct job *make_job(enum record_kind kind, enum wire_kind entry)
{
    struct job *job = job_create(JOB_MESSAGE);
    assert_non_null(job);
    struct wire_exchange_part *exchange = take(job, sizeof(*exchange));
    struct wire_subject_part *subject = take(job, sizeof(*subject));
    struct wire_officer_part *officer = take(job, sizeof(*officer));
    exchange->format = subject->format = officer->format = 1;
    exchange->kind = subject->kind = officer->kind = entry;
    job->record = (struct record){ .kind = kind,
                                   .class = WIRE_CLASS_EXCHANGE,
                                   .receipt_part = WIRE_PART_EXCHANGE,
                                   .exchange = exchange,
                                   .subject = subject,
                                   .officer = officer };
    job->record.bundle_hash.bytes[0] = 1;
    return job;
}

// An exchange under the fixture's consent, revision 1, with one use of `limit`.
static struct exchange *make_exchange(const struct fixture *fixture, uint8_t number, uint64_t limit)
{
    struct exchange *exchange = exchange_create(NULL);
    assert_non_null(exchange);
    exchange->id = id_make(clock_wall_ms(), (uint8_t[ID_BYTES]){ number });
    exchange->id.bytes[15] = number;
    exchange->request_hash.bytes[0] = number;
    exchange->asker = bytes_text(fixture->asker.member);
    exchange->holder = bytes_text(fixture->holder.member);
    exchange->asker_key = fixture->asker.sign_key;
    exchange->holder_key = fixture->holder.sign_key;
    exchange->tag = fixture->tag;
    exchange->consent = fixture->consent;
    exchange->consent_revision = 1;
    exchange->consent_not_after = INT64_MAX;
    exchange->grant_count = 1;
    exchange->charges = arena_take(exchange->arena, sizeof(*exchange->charges));
    exchange->charges[0] = (struct exchange_charge){ .key = fixture->counter,
                                                     .limit = limit,
                                                     .reason = "consent-used-up" };
    exchange->charge_count = 1;
    return exchange;
}

// What a worker packs before the recorder has the job.
static void pack(struct job *job, unsigned which)
{
    struct error err = { 0 };
    struct buffer scratch = buffer_init(PARTS_BYTES_MAX);
    assert_ok(parts_pack(job, which, &scratch, &err));
    buffer_fini(&scratch);
}

static struct job *make_decision(const struct fixture *fixture, struct exchange *exchange)
{
    struct job *job = make_job(RECORD_DECISION, WIRE_KIND_DECISION);
    job->exchange = exchange;
    job->record.exchange->exchange_id = exchange->id;
    job->record.exchange->request_hash = exchange->request_hash;
    job->record.exchange->asker = exchange->asker;
    job->record.exchange->holder = exchange->holder;
    struct wire_verdict *verdict = take(job, sizeof(*verdict));
    *verdict = (struct wire_verdict){ .name = bytes_text("fit"),
                                      .asked = bytes_text("full"),
                                      .given = bytes_text("full"),
                                      .reason = bytes_text("allowed") };
    job->record.exchange->verdicts = verdict;
    job->record.exchange->verdicts_count = 1;
    job->record.chained = true;
    job->record.tag = fixture->tag;
    job->record.officer->tag = audit_tag_view(&job->record.tag);
    pack(job, PARTS_EXCHANGE | PARTS_OFFICER);
    return job;
}

static struct job *make_release(struct exchange *exchange)
{
    struct job *job = make_job(RECORD_RELEASE, WIRE_KIND_RELEASED);
    job->exchange = exchange;
    job->record.exchange->exchange_id = exchange->id;
    job->record.exchange->asker = exchange->asker;
    job->record.exchange->holder = exchange->holder;
    pack(job, PARTS_EXCHANGE | PARTS_SUBJECT);
    return job;
}

static struct job *make_consent(const struct fixture *fixture, uint32_t revision,
                                enum consent_state state)
{
    struct job *job = make_job(RECORD_CONSENT, WIRE_KIND_CONSENT);
    struct wire_consent_record *record = take(job, sizeof(*record));
    *record = (struct wire_consent_record){ .id = fixture->consent,
                                            .revision = revision,
                                            .state = state,
                                            .artefact = bytes_text("artefact") };
    record->hash.bytes[0] = (uint8_t)revision;
    job->record.class = WIRE_CLASS_CONSENT;
    job->record.officer->consent = record;
    job->record.chained = true;
    job->record.tag = fixture->tag;
    record->tag = audit_tag_view(&job->record.tag);
    return job;
}

// Stages the jobs as one batch and commits it.
static void commit(struct fixture *fixture, struct job **jobs, size_t count)
{
    struct error err = { 0 };
    struct audit_commit *done = NULL;
    assert_ok(stage_begin(fixture->stage, &err));
    for (size_t i = 0; i < count; i++) {
        stage_add(fixture->stage, jobs[i]);
    }
    if (stage_count(fixture->stage) > 0) {
        assert_ok(stage_plan(fixture->stage, &err));
        assert_ok(audit_journal_append(fixture->broker.journal, stage_entries(fixture->stage),
                                       stage_count(fixture->stage), stage_size(fixture->stage),
                                       audit_journal_term(fixture->broker.journal), &done, &err));
        assert_ok(stage_done(fixture->stage, done, &err));
        audit_commit_unref(&done);
    }
    stage_end(fixture->stage);
}

static void commit_one(struct fixture *fixture, struct job *job)
{
    commit(fixture, &job, 1);
}

static void expect_recorded(struct fixture *fixture, struct job *job)
{
    commit_one(fixture, job);
    if (job->record.result != RECORD_DONE) {
        fail_msg("not recorded: %s", job->record.err.message);
    }
    job_destroy(&job);
}

// The bytes that were recorded say so too, whatever a worker had packed before.
static bool recorded_as(const struct job *job, enum wire_kind kind, const char *reason,
                        size_t charges)
{
    struct error err = { 0 };
    struct wire_exchange_part exchange;
    struct wire_subject_part subject;
    struct wire_officer_part officer;
    struct arena *arena = arena_create(1 << 20);
    const struct audit_part *parts = job->record.entry.parts;
    assert_non_null(arena);
    assert_ok(wire_decode(WIRE_SCHEMA_EXCHANGE_PART, parts[0].bytes, arena, &exchange, &err));
    assert_ok(wire_decode(WIRE_SCHEMA_SUBJECT_PART, parts[1].bytes, arena, &subject, &err));
    assert_ok(wire_decode(WIRE_SCHEMA_OFFICER_PART, parts[2].bytes, arena, &officer, &err));
    bool same = exchange.kind == kind && subject.kind == kind && officer.kind == kind &&
                bytes_equal_text(officer.reason, reason) && officer.charges_count == charges;
    arena_destroy(&arena);
    return same;
}

static bool released(const struct job *job)
{
    return job->record.result == RECORD_DONE && job->record.kind == RECORD_RELEASE &&
           recorded_as(job, WIRE_KIND_RELEASED, "", job->exchange->charge_count);
}

static bool stopped_for(const struct job *job, const char *reason)
{
    return job->record.result == RECORD_DONE && job->record.kind == RECORD_ENDING &&
           recorded_as(job, WIRE_KIND_REFUSED, reason, 0);
}

// ---- tests

TEST(a_citizens_entries_form_one_chain_within_a_batch_and_across_batches)
{
    struct fixture f;
    set_up(&f);
    struct job *jobs[3];
    struct exchange *exchanges[3];
    expect_recorded(&f, make_consent(&f, 1, CONSENT_ACTIVE));
    for (uint8_t i = 0; i < 3; i++) {
        exchanges[i] = make_exchange(&f, i, 10);
        jobs[i] = make_decision(&f, exchanges[i]);
    }
    commit(&f, jobs, 2);
    commit_one(&f, jobs[2]);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(jobs[i]->record.result, RECORD_DONE);
        assert_int_equal(jobs[i]->record.subject->sequence, 2 + i);
    }
    assert_true(digest_equal(&jobs[1]->record.subject->previous, &jobs[0]->record.leaf_hash));
    assert_true(digest_equal(&jobs[2]->record.subject->previous, &jobs[1]->record.leaf_hash));
    for (size_t i = 0; i < 3; i++) {
        job_destroy(&jobs[i]);
        exchange_destroy(&exchanges[i]);
    }
    tear_down(&f);
}

TEST(the_same_request_is_recorded_once_in_one_batch_or_later)
{
    struct fixture f;
    set_up(&f);
    struct exchange *exchange = make_exchange(&f, 1, 10);
    expect_recorded(&f, make_consent(&f, 1, CONSENT_ACTIVE));
    struct job *jobs[] = { make_decision(&f, exchange), make_decision(&f, exchange),
                           make_decision(&f, exchange) };
    commit(&f, jobs, 2);
    commit_one(&f, jobs[2]);
    assert_int_equal(jobs[0]->record.result, RECORD_DONE);
    assert_int_equal(jobs[1]->record.result, RECORD_AGAIN);
    assert_int_equal(jobs[2]->record.result, RECORD_AGAIN);
    assert_int_equal(jobs[2]->record.earlier.index, jobs[0]->record.index);
    assert_true(jobs[2]->record.earlier.open);
    assert_int_equal(audit_journal_size(f.broker.journal), 2);
    for (size_t i = 0; i < 3; i++) {
        job_destroy(&jobs[i]);
    }
    exchange_destroy(&exchange);
    tear_down(&f);
}

TEST(the_same_id_with_another_body_is_refused)
{
    struct fixture f;
    set_up(&f);
    struct exchange *first = make_exchange(&f, 1, 10);
    struct exchange *other = make_exchange(&f, 1, 10);
    other->id = first->id;
    other->request_hash.bytes[0] = 200;
    expect_recorded(&f, make_consent(&f, 1, CONSENT_ACTIVE));
    expect_recorded(&f, make_decision(&f, first));
    struct job *job = make_decision(&f, other);
    commit_one(&f, job);
    assert_int_equal(job->record.result, RECORD_REUSED);
    job_destroy(&job);
    exchange_destroy(&first);
    exchange_destroy(&other);
    tear_down(&f);
}

// As a worker leaves it that has looked at the views now.
static struct job *make_seen(struct fixture *fixture, struct exchange *exchange)
{
    struct error err = { 0 };
    struct audit_reader *reader = NULL;
    struct job *job = make_decision(fixture, exchange);
    assert_ok(audit_reader_create(fixture->broker.views, &reader, &err));
    assert_ok(audit_reader_begin(reader, &job->record.seen_size, &err));
    enum status status =
        audit_reader_subject_head(reader, &job->record.tag, &job->record.seen_head, &err);
    assert_true(status == ST_OK || status == ST_NOT_FOUND);
    job->record.seen_new = true;
    audit_reader_destroy(&reader);
    return job;
}

TEST(what_a_worker_saw_counts_unless_something_has_changed_since)
{
    for (int applied = 0; applied < 2; applied++) {
        struct fixture f;
        struct error err = { 0 };
        uint64_t to = 0;
        set_up(&f);
        struct exchange *first = make_exchange(&f, 1, 10);
        struct exchange *second = make_exchange(&f, 2, 10);
        expect_recorded(&f, make_consent(&f, 1, CONSENT_ACTIVE)); // the list's first
        struct job *jobs[] = { make_seen(&f, first), make_seen(&f, second), make_seen(&f, first) };
        jobs[0]->record.seen_head.sequence = 40; // told by nothing else
        commit_one(&f, jobs[0]);
        assert_int_equal(jobs[0]->record.subject->sequence, 41);
        if (applied != 0) {
            assert_ok(audit_views_apply(f.broker.views, &to, &err));
            audit_views_retire(f.broker.views);
        }
        commit_one(&f, jobs[1]); // saw 1, and now there are 41
        assert_int_equal(jobs[1]->record.subject->sequence, 42);
        assert_true(digest_equal(&jobs[1]->record.subject->previous, &jobs[0]->record.leaf_hash));
        commit_one(&f, jobs[2]); // saw an id that was new, and now is not
        assert_int_equal(jobs[2]->record.result, RECORD_AGAIN);
        for (size_t i = 0; i < 3; i++) {
            job_destroy(&jobs[i]);
        }
        exchange_destroy(&first);
        exchange_destroy(&second);
        tear_down(&f);
    }
}

TEST(a_withdrawal_stops_the_release_behind_it_in_the_same_batch)
{
    struct fixture f;
    set_up(&f);
    struct exchange *exchange = make_exchange(&f, 1, 10);
    expect_recorded(&f, make_consent(&f, 1, CONSENT_ACTIVE));
    expect_recorded(&f, make_decision(&f, exchange));
    struct job *jobs[] = { make_consent(&f, 2, CONSENT_WITHDRAWN), make_release(exchange) };
    commit(&f, jobs, 2);
    assert_true(stopped_for(jobs[1], "withdrawn-in-flight"));
    assert_true(bytes_equal_text(jobs[1]->record.exchange->reason, "no-consent"));
    job_destroy(&jobs[0]);
    job_destroy(&jobs[1]);
    exchange_destroy(&exchange);
    tear_down(&f);
}

// A withdrawal in the same batch, in the tail, or in the stored views.
TEST(a_consent_counts_as_its_decision_found_it_unless_something_has_changed_it_since)
{
    for (int where = 0; where < 3; where++) {
        struct fixture f;
        struct error err = { 0 };
        uint64_t to = 0;
        set_up(&f);
        struct exchange *first = make_exchange(&f, 1, 10);
        struct exchange *second = make_exchange(&f, 2, 10);
        expect_recorded(&f, make_consent(&f, 1, CONSENT_ACTIVE));
        expect_recorded(&f, make_decision(&f, first));
        expect_recorded(&f, make_decision(&f, second));
        first->seen_size = second->seen_size = audit_journal_size(f.broker.journal);
        first->consent_revision = 40; // told by nothing else
        struct job *release = make_release(first);
        commit_one(&f, release);
        assert_true(released(release));
        job_destroy(&release);

        struct job *jobs[] = { make_consent(&f, 2, CONSENT_WITHDRAWN), make_release(second) };
        if (where == 0) {
            commit(&f, jobs, 2);
        } else {
            commit_one(&f, jobs[0]);
        }
        if (where == 2) {
            assert_ok(audit_views_apply(f.broker.views, &to, &err));
            audit_views_retire(f.broker.views);
        }
        if (where > 0) {
            commit_one(&f, jobs[1]);
        }
        assert_true(stopped_for(jobs[1], "withdrawn-in-flight"));
        job_destroy(&jobs[0]);
        job_destroy(&jobs[1]);
        exchange_destroy(&first);
        exchange_destroy(&second);
        tear_down(&f);
    }
}

TEST(a_release_before_the_withdrawal_in_the_log_goes)
{
    struct fixture f;
    set_up(&f);
    struct exchange *exchange = make_exchange(&f, 1, 10);
    expect_recorded(&f, make_consent(&f, 1, CONSENT_ACTIVE));
    expect_recorded(&f, make_decision(&f, exchange));
    struct job *jobs[] = { make_release(exchange), make_consent(&f, 2, CONSENT_WITHDRAWN) };
    commit(&f, jobs, 2);
    assert_true(released(jobs[0]));
    assert_int_equal(jobs[1]->record.result, RECORD_DONE);
    job_destroy(&jobs[0]);
    job_destroy(&jobs[1]);
    exchange_destroy(&exchange);
    tear_down(&f);
}

TEST(a_withdrawal_makes_a_decision_that_was_made_before_it_stale)
{
    struct fixture f;
    set_up(&f);
    struct exchange *exchange = make_exchange(&f, 1, 10);
    expect_recorded(&f, make_consent(&f, 1, CONSENT_ACTIVE));
    struct job *jobs[] = { make_consent(&f, 2, CONSENT_WITHDRAWN), make_decision(&f, exchange) };
    commit(&f, jobs, 2);
    assert_int_equal(jobs[1]->record.result, RECORD_STALE);
    job_destroy(&jobs[0]);
    job_destroy(&jobs[1]);
    exchange_destroy(&exchange);
    tear_down(&f);
}

TEST(the_last_use_is_spent_once_in_one_batch_and_after_the_log_was_opened_again)
{
    struct fixture f;
    set_up(&f);
    struct exchange *exchanges[3];
    struct job *jobs[2];
    expect_recorded(&f, make_consent(&f, 1, CONSENT_ACTIVE));
    for (uint8_t i = 0; i < 3; i++) {
        exchanges[i] = make_exchange(&f, (uint8_t)(i + 1), 1);
        expect_recorded(&f, make_decision(&f, exchanges[i]));
    }
    jobs[0] = make_release(exchanges[0]);
    jobs[1] = make_release(exchanges[1]);
    commit(&f, jobs, 2);
    assert_true(released(jobs[0]));
    assert_true(stopped_for(jobs[1], "consent-used-up"));
    job_destroy(&jobs[0]);
    job_destroy(&jobs[1]);
    close_log(&f);
    open_log(&f);
    jobs[0] = make_release(exchanges[2]);
    commit_one(&f, jobs[0]);
    assert_true(stopped_for(jobs[0], "consent-used-up"));
    job_destroy(&jobs[0]);
    for (size_t i = 0; i < 3; i++) {
        exchange_destroy(&exchanges[i]);
    }
    tear_down(&f);
}

TEST(a_decision_or_release_made_under_another_bundle_is_stale)
{
    struct fixture f;
    set_up(&f);
    struct exchange *exchange = make_exchange(&f, 1, 10);
    expect_recorded(&f, make_consent(&f, 1, CONSENT_ACTIVE));
    expect_recorded(&f, make_decision(&f, exchange));
    assert_true(snapshot_swap(f.broker.policy, make_bundle(2, 2)));
    struct job *job = make_release(exchange);
    commit_one(&f, job);
    assert_int_equal(job->record.result, RECORD_STALE);
    job_destroy(&job);
    exchange_destroy(&exchange);
    tear_down(&f);
}

TEST(a_bundle_with_a_lower_serial_never_follows)
{
    struct fixture f;
    set_up(&f);
    struct job *job = make_job(RECORD_POLICY, WIRE_KIND_POLICY);
    struct wire_public_part *public_part = take(job, sizeof(*public_part));
    *public_part = (struct wire_public_part){ .format = 1, .kind = WIRE_KIND_POLICY };
    job->record.class = WIRE_CLASS_GOVERNANCE;
    job->record.receipt_part = WIRE_PART_PUBLIC;
    job->record.public_ = public_part;
    job->record.bundle = make_bundle(1, 3);
    commit_one(&f, job);
    assert_int_equal(job->record.result, RECORD_FAILED);
    assert_int_equal(job->record.err.status, ST_STALE);
    job_destroy(&job);
    tear_down(&f);
}

static struct job *make_order(struct fixture *fixture, enum registry_action action,
                              const char *member, const struct digest *key)
{
    struct error err = { 0 };
    struct buffer payload = buffer_init(4096);
    struct buffer message = buffer_init(8192);
    struct registry_order order = { .action = action,
                                    .issued_at = (uint64_t)clock_wall_ms(),
                                    .reason = "test" };
    snprintf(order.member, sizeof(order.member), "%s", member);
    if (key != NULL) {
        order.key = *key;
    }
    assert_ok(registry_order_encode(&order, bytes_text(origin), &payload, &err));
    struct job *job = make_job(RECORD_REGISTRY, WIRE_KIND_ORDER);
    struct wire_public_part *public_part = take(job, sizeof(*public_part));
    *public_part = (struct wire_public_part){ .format = 1, .kind = WIRE_KIND_ORDER };
    job->record.class = WIRE_CLASS_GOVERNANCE;
    job->record.receipt_part = WIRE_PART_PUBLIC;
    job->record.public_ = public_part;
    job->record.label = REGISTRY_ORDER;
    job->record.signed_message =
        job_keep(job, sign(fixture, REGISTRY_ORDER, buffer_view(&payload), &message));
    buffer_fini(&payload);
    buffer_fini(&message);
    return job;
}

TEST(a_suspension_or_revocation_stops_the_release_behind_it_in_the_same_batch)
{
    for (int revoke = 0; revoke < 2; revoke++) {
        struct fixture f;
        set_up(&f);
        struct exchange *exchange = make_exchange(&f, 1, 10);
        expect_recorded(&f, make_consent(&f, 1, CONSENT_ACTIVE));
        expect_recorded(&f, make_decision(&f, exchange));
        struct job *jobs[] = { revoke == 0 ? make_order(&f, REGISTRY_SUSPEND, f.asker.member, NULL)
                                           : make_order(&f, REGISTRY_REVOKE, f.holder.member,
                                                        &f.holder.sign_key),
                               make_release(exchange) };
        commit(&f, jobs, 2);
        assert_int_equal(jobs[0]->record.result, RECORD_DONE);
        assert_true(stopped_for(jobs[1], "member-suspended"));
        job_destroy(&jobs[0]);
        job_destroy(&jobs[1]);
        exchange_destroy(&exchange);
        tear_down(&f);
    }
}

TEST(revisions_of_a_consent_follow_one_another)
{
    struct fixture f;
    set_up(&f);
    expect_recorded(&f, make_consent(&f, 1, CONSENT_ACTIVE));
    struct job *jobs[] = { make_consent(&f, 2, CONSENT_PAUSED),
                           make_consent(&f, 2, CONSENT_WITHDRAWN),
                           make_consent(&f, 4, CONSENT_WITHDRAWN) };
    commit(&f, jobs, 3);
    assert_int_equal(jobs[0]->record.result, RECORD_DONE);
    for (size_t i = 1; i < 3; i++) {
        assert_int_equal(jobs[i]->record.result, RECORD_FAILED);
        assert_int_equal(jobs[i]->record.err.status, ST_STALE);
    }
    for (size_t i = 0; i < 3; i++) {
        job_destroy(&jobs[i]);
    }
    tear_down(&f);
}

TEST(nothing_of_a_batch_that_was_not_committed_is_seen)
{
    struct error err = { 0 };
    struct fixture f;
    set_up(&f);
    expect_recorded(&f, make_consent(&f, 1, CONSENT_ACTIVE));
    struct exchange *exchange = make_exchange(&f, 1, 1);
    expect_recorded(&f, make_decision(&f, exchange));
    struct job *lost[] = { make_consent(&f, 2, CONSENT_WITHDRAWN),
                           make_order(&f, REGISTRY_SUSPEND, f.asker.member, NULL) };
    assert_ok(stage_begin(f.stage, &err));
    stage_add(f.stage, lost[0]);
    stage_add(f.stage, lost[1]);
    error_set(&err, ST_FULL, "no space");
    stage_failed(f.stage, &err);
    stage_end(f.stage);
    assert_int_equal(lost[0]->record.result, RECORD_FAILED);
    assert_int_equal(lost[1]->record.result, RECORD_FAILED);
    struct job *job = make_release(exchange);
    commit_one(&f, job);
    assert_true(released(job));
    job_destroy(&job);
    job_destroy(&lost[0]);
    job_destroy(&lost[1]);
    exchange_destroy(&exchange);
    tear_down(&f);
}

static const char *look_again(struct fixture *fixture, struct exchange *exchange)
{
    struct job *job = job_create(JOB_MESSAGE);
    assert_non_null(job);
    job->exchange = exchange;
    job->record = (struct record){ .kind = RECORD_REPEAT };
    commit_one(fixture, job);
    assert_int_equal(job->record.result, RECORD_AGAIN);
    const char *reason = job->record.reason;
    job_destroy(&job);
    return reason;
}

TEST(a_held_answer_is_given_again_until_its_consent_is_withdrawn_or_paused)
{
    for (int paused = 0; paused < 2; paused++) {
        struct fixture f;
        set_up(&f);
        struct exchange *exchange = make_exchange(&f, 1, 10);
        expect_recorded(&f, make_consent(&f, 1, CONSENT_ACTIVE));
        expect_recorded(&f, make_decision(&f, exchange));
        expect_recorded(&f, make_release(exchange));
        uint64_t size = audit_journal_size(f.broker.journal);
        assert_null(look_again(&f, exchange));
        assert_int_equal(audit_journal_size(f.broker.journal), size);
        expect_recorded(&f, make_consent(&f, 2, paused ? CONSENT_PAUSED : CONSENT_WITHDRAWN));
        assert_string_equal(look_again(&f, exchange),
                            paused ? "consent-paused" : "withdrawn-in-flight");
        exchange_destroy(&exchange);
        tear_down(&f);
    }
}

TEST(two_ages_asked_about_at_once_are_not_both_answered)
{
    struct fixture f;
    set_up(&f);
    struct exchange *exchanges[3];
    struct job *jobs[3];
    static const uint8_t ages[] = { 18, 21, 18 };
    int64_t until_ms = clock_wall_ms() + 3600000;
    expect_recorded(&f, make_consent(&f, 1, CONSENT_ACTIVE));
    for (uint8_t i = 0; i < 3; i++) {
        exchanges[i] = make_exchange(&f, (uint8_t)(i + 1), 0);
        exchanges[i]->charges[0].lock = policy_form_lock(ages[i], until_ms);
        exchanges[i]->charges[0].reason = "form-not-allowed";
        expect_recorded(&f, make_decision(&f, exchanges[i]));
        jobs[i] = make_release(exchanges[i]);
    }
    commit(&f, jobs, 3);
    assert_true(released(jobs[0]));
    assert_true(stopped_for(jobs[1], "form-not-allowed"));
    assert_true(released(jobs[2]));
    for (size_t i = 0; i < 3; i++) {
        job_destroy(&jobs[i]);
        exchange_destroy(&exchanges[i]);
    }
    tear_down(&f);
}

static struct job *make_look(struct audit_tag *tags, size_t count)
{
    struct job *job = job_create(JOB_MESSAGE);
    assert_non_null(job);
    struct wire_subject_part *subject = arena_take(job->arena, sizeof(*subject));
    struct wire_officer_part *officer = arena_take(job->arena, sizeof(*officer));
    *subject = (struct wire_subject_part){ .format = 1, .kind = WIRE_KIND_READ };
    *officer = (struct wire_officer_part){ .format = 1, .kind = WIRE_KIND_READ };
    job->record = (struct record){ .kind = RECORD_PLAIN,
                                   .class = WIRE_CLASS_OVERSIGHT,
                                   .receipt_part = WIRE_PART_OFFICER,
                                   .subject = subject,
                                   .officer = officer,
                                   .also = tags,
                                   .also_count = count };
    return job;
}

static uint64_t length_of_list(struct fixture *f, const struct audit_tag *tag, enum wire_kind *kind)
{
    struct error err;
    struct audit_reader *reader = NULL;
    struct audit_subject_row row = { 0 };
    uint64_t size = 0;
    assert_ok(audit_reader_create(f->broker.views, &reader, &err));
    assert_ok(audit_reader_begin(reader, &size, &err));
    enum status status = audit_reader_subject_head(reader, tag, &row, &err);
    assert_true(status == ST_OK || status == ST_NOT_FOUND);
    audit_reader_end(reader);
    audit_reader_destroy(&reader);
    *kind = row.kind;
    return row.sequence;
}

TEST(one_look_at_several_people_is_in_the_list_of_each)
{
    enum { PEOPLE = 5 };
    struct fixture f;
    struct audit_tag tags[AUDIT_BATCH_MAX] = { 0 };
    enum wire_kind kind;
    set_up(&f);
    for (uint8_t i = 0; i < PEOPLE; i++) {
        tags[i].bytes[0] = 1;
        tags[i].bytes[1] = (uint8_t)(100 + i);
    }
    uint64_t size = audit_journal_size(f.broker.journal);
    struct job *jobs[] = { make_look(tags, PEOPLE), make_look(tags, 2) };
    commit(&f, jobs, 2);
    assert_int_equal(audit_journal_size(f.broker.journal), size + 1 + PEOPLE + 1 + 2);
    assert_int_equal(jobs[0]->record.result, RECORD_DONE);
    assert_int_equal(jobs[0]->record.index, size);
    assert_int_equal(jobs[0]->record.receipt->index, size);
    assert_int_equal(jobs[1]->record.index, size + 1 + PEOPLE);
    for (size_t i = 0; i < PEOPLE; i++) {
        assert_int_equal(length_of_list(&f, &tags[i], &kind), i < 2 ? 2 : 1);
        assert_int_equal(kind, WIRE_KIND_READ);
    }
    job_destroy(&jobs[0]);
    job_destroy(&jobs[1]);
    // One that does not fit into a commit is refused whole.
    jobs[0] = make_look(tags, AUDIT_BATCH_MAX);
    commit_one(&f, jobs[0]);
    assert_int_equal(jobs[0]->record.result, RECORD_FAILED);
    assert_int_equal(length_of_list(&f, &tags[0], &kind), 2);
    job_destroy(&jobs[0]);
    tear_down(&f);
}

static struct job *make_hold(uint32_t state)
{
    struct job *job = job_create(JOB_MESSAGE);
    assert_non_null(job);
    struct wire_officer_part *officer = arena_take(job->arena, sizeof(*officer));
    struct wire_public_part *public_part = arena_take(job->arena, sizeof(*public_part));
    struct wire_hold *hold = arena_take(job->arena, sizeof(*hold));
    *hold = (struct wire_hold){ .id = { { 5 } }, .name = bytes_text("case 7"), .state = state };
    *officer = (struct wire_officer_part){ .format = 1, .kind = WIRE_KIND_HOLD, .hold = hold };
    *public_part = (struct wire_public_part){ .format = 1, .kind = WIRE_KIND_HOLD };
    job->record = (struct record){ .kind = RECORD_PLAIN,
                                   .class = WIRE_CLASS_GOVERNANCE,
                                   .officer = officer,
                                   .public_ = public_part };
    return job;
}

static struct job *make_forgetting(uint32_t month)
{
    struct job *job = job_create(JOB_MESSAGE);
    assert_non_null(job);
    struct wire_officer_part *officer = arena_take(job->arena, sizeof(*officer));
    struct wire_public_part *public_part = arena_take(job->arena, sizeof(*public_part));
    *officer = (struct wire_officer_part){ .format = 1, .kind = WIRE_KIND_CARRY_FORWARD };
    *public_part = (struct wire_public_part){
        .format = 1, .kind = WIRE_KIND_CARRY_FORWARD, .month = month, .forgotten_to = 1
    };
    job->record = (struct record){ .kind = RECORD_FORGET,
                                   .class = WIRE_CLASS_GOVERNANCE,
                                   .receipt_part = WIRE_PART_PUBLIC,
                                   .officer = officer,
                                   .public_ = public_part };
    return job;
}

static void expect_forgetting(struct fixture *f, uint32_t month, enum record_result result,
                              enum status status)
{
    struct job *job = make_forgetting(month);
    commit_one(f, job);
    assert_int_equal(job->record.result, result);
    if (result == RECORD_FAILED) {
        assert_int_equal(job->record.err.status, status);
    }
    job_destroy(&job);
}

TEST(a_month_under_a_hold_is_not_forgotten_even_when_the_hold_comes_in_the_same_batch)
{
    struct fixture f;
    set_up(&f);
    struct job *jobs[] = { make_hold(WIRE_HOLD_SET), make_forgetting(600) };
    commit(&f, jobs, 2);
    assert_int_equal(jobs[0]->record.result, RECORD_DONE);
    assert_int_equal(jobs[1]->record.result, RECORD_STALE);
    job_destroy(&jobs[0]);
    job_destroy(&jobs[1]);
    expect_forgetting(&f, 600, RECORD_FAILED, ST_DENIED);
    expect_recorded(&f, make_hold(WIRE_HOLD_LIFTED));
    expect_forgetting(&f, 600, RECORD_DONE, ST_OK);
    expect_forgetting(&f, 600, RECORD_FAILED, ST_EXISTS);
    expect_forgetting(&f, 599, RECORD_FAILED, ST_EXISTS);
    tear_down(&f);
}

static struct job *make_body_key(bool lasting)
{
    struct job *job = job_create(JOB_MESSAGE);
    assert_non_null(job);
    struct wire_public_part *part = take(job, sizeof(*part));
    struct wire_officer_part *officer = take(job, sizeof(*officer));
    struct wire_key_change *change = take(job, sizeof(*change));
    *change = (struct wire_key_change){ .what = WIRE_KEY_OF_BODIES, .number = 1 };
    *part = (struct wire_public_part){ .format = 1,
                                       .kind = WIRE_KIND_KEY_CHANGE,
                                       .key_change = change };
    *officer = (struct wire_officer_part){ .format = 1, .kind = WIRE_KIND_KEY_CHANGE };
    job->record = (struct record){ .kind = RECORD_BODY_KEY,
                                   .class = WIRE_CLASS_GOVERNANCE,
                                   .public_ = part,
                                   .officer = officer,
                                   .lasting = lasting };
    return job;
}

static uint32_t key_of_entry(struct fixture *fixture, uint64_t index)
{
    struct error err = { 0 };
    struct audit_log *log = NULL;
    struct audit_record record;
    uint64_t size = 0;
    assert_ok(audit_log_create(fixture->broker.journal, &log, &err));
    assert_ok(audit_log_begin(log, &size, &err));
    assert_ok(audit_log_record(log, index, &record, &err));
    audit_log_end(log);
    audit_log_destroy(&log);
    return record.key_id;
}

TEST(an_order_of_a_new_body_key_counts_behind_its_entry_and_once_in_a_batch)
{
    struct fixture f;
    set_up(&f);
    struct exchange *exchanges[2] = { make_exchange(&f, 1, 10), make_exchange(&f, 2, 10) };
    expect_recorded(&f, make_consent(&f, 1, CONSENT_ACTIVE));
    struct job *jobs[] = { make_decision(&f, exchanges[0]), make_body_key(false),
                           make_decision(&f, exchanges[1]), make_body_key(false) };
    commit(&f, jobs, 4);
    assert_int_equal(jobs[2]->record.result, RECORD_DONE);
    assert_int_equal(jobs[3]->record.result, RECORD_FAILED);
    assert_int_equal(jobs[3]->record.err.status, ST_BUSY);
    const struct wire_key_change *change = jobs[1]->record.public_->key_change;
    uint32_t first = key_of_entry(&f, jobs[0]->record.index);
    assert_int_equal(change->number, audit_body_key(first, 1));
    assert_int_equal(key_of_entry(&f, jobs[2]->record.index), change->number);
    assert_false(digest_is_zero(&change->old_key));
    assert_false(digest_equal(&change->old_key, &change->new_key));
    // The lasting key by itself: its own entry is the last one under the key before.
    struct job *lasting[] = { make_body_key(true), make_hold(WIRE_HOLD_SET) };
    commit(&f, lasting, 2);
    assert_int_equal(key_of_entry(&f, lasting[0]->record.index), AUDIT_KEY_LASTING);
    assert_int_equal(key_of_entry(&f, lasting[1]->record.index),
                     audit_body_key(AUDIT_KEY_LASTING, 1));
    for (size_t i = 0; i < 4; i++) {
        job_destroy(&jobs[i]);
    }
    for (size_t i = 0; i < 2; i++) {
        job_destroy(&lasting[i]);
        exchange_destroy(&exchanges[i]);
    }
    tear_down(&f);
}

// An agency's wish for a consent, each with an id of its own.
static struct job *make_wish(const struct fixture *fixture, const char *asker, uint8_t number)
{
    struct error err = { 0 };
    const struct wire_field_ask field = { .name = bytes_text("fit"), .form = bytes_text("full") };
    struct job *job = make_consent(fixture, 1, CONSENT_REQUESTED);
    struct wire_consent_record *record = (struct wire_consent_record *)job->record.officer->consent;
    struct buffer packed = buffer_init(4096);
    record->id.bytes[1] = number;
    const struct wire_artefact artefact = { .version = 1,
                                            .id = record->id,
                                            .revision = 1,
                                            .asker = bytes_text(asker),
                                            .dataset = bytes_text("med-cert-driver"),
                                            .fields = &field,
                                            .fields_count = 1,
                                            .purpose = bytes_text("driving-licence-issue"),
                                            .not_before = 1,
                                            .not_after = 2,
                                            .notice_hash = { .bytes = { 1 } },
                                            .language = bytes_text("ru"),
                                            .state = CONSENT_REQUESTED,
                                            .collected_at = 1,
                                            .bundle_hash = { .bytes = { 1 } } };
    assert_ok(wire_encode(WIRE_SCHEMA_ARTEFACT, &artefact, &packed, &err));
    record->artefact = job_keep(job, buffer_view(&packed));
    job->record.exchange->asker = bytes_text(asker);
    buffer_fini(&packed);
    return job;
}

TEST(an_agency_that_asks_for_many_consents_at_once_gets_no_more_open_than_one_by_one)
{
    enum { WISHES = CONSENTS_REQUESTED_MAX + 4 };
    struct fixture fixture;
    struct job *jobs[WISHES];
    set_up(&fixture);
    for (uint8_t i = 0; i < WISHES; i++) {
        jobs[i] = make_wish(&fixture, i == WISHES - 1 ? "ru/health/clinic-2" : "ru/interior", i);
    }
    commit(&fixture, jobs, 4);              // some stand already
    commit(&fixture, jobs + 4, WISHES - 4); // the others come in one batch
    for (size_t i = 0; i < WISHES; i++) {
        bool fits = i < CONSENTS_REQUESTED_MAX || i == WISHES - 1; // another agency's does
        assert_int_equal(jobs[i]->record.result, fits ? RECORD_DONE : RECORD_FAILED);
        if (!fits) {
            assert_int_equal(jobs[i]->record.err.status, ST_DENIED);
        }
        job_destroy(&jobs[i]);
    }
    tear_down(&fixture);
}
