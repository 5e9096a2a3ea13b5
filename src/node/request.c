// Questions, checked and turned into requests. A question's faults are told to whoever asked, in
// words, before anything leaves; what the policy says of it is the broker's to decide.
#include "node/request.h"

#include "base/text.h"
#include "seal/exchange.h"
#include "seal/random.h"
#include "seal/secret.h"
#include "wire/wire.h"

enum { PARAMS_MAX_BYTES = 8192, SUBJECT_MAX_BYTES = 256 };

enum status node_question_holder(const struct node_question *question,
                                 const struct catalogue *catalogue,
                                 const struct catalogue_member **holder, struct error *err)
{
    const struct catalogue_dataset *dataset = catalogue_dataset(catalogue, question->dataset);
    if (dataset == NULL) {
        return error_set(err, ST_USAGE, "dataset: the catalogue has no such dataset");
    }
    if (question->holder.size == 0) {
        if (dataset->holder_count != 1) {
            return error_set(err, ST_USAGE, "holder: %s has %zu holders, name one", dataset->code,
                             dataset->holder_count);
        }
        *holder = dataset->holders[0];
        return ST_OK;
    }
    const struct catalogue_member *member = catalogue_member(catalogue, question->holder);
    if (member == NULL || !catalogue_is_holder(dataset, member)) {
        return error_set(err, ST_USAGE, "holder: no member of that code holds %s", dataset->code);
    }
    *holder = member;
    return ST_OK;
}

static struct bytes form_text(const struct node_question_field *field)
{
    return field->form.size == 0 ? bytes_text("full") : field->form;
}

static enum status check_field(const struct node_question *question, size_t at, struct error *err)
{
    const struct node_question_field *field = &question->fields[at];
    if (!text_is_code(field->name, CATALOGUE_CODE_MAX, "_-.")) {
        return error_set(err, ST_USAGE, "fields[%zu]: not a field's name", at);
    }
    struct catalogue_form form;
    if (!catalogue_form_parse(form_text(field), &form)) {
        return error_set(err, ST_USAGE, "fields[%zu]: not a form", at);
    }
    bool matching = form.kind == CATALOGUE_FORM_MATCH;
    if (matching != (field->match.size > 0)) {
        return error_set(err, ST_USAGE, "fields[%zu]: %s", at,
                         matching ? "the form match needs a value to compare with"
                                  : "a value to compare with is for the form match alone");
    }
    for (size_t i = 0; i < at; i++) {
        if (bytes_equal(question->fields[i].name, field->name) &&
            bytes_equal(form_text(&question->fields[i]), form_text(field))) {
            return error_set(err, ST_USAGE, "fields[%zu]: asked for twice", at);
        }
    }
    return ST_OK;
}

enum status node_question_check(const struct node_question *question,
                                const struct catalogue *catalogue, struct error *err)
{
    const struct catalogue_member *holder = NULL;
    enum status status = node_question_holder(question, catalogue, &holder, err);
    if (status != ST_OK) {
        return status;
    }
    if (question->field_count == 0 || question->field_count > CATALOGUE_FIELDS_MAX) {
        return error_set(err, ST_USAGE, "fields: 1 to %d", CATALOGUE_FIELDS_MAX);
    }
    for (size_t i = 0; i < question->field_count; i++) {
        status = check_field(question, i, err);
        if (status != ST_OK) {
            return status;
        }
    }
    if (question->basis == CATALOGUE_BASIS_NONE) {
        return error_set(err, ST_USAGE, "basis: name the legal basis");
    }
    if (catalogue_purpose(catalogue, question->purpose) == NULL) {
        return error_set(err, ST_USAGE, "purpose: the catalogue has no such purpose");
    }
    struct buffer normalised = buffer_init(SUBJECT_MAX_BYTES);
    status = catalogue_subject_normalise(catalogue, question->scheme, question->subject,
                                         &normalised, err);
    if (normalised.data != NULL) {
        seal_wipe(normalised.data, normalised.size);
    }
    buffer_fini(&normalised);
    if (status != ST_OK) {
        error_wrap(err, "subject");
        return ST_USAGE;
    }
    return ST_OK;
}

