// vedomo audit list, show: reading the record. Whoever looks at a person is on record too: the
// broker writes that before it answers.
#include "commands.h"
#include "entry_text.h"
#include "question.h"

#include "base/text.h"

enum { LIMIT_DEFAULT = 50 };

struct options {
    struct question_options question;
    const char *session;
    uint64_t limit;
};

static const struct command_option list_table[] = {
    { COMMAND_TEXT, offsetof(struct options, session), "session", 0, "FILE",
      "One citizen's list, in the citizen's session" },
    QUESTION_ROWS(options),
    { COMMAND_COUNT, offsetof(struct options, limit), "limit", 0, "N",
      "At most so many, newest first (default: 50)" },
    { .kind = COMMAND_END },
};

struct listing {
    struct person *person;
    struct output *out;
    size_t count;
    bool any; // a line was shown
};

static enum status show_row(void *context, const struct wire_row *row, struct error *err)
{
    struct listing *listing = context;
    struct arena *arena = arena_create(WIRE_ROWS_ARENA_BYTES);
    struct entry_text entry;
    enum status status = arena == NULL ? error_set(err, ST_NOMEM, "entry")
                                       : entry_text_read(row, arena, &entry, err);
    if (status == ST_OK) {
        output_object(listing->out, NULL);
        entry_text_show(listing->out, &listing->person->speech, &entry);
        output_object_end(listing->out);
        listing->any = true;
        listing->count += entry.earlier == 0 ? 1 : 0;
    }
    arena_destroy(&arena);
    return status;
}

static enum status run_list(struct command_call *call, struct error *err)
{
    const struct options *options = call->options;
    struct person person;
    enum status status = person_open(call, options->session, PERSON_MAYBE, &person, err);
    if (status != ST_OK) {
        return status;
    }
    struct listing listing = { .person = &person, .out = call->out };
    struct question question = { .more = false };
    status = question_make(&options->question, &person, WIRE_QUERY_ENTRIES, &question, err);
    output_array(call->out, "entries");
    if (status == ST_OK) {
        question.limit = options->limit == 0 ? LIMIT_DEFAULT : options->limit;
        status = question_ask(person.link, &question, show_row, &listing, err);
    }
    output_array_end(call->out);
    output_number(call->out, "count", listing.count);
    output_bool(call->out, "more", status == ST_OK && question.more);
    if (status == ST_OK && listing.count == 0 && !listing.any) {
        output_line(call->out, "no entries");
    }
    if (status == ST_OK && question.more) {
        output_line(call->out,
                    "... older ones may follow: --limit N shows more, --until DATE begins there");
    }
    person_close(&person);
    return status;
}

struct single {
    struct person *person;
    struct output *out;
    bool found;
};

static enum status show_single(void *context, const struct wire_row *row, struct error *err)
{
    struct single *single = context;
    struct entry_text entry;
    enum status status = entry_text_read(row, single->person->arena, &entry, err);
    if (status == ST_OK) {
        single->found = true;
        entry_text_show(single->out, &single->person->speech, &entry);
        entry_text_detail(single->out, &entry);
    }
    return status;
}

static enum status run_show(struct command_call *call, struct error *err)
{
    struct person person;
    uint64_t index = 0;
    if (!text_u64_parse(bytes_text(call->arguments[0]), INT64_MAX, &index)) {
        return error_set(err, ST_USAGE, "'%s' is not the number of an entry", call->arguments[0]);
    }
    enum status status = person_open(call, NULL, PERSON_NONE, &person, err);
    if (status != ST_OK) {
        return status;
    }
    struct single single = { .person = &person, .out = call->out };
    struct wire_query query = { .kind = WIRE_QUERY_ENTRY, .index = index };
    status = link_each(person.link, &query, 1, show_single, &single, err);
    if (status == ST_OK && !single.found) {
        status = error_set(err, ST_NOT_FOUND, "there is no entry %s", call->arguments[0]);
    }
    person_close(&person);
    return status;
}

const struct command cmd_audit_list = {
    .words = "audit list",
    .help = "List entries of the record, newest first",
    .detail = "Without a person the list shows no person. Looking at a person's list is itself an "
              "entry that the person sees.",
    .common = COMMAND_CONNECTS | COMMAND_SUBJECT | COMMAND_SPEAKS,
    .options = list_table,
    .options_bytes = sizeof(struct options),
    .run = run_list,
};

const struct command cmd_audit_show = {
    .words = "audit show",
    .arguments = "N",
    .argument_min = 1,
    .argument_max = 1,
    .help = "Show one entry; this look is on record as well",
    .common = COMMAND_CONNECTS | COMMAND_SPEAKS,
    .run = run_show,
};
