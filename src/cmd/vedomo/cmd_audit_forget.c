// vedomo audit forget: an officer orders that what a month's entries say is destroyed, once the
// term is over. The broker decides whether it may be; the proof that it is on record comes back.
#include "commands.h"
#include "link.h"

#include "audit/month.h"

struct options {
    bool dry_run;
};

static const struct command_option table[] = {
    { COMMAND_FLAG, offsetof(struct options, dry_run), "dry-run", 0, NULL,
      "Say whether it may be forgotten, and forget nothing" },
    { .kind = COMMAND_END },
};

static void show(struct output *out, const char *month, const struct wire_receipt *receipt)
{
    output_text(out, "month", month);
    if (receipt == NULL) {
        output_line(out, "%s may be forgotten now", month);
        return;
    }
    output_number(out, "entry", receipt->index);
    output_line(out, "what the entries of %s say is forgotten; on record as entry %llu", month,
                (unsigned long long)receipt->index);
    output_line(out, "destroy the copies of that month's key, too: vedomo backup keys");
}

static enum status order(struct link *link, struct command_call *call, uint32_t month,
                         struct error *err)
{
    const struct options *options = call->options;
    const struct wire_control control = {
        .version = 1, .action = WIRE_CONTROL_FORGET, .dry_run = options->dry_run, .month = month
    };
    struct wire_result result;
    struct bytes body;
    struct arena *arena = arena_create(WIRE_ARENA_BYTES + WIRE_BOXES_MAX_BYTES);
    enum status status = arena == NULL ? error_set(err, ST_NOMEM, "audit forget") : ST_OK;
    if (status == ST_OK) {
        status = link_call(link, WIRE_CONTROL, &control, (struct bytes){ 0 }, arena, &result, &body,
                           err);
    }
    if (status == ST_OK && !options->dry_run) {
        status = link_receipt(link, result.receipt, err);
    }
    if (status == ST_OK) {
        show(call->out, call->arguments[0], options->dry_run ? NULL : result.receipt);
    }
    arena_destroy(&arena);
    return status;
}

static enum status run(struct command_call *call, struct error *err)
{
    struct link *link = NULL;
    uint32_t month = 0;
    if (!audit_month_parse(bytes_text(call->arguments[0]), &month)) {
        return error_set(err, ST_USAGE, "'%s' is not a month; write it as 2024-03",
                         call->arguments[0]);
    }
    enum status status = link_open(call->settings, &link, err);
    if (status == ST_OK) {
        status = order(link, call, month, err);
    }
    link_close(&link);
    return status;
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
