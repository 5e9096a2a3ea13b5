// vedomo log: what the log publishes about itself.
#include <limits.h>
#include <stdio.h>

#include "commands.h"

#include "proof/note.h"
#include "seal/keyfile.h"

struct options {
    const char *home;
};

static const struct command_option option_table[] = {
    { COMMAND_TEXT, offsetof(struct options, home), "home", 0, "HOME", "The broker's folder" },
    { .kind = COMMAND_END },
};

static enum status run_vkey(struct command_call *call, struct error *err)
{
    const struct options *options = call->options;
    char path[PATH_MAX];
    if (options->home == NULL) {
        return error_set(err, ST_USAGE, "give --home HOME, the broker's folder");
    }
    if (snprintf(path, sizeof(path), "%s/keys/log.key", options->home) >= (int)sizeof(path)) {
        return error_set(err, ST_USAGE, "%s: path too long", options->home);
    }
    struct seal_identity log;
    enum status status = seal_keyfile_load(path, &log, err);
    if (status != ST_OK) {
        return status;
    }
    struct proof_key key;
    struct buffer vkey = buffer_init(1024);
    status = log.role != SEAL_ROLE_LOG
                 ? error_set(err, ST_MALFORMED, "%s is not the key of a log", path)
                 : proof_key_make(log.node, PROOF_KEY_ED25519, &log.sign_key, &key, err);
    if (status == ST_OK) {
        proof_key_format(&key, &vkey);
        status = buffer_ok(&vkey, "vkey", err);
    }
    if (status == ST_OK) {
        output_bytes(call->out, "vkey", buffer_view(&vkey));
        output_line(call->out, "%.*s", (int)vkey.size, (const char *)vkey.data);
    }
    buffer_fini(&vkey);
    seal_identity_fini(&log);
    return status;
}

const struct command cmd_log_vkey = {
    .words = "log vkey",
    .help = "Print the log's public key in the form that others pin",
    .options = option_table,
    .options_bytes = sizeof(struct options),
    .run = run_vkey,
};