// The sealed values for `match`; empty when there are none.
static enum status seal_parameters(const struct node_question *question,
                                   const struct node_request_setting *setting,
                                   const struct digest *nonce, struct buffer *box,
                                   struct error *err)
{
    struct wire_param items[CATALOGUE_FIELDS_MAX];
    struct wire_params params = { .version = 1, .items = items };
    for (size_t i = 0; i < question->field_count; i++) {
        if (question->fields[i].match.size > 0) {
            items[params.items_count++] =
                (struct wire_param){ .index = (uint32_t)i, .value = question->fields[i].match };
        }
    }
    if (params.items_count == 0) {
        return ST_OK;
    }
    struct buffer plain = buffer_init(PARAMS_MAX_BYTES);
    enum status status = wire_encode(WIRE_SCHEMA_PARAMS, &params, &plain, err);
    uint8_t *room = status == ST_OK ? buffer_reserve(box, plain.size + SEAL_TAG_BYTES) : NULL;
    if (room != NULL) {
        struct seal_params bound = { .nonce = *nonce,
                                     .asker_announcement = setting->asker_announcement,
                                     .holder_announcement = setting->holder_announcement };
        seal_params_close(&setting->pair, &bound, buffer_view(&plain), room);
    }
    if (plain.data != NULL) {
        seal_wipe(plain.data, plain.size);
    }
    buffer_fini(&plain);
    return status != ST_OK ? status : buffer_ok(box, "parameters", err);
}

static struct wire_basis basis_of(const struct node_question *question)
{
    return (struct wire_basis){ .kind = (uint32_t)question->basis,
                                .consent = question->consent,
                                .article = question->article,
                                .justification = question->justification,
                                .token = question->token,
                                .order = question->order };
}

enum status node_request_build(const struct node_question *question,
                               const struct node_request_setting *setting, struct buffer *payload,
                               struct id *id, struct error *err)
{
    struct wire_field_ask fields[CATALOGUE_FIELDS_MAX];
    for (size_t i = 0; i < question->field_count; i++) {
        fields[i] = (struct wire_field_ask){ .name = question->fields[i].name,
                                             .form = form_text(&question->fields[i]) };
    }
    struct wire_basis basis = basis_of(question);
    struct id random = seal_random_id();
    struct wire_request request = {
        .version = 1,
        .id = id_make((int64_t)setting->now_ms, random.bytes),
        .nonce = seal_random_digest(),
        .issued_at = setting->now_ms,
        .expires_at = setting->expires_ms,
        .asker = bytes_text(setting->asker),
        .official = question->official,
        .official_role = question->official_role,
        .holder = bytes_text(setting->holder),
        .dataset = question->dataset,
        .fields = fields,
        .fields_count = question->field_count,
        .subject_scheme = question->scheme,
        .purpose = question->purpose,
        .basis = &basis,
        .automated = question->automated,
        .case_ref = question->case_ref,
        .asker_announcement = setting->asker_announcement,
        .holder_announcement = setting->holder_announcement,
        .partial_ok = !question->all_or_nothing,
        .exact = question->exact,
        .traceparent = question->traceparent,
        .continues = question->continues,
        .root_id = question->root_id,
        .parent_id = question->parent_id,
        .part = question->part,
        .part_of = question->part_of,
        .on_behalf_of = question->on_behalf_of,
    };
    struct buffer subject = buffer_init(SUBJECT_MAX_BYTES);
    struct buffer params = buffer_init(PARAMS_MAX_BYTES + SEAL_TAG_BYTES);
    enum status status = catalogue_subject_normalise(setting->catalogue, question->scheme,
                                                     question->subject, &subject, err);
    if (status == ST_OK) {
        status = seal_parameters(question, setting, &request.nonce, &params, err);
    }
    if (status == ST_OK) {
        request.subject = buffer_view(&subject);
        request.params = buffer_view(&params);
        status = wire_encode(WIRE_SCHEMA_REQUEST, &request, payload, err);
    }
    if (status == ST_OK) {
        *id = request.id;
    }
    if (subject.data != NULL) {
        seal_wipe(subject.data, subject.size);
    }
    buffer_fini(&subject);
    buffer_fini(&params);
    return status;
}
