// vedomo audit breach: who is affected by the misuse of a key or by an official, which fields were
// passed on, when; and a letter to each. Every person in it finds this look in the own list.
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "breach.h"
#include "commands.h"
#include "evidence.h"

#include "base/file.h"
#include "base/text.h"

enum { LETTER_BYTES_MAX = 16 * 1024 * 1024, ADDRESSES_BYTES_MAX = 256 * 1024 * 1024 };

struct options {
    struct question_options question;
    const char *letters;
};

static const struct command_option breach_table[] = {
    QUESTION_ROW(COMMAND_TEXT, options, key, "signed-by", "HEX",
                 "Requests that this batch key signed"),
    QUESTION_ROW(COMMAND_TEXT, options, official, "official", "PSEUDONYM",
                 "Requests of this official of the member"),
    QUESTION_ROW(COMMAND_TEXT, options, asker, "member", "CODE", "The member that asked"),
    QUESTION_UNCHECKED(options),
    QUESTION_TIMES(options),
    { COMMAND_TEXT, offsetof(struct options, letters), "letters", 0, "DIR",
      "Write a letter to each person there, and addresses.csv" },
    { .kind = COMMAND_END },
};

static enum status take_row(void *context, const struct wire_row *row, struct error *err)
{
    return breach_add(context, row, err);
}

// ---- letters

static enum status write_letter(const struct breach_person *to, const char *folder,
                                const struct breach_office *office,
                                const struct catalogue *catalogue, struct error *err)
{
    char path[PATH_MAX];
    struct buffer letter = buffer_init(LETTER_BYTES_MAX);
    if (snprintf(path, sizeof(path), "%s/%s.txt", folder, to->reference) >= (int)sizeof(path)) {
        return error_set(err, ST_USAGE, "%s: the name is too long", folder);
    }
    breach_letter(to, office, catalogue, &letter);
    enum status status = buffer_ok(&letter, "letter", err);
    if (status == ST_OK) {
        status = file_replace(path, buffer_view(&letter), 0600, err);
    }
    buffer_fini(&letter);
    return status;
}

// The record knows no names: the holder finds the person by the request that it answered.
static void add_address(const struct breach_person *person, struct buffer *out)
{
    const struct breach_access *access = person->accesses;
    const struct wire_exchange_part *part = access->exchange;
    char id[TEXT_ID_BYTES];
    text_id_format(&part->exchange_id, id);
    evidence_cell(bytes_text(person->reference), out);
    buffer_text(out, ",");
    evidence_cell(part->holder, out);
    buffer_text(out, ",");
    evidence_cell(part->asker, out);
    buffer_format(out, ",%s,%llu,", id, (unsigned long long)access->index);
    evidence_time(access->at_ms, out);
    buffer_text(out, "\r\n");
}

static enum status write_letters(const struct breach *breach, const char *folder,
                                 const struct breach_office *office,
                                 const struct catalogue *catalogue, struct error *err)
{
    char path[PATH_MAX];
    struct buffer addresses = buffer_init(ADDRESSES_BYTES_MAX);
    enum status status = file_make_folder(folder, 0700, err);
    buffer_text(&addresses, "letter,holder,asker,exchange,entry,time\r\n");
    for (size_t i = 0; status == ST_OK && i < breach->people_count; i++) {
        status = write_letter(breach->people[i], folder, office, catalogue, err);
        add_address(breach->people[i], &addresses);
    }
    if (status == ST_OK) {
        status = buffer_ok(&addresses, "addresses", err);
    }
    if (status == ST_OK &&
        snprintf(path, sizeof(path), "%s/addresses.csv", folder) >= (int)sizeof(path)) {
        status = error_set(err, ST_USAGE, "%s: the name is too long", folder);
    }
    if (status == ST_OK) {
        status = file_replace(path, buffer_view(&addresses), 0600, err);
    }
    buffer_fini(&addresses);
    return status;
}

// ---- the report

static int by_number(const void *one, const void *other)
{
    const struct breach_count *a = *(struct breach_count *const *)one;
    const struct breach_count *b = *(struct breach_count *const *)other;
    return a->number != b->number ? (a->number > b->number ? -1 : 1)
                                  : bytes_compare(a->name, b->name);
}

