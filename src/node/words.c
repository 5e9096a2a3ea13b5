// Reports as JSON and sentences. A value is written as what it is: yes and no as booleans, a list
// as an array, everything else as text.
#include "node/words.h"

#include "base/clock.h"
#include "base/text.h"
#include "catalogue/sentence.h"
#include "web/json.h"
#include "wire/codes.h"

#include <inttypes.h>

static const char *title_of(const struct catalogue_member *member, enum catalogue_language language)
{
    return member == NULL ? "" : member->title.in[language];
}

static const struct catalogue_field *field_of(const struct node_report *report, struct bytes name)
{
    const struct catalogue_dataset *dataset =
        report->catalogue == NULL
            ? NULL
            : catalogue_dataset(report->catalogue, bytes_text(report->dataset));
    return dataset == NULL ? NULL : catalogue_field(dataset, name);
}

// "year only", "only “over 65: yes or no”".
static void form_words(const struct node_report *report, struct bytes form,
                       enum catalogue_language language, struct buffer *out)
{
    struct catalogue_form parsed;
    struct error err;
    if (!catalogue_form_parse(form, &parsed)) {
        return;
    }
    const struct catalogue_text *text = catalogue_form_text(report->catalogue, parsed.kind);
    struct catalogue_argument number = { .name = "n", .number = parsed.number };
    if (text != NULL &&
        catalogue_sentence_render(text->in[language], language, &number, 1, out, &err) != ST_OK) {
        buffer_clear(out);
    }
}

void node_words_sentence(const struct node_report *report, const struct node_opened_field *field,
                         enum catalogue_language language, struct buffer *out)
{
    enum catalogue_reason reason = catalogue_reason_parse(field->reason);
    if (report->catalogue == NULL || reason == CATALOGUE_REASON_NONE) {
        return;
    }
    const struct catalogue_text *text = catalogue_reason_text(report->catalogue, reason);
    // Whom the sentence is about: the silent one, else the one who asks.
    const char *about = reason == CATALOGUE_REASON_HOLDER_SILENT ? report->holder : report->member;
    const struct catalogue_member *member = catalogue_member(report->catalogue, bytes_text(about));
    const struct catalogue_field *known = field_of(report, field->name);
    char name[CATALOGUE_CODE_MAX + 1] = { 0 };
    memcpy(name, field->name.data,
           field->name.size < CATALOGUE_CODE_MAX ? field->name.size : CATALOGUE_CODE_MAX);
    struct buffer form = buffer_init(1024);
    form_words(report, field->given, language, &form);
    buffer_u8(&form, 0);
    struct catalogue_argument arguments[] = {
        { .name = "a", .text = title_of(member, language) },
        { .name = "f", .text = known == NULL ? name : known->title.in[language] },
        { .name = "form", .text = form.failed ? "" : (const char *)form.data },
    };
    struct error err;
    size_t before = out->size;
    if (catalogue_sentence_render(text->in[language], language, arguments, ARRAY_COUNT(arguments),
                                  out, &err) != ST_OK) {
        out->size = before;
    }
    buffer_fini(&form);
}

const char *node_words_status(uint32_t box_status)
{
    switch (box_status) {
    case WIRE_BOX_VALUE:
        return "value";
    case WIRE_BOX_NO_VALUE:
        return "no-value";
    case WIRE_BOX_PERSON_NOT_FOUND:
        return "person-not-found";
    case WIRE_BOX_PERSON_FOUND_TWICE:
        return "person-found-twice";
    case WIRE_BOX_REGISTER_UNAVAILABLE:
        return "register-unavailable";
    case WIRE_BOX_TOO_LONG:
        return "too-long";
    case WIRE_BOX_WRONG_TYPE:
        return "not-of-its-type";
    default:
        return "unknown";
    }
}

static void pair_bytes(struct web_json_writer *writer, const char *name, struct bytes text)
{
    web_json_write_name(writer, name);
    web_json_write_text(writer, text);
}

