// vedomo audit count, over-asking: how many entries there are of each kind of thing. No person is
// shown; the question is on record.
#include "commands.h"
#include "entry_text.h"
#include "tally.h"

#include "base/text.h"
#include "wire/wire.h"

struct options {
    struct question_options question;
    struct command_texts by;
};

static const struct command_option count_table[] = {
    { COMMAND_TEXTS, offsetof(struct options, by), "by", 0, "WORD",
      "Count by asker, holder, dataset, purpose, basis, verdict, kind, official, role, case, key, "
      "day, month, reason or field; once or twice. An entry with several reasons or fields counts "
      "for each of them" },
    QUESTION_ROWS(options),
    { .kind = COMMAND_END },
};

static const struct command_option over_asking_table[] = {
    QUESTION_ROW(COMMAND_TEXT, options, asker, "asker", "CODE", "This member asked"),
    QUESTION_ROW(COMMAND_TEXT, options, purpose, "purpose", "CODE", "For this purpose"),
    QUESTION_ROW(COMMAND_TEXT, options, dataset, "dataset", "CODE", "Of this dataset"),
    QUESTION_UNCHECKED(options),
    QUESTION_TIMES(options),
    { .kind = COMMAND_END },
};

// A group's value as people read it: numbers of the wire become their words.
static struct bytes word_of(uint32_t by, struct bytes name)
{
    static const char *const verdicts[] = { "no decision", "all", "some", "none" };
    uint64_t number = 0;
    if (name.size == 0) {
        return bytes_text("-");
    }
    bool is_number = text_u64_parse(name, 63, &number);
    if (by == WIRE_GROUP_KIND && is_number) {
        return bytes_text(wire_kind_name((uint32_t)number));
    }
    if (by == WIRE_GROUP_BASIS && is_number) {
        return bytes_text(number == 0 || number >= CATALOGUE_BASIS_COUNT
                              ? "-"
                              : catalogue_basis_name((enum catalogue_basis)number));
    }
    if (by == WIRE_GROUP_VERDICT && is_number) {
        return bytes_text(verdicts[number < ARRAY_COUNT(verdicts) ? number : 0]);
    }
    return name;
}

static void show_counts(struct output *out, const struct question *question,
                        const char *const *names, const struct tally *tally)
{
    const struct wire_filter *filter = &question->filter;
    uint64_t total = 0;
    bool several = false; // values in one entry
    for (size_t i = 0; i < filter->group_count; i++) {
        several = several || filter->group[i] == WIRE_GROUP_REASON ||
                  filter->group[i] == WIRE_GROUP_FIELD;
    }
    output_array(out, "counts");
    for (size_t i = 0; i < tally->count; i++) {
        const struct tally_group *group = tally->groups[i];
        struct bytes first = word_of(filter->group[0], group->names[0]);
        struct bytes second = filter->group_count > 1 ? word_of(filter->group[1], group->names[1])
                                                      : (struct bytes){ 0 };
        output_object(out, NULL);
        output_bytes(out, names[0], first);
        if (filter->group_count > 1) {
            output_bytes(out, names[1], second);
        }
        output_number(out, "count", group->number);
        output_object_end(out);
        output_line(out, "%10llu  %.*s%s%.*s", (unsigned long long)group->number, (int)first.size,
                    (const char *)first.data, second.size > 0 ? "  " : "", (int)second.size,
                    (const char *)second.data);
        total += group->number;
    }
    output_array_end(out);
    output_number(out, "total", total);
    output_line(out, "%10llu  in all%s", (unsigned long long)total,
                several ? ": an entry with several of them counts for each" : "");
    output_bool(out, "total_counts_entries", !several);
}

