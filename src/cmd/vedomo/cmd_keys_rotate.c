// vedomo keys rotate: an operator orders a new key for what entries say, within the month. The
// broker makes it; what comes back is the proof that the change is on record, and from where on.
#include "commands.h"
#include "link.h"

#include "audit/body_key.h"
#include "wire/wire.h"

struct options {
    bool lasting;
    bool dry_run;
};

static const struct command_option table[] = {
    { COMMAND_FLAG, offsetof(struct options, lasting), "lasting", 0, NULL,
      "The lasting key (consents, governance, epochs), not the month's" },
    { COMMAND_FLAG, offsetof(struct options, dry_run), "dry-run", 0, NULL,
      "Ask the broker whether it would" },
    { .kind = COMMAND_END },
};

static enum status show(struct output *out, const struct wire_receipt *receipt, struct arena *arena,
                        struct error *err)
{
    struct wire_public_part part;
    char name[AUDIT_KEY_NAME_BYTES];
    enum status status =
        wire_decode(WIRE_SCHEMA_PUBLIC_PART, receipt->extra->part, arena, &part, err);
    if (status == ST_OK &&
        (part.key_change == NULL || part.key_change->what != WIRE_KEY_OF_BODIES)) {
        status = error_set(err, ST_UNPROVEN, "entry %llu is not about a new body key",
                           (unsigned long long)receipt->index);
    }
    if (status != ST_OK) {
        return status;
    }
    audit_body_key_name(part.key_change->number, name);
    output_text(out, "key", name);
    output_number(out, "entry", receipt->index);
    output_line(out,
                "body key %s: what entries behind %llu say is under it; on record, and the "
                "receipt was verified",
                name, (unsigned long long)receipt->index);
    output_line(out, "entries before stay under the key before: who has that one and a copy of the "
                     "log reads them");
    output_line(out, "bring the backup of the keys up to date: vedomo backup keys");
    return ST_OK;
}

static enum status order(struct link *link, struct command_call *call, struct error *err)
{
    const struct options *options = call->options;
    const struct wire_control control = { .version = 1,
                                          .action = WIRE_CONTROL_BODY_KEY,
                                          .dry_run = options->dry_run,
                                          .lasting = options->lasting };
    struct wire_result result;
    struct bytes body;
    struct arena *arena = arena_create(WIRE_ARENA_BYTES + WIRE_BOXES_MAX_BYTES);
    enum status status = arena == NULL ? error_set(err, ST_NOMEM, "keys rotate") : ST_OK;
    if (status == ST_OK) {
        status = link_call(link, WIRE_CONTROL, &control, (struct bytes){ 0 }, arena, &result, &body,
                           err);
    }
    if (status == ST_OK && options->dry_run) {
        output_line(call->out, "the broker would take it");
    } else if (status == ST_OK) {
        status = link_receipt(link, result.receipt, err);
        if (status == ST_OK) {
            status = show(call->out, result.receipt, arena, err);
        }
    }
    arena_destroy(&arena);
    return status;
}

static enum status run(struct command_call *call, struct error *err)
{
    struct link *link = NULL;
    if (strcmp(call->arguments[0], "body") != 0) {
        return error_set(err, ST_USAGE,
                         "'%s': what the running broker exchanges is 'body', the key of what "
                         "entries say",
                         call->arguments[0]);
    }
    enum status status = link_open(call->settings, &link, err);
    if (status == ST_OK) {
        status = order(link, call, err);
    }
    link_close(&link);
    return status;
}

const struct command cmd_keys_rotate = {
    .words = "keys rotate",
    .arguments = "body",
    .argument_min = 1,
    .argument_max = 1,
    .help = "Order a new key for what entries say, within the month",
    .detail = "An operator's order, when the key in use may have leaked. It counts for the entries "
              "behind the one that records it; those before stay under the key before. A month has "
              "its own key at its begin anyway.",
    .common = COMMAND_CONNECTS,
    .options = table,
    .options_bytes = sizeof(struct options),
    .run = run,
};
