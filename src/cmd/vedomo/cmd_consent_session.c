// vedomo consent code, open, close: a citizen's session at a desk. The portal's key makes a code
// that the citizen holds; the desk opens a session with it. Neither ever stands on a command line.
#include <stdio.h>
#include <unistd.h>

#include "commands.h"
#include "person.h"
#include "typed.h"

#include "base/file.h"
#include "receipts.h"
#include "seal/secret.h"

enum { MESSAGE_VERSION = 1, CODE_TYPED_MAX = 64 };

struct options {
    const char *session;
    const char *clerk;
};

static const struct command_option open_table[] = {
    { COMMAND_TEXT, offsetof(struct options, session), "session", 0, "FILE",
      "Keep the session here (mode 0600)" },
    { COMMAND_TEXT, offsetof(struct options, clerk), "clerk", 0, "NAME", "The clerk's pseudonym" },
    { .kind = COMMAND_END },
};

static const struct command_option close_table[] = {
    { COMMAND_TEXT, offsetof(struct options, session), "session", 0, "FILE", "The session to end" },
    { .kind = COMMAND_END },
};

static enum status run_code(struct command_call *call, struct error *err)
{
    struct person person;
    enum status status = person_open(call, NULL, PERSON_SUBJECT, &person, err);
    if (status != ST_OK) {
        return status;
    }
    struct wire_session message = {
        .version = MESSAGE_VERSION,
        .action = WIRE_SESSION_MAKE_CODE,
        .subject_scheme = person.scheme,
        .subject = buffer_view(&person.subject),
    };
    struct wire_result result;
    struct bytes body;
    status = link_call(person.link, WIRE_SESSION, &message, (struct bytes){ 0 }, person.arena,
                       &result, &body, err);
    if (status == ST_OK && result.value.size != ID_BYTES) {
        status = error_set(err, ST_MALFORMED, "the broker gave no code");
    }
    if (status == ST_OK) {
        struct id code;
        char text[TYPED_CODE_BYTES];
        char until[OUTPUT_MOMENT_BYTES];
        memcpy(code.bytes, result.value.data, ID_BYTES);
        typed_code_format(&code, text);
        output_text(call->out, "code", text);
        output_moment(call->out, "expires_at", result.expires_at);
        output_line(call->out, "%s", text);
        output_line(call->out, "for the citizen alone; good once, until %s",
                    output_moment_text(result.expires_at, until));
        seal_wipe(text, sizeof(text));
        seal_wipe(&code, sizeof(code));
    }
    person_close(&person);
    return status;
}

static enum status read_code(struct id *code, struct error *err)
{
    struct buffer line = buffer_init(CODE_TYPED_MAX);
    enum status status = typed_line("the citizen's code", true, CODE_TYPED_MAX, &line, err);
    if (status == ST_OK && !typed_code_parse(buffer_view(&line), code)) {
        status = error_set(err, ST_USAGE, "that is not a code: it has 26 letters and digits");
    }
    if (line.data != NULL) {
        seal_wipe(line.data, line.capacity);
    }
    buffer_fini(&line);
    return status;
}

static enum status keep_session(struct command_call *call, const char *path,
                                const struct wire_result *result, struct error *err)
{
    struct digest handle;
    char until[OUTPUT_MOMENT_BYTES];
    if (result->value.size != DIGEST_BYTES) {
        return error_set(err, ST_MALFORMED, "the broker gave no session");
    }
    memcpy(handle.bytes, result->value.data, DIGEST_BYTES);
    enum status status = typed_session_save(path, &handle, err);
    seal_wipe(&handle, sizeof(handle));
    if (status == ST_OK) {
        output_text(call->out, "session_file", path);
        output_moment(call->out, "expires_at", result->expires_at);
        output_line(call->out, "%s: the citizen's session; without use it ends at %s", path,
                    output_moment_text(result->expires_at, until));
    }
    return status;
}

static enum status run_open(struct command_call *call, struct error *err)
{
    const struct options *options = call->options;
    struct link *link = NULL;
    struct id code = { { 0 } };
    struct arena *arena = arena_create(WIRE_ARENA_BYTES + WIRE_BOXES_MAX_BYTES);
    enum status status =
        options->session == NULL
            ? error_set(err, ST_USAGE, "give --session FILE, where the session is kept")
        : file_exists(options->session)
            ? error_set(err, ST_EXISTS, "%s exists already; it is not overwritten",
                        options->session)
        : arena == NULL ? error_set(err, ST_NOMEM, "session")
                        : link_open(call->settings, &link, err);
    if (status == ST_OK) {
        status = read_code(&code, err);
    }
    if (status == ST_OK) {
        struct wire_session message = {
            .version = MESSAGE_VERSION,
            .action = WIRE_SESSION_OPEN,
            .code = code,
            .clerk = options->clerk == NULL ? (struct bytes){ 0 } : bytes_text(options->clerk),
        };
        struct wire_result result;
        struct bytes body;
        status = link_call(link, WIRE_SESSION, &message, (struct bytes){ 0 }, arena, &result, &body,
                           err);
        if (status == ST_OK) {
            status = keep_session(call, options->session, &result, err);
        }
    }
    seal_wipe(&code, sizeof(code));
    arena_destroy(&arena);
    link_close(&link);
    return status;
}

static enum status run_close(struct command_call *call, struct error *err)
{
    const struct options *options = call->options;
    struct person person;
    enum status status = person_open(call, options->session, PERSON_SESSION, &person, err);
    if (status != ST_OK) {
        return status;
    }
    struct wire_session message = {
        .version = MESSAGE_VERSION,
        .action = WIRE_SESSION_CLOSE,
        .session = person.session,
    };
    struct wire_result result;
    struct bytes body;
    status = link_call(person.link, WIRE_SESSION, &message, (struct bytes){ 0 }, person.arena,
                       &result, &body, err);
    if (status == ST_OK && unlink(options->session) != 0) {
        status = error_errno(err, ST_IO, "%s", options->session);
    }
    if (status == ST_OK) {
        output_line(call->out, "the session has ended");
    }
    person_close(&person);
    return status;
}

const struct command cmd_consent_code = {
    .words = "consent code",
    .help = "Make a one-time code for a citizen, with the portal's key",
    .common = COMMAND_CONNECTS | COMMAND_SUBJECT,
    .run = run_code,
};

const struct command cmd_consent_open = {
    .words = "consent open",
    .help = "Open a citizen's session with the code that the citizen holds",
    .detail = "The code comes from the standard input.",
    .common = COMMAND_CONNECTS,
    .options = open_table,
    .options_bytes = sizeof(struct options),
    .run = run_open,
};

const struct command cmd_consent_close = {
    .words = "consent close",
    .help = "End a citizen's session",
    .common = COMMAND_CONNECTS,
    .options = close_table,
    .options_bytes = sizeof(struct options),
    .run = run_close,
};