static enum status run_count(struct command_call *call, struct error *err)
{
    const struct options *options = call->options;
    uint32_t groups[2] = { 0 };
    struct person person;
    struct question question;
    struct tally tally = { 0 };
    if (options->by.count == 0 || options->by.count > ARRAY_COUNT(groups)) {
        return error_set(err, ST_USAGE, "count by what? give --by once or twice");
    }
    for (size_t i = 0; i < options->by.count; i++) {
        groups[i] = tally_group_parse(options->by.items[i]);
        if (groups[i] == WIRE_GROUP_NONE || (i > 0 && groups[i] == groups[0])) {
            return error_set(err, ST_USAGE, "--by: entries are not counted by '%s'%s",
                             options->by.items[i], groups[i] == WIRE_GROUP_NONE ? "" : " twice");
        }
    }
    enum status status = person_open(call, NULL, PERSON_MAYBE, &person, err);
    if (status != ST_OK) {
        return status;
    }
    status = question_make(&options->question, &person, WIRE_QUERY_COUNTS, &question, err);
    question.filter.group = groups;
    question.filter.group_count = options->by.count;
    if (status == ST_OK) {
        status = tally_ask(person.link, &question, &tally, err);
    }
    if (status == ST_OK) {
        show_counts(call->out, &question, options->by.items, &tally);
        tally_fini(&tally);
    }
    person_close(&person);
    return status;
}

// ---- over-asking

static double share(const struct tally_group *group)
{
    return group->asked == 0 ? 0 : 100.0 * (double)group->over_asked / (double)group->asked;
}

static void show_over_asking(struct output *out, const struct speech *speech,
                             const struct tally *tally)
{
    output_array(out, "over_asking");
    output_line(out, "%10s %10s %12s %7s  %s", "requests", "fields", "over-asked", "share",
                "member, purpose");
    for (size_t i = 0; i < tally->count; i++) {
        const struct tally_group *group = tally->groups[i];
        struct buffer text = buffer_init(64 * 1024);
        speech_member(speech, group->names[0], &text);
        buffer_text(&text, ", ");
        speech_purpose(speech, group->names[1], &text);
        output_object(out, NULL);
        output_bytes(out, "asker", group->names[0]);
        output_bytes(out, "purpose", group->names[1]);
        output_number(out, "requests", group->number);
        output_number(out, "fields", group->asked);
        output_number(out, "over_asked", group->over_asked);
        output_real(out, "share_percent", share(group));
        output_object_end(out);
        output_line(out, "%10llu %10llu %12llu %6.1f%%  %.*s", (unsigned long long)group->number,
                    (unsigned long long)group->asked, (unsigned long long)group->over_asked,
                    share(group), (int)text.size, (const char *)text.data);
        buffer_fini(&text);
    }
    output_array_end(out);
    if (tally->count == 0) {
        output_line(out, "no requests");
    }
}

static enum status run_over_asking(struct command_call *call, struct error *err)
{
    const struct options *options = call->options;
    static const uint32_t groups[] = { WIRE_GROUP_ASKER, WIRE_GROUP_PURPOSE };
    struct person person;
    struct question question;
    struct tally tally = { 0 };
    enum status status = person_open(call, NULL, PERSON_NONE, &person, err);
    if (status != ST_OK) {
        return status;
    }
    status = question_make(&options->question, &person, WIRE_QUERY_COUNTS, &question, err);
    question.filter.entry_kind = WIRE_KIND_DECISION;
    question.filter.group = groups;
    question.filter.group_count = ARRAY_COUNT(groups);
    question.filter.why = bytes_text("report of over-asking");
    if (status == ST_OK) {
        status = tally_ask(person.link, &question, &tally, err);
    }
    if (status == ST_OK) {
        show_over_asking(call->out, &person.speech, &tally);
        tally_fini(&tally);
    }
    person_close(&person);
    return status;
}

const struct command cmd_audit_count = {
    .words = "audit count",
    .help = "Count entries of the record by member, purpose, day or what else they have",
    .detail = "No person is shown, unless --subject names one whose list is counted. The question "
              "is on record.",
    .common = COMMAND_CONNECTS | COMMAND_SUBJECT | COMMAND_SPEAKS,
    .options = count_table,
    .options_bytes = sizeof(struct options),
    .run = run_count,
};

const struct command cmd_audit_over_asking = {
    .words = "audit over-asking",
    .help = "Report what members asked for that no agreement allows",
    .detail = "By member and purpose. A field that a citizen declined, paused or withdrew is not "
              "counted: asking for it was allowed.",
    .common = COMMAND_CONNECTS | COMMAND_SPEAKS,
    .options = over_asking_table,
    .options_bytes = sizeof(struct options),
    .run = run_over_asking,
};
