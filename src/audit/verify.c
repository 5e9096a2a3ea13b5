// The checker's outside. The store is read in a child process: LMDB maps its file into memory and
// trusts it, so a damaged one may end the process that reads it. A child that dies is a finding;
// what it told before stands.
#include "audit/verify.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit/verify_walk.h"

const char *audit_fault_name(enum audit_fault fault)
{
    static const char *const names[AUDIT_FAULT_COUNT] = {
        [AUDIT_FAULT_STORE] = "store", [AUDIT_FAULT_ENTRY] = "entry",
        [AUDIT_FAULT_TILE] = "tile",   [AUDIT_FAULT_CHECKPOINT] = "checkpoint",
        [AUDIT_FAULT_SHORT] = "short", [AUDIT_FAULT_BODY] = "body",
        [AUDIT_FAULT_KEY] = "key",     [AUDIT_FAULT_VIEW] = "view",
    };
    return (unsigned)fault < AUDIT_FAULT_COUNT ? names[fault] : "unknown";
}

void audit_tell_send(int pipe, const struct audit_tell *tell)
{
    const uint8_t *bytes = (const uint8_t *)tell;
    size_t done = 0;
    while (done < sizeof(*tell)) {
        ssize_t wrote = write(pipe, bytes + done, sizeof(*tell) - done);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote <= 0) {
            _exit(1);
        }
        done += (size_t)wrote;
    }
}

// False: the pipe has ended.
static bool next_message(int pipe, struct audit_tell *tell)
{
    uint8_t *bytes = (uint8_t *)tell;
    size_t have = 0;
    while (have < sizeof(*tell)) {
        ssize_t got = read(pipe, bytes + have, sizeof(*tell) - have);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return false;
        }
        have += (size_t)got;
    }
    return true;
}

// Passes on what the child tells. True: it told to the end. *views: it was at the views last.
static bool listen_to(int pipe, const struct audit_verify_options *options,
                      struct audit_verify_result *result, bool *views, struct error *end)
{
    struct audit_tell tell;
    while (next_message(pipe, &tell)) {
        *views = tell.views;
        switch (tell.kind) {
        case AUDIT_TELL_FINDING:
            result->findings++;
            options->found(&tell.finding, options->context);
            break;
        case AUDIT_TELL_PROGRESS:
            tell.result.findings = result->findings;
            *result = tell.result;
            if (options->progress != NULL) {
                options->progress(tell.done, tell.total, options->context);
            }
            break;
        case AUDIT_TELL_END:
            tell.result.findings = result->findings;
            *result = tell.result;
            *end = tell.error;
            return true;
        default:
            return false;
        }
    }
    return false;
}

static void tell_death(int how, bool views, const struct audit_verify_options *options,
                       struct audit_verify_result *result)
{
    struct audit_finding finding = { .fault = views ? AUDIT_FAULT_VIEW : AUDIT_FAULT_STORE,
                                     .index = views ? 0 : result->size,
                                     .count = views ? result->applied : 0 };
    const char *what = views ? "the views are damaged" : "the environment is damaged";
    if (WIFSIGNALED(how)) {
        snprintf(finding.message, sizeof(finding.message),
                 "%s: reading them ended in signal %d (%s)", what, WTERMSIG(how),
                 strsignal(WTERMSIG(how)));
    } else {
        snprintf(finding.message, sizeof(finding.message), "%s: reading them ended early", what);
    }
    result->findings++;
    options->found(&finding, options->context);
}

// In the child: whatever handlers the program has, damage ends this process and no more.
static void die_of_damage(void)
{
    static const int signals[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL };
    for (size_t i = 0; i < ARRAY_COUNT(signals); i++) {
        (void)signal(signals[i], SIG_DFL);
    }
}

enum status audit_verify(const struct audit_verify_options *options,
                         struct audit_verify_result *result, struct error *err)
{
    struct proof_ring keys;
    struct audit_verify_result found = { 0 };
    struct error end = { .status = ST_OK };
    int ends[2];
    int how = 0;
    enum status status = proof_ring_vkeys(bytes_text(options->vkey), &keys, err);
    if (status != ST_OK) {
        return status;
    }
    if (pipe(ends) != 0) {
        return error_errno(err, ST_IO, "audit verify: pipe");
    }
    pid_t parent = getpid();
    pid_t child = fork();
    if (child < 0) {
        close(ends[0]);
        close(ends[1]);
        return error_errno(err, ST_IO, "audit verify: fork");
    }
    if (child == 0) {
        close(ends[0]);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        die_of_damage();
        if (getppid() == parent) {
            audit_verify_walk(options, &keys, ends[1]);
        }
        _exit(0);
    }
    close(ends[1]);
    bool views = false;
    bool ended = listen_to(ends[0], options, &found, &views, &end);
    close(ends[0]);
    while (waitpid(child, &how, 0) < 0 && errno == EINTR) {
    }
    if (ended && end.status != ST_OK) {
        return error_set(err, end.status, "%s", end.message);
    }
    if (!ended) {
        tell_death(how, views, options, &found);
    }
    *result = found;
    return ST_OK;
}
