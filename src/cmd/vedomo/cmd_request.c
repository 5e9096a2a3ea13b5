// vedomo request explain: what would be decided, and why, without asking anybody's register. The
// same pure function decides here as in the broker; with --policy it needs no broker at all. What
// is spent of a budget is known to the broker alone: here it counts as unspent.
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "consents.h"

#include "base/clock.h"
#include "base/text.h"
#include "catalogue/bundle.h"
#include "consent/artefact.h"
#include "policy/decide.h"
#include "seal/hash.h"

enum { ARENA_BYTES = 16 * 1024 * 1024 };

struct options {
    const char *policy;
    const char *asker;
    const char *holder;
    const char *dataset;
    const char *fields;
    const char *purpose;
    const char *basis;
    const char *consent;
    const char *article;
    const char *justification;
    const char *official;
    const char *official_role;
    const char *case_ref;
    bool automated;
    bool exact;
    bool all;
};

static const struct command_option option_table[] = {
    { COMMAND_TEXT, offsetof(struct options, policy), "policy", 0, "DIR",
      "Decide by this folder of policy files, offline" },
    { COMMAND_TEXT, offsetof(struct options, asker), "asker", 0, "CODE",
      "Who asks (default: our own member)" },
    { COMMAND_TEXT, offsetof(struct options, holder), "holder", 0, "CODE",
      "Who holds it (default: the dataset's holder)" },
    { COMMAND_TEXT, offsetof(struct options, dataset), "dataset", 0, "CODE", "What is asked for" },
    { COMMAND_TEXT, offsetof(struct options, fields), "fields", 0, "NAME[:FORM],...",
      "Which fields; without a form: full" },
    { COMMAND_TEXT, offsetof(struct options, purpose), "purpose", 0, "CODE", "What it is for" },
    { COMMAND_TEXT, offsetof(struct options, basis), "basis", 0, "NAME",
      "consent, explicit-request, law, vital-interest or court-order" },
    { COMMAND_TEXT, offsetof(struct options, consent), "consent", 0, "ID",
      "The consent (default: whichever covers it)" },
    { COMMAND_TEXT, offsetof(struct options, article), "article", 0, "TEXT", "With law" },
    { COMMAND_TEXT, offsetof(struct options, justification), "justification", 0, "TEXT",
      "With vital-interest" },
    { COMMAND_TEXT, offsetof(struct options, official), "official", 0, "NAME",
      "The official's pseudonym" },
    { COMMAND_TEXT, offsetof(struct options, official_role), "official-role", 0, "CODE",
      "The official's role" },
    { COMMAND_TEXT, offsetof(struct options, case_ref), "case", 0, "TEXT", "The asker's case" },
    { COMMAND_FLAG, offsetof(struct options, automated), "automated", 0, NULL,
      "It feeds a decision without a person" },
    { COMMAND_FLAG, offsetof(struct options, exact), "exact", 0, NULL,
      "Refuse a field rather than give a weaker form" },
    { COMMAND_FLAG, offsetof(struct options, all), "all-or-nothing", 0, NULL,
      "Refuse all when one field is refused" },
    { .kind = COMMAND_END },
};

static struct bytes text_of(const char *text)
{
    return bytes_text(text != NULL ? text : "");
}

// The bundle of a folder, with nobody to talk to.
static enum status load_folder(struct command_call *call, const char *folder, struct person *person,
                               struct error *err)
{
    *person = (struct person){
        .arena = arena_create(ARENA_BYTES),
        .speech.language =
            strcmp(call->settings->language, "ru") == 0 ? CATALOGUE_RU : CATALOGUE_EN,
    };
    struct buffer blob = buffer_init(CATALOGUE_BLOB_MAX);
    enum status status = person->arena == NULL ? error_set(err, ST_NOMEM, "explain")
                                               : catalogue_bundle_pack(folder, &blob, err);
    if (status == ST_OK) {
        struct digest hash = seal_sha256(buffer_view(&blob));
        status = catalogue_load(buffer_view(&blob), &hash, &person->catalogue, err);
    }
    person->speech.catalogue = person->catalogue;
    buffer_fini(&blob);
    if (status != ST_OK) {
        person_close(person);
    }
    return status;
}

