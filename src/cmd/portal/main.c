// vedomo-portal: what a federation shows over HTTP. `vedomo-portal FILE` runs it in the foreground
// until SIGTERM or SIGINT. Exit 0 stopped, 1 failed, 2 usage or configuration.
#include "base/event.h"
#include "base/supervisor.h"
#include "portal/portal.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_REFUSED = 1, EXIT_USAGE = 2 };

static error_t parse(int key, char *argument, struct argp_state *state)
{
    const char **path = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        if (*path != NULL) {
            argp_usage(state);
        }
        *path = argument;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_usage(state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int failed(const char *path, const struct error *err)
{
    bool named = strncmp(err->message, path, strlen(path)) == 0; // the file's own faults name it
    fprintf(stderr, "vedomo-portal: %s%s%s\n", named ? "" : path, named ? "" : ": ", err->message);
    return err->status == ST_USAGE || err->status == ST_MALFORMED ? EXIT_USAGE : EXIT_REFUSED;
}

static int serve(const char *path)
{
    struct error err = { 0 };
    struct config *config = NULL;
    struct portal *portal = NULL;
    int result = EXIT_SUCCESS;
    enum status status = config_load(CONFIG_PORTAL, path, &config, &err);
    if (status == ST_OK) {
        log_configure(STDERR_FILENO, (enum log_level)config_portal(config)->watch.level);
        status = portal_start(config_portal(config), &portal, &err);
    }
    if (status == ST_OK) {
        log_event(LOG_LEVEL_NOTICE, "portal.started", log_number("port", portal_port(portal)));
        status = supervisor_serve(-1, -1, &err);
        log_event(LOG_LEVEL_NOTICE, "portal.stopping");
    }
    if (status != ST_OK) {
        err.status = status;
        result = failed(path, &err);
    }
    portal_stop(&portal);
    config_destroy(&config);
    return result;
}

int main(int argc, char **argv)
{
    static const struct argp argp = {
        .parser = parse,
        .args_doc = "FILE",
        .doc = "Shows a federation's public log over HTTP, as C2SP tiles below /log/.",
    };
    const char *path = NULL;
    argp_program_version = "vedomo-portal " VEDOMO_VERSION;
    argp_err_exit_status = EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &path);
    supervisor_begin();
    return serve(path);
}
