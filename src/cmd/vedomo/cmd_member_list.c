// vedomo member list, member show: who is enrolled. Cards are verified here, not believed.
#include "card_text.h"
#include "commands.h"
#include "directory.h"

enum { DAY_TEXT_BYTES = sizeof("2026-11-21") - 1 };

struct listing {
    struct output *out;
    bool detailed;
    size_t count;
};

static enum status visit_key(void *context, const struct directory_key *key, struct error *err)
{
    (void)err;
    struct listing *listing = context;
    struct output *out = listing->out;
    char until[OUTPUT_MOMENT_BYTES];
    output_object(out, NULL);
    if (listing->detailed) {
        card_show(out, &key->card);
        output_line(out, "  %s; entry %llu of the log", directory_state_name(key->state),
                    (unsigned long long)key->index);
    } else {
        if (listing->count == 0) {
            output_line(out, "%-32s %-16s %-10s %-10s %s", "MEMBER", "NODE", "ROLE", "STATE",
                        "GOOD UNTIL");
        }
        output_text(out, "member", key->card.member);
        output_text(out, "node", key->card.node);
        output_text(out, "role", registry_role_name(key->card.role));
        output_moment(out, "not_after", key->card.not_after);
        output_line(out, "%-32s %-16s %-10s %-10s %.*s", key->card.member, key->card.node,
                    registry_role_name(key->card.role), directory_state_name(key->state),
                    DAY_TEXT_BYTES, output_moment_text(key->card.not_after, until));
    }
    output_text(out, "state", directory_state_name(key->state));
    output_number(out, "entry", key->index);
    output_object_end(out);
    listing->count++;
    return ST_OK;
}

static enum status list(struct command_call *call, const char *member, struct error *err)
{
    struct link *link = NULL;
    struct listing listing = { .out = call->out, .detailed = member != NULL };
    enum status status = link_open(call->settings, &link, err);
    output_array(call->out, "keys");
    if (status == ST_OK) {
        status = directory_each(link, member, visit_key, &listing, err);
    }
    output_array_end(call->out);
    link_close(&link);
    if (status == ST_OK && listing.count == 0 && member != NULL) {
        status = error_set(err, ST_NOT_FOUND, "there is no member %s", member);
    }
    return status;
}

static enum status run_list(struct command_call *call, struct error *err)
{
    return list(call, NULL, err);
}

static enum status run_show(struct command_call *call, struct error *err)
{
    return list(call, call->arguments[0], err);
}

const struct command cmd_member_list = {
    .words = "member list",
    .help = "List who is enrolled",
    .common = COMMAND_CONNECTS,
    .run = run_list,
};

const struct command cmd_member_show = {
    .words = "member show",
    .arguments = "CODE",
    .argument_min = 1,
    .argument_max = 1,
    .help = "Show one member's keys and cards",
    .common = COMMAND_CONNECTS,
    .run = run_show,
};
