// vedomo audit hold: legal holds. What is held is not forgotten while a case goes on.
#include "commands.h"
#include "handing.h"
#include "person.h"

#include "base/text.h"

struct options {
    const char *case_name;
    const char *member;
    uint64_t since;
    uint64_t until;
};

static const struct command_option hold_table[] = {
    { COMMAND_TEXT, offsetof(struct options, case_name), "case", 0, "TEXT",
      "set: the case, in words that name no person" },
    { COMMAND_TEXT, offsetof(struct options, member), "member", 0, "CODE",
      "set: entries in which this member asked or held" },
    { COMMAND_MOMENT, offsetof(struct options, since), "since", 0, "DATE",
      "set: entries since then" },
    { COMMAND_UNTIL, offsetof(struct options, until), "until", 0, "DATE",
      "set: entries until then" },
    { .kind = COMMAND_END },
};

static enum status order(struct command_call *call, struct person *person,
                         const struct wire_hold *hold, struct error *err)
{
    struct wire_result result;
    struct id id;
    char text[TEXT_ID_BYTES] = "";
    struct wire_control control = { .action = WIRE_CONTROL_HOLD,
                                    .hold = hold,
                                    .subject_scheme = person->scheme,
                                    .subject = buffer_view(&person->subject) };
    enum status status = handing_order(person->link, &control, person->arena, &result, err);
    if (status == ST_OK && result.value.size == ID_BYTES) {
        memcpy(id.bytes, result.value.data, ID_BYTES);
        text_id_format(&id, text);
        output_text(call->out, "hold", text);
        output_number(call->out, "entry", result.receipt->index);
        output_line(call->out, "hold %s %s; on record as entry %llu, its receipt was verified",
                    text, hold->state == WIRE_HOLD_SET ? "set" : "lifted",
                    (unsigned long long)result.receipt->index);
    }
    return status;
}

static enum status set_hold(struct command_call *call, struct person *person, struct error *err)
{
    const struct options *options = call->options;
    if (options->case_name == NULL) {
        return error_set(err, ST_USAGE, "for which case? give --case TEXT");
    }
    struct wire_hold hold = {
        .name = bytes_text(options->case_name),
        .member = options->member == NULL ? (struct bytes){ 0 } : bytes_text(options->member),
        .since = options->since,
        .until = options->until,
        .state = WIRE_HOLD_SET,
    };
    if (person->catalogue != NULL && hold.member.size > 0 &&
        catalogue_member(person->catalogue, hold.member) == NULL) {
        return error_set(err, ST_USAGE, "--member: the policy in force has no '%s'",
                         options->member);
    }
    return order(call, person, &hold, err);
}

static enum status lift_hold(struct command_call *call, struct person *person, struct error *err)
{
    struct wire_hold hold = { .state = WIRE_HOLD_LIFTED };
    if (call->argument_count < 2 || !text_id_parse(bytes_text(call->arguments[1]), &hold.id)) {
        return error_set(err, ST_USAGE, "which hold? give the id that 'audit hold list' shows");
    }
    return order(call, person, &hold, err);
}

struct showing {
    struct output *out;
    size_t count;
};

static enum status show_hold(void *context, const struct wire_row *row, struct error *err)
{
    struct showing *showing = context;
    struct output *out = showing->out;
    const struct wire_hold *hold = row->hold;
    char id[TEXT_ID_BYTES];
    char at[3][OUTPUT_MOMENT_BYTES];
    if (hold == NULL) {
        return error_set(err, ST_MALFORMED, "a hold without its content");
    }
    bool lifted = hold->state == WIRE_HOLD_LIFTED;
    text_id_format(&hold->id, id);
    output_object(out, NULL);
    output_text(out, "hold", id);
    output_bytes(out, "case", hold->name);
    output_text(out, "state", lifted ? "lifted" : "set");
    output_bool(out, "about_a_person", row->text.size > 0);
    output_bytes(out, "member", hold->member);
    output_moment(out, "since", hold->since);
    output_moment(out, "until", hold->until);
    output_bytes(out, "set_by", hold->set_by);
    output_moment(out, "set_at", hold->set_at);
    output_number(out, "entry", hold->index);
    output_line(out, "%s  %s  %.*s", id, lifted ? "lifted" : "stands", SPEECH_TEXT(hold->name));
    output_line(out, "    set by %.*s on %s, entry %llu", SPEECH_TEXT(hold->set_by),
                output_moment_text(hold->set_at, at[0]), (unsigned long long)hold->index);
    output_line(out, "    covers %s%s%.*s%s%s%s%s", row->text.size > 0 ? "one person" : "everybody",
                hold->member.size > 0 ? ", where it has to do with " : "",
                SPEECH_TEXT(hold->member), hold->since > 0 ? ", since " : "",
                hold->since > 0 ? output_moment_text(hold->since, at[1]) : "",
                hold->until > 0 ? ", until " : "",
                hold->until > 0 ? output_moment_text(hold->until, at[2]) : "");
    if (lifted) {
        output_bytes(out, "lifted_by", hold->lifted_by);
        output_moment(out, "lifted_at", hold->lifted_at);
        output_line(out, "    lifted by %.*s on %s", SPEECH_TEXT(hold->lifted_by),
                    output_moment_text(hold->lifted_at, at[0]));
    }
    output_object_end(out);
    showing->count++;
    return ST_OK;
}

static enum status list_holds(struct command_call *call, struct person *person, struct error *err)
{
    struct wire_query query = { .kind = WIRE_QUERY_HOLDS };
    struct showing showing = { .out = call->out };
    output_array(call->out, "holds");
    enum status status = link_each(person->link, &query, 0, show_hold, &showing, err);
    output_array_end(call->out);
    if (status == ST_OK && showing.count == 0) {
        output_line(call->out, "no hold was ever set");
    }
    return status;
}

static enum status run(struct command_call *call, struct error *err)
{
    static const struct {
        const char *word;
        enum status (*run)(struct command_call *call, struct person *person, struct error *err);
    } actions[] = { { "set", set_hold }, { "lift", lift_hold }, { "list", list_holds } };
    struct person person;
    size_t action = 0;
    while (action < ARRAY_COUNT(actions) && strcmp(actions[action].word, call->arguments[0]) != 0) {
        action++;
    }
    if (action == ARRAY_COUNT(actions)) {
        return error_set(err, ST_USAGE, "'%s' is not one of set, lift, list", call->arguments[0]);
    }
    enum status status = person_open(call, NULL, PERSON_MAYBE, &person, err);
    if (status != ST_OK) {
        return status;
    }
    status = actions[action].run(call, &person, err);
    person_close(&person);
    return status;
}

const struct command cmd_audit_hold = {
    .words = "audit hold",
    .arguments = "set|lift ID|list",
    .argument_min = 1,
    .argument_max = 2,
    .help = "Set, lift or list legal holds: what must not be forgotten while a case goes on",
    .detail = "What is given narrows a hold; without anything it covers the whole log. A hold is "
              "lifted by another officer than the one who set it.",
    .common = COMMAND_CONNECTS | COMMAND_SUBJECT | COMMAND_SPEAKS,
    .options = hold_table,
    .options_bytes = sizeof(struct options),
    .run = run,
};
