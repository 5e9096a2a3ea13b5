// vedomo keys rotate: an operator orders a new key for what entries say, within the month. The
// broker makes it; what comes back is the proof that the change is on record, and from where on.
#include "commands.h"
#include "handing.h"

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

static enum status show(struct command_call *call, const struct wire_receipt *receipt,
                        struct arena *arena, struct error *err)
{
    struct output *out = call->out;
    struct wire_public_part part;
    char name[AUDIT_KEY_NAME_BYTES];
    if (receipt == NULL) {
        output_line(out, "the broker would take it");
        return ST_OK;
    }
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

static enum status run(struct command_call *call, struct error *err)
{
    const struct options *options = call->options;
    struct wire_control control = { .action = WIRE_CONTROL_BODY_KEY,
                                    .dry_run = options->dry_run,
                                    .lasting = options->lasting };
    if (strcmp(call->arguments[0], "body") != 0) {
        return error_set(err, ST_USAGE,
                         "'%s': what the running broker exchanges is 'body', the key of what "
                         "entries say",
                         call->arguments[0]);
    }
    return handing_alone(call, &control, show, err);
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
