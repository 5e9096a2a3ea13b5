// Codes into words.
#include "speech.h"

#include <stdio.h>
#include <time.h>

#include "catalogue/sentence.h"
#include "wire/wire.h"

enum { TEXT_BYTES_MAX = 64 * 1024 };

static const char *const words[SPEECH_WORD_COUNT][CATALOGUE_LANGUAGE_COUNT] = {
    [SPEECH_CONSENT_FOR] = { "согласие для:", "consent for" },
    [SPEECH_LOOKED] = { "этот список посмотрели", "looked at this list" },
    [SPEECH_LOOKED_RECORD] = { "в журнал смотрели", "looked at the record" },
    [SPEECH_OPENED] = { "список открыли по вашему коду", "opened this list with the code" },
    [SPEECH_URGENT] = { "почему срочно", "why it was urgent" },
    [SPEECH_ALLOWED] = { "разрешено", "allowed" },
    [SPEECH_UNTIL] = { "до", "until" },
    [SPEECH_SOME_DAY] = { "ранее", "an earlier occasion" },
    [SPEECH_NO_ROLE] = { "должность здесь не видна", "role not shown here" },
    [SPEECH_NO_ARTICLE] = { "статья здесь не видна", "article not shown here" },
    [SPEECH_NOTHING] = { "ничего", "nothing" },
};

static const char *const states[CONSENT_STATE_COUNT][CATALOGUE_LANGUAGE_COUNT] = {
    [CONSENT_NONE] = { "нет", "none" },
    [CONSENT_REQUESTED] = { "просят разрешения", "requested" },
    [CONSENT_ACTIVE] = { "действует", "active" },
    [CONSENT_PAUSED] = { "приостановлено", "paused" },
    [CONSENT_WITHDRAWN] = { "отозвано", "withdrawn" },
    [CONSENT_EXPIRED] = { "срок истёк", "expired" },
    [CONSENT_REFUSED] = { "отказано", "refused" },
    [CONSENT_SUPERSEDED] = { "заменено новым", "superseded" },
};

const char *speech_word(const struct speech *speech, enum speech_word word)
{
    return words[word][speech->language];
}

const char *speech_state(const struct speech *speech, enum consent_state state)
{
    return states[(unsigned)state < CONSENT_STATE_COUNT ? state : CONSENT_NONE][speech->language];
}

static void add_title(const struct speech *speech, const struct catalogue_text *title,
                      struct bytes code, struct buffer *out)
{
    if (title != NULL) {
        buffer_text(out, title->in[speech->language]);
    } else {
        buffer_bytes(out, code);
    }
}

void speech_member(const struct speech *speech, struct bytes code, struct buffer *out)
{
    const struct catalogue_member *member =
        speech->catalogue == NULL ? NULL : catalogue_member(speech->catalogue, code);
    add_title(speech, member == NULL ? NULL : &member->title, code, out);
}

void speech_purpose(const struct speech *speech, struct bytes code, struct buffer *out)
{
    const struct catalogue_purpose *purpose =
        speech->catalogue == NULL ? NULL : catalogue_purpose(speech->catalogue, code);
    add_title(speech, purpose == NULL ? NULL : &purpose->text, code, out);
}

void speech_dataset(const struct speech *speech, struct bytes code, struct buffer *out)
{
    const struct catalogue_dataset *dataset =
        speech->catalogue == NULL ? NULL : catalogue_dataset(speech->catalogue, code);
    add_title(speech, dataset == NULL ? NULL : &dataset->title, code, out);
}

void speech_official(const struct speech *speech, struct bytes code, struct buffer *out)
{
    const struct catalogue_official *official =
        speech->catalogue == NULL ? NULL : catalogue_official(speech->catalogue, code);
    add_title(speech, official == NULL ? NULL : &official->title, code, out);
}

// A sentence, or its fallback where an argument is missing.
static void render(const struct speech *speech, const struct catalogue_text *text,
                   const struct catalogue_argument *arguments, size_t count, struct bytes fallback,
                   struct buffer *out)
{
    struct error err;
    struct buffer sentence = buffer_init(TEXT_BYTES_MAX);
    if (text != NULL && catalogue_sentence_render(text->in[speech->language], speech->language,
                                                  arguments, count, &sentence, &err) == ST_OK) {
        buffer_bytes(out, buffer_view(&sentence));
    } else {
        buffer_bytes(out, fallback);
    }
    buffer_fini(&sentence);
}

static void add_form(const struct speech *speech, struct bytes code, struct buffer *out)
{
    struct catalogue_form form;
    if (speech->catalogue == NULL || !catalogue_form_parse(code, &form)) {
        buffer_bytes(out, code);
        return;
    }
    struct catalogue_argument argument = { .name = "n", .number = form.number };
    render(speech, catalogue_form_text(speech->catalogue, form.kind), &argument, 1, code, out);
}

void speech_field(const struct speech *speech, struct bytes dataset, struct bytes name,
                  struct bytes form, struct buffer *out)
{
    const struct catalogue_dataset *set =
        speech->catalogue == NULL ? NULL : catalogue_dataset(speech->catalogue, dataset);
    const struct catalogue_field *field = set == NULL ? NULL : catalogue_field(set, name);
    add_title(speech, field == NULL ? NULL : &field->title, name, out);
    if (form.size > 0 && !bytes_equal_text(form, "full")) {
        buffer_text(out, " (");
        add_form(speech, form, out);
        buffer_text(out, ")");
    }
}

// A text for an argument; what does not fit is left empty. Freed by buffer_fini().
static const char *finish(struct buffer *text)
{
    buffer_u8(text, 0);
    return text->failed ? "" : (const char *)text->data;
}

