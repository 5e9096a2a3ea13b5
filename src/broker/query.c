// Each kind of question is one row of a table: roles, whether the look is itself an entry in the
// citizen's list before the answer leaves, and the function that answers.
#include "broker/query_inside.h"

#include "base/clock.h"
#include "broker/epoch.h"
#include "broker/metric.h"
#include "broker/retention.h"
#include "broker/witnesses.h"
#include "proof/note.h"
#include "proof/tiles.h"

enum { PIECE_BYTES = 240 * 1024, LEAVES_MAX = 4096, MINUTE_MS = 60 * 1000 };

// ---- rows

enum status query_no_memory(struct error *err)
{
    return error_set(err, ST_NOMEM, "the answer needs more memory than one may have");
}

enum status rows_init(struct rows *rows, struct job *job, size_t max, struct error *err)
{
    *rows = (struct rows){ .arena = job->arena, .max = max };
    rows->items = arena_take(job->arena, max * sizeof(*rows->items));
    return rows->items == NULL ? query_no_memory(err) : ST_OK;
}

enum status rows_pack(struct desk *desk, const struct rows *rows, uint64_t examined,
                      struct error *err)
{
    struct wire_rows all = {
        .rows = rows->items, .rows_count = rows->count, .log_size = desk->size, .examined = examined
    };
    return wire_encode(WIRE_SCHEMA_ROWS, &all, &desk->body, err);
}

void query_set_cursor(struct job *job, struct wire_result *result, uint64_t next)
{
    struct buffer text = buffer_init(32);
    buffer_format(&text, "%llu", (unsigned long long)next);
    result->cursor = job_keep(job, buffer_view(&text));
    buffer_fini(&text);
}

// ---- directory, bundle, members

static const struct wire_receipt *receipt_of(struct desk *desk, struct job *job, uint64_t index,
                                             enum wire_part part, struct error *err)
{
    struct audit_receipt *receipt = arena_take(job->arena, sizeof(*receipt));
    if (receipt == NULL ||
        audit_log_receipt(desk->log, index, desk->size, part, job->arena, receipt, err) != ST_OK) {
        return NULL;
    }
    return &receipt->receipt;
}

static enum status add_key(struct desk *desk, struct job *job, struct rows *rows,
                           const struct registry_key *key, struct error *err)
{
    struct wire_row *row = &rows->items[rows->count];
    enum registry_standing standing = registry_key_standing(key, (uint64_t)clock_wall_ms());
    row->index = key->entry_index;
    row->card = key->signed_card;
    row->state = key->state == REGISTRY_KEY_REVOKED ? WIRE_MEMBER_REVOKED
                 : standing == REGISTRY_SUSPENDED   ? WIRE_MEMBER_SUSPENDED
                                                    : WIRE_MEMBER_ACTIVE;
    row->receipt = receipt_of(desk, job, key->entry_index, WIRE_PART_PUBLIC, err);
    if (row->receipt == NULL) {
        return err->status;
    }
    rows->count++;
    return ST_OK;
}

static enum status answer_directory(struct desk *desk, struct job *job, struct wire_result *result,
                                    struct error *err)
{
    const struct wire_query *query = job->payload;
    const struct directory_item *item = NULL;
    const struct registry_key *key = NULL;
    struct rows rows;
    (void)result;
    enum status status = rows_init(&rows, job, 1, err);
    if (status != ST_OK) {
        return status;
    }
    if (!digest_is_zero(&query->hash)) {
        item = directory_by_hash(desk->directory, &query->hash);
        key = registry_by_batch(desk->registry, item != NULL ? &item->batch_key : &query->hash);
    } else if (query->member.size > 0) {
        item = directory_of_member(desk->directory, query->member, clock_wall_ms());
        key = item == NULL ? NULL : registry_by_batch(desk->registry, &item->batch_key);
    }
    if (key == NULL) {
        return error_set(err, ST_NOT_FOUND,
                         "directory: no such key, or no node of that member has "
                         "announced one; is its node running?");
    }
    status = add_key(desk, job, &rows, key, err);
    if (status == ST_OK && item != NULL) {
        rows.items[0].announcement = item->head;
    }
    return status == ST_OK ? rows_pack(desk, &rows, 0, err) : status;
}

