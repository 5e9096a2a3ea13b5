// vedomo consent grant, refuse, pause, resume, withdraw: the citizen's decisions, taken down by a
// desk in the citizen's session. A grant may leave fields out; it can never add any.
#include <stdio.h>
#include <unistd.h>

#include "commands.h"
#include "consents.h"
#include "typed.h"

#include "base/clock.h"
#include "consent/artefact.h"
#include "seal/hash.h"

struct options {
    const char *session;
    const char *fields;
    const char *clerk;
    const char *receipt;
    bool yes;
};

#define CHANGE_OPTIONS                                                                                  \
    {                                                                                                   \
        COMMAND_TEXT,           offsetof(struct options, session), "session", 0, "FILE",                \
        "The citizen's session"                                                                         \
    },                                                                                                  \
        { COMMAND_TEXT, offsetof(struct options, clerk), "clerk", 0, "NAME", "The clerk's pseudonym" }, \
    {                                                                                                   \
        COMMAND_TEXT, offsetof(struct options, receipt), "receipt", 0, "FILE",                          \
            "Keep the receipt here"                                                                     \
    }

static const struct command_option change_table[] = {
    CHANGE_OPTIONS,
    { .kind = COMMAND_END },
};

static const struct command_option grant_table[] = {
    CHANGE_OPTIONS,
    { COMMAND_TEXT, offsetof(struct options, fields), "fields", 0, "NAME[:FORM],...",
      "Grant these only, of those that are asked for" },
    { COMMAND_FLAG, offsetof(struct options, yes), "yes", 'y', NULL,
      "The citizen was asked already: do not ask again" },
    { .kind = COMMAND_END },
};

// Each field named must be among those of the consent; without a form it keeps the one asked for.
static enum status narrow(const char *text, struct arena *arena, struct wire_artefact *artefact,
                          struct error *err)
{
    const struct wire_field_ask *wanted = NULL;
    size_t count = 0;
    enum status status = consents_read_fields(text, arena, &wanted, &count, err);
    if (status != ST_OK) {
        return status;
    }
    struct wire_field_ask *fields = arena_take(arena, count * sizeof(*fields));
    if (fields == NULL) {
        return error_set(err, ST_NOMEM, "fields");
    }
    for (size_t i = 0; i < count; i++) {
        const struct wire_field_ask *asked = NULL;
        for (size_t k = 0; k < artefact->fields_count; k++) {
            if (bytes_equal(artefact->fields[k].name, wanted[i].name)) {
                asked = &artefact->fields[k];
            }
        }
        if (asked == NULL) {
            return error_set(err, ST_USAGE, "this consent does not ask for %.*s",
                             SPEECH_TEXT(wanted[i].name));
        }
        fields[i] = wanted[i].form.size > 0 ? wanted[i] : *asked;
    }
    artefact->fields = fields;
    artefact->fields_count = count;
    return ST_OK;
}

// The state after each action.
static enum consent_state state_after(enum consent_action action)
{
    switch (action) {
    case CONSENT_GRANT:
    case CONSENT_RESUME:
        return CONSENT_ACTIVE;
    case CONSENT_REFUSE:
        return CONSENT_REFUSED;
    case CONSENT_PAUSE:
        return CONSENT_PAUSED;
    case CONSENT_WITHDRAW:
        return CONSENT_WITHDRAWN;
    case CONSENT_REQUEST:
        return CONSENT_REQUESTED;
    case CONSENT_ACTION_COUNT:
        break;
    }
    return CONSENT_NONE;
}

// The revision that follows the item's.
static enum status next_revision(struct person *person, const struct options *options,
                                 enum consent_action action, const struct consent_item *item,
                                 struct buffer *notice, struct wire_artefact *next,
                                 struct error *err)
{
    *next = item->artefact;
    next->revision = item->artefact.revision + 1;
    next->previous = item->hash;
    next->state = (uint32_t)state_after(action);
    next->collected_at = (uint64_t)clock_wall_ms();
    enum status status = ST_OK;
    if (action == CONSENT_GRANT) {
        // What the citizen reads before deciding: everything that is asked for.
        status = speech_notice(&person->speech, &item->artefact, notice, err);
        next->notice_hash = seal_sha256(buffer_view(notice));
        next->language = bytes_text(person->speech.language == CATALOGUE_RU ? "ru" : "en");
        next->bundle_hash = *catalogue_hash(person->catalogue);
        if (status == ST_OK && options->fields != NULL) {
            status = narrow(options->fields, person->arena, next, err);
        }
    }
    if (status == ST_OK) {
        status = consent_artefact_follows(&item->artefact, &item->hash, next, action,
                                          CONSENT_ACTOR_CITIZEN, err);
    }
    return status;
}

static void show_change(struct output *out, const struct speech *speech,
                        const struct wire_artefact *artefact, struct bytes notice)
{
    const char *state = consent_state_name((enum consent_state)artefact->state);
    if (notice.size > 0) {
        output_bytes(out, "notice", notice);
        output_line(out, "%.*s\n", (int)notice.size, (const char *)notice.data);
    }
    output_id(out, "id", &artefact->id);
    output_text(out, "state", state);
    output_number(out, "revision", artefact->revision);
    output_array(out, "fields");
    for (size_t i = 0; i < artefact->fields_count; i++) {
        struct buffer field = buffer_init(8192);
        output_item(out, artefact->fields[i].name);
        speech_field(speech, artefact->dataset, artefact->fields[i].name, artefact->fields[i].form,
                     &field);
        if (notice.size > 0) {
            output_line(out, "  granted: %.*s", (int)field.size, (const char *)field.data);
        }
        buffer_fini(&field);
    }
    output_array_end(out);
    output_line(out, "now %s", state);
}

