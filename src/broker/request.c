// A request: is it the asker's own, in time, to a holder that is known; whom is it about; what is
// allowed. What cannot be admitted is answered without an entry; every admitted request is decided
// and recorded, also when nothing is allowed.
#include "broker/worker.h"

#include "base/text.h"
#include "broker/connection.h"
#include "broker/metric.h"
#include "seal/exchange.h"

enum {
    ID_TOLERANCE_MS = 5000,
    RETRY_MS = 500,
    REQUEST_HEAD_MAX_BYTES = 14 * 1024, // ASK carries it beside a receipt
};

static enum status out_of_memory(struct error *err)
{
    return error_set(err, ST_NOMEM, "the request needs more memory than one may have");
}

// ---- admission

static bool within(int64_t a, int64_t b, int64_t tolerance)
{
    return a - b <= tolerance && b - a <= tolerance;
}

static enum status check_times(const struct worker *worker, const struct wire_request *request,
                               struct error *err)
{
    const struct config_vedomod *settings = worker->broker->home.settings;
    int64_t issued = (int64_t)request->issued_at;
    int64_t expires = (int64_t)request->expires_at;
    int64_t id_ms = id_time_ms(&request->id);
    if (id_ms < 0 || !within(id_ms, issued, ID_TOLERANCE_MS)) {
        return error_set(err, ST_MALFORMED, "id: not a UUIDv7 of the time in issued_at");
    }
    if (!within(issued, worker->now_ms, settings->exchange.clock_tolerance_ms)) {
        return error_set(err, ST_DENIED,
                         "issued_at is %lld ms off the broker's clock; set the node's clock",
                         (long long)(issued - worker->now_ms));
    }
    if (expires <= worker->now_ms || expires - issued > settings->exchange.life_max_ms) {
        return error_set(err, ST_DENIED, "expires_at: passed, or more than %lld ms after issued_at",
                         (long long)settings->exchange.life_max_ms);
    }
    return ST_OK;
}

static enum status check_parties(struct worker *worker, struct job *job,
                                 const struct wire_request *request, struct error *err)
{
    if (request->on_behalf_of.size > 0) {
        return error_set(err, ST_UNSUPPORTED,
                         "on_behalf_of: asking for another member is not "
                         "served");
    }
    const struct directory_item *asker =
        directory_by_hash(worker->directory, &request->asker_announcement);
    if (asker == NULL || !digest_equal(&asker->batch_key, &job->from.batch_key)) {
        return error_set(err, ST_NOT_FOUND, "asker_announcement: announce a sealing key first");
    }
    const struct directory_item *holder =
        directory_by_hash(worker->directory, &request->holder_announcement);
    if (holder == NULL || !bytes_equal(holder->member, request->holder) ||
        (int64_t)holder->not_after <= worker->now_ms ||
        !directory_is_newest(worker->directory, holder)) {
        return error_set(err, ST_STALE, "holder_announcement: not in force; fetch the newest one");
    }
    job->exchange->holder_key = holder->batch_key;
    return ST_OK;
}

// The same request again, within its life: it gets what it got, however old its announcements are
// by now. The recorder looks once more, for one that is being recorded at this moment.
static enum status find_earlier(struct worker *worker, struct job *job, struct error *err)
{
    struct audit_exchange_row row = { 0 };
    enum status status = audit_reader_exchange(worker->reader, &job->exchange->id, &row, err);
    if (status == ST_NOT_FOUND) {
        return ST_OK;
    }
    if (status == ST_OK && !digest_equal(&row.request_hash, &job->exchange->request_hash)) {
        return error_set(err, ST_EXISTS, "this id belongs to another request; draw a new one");
    }
    if (status == ST_OK && job->exchange->expires_at <= worker->now_ms) {
        return error_set(err, ST_DENIED, "the request was decided before and its life is over");
    }
    if (status == ST_OK) {
        job->outcome = OUTCOME_AGAIN;
        job->record.earlier.index = row.decision_index;
        job->record.earlier.ending = row.ending;
        job->record.earlier.ending_index = row.ending_index;
        job->record.earlier.open = row.ending == WIRE_KIND_NONE;
    }
    return status;
}

static enum status check_fields(const struct wire_request *request, struct error *err)
{
    for (size_t i = 0; i < request->fields_count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (bytes_equal(request->fields[i].name, request->fields[k].name) &&
                bytes_equal(request->fields[i].form, request->fields[k].form)) {
                return error_set(err, ST_MALFORMED, "fields: field %zu stands there twice", i);
            }
        }
    }
    return ST_OK;
}

// The identifier stays in this thread's memory and the job's; what goes on is the tag.
static enum status tag_subject(struct worker *worker, struct job *job,
                               const struct wire_request *request, struct error *err)
{
    if (worker->bundle == NULL) {
        return error_set(err, ST_DENIED, "no policy bundle is in force yet");
    }
    struct buffer *normal = &worker->normal;
    buffer_clear(normal);
    enum status status = catalogue_subject_normalise(
        worker->bundle->catalogue, request->subject_scheme, request->subject, normal, err);
    if (status == ST_OK && !bytes_equal(buffer_view(normal), request->subject)) {
        status = error_set(err, ST_MALFORMED, "subject: not in its normal form");
    }
    if (status == ST_OK) {
        struct audit_tag older[AUDIT_TAG_KEYS_MAX];
        struct exchange *exchange = job->exchange;
        exchange->tag = audit_tagger_tags(worker->broker->tagger, request->subject_scheme,
                                          buffer_view(normal), older, &exchange->older_count);
        struct bytes kept =
            arena_copy(exchange->arena, bytes_of(older, exchange->older_count * sizeof(*older)));
        exchange->older_tags = (const struct audit_tag *)kept.data;
        if (exchange->older_count > 0 && exchange->older_tags == NULL) {
            status = out_of_memory(err);
        }
    }
    seal_wipe(normal->data, normal->size);
    return status;
}