static void write_value(const struct node_report *report, struct web_json_writer *writer,
                        const struct node_opened_field *field)
{
    struct catalogue_form form = { 0 };
    const struct catalogue_field *known = field_of(report, field->name);
    bool full = catalogue_form_parse(field->given, &form) && form.kind == CATALOGUE_FORM_FULL;
    bool is_bool = form.kind == CATALOGUE_FORM_EXISTS || form.kind == CATALOGUE_FORM_MATCH ||
                   form.kind == CATALOGUE_FORM_OVER ||
                   (full && known != NULL && known->type == CATALOGUE_TYPE_BOOL);
    web_json_write_name(writer, "value");
    if (is_bool) {
        web_json_write_bool(writer, bytes_equal_text(field->value, "true"));
    } else if (full && known != NULL && known->type == CATALOGUE_TYPE_LIST) {
        web_json_write_raw(writer, field->value); // checked: a JSON array of texts
    } else {
        web_json_write_text(writer, field->value);
    }
}

static void write_names(const struct node_report *report, struct web_json_writer *writer,
                        const struct node_opened_field *field, enum catalogue_language language)
{
    const struct catalogue_field *known = field_of(report, field->name);
    pair_bytes(writer, "name", field->name);
    if (known != NULL) {
        web_json_write_pair(writer, "title", known->title.in[language]);
    }
    pair_bytes(writer, "asked", field->asked);
}

static void write_reason(const struct node_report *report, struct web_json_writer *writer,
                         const struct node_opened_field *field, enum catalogue_language language)
{
    pair_bytes(writer, "reason", field->reason);
    struct buffer sentence = buffer_init(4096);
    node_words_sentence(report, field, language, &sentence);
    if (sentence.size > 0 && !sentence.failed) {
        pair_bytes(writer, "sentence", buffer_view(&sentence));
    }
    buffer_fini(&sentence);
}

static bool is_withheld(const struct node_opened_field *field)
{
    return field->given.size > 0 && field->fault != NODE_FAULT_NONE;
}

static void write_delivered(const struct node_report *report, struct web_json_writer *writer,
                            enum catalogue_language language)
{
    web_json_write_name(writer, "values");
    web_json_write_array(writer);
    for (size_t i = 0; i < report->opened->field_count; i++) {
        const struct node_opened_field *field = &report->opened->fields[i];
        if (field->given.size == 0 || is_withheld(field)) {
            continue;
        }
        web_json_write_object(writer);
        write_names(report, writer, field, language);
        pair_bytes(writer, "form", field->given);
        if (!bytes_equal(field->asked, field->given)) {
            write_reason(report, writer, field, language);
        }
        web_json_write_pair(writer, "state", node_words_status(field->status));
        if (field->status == WIRE_BOX_VALUE) {
            write_value(report, writer, field);
        }
        if (field->source.size > 0) {
            pair_bytes(writer, "source", field->source);
        }
        if (field->last_updated > 0) {
            char time[CLOCK_TEXT_BYTES];
            clock_format((int64_t)field->last_updated, time);
            web_json_write_pair(writer, "last_updated", time);
        }
        web_json_write_object_end(writer);
    }
    web_json_write_array_end(writer);
}

static void write_refused(const struct node_report *report, struct web_json_writer *writer,
                          enum catalogue_language language)
{
    web_json_write_name(writer, "refused");
    web_json_write_array(writer);
    for (size_t i = 0; i < report->opened->field_count; i++) {
        const struct node_opened_field *field = &report->opened->fields[i];
        if (field->given.size > 0) {
            continue;
        }
        web_json_write_object(writer);
        write_names(report, writer, field, language);
        write_reason(report, writer, field, language);
        web_json_write_object_end(writer);
    }
    web_json_write_array_end(writer);
}

static void write_withheld(const struct node_report *report, struct web_json_writer *writer,
                           enum catalogue_language language)
{
    web_json_write_name(writer, "withheld");
    web_json_write_array(writer);
    for (size_t i = 0; i < report->opened->field_count; i++) {
        const struct node_opened_field *field = &report->opened->fields[i];
        if (!is_withheld(field)) {
            continue;
        }
        web_json_write_object(writer);
        write_names(report, writer, field, language);
        web_json_write_pair(writer, "fault", node_fault_name(field->fault));
        web_json_write_object_end(writer);
    }
    web_json_write_array_end(writer);
}

