// vedomo version.
#include "commands.h"

static enum status run(struct command_call *call, struct error *err)
{
    (void)err;
    output_text(call->out, "version", VEDOMO_VERSION);
    output_number(call->out, "protocol", 1);
    output_line(call->out, "vedomo %s, protocol 1", VEDOMO_VERSION);
    return ST_OK;
}

const struct command cmd_version = {
    .words = "version",
    .help = "Show the version",
    .run = run,
};
