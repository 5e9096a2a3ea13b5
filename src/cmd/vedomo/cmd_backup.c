// vedomo backup log, keys, check, restore: on the broker's machine, from its folder, beside the
// running broker. The log and its keys go to two places.
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "backup_files.h"
#include "commands.h"

#include "audit/backup.h"
#include "base/file.h"
#include "config/config.h"

struct options {
    const char *home;
    const char *keys;
};

#define HOME_OPTION(help_)                                                                         \
    {                                                                                              \
        COMMAND_TEXT, offsetof(struct options, home), "home", 0, "HOME", (help_)                   \
    }

static const struct command_option home_options[] = {
    HOME_OPTION("The broker's folder"),
    { .kind = COMMAND_END },
};

static const struct command_option restore_options[] = {
    { COMMAND_TEXT, offsetof(struct options, keys), "keys", 0, "DIR",
      "Bring the keys back, too, from this backup of them" },
    { .kind = COMMAND_END },
};

static enum status need_home(const struct options *options, struct error *err)
{
    return options->home != NULL
               ? ST_OK
               : error_set(err, ST_USAGE, "give --home HOME, the broker's folder");
}

// How large the broker may let the log become: a reader's map has to reach as far.
static enum status read_map(const char *home, size_t *map_bytes, struct error *err)
{
    char path[PATH_MAX];
    struct config *config = NULL;
    enum status status = file_join(path, sizeof(path), home, "vedomod.yaml", err);
    if (status == ST_OK) {
        status = config_load(CONFIG_VEDOMOD, path, &config, err);
    }
    if (status == ST_OK) {
        *map_bytes = (size_t)config_vedomod(config)->audit.log_map_bytes;
    }
    config_destroy(&config);
    return status;
}

static void show_progress(uint64_t done, uint64_t total, void *context)
{
    (void)context;
    if (isatty(STDERR_FILENO) == 1) {
        fprintf(stderr, "\r%llu of %llu entries%s", (unsigned long long)done,
                (unsigned long long)total, done >= total ? "\n" : "");
    }
}

// ---- log

static enum status run_log(struct command_call *call, struct error *err)
{
    const struct options *options = call->options;
    const char *folder = call->arguments[0];
    struct audit_backup_options backup = { .home = options->home,
                                           .folder = folder,
                                           .progress = show_progress };
    struct audit_backup_result result = { 0 };
    struct backup_files_result files = { 0 };
    char beside[PATH_MAX];
    enum status status = need_home(options, err);
    if (status == ST_OK) {
        status = read_map(options->home, &backup.map_bytes, err);
    }
    if (status == ST_OK) {
        status = backup_files_place(folder, options->home, false, err);
    }
    if (status == ST_OK) {
        status = audit_backup(&backup, &result, err);
    }
    if (status == ST_OK) {
        status = file_join(beside, sizeof(beside), folder, "home", err);
    }
    if (status == ST_OK) { // after the log: a bundle's file is there before its entry
        status = backup_files_copy(options->home, beside, &files, err);
    }
    if (status == ST_OK) {
        output_text(call->out, "folder", folder);
        output_number(call->out, "before", result.before);
        output_number(call->out, "size", result.size);
        output_number(call->out, "bytes", result.bytes);
        output_line(call->out, "%s: %llu entries, %llu of them new, proven by the log's signature",
                    folder, (unsigned long long)result.size,
                    (unsigned long long)(result.size - result.before));
        output_line(call->out,
                    "There is no key in it: 'vedomo backup keys' keeps those elsewhere.");
    }
    return status;
}

// ---- keys

static enum status run_keys(struct command_call *call, struct error *err)
{
    const struct options *options = call->options;
    const char *folder = call->arguments[0];
    struct backup_files_result result = { 0 };
    enum status status = need_home(options, err);
    if (status == ST_OK) {
        status = backup_files_place(folder, options->home, true, err);
    }
    if (status == ST_OK) {
        status = backup_files_keys(options->home, folder, &result, err);
    }
    if (status == ST_OK) {
        output_text(call->out, "folder", folder);
        output_number(call->out, "written", result.written);
        output_number(call->out, "kept", result.kept);
        output_number(call->out, "destroyed", result.destroyed);
        output_line(call->out,
                    "%s: %zu keys written, %zu were there, %zu of forgotten months destroyed",
                    folder, result.written, result.kept, result.destroyed);
        output_line(call->out, "Whoever has this and the log can read everything: keep it apart, "
                               "and one of it.");
    }
    return status;
}

// ---- check, restore

