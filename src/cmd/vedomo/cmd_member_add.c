// vedomo member add: an operator hands in what the registrar signed.
#include "card_text.h"
#include "commands.h"
#include "handing.h"

struct options {
    bool dry_run;
};

static const struct command_option option_table[] = {
    { COMMAND_FLAG, offsetof(struct options, dry_run), "dry-run", 0, NULL,
      "Let the broker check it, change nothing" },
    { .kind = COMMAND_END },
};

// What is in the file, as the registrar's signature says; refused here already when it is not
// signed as it should be.
static enum status check_file(struct command_call *call, struct link *link,
                              const struct registry_file_content *file, struct error *err)
{
    struct bytes message = buffer_view(&file->message);
    if (file->kind == REGISTRY_FILE_CARD) {
        struct registry_card card;
        enum status status =
            registry_card_verify(message, link_origin(link), link_registrar(link), &card, err);
        if (status == ST_OK) {
            card_show(call->out, &card);
        }
        return status;
    }
    struct registry_order order;
    enum status status =
        registry_order_verify(message, link_origin(link), link_registrar(link), &order, err);
    if (status == ST_OK) {
        order_show(call->out, &order);
    }
    return status;
}

static enum status add_file(struct command_call *call, struct link *link, const char *path,
                            struct error *err)
{
    const struct options *options = call->options;
    struct registry_file_content file = { 0 };
    enum status status =
        registry_file_read(path, 1U << REGISTRY_FILE_CARD | 1U << REGISTRY_FILE_ORDER, &file, err);
    bool read = status == ST_OK;
    if (read) {
        status = check_file(call, link, &file, err);
    }
    if (status == ST_OK) {
        enum wire_control_action action =
            file.kind == REGISTRY_FILE_CARD ? WIRE_CONTROL_CARD : WIRE_CONTROL_ORDER;
        status =
            handing_in(link, action, buffer_view(&file.message), options->dry_run, call->out, err);
    }
    if (status == ST_OK && options->dry_run) {
        output_line(call->out, "the broker would take it");
    }
    registry_file_fini(&file);
    // What cannot be read names the file already.
    return status == ST_OK || !read ? status : error_wrap(err, "%s", path);
}

static enum status run(struct command_call *call, struct error *err)
{
    struct link *link = NULL;
    enum status status = link_open(call->settings, &link, err);
    output_array(call->out, "added");
    for (size_t i = 0; status == ST_OK && i < call->argument_count; i++) {
        output_object(call->out, NULL);
        output_text(call->out, "file", call->arguments[i]);
        status = add_file(call, link, call->arguments[i], err);
        output_object_end(call->out);
    }
    output_array_end(call->out);
    link_close(&link);
    return status;
}

const struct command cmd_member_add = {
    .words = "member add",
    .arguments = "FILE...",
    .argument_min = 1,
    .argument_max = 256,
    .help = "Hand in signed cards and orders, as an operator",
    .common = COMMAND_CONNECTS,
    .options = option_table,
    .options_bytes = sizeof(struct options),
    .run = run,
};
