// vedomo witness: a witness in the foreground, until SIGTERM or SIGINT; and the key that others
// know it by.
#include <unistd.h>

#include "commands.h"

#include "base/event.h"
#include "base/supervisor.h"
#include "proof/note.h"
#include "seal/keyfile.h"
#include "witness/server.h"

// ---- serve

static enum status run_serve(struct command_call *call, struct error *err)
{
    struct config *config = NULL;
    struct witness *witness = NULL;
    supervisor_begin();
    enum status status = config_load(CONFIG_WITNESS, call->arguments[0], &config, err);
    if (status == ST_MALFORMED) {
        status = ST_USAGE;
    }
    if (status == ST_OK) {
        log_configure(STDERR_FILENO, (enum log_level)config_witness(config)->watch.level);
        status = witness_start(config_witness(config), &witness, err);
    }
    if (status == ST_OK) {
        log_event(LOG_LEVEL_NOTICE, "witness.started", log_number("port", witness_port(witness)));
        status = supervisor_serve(-1, -1, err);
        log_event(LOG_LEVEL_NOTICE, "witness.stopping");
    }
    witness_stop(&witness);
    config_destroy(&config);
    return status;
}

const struct command cmd_witness_serve = {
    .words = "witness serve",
    .arguments = "FILE",
    .argument_min = 1,
    .argument_max = 1,
    .help = "Run a witness: it cosigns logs that only grow",
    .detail =
        "FILE is its configuration (docs/configuration.md, witness.yaml). It speaks C2SP "
        "tlog-witness over HTTP and runs in the foreground until SIGTERM or SIGINT. Its key is "
        "made by 'vedomo keygen --role witness'.",
    .run = run_serve,
};

// ---- vkey

struct options {
    const char *key;
};

static const struct command_option option_table[] = {
    { COMMAND_TEXT, offsetof(struct options, key), "key", 'k', "FILE.key", "The witness's key" },
    { .kind = COMMAND_END },
};

static enum status run_vkey(struct command_call *call, struct error *err)
{
    const struct options *options = call->options;
    struct seal_identity identity;
    struct proof_key key;
    if (options->key == NULL) {
        return error_set(err, ST_USAGE, "give --key FILE.key, the witness's key");
    }
    enum status status = seal_keyfile_load_role(options->key, SEAL_ROLE_WITNESS, &identity, err);
    if (status != ST_OK) {
        return status;
    }
    struct buffer vkey = buffer_init(1024);
    status = proof_key_make(identity.node, PROOF_KEY_COSIGNATURE, &identity.sign_key, &key, err);
    if (status == ST_OK) {
        proof_key_format(&key, &vkey);
        status = buffer_ok(&vkey, "vkey", err);
    }
    if (status == ST_OK) {
        output_bytes(call->out, "vkey", buffer_view(&vkey));
        output_line(call->out, "%.*s", (int)vkey.size, (const char *)vkey.data);
    }
    buffer_fini(&vkey);
    seal_identity_fini(&identity);
    return status;
}

const struct command cmd_witness_vkey = {
    .words = "witness vkey",
    .help = "Print a witness's public key in the form that policies name",
    .options = option_table,
    .options_bytes = sizeof(struct options),
    .run = run_vkey,
};