static enum status run_check(struct command_call *call, struct error *err)
{
    struct audit_backup_result result = { 0 };
    enum status status = audit_backup_check(call->arguments[0], call->settings->vkey, &result, err);
    if (status == ST_OK) {
        output_number(call->out, "size", result.size);
        output_number(call->out, "bytes", result.bytes);
        output_bool(call->out, "pinned", call->settings->vkey != NULL);
        output_line(call->out, "%s: %llu entries, whole, and what the log has signed",
                    call->arguments[0], (unsigned long long)result.size);
        if (call->settings->vkey == NULL) {
            output_line(call->out, "by the key that the copy itself names: with --vkey it is "
                                   "compared with the one that you know");
        }
    }
    return status;
}

static enum status make_folders(const char *home, struct error *err)
{
    static const char *const folders[] = { "keys", "keys/body" };
    char path[PATH_MAX];
    enum status status = file_make_folder(home, 0700, err);
    for (size_t i = 0; status == ST_OK && i < ARRAY_COUNT(folders); i++) {
        status = file_join(path, sizeof(path), home, folders[i], err);
        if (status == ST_OK) {
            status = file_make_folder(path, 0700, err);
        }
    }
    return status;
}

static void show_restored(struct output *out, const char *home, uint64_t size, bool keys)
{
    output_text(out, "home", home);
    output_number(out, "size", size);
    output_bool(out, "keys", keys);
    output_line(out, "%s: %llu entries; views are made when the broker starts", home,
                (unsigned long long)size);
    if (!keys) {
        output_line(out,
                    "Bring the keys back into %s/keys (and keys/body) before it starts, mode 0600.",
                    home);
    }
    output_line(out,
                "Only looking? Then do not start a broker on it while the other one lives: two "
                "that go on are two logs of one name, and both end.");
    output_line(
        out,
        "Did the log publish more than these %llu entries? Then this origin must not go on: "
        "the broker stops when a peer or a witness shows it.",
        (unsigned long long)size);
    output_line(out, "Begin a new one: vedomo init NEWHOME --origin NEW --continues "
                     "CHECKPOINT --continues-vkey VKEY");
}

static enum status run_restore(struct command_call *call, struct error *err)
{
    const struct options *options = call->options;
    const char *folder = call->arguments[0];
    const char *home = call->arguments[1];
    char beside[PATH_MAX];
    struct audit_backup_options backup = { .home = home,
                                           .folder = folder,
                                           .progress = show_progress };
    struct audit_backup_result result = { 0 };
    struct backup_files_result files = { 0 };
    enum status status = file_join(beside, sizeof(beside), folder, "home", err);
    if (status == ST_OK && options->keys != NULL) { // before anything is made
        status = backup_files_keys_are_in(options->keys, err);
    }
    if (status == ST_OK) {
        status = read_map(beside, &backup.map_bytes, err);
    }
    if (status == ST_OK) {
        status = make_folders(home, err);
    }
    if (status == ST_OK) {
        status = audit_backup_restore(&backup, call->settings->vkey, &result, err);
    }
    if (status == ST_OK) {
        status = backup_files_copy(beside, home, &files, err);
    }
    if (status == ST_OK && options->keys != NULL) {
        status = backup_files_keys_restore(options->keys, home, &files, err);
    }
    if (status == ST_OK) {
        show_restored(call->out, home, result.size, options->keys != NULL);
    }
    return status;
}

const struct command cmd_backup_log = {
    .words = "backup log",
    .arguments = "DIR",
    .argument_min = 1,
    .argument_max = 1,
    .help = "Copy what is new of a broker's log, beside the running broker",
    .detail = "Proven as it is copied, up to the published checkpoint; no key is in it. The next "
              "run goes on from there. Cards, policy bundles and configuration go with it.",
    .options = home_options,
    .options_bytes = sizeof(struct options),
    .run = run_log,
};

const struct command cmd_backup_keys = {
    .words = "backup keys",
    .arguments = "DIR",
    .argument_min = 1,
    .argument_max = 1,
    .help = "Copy a broker's keys to another place than its log",
    .detail = "Refuses a place where a backup of the log is kept. Copies of keys that are "
              "forgotten by now are destroyed.",
    .options = home_options,
    .options_bytes = sizeof(struct options),
    .run = run_keys,
};

const struct command cmd_backup_check = {
    .words = "backup check",
    .arguments = "DIR",
    .argument_min = 1,
    .argument_max = 1,
    .help = "Read a backup of the log whole and prove it",
    .common = COMMAND_TRUSTS,
    .options = NULL,
    .options_bytes = 0,
    .run = run_check,
};

const struct command cmd_backup_restore = {
    .words = "backup restore",
    .arguments = "DIR HOME",
    .argument_min = 2,
    .argument_max = 2,
    .help = "Make a broker's folder from a backup",
    .common = COMMAND_TRUSTS,
    .options = restore_options,
    .options_bytes = sizeof(struct options),
    .run = run_restore,
};
