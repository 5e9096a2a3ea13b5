// From a command's table of options to argp, and from what was typed to a call of the command.
//
// argp keeps its own copies of nothing: option rows, child parsers and the call live on one stack
// frame for the whole run. It never ends the program: what is wrong with the words that were typed
// is told as any other failure is, with --json as a document too.
#include "command.h"

#include <argp.h>
#include <errno.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "moment.h"

enum {
    OPTIONS_MAX = 48,
    ARGUMENTS_MAX = 256,
    KEY_FIRST = 0x1000, // own options without a letter
    KEY_HELP = '?',     // -? as well
    KEY_USAGE = 0x2000,
    KEY_JSON,
    KEY_PROFILE,
    KEY_AS,
    KEY_BROKER,
    KEY_BROKER_CARD,
    KEY_VKEY,
    KEY_ORIGIN,
    KEY_CHECKPOINT,
    KEY_REGISTRAR_PIN,
    KEY_POLICY_PIN,
    KEY_TIMEOUT,
    KEY_LANGUAGE,
    KEY_SUBJECT,
    KEY_SCHEME,
    TIMEOUT_DEFAULT_S = 20,
};

struct common_option {
    unsigned when; // with any of these in command->common; 0: always
    struct argp_option option;
};

static const struct common_option common_options[] = {
    { 0, { "help", KEY_HELP, NULL, 0, "Give this help list", -1 } },
    { 0, { "usage", KEY_USAGE, NULL, 0, "Give a short usage message", -1 } },
    { 0, { "json", KEY_JSON, NULL, 0, "Print one JSON document", 2 } },
    { COMMAND_CONNECTS | COMMAND_TRUSTS | COMMAND_SPEAKS,
      { NULL, 0, NULL, 0, "Broker, key, and whom to trust; best kept in a profile:", 3 } },
    { COMMAND_CONNECTS | COMMAND_TRUSTS | COMMAND_SPEAKS,
      { "profile", KEY_PROFILE, "FILE", 0, "Take what follows from here (VEDOMO_PROFILE)", 3 } },
    { COMMAND_CONNECTS, { "as", KEY_AS, "KEYFILE", 0, "Act with this key", 3 } },
    { COMMAND_CONNECTS,
      { "broker", KEY_BROKER, "ENDPOINT", 0, "Broker's address, such as tcp://host:7400", 3 } },
    { COMMAND_CONNECTS,
      { "broker-card", KEY_BROKER_CARD, "FILE", 0, "Broker's card, signed by the registrar", 3 } },
    { COMMAND_CONNECTS,
      { "checkpoint", KEY_CHECKPOINT, "FILE", 0,
        "Keep the newest verified checkpoint here (default: KEYFILE.checkpoint)", 3 } },
    { COMMAND_CONNECTS,
      { "timeout", KEY_TIMEOUT, "SECONDS", 0, "Wait this long for an answer (default: 20)", 3 } },
    { COMMAND_CONNECTS | COMMAND_TRUSTS,
      { "vkey", KEY_VKEY, "VKEY", 0, "Log's public key, as 'vedomo log vkey' prints it", 3 } },
    { COMMAND_TRUSTS,
      { "origin", KEY_ORIGIN, "ORIGIN", 0, "Log's origin; else the name in the vkey", 3 } },
    { COMMAND_CONNECTS | COMMAND_TRUSTS,
      { "registrar-pin", KEY_REGISTRAR_PIN, "ed25519:...", 0,
        "Trust this registrar's key (repeat; all must sign)", 3 } },
    { COMMAND_CONNECTS | COMMAND_TRUSTS,
      { "policy-pin", KEY_POLICY_PIN, "ed25519:...", 0, "Trust this policy key (repeat)", 3 } },
    { COMMAND_SPEAKS,
      { "language", KEY_LANGUAGE, "ru|en", 0, "Language of sentences (default: the locale's)",
        2 } },
    { COMMAND_SUBJECT,
      { "subject", KEY_SUBJECT, "-", 0,
        "Whom it is about: the identifier comes from the standard input", 2 } },
    { COMMAND_SUBJECT,
      { "scheme", KEY_SCHEME, "CODE", 0, "Scheme of the identifier, as in the policy bundle", 2 } },
};

// What one run of the parser fills.
struct parsing {
    const struct command *command;
    _Alignas(max_align_t) uint8_t options[COMMAND_OPTIONS_BYTES];
    const char *arguments[ARGUMENTS_MAX];
    size_t argument_count;
    struct settings settings;
    struct error wrong; // with the words that were typed, where refuse() has said it
};

// What argp does not find out itself.
static error_t refuse(struct argp_state *state, const char *format, ...) PRINTF_LIKE(2, 3);

