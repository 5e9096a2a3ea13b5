// vedomo-node: an agency's connector. `vedomo-node FILE` runs it in the foreground until SIGTERM or
// SIGINT; `vedomo-node check FILE` says in words what is wrong with it.
#include "node/api.h"
#include "node/check.h"

#include "base/event.h"
#include "base/supervisor.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_REFUSED = 1, EXIT_USAGE = 2 };

struct arguments {
    const char *words[2];
    int count;
    bool json;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'j':
        arguments->json = true;
        return 0;
    case ARGP_KEY_ARG:
        if (arguments->count == 2) {
            argp_usage(state);
        }
        arguments->words[arguments->count++] = argument;
        return 0;
    case ARGP_KEY_END:
        if (arguments->count == 0 ||
            (arguments->count == 2 && strcmp(arguments->words[0], "check") != 0)) {
            argp_usage(state);
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int failed(const char *path, const struct error *err)
{
    bool named = strncmp(err->message, path, strlen(path)) == 0; // the file's own faults name it
    fprintf(stderr, "vedomo-node: %s%s%s\n", named ? "" : path, named ? "" : ": ", err->message);
    return err->status == ST_USAGE || err->status == ST_MALFORMED ? EXIT_USAGE : EXIT_REFUSED;
}

static int serve(const char *path)
{
    struct error err = { 0 };
    struct config *config = NULL;
    struct node_engine *engine = NULL;
    struct node_api *api = NULL;
    int result = EXIT_SUCCESS;
    enum status status = config_load(CONFIG_NODE, path, &config, &err);
    if (status == ST_OK) {
        log_configure(STDERR_FILENO, (enum log_level)config_node(config)->watch.level);
        status = node_engine_start(config_node(config), NULL, 0, &engine, &err);
    }
    const char *listen = status == ST_OK ? config_node(config)->api.listen : NULL;
    if (listen != NULL && listen[0] != '\0') {
        status = node_api_start(config_node(config), engine, &api, &err);
    }
    if (status == ST_OK) {
        log_event(LOG_LEVEL_NOTICE, "node.started", log_text("member", config_node(config)->member),
                  log_number("port", api == NULL ? 0 : node_api_port(api)));
        status = supervisor_serve(-1, -1, &err);
        log_event(LOG_LEVEL_NOTICE, "node.stopping");
    }
    if (status != ST_OK) {
        err.status = status;
        result = failed(path, &err);
    }
    node_api_stop(&api);
    node_engine_stop(&engine);
    config_destroy(&config);
    return result;
}

int main(int argc, char **argv)
{
    static const struct argp_option options[] = {
        { "json", 'j', NULL, 0, "findings of `check` as JSON", 0 },
        { 0 },
    };
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "FILE\ncheck FILE",
        .doc =
            "An agency's connector: asks other agencies for fields of a person, and answers them "
            "from the agency's registers.",
    };
    struct arguments arguments = { 0 };
    argp_program_version = "vedomo-node " VEDOMO_VERSION;
    argp_err_exit_status = EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    if (arguments.count == 2) {
        supervisor_protect_memory();
        return node_check(arguments.words[1], arguments.json, stdout) ? EXIT_SUCCESS : EXIT_REFUSED;
    }
    supervisor_begin();
    return serve(arguments.words[0]);
}