void speech_basis(const struct speech *speech, uint32_t basis, struct bytes article,
                  struct buffer *out)
{
    struct buffer article_text = buffer_init(4096);
    if (article.size > 0) {
        buffer_bytes(&article_text, article);
    } else {
        buffer_text(&article_text, speech_word(speech, SPEECH_NO_ARTICLE));
    }
    enum catalogue_basis kind =
        basis < CATALOGUE_BASIS_COUNT ? (enum catalogue_basis)basis : CATALOGUE_BASIS_NONE;
    struct bytes name = bytes_text(catalogue_basis_name(kind));
    struct catalogue_argument argument = { .name = "article", .text = finish(&article_text) };
    const struct catalogue_text *text = speech->catalogue == NULL || kind == CATALOGUE_BASIS_NONE
                                            ? NULL
                                            : catalogue_basis_text(speech->catalogue, kind);
    render(speech, text, &argument, 1, name, out);
    buffer_fini(&article_text);
}

void speech_day(uint64_t wall_ms, struct buffer *out)
{
    char text[16];
    struct tm parts;
    time_t seconds = (time_t)(wall_ms / 1000);
    if (gmtime_r(&seconds, &parts) != NULL &&
        strftime(text, sizeof(text), "%Y-%m-%d", &parts) > 0) {
        buffer_text(out, text);
    }
}

void speech_reason(const struct speech *speech, const struct speech_reason *reason,
                   struct buffer *out)
{
    enum { ASKER, FIELD, FORM, BASIS, DAY, TEXTS };
    struct buffer texts[TEXTS];
    for (size_t i = 0; i < TEXTS; i++) {
        texts[i] = buffer_init(TEXT_BYTES_MAX);
    }
    speech_member(speech, reason->asker, &texts[ASKER]);
    if (reason->field.size > 0) {
        speech_field(speech, reason->dataset, reason->field, (struct bytes){ 0 }, &texts[FIELD]);
    } else {
        speech_dataset(speech, reason->dataset, &texts[FIELD]);
    }
    add_form(speech, reason->form, &texts[FORM]);
    speech_basis(speech, reason->basis, reason->article, &texts[BASIS]);
    if (reason->at != 0) {
        speech_day(reason->at, &texts[DAY]);
    } else {
        buffer_text(&texts[DAY], speech_word(speech, SPEECH_SOME_DAY));
    }
    const struct catalogue_argument arguments[] = {
        { .name = "a", .text = finish(&texts[ASKER]) },
        { .name = "f", .text = finish(&texts[FIELD]) },
        { .name = "form", .text = finish(&texts[FORM]) },
        { .name = "basis", .text = finish(&texts[BASIS]) },
        { .name = "d", .text = finish(&texts[DAY]) },
        { .name = "n", .number = reason->uses },
    };
    enum catalogue_reason known = catalogue_reason_parse(reason->code);
    const struct catalogue_text *text = speech->catalogue == NULL || known == CATALOGUE_REASON_NONE
                                            ? NULL
                                            : catalogue_reason_text(speech->catalogue, known);
    // Without its number a sentence would tell a lie: the code is shown instead.
    size_t count = ARRAY_COUNT(arguments) - (reason->uses == 0 ? 1 : 0);
    render(speech, text, arguments, count, reason->code, out);
    for (size_t i = 0; i < TEXTS; i++) {
        buffer_fini(&texts[i]);
    }
}

enum status speech_notice(const struct speech *speech, const struct wire_artefact *artefact,
                          struct buffer *out, struct error *err)
{
    enum { ASKER, FIELDS, PURPOSE, BENEFIT, DAY, TEXTS };
    if (speech->catalogue == NULL) {
        return error_set(err, ST_USAGE,
                         "the sentence needs the policy bundle: give --policy-pin or "
                         "a profile with 'policy'");
    }
    const struct catalogue_purpose *purpose =
        catalogue_purpose(speech->catalogue, artefact->purpose);
    const struct catalogue_text *text = catalogue_citizen_text(speech->catalogue, "consent_ask");
    if (purpose == NULL || text == NULL) {
        return error_set(err, ST_NOT_FOUND, "the policy bundle has no %s",
                         purpose == NULL ? "such purpose" : "sentence 'consent_ask'");
    }
    struct buffer texts[TEXTS];
    for (size_t i = 0; i < TEXTS; i++) {
        texts[i] = buffer_init(TEXT_BYTES_MAX);
    }
    speech_member(speech, artefact->asker, &texts[ASKER]);
    for (size_t i = 0; i < artefact->fields_count; i++) {
        buffer_text(&texts[FIELDS], i == 0 ? "" : ", ");
        speech_field(speech, artefact->dataset, artefact->fields[i].name, artefact->fields[i].form,
                     &texts[FIELDS]);
    }
    buffer_text(&texts[PURPOSE], purpose->text.in[speech->language]);
    buffer_text(&texts[BENEFIT], purpose->benefit.in[speech->language]);
    speech_day(artefact->not_after, &texts[DAY]);
    const struct catalogue_argument arguments[] = {
        { .name = "a", .text = finish(&texts[ASKER]) },
        { .name = "fields", .text = finish(&texts[FIELDS]) },
        { .name = "purpose", .text = finish(&texts[PURPOSE]) },
        { .name = "benefit", .text = finish(&texts[BENEFIT]) },
        { .name = "d", .text = finish(&texts[DAY]) },
        { .name = "n", .number = artefact->uses },
    };
    enum status status = catalogue_sentence_render(text->in[speech->language], speech->language,
                                                   arguments, ARRAY_COUNT(arguments), out, err);
    for (size_t i = 0; i < TEXTS; i++) {
        buffer_fini(&texts[i]);
    }
    return status == ST_OK ? buffer_ok(out, "sentence", err) : status;
}
