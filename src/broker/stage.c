// Staging a batch.
//
// Invariants: a decision's id is new; what a decision or release was decided from is still current;
// no counter passes its limit; the revisions of a consent follow one another; a citizen's chain has
// no gap. Whatever a batch has changed already stands in the small maps below and is looked at
// before the views. Nothing here becomes visible before stage_done().
#include "broker/stage_inside.h"

#include "base/clock.h"
#include "broker/parts.h"
#include "broker/receipt.h"
#include "wire/wire.h"

#include <stdlib.h>

enum { STAGE_ARENA_BYTES = 64 << 20 };

enum status stage_create(struct broker *broker, struct stage **stage, struct error *err)
{
    struct stage *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return error_set(err, ST_NOMEM, "recorder: no memory");
    }
    s->broker = broker;
    s->arena = arena_create(STAGE_ARENA_BYTES);
    s->scratch = arena_create(WIRE_ARENA_BYTES);
    s->packed = buffer_init(PARTS_BYTES_MAX);
    enum status status = s->arena == NULL || s->scratch == NULL
                             ? error_set(err, ST_NOMEM, "recorder: no memory")
                             : audit_reader_create(broker->views, &s->reader, err);
    if (status != ST_OK) {
        stage_destroy(&s);
        return status;
    }
    *stage = s;
    return ST_OK;
}

void stage_destroy(struct stage **stage)
{
    if (*stage != NULL) {
        audit_reader_destroy(&(*stage)->reader);
        arena_destroy(&(*stage)->arena);
        arena_destroy(&(*stage)->scratch);
        buffer_fini(&(*stage)->packed);
        free(*stage);
        *stage = NULL;
    }
}

enum status stage_begin(struct stage *stage, struct error *err)
{
    uint64_t seen;
    stage->count = 0;
    stage->key_job = NULL;
    stage->body_job = NULL;
    stage->rows = audit_rows_create();
    stage->heads = map_create();
    stage->consents = map_create();
    stage->counters = map_create();
    stage->exchanges = map_create();
    stage->registry = snapshot_pin(stage->broker->registry, &stage->registry_item);
    stage->bundle = snapshot_pin(stage->broker->policy, &stage->bundle_item);
    stage->now_ms = clock_wall_ms();
    stage->size = audit_journal_size(stage->broker->journal);
    stage->minutes = audit_journal_minutes(stage->broker->journal, stage->now_ms);
    if (stage->rows == NULL || stage->heads == NULL || stage->consents == NULL ||
        stage->counters == NULL || stage->exchanges == NULL) {
        return error_set(err, ST_NOMEM, "recorder: no memory for a batch");
    }
    audit_rows_make_searchable(stage->rows, audit_views_search_key(stage->broker->views));
    audit_rows_renew_tags(stage->rows, stage->broker->tagger);
    enum status status = audit_reader_begin(stage->reader, &seen, err);
    if (status == ST_OK && seen != stage->size) {
        return error_set(err, ST_CORRUPT, "views see %llu entries, the log has %llu",
                         (unsigned long long)seen, (unsigned long long)stage->size);
    }
    return status;
}

void stage_end(struct stage *stage)
{
    audit_reader_end(stage->reader);
    audit_rows_destroy(&stage->rows);
    map_destroy(&stage->heads);
    map_destroy(&stage->consents);
    map_destroy(&stage->counters);
    map_destroy(&stage->exchanges);
    registry_destroy(&stage->tried_registry);
    registry_destroy(&stage->next_registry);
    policy_bundle_destroy(&stage->next_bundle);
    snapshot_unpin(&stage->registry_item);
    snapshot_unpin(&stage->bundle_item);
    arena_reset(stage->arena);
}

size_t stage_count(const struct stage *stage)
{
    return stage->count;
}

static size_t stage_room(const struct stage *stage)
{
    return AUDIT_BATCH_MAX - stage->count;
}

const struct audit_entry *const *stage_entries(const struct stage *stage)
{
    return stage->entries;
}

enum status stage_plan(struct stage *stage, struct error *err)
{
    struct job *job = stage->key_job;
    const struct job *body = stage->body_job;
    audit_vault_plan(stage->broker->home.vault,
                     body == NULL ? 0 : body->record.public_->key_change->number,
                     body == NULL ? 0 : body->record.place);
    return job == NULL ? ST_OK
                       : audit_journal_plan_key(stage->broker->journal, &job->record.log_signer,
                                                job->record.public_->key_change->both_until,
                                                job->record.place, err);
}

