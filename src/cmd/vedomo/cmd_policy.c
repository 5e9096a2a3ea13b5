// vedomo policy check, sign: policy folders before they leave the table.
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "card_text.h"
#include "commands.h"
#include "signing.h"

#include "base/clock.h"
#include "catalogue/bundle.h"
#include "catalogue/catalogue.h"
#include "seal/hash.h"
#include "wire/wire.h"

struct sign_options {
    const char *key;
    const char *out;
    uint64_t serial;
};

static const struct command_option sign_table[] = {
    { COMMAND_TEXT, offsetof(struct sign_options, key), "key", 0, "KEYFILE",
      "The policy secret key" },
    { COMMAND_NUMBER, offsetof(struct sign_options, serial), "serial", 0, "N",
      "Number of this bundle: higher than every one before" },
    { COMMAND_TEXT, offsetof(struct sign_options, out), "output", 'o', "FILE",
      "Where the signed bundle goes" },
    { .kind = COMMAND_END },
};

// Packs a folder and loads the result as the broker would.
static enum status pack(const char *folder, struct buffer *blob, struct digest *hash,
                        struct catalogue **catalogue, struct error *err)
{
    enum status status = catalogue_bundle_pack(folder, blob, err);
    if (status != ST_OK) {
        return status;
    }
    *hash = seal_sha256(buffer_view(blob));
    return catalogue_load(buffer_view(blob), hash, catalogue, err);
}

static void show_catalogue(struct output *out, const struct catalogue *catalogue)
{
    size_t members = 0;
    size_t purposes = 0;
    size_t datasets = 0;
    size_t agreements = 0;
    (void)catalogue_members(catalogue, &members);
    (void)catalogue_purposes(catalogue, &purposes);
    (void)catalogue_datasets(catalogue, &datasets);
    (void)catalogue_agreements(catalogue, &agreements);
    output_number(out, "members", members);
    output_number(out, "purposes", purposes);
    output_number(out, "datasets", datasets);
    output_number(out, "agreements", agreements);
    output_line(out, "%zu members, %zu purposes, %zu datasets, %zu agreements", members, purposes,
                datasets, agreements);
}

static enum status run_check(struct command_call *call, struct error *err)
{
    struct buffer blob = buffer_init(REGISTRY_BLOB_MAX);
    struct catalogue *catalogue = NULL;
    struct digest hash;
    enum status status = pack(call->arguments[0], &blob, &hash, &catalogue, err);
    if (status == ST_OK) {
        output_text(call->out, "folder", call->arguments[0]);
        output_hex(call->out, "hash", bytes_digest(&hash));
        output_line(call->out, "%s: good", call->arguments[0]);
        show_catalogue(call->out, catalogue);
    }
    catalogue_destroy(&catalogue);
    buffer_fini(&blob);
    return status;
}

// The head of a folder's bundle, signed. Appends the Signed message.
static enum status sign_fresh(const struct sign_options *options, const struct settings *settings,
                              const struct digest *hash, size_t size,
                              const struct seal_identity *policy, struct buffer *message,
                              struct registry_bundle_head *head, struct error *err)
{
    struct bytes origin;
    struct buffer payload = buffer_init(REGISTRY_FILE_MAX);
    enum status status = settings_need_origin(settings, &origin, err);
    if (status == ST_OK && options->serial == 0) {
        status = error_set(err, ST_USAGE,
                           "give --serial N, higher than every bundle before; the first is 1");
    }
    if (status == ST_OK) {
        *head = (struct registry_bundle_head){
            .serial = options->serial,
            .hash = *hash,
            .size = size,
            .issued_at = (uint64_t)clock_wall_ms(),
        };
        status = registry_bundle_head_encode(head, origin, &payload, err);
    }
    if (status == ST_OK) {
        status =
            signing_add(REGISTRY_BUNDLE, true, buffer_view(&payload), origin, policy, message, err);
    }
    buffer_fini(&payload);
    return status;
}