// The bundle in force is served from memory; an older one, which a decision names, from its file.
static enum status read_bundle(struct desk *desk, const struct digest *hash, struct buffer *file,
                               struct bytes *blob, struct error *err)
{
    const struct policy_bundle *bundle = desk->bundle;
    if (bundle != NULL && digest_equal(hash, &bundle->head.hash)) {
        *blob = bytes_of(bundle->blob, (size_t)bundle->head.size);
        return ST_OK;
    }
    enum status status = policy_bundle_read(desk->broker->home.bundles, hash, file, err);
    *blob = buffer_view(file);
    return status;
}

static enum status answer_bundle(struct desk *desk, struct job *job, struct wire_result *result,
                                 struct error *err)
{
    const struct wire_query *query = job->payload;
    const struct digest *hash = &query->hash;
    if (digest_is_zero(hash)) {
        if (desk->bundle == NULL) {
            return error_set(err, ST_NOT_FOUND, "no policy bundle is in force yet");
        }
        hash = &desk->bundle->head.hash;
    }
    struct buffer file = buffer_init(CATALOGUE_BLOB_MAX);
    struct bytes blob;
    enum status status = read_bundle(desk, hash, &file, &blob, err);
    if (status == ST_OK && query->offset > blob.size) {
        status = error_set(err, ST_NOT_FOUND, "bundle: no such offset");
    }
    if (status == ST_OK) {
        size_t left = blob.size - (size_t)query->offset;
        buffer_bytes(&desk->body,
                     bytes_of(blob.data + query->offset, left < PIECE_BYTES ? left : PIECE_BYTES));
        status = buffer_ok(&desk->body, "bundle", err);
    }
    if (status == ST_OK && query->offset == 0 && desk->bundle != NULL &&
        digest_equal(hash, &desk->bundle->head.hash)) {
        result->value =
            job_keep(job, bytes_of(desk->bundle->signed_head, desk->bundle->signed_size));
    }
    buffer_fini(&file);
    return status;
}

static enum status answer_members(struct desk *desk, struct job *job, struct wire_result *result,
                                  struct error *err)
{
    const struct wire_query *query = job->payload;
    struct rows rows;
    size_t place = (size_t)query->offset;
    enum status status = rows_init(&rows, job, QUERY_PAGE_ROWS, err);
    for (; status == ST_OK && rows.count < QUERY_PAGE_ROWS &&
           place < registry_key_count(desk->registry);
         place++) {
        const struct registry_key *key = registry_key_at(desk->registry, place);
        if (query->member.size == 0 || bytes_equal_text(query->member, key->member->code)) {
            status = add_key(desk, job, &rows, key, err);
        }
    }
    if (status == ST_OK && place < registry_key_count(desk->registry)) {
        query_set_cursor(job, result, place);
    }
    return status == ST_OK ? rows_pack(desk, &rows, place, err) : status;
}

// ---- a person

enum status query_person(struct desk *desk, const struct job *job, struct audit_tag *tag,
                         struct error *err)
{
    const struct wire_query *query = job->payload;
    if (job->in_session) {
        *tag = job->session_tag;
        return ST_OK;
    }
    if (query->subject.size == 0) {
        return error_set(err, ST_USAGE, "whose record? give an identifier or a session");
    }
    if (desk->bundle == NULL) {
        return error_set(err, ST_DENIED, "no policy bundle is in force yet");
    }
    struct buffer normal = buffer_init(CATALOGUE_SUBJECT_MAX);
    enum status status = catalogue_subject_normalise(desk->bundle->catalogue, query->subject_scheme,
                                                     query->subject, &normal, err);
    if (status == ST_OK) {
        *tag = audit_tagger_tag(desk->broker->tagger, query->subject_scheme, buffer_view(&normal));
    }
    buffer_fini(&normal);
    return status;
}

// ---- the tree

