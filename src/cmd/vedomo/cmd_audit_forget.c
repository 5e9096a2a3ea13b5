// vedomo audit forget: an officer orders that what a month's entries say is destroyed, once the
// term is over. The broker decides whether it may be; the proof that it is on record comes back.
#include "commands.h"
#include "handing.h"

#include "audit/month.h"

struct options {
    bool dry_run;
};

static const struct command_option table[] = {
    { COMMAND_FLAG, offsetof(struct options, dry_run), "dry-run", 0, NULL,
      "Say whether it may be forgotten, and forget nothing" },
    { .kind = COMMAND_END },
};

static enum status show(struct command_call *call, const struct wire_receipt *receipt,
                        struct arena *arena, struct error *err)
{
    struct output *out = call->out;
    const char *month = call->arguments[0];
    (void)arena;
    (void)err;
    output_text(out, "month", month);
    if (receipt == NULL) {
        output_line(out, "%s may be forgotten now", month);
        return ST_OK;
    }
    output_number(out, "entry", receipt->index);
    output_line(out, "what the entries of %s say is forgotten; on record as entry %llu", month,
                (unsigned long long)receipt->index);
    output_line(out, "destroy the copies of that month's key, too: vedomo backup keys");
    return ST_OK;
}

static enum status run(struct command_call *call, struct error *err)
{
    const struct options *options = call->options;
    struct wire_control control = { .action = WIRE_CONTROL_FORGET, .dry_run = options->dry_run };
    if (!audit_month_parse(bytes_text(call->arguments[0]), &control.month)) {
        return error_set(err, ST_USAGE, "'%s' is not a month; write it as 2024-03",
                         call->arguments[0]);
    }
    return handing_alone(call, &control, show, err);
}

const struct command cmd_audit_forget = {
    .words = "audit forget",
    .arguments = "MONTH",
    .argument_min = 1,
    .argument_max = 1,
    .help = "Destroy what a month's entries say, once its term is over",
    .detail = "An officer's order. The broker refuses it before the term (audit.retention_months) "
              "has passed, while an older month is there, and while a legal hold covers the month. "
              "The entries stay, with every proof; what they say never opens again.",
    .common = COMMAND_CONNECTS,
    .options = table,
    .options_bytes = sizeof(struct options),
    .run = run,
};
