// vedomo consent request: an agency asks a citizen for a consent. What is not said is taken from
// the agreement: every field that it allows, in the strongest form, for as long and as often.
#include <stdio.h>

#include "commands.h"
#include "consents.h"

#include "base/clock.h"
#include "base/text.h"
#include "consent/artefact.h"
#include "seal/hash.h"
#include "seal/random.h"

enum { DAYS_DEFAULT = 30, USES_DEFAULT = 1, DAYS_MAX = 3660, MESSAGE_VERSION = 1 };

struct options {
    const char *dataset;
    const char *purpose;
    const char *fields;
    const char *receipt;
    uint64_t days;
    uint64_t uses;
    bool automated;
};

static const struct command_option option_table[] = {
    { COMMAND_TEXT, offsetof(struct options, dataset), "dataset", 0, "CODE", "What is asked for" },
    { COMMAND_TEXT, offsetof(struct options, purpose), "purpose", 0, "CODE", "What it is for" },
    { COMMAND_TEXT, offsetof(struct options, fields), "fields", 0, "NAME[:FORM],...",
      "Which fields (default: all that the agreement allows)" },
    { COMMAND_COUNT, offsetof(struct options, days), "days", 0, "N",
      "For how long (default: the agreement's limit)" },
    { COMMAND_COUNT, offsetof(struct options, uses), "uses", 0, "N",
      "For how many requests (default: the agreement's limit)" },
    { COMMAND_FLAG, offsetof(struct options, automated), "automated", 0, NULL,
      "Also for decisions made without a person" },
    { COMMAND_TEXT, offsetof(struct options, receipt), "receipt", 0, "FILE",
      "Keep the receipt here" },
    { .kind = COMMAND_END },
};

static bool takes_consent(const struct catalogue_agreement *agreement, const char *purpose)
{
    if ((agreement->bases & 1U << CATALOGUE_BASIS_CONSENT) == 0) {
        return false;
    }
    for (size_t i = 0; i < agreement->purpose_count; i++) {
        if (strcmp(agreement->purposes[i]->code, purpose) == 0) {
            return true;
        }
    }
    return false;
}

static enum status find_agreement(const struct person *person, const struct options *options,
                                  const struct catalogue_agreement **found, struct error *err)
{
    const char *own = link_identity(person->link)->member;
    const struct catalogue_member *asker = catalogue_member(person->catalogue, bytes_text(own));
    const struct catalogue_dataset *dataset =
        catalogue_dataset(person->catalogue, bytes_text(options->dataset));
    if (asker == NULL || dataset == NULL) {
        return error_set(err, ST_NOT_FOUND, "the policy bundle knows no %s %s",
                         asker == NULL ? "member" : "dataset",
                         asker == NULL ? own : options->dataset);
    }
    size_t count = 0;
    const struct catalogue_agreement *const *agreements =
        catalogue_agreements_of(person->catalogue, asker, dataset, &count);
    for (size_t i = 0; i < count; i++) {
        if (takes_consent(agreements[i], options->purpose)) {
            *found = agreements[i];
            return ST_OK;
        }
    }
    return error_set(err, ST_DENIED,
                     "no agreement lets %s ask for consent to %s for the purpose %s", own,
                     options->dataset, options->purpose);
}

// The strongest form that the set has, as text in the arena; empty when it has none.
static struct bytes strongest_form(const struct catalogue_form_set *set, struct arena *arena)
{
    for (int kind = CATALOGUE_FORM_FULL; kind < CATALOGUE_FORM_COUNT; kind++) {
        if ((set->kinds & 1U << kind) != 0) {
            struct catalogue_form form = { .kind = (enum catalogue_form_kind)kind };
            if (kind == CATALOGUE_FORM_OVER && set->over_count > 0) {
                form.number = set->over[0];
            }
            char text[CATALOGUE_FORM_TEXT_BYTES];
            catalogue_form_format(form, text);
            return arena_copy(arena, bytes_text(text));
        }
    }
    return (struct bytes){ 0 };
}

static enum status all_fields(const struct catalogue_agreement *agreement, struct arena *arena,
                              struct wire_artefact *artefact, struct error *err)
{
    const struct catalogue_dataset *dataset = agreement->dataset;
    struct wire_field_ask *fields = arena_take(arena, dataset->field_count * sizeof(*fields));
    if (fields == NULL) {
        return error_set(err, ST_NOMEM, "fields");
    }
    size_t count = 0;
    for (size_t i = 0; i < dataset->field_count; i++) {
        struct bytes form = strongest_form(&agreement->forms[i], arena);
        if (form.size > 0) {
            fields[count++] =
                (struct wire_field_ask){ .name = dataset->fields[i].name_bytes, .form = form };
        }
    }
    artefact->fields = fields;
    artefact->fields_count = count;
    return ST_OK;
}