uint64_t stage_size(const struct stage *stage)
{
    return stage->size;
}

// ---- the entry

static enum status link_chain(struct stage *stage, struct job *job, struct chain_head **head,
                              struct error *err)
{
    *head = NULL;
    if (!job->record.chained) {
        return ST_OK;
    }
    enum status status = stage_find_head(stage, &job->record, head, err);
    if (status == ST_OK) {
        job->record.subject->sequence = (*head)->sequence + 1;
        job->record.subject->previous = (*head)->leaf_hash;
        job->record.subject->previous_index = (*head)->index;
        job->record.subject->recorded_at = (uint64_t)stage->now_ms;
        job->record.officer->tag = audit_tag_view(&job->record.tag);
    }
    return status;
}

static enum status add_rows(struct stage *stage, struct job *job, struct error *err)
{
    const struct record *record = &job->record;
    struct audit_facts facts = {
        .index = stage->size + stage->count,
        .minutes = record->entry.minutes,
        .leaf_hash = record->entry.leaf_hash,
        .class = record->class,
        .exchange = record->exchange,
        .subject = record->subject,
        .officer = record->officer,
        .public_ = record->public_,
    };
    return audit_rows_add(stage->rows, &facts, err);
}

static enum status remember_exchange(struct stage *stage, struct job *job, struct error *err)
{
    struct exchange_now *now = arena_take(stage->arena, sizeof(*now));
    if (now != NULL) {
        *now = (struct exchange_now){ .id = job->exchange->id,
                                      .request_hash = job->exchange->request_hash,
                                      .index = stage->size + stage->count };
    }
    if (now == NULL || !map_put(stage->exchanges, bytes_id(&now->id), now)) {
        return error_set(err, ST_NOMEM, "recorder: no memory");
    }
    return ST_OK;
}

// The job's entry is in the batch: what comes after it sees the change.
static void adopt(struct stage *stage, struct job *job)
{
    if (stage->tried_registry != NULL) {
        registry_destroy(&stage->next_registry);
        stage->next_registry = stage->tried_registry;
        stage->registry = stage->tried_registry;
        stage->tried_registry = NULL;
    }
    if (job->record.kind == RECORD_POLICY) {
        policy_bundle_destroy(&stage->next_bundle);
        stage->next_bundle = job->record.bundle;
        stage->bundle = job->record.bundle;
        job->record.bundle = NULL;
    }
    if (job->record.kind == RECORD_LOG_KEY) {
        stage->key_job = job;
    }
    if (job->record.kind == RECORD_BODY_KEY) {
        stage->body_job = job;
    }
    if (job->record.kind == RECORD_CONSENT) {
        const struct wire_consent_record *record = job->record.officer->consent;
        struct consent_now *now = NULL;
        struct error err;
        if (stage_find_consent(stage, &job->record.tag, &record->id, &now, &err) == ST_OK) {
            now->revision = record->revision; // in the map since check_consent()
            now->state = record->state;
            now->hash = record->hash;
        }
    }
}

static enum status add_entry(struct stage *stage, struct job *job, struct error *err)
{
    struct chain_head *head = NULL;
    enum status status = link_chain(stage, job, &head, err);
    if (status == ST_OK) {
        job->record.entry.class = job->record.class;
        status = parts_pack(job, PARTS_ALL, &stage->packed, err);
    }
    if (status == ST_OK) {
        status = audit_entry_seal(&job->record.entry, stage->minutes, err);
    }
    if (status == ST_OK && job->record.kind == RECORD_DECISION) {
        status = remember_exchange(stage, job, err);
    }
    if (status == ST_OK) {
        status = add_rows(stage, job, err);
    }
    if (status != ST_OK) {
        return status;
    }
    if (head != NULL) {
        head->sequence++;
        head->index = stage->size + stage->count;
        head->leaf_hash = job->record.entry.leaf_hash;
    }
    adopt(stage, job);
    job->record.place = stage->count;
    stage->entries[stage->count] = &job->record.entry;
    stage->jobs[stage->count++] = job;
    return ST_OK;
}

