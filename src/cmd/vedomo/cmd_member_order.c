// vedomo member suspend, resume, revoke: the registrar's orders. Either signed and handed in at
// once, or signed into a file that travels (more signatures: 'member sign', handing in: 'member
// add').
#include <stdio.h>

#include "card_text.h"
#include "commands.h"
#include "directory.h"
#include "handing.h"
#include "signing.h"

#include "base/clock.h"
#include "seal/sign.h"

struct options {
    const char *registrar;
    const char *out;
    const char *reason;
    const char *key;
    const char *card;
    const char *node;
    uint64_t since;
};

#define ORDER_OPTIONS                                                                              \
    { COMMAND_TEXT, offsetof(struct options, registrar), "registrar", 0,                           \
      "KEYFILE",    "The registrar's secret key" },                                                \
        { COMMAND_TEXT, offsetof(struct options, out),                                             \
          "output",     'o',                                                                       \
          "FILE",       "Write the signed order here instead of handing it in" },                  \
    {                                                                                              \
        COMMAND_TEXT, offsetof(struct options, reason), "reason", 0, "TEXT",                       \
            "Why; it goes on record for everyone"                                                  \
    }

static const struct command_option state_options[] = {
    ORDER_OPTIONS,
    { .kind = COMMAND_END },
};

static const struct command_option revoke_options[] = {
    ORDER_OPTIONS,
    { COMMAND_TEXT, offsetof(struct options, key), "key", 0, "ed25519:...", "The key, by itself" },
    { COMMAND_TEXT, offsetof(struct options, card), "card", 0, "FILE", "The key, by its card" },
    { COMMAND_TEXT, offsetof(struct options, node), "node", 0, "NAME",
      "The key, by its node's name as the broker lists it" },
    { COMMAND_MOMENT, offsetof(struct options, since), "since", 0, "DATE",
      "Mark entries since then for the citizens concerned" },
    { .kind = COMMAND_END },
};

struct search {
    const char *node;
    struct digest key;
    size_t found;
};

static enum status visit_key(void *context, const struct directory_key *key, struct error *err)
{
    (void)err;
    struct search *search = context;
    if (strcmp(key->card.node, search->node) == 0 && key->state != WIRE_MEMBER_REVOKED) {
        search->key = key->card.batch_key;
        search->found++;
    }
    return ST_OK;
}

static enum status key_of_node(struct link *link, const char *member, const char *node,
                               struct digest *key, struct error *err)
{
    struct search search = { .node = node };
    enum status status = directory_each(link, member, visit_key, &search, err);
    if (status != ST_OK) {
        return status;
    }
    if (search.found != 1) {
        return error_set(err, ST_NOT_FOUND, "%s has %zu keys named %s that are not revoked%s",
                         member, search.found, node,
                         search.found == 0 ? "" : "; choose one with --key or --card");
    }
    *key = search.key;
    return ST_OK;
}

static enum status key_of_card(const char *path, struct bytes origin, struct digest *key,
                               struct error *err)
{
    struct registry_file_content file = { 0 };
    struct registry_card card;
    struct bytes payload = { 0 };
    struct arena *arena = arena_create(REGISTRY_FILE_MAX * 4);
    enum status status = arena == NULL
                             ? error_set(err, ST_NOMEM, "%s", path)
                             : registry_file_read(path, 1U << REGISTRY_FILE_CARD, &file, err);
    if (status == ST_OK) {
        status = registry_signed_payload(buffer_view(&file.message), arena, &payload, err);
    }
    if (status == ST_OK) {
        status = registry_card_decode(payload, origin, &card, err);
    }
    if (status == ST_OK) {
        *key = card.batch_key;
    }
    registry_file_fini(&file);
    arena_destroy(&arena);
    return status;
}

static enum status choose_key(const struct options *options, struct link *link, const char *member,
                              struct bytes origin, struct digest *key, struct error *err)
{
    int given = (options->key != NULL) + (options->card != NULL) + (options->node != NULL);
    if (given != 1) {
        return error_set(err, ST_USAGE, "which key? Give one of --key, --card or --node");
    }
    if (options->card != NULL) {
        return key_of_card(options->card, origin, key, err);
    }
    if (options->key != NULL) {
        return seal_key_parse(bytes_text(options->key), key)
                   ? ST_OK
                   : error_set(err, ST_USAGE, "--key takes ed25519:<base64>");
    }
    if (link == NULL) {
        return error_set(err, ST_USAGE, "--node asks the broker; with -o give --key or --card");
    }
    return key_of_node(link, member, options->node, key, err);
}