static enum status answer_inclusion(struct desk *desk, struct job *job, struct wire_result *result,
                                    struct error *err)
{
    const struct wire_query *query = job->payload;
    uint64_t size = query->to == 0 ? desk->size : query->to;
    struct rows rows;
    struct audit_record record;
    struct buffer path = buffer_init(8192);
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    (void)result;
    enum status status = size > desk->size
                             ? error_set(err, ST_NOT_FOUND, "the log has %llu entries",
                                         (unsigned long long)desk->size)
                             : rows_init(&rows, job, 1, err);
    if (status == ST_OK) {
        status = audit_log_record(desk->log, query->index, &record, err);
    }
    if (status == ST_OK) {
        status = audit_log_inclusion(desk->log, query->index, size, &path, err);
    }
    if (status == ST_OK) {
        status = audit_log_checkpoint(desk->log, size, &note, err);
    }
    if (status == ST_OK) {
        rows.items[0].index = query->index;
        rows.items[0].leaf = job_keep(job, record.leaf);
        rows.items[0].text = job_keep(job, buffer_view(&note));
        rows.items[0].announcement = job_keep(job, buffer_view(&path));
        rows.count = 1;
        status = rows_pack(desk, &rows, 1, err);
    }
    buffer_fini(&path);
    buffer_fini(&note);
    return status;
}

static enum status answer_consistency(struct desk *desk, struct job *job,
                                      struct wire_result *result, struct error *err)
{
    const struct wire_query *query = job->payload;
    uint64_t to = query->to == 0 ? desk->size : query->to;
    struct rows rows;
    struct buffer path = buffer_init(8192);
    struct buffer notes[2] = { buffer_init(PROOF_NOTE_MAX), buffer_init(PROOF_NOTE_MAX) };
    (void)result;
    enum status status = to > desk->size || query->from > to
                             ? error_set(err, ST_NOT_FOUND, "the log has %llu entries",
                                         (unsigned long long)desk->size)
                             : rows_init(&rows, job, 2, err);
    if (status == ST_OK) {
        status = audit_log_consistency(desk->log, query->from, to, &path, err);
    }
    uint64_t sizes[2] = { query->from, to };
    for (size_t i = 0; status == ST_OK && i < 2; i++) {
        status = audit_log_checkpoint(desk->log, sizes[i], &notes[i], err);
        if (status == ST_OK) {
            rows.items[i].number = sizes[i];
            rows.items[i].text = job_keep(job, buffer_view(&notes[i]));
        }
    }
    if (status == ST_OK) {
        rows.items[1].announcement = job_keep(job, buffer_view(&path));
        rows.count = 2;
        status = rows_pack(desk, &rows, 2, err);
    }
    buffer_fini(&path);
    buffer_fini(&notes[0]);
    buffer_fini(&notes[1]);
    return status;
}

struct leaves {
    struct buffer *body;
};

static bool add_leaf(uint64_t index, const struct audit_record *record, void *context)
{
    struct leaves *leaves = context;
    (void)index;
    buffer_bytes(leaves->body, record->leaf);
    return true;
}

// Frame 2 is the leaves themselves, 38 bytes each.
static enum status answer_leaves(struct desk *desk, struct job *job, struct wire_result *result,
                                 struct error *err)
{
    const struct wire_query *query = job->payload;
    struct leaves leaves = { .body = &desk->body };
    uint64_t to = query->to == 0 || query->to > desk->size ? desk->size : query->to;
    uint64_t count = query->from >= to ? 0 : to - query->from;
    count = count > LEAVES_MAX ? LEAVES_MAX : count;
    enum status status =
        count == 0 ? ST_OK : audit_log_scan(desk->log, query->from, count, add_leaf, &leaves, err);
    if (status == ST_OK && query->from + count < to) {
        query_set_cursor(job, result, query->from + count);
    }
    if (status == ST_OK && query->from + count >= to) {
        struct buffer note = buffer_init(PROOF_NOTE_MAX);
        status = audit_log_checkpoint(desk->log, to, &note, err);
        result->value = job_keep(job, buffer_view(&note));
        buffer_fini(&note);
    }
    return status;
}

// Frame 2 is the hashes.
static enum status answer_tile(struct desk *desk, struct job *job, struct wire_result *result,
                               struct error *err)
{
    const struct wire_query *query = job->payload;
    uint64_t size = query->to == 0 ? desk->size : query->to;
    unsigned level =
        query->offset < PROOF_TILE_LEVELS ? (unsigned)query->offset : PROOF_TILE_LEVELS;
    (void)result;
    return audit_log_tile(desk->log, level, query->index, query->limit, size, &desk->body, err);
}

