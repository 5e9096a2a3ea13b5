// vedomod: the broker. `vedomod --home HOME` runs in the foreground until SIGTERM or SIGINT, an
// operator's stop, or a failure of the record. Exit 0 stopped, 1 failed, 2 usage.
#include "base/event.h"
#include "base/supervisor.h"
#include "broker/core.h"
#include "config/config.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>

static const struct argp_option options[] = {
    { "home", 'h', "DIR", 0, "the broker's home, as 'vedomo init' made it", 0 },
    { "ready-fd", 'r', "N", 0, "write one line to this descriptor once the broker serves", 0 },
    { 0 },
};

struct arguments {
    const char *home;
    int ready_fd; // -1: none
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'h':
        arguments->home = argument;
        return 0;
    case 'r':
        arguments->ready_fd = (int)strtol(argument, NULL, 10);
        return 0;
    case ARGP_KEY_END:
        if (arguments->home == NULL) {
            argp_error(state, "which home? give --home DIR (make one with 'vedomo init DIR')");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = { options, parse, NULL, "Vedomo's broker.", NULL, NULL, NULL };

int main(int argc, char **argv)
{
    struct arguments arguments = { .ready_fd = -1 };
    struct error err = { 0 };
    struct broker *broker = NULL;
    argp_program_version = "vedomod " VEDOMO_VERSION;
    argp_err_exit_status = 2;
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    supervisor_begin();
    if (broker_start(arguments.home, &broker, &err) != ST_OK) {
        fprintf(stderr, "vedomod: %s\n", err.message);
        return 1;
    }
    log_event(LOG_LEVEL_NOTICE, "broker.serves",
              log_text("endpoint", broker->home.settings->listen.endpoint),
              log_text("origin", broker->home.settings->origin));
    enum status status = supervisor_serve(arguments.ready_fd, broker_stop_fd(broker), &err);
    if (status != ST_OK) {
        fprintf(stderr, "vedomod: %s\n", err.message);
    }
    bool failed = status != ST_OK || broker_has_failed(broker);
    broker_stop(&broker);
    log_event(LOG_LEVEL_NOTICE, "broker.stopped");
    return failed ? 1 : 0;
}