// One more signature on a bundle that is signed already. The packed files are checked against the
// head before anyone signs.
static enum status sign_again(const struct registry_file_content *file,
                              const struct seal_identity *policy, struct buffer *message,
                              struct registry_bundle_head *head, struct error *err)
{
    struct arena *arena = arena_create(WIRE_ARENA_BYTES);
    struct buffer origin = buffer_init(1024);
    struct bytes payload = { 0 };
    struct digest is = seal_sha256(buffer_view(&file->blob));
    enum status status =
        arena == NULL ? error_set(err, ST_NOMEM, "signing")
                      : registry_signed_payload(buffer_view(&file->message), arena, &payload, err);
    if (status == ST_OK) {
        status = payload_origin(REGISTRY_BUNDLE, payload, &origin, err);
    }
    if (status == ST_OK) {
        status = registry_bundle_head_decode(payload, buffer_view(&origin), head, err);
    }
    if (status == ST_OK && !digest_equal(&is, &head->hash)) {
        status = error_set(err, ST_UNPROVEN, "the packed files are not those of the signed head");
    }
    if (status == ST_OK) {
        status = signing_add(REGISTRY_BUNDLE, false, buffer_view(&file->message),
                             buffer_view(&origin), policy, message, err);
    }
    buffer_fini(&origin);
    arena_destroy(&arena);
    return status;
}

static enum status write_bundle(struct command_call *call, struct bytes message, struct bytes blob,
                                const struct registry_bundle_head *head, const char *path,
                                bool replace, struct error *err)
{
    enum status status =
        signed_write(REGISTRY_FILE_BUNDLE, message, blob, NULL, path, replace, err);
    if (status == ST_OK) {
        bundle_head_show(call->out, head);
        output_text(call->out, "file", path);
        output_line(call->out, "signed: %s; an operator hands it in: vedomo policy apply %s", path,
                    path);
    }
    return status;
}

static enum status sign_folder(struct command_call *call, const struct seal_identity *policy,
                               struct error *err)
{
    const struct sign_options *options = call->options;
    struct buffer blob = buffer_init(REGISTRY_BLOB_MAX);
    struct buffer message = buffer_init(REGISTRY_FILE_MAX);
    struct catalogue *catalogue = NULL;
    struct digest hash;
    struct registry_bundle_head head;
    enum status status =
        options->out == NULL
            ? error_set(err, ST_USAGE, "give -o FILE, where the signed bundle goes")
            : pack(call->arguments[0], &blob, &hash, &catalogue, err);
    if (status == ST_OK) {
        status =
            sign_fresh(options, call->settings, &hash, blob.size, policy, &message, &head, err);
    }
    if (status == ST_OK) {
        show_catalogue(call->out, catalogue);
        status = write_bundle(call, buffer_view(&message), buffer_view(&blob), &head, options->out,
                              false, err);
    }
    catalogue_destroy(&catalogue);
    buffer_fini(&message);
    buffer_fini(&blob);
    return status;
}

static enum status sign_file(struct command_call *call, const struct seal_identity *policy,
                             struct error *err)
{
    const struct sign_options *options = call->options;
    const char *path = call->arguments[0];
    struct buffer message = buffer_init(REGISTRY_FILE_MAX);
    struct registry_file_content file = { 0 };
    struct registry_bundle_head head;
    enum status status =
        options->serial != 0
            ? error_set(err, ST_USAGE, "%s is signed already: its serial stands in it", path)
            : registry_file_read(path, 1U << REGISTRY_FILE_BUNDLE, &file, err);
    if (status == ST_OK) {
        status = sign_again(&file, policy, &message, &head, err);
    }
    if (status == ST_OK) {
        status = write_bundle(call, buffer_view(&message), buffer_view(&file.blob), &head,
                              options->out != NULL ? options->out : path, true, err);
    }
    registry_file_fini(&file);
    buffer_fini(&message);
    return status;
}

static enum status run_sign(struct command_call *call, struct error *err)
{
    const struct sign_options *options = call->options;
    struct seal_identity policy = { 0 };
    struct stat info;
    if (options->key == NULL) {
        return error_set(err, ST_USAGE, "give --key KEYFILE, the policy secret key");
    }
    enum status status = seal_keyfile_load_role(options->key, SEAL_ROLE_POLICY, &policy, err);
    if (status == ST_OK) {
        bool folder = stat(call->arguments[0], &info) == 0 && S_ISDIR(info.st_mode);
        status = folder ? sign_folder(call, &policy, err) : sign_file(call, &policy, err);
    }
    seal_identity_fini(&policy);
    return status;
}

const struct command cmd_policy_check = {
    .words = "policy check",
    .arguments = "DIR",
    .argument_min = 1,
    .argument_max = 1,
    .help = "Check a folder of policy files as the broker would",
    .run = run_check,
};

const struct command cmd_policy_sign = {
    .words = "policy sign",
    .arguments = "DIR|FILE",
    .argument_min = 1,
    .argument_max = 1,
    .help = "Pack and sign a policy folder, offline; or sign a bundle once more",
    .common = COMMAND_TRUSTS,
    .options = sign_table,
    .options_bytes = sizeof(struct sign_options),
    .run = run_sign,
};