static void write_proofs(const struct node_report *report, struct web_json_writer *writer)
{
    web_json_write_name(writer, "entries");
    web_json_write_object(writer);
    web_json_write_name(writer, "decision");
    web_json_write_integer(writer, (int64_t)report->opened->decision_index);
    if (report->ending_text.size > 0) {
        web_json_write_name(writer, "ending");
        web_json_write_integer(writer, (int64_t)report->opened->ending_index);
    }
    web_json_write_object_end(writer);
    web_json_write_name(writer, "receipts");
    web_json_write_object(writer);
    if (report->decision_file[0] != '\0') {
        web_json_write_pair(writer, "decision", report->decision_file);
    }
    if (report->ending_file[0] != '\0') {
        web_json_write_pair(writer, "ending", report->ending_file);
    }
    if (report->vouch != NODE_VOUCH_UNASKED) {
        web_json_write_pair(writer, "state",
                            report->vouch == NODE_VOUCH_WITNESSED ? "witnessed" : "signed");
    }
    if (report->vouch == NODE_VOUCH_WITNESSED && report->witnessed_trial) {
        web_json_write_name(writer, "trial");
        web_json_write_bool(writer, true);
    }
    web_json_write_object_end(writer);
}

void node_words_answer(const struct node_report *report, enum catalogue_language language,
                       struct buffer *out)
{
    char id[TEXT_ID_BYTES];
    text_id_format(&report->id, id);
    struct web_json_writer writer = web_json_writer_init(out);
    web_json_write_object(&writer);
    web_json_write_pair(&writer, "id", id);
    web_json_write_pair(&writer, "state", "answered");
    web_json_write_pair(&writer, "outcome", report->opened->released ? "released" : "refused");
    if (!report->opened->released && report->opened->reason.size > 0) {
        pair_bytes(&writer, "reason", report->opened->reason);
    }
    web_json_write_pair(&writer, "holder", report->holder);
    if (report->catalogue != NULL) {
        web_json_write_pair(
            &writer, "holder_title",
            title_of(catalogue_member(report->catalogue, bytes_text(report->holder)), language));
    }
    web_json_write_pair(&writer, "dataset", report->dataset);
    write_delivered(report, &writer, language);
    write_refused(report, &writer, language);
    write_withheld(report, &writer, language);
    write_proofs(report, &writer);
    web_json_write_object_end(&writer);
    buffer_u8(out, '\n');
}

// --- the catalogue ---

static void write_forms(struct web_json_writer *writer, const struct catalogue_form_set *set)
{
    web_json_write_array(writer);
    for (int kind = CATALOGUE_FORM_FULL; kind < CATALOGUE_FORM_COUNT; kind++) {
        if ((set->kinds >> kind & 1) == 0) {
            continue;
        }
        if (kind != CATALOGUE_FORM_OVER || set->over_count == 0) {
            const char *name = catalogue_form_kind_name((enum catalogue_form_kind)kind);
            web_json_write_text(writer, bytes_text(name));
            continue;
        }
        for (size_t i = 0; i < set->over_count; i++) {
            char text[CATALOGUE_FORM_TEXT_BYTES];
            catalogue_form_format(
                (struct catalogue_form){ .kind = CATALOGUE_FORM_OVER, .number = set->over[i] },
                text);
            web_json_write_text(writer, bytes_text(text));
        }
    }
    web_json_write_array_end(writer);
}

static void write_agreement(struct web_json_writer *writer,
                            const struct catalogue_agreement *agreement)
{
    web_json_write_object(writer);
    web_json_write_pair(writer, "id", agreement->id);
    web_json_write_name(writer, "purposes");
    web_json_write_array(writer);
    for (size_t i = 0; i < agreement->purpose_count; i++) {
        web_json_write_text(writer, bytes_text(agreement->purposes[i]->code));
    }
    web_json_write_array_end(writer);
    web_json_write_name(writer, "bases");
    web_json_write_array(writer);
    for (int basis = 1; basis < CATALOGUE_BASIS_COUNT; basis++) {
        if ((agreement->bases >> basis & 1) != 0) {
            web_json_write_text(writer,
                                bytes_text(catalogue_basis_name((enum catalogue_basis)basis)));
        }
    }
    web_json_write_array_end(writer);
    web_json_write_name(writer, "articles");
    web_json_write_array(writer);
    for (size_t i = 0; i < agreement->article_count; i++) {
        web_json_write_text(writer, bytes_text(agreement->articles[i]));
    }
    web_json_write_array_end(writer);
    web_json_write_name(writer, "official_roles");
    web_json_write_array(writer);
    for (size_t i = 0; i < agreement->role_count; i++) {
        web_json_write_text(writer, bytes_text(agreement->roles[i]->code));
    }
    web_json_write_array_end(writer);
    web_json_write_name(writer, "case_required");
    web_json_write_bool(writer, agreement->case_required);
    web_json_write_name(writer, "fields");
    web_json_write_object(writer);
    for (size_t i = 0; i < agreement->dataset->field_count; i++) {
        if (agreement->forms[i].kinds != 0) {
            web_json_write_name(writer, agreement->dataset->fields[i].name);
            write_forms(writer, &agreement->forms[i]);
        }
    }
    web_json_write_object_end(writer);
    web_json_write_object_end(writer);
}

