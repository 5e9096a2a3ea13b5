// The JSON of a request, taken apart strictly: an unknown name or a value of another kind is told,
// so that a misspelt "exact" is never silently ignored.
#include "node/api.h"

#include "base/text.h"
#include "web/json.h"

enum { TOKEN_MAX_BYTES = 256 };

// One reading; the first fault is kept.
struct reading {
    struct arena *arena;
    enum status status;
    struct error *err;
};

static void fault(struct reading *reading, const char *name, const char *what)
{
    if (reading->status == ST_OK) {
        reading->status = error_set(reading->err, ST_USAGE, "%s: %s", name, what);
    }
}

// A text, copied; empty when it is not there.
static struct bytes take_text(struct reading *reading, const struct web_json *object,
                              const char *name)
{
    const struct web_json *value = web_json_get(object, name);
    if (value == NULL) {
        return (struct bytes){ 0 };
    }
    struct bytes text = web_json_text(value);
    if (text.data == NULL) {
        fault(reading, name, "must be a text");
        return (struct bytes){ 0 };
    }
    struct bytes copy = arena_copy(reading->arena, text);
    if (text.size > 0 && copy.data == NULL) {
        fault(reading, name, "is too long");
    }
    return copy;
}

static bool take_bool(struct reading *reading, const struct web_json *object, const char *name)
{
    const struct web_json *value = web_json_get(object, name);
    if (value != NULL && web_json_kind(value) != WEB_JSON_KIND_BOOL) {
        fault(reading, name, "must be true or false");
    }
    return web_json_bool(value, false);
}

static void check_names(struct reading *reading, const struct web_json *object, const char *where,
                        const char *const *names)
{
    const char *unknown = NULL;
    if (web_json_kind(object) != WEB_JSON_KIND_OBJECT) {
        fault(reading, where, "must be an object");
    } else if (!web_json_only(object, names, &unknown)) {
        fault(reading, unknown, "there is no such name here");
    }
}

static void read_field(struct reading *reading, const struct web_json *value,
                       struct node_question_field *field)
{
    static const char *const names[] = { "name", "form", "match", NULL };
    if (web_json_kind(value) == WEB_JSON_KIND_TEXT) {
        field->name = arena_copy(reading->arena, web_json_text(value));
        return;
    }
    check_names(reading, value, "fields", names);
    field->name = take_text(reading, value, "name");
    field->form = take_text(reading, value, "form");
    field->match = take_text(reading, value, "match");
}

static void read_fields(struct reading *reading, const struct web_json *list,
                        struct node_question *question)
{
    size_t count = web_json_count(list);
    if (web_json_kind(list) != WEB_JSON_KIND_ARRAY || count == 0 || count > CATALOGUE_FIELDS_MAX) {
        fault(reading, "fields", "must be an array of 1 to 64 fields");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        read_field(reading, web_json_at(list, i), &question->fields[i]);
    }
    question->field_count = count;
}

static void read_token(struct reading *reading, const struct web_json *object,
                       struct node_question *question)
{
    struct bytes text = web_json_text(web_json_get(object, "token"));
    if (text.size == 0) {
        return;
    }
    struct buffer token = buffer_init(TOKEN_MAX_BYTES);
    if (!text_base64_decode(&token, text)) {
        fault(reading, "token", "must be base64");
    }
    question->token = arena_copy(reading->arena, buffer_view(&token));
    buffer_fini(&token);
}

static void read_basis(struct reading *reading, const struct web_json *object,
                       struct node_question *question)
{
    static const char *const names[] = { "kind",          "consent", "article",
                                         "justification", "token",   NULL };
    check_names(reading, object, "basis", names);
    question->basis = catalogue_basis_parse(web_json_text(web_json_get(object, "kind")));
    if (question->basis == CATALOGUE_BASIS_NONE) {
        fault(reading, "basis",
              "kind must be consent, explicit-request, law, vital-interest or court-order");
    }
    struct bytes consent = web_json_text(web_json_get(object, "consent"));
    if (consent.size > 0 && !text_id_parse(consent, &question->consent)) {
        fault(reading, "consent", "must be an id");
    }
    question->article = take_text(reading, object, "article");
    question->justification = take_text(reading, object, "justification");
    read_token(reading, object, question);
}

static void read_people(struct reading *reading, const struct web_json *top,
                        struct node_question *question)
{
    static const char *const subject_names[] = { "scheme", "id", NULL };
    static const char *const official_names[] = { "id", "role", NULL };
    const struct web_json *subject = web_json_get(top, "subject");
    const struct web_json *official = web_json_get(top, "official");
    check_names(reading, subject, "subject", subject_names);
    question->scheme = take_text(reading, subject, "scheme");
    question->subject = take_text(reading, subject, "id");
    if (official != NULL) {
        check_names(reading, official, "official", official_names);
        question->official = take_text(reading, official, "id");
        question->official_role = take_text(reading, official, "role");
    }
}

enum status node_api_question(struct bytes body, struct arena *arena,
                              struct node_question *question, int64_t *timeout_ms,
                              struct error *err)
{
    static const char *const names[] = {
        "dataset",    "holder",      "subject",        "fields",    "purpose",
        "basis",      "official",    "case",           "automated", "exact",
        "timeout_ms", "traceparent", "all_or_nothing", NULL,
    };
    struct web_json *document = NULL;
    enum status status = web_json_parse(body, &web_json_limits_default, &document, err);
    if (status != ST_OK) {
        return status;
    }
    struct reading reading = { .arena = arena, .err = err };
    struct node_question made = { 0 };
    check_names(&reading, document, "request", names);
    made.dataset = take_text(&reading, document, "dataset");
    made.holder = take_text(&reading, document, "holder");
    read_people(&reading, document, &made);
    read_fields(&reading, web_json_get(document, "fields"), &made);
    made.purpose = take_text(&reading, document, "purpose");
    read_basis(&reading, web_json_get(document, "basis"), &made);
    made.case_ref = take_text(&reading, document, "case");
    made.traceparent = take_text(&reading, document, "traceparent");
    made.automated = take_bool(&reading, document, "automated");
    made.all_or_nothing = take_bool(&reading, document, "all_or_nothing");
    made.exact = take_bool(&reading, document, "exact");
    const struct web_json *timeout = web_json_get(document, "timeout_ms");
    int64_t limit_ms = timeout == NULL ? 0 : web_json_integer(timeout, -1);
    if (limit_ms < 0 || limit_ms > 14 * 60 * 1000) {
        fault(&reading, "timeout_ms", "must be a number of milliseconds up to 840000");
    }
    web_json_destroy(&document);
    if (reading.status == ST_OK) {
        *question = made;
        *timeout_ms = limit_ms;
    }
    return reading.status;
}
