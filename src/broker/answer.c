// An answer: is it the asked node's own, to this very decision, and what may pass. Boxes that
// nobody granted are stripped here; a granted field without its box, or with one of another size
// than its form has, refuses the whole answer. Nothing of a box is ever opened.
#include "broker/worker.h"

#include "base/buffer.h"
#include "base/event.h"
#include "base/reader.h"
#include "broker/metric.h"
#include "broker/parts.h"
#include "catalogue/value.h"
#include "seal/box.h"
#include "seal/hash.h"

static enum status reject(struct error *err, const char *what)
{
    return error_set(err, ST_UNPROVEN, "answer: %s", what);
}

// RELEASE carries the answer's Head beside two receipts.
enum { ANSWER_HEAD_MAX_BYTES = 13 * 1024 };

static enum status check_binding(const struct worker *worker, const struct job *job,
                                 const struct wire_answer *answer, struct error *err)
{
    const struct exchange *exchange = job->exchange;
    int64_t tolerance = worker->broker->home.settings->exchange.clock_tolerance_ms;
    int64_t age = worker->now_ms - (int64_t)answer->answered_at;
    if (bus_frame_view(&job->message.head).size > ANSWER_HEAD_MAX_BYTES) {
        return reject(err, "its Head is too large");
    }
    if (!id_equal(&answer->id, &exchange->id) ||
        !digest_equal(&answer->request_hash, &exchange->request_hash)) {
        return reject(err, "belongs to another request");
    }
    if (!digest_equal(&answer->decision_leaf, &exchange->decision_leaf)) {
        return reject(err, "names another decision");
    }
    if (!digest_equal(&answer->asker_announcement, &exchange->asker_announcement) ||
        !digest_equal(&answer->holder_announcement, &exchange->holder_announcement)) {
        return reject(err, "sealed under other announcements");
    }
    if (age < -tolerance || age > tolerance + exchange->expires_at - exchange->issued_at) {
        return reject(err, "its time is off; set the node's clock");
    }
    return ST_OK;
}

static const struct exchange_grant *find_grant(const struct exchange *exchange,
                                               const struct wire_answer_field *field)
{
    for (size_t i = 0; i < exchange->grant_count; i++) {
        const struct exchange_grant *grant = &exchange->grants[i];
        if (grant->index == field->index && bytes_equal(grant->name, field->name) &&
            bytes_equal(grant->form, field->form)) {
            return grant;
        }
    }
    return NULL;
}

// What of an answer passes: places in its list, and bytes of the boxes.
struct passing {
    uint32_t *released; // places in the request's list
    size_t released_count;
    uint32_t *withheld; // places in the answer's list
    size_t withheld_count;
    struct bytes *names; // of the withheld ones
};

static enum status check_box(const struct worker *worker, const struct exchange *exchange,
                             const struct exchange_grant *grant,
                             const struct wire_answer_field *field, struct bytes box,
                             struct error *err)
{
    const struct catalogue_dataset *dataset =
        catalogue_dataset(worker->bundle->catalogue, exchange->dataset);
    const struct catalogue_field *known =
        dataset == NULL ? NULL : catalogue_field(dataset, grant->name);
    struct catalogue_form form;
    if (known == NULL || !catalogue_form_parse(grant->form, &form)) {
        return reject(err, "a granted field is no longer in the catalogue");
    }
    if (field->chunk_bytes != 0) {
        return error_set(err, ST_UNSUPPORTED, "answer: values in pieces are not served");
    }
    if (box.size != catalogue_box_bytes(known, form) + SEAL_TAG_BYTES) {
        return reject(err, "a box has another size than its form");
    }
    struct digest hash = seal_sha256(box);
    return digest_equal(&hash, &field->box_hash) ? ST_OK : reject(err, "a box is not as signed");
}

