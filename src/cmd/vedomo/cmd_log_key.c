// vedomo log order, log rotate: a new key for the log. The registrar signs the order offline, an
// operator hands it in.
#include "card_text.h"
#include "commands.h"
#include "handing.h"
#include "signing.h"

#include "base/clock.h"
#include "base/file.h"
#include "proof/ring.h"
#include "registry/log_key.h"
#include "seal/sign.h"

enum { DAY_MS = 24 * 60 * 60 * 1000 };

// ---- log order

struct options {
    const char *registrar;
    const char *old_vkey;
    const char *new_vkey;
    const char *out;
    uint64_t until;
};

static const struct command_option option_table[] = {
    { COMMAND_TEXT, offsetof(struct options, registrar), "registrar", 0, "KEYFILE",
      "The registrar's secret key" },
    { COMMAND_TEXT, offsetof(struct options, new_vkey), "new", 0, "VKEY",
      "The new key, as 'vedomo keygen --role log' printed it" },
    { COMMAND_TEXT, offsetof(struct options, old_vkey), "old", 0, "VKEY",
      "The key that signs now (default: the pinned one)" },
    { COMMAND_UNTIL, offsetof(struct options, until), "until", 0, "DATE",
      "Both keys sign until then (default: for 30 days)" },
    { COMMAND_TEXT, offsetof(struct options, out), "output", 'o', "FILE",
      "Write the signed order here" },
    { .kind = COMMAND_END },
};

static void show_order(struct output *out, const struct registry_log_key *order)
{
    char issued[OUTPUT_MOMENT_BYTES];
    char until[OUTPUT_MOMENT_BYTES];
    struct buffer keys = buffer_init(256);
    seal_key_format(&keys, &order->old_key);
    size_t split = keys.size;
    seal_key_format(&keys, &order->new_key);
    struct bytes old_key = bytes_of(keys.data, split);
    struct bytes new_key = bytes_of(keys.data + split, keys.size - split);
    output_bytes(out, "old_key", old_key);
    output_bytes(out, "new_key", new_key);
    output_moment(out, "issued_at", order->issued_at);
    output_moment(out, "both_until", order->both_until);
    output_line(out, "a new key for the log, signed %s",
                output_moment_text(order->issued_at, issued));
    output_line(out, "  old %.*s", (int)old_key.size, (const char *)old_key.data);
    output_line(out, "  new %.*s", (int)new_key.size, (const char *)new_key.data);
    output_line(out, "  both sign until %s", output_moment_text(order->both_until, until));
    buffer_fini(&keys);
}

static enum status fill_order(const struct command_call *call, struct bytes *origin,
                              struct proof_ring *old_keys, struct registry_log_key *order,
                              struct error *err)
{
    const struct options *options = call->options;
    struct proof_ring new_keys;
    const char *old_vkey = options->old_vkey;
    if (options->new_vkey == NULL) {
        return error_set(err, ST_USAGE, "give --new VKEY, the new key of the log");
    }
    enum status status =
        old_vkey != NULL ? ST_OK : settings_need_vkey(call->settings, &old_vkey, err);
    if (status == ST_OK) {
        status = proof_ring_vkeys(bytes_text(old_vkey), old_keys, err);
    }
    if (status == ST_OK) {
        status = proof_ring_vkeys(bytes_text(options->new_vkey), &new_keys, err);
    }
    if (status == ST_OK && strcmp(new_keys.keys[0].name, old_keys->keys[0].name) != 0) {
        status = error_set(err, ST_USAGE, "the new key is named '%s', the log is '%s'",
                           new_keys.keys[0].name, old_keys->keys[0].name);
    }
    if (status == ST_OK) {
        uint64_t both_ms = (uint64_t)REGISTRY_BOTH_DAYS * DAY_MS;
        uint64_t now_ms = (uint64_t)clock_wall_ms();
        *origin = bytes_text(old_keys->keys[0].name);
        *order = (struct registry_log_key){ .old_key = proof_ring_newest(old_keys)->key,
                                            .new_key = proof_ring_newest(&new_keys)->key,
                                            .issued_at = now_ms,
                                            .both_until = options->until != 0 ? options->until
                                                                              : now_ms + both_ms };
    }
    return status;
}

// The first signature, over a fresh order.
static enum status sign_fresh(struct command_call *call, const struct seal_identity *registrar,
                              struct buffer *message, struct error *err)
{
    struct bytes origin;
    struct proof_ring old_keys;
    struct registry_log_key order;
    struct buffer payload = buffer_init(REGISTRY_FILE_MAX);
    enum status status = fill_order(call, &origin, &old_keys, &order, err);
    if (status == ST_OK) {
        status = registry_log_key_encode(&order, origin, &payload, err);
    }
    if (status == ST_OK) {
        show_order(call->out, &order);
        status = signing_add(REGISTRY_LOG_KEY, true, buffer_view(&payload), origin, registrar,
                             message, err);
    }
    buffer_fini(&payload);
    return status;
}