// ---- figures

static void add_figure(void *context, const char *name, uint64_t number)
{
    struct rows *rows = context;
    if (rows->count < rows->max) {
        rows->items[rows->count].name = bytes_text(name);
        rows->items[rows->count++].number = number;
    }
}

// A month as a number that reads well: 202403.
static uint64_t month_figure(uint32_t month)
{
    return month == 0 ? 0 : (uint64_t)(1970 + (month - 1) / 12) * 100 + (month - 1) % 12 + 1;
}

static enum status add_retention(struct desk *desk, struct rows *rows, struct error *err)
{
    struct retention retention;
    enum status status =
        retention_look(desk->reader, desk->log, desk->size, clock_wall_ms(),
                       desk->broker->home.settings->audit.retention_months, &retention, err);
    if (status == ST_OK) {
        add_figure(rows, "retention.forgotten-to", month_figure(retention.forgotten.month));
        add_figure(rows, "retention.oldest", month_figure(retention.oldest));
        add_figure(rows, "retention.months-due", retention.due);
    }
    return status;
}

// Which keys bodies are put under now.
static void add_body_keys(struct broker *broker, struct rows *rows)
{
    const struct audit_vault *vault = broker->home.vault;
    uint32_t minutes = (uint32_t)(clock_wall_ms() / MINUTE_MS);
    uint32_t month = audit_vault_current(vault, WIRE_CLASS_EXCHANGE, minutes);
    uint32_t lasting = audit_vault_current(vault, WIRE_CLASS_GOVERNANCE, minutes);
    add_figure(rows, "body-key.month", month_figure(audit_body_key_month(month)));
    add_figure(rows, "body-key.number", audit_body_key_generation(month) + 1);
    add_figure(rows, "body-key.since-entry", audit_vault_since(vault, month));
    add_figure(rows, "body-key.lasting-number", audit_body_key_generation(lasting) + 1);
    add_figure(rows, "body-key.lasting-since-entry", audit_vault_since(vault, lasting));
}

// What the witnesses say; nothing without a policy.
static void add_witnessed(struct broker *broker, struct rows *rows)
{
    struct snapshot_item *item = NULL;
    const struct witnessed *witnessed = snapshot_pin(broker->witnessed, &item);
    if (witnessed != NULL) {
        int64_t age_s = clock_wall_ms() / 1000 - (int64_t)witnessed->time_s;
        add_figure(rows, "witnesses", witnessed->count);
        add_figure(rows, "witnesses.failing", witnessed->failing);
        add_figure(rows, "witnesses.on-this-host", witnessed->local);
        add_figure(rows, "witnesses.trial", witnessed->trial ? 1 : 0);
        add_figure(rows, "log.witnessed", witnessed->size);
        if (witnessed->time_s > 0) {
            add_figure(rows, "log.witnessed-age-s", age_s < 0 ? 0 : (uint64_t)age_s);
        }
    }
    snapshot_unpin(&item);
}

static enum status answer_status(struct desk *desk, struct job *job, struct wire_result *result,
                                 struct error *err)
{
    struct broker *broker = desk->broker;
    struct rows rows;
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    uint64_t published = 0;
    (void)result;
    enum status status = rows_init(&rows, job, METRIC_COUNT + 64, err);
    if (status != ST_OK) {
        return status;
    }
    if (audit_journal_published(broker->journal, &published, &note, err) != ST_OK) {
        published = 0;
    }
    buffer_fini(&note);
    add_figure(&rows, "log.size", desk->size);
    add_figure(&rows, "log.published", published);
    add_witnessed(broker, &rows);
    add_figure(&rows, "log.used-permille", audit_journal_used_permille(broker->journal));
    add_figure(&rows, "views.used-permille", audit_views_used_permille(broker->views));
    add_figure(&rows, "record.full", atomic_load(&broker->full) ? 1 : 0);
    add_figure(&rows, "log.reader-lag", audit_journal_reader_lag(broker->journal));
    add_figure(&rows, "views.tail", audit_views_tail_entries(broker->views));
    status = add_retention(desk, &rows, err);
    if (status != ST_OK) {
        return status;
    }
    add_body_keys(broker, &rows);
    add_figure(&rows, "members", registry_member_count(desk->registry));
    add_figure(&rows, "keys", registry_key_count(desk->registry));
    add_figure(&rows, "announcements", directory_count(desk->directory));
    add_figure(&rows, "policy.serial", desk->bundle == NULL ? 0 : desk->bundle->head.serial);
    add_figure(&rows, "queue.workers", queue_length(broker->to_workers));
    add_figure(&rows, "queue.recorder", queue_length(broker->to_recorder));
    add_figure(&rows, "queue.router", queue_length(broker->to_router));
    if (desk->epoch != NULL) {
        const struct audit_epoch *epoch = audit_epoch_of(desk->epoch->map);
        add_figure(&rows, "epoch.number", epoch->number);
        add_figure(&rows, "epoch.entry", desk->epoch->index);
        add_figure(&rows, "epoch.size", epoch->size);
        add_figure(&rows, "epoch.people", epoch->people);
        add_figure(&rows, "epoch.built-ms",
                   desk->epoch->built_ms < 0 ? 0 : (uint64_t)desk->epoch->built_ms);
    }
    broker_thread_figures(broker, &rows, add_figure);
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        add_figure(&rows, metric_name((enum metric)i), metric_read((enum metric)i));
    }
    return rows_pack(desk, &rows, rows.count, err);
}