static enum status sort_boxes(const struct worker *worker, const struct job *job,
                              const struct wire_answer *answer, struct passing *passing,
                              struct error *err)
{
    struct reader boxes = reader_init(bus_frame_view(&job->message.boxes));
    for (size_t i = 0; i < answer->fields_count; i++) {
        const struct wire_answer_field *field = &answer->fields[i];
        struct bytes box = reader_bytes(&boxes, field->box_length);
        const struct exchange_grant *grant = find_grant(job->exchange, field);
        if (grant == NULL) {
            passing->names[passing->withheld_count] = field->name;
            passing->withheld[passing->withheld_count++] = (uint32_t)i;
            continue;
        }
        if (passing->released_count > 0 &&
            passing->released[passing->released_count - 1] >= grant->index) {
            return reject(err, "a field is answered twice, or out of its order");
        }
        enum status status = check_box(worker, job->exchange, grant, field, box, err);
        if (status != ST_OK) {
            return status;
        }
        passing->released[passing->released_count++] = grant->index;
    }
    if (!reader_finished(&boxes)) {
        return reject(err, "its boxes are not as long as its list says");
    }
    if (passing->released_count != job->exchange->grant_count) {
        return reject(err, "a granted field is missing");
    }
    return ST_OK;
}

// The boxes that go on: the holder's frame as it is, or what is left of it without the withheld
// ones. sort_boxes() has checked the lengths.
static enum status pass_boxes(struct job *job, const struct passing *passing, struct error *err)
{
    const struct wire_answer *answer = job->payload;
    bus_frame_fini(&job->reply_boxes);
    if (passing->withheld_count == 0) {
        bus_frame_share(&job->reply_boxes, &job->message.boxes);
        return ST_OK;
    }
    struct reader boxes = reader_init(bus_frame_view(&job->message.boxes));
    struct buffer left = buffer_init(WIRE_BOXES_MAX_BYTES);
    size_t withheld = 0;
    for (size_t i = 0; i < answer->fields_count; i++) {
        struct bytes box = reader_bytes(&boxes, answer->fields[i].box_length);
        if (withheld < passing->withheld_count && passing->withheld[withheld] == i) {
            withheld++;
        } else {
            buffer_bytes(&left, box);
        }
    }
    enum status status = buffer_ok(&left, "boxes", err);
    if (status == ST_OK) {
        status = bus_frame_copy(&job->reply_boxes, buffer_view(&left), err);
    }
    buffer_fini(&left);
    return status;
}

// Under a newer bundle the same fields must still be granted, each in the same form.
static enum status check_bundle(struct worker *worker, struct job *job, const char **reason,
                                struct error *err)
{
    struct exchange *exchange = job->exchange;
    *reason = NULL;
    if (digest_equal(&worker->bundle->head.hash, &exchange->bundle_hash)) {
        return ST_OK;
    }
    const struct policy_decision *now = worker->decision;
    enum status status = worker_decide(worker, exchange, job->arena, NULL, err);
    for (size_t i = 0; status == ST_OK && i < exchange->grant_count; i++) {
        const struct policy_field_decision *field = &now->fields[exchange->grants[i].index];
        char form[CATALOGUE_FORM_TEXT_BYTES];
        catalogue_form_format(field->given, form);
        if (field->verdict != POLICY_PERMIT || !bytes_equal_text(exchange->grants[i].form, form)) {
            *reason = catalogue_reason_name(field->verdict == POLICY_PERMIT
                                                ? CATALOGUE_REASON_FORM_NOT_ALLOWED
                                                : field->reason);
        }
    }
    return status;
}

// The three parts of an ending: what is new since the decision, and how to find that.
static enum status fill_ending(struct worker *worker, struct job *job, enum wire_kind kind,
                               struct error *err)
{
    const struct exchange *exchange = job->exchange;
    struct wire_exchange_part *part = arena_take(job->arena, sizeof(*part));
    struct wire_subject_part *subject = arena_take(job->arena, sizeof(*subject));
    struct wire_officer_part *officer = arena_take(job->arena, sizeof(*officer));
    if (part == NULL || subject == NULL || officer == NULL) {
        return error_set(err, ST_NOMEM, "answer: no memory");
    }
    *part = (struct wire_exchange_part){
        .format = 1,
        .kind = kind,
        .exchange_id = exchange->id,
        .request_hash = exchange->request_hash,
        .asker = exchange->asker,
        .holder = exchange->holder,
        .decision_index = exchange->decision_index,
        .decision_leaf = exchange->decision_leaf,
        .recorded_at = (uint64_t)worker->now_ms,
        .signer = job->from.batch_key,
    };
    *subject = (struct wire_subject_part){ .format = 1,
                                           .kind = kind,
                                           .exchange_id = exchange->id,
                                           .recorded_at = (uint64_t)worker->now_ms };
    *officer = (struct wire_officer_part){
        .format = 1, .kind = kind, .tag = audit_tag_view(&exchange->tag), .node = job->from.node
    };
    job->record = (struct record){
        .kind = kind == WIRE_KIND_RELEASED ? RECORD_RELEASE : RECORD_ENDING,
        .class = WIRE_CLASS_EXCHANGE,
        .receipt_part = WIRE_PART_EXCHANGE,
        .exchange = part,
        .subject = subject,
        .officer = officer,
        .tag = exchange->tag,
        .bundle_hash = worker->bundle->head.hash,
    };
    return ST_OK;
}