// The order, signed. Appends the Signed message.
static enum status sign_order(const struct options *options, const struct registry_order *order,
                              struct bytes origin, struct buffer *message, struct error *err)
{
    struct seal_identity registrar = { 0 };
    struct buffer payload = buffer_init(REGISTRY_FILE_MAX);
    enum status status = registry_order_encode(order, origin, &payload, err);
    if (status == ST_OK) {
        status = seal_keyfile_load_role(options->registrar, SEAL_ROLE_REGISTRAR, &registrar, err);
    }
    if (status == ST_OK) {
        status = signing_add(REGISTRY_ORDER, true, buffer_view(&payload), origin, &registrar,
                             message, err);
    }
    seal_identity_fini(&registrar);
    buffer_fini(&payload);
    return status;
}

static enum status fill_order(struct command_call *call, enum registry_action action,
                              struct link *link, struct bytes origin, struct registry_order *order,
                              struct error *err)
{
    const struct options *options = call->options;
    const char *member = call->arguments[0];
    *order = (struct registry_order){
        .action = action,
        .since = options->since,
        .issued_at = (uint64_t)clock_wall_ms(),
    };
    const char *reason = options->reason != NULL ? options->reason : "";
    if (strlen(member) >= sizeof(order->member) || strlen(reason) >= sizeof(order->reason)) {
        return error_set(err, ST_USAGE, "the member's code or the reason is too long");
    }
    memcpy(order->member, member, strlen(member) + 1);
    memcpy(order->reason, reason, strlen(reason) + 1);
    return action == REGISTRY_REVOKE ? choose_key(options, link, member, origin, &order->key, err)
                                     : ST_OK;
}

static enum status run_order(struct command_call *call, enum registry_action action,
                             struct error *err)
{
    const struct options *options = call->options;
    if (options->registrar == NULL) {
        return error_set(err, ST_USAGE, "give --registrar KEYFILE, the registrar's secret key");
    }
    struct link *link = NULL;
    struct bytes origin;
    struct registry_order order;
    struct buffer message = buffer_init(REGISTRY_FILE_MAX);
    enum status status = settings_need_origin(call->settings, &origin, err);
    if (status == ST_OK && options->out == NULL) {
        status = link_open(call->settings, &link, err);
    }
    if (status == ST_OK) {
        status = fill_order(call, action, link, origin, &order, err);
    }
    if (status == ST_OK) {
        status = sign_order(options, &order, origin, &message, err);
    }
    if (status == ST_OK) {
        order_show(call->out, &order);
    }
    if (status == ST_OK && options->out != NULL) {
        status = signed_write(REGISTRY_FILE_ORDER, buffer_view(&message), (struct bytes){ 0 }, NULL,
                              options->out, false, err);
        output_text(call->out, "file", options->out);
        output_line(call->out, "signed: %s; an operator hands it in: vedomo member add %s",
                    options->out, options->out);
    } else if (status == ST_OK) {
        status = handing_in(link, WIRE_CONTROL_ORDER, buffer_view(&message), false, call->out, err);
    }
    buffer_fini(&message);
    link_close(&link);
    return status;
}

static enum status run_suspend(struct command_call *call, struct error *err)
{
    return run_order(call, REGISTRY_SUSPEND, err);
}

static enum status run_resume(struct command_call *call, struct error *err)
{
    return run_order(call, REGISTRY_RESUME, err);
}

static enum status run_revoke(struct command_call *call, struct error *err)
{
    return run_order(call, REGISTRY_REVOKE, err);
}

const struct command cmd_member_suspend = {
    .words = "member suspend",
    .arguments = "CODE",
    .argument_min = 1,
    .argument_max = 1,
    .help = "Suspend a member: its requests are refused",
    .common = COMMAND_CONNECTS | COMMAND_TRUSTS,
    .options = state_options,
    .options_bytes = sizeof(struct options),
    .run = run_suspend,
};

const struct command cmd_member_resume = {
    .words = "member resume",
    .arguments = "CODE",
    .argument_min = 1,
    .argument_max = 1,
    .help = "End a member's suspension",
    .common = COMMAND_CONNECTS | COMMAND_TRUSTS,
    .options = state_options,
    .options_bytes = sizeof(struct options),
    .run = run_resume,
};

const struct command cmd_member_revoke = {
    .words = "member revoke",
    .arguments = "CODE",
    .argument_min = 1,
    .argument_max = 1,
    .help = "Revoke a key for good",
    .common = COMMAND_CONNECTS | COMMAND_TRUSTS,
    .options = revoke_options,
    .options_bytes = sizeof(struct options),
    .run = run_revoke,
};