static int by_name(const void *one, const void *other)
{
    const struct breach_count *a = *(struct breach_count *const *)one;
    const struct breach_count *b = *(struct breach_count *const *)other;
    return bytes_compare(a->name, b->name);
}

static void show_list(struct output *out, const char *name, struct breach_count *const *list,
                      size_t count)
{
    output_array(out, name);
    for (size_t i = 0; i < count; i++) {
        output_object(out, NULL);
        output_bytes(out, "name", list[i]->name);
        output_number(out, "count", list[i]->number);
        output_object_end(out);
        output_line(out, "%10llu  %.*s", (unsigned long long)list[i]->number,
                    SPEECH_TEXT(list[i]->name));
    }
    output_array_end(out);
}

static void show_report(struct output *out, struct breach *breach)
{
    output_number(out, "people", breach->people_count);
    output_number(out, "requests", breach->accesses);
    output_number(out, "passed_on", breach->passed_on);
    output_line(out, "%zu people, %llu requests, %llu of them with data passed on",
                breach->people_count, (unsigned long long)breach->accesses,
                (unsigned long long)breach->passed_on);
    if (breach->people_count == 0) {
        return;
    }
    qsort(breach->fields, breach->field_count, sizeof(*breach->fields), by_number);
    qsort(breach->days, breach->day_count, sizeof(*breach->days), by_name);
    output_line(out, "passed on, by field:");
    show_list(out, "fields", breach->fields, breach->field_count);
    output_line(out, "requests, by day:");
    show_list(out, "days", breach->days, breach->day_count);
    output_line(out, "requests, by person:");
    output_array(out, "by_person");
    for (size_t i = 0; i < breach->people_count; i++) {
        const struct breach_person *person = breach->people[i];
        output_object(out, NULL);
        output_text(out, "person", person->reference);
        output_number(out, "requests", person->count);
        output_object_end(out);
        output_line(out, "%10llu  %s", (unsigned long long)person->count, person->reference);
    }
    output_array_end(out);
}

static enum status report(struct command_call *call, struct person *person, struct error *err)
{
    const struct options *options = call->options;
    struct question question;
    struct breach breach;
    struct breach_office office = { .member = bytes_text(link_identity(person->link)->member) };
    enum status status =
        question_make(&options->question, person, WIRE_QUERY_ENTRIES, &question, err);
    if (status == ST_OK) {
        status = breach_init(&breach, err);
    }
    if (status != ST_OK) {
        return status;
    }
    question.filter.entry_kind = WIRE_KIND_DECISION;
    question.filter.people = true;
    question.filter.why = bytes_text("breach report");
    status = question_ask(person->link, &question, take_row, &breach, err);
    if (status == ST_OK && options->letters != NULL) {
        status = write_letters(&breach, options->letters, &office, person->catalogue, err);
    }
    if (status == ST_OK) {
        show_report(call->out, &breach);
    }
    if (status == ST_OK && options->letters != NULL) {
        output_text(call->out, "letters", options->letters);
        output_line(call->out,
                    "%s: %zu letters; addresses.csv says which holder knows each person, and by "
                    "which request",
                    options->letters, breach.people_count);
    }
    breach_fini(&breach);
    return status;
}

static enum status run_breach(struct command_call *call, struct error *err)
{
    const struct question_options *options = &((const struct options *)call->options)->question;
    struct person person;
    if (options->key == NULL && (options->official == NULL || options->asker == NULL)) {
        return error_set(err, ST_USAGE,
                         "whose misuse? give --signed-by HEX, or --official and "
                         "--member");
    }
    enum status status = person_open(call, NULL, PERSON_NONE, &person, err);
    if (status != ST_OK) {
        return status;
    }
    status = report(call, &person, err);
    person_close(&person);
    return status;
}

const struct command cmd_audit_breach = {
    .words = "audit breach",
    .help = "Report who is affected by a misused key or an official, with letters",
    .detail =
        "People are named by references that lead to nobody by themselves. Each of them finds "
        "this look in the own list.",
    .common = COMMAND_CONNECTS | COMMAND_SPEAKS,
    .options = breach_table,
    .options_bytes = sizeof(struct options),
    .run = run_breach,
};
