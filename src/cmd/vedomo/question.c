// Questions to the record. Names are checked before anything is asked, so that a typing error is
// not taken for an answer.
#include "question.h"

#include <stdio.h>
#include <unistd.h>

#include "base/text.h"
#include "entry_text.h"
#include "seal/hash.h"
#include "wire/wire.h"

enum { ARENA_BYTES = 16 * 1024 * 1024, PAGES_MAX = 10 * 1000 * 1000, PAGE_ROWS = 100 };

static enum status unknown(const char *option, const char *value, struct error *err)
{
    return error_set(err, ST_USAGE,
                     "--%s: the policy in force has no '%s'; a name of earlier is taken with "
                     "--unchecked",
                     option, value);
}

static bool any_dataset_has(const struct catalogue *catalogue, struct bytes field)
{
    size_t count = 0;
    const struct catalogue_dataset *datasets = catalogue_datasets(catalogue, &count);
    for (size_t i = 0; i < count; i++) {
        if (catalogue_field(&datasets[i], field) != NULL) {
            return true;
        }
    }
    return false;
}

static bool field_is_known(const struct catalogue *catalogue,
                           const struct question_options *options)
{
    struct bytes field = bytes_text(options->field);
    if (options->dataset == NULL) {
        return any_dataset_has(catalogue, field);
    }
    const struct catalogue_dataset *dataset =
        catalogue_dataset(catalogue, bytes_text(options->dataset));
    return dataset == NULL || catalogue_field(dataset, field) != NULL;
}

static bool role_is_known(const struct catalogue *catalogue, struct bytes role)
{
    return catalogue_official(catalogue, role) != NULL || registry_role_parse(role) != 0;
}

static enum status check_names(const struct question_options *options,
                               const struct catalogue *catalogue, struct error *err)
{
    const char *const members[][2] = { { "member", options->member },
                                       { "asker", options->asker },
                                       { "holder", options->holder } };
    if (catalogue == NULL || options->unchecked) {
        return ST_OK;
    }
    for (size_t i = 0; i < ARRAY_COUNT(members); i++) {
        if (members[i][1] != NULL &&
            catalogue_member(catalogue, bytes_text(members[i][1])) == NULL) {
            return unknown(members[i][0], members[i][1], err);
        }
    }
    if (options->dataset != NULL &&
        catalogue_dataset(catalogue, bytes_text(options->dataset)) == NULL) {
        return unknown("dataset", options->dataset, err);
    }
    if (options->field != NULL && !field_is_known(catalogue, options)) {
        return unknown("field", options->field, err);
    }
    if (options->purpose != NULL &&
        catalogue_purpose(catalogue, bytes_text(options->purpose)) == NULL) {
        return unknown("purpose", options->purpose, err);
    }
    if (options->role != NULL && !role_is_known(catalogue, bytes_text(options->role))) {
        return unknown("role", options->role, err);
    }
    return ST_OK;
}

static enum status read_words(const struct question_options *options, struct wire_filter *filter,
                              struct error *err)
{
    static const char *const verdicts[] = { "", "all", "some", "none" };
    if (options->basis != NULL) {
        filter->basis = (uint32_t)catalogue_basis_parse(bytes_text(options->basis));
        if (filter->basis == CATALOGUE_BASIS_NONE) {
            return error_set(err, ST_USAGE, "--basis: there is no ground '%s'", options->basis);
        }
    }
    if (options->verdict != NULL) {
        for (uint32_t i = 1; i < ARRAY_COUNT(verdicts); i++) {
            filter->verdict = strcmp(verdicts[i], options->verdict) == 0 ? i : filter->verdict;
        }
        if (filter->verdict == 0) {
            return error_set(err, ST_USAGE, "--verdict is all, some or none, not '%s'",
                             options->verdict);
        }
    }
    if (options->kind != NULL) {
        for (uint32_t i = 1; i < 64; i++) {
            bool is = strcmp(wire_kind_name(i), options->kind) == 0 &&
                      strcmp(wire_kind_name(i), wire_kind_name(0)) != 0;
            filter->entry_kind = is ? i : filter->entry_kind;
        }
        if (filter->entry_kind == 0) {
            return error_set(err, ST_USAGE, "--kind: there are no entries of kind '%s'",
                             options->kind);
        }
    }
    if (options->reason != NULL && !options->unchecked &&
        catalogue_reason_parse(bytes_text(options->reason)) == CATALOGUE_REASON_NONE) {
        return error_set(err, ST_USAGE, "--reason: there is no reason '%s'", options->reason);
    }
    return ST_OK;
}

