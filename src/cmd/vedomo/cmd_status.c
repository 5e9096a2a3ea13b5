// vedomo status: the broker's state in figures, and what the connection proved.
#include "commands.h"
#include "link.h"

static enum status show_figure(void *context, const struct wire_row *row, struct error *err)
{
    struct output *out = context;
    char name[64];
    (void)err;
    size_t size = row->name.size < sizeof(name) - 1 ? row->name.size : sizeof(name) - 1;
    memcpy(name, row->name.data, size);
    name[size] = '\0';
    output_number(out, name, row->number);
    output_line(out, "%-32s %llu", name, (unsigned long long)row->number);
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
    status = link_each(link, &query, 0, show_figure, call->out, err);
    output_object_end(call->out);
    if (status == ST_OK) {
        struct bytes note;
        uint64_t size = link_checkpoint(link, &note);
        output_text(call->out, "origin", link_keys(link)->keys[0].name);
        output_number(call->out, "checkpoint", size);
        output_line(call->out, "log %s: verified up to the checkpoint of %llu entries",
                    link_keys(link)->keys[0].name, (unsigned long long)size);
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