static enum status read_asks(const char *text, struct arena *arena, struct policy_request *request,
                             struct error *err)
{
    const struct wire_field_ask *fields = NULL;
    size_t count = 0;
    enum status status = consents_read_fields(text, arena, &fields, &count, err);
    struct policy_ask *asks = status == ST_OK ? arena_take(arena, count * sizeof(*asks)) : NULL;
    if (asks == NULL) {
        return status == ST_OK ? error_set(err, ST_NOMEM, "fields") : status;
    }
    for (size_t i = 0; i < count; i++) {
        asks[i] = (struct policy_ask){
            .name = fields[i].name,
            .form = fields[i].form.size > 0 ? fields[i].form : bytes_text("full"),
        };
    }
    request->fields = asks;
    request->field_count = count;
    return ST_OK;
}

static enum status choose_holder(const struct options *options, const struct catalogue *catalogue,
                                 struct policy_request *request, struct error *err)
{
    const struct catalogue_dataset *dataset = catalogue_dataset(catalogue, request->dataset);
    if (options->holder != NULL) {
        request->holder = bytes_text(options->holder);
        return ST_OK;
    }
    if (dataset == NULL) {
        return error_set(err, ST_NOT_FOUND, "the policy bundle knows no dataset %s",
                         options->dataset);
    }
    if (dataset->holder_count != 1) {
        return error_set(err, ST_USAGE, "%s has %zu holders: choose with --holder",
                         options->dataset, dataset->holder_count);
    }
    request->holder = bytes_text(dataset->holders[0]->code);
    return ST_OK;
}

static enum status read_request(const struct options *options, struct person *person,
                                struct policy_request *request, struct error *err)
{
    *request = (struct policy_request){
        .asker = text_of(options->asker),
        .official = text_of(options->official),
        .official_role = text_of(options->official_role),
        .dataset = text_of(options->dataset),
        .purpose = text_of(options->purpose),
        .basis = catalogue_basis_parse(text_of(options->basis)),
        .article = text_of(options->article),
        .justification = text_of(options->justification),
        .case_ref = text_of(options->case_ref),
        .automated = options->automated,
        .partial_ok = !options->all,
        .exact = options->exact,
    };
    if (request->asker.size == 0 && person->link != NULL) {
        request->asker = bytes_text(link_identity(person->link)->member);
    }
    if (request->asker.size == 0 || request->basis == CATALOGUE_BASIS_NONE) {
        return error_set(err, ST_USAGE,
                         request->asker.size == 0 ? "give --asker CODE"
                                                  : "--basis takes consent, explicit-request, law, "
                                                    "vital-interest or court-order");
    }
    if (options->consent != NULL &&
        !text_id_parse(bytes_text(options->consent), &request->consent)) {
        return error_set(err, ST_USAGE, "--consent takes the id of a consent");
    }
    enum status status = choose_holder(options, person->catalogue, request, err);
    return status == ST_OK ? read_asks(options->fields, person->arena, request, err) : status;
}

// The person's consents as the policy reads them. Nobody named: none.
static enum status read_grants(struct person *person, const struct consent_grant **grants,
                               size_t *count, struct error *err)
{
    const struct consent_item *items = NULL;
    size_t found = 0;
    if (person->link == NULL || person->subject.size == 0) {
        return ST_OK;
    }
    enum status status = consents_list(person, &items, &found, err);
    struct consent_grant *made =
        status == ST_OK ? arena_take(person->arena, (found + 1) * sizeof(*made)) : NULL;
    if (made == NULL) {
        return status == ST_OK ? error_set(err, ST_NOMEM, "consents") : status;
    }
    for (size_t i = 0; status == ST_OK && i < found; i++) {
        status =
            consent_grant_read(&items[i].artefact, &items[i].hash, 0, person->arena, &made[i], err);
    }
    if (status == ST_OK) {
        *grants = made;
        *count = found;
    }
    return status;
}