static struct bytes text_or_none(const char *text)
{
    return text == NULL ? (struct bytes){ 0 } : bytes_text(text);
}

enum status question_make(const struct question_options *options, const struct person *person,
                          uint32_t kind, struct question *question, struct error *err)
{
    *question = (struct question){
        .query = { .kind = kind,
                   .session = person->session,
                   .subject_scheme = person->scheme,
                   .subject = buffer_view(&person->subject),
                   .member = text_or_none(options->member),
                   .since = options->since,
                   .until = options->until },
        .filter = { .asker = text_or_none(options->asker),
                    .holder = text_or_none(options->holder),
                    .official = text_or_none(options->official),
                    .official_role = text_or_none(options->role),
                    .dataset = text_or_none(options->dataset),
                    .field = text_or_none(options->field),
                    .purpose = text_or_none(options->purpose),
                    .reason = text_or_none(options->reason),
                    .case_ref = text_or_none(options->case_ref),
                    .over_asked = options->over_asked },
    };
    if (options->until > 0 && options->until < options->since) {
        return error_set(err, ST_USAGE, "--until is before --since");
    }
    if (options->key != NULL &&
        !text_hex_decode(bytes_text(options->key), question->filter.signer.bytes, DIGEST_BYTES)) {
        return error_set(err, ST_USAGE, "--signed-by takes a key of 64 hexadecimal digits");
    }
    if (options->exchange != NULL &&
        !text_id_parse(bytes_text(options->exchange), &question->query.id)) {
        return error_set(err, ST_USAGE, "--exchange takes the id of a request");
    }
    enum status status = read_words(options, &question->filter, err);
    return status == ST_OK ? check_names(options, person->catalogue, err) : status;
}

static void show_progress(const struct question *question, uint64_t examined, uint64_t size)
{
    if (!question->quiet && isatty(STDERR_FILENO) == 1) {
        fprintf(stderr, "\rlooked at %llu of %llu entries", (unsigned long long)examined,
                (unsigned long long)size);
    }
}

enum status question_ask(struct link *link, struct question *question, link_row each, void *context,
                         struct error *err)
{
    struct arena *arena = arena_create(ARENA_BYTES);
    struct buffer cursor = buffer_init(1024);
    uint64_t seen = 0;
    uint64_t examined = 0;
    bool more = true;
    bool shown = false;
    question->query.filter = &question->filter;
    enum status status = arena == NULL ? error_set(err, ST_NOMEM, "question") : ST_OK;
    for (size_t page = 0; status == ST_OK && more && page < PAGES_MAX; page++) {
        struct wire_result result;
        struct wire_rows rows;
        uint64_t left = question->limit - seen;
        question->query.limit =
            question->limit != 0 && left < PAGE_ROWS ? (uint32_t)left : PAGE_ROWS;
        status = link_query(link, &question->query, arena, &result, &rows, err);
        for (size_t i = 0; status == ST_OK && i < rows.rows_count; i++) {
            seen++;
            status = each(context, &rows.rows[i], err);
        }
        question->more = status == ST_OK && result.cursor.size > 0;
        more = question->more && (question->limit == 0 || seen < question->limit);
        if (more) {
            buffer_clear(&cursor);
            buffer_bytes(&cursor, result.cursor);
            question->query.cursor = buffer_view(&cursor);
            status = buffer_ok(&cursor, "cursor", err);
            examined += rows.examined;
            show_progress(question, examined, rows.log_size);
            shown = true;
        }
        arena_reset(arena);
    }
    if (shown && !question->quiet && isatty(STDERR_FILENO) == 1) {
        fprintf(stderr, "\r\033[K");
    }
    buffer_fini(&cursor);
    arena_destroy(&arena);
    return status;
}

const char *question_reference(struct bytes tag, char text[QUESTION_REFERENCE_BYTES])
{
    struct bytes parts[] = { seal_label("vedomo/1 reference"), tag };
    text[0] = '\0';
    if (tag.size > 0) {
        struct digest hash = seal_blake2b((struct bytes){ 0 }, parts, ARRAY_COUNT(parts));
        text_hex_encode(bytes_of(hash.bytes, (QUESTION_REFERENCE_BYTES - 1) / 2), text);
    }
    return text;
}