static enum status named_fields(const char *text, const struct catalogue_agreement *agreement,
                                struct arena *arena, struct wire_artefact *artefact,
                                struct error *err)
{
    const struct wire_field_ask *named = NULL;
    size_t count = 0;
    enum status status = consents_read_fields(text, arena, &named, &count, err);
    struct wire_field_ask *fields =
        status == ST_OK ? arena_take(arena, count * sizeof(*fields)) : NULL;
    if (fields == NULL) {
        return status == ST_OK ? error_set(err, ST_NOMEM, "fields") : status;
    }
    for (size_t i = 0; i < count; i++) {
        const struct catalogue_field *field = catalogue_field(agreement->dataset, named[i].name);
        if (field == NULL) {
            return error_set(err, ST_NOT_FOUND, "%s has no field %.*s", agreement->dataset->code,
                             SPEECH_TEXT(named[i].name));
        }
        fields[i] = named[i];
        if (fields[i].form.size == 0) {
            fields[i].form =
                strongest_form(&agreement->forms[field - agreement->dataset->fields], arena);
        }
        if (fields[i].form.size == 0) {
            return error_set(err, ST_DENIED, "the agreement %s does not allow %s", agreement->id,
                             field->name);
        }
    }
    artefact->fields = fields;
    artefact->fields_count = count;
    return ST_OK;
}

static uint64_t choose(uint64_t said, uint64_t agreed, uint64_t otherwise)
{
    return said != 0 ? said : agreed != 0 ? agreed : otherwise;
}

static enum status make_artefact(const struct person *person, const struct options *options,
                                 const struct catalogue_agreement *agreement,
                                 struct wire_artefact *artefact, struct error *err)
{
    uint64_t days = choose(options->days, agreement->consent_days, DAYS_DEFAULT);
    uint64_t uses = choose(options->uses, agreement->consent_uses, USES_DEFAULT);
    int64_t now = clock_wall_ms();
    struct id random = seal_random_id();
    if (days > DAYS_MAX || uses > UINT32_MAX) {
        return error_set(err, ST_USAGE, "--days or --uses is too large");
    }
    *artefact = (struct wire_artefact){
        .version = MESSAGE_VERSION,
        .id = id_make(now, random.bytes),
        .revision = 1,
        .asker = bytes_text(link_identity(person->link)->member),
        .dataset = bytes_text(options->dataset),
        .purpose = bytes_text(options->purpose),
        .automated = options->automated,
        .not_before = (uint64_t)now,
        .not_after = (uint64_t)now + days * 24 * 60 * 60 * 1000,
        .uses = (uint32_t)uses,
        .language = bytes_text(person->speech.language == CATALOGUE_RU ? "ru" : "en"),
        .state = CONSENT_REQUESTED,
        .collected_at = (uint64_t)now,
        .bundle_hash = *catalogue_hash(person->catalogue),
    };
    enum status status =
        options->fields == NULL
            ? all_fields(agreement, person->arena, artefact, err)
            : named_fields(options->fields, agreement, person->arena, artefact, err);
    return status == ST_OK ? consent_artefact_within(artefact, person->catalogue, err) : status;
}

static enum status run(struct command_call *call, struct error *err)
{
    const struct options *options = call->options;
    struct person person;
    const struct catalogue_agreement *agreement = NULL;
    struct wire_artefact artefact;
    struct buffer notice = buffer_init(64 * 1024);
    if (options->dataset == NULL || options->purpose == NULL) {
        return error_set(err, ST_USAGE, "give --dataset CODE and --purpose CODE");
    }
    enum status status = person_open(call, NULL, PERSON_SUBJECT, &person, err);
    if (status != ST_OK) {
        return status;
    }
    status = find_agreement(&person, options, &agreement, err);
    if (status == ST_OK) {
        status = make_artefact(&person, options, agreement, &artefact, err);
    }
    if (status == ST_OK) {
        status = speech_notice(&person.speech, &artefact, &notice, err);
        artefact.notice_hash = seal_sha256(buffer_view(&notice));
    }
    if (status == ST_OK) {
        char id[TEXT_ID_BYTES];
        text_id_format(&artefact.id, id);
        output_text(call->out, "id", id);
        output_bytes(call->out, "notice", buffer_view(&notice));
        output_line(call->out, "%s", id);
        output_line(call->out, "%.*s", (int)notice.size, (const char *)notice.data);
        status = consents_change(&person, CONSENT_REQUEST, &artefact, NULL, options->receipt,
                                 call->out, err);
    }
    buffer_fini(&notice);
    person_close(&person);
    return status;
}

const struct command cmd_consent_request = {
    .words = "consent request",
    .help = "Ask a citizen for a consent, with an agency's key",
    .common = COMMAND_CONNECTS | COMMAND_SUBJECT | COMMAND_SPEAKS,
    .options = option_table,
    .options_bytes = sizeof(struct options),
    .run = run,
};