static void write_dataset(const struct node_report *report, struct web_json_writer *writer,
                          const struct catalogue_dataset *dataset, enum catalogue_language language)
{
    web_json_write_object(writer);
    web_json_write_pair(writer, "code", dataset->code);
    web_json_write_pair(writer, "title", dataset->title.in[language]);
    web_json_write_name(writer, "holders");
    web_json_write_array(writer);
    for (size_t i = 0; i < dataset->holder_count; i++) {
        web_json_write_object(writer);
        web_json_write_pair(writer, "code", dataset->holders[i]->code);
        web_json_write_pair(writer, "title", dataset->holders[i]->title.in[language]);
        web_json_write_object_end(writer);
    }
    web_json_write_array_end(writer);
    web_json_write_name(writer, "fields");
    web_json_write_array(writer);
    for (size_t i = 0; i < dataset->field_count; i++) {
        const struct catalogue_field *field = &dataset->fields[i];
        web_json_write_object(writer);
        web_json_write_pair(writer, "name", field->name);
        web_json_write_pair(writer, "title", field->title.in[language]);
        web_json_write_pair(writer, "type", catalogue_type_name(field->type));
        web_json_write_name(writer, "forms");
        write_forms(writer, &field->forms);
        web_json_write_object_end(writer);
    }
    web_json_write_array_end(writer);
    web_json_write_name(writer, "agreements");
    web_json_write_array(writer);
    const struct catalogue_member *self =
        catalogue_member(report->catalogue, bytes_text(report->member));
    size_t count = 0;
    const struct catalogue_agreement *const *agreements =
        self == NULL ? NULL : catalogue_agreements_of(report->catalogue, self, dataset, &count);
    for (size_t i = 0; i < count; i++) {
        write_agreement(writer, agreements[i]);
    }
    web_json_write_array_end(writer);
    web_json_write_object_end(writer);
}

void node_words_catalogue(const struct node_report *report, enum catalogue_language language,
                          struct buffer *out)
{
    struct web_json_writer writer = web_json_writer_init(out);
    char hash[2 * DIGEST_BYTES + 1];
    text_hex_encode(bytes_digest(catalogue_hash(report->catalogue)), hash);
    web_json_write_object(&writer);
    web_json_write_pair(&writer, "member", report->member);
    web_json_write_pair(&writer, "bundle", hash);
    size_t count = 0;
    const struct catalogue_purpose *purposes = catalogue_purposes(report->catalogue, &count);
    web_json_write_name(&writer, "purposes");
    web_json_write_array(&writer);
    for (size_t i = 0; i < count; i++) {
        web_json_write_object(&writer);
        web_json_write_pair(&writer, "code", purposes[i].code);
        web_json_write_pair(&writer, "text", purposes[i].text.in[language]);
        web_json_write_pair(&writer, "benefit", purposes[i].benefit.in[language]);
        web_json_write_object_end(&writer);
    }
    web_json_write_array_end(&writer);
    const struct catalogue_dataset *datasets = catalogue_datasets(report->catalogue, &count);
    web_json_write_name(&writer, "datasets");
    web_json_write_array(&writer);
    for (size_t i = 0; i < count; i++) {
        write_dataset(report, &writer, &datasets[i], language);
    }
    web_json_write_array_end(&writer);
    web_json_write_object_end(&writer);
    buffer_u8(out, '\n');
}