// ---- the table

#define ROLE(name) (1U << REGISTRY_ROLE_##name)

enum {
    EVERYBODY = ~0U,
    OVERSEERS = ROLE(OFFICER) | ROLE(AUDITOR),
    CITIZENS_SIDE = ROLE(PORTAL) | ROLE(DESK),
};

static const struct {
    unsigned roles;
    enum status (*answer)(struct desk *, struct job *, struct wire_result *, struct error *);
} kinds[] = {
    [WIRE_QUERY_DIRECTORY] = { EVERYBODY, answer_directory },
    [WIRE_QUERY_BUNDLE] = { EVERYBODY, answer_bundle },
    [WIRE_QUERY_MEMBERS] = { EVERYBODY, answer_members },
    [WIRE_QUERY_CONSENTS] = { OVERSEERS | CITIZENS_SIDE | ROLE(NODE), query_consents },
    [WIRE_QUERY_ENTRIES] = { OVERSEERS | CITIZENS_SIDE, query_entries },
    [WIRE_QUERY_ENTRY] = { OVERSEERS, query_entry },
    [WIRE_QUERY_INCLUSION] = { EVERYBODY, answer_inclusion },
    [WIRE_QUERY_CONSISTENCY] = { EVERYBODY, answer_consistency },
    [WIRE_QUERY_LEAVES] = { EVERYBODY, answer_leaves },
    [WIRE_QUERY_STATUS] = { OVERSEERS | ROLE(OPERATOR), answer_status },
    [WIRE_QUERY_TILE] = { EVERYBODY, answer_tile },
    [WIRE_QUERY_PERSON] = { OVERSEERS | CITIZENS_SIDE, query_proof },
    [WIRE_QUERY_COUNTS] = { OVERSEERS, query_counts },
    [WIRE_QUERY_HOLDS] = { OVERSEERS, query_holds },
};

enum status query_answer(struct desk *desk, struct job *job, struct wire_result *result,
                         struct error *err)
{
    const struct wire_query *query = job->payload;
    if (query->kind >= ARRAY_COUNT(kinds) || kinds[query->kind].answer == NULL) {
        return error_set(err, ST_UNSUPPORTED, "this broker does not answer that kind of question");
    }
    if ((kinds[query->kind].roles & 1U << job->from.role) == 0) {
        metric_add(METRIC_NOT_ALLOWED, 1);
        return error_set(err, ST_DENIED, "a key of role %s may not ask that",
                         registry_role_name(job->from.role));
    }
    bool of_person = query->kind == WIRE_QUERY_CONSENTS || query->kind == WIRE_QUERY_PERSON;
    if (of_person && (1U << job->from.role & CITIZENS_SIDE) != 0 && !job->in_session) {
        return error_set(err, ST_DENIED,
                         "a person's consents and list need the citizen's session: open one with "
                         "the code that the citizen holds");
    }
    buffer_clear(&desk->body);
    return kinds[query->kind].answer(desk, job, result, err);
}
