// vedomo keys rewrap: a new master key for the broker's folder, while no broker runs on it.
//
// The new key waits as keys/master-next.key. Every body key is wrapped anew, one file after
// another; then it takes the place of keys/master.key in one step. Until then both are needed and
// both are there; an interrupted run is finished by the next.
#include "commands.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "broker/home.h"
#include "broker/key_state.h"

struct paths {
    char next[PATH_MAX];
    char master[PATH_MAX];
    char changed[PATH_MAX];
    char bodies[PATH_MAX];
};

static enum status make_paths(const char *home, struct paths *paths, struct error *err)
{
    const struct {
        char *path;
        const char *name;
    } all[] = { { paths->next, "keys/master-next.key" },
                { paths->master, "keys/master.key" },
                { paths->changed, KEY_STATE_MASTER },
                { paths->bodies, AUDIT_VAULT_FOLDER } };
    for (size_t i = 0; i < ARRAY_COUNT(all); i++) {
        if (snprintf(all[i].path, PATH_MAX, "%s/%s", home, all[i].name) >= PATH_MAX) {
            return error_set(err, ST_USAGE, "%s: path too long", home);
        }
    }
    return ST_OK;
}

static enum status rewrap(const struct broker_home *home, const struct paths *paths,
                          const struct seal_identity *next, size_t *wrapped, struct error *err)
{
    struct digest mark = audit_key_mark(home->master.secrets[0]);
    enum status status =
        audit_vault_rewrap(paths->bodies, home->master.secrets[0], next->secrets[0], wrapped, err);
    if (status == ST_OK) {
        status = file_replace(paths->changed, bytes_digest(&mark), 0600, err);
    }
    if (status == ST_OK && rename(paths->next, paths->master) != 0) {
        status = error_errno(err, ST_IO, "%s", paths->master);
    }
    return status;
}

static enum status run(struct command_call *call, struct error *err)
{
    struct paths paths;
    struct broker_home home = { .lock = 0 };
    struct seal_identity next = { .role = SEAL_ROLE_NONE };
    size_t wrapped = 0;
    enum status status = broker_home_open(call->arguments[0], &home, err);
    if (status != ST_OK) {
        return status;
    }
    status = make_paths(home.path, &paths, err);
    if (status == ST_OK) {
        status = seal_keyfile_load(paths.next, &next, err);
        if (status == ST_NOT_FOUND) {
            error_set(err, ST_NOT_FOUND,
                      "%s: there is none; make it with 'vedomo keygen --role master'", paths.next);
        }
    }
    if (status == ST_OK && next.role != SEAL_ROLE_MASTER) {
        status = error_set(err, ST_USAGE, "%s is not a master key", paths.next);
    }
    if (status == ST_OK) {
        status = rewrap(&home, &paths, &next, &wrapped, err);
    }
    if (status == ST_OK) {
        output_number(call->out, "wrapped", wrapped);
        output_line(call->out,
                    "%zu body keys are wrapped by the new master key; the next start of the broker "
                    "records it",
                    wrapped);
    }
    seal_identity_fini(&next);
    broker_home_close(&home);
    return status;
}

const struct command cmd_keys_rewrap = {
    .words = "keys rewrap",
    .arguments = "HOME",
    .argument_min = 1,
    .argument_max = 1,
    .help = "Change the master key of a stopped broker's folder",
    .detail = "The new key is HOME/keys/master-next.key. It may be interrupted at any time: the "
              "broker does not start until another run has finished it.",
    .run = run,
};
