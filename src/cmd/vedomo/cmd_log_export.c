// vedomo log export: the published log as C2SP tlog-tiles in a folder, for any web server and for
// auditors with tools of their own. From the broker, as any peer, or from its folder.
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "commands.h"
#include "home_keys.h"
#include "link.h"

#include "audit/export.h"
#include "base/clock.h"
#include "base/text.h"
#include "seal/keyfile.h"

enum { ARENA_BYTES = 4 * 1024 * 1024, WITNESSED_MS = 60 * 1000 };

struct options {
    const char *home;
};

static const struct command_option option_table[] = {
    { COMMAND_TEXT, offsetof(struct options, home), "home", 0, "HOME",
      "Read a broker's folder on this machine instead of asking the broker" },
    { .kind = COMMAND_END },
};

static void show_progress(uint64_t done, uint64_t total, void *context)
{
    (void)context;
    if (isatty(STDERR_FILENO) == 1) {
        fprintf(stderr, "\r%llu of %llu entries%s", (unsigned long long)done,
                (unsigned long long)total, done >= total ? "\n" : "");
    }
}

static enum status export_log(struct command_call *call, struct audit_export_options *options,
                              struct error *err)
{
    struct audit_export_result result;
    char root[2 * DIGEST_BYTES + 1];
    options->folder = call->arguments[0];
    options->progress = show_progress;
    enum status status = audit_export(options, &result, err);
    if (status != ST_OK) {
        return status;
    }
    text_hex_encode(bytes_digest(&result.root), root);
    output_number(call->out, "size", result.size);
    output_text(call->out, "root", root);
    output_number(call->out, "before", result.before);
    output_number(call->out, "written", result.written);
    output_number(call->out, "kept", result.kept);
    output_line(call->out, "%s: %llu entries, %llu of them new; %llu files written, %llu kept",
                options->folder, (unsigned long long)result.size,
                (unsigned long long)(result.size - result.before),
                (unsigned long long)result.written, (unsigned long long)result.kept);
    output_line(call->out, "root %s", root);
    return ST_OK;
}

// ---- from the broker

struct remote {
    struct link *link;
    struct arena *arena;
};

static enum status ask(struct remote *remote, const struct wire_query *query,
                       struct wire_result *result, struct bytes *body, struct error *err)
{
    arena_reset(remote->arena);
    return link_call(remote->link, WIRE_QUERY, query, (struct bytes){ 0 }, remote->arena, result,
                     body, err);
}

static enum status remote_leaves(void *context, uint64_t from, uint64_t count,
                                 struct buffer *leaves, struct error *err)
{
    const struct wire_query query = {
        .version = 1, .kind = WIRE_QUERY_LEAVES, .from = from, .to = from + count
    };
    struct wire_result result;
    struct bytes body;
    enum status status = ask(context, &query, &result, &body, err);
    if (status == ST_OK) {
        buffer_bytes(leaves, body);
        status = buffer_ok(leaves, "leaves", err);
    }
    return status;
}

static enum status remote_consistency(void *context, uint64_t from, uint64_t to,
                                      struct buffer *path, struct error *err)
{
    struct remote *remote = context;
    const struct wire_query query = {
        .version = 1, .kind = WIRE_QUERY_CONSISTENCY, .from = from, .to = to
    };
    struct wire_result result;
    struct wire_rows rows;
    struct bytes body;
    enum status status = ask(remote, &query, &result, &body, err);
    if (status == ST_OK) {
        status = wire_decode(WIRE_SCHEMA_ROWS, body, remote->arena, &rows, err);
    }
    if (status == ST_OK && rows.rows_count != 2) {
        status = error_set(err, ST_MALFORMED, "the broker gives no consistency proof");
    }
    if (status == ST_OK) {
        buffer_bytes(path, rows.rows[1].announcement);
        status = buffer_ok(path, "consistency proof", err);
    }
    return status;
}

// The first call connects; with the connection come the published checkpoint and the one that
// witnesses have cosigned. The latter is what outsiders want, unless witnesses have been silent.
static enum status read_checkpoint(struct remote *remote, struct buffer *note, struct buffer *newer,
                                   struct error *err)
{
    struct buffer first = buffer_init(WIRE_BOXES_MAX_BYTES);
    struct bytes published;
    enum status status = remote_leaves(remote, 0, 1, &first, err);
    buffer_fini(&first);
    if (status == ST_OK) {
        struct peer_vouched vouched = link_vouched(remote->link);
        bool fresh = vouched.size > 0 && clock_wall_ms() - (int64_t)vouched.at_ms < WITNESSED_MS;
        (void)link_checkpoint(remote->link, &published);
        buffer_bytes(newer, published);
        buffer_bytes(note, fresh ? vouched.note : published);
        status = buffer_ok(note, "checkpoint", err);
    }
    return status == ST_OK ? buffer_ok(newer, "checkpoint", err) : status;
}

static enum status export_remote(struct command_call *call, struct error *err)
{
    struct remote remote = { .arena = arena_create(ARENA_BYTES) };
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    struct buffer newer = buffer_init(PROOF_NOTE_MAX);
    enum status status = remote.arena == NULL ? error_set(err, ST_NOMEM, "export") : ST_OK;
    if (status == ST_OK) {
        status = link_open(call->settings, &remote.link, err);
    }
    if (status == ST_OK) {
        status = read_checkpoint(&remote, &note, &newer, err);
    }
    if (status == ST_OK) {
        struct audit_export_options options = {
            .keys = link_keys(remote.link),
            .note = buffer_view(&note),
            .newer = buffer_view(&newer),
            .source = { .leaves = remote_leaves,
                        .consistency = remote_consistency,
                        .context = &remote },
        };
        status = export_log(call, &options, err);
    }
    link_close(&remote.link);
    arena_destroy(&remote.arena);
    buffer_fini(&note);
    buffer_fini(&newer);
    return status;
}

// ---- from the broker's folder

// The pinned keys; without any, the folder's own.
static enum status read_keys(const struct command_call *call, const char *home,
                             struct proof_ring *keys, struct error *err)
{
    return call->settings->vkey != NULL
               ? proof_ring_vkeys(bytes_text(call->settings->vkey), keys, err)
               : home_keys_read(home, keys, err);
}

static enum status export_home(struct command_call *call, const char *folder, struct error *err)
{
    struct audit_home *home = NULL;
    struct proof_ring keys;
    enum status status = read_keys(call, folder, &keys, err);
    if (status == ST_OK) {
        status = audit_home_open(folder, &home, err);
    }
    if (status == ST_OK) {
        struct audit_export_options options = {
            .keys = &keys,
            .note = audit_home_note(home),
            .source = audit_home_source(home),
        };
        status = export_log(call, &options, err);
    }
    audit_home_close(&home);
    return status;
}

static enum status run(struct command_call *call, struct error *err)
{
    const struct options *options = call->options;
    return options->home != NULL ? export_home(call, options->home, err) : export_remote(call, err);
}

const struct command cmd_log_export = {
    .words = "log export",
    .arguments = "DIR",
    .argument_min = 1,
    .argument_max = 1,
    .help = "Write the published log as C2SP tiles into a folder",
    .detail = "Everything is checked against the signed checkpoint before it is written. A later "
              "run only adds, and goes on where an earlier one was ended.",
    .common = COMMAND_CONNECTS | COMMAND_TRUSTS,
    .options = option_table,
    .options_bytes = sizeof(struct options),
    .run = run,
};