static enum status fill_facts(struct exchange *exchange, const struct wire_request *request,
                              struct error *err)
{
    struct policy_ask *asks = arena_take(exchange->arena, request->fields_count * sizeof(*asks));
    if (asks == NULL) {
        return out_of_memory(err);
    }
    for (size_t i = 0; i < request->fields_count; i++) {
        asks[i] =
            (struct policy_ask){ .name = request->fields[i].name, .form = request->fields[i].form };
    }
    exchange->facts = (struct policy_request){
        .asker = request->asker,
        .official = request->official,
        .official_role = request->official_role,
        .holder = request->holder,
        .dataset = request->dataset,
        .purpose = request->purpose,
        .fields = asks,
        .field_count = request->fields_count,
        .basis = (enum catalogue_basis)request->basis->kind,
        .consent = request->basis->consent,
        .article = request->basis->article,
        .justification = request->basis->justification,
        .case_ref = request->case_ref,
        .automated = request->automated,
        .partial_ok = request->partial_ok,
        .exact = request->exact,
    };
    return ST_OK;
}

// The exchange, from the request as it was signed. Everything it views lives in its own arena.
static enum status admit(struct worker *worker, struct job *job, struct wire_request *request,
                         struct error *err)
{
    struct exchange *exchange = job->exchange;
    enum status status =
        wire_decode(WIRE_SCHEMA_REQUEST, job->head.payload, exchange->arena, request, err);
    if (status != ST_OK) {
        return status;
    }
    exchange->id = request->id;
    exchange->request_hash = seal_request_hash(job->head.payload);
    exchange->asker = request->asker;
    exchange->holder = request->holder;
    exchange->dataset = request->dataset;
    exchange->purpose = request->purpose;
    exchange->basis = request->basis->kind;
    exchange->automated = request->automated;
    exchange->issued_at = (int64_t)request->issued_at;
    exchange->expires_at = (int64_t)request->expires_at;
    exchange->asker_announcement = request->asker_announcement;
    exchange->holder_announcement = request->holder_announcement;
    exchange->asker_key = job->from.batch_key;
    if (!id_equal(&request->id, &job->head.ref)) {
        return error_set(err, ST_MALFORMED, "ref: not the request's id");
    }
    if (bus_frame_view(&job->message.head).size > REQUEST_HEAD_MAX_BYTES) {
        return error_set(err, ST_MALFORMED, "a request's Head is larger than %d bytes",
                         REQUEST_HEAD_MAX_BYTES);
    }
    if (!bytes_equal(request->asker, job->from.member)) {
        return error_set(err, ST_DENIED, "asker: not the member whose key signed");
    }
    status = find_earlier(worker, job, err);
    if (status != ST_OK || job->outcome != OUTCOME_NONE) {
        return status;
    }
    status = check_times(worker, request, err);
    if (status == ST_OK) {
        status = check_parties(worker, job, request, err);
    }
    if (status == ST_OK) {
        status = check_fields(request, err);
    }
    if (status == ST_OK) {
        status = tag_subject(worker, job, request, err);
    }
    return status == ST_OK ? fill_facts(exchange, request, err) : status;
}

// ---- the request as a whole

static void refuse(struct worker *worker, struct job *job, const struct error *why)
{
    if (why->status == ST_BUSY) {
        metric_add(METRIC_BUSY, 1);
        frame_busy(&worker->maker, job, why->message, RETRY_MS);
    } else {
        job->rejected = true;
        metric_add(why->status == ST_MALFORMED ? METRIC_MALFORMED : METRIC_NOT_ALLOWED, 1);
        const char *reason = why->status == ST_EXISTS ? "id-reused" : status_name(why->status);
        frame_refuse(&worker->maker, job, reason, why->message, 0);
    }
}

void worker_request(struct worker *worker, struct job *job, bool again)
{
    struct error err = { 0 };
    enum status status = ST_OK;
    struct broker *broker = worker->broker;
    struct wire_request *request = NULL;
    if (!again) {
        job->exchange = exchange_create(worker->broker->arenas);
        job->owns_exchange = job->exchange != NULL;
    }
    if (job->exchange != NULL) {
        request = again ? job->scratch : arena_take(job->exchange->arena, sizeof(*request));
    }
    if (request == NULL) {
        status = out_of_memory(&err);
    } else if (!again) {
        job->scratch = request;
        status = admit(worker, job, request, &err);
        if (status == ST_OK && job->outcome == OUTCOME_AGAIN) {
            return;
        }
        if (status == ST_OK &&
            !load_enter(broker->load, job->exchange->asker, job->exchange->holder)) {
            status = error_set(&err, ST_BUSY, "holder-at-capacity");
        } else if (status == ST_OK) {
            job->exchange->load = broker->load;
        }
    }
    if (status == ST_OK) {
        status = worker_record_decision(worker, job, request, &err);
    }
    if (status != ST_OK) {
        refuse(worker, job, &err);
    }
}
