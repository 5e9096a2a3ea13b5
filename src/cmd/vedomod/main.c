// vedomod: the broker. `vedomod --home HOME` runs in the foreground until SIGTERM or SIGINT, an
// operator's stop, or a failure of the record. Exit 0 stopped, 1 failed, 2 usage.
#include "base/event.h"
#include "broker/core.h"
#include "config/config.h"

#include <argp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

const char *argp_program_version = "vedomod " VEDOMO_VERSION;

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

// Keys are in this process: no core dumps, no debugger of another user. Descriptors for a thousand
// peers.
static void protect_process(void)
{
    struct rlimit none = { 0, 0 };
    struct rlimit files;
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

// Blocks the signals for the whole process; they come by descriptor.
static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

static void wait_for_end(const struct broker *broker, int signals)
{
    struct pollfd fds[] = { { .fd = signals, .events = POLLIN },
                            { .fd = broker_stop_fd(broker), .events = POLLIN } };
    while (poll(fds, 2, -1) <= 0) {
    }
}

int main(int argc, char **argv)
{
    struct arguments arguments = { .ready_fd = -1 };
    struct error err = { 0 };
    struct broker *broker = NULL;
    argp_err_exit_status = 2;
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    protect_process();
    int signals = open_signals();
    if (broker_start(arguments.home, &broker, &err) != ST_OK) {
        fprintf(stderr, "vedomod: %s\n", err.message);
        return 1;
    }
    log_event(LOG_LEVEL_NOTICE, "broker.serves",
              log_text("endpoint", broker->home.settings->listen.endpoint),
              log_text("origin", broker->home.settings->origin));
    if (arguments.ready_fd >= 0) {
        ssize_t done = write(arguments.ready_fd, "ready\n", 6);
        (void)done; // whoever asked for it has gone: it serves all the same
    }
    wait_for_end(broker, signals);
    bool failed = broker_has_failed(broker);
    broker_stop(&broker);
    log_event(LOG_LEVEL_NOTICE, "broker.stopped");
    close(signals);
    return failed ? 1 : 0;
}