// The same entry in the lists of other persons, after the job's own.
static enum status add_also(struct stage *stage, struct job *job, struct error *err)
{
    struct record *record = &job->record;
    const struct audit_entry own = record->entry;
    const size_t place = record->place;
    const bool chained = record->chained;
    enum status status = ST_OK;
    for (size_t i = 0; status == ST_OK && i < record->also_count; i++) {
        struct audit_entry *entry = arena_take(job->arena, sizeof(*entry));
        if (entry == NULL) {
            status = error_set(err, ST_NOMEM, "entry: larger than a job may be");
            break;
        }
        record->entry = (struct audit_entry){ 0 };
        record->chained = true;
        record->tag = record->also[i];
        status = add_entry(stage, job, err);
        if (status == ST_OK) {
            *entry = record->entry;
            stage->entries[stage->count - 1] = entry;
        }
    }
    record->entry = own;
    record->place = place;
    record->chained = chained;
    return status;
}

void stage_add(struct stage *stage, struct job *job)
{
    struct error *err = &job->record.err;
    job->record.result = RECORD_PENDING;
    job->record.reason = NULL;
    enum status status = job->record.also_count >= stage_room(stage)
                             ? error_set(err, ST_BUSY, "the batch has no room for so many entries")
                             : stage_check(stage, job, err);
    if (status == ST_OK && job->record.result == RECORD_PENDING) {
        status = add_entry(stage, job, err);
    }
    if (status == ST_OK && job->record.result == RECORD_PENDING && job->record.also_count > 0) {
        status = add_also(stage, job, err);
    }
    if (status != ST_OK) {
        job->record.result = RECORD_FAILED;
        registry_destroy(&stage->tried_registry);
    }
}

// ---- after the commit

// A decision's receipt goes on living with its exchange. What control or a reader makes of another
// one comes later, so it lives with its job; the recorder's own replies view the commit itself.
static enum status fill_receipt(struct audit_commit *commit, struct job *job, struct error *err)
{
    struct record *record = &job->record;
    if (record->receipt_part == 0) {
        return ST_OK;
    }
    struct audit_receipt *receipt = arena_room(job->arena, sizeof(*receipt));
    if (receipt == NULL) {
        return error_set(err, ST_NOMEM, "receipt: no memory");
    }
    enum status status = audit_commit_receipt(commit, record->place, &record->entry,
                                              record->receipt_part, receipt, err);
    if (status != ST_OK) {
        return status;
    }
    bool decision = record->kind == RECORD_DECISION;
    record->receipt = &receipt->receipt;
    if (decision || job->after != NULL) {
        record->receipt = receipt_keep(decision ? job->exchange->arena : job->arena, receipt);
    }
    return record->receipt != NULL ? ST_OK : error_set(err, ST_NOMEM, "receipt: no memory");
}

enum status stage_done(struct stage *stage, struct audit_commit *commit, struct error *err)
{
    enum status status =
        audit_views_publish(stage->broker->views, &stage->rows, stage->size + stage->count, err);
    if (status != ST_OK) {
        return status;
    }
    if (stage->next_registry != NULL &&
        !snapshot_swap(stage->broker->registry, stage->next_registry)) {
        return error_set(err, ST_NOMEM, "recorder: no memory for the registry");
    }
    stage->next_registry = NULL;
    if (stage->next_bundle != NULL && !snapshot_swap(stage->broker->policy, stage->next_bundle)) {
        return error_set(err, ST_NOMEM, "recorder: no memory for the bundle");
    }
    stage->next_bundle = NULL;
    for (size_t i = 0; i < stage->count; i++) {
        struct record *record = &stage->jobs[i]->record;
        if (record->place != i || record->result != RECORD_PENDING) {
            continue; // one of several of a job; or they are not all there, and the job fails
        }
        record->index = stage->size + i;
        record->leaf_hash = record->entry.leaf_hash;
        record->result = RECORD_DONE;
        status = fill_receipt(commit, stage->jobs[i], err);
        if (status != ST_OK) {
            return status;
        }
    }
    return ST_OK;
}

void stage_failed(struct stage *stage, const struct error *why)
{
    for (size_t i = 0; i < stage->count; i++) {
        stage->jobs[i]->record.result = RECORD_FAILED;
        stage->jobs[i]->record.err = *why;
    }
}