static void show_field(struct output *out, const struct speech *speech,
                       const struct policy_request *request, const struct policy_decision *decision,
                       size_t place)
{
    const struct policy_field_decision *field = &decision->fields[place];
    char given[CATALOGUE_FORM_TEXT_BYTES];
    struct buffer words = buffer_init(64 * 1024);
    catalogue_form_format(field->given, given);
    struct speech_reason reason = {
        .code = bytes_text(catalogue_reason_name(field->reason)),
        .asker = request->asker,
        .dataset = request->dataset,
        .field = request->fields[place].name,
        .form = field->verdict == POLICY_PERMIT ? bytes_text(given) : request->fields[place].form,
        .basis = (uint32_t)request->basis,
        .article = request->article,
    };
    speech_reason(speech, &reason, &words);
    output_object(out, NULL);
    output_bytes(out, "name", request->fields[place].name);
    output_bytes(out, "asked", request->fields[place].form);
    output_bool(out, "permitted", field->verdict == POLICY_PERMIT);
    output_text(out, "given", given);
    output_text(out, "reason", catalogue_reason_name(field->reason));
    output_text(out, "asker_reason", catalogue_reason_name(field->asker_reason));
    output_bool(out, "over_asked", field->over_asked);
    output_bytes(out, "sentence", buffer_view(&words));
    output_object_end(out);
    output_line(out, "%s %.*s: %s%s(%s) %.*s", field->verdict == POLICY_PERMIT ? "+" : "-",
                SPEECH_TEXT(request->fields[place].name), given, given[0] != '\0' ? " " : "",
                catalogue_reason_name(field->reason), (int)words.size, (const char *)words.data);
    buffer_fini(&words);
}

static void show_decision(struct output *out, const struct speech *speech,
                          const struct policy_request *request,
                          const struct policy_decision *decision)
{
    output_bool(out, "permits_any", decision->permits_any);
    if (decision->agreement != NULL) {
        output_text(out, "agreement", decision->agreement->id);
        output_line(out, "agreement: %s", decision->agreement->id);
    } else {
        output_line(out, "agreement: none applies");
    }
    if (decision->consent != NULL) {
        char id[TEXT_ID_BYTES];
        text_id_format(&decision->consent->id, id);
        output_text(out, "consent", id);
        output_line(out, "consent: %s, revision %u", id, decision->consent->revision);
    }
    output_hex(out, "bundle_hash", bytes_digest(decision->bundle_hash));
    output_array(out, "fields");
    for (size_t i = 0; i < decision->field_count; i++) {
        show_field(out, speech, request, decision, i);
    }
    output_array_end(out);
}

static enum status decide(struct command_call *call, struct person *person, struct error *err)
{
    struct policy_request request;
    struct policy_counter counters[POLICY_COUNTERS_MAX];
    struct policy_decision *decision = calloc(1, sizeof(*decision));
    struct policy_input input = {
        .request = &request,
        .catalogue = person->catalogue,
        .counters = counters,
        .asker = POLICY_STANDING_ACTIVE,
        .holder = POLICY_STANDING_ACTIVE,
        .key = POLICY_STANDING_ACTIVE,
        .now_ms = clock_wall_ms(),
    };
    enum status status = decision == NULL ? error_set(err, ST_NOMEM, "explain")
                                          : read_request(call->options, person, &request, err);
    if (status == ST_OK) {
        status = read_grants(person, &input.grants, &input.grant_count, err);
    }
    if (status == ST_OK) {
        input.counter_count = policy_counters(&input, counters);
        status = policy_decide(&input, decision, err);
    }
    if (status == ST_OK) {
        show_decision(call->out, &person->speech, &request, decision);
    }
    free(decision);
    return status;
}

static enum status run(struct command_call *call, struct error *err)
{
    const struct options *options = call->options;
    struct person person;
    if (options->dataset == NULL || options->purpose == NULL || options->fields == NULL ||
        options->basis == NULL) {
        return error_set(err, ST_USAGE, "give --dataset, --fields, --purpose and --basis");
    }
    enum status status = options->policy != NULL
                             ? load_folder(call, options->policy, &person, err)
                             : person_open(call, NULL, PERSON_MAYBE, &person, err);
    if (status != ST_OK) {
        return status;
    }
    status = person.catalogue == NULL
                 ? error_set(err, ST_USAGE,
                             "by which policy? Give --policy-pin, a profile with "
                             "'policy', or --policy DIR")
                 : decide(call, &person, err);
    person_close(&person);
    return status;
}

const struct command cmd_request_explain = {
    .words = "request explain",
    .help = "Show what would be decided about a request, field by field",
    .detail = "Budgets count as unspent. With --subject - the consents of that person count; with "
              "--policy DIR no broker is asked.",
    .common = COMMAND_CONNECTS | COMMAND_SUBJECT | COMMAND_SPEAKS,
    .options = option_table,
    .options_bytes = sizeof(struct options),
    .run = run,
};
