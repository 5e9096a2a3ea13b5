// vedomo status: the broker's state in figures, and what the connection proved.
#include <string.h>

#include "commands.h"
#include "link.h"

#include "base/clock.h"

struct showing {
    struct output *out;
    bool full;
    uint64_t months_due;
};

static enum status show_figure(void *context, const struct wire_row *row, struct error *err)
{
    struct showing *showing = context;
    struct output *out = showing->out;
    char name[64];
    (void)err;
    size_t size = row->name.size < sizeof(name) - 1 ? row->name.size : sizeof(name) - 1;
    memcpy(name, row->name.data, size);
    name[size] = '\0';
    output_number(out, name, row->number);
    output_line(out, "%-32s %llu", name, (unsigned long long)row->number);
    if (strcmp(name, "record.full") == 0) {
        showing->full = row->number > 0;
    } else if (strcmp(name, "retention.months-due") == 0) {
        showing->months_due = row->number;
    }
    return ST_OK;
}

static enum status run(struct command_call *call, struct error *err)
{
    struct link *link = NULL;
    enum status status = link_open(call->settings, &link, err);
    if (status != ST_OK) {
        return status;
    }
    output_object(call->out, "figures");
    struct wire_query query = { .kind = WIRE_QUERY_STATUS };
    struct showing showing = { .out = call->out };
    status = link_each(link, &query, 0, show_figure, &showing, err);
    output_object_end(call->out);
    if (status == ST_OK && showing.full) {
        output_line(call->out, "NEW REQUESTS ARE REFUSED: map or disk of log or views is at its "
                               "bound (audit.full_percent). Give the disk room, or raise "
                               "audit.log_map or audit.views_map and start the broker again.");
    }
    if (status == ST_OK && showing.months_due > 0) {
        output_line(call->out,
                    "%llu months are past their term: an officer may order 'vedomo audit forget'",
                    (unsigned long long)showing.months_due);
    }
    if (status == ST_OK) {
        struct bytes note;
        uint64_t size = link_checkpoint(link, &note);
        output_text(call->out, "origin", link_keys(link)->keys[0].name);
        struct peer_vouched vouched = link_vouched(link);
        output_number(call->out, "checkpoint", size);
        output_number(call->out, "witnessed", vouched.size);
        output_moment(call->out, "witnessed_at", vouched.at_ms);
        output_bool(call->out, "witnesses_for_trial", vouched.trial);
        output_line(call->out, "log %s: verified up to the checkpoint of %llu entries",
                    link_keys(link)->keys[0].name, (unsigned long long)size);
        if (vouched.size > 0) {
            char at[CLOCK_TEXT_BYTES];
            clock_format((int64_t)vouched.at_ms, at);
            output_line(call->out, "witnesses stand behind %llu entries, last at %s%s",
                        (unsigned long long)vouched.size, at,
                        vouched.trial ? " (witnesses on the broker's own host count: for trial)"
                                      : "");
        }
    }
    link_close(&link);
    return status;
}

const struct command cmd_status = {
    .words = "status",
    .help = "Show the broker's state in figures",
    .common = COMMAND_CONNECTS,
    .run = run,
};
