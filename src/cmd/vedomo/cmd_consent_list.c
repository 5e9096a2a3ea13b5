// vedomo consent list, show: what a person has granted.
#include "commands.h"
#include "consents.h"

struct options {
    const char *session;
};

static const struct command_option option_table[] = {
    { COMMAND_TEXT, offsetof(struct options, session), "session", 0, "FILE",
      "The citizen's session" },
    { .kind = COMMAND_END },
};

static enum status run_list(struct command_call *call, struct error *err)
{
    const struct options *options = call->options;
    struct person person;
    const struct consent_item *items = NULL;
    size_t count = 0;
    enum status status = person_open(call, options->session, PERSON_EITHER, &person, err);
    if (status != ST_OK) {
        return status;
    }
    status = consents_list(&person, &items, &count, err);
    output_array(call->out, "consents");
    for (size_t i = 0; i < count; i++) {
        output_object(call->out, NULL);
        consents_show_line(call->out, &person.speech, &items[i]);
        output_object_end(call->out);
    }
    output_array_end(call->out);
    if (status == ST_OK && count == 0) {
        output_line(call->out, "no consents");
    }
    person_close(&person);
    return status;
}

static enum status run_show(struct command_call *call, struct error *err)
{
    const struct options *options = call->options;
    struct person person;
    struct consent_item item;
    enum status status = person_open(call, options->session, PERSON_EITHER, &person, err);
    if (status != ST_OK) {
        return status;
    }
    status = consents_find(&person, call->arguments[0], &item, err);
    if (status == ST_OK) {
        consents_show_full(call->out, &person.speech, &item);
    }
    person_close(&person);
    return status;
}

const struct command cmd_consent_list = {
    .words = "consent list",
    .help = "List a person's consents",
    .common = COMMAND_CONNECTS | COMMAND_SUBJECT | COMMAND_SPEAKS,
    .options = option_table,
    .options_bytes = sizeof(struct options),
    .run = run_list,
};

const struct command cmd_consent_show = {
    .words = "consent show",
    .arguments = "ID",
    .argument_min = 1,
    .argument_max = 1,
    .help = "Show one consent with the sentence that the citizen reads",
    .common = COMMAND_CONNECTS | COMMAND_SUBJECT | COMMAND_SPEAKS,
    .options = option_table,
    .options_bytes = sizeof(struct options),
    .run = run_show,
};