// A clerk at a terminal reads the sentence out and says what the citizen answered.
static enum status ask_citizen(const struct command_call *call, const struct speech *speech,
                               const struct wire_artefact *next, struct bytes notice,
                               struct error *err)
{
    const struct options *options = call->options;
    struct buffer fields = buffer_init(64 * 1024);
    struct buffer answer = buffer_init(64);
    if (options->yes || call->settings->json || isatty(STDIN_FILENO) != 1) {
        return ST_OK;
    }
    for (size_t i = 0; i < next->fields_count; i++) {
        buffer_text(&fields, i == 0 ? "" : ", ");
        speech_field(speech, next->dataset, next->fields[i].name, next->fields[i].form, &fields);
    }
    fprintf(stderr, "%.*s\n\n%.*s\n", (int)notice.size, (const char *)notice.data, (int)fields.size,
            (const char *)fields.data);
    enum status status =
        typed_line("Does the citizen agree to exactly this? yes/no", false, 32, &answer, err);
    bool agreed = bytes_equal_text(buffer_view(&answer), "yes") ||
                  bytes_equal_text(buffer_view(&answer), "да");
    if (status == ST_OK && !agreed) {
        status = error_set(err, ST_DENIED, "nothing was granted");
    }
    buffer_fini(&fields);
    buffer_fini(&answer);
    return status;
}

static enum status change(struct command_call *call, enum consent_action action, struct error *err)
{
    const struct options *options = call->options;
    struct person person;
    struct consent_item item;
    struct wire_artefact next;
    struct buffer notice = buffer_init(64 * 1024);
    enum status status = person_open(call, options->session, PERSON_SESSION, &person, err);
    if (status != ST_OK) {
        return status;
    }
    status = consents_find(&person, call->arguments[0], &item, err);
    if (status == ST_OK) {
        status = next_revision(&person, options, action, &item, &notice, &next, err);
    }
    if (status == ST_OK && action == CONSENT_GRANT) {
        status = ask_citizen(call, &person.speech, &next, buffer_view(&notice), err);
    }
    if (status == ST_OK) {
        show_change(call->out, &person.speech, &next, buffer_view(&notice));
        status = consents_change(&person, (uint32_t)action, &next, options->clerk, options->receipt,
                                 call->out, err);
    }
    buffer_fini(&notice);
    person_close(&person);
    return status;
}

static enum status run_grant(struct command_call *call, struct error *err)
{
    return change(call, CONSENT_GRANT, err);
}

static enum status run_refuse(struct command_call *call, struct error *err)
{
    return change(call, CONSENT_REFUSE, err);
}

static enum status run_pause(struct command_call *call, struct error *err)
{
    return change(call, CONSENT_PAUSE, err);
}

static enum status run_resume(struct command_call *call, struct error *err)
{
    return change(call, CONSENT_RESUME, err);
}

static enum status run_withdraw(struct command_call *call, struct error *err)
{
    return change(call, CONSENT_WITHDRAW, err);
}

const struct command cmd_consent_grant = {
    .words = "consent grant",
    .arguments = "ID",
    .argument_min = 1,
    .argument_max = 1,
    .help = "Take down that the citizen agrees, to all that is asked or to less",
    .detail = "At a terminal the sentence to read to the citizen is shown first, and nothing is "
              "granted without a yes. 'vedomo consent show ID' prints it as well.",
    .common = COMMAND_CONNECTS | COMMAND_SPEAKS,
    .options = grant_table,
    .options_bytes = sizeof(struct options),
    .run = run_grant,
};

const struct command cmd_consent_refuse = {
    .words = "consent refuse",
    .arguments = "ID",
    .argument_min = 1,
    .argument_max = 1,
    .help = "Take down that the citizen declines",
    .common = COMMAND_CONNECTS | COMMAND_SPEAKS,
    .options = change_table,
    .options_bytes = sizeof(struct options),
    .run = run_refuse,
};

const struct command cmd_consent_pause = {
    .words = "consent pause",
    .arguments = "ID",
    .argument_min = 1,
    .argument_max = 1,
    .help = "Pause a consent: nothing is passed on under it",
    .common = COMMAND_CONNECTS | COMMAND_SPEAKS,
    .options = change_table,
    .options_bytes = sizeof(struct options),
    .run = run_pause,
};

const struct command cmd_consent_resume = {
    .words = "consent resume",
    .arguments = "ID",
    .argument_min = 1,
    .argument_max = 1,
    .help = "Let a paused consent count again",
    .common = COMMAND_CONNECTS | COMMAND_SPEAKS,
    .options = change_table,
    .options_bytes = sizeof(struct options),
    .run = run_resume,
};

const struct command cmd_consent_withdraw = {
    .words = "consent withdraw",
    .arguments = "ID",
    .argument_min = 1,
    .argument_max = 1,
    .help = "Withdraw a consent for good",
    .common = COMMAND_CONNECTS | COMMAND_SPEAKS,
    .options = change_table,
    .options_bytes = sizeof(struct options),
    .run = run_withdraw,
};