static error_t refuse(struct argp_state *state, const char *format, ...)
{
    struct parsing *parsing = state->input;
    char text[ERROR_MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    error_set(&parsing->wrong, ST_USAGE, "%s", text);
    argp_error(state, "%s", text);
    return EINVAL;
}

static int option_key(const struct command *command, size_t row)
{
    char letter = command->options[row].letter;
    return letter != 0 ? letter : KEY_FIRST + (int)row;
}

static const struct command_option *find_option(const struct command *command, int key)
{
    for (size_t i = 0; command->options != NULL && command->options[i].kind != COMMAND_END; i++) {
        if (option_key(command, i) == key) {
            return &command->options[i];
        }
    }
    return NULL;
}

static error_t set_option(struct parsing *parsing, const struct command_option *option, char *arg,
                          struct argp_state *state)
{
    uint8_t *place = parsing->options + option->offset;
    uint64_t number = 0;
    switch (option->kind) {
    case COMMAND_FLAG:
        *(bool *)place = true;
        return 0;
    case COMMAND_TEXT:
        memcpy(place, &arg, sizeof(arg));
        return 0;
    case COMMAND_TEXTS: {
        struct command_texts *texts = (struct command_texts *)(void *)place;
        if (texts->count == COMMAND_TEXTS_MAX) {
            return refuse(state, "--%s more than %d times", option->name, COMMAND_TEXTS_MAX);
        }
        texts->items[texts->count++] = arg;
        return 0;
    }
    case COMMAND_COUNT:
        if (!text_u64_parse(bytes_text(arg), INT64_MAX, &number) || number == 0) {
            return refuse(state, "--%s takes a number from 1 on, not '%s'", option->name, arg);
        }
        break;
    case COMMAND_NUMBER:
        if (!text_u64_parse(bytes_text(arg), INT64_MAX, &number)) {
            return refuse(state, "--%s takes a number, not '%s'", option->name, arg);
        }
        break;
    case COMMAND_MOMENT:
    case COMMAND_UNTIL:
        if (!(option->kind == COMMAND_UNTIL ? moment_parse_end : moment_parse)(bytes_text(arg),
                                                                               &number)) {
            return refuse(
                state, "--%s takes a date (2026-11-21) or a time, UTC (2026-11-21T18:53), not '%s'",
                option->name, arg);
        }
        break;
    case COMMAND_END:
        break;
    }
    memcpy(place, &number, sizeof(number));
    return 0;
}

static error_t add_pin(struct registry_pins *pins, const char *arg, struct argp_state *state)
{
    struct error err;
    if (registry_pins_add(pins, bytes_text(arg), &err) != ST_OK) {
        return refuse(state, "%s", err.message);
    }
    return 0;
}

static error_t set_common(struct parsing *parsing, int key, char *arg, struct argp_state *state)
{
    struct settings *settings = &parsing->settings;
    uint64_t seconds = 0;
    switch (key) {
    case KEY_JSON:
        settings->json = true;
        return 0;
    case KEY_PROFILE:
        settings->profile = arg;
        return 0;
    case KEY_AS:
        settings->key = arg;
        return 0;
    case KEY_BROKER:
        settings->endpoint = arg;
        return 0;
    case KEY_BROKER_CARD:
        settings->broker_card = arg;
        return 0;
    case KEY_VKEY:
        settings->vkey = arg;
        return 0;
    case KEY_ORIGIN:
        settings->origin = arg;
        return 0;
    case KEY_CHECKPOINT:
        settings->checkpoint = arg;
        return 0;
    case KEY_REGISTRAR_PIN:
        return add_pin(&settings->registrar, arg, state);
    case KEY_POLICY_PIN:
        return add_pin(&settings->policy, arg, state);
    case KEY_TIMEOUT:
        if (!text_u64_parse(bytes_text(arg), 3600, &seconds) || seconds == 0) {
            return refuse(state, "--timeout takes 1 to 3600 seconds");
        }
        settings->timeout_ms = seconds * 1000;
        return 0;
    case KEY_LANGUAGE:
        if (strcmp(arg, "ru") != 0 && strcmp(arg, "en") != 0) {
            return refuse(state, "--language takes ru or en");
        }
        settings->language = arg;
        return 0;
    case KEY_SUBJECT:
        if (strcmp(arg, "-") != 0) {
            // Not repeated here: it would land in terminals and logs.
            return refuse(state,
                          "an identifier never stands on a command line: give --subject - and "
                          "write it to the standard input");
        }
        settings->subject = arg;
        return 0;
    case KEY_SCHEME:
        settings->scheme = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_word(int key, char *arg, struct argp_state *state)
{
    struct parsing *parsing = state->input;
    const struct command *command = parsing->command;
    const struct command_option *option = find_option(command, key);
    if (option != NULL) {
        return set_option(parsing, option, arg, state);
    }
    if (key == KEY_HELP || key == KEY_USAGE) {
        argp_state_help(state, stdout, key == KEY_HELP ? ARGP_HELP_STD_HELP : ARGP_HELP_USAGE);
        exit(0);
    }
    if (key == ARGP_KEY_ARG) {
        if (parsing->argument_count >= command->argument_max) {
            return refuse(state, "there are too many words; see --help"); // not repeated either
        }
        parsing->arguments[parsing->argument_count++] = arg;
        return 0;
    }
    if (key == ARGP_KEY_END && parsing->argument_count < command->argument_min) {
        return refuse(state, "%s is missing", command->arguments);
    }
    return set_common(parsing, key, arg, state);
}

static void fill_rows(const struct command *command, struct argp_option rows[OPTIONS_MAX])
{
    size_t used = 0;
    for (size_t i = 0; command->options != NULL && command->options[i].kind != COMMAND_END; i++) {
        const struct command_option *option = &command->options[i];
        rows[used++] = (struct argp_option){ .name = option->name,
                                             .key = option_key(command, i),
                                             .arg = option->argument,
                                             .doc = option->help,
                                             .group = 1 };
    }
    for (size_t i = 0; i < ARRAY_COUNT(common_options); i++) {
        unsigned when = common_options[i].when;
        if (when == 0 || (when & command->common) != 0) {
            rows[used++] = common_options[i].option;
        }
    }
    rows[used] = (struct argp_option){ 0 };
}

static int exit_code(enum status status)
{
    return status == ST_OK ? 0 : status == ST_USAGE ? 2 : 1;
}

// The document that --json gives for a failure.
static void print_failure(const char *words, enum status status, const char *message)
{
    struct output out;
    struct error ignored;
    output_init(&out, true);
    output_text(&out, "status", status_name(status));
    output_text(&out, "message", message);
    if (output_flush(&out, &ignored) != ST_OK) {
        fprintf(stderr, "vedomo %s: %s\n", words, ignored.message);
    }
    output_fini(&out);
}

void command_refused(int argc, char *const *argv, const char *words, const char *message)
{
    bool json = false;
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        json = json || strcmp(argv[i], "--json") == 0;
    }
    if (json) {
        print_failure(words, ST_USAGE, message);
    }
}

// A failure in words on the standard error; with --json as a document on the standard output too.
static void tell_failure(const struct command *command, const struct parsing *parsing,
                         enum status status, const struct error *err)
{
    fprintf(stderr, "vedomo %s: %s\n", command->words, err->message);
    if (parsing->settings.json) {
        print_failure(command->words, status, err->message);
    }
}

static enum status run_parsed(const struct command *command, struct parsing *parsing, bool *failed,
                              struct error *err)
{
    struct output out;
    output_init(&out, parsing->settings.json);
    enum status status = command->common == 0 ? ST_OK : settings_complete(&parsing->settings, err);
    if (status == ST_OK) {
        struct command_call call = {
            .options = parsing->options,
            .arguments = parsing->arguments,
            .argument_count = parsing->argument_count,
            .settings = &parsing->settings,
            .out = &out,
        };
        status = command->run(&call, err);
        *failed = call.failed;
    }
    if (status == ST_OK) {
        status = output_flush(&out, err);
    }
    output_fini(&out);
    return status;
}

int command_main(const struct command *command, int argc, char **argv)
{
    struct argp_option rows[OPTIONS_MAX];
    fill_rows(command, rows);
    char doc[2048];
    snprintf(doc, sizeof(doc), "%s.\v%s", command->help,
             command->detail != NULL ? command->detail : "");
    struct argp argp = {
        .options = rows,
        .parser = parse_word,
        .args_doc = command->arguments,
        .doc = doc,
    };
    struct parsing parsing = {
        .command = command,
        .settings = { .timeout_ms = (uint64_t)TIMEOUT_DEFAULT_S * 1000 },
    };
    char name[64];
    snprintf(name, sizeof(name), "vedomo %s", command->words);
    argv[0] = name;
    if (argp_parse(&argp, argc, argv, ARGP_NO_EXIT | ARGP_NO_HELP, NULL, &parsing) != 0) {
        // Words that argp itself stumbled over are not repeated: they may be about a person.
        command_refused(argc, argv, command->words,
                        parsing.wrong.status != ST_OK
                            ? parsing.wrong.message
                            : "there is no such option, or its value is missing; see --help");
        settings_fini(&parsing.settings);
        return 2;
    }
    struct error err = { 0 };
    bool failed = false;
    enum status status = run_parsed(command, &parsing, &failed, &err);
    if (status != ST_OK) {
        tell_failure(command, &parsing, status, &err);
    }
    settings_fini(&parsing.settings);
    return status == ST_OK && failed ? 1 : exit_code(status);
}
