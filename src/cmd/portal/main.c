// vedomo-portal: what a federation shows over HTTP. `vedomo-portal FILE` runs it in the foreground
// until SIGTERM or SIGINT. Exit 0 stopped, 1 failed, 2 usage or configuration.
#include "base/event.h"
#include "base/supervisor.h"
#include "portal/portal.h"

#include <argp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
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

// Keys are in this memory.
static void keep_memory_private(void)
{
    struct rlimit none = { 0 };
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0);
}

static int failed(const char *path, const struct error *err)
{
    fprintf(stderr, "vedomo-portal: %s: %s\n", path, err->message);
    return err->status == ST_USAGE || err->status == ST_MALFORMED ? EXIT_USAGE : EXIT_REFUSED;
}

static int serve(const char *path, const sigset_t *signals)
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
        supervisor_notify("READY=1");
        int signal = 0;
        while (sigwait(signals, &signal) != 0) {
        }
        log_event(LOG_LEVEL_NOTICE, "portal.stopping");
        supervisor_notify("STOPPING=1");
    } else {
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
    argp_err_exit_status = EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &path);
    keep_memory_private();
    // Blocked before any thread starts, so that they come to sigwait() alone.
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    return serve(path, &signals);
}