static enum status fill_refusal(struct worker *worker, struct job *job, const char *reason,
                                struct error *err)
{
    enum status status = fill_ending(worker, job, WIRE_KIND_REFUSED, err);
    if (status == ST_OK) {
        enum catalogue_reason true_reason = catalogue_reason_parse(bytes_text(reason));
        enum catalogue_reason told = catalogue_asker_reason(worker->bundle->catalogue, true_reason);
        job->record.exchange->reason = bytes_text(catalogue_reason_name(told));
        job->record.officer->reason = bytes_text(catalogue_reason_name(true_reason));
        status = parts_pack(job, PARTS_ALL, &worker->packed, err);
    }
    return status;
}

static enum status fill_release(struct worker *worker, struct job *job,
                                const struct passing *passing, struct error *err)
{
    enum status status = fill_ending(worker, job, WIRE_KIND_RELEASED, err);
    if (status != ST_OK) {
        return status;
    }
    struct record *record = &job->record;
    record->exchange->answer_hash = seal_sha256(job->head.payload);
    record->exchange->released = passing->released;
    record->exchange->released_count = passing->released_count;
    record->exchange->withheld = passing->withheld;
    record->exchange->withheld_count = passing->withheld_count;
    record->officer->over_answered = passing->names;
    record->officer->over_answered_count = passing->withheld_count;
    // Only the recorder knows what charges come to.
    status = parts_pack(
        job, job->exchange->charge_count == 0 ? PARTS_ALL : PARTS_EXCHANGE | PARTS_SUBJECT,
        &worker->packed, err);
    return status == ST_OK ? pass_boxes(job, passing, err) : status;
}

static enum status take_answer(struct worker *worker, struct job *job, struct passing *passing,
                               const char **reason, struct error *err)
{
    const struct wire_answer *answer = job->payload;
    size_t count = answer->fields_count;
    passing->released = arena_take(job->arena, count * sizeof(*passing->released));
    passing->withheld = arena_take(job->arena, count * sizeof(*passing->withheld));
    passing->names = arena_take(job->arena, count * sizeof(*passing->names));
    if (passing->released == NULL || passing->withheld == NULL || passing->names == NULL) {
        return error_set(err, ST_NOMEM, "answer: no memory");
    }
    enum status status = check_binding(worker, job, answer, err);
    if (status == ST_OK) {
        status = check_bundle(worker, job, reason, err);
    }
    return status == ST_OK && *reason == NULL ? sort_boxes(worker, job, answer, passing, err)
                                              : status;
}

void worker_answer(struct worker *worker, struct job *job)
{
    struct error err = { 0 };
    const char *reason = NULL;
    struct passing passing = { .released = NULL };
    enum status status = take_answer(worker, job, &passing, &reason, &err);
    if (status != ST_OK) {
        metric_add(METRIC_ANSWERS_REJECTED, 1);
        log_event(LOG_LEVEL_WARNING, "answer.rejected", log_id("request", job->exchange->id),
                  log_text("why", err.message));
        reason = catalogue_reason_name(CATALOGUE_REASON_ANSWER_REJECTED);
    }
    status = reason != NULL ? fill_refusal(worker, job, reason, &err)
                            : fill_release(worker, job, &passing, &err);
    if (status != ST_OK) {
        log_event(LOG_LEVEL_ERROR, "answer.dropped", log_text("why", err.message));
        job->record.kind = RECORD_NOTHING;
        job->outcome = OUTCOME_END;
    }
}