// One signature more, on an order in a file.
static enum status sign_more(struct command_call *call, const struct seal_identity *registrar,
                             struct buffer *message, struct error *err)
{
    struct registry_file_content file = { 0 };
    struct registry_log_key order;
    struct bytes payload;
    struct buffer origin = buffer_init(1024);
    struct arena *arena = arena_create(REGISTRY_FILE_MAX * 4);
    const char *path = call->arguments[0];
    enum status status = arena == NULL
                             ? error_set(err, ST_NOMEM, "%s", path)
                             : registry_file_read(path, 1U << REGISTRY_FILE_LOG_KEY, &file, err);
    if (status == ST_OK) {
        status = registry_signed_payload(buffer_view(&file.message), arena, &payload, err);
    }
    if (status == ST_OK) {
        status = payload_origin(REGISTRY_LOG_KEY, payload, &origin, err);
    }
    if (status == ST_OK) {
        status = registry_log_key_decode(payload, buffer_view(&origin), &order, err);
    }
    if (status == ST_OK) {
        show_order(call->out, &order);
        status = signing_add(REGISTRY_LOG_KEY, false, buffer_view(&file.message),
                             buffer_view(&origin), registrar, message, err);
    }
    registry_file_fini(&file);
    buffer_fini(&origin);
    arena_destroy(&arena);
    return status;
}

static enum status run_order(struct command_call *call, struct error *err)
{
    const struct options *options = call->options;
    struct seal_identity registrar = { 0 };
    struct buffer message = buffer_init(REGISTRY_FILE_MAX);
    bool more = call->argument_count == 1;
    const char *out = options->out != NULL ? options->out : more ? call->arguments[0] : NULL;
    if (options->registrar == NULL || out == NULL) {
        return error_set(err, ST_USAGE, "give --registrar KEYFILE and --output FILE");
    }
    enum status status =
        seal_keyfile_load_role(options->registrar, SEAL_ROLE_REGISTRAR, &registrar, err);
    if (status == ST_OK) {
        status = more ? sign_more(call, &registrar, &message, err)
                      : sign_fresh(call, &registrar, &message, err);
    }
    if (status == ST_OK) {
        status = signed_write(REGISTRY_FILE_LOG_KEY, buffer_view(&message), (struct bytes){ 0 },
                              NULL, out, more, err);
    }
    if (status == ST_OK) {
        output_text(call->out, "file", out);
        output_line(call->out, "signed: %s; an operator hands it in: vedomo log rotate %s", out,
                    out);
    }
    seal_identity_fini(&registrar);
    buffer_fini(&message);
    return status;
}

const struct command cmd_log_order = {
    .words = "log order",
    .arguments = "[FILE]",
    .argument_max = 1,
    .help = "Sign the order for a new key of the log, offline",
    .detail = "An order that is signed already gets one more signature when its FILE is named. "
              "Read what is shown before you pass the file on.",
    .common = COMMAND_TRUSTS,
    .options = option_table,
    .options_bytes = sizeof(struct options),
    .run = run_order,
};

// ---- log rotate

struct rotate_options {
    bool dry_run;
};

static const struct command_option rotate_table[] = {
    { COMMAND_FLAG, offsetof(struct rotate_options, dry_run), "dry-run", 0, NULL,
      "Ask the broker whether it would take it" },
    { .kind = COMMAND_END },
};

static enum status run_rotate(struct command_call *call, struct error *err)
{
    const struct rotate_options *options = call->options;
    struct link *link = NULL;
    struct registry_file_content file = { 0 };
    struct registry_log_key order;
    enum status status =
        registry_file_read(call->arguments[0], 1U << REGISTRY_FILE_LOG_KEY, &file, err);
    if (status == ST_OK) {
        status = link_open(call->settings, &link, err);
    }
    if (status == ST_OK) {
        status = registry_log_key_verify(buffer_view(&file.message), link_origin(link),
                                         link_registrar(link), &order, err);
    }
    if (status == ST_OK) {
        show_order(call->out, &order);
        status = handing_in(link, WIRE_CONTROL_LOG_KEY, buffer_view(&file.message),
                            options->dry_run, call->out, err);
    }
    if (status == ST_OK && options->dry_run) {
        output_line(call->out, "the broker would take it");
    }
    registry_file_fini(&file);
    link_close(&link);
    return status;
}

const struct command cmd_log_rotate = {
    .words = "log rotate",
    .arguments = "FILE",
    .argument_min = 1,
    .argument_max = 1,
    .help = "Hand in the order for a new key of the log, as an operator",
    .detail = "The broker must hold the new key already: its file lies beside the old one.",
    .common = COMMAND_CONNECTS | COMMAND_TRUSTS,
    .options = rotate_table,
    .options_bytes = sizeof(struct rotate_options),
    .run = run_rotate,
};
