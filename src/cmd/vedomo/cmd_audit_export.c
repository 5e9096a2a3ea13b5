// vedomo audit export: entries as a file, for whoever works on a case. The file appears whole or
// not at all. Every person in it finds this export in the own list.
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "evidence.h"
#include "question.h"

#include "base/file.h"

enum { ROW_BYTES_MAX = 1024 * 1024 };

struct options {
    struct question_options question;
    const char *format;
    const char *why;
    bool without_people;
    uint64_t limit;
};

static const struct command_option export_table[] = {
    { COMMAND_TEXT, offsetof(struct options, format), "format", 0, "csv|jsonl",
      "A table (default), or a JSON object a line" },
    { COMMAND_TEXT, offsetof(struct options, why), "why", 0, "TEXT",
      "What it is for: goes on record with the question" },
    { COMMAND_FLAG, offsetof(struct options, without_people), "without-people", 0, NULL,
      "Leave out what leads to persons: references, officials, cases, true reasons" },
    QUESTION_ROWS(options),
    { COMMAND_COUNT, offsetof(struct options, limit), "limit", 0, "N",
      "At most so many, newest first (default: all)" },
    { .kind = COMMAND_END },
};

struct writing {
    FILE *file;
    const char *name;
    enum evidence_format format;
    struct buffer row;
    uint64_t count;
};

static enum status write_row(struct writing *writing, struct error *err)
{
    enum status status = buffer_ok(&writing->row, "a row of the export", err);
    if (status == ST_OK &&
        fwrite(writing->row.data, 1, writing->row.size, writing->file) != writing->row.size) {
        status = error_errno(err, ST_IO, "%s", writing->name);
    }
    buffer_clear(&writing->row);
    return status;
}

static enum status export_row(void *context, const struct wire_row *row, struct error *err)
{
    struct writing *writing = context;
    struct entry_text entry;
    struct arena *arena = arena_create(WIRE_ROWS_ARENA_BYTES);
    enum status status = arena == NULL ? error_set(err, ST_NOMEM, "entry")
                                       : entry_text_read(row, arena, &entry, err);
    if (status == ST_OK) {
        evidence_row(writing->format, &entry, &writing->row);
        status = write_row(writing, err);
        writing->count++;
    }
    arena_destroy(&arena);
    return status;
}

static enum status write_all(struct writing *writing, struct person *person,
                             struct question *question, struct error *err)
{
    evidence_head(writing->format, &writing->row);
    enum status status = writing->row.size > 0 ? write_row(writing, err) : ST_OK;
    if (status == ST_OK) {
        status = question_ask(person->link, question, export_row, writing, err);
    }
    if (status == ST_OK && (fflush(writing->file) != 0 ||
                            (writing->file != stdout && fsync(fileno(writing->file)) != 0))) {
        status = error_errno(err, ST_IO, "%s", writing->name);
    }
    return status;
}

// Beside its place first, readable by its owner only.
static enum status write_file(struct writing *writing, struct person *person,
                              struct question *question, struct error *err)
{
    char beside[PATH_MAX];
    if (snprintf(beside, sizeof(beside), "%s.part-XXXXXX", writing->name) >= (int)sizeof(beside)) {
        return error_set(err, ST_USAGE, "%s: the name is too long", writing->name);
    }
    int fd = mkstemp(beside);
    writing->file = fd < 0 ? NULL : fdopen(fd, "w");
    if (writing->file == NULL) {
        enum status failed = error_errno(err, ST_IO, "%s: a file beside it", writing->name);
        if (fd >= 0) {
            (void)close(fd);
            (void)unlink(beside);
        }
        return failed;
    }
    enum status status = write_all(writing, person, question, err);
    if (fclose(writing->file) != 0 && status == ST_OK) {
        status = error_errno(err, ST_IO, "%s", beside);
    }
    if (status == ST_OK) {
        status = file_move(beside, writing->name, err);
    }
    if (status != ST_OK) {
        (void)unlink(beside);
    }
    return status;
}

static enum status run_export(struct command_call *call, struct error *err)
{
    const struct options *options = call->options;
    struct person person;
    struct question question;
    struct writing writing = { .name = call->arguments[0],
                               .format = evidence_format_parse(options->format),
                               .row = buffer_init(ROW_BYTES_MAX) };
    bool to_stdout = strcmp(writing.name, "-") == 0;
    if (writing.format == EVIDENCE_NONE) {
        return error_set(err, ST_USAGE, "--format is csv or jsonl, not '%s'", options->format);
    }
    if (to_stdout && call->settings->json) {
        return error_set(err, ST_USAGE, "with --json name a file: '-' is where the answer goes");
    }
    enum status status = person_open(call, NULL, PERSON_MAYBE, &person, err);
    if (status != ST_OK) {
        return status;
    }
    status = question_make(&options->question, &person, WIRE_QUERY_ENTRIES, &question, err);
    question.limit = options->limit;
    question.filter.people = !options->without_people;
    question.filter.why = bytes_text(options->why == NULL ? "export" : options->why);
    if (status == ST_OK && to_stdout) {
        writing.file = stdout;
        status = write_all(&writing, &person, &question, err);
    } else if (status == ST_OK) {
        status = write_file(&writing, &person, &question, err);
        output_number(call->out, "entries", writing.count);
        output_text(call->out, "file", writing.name);
        output_line(call->out, "%s: entries: %llu", writing.name,
                    (unsigned long long)writing.count);
    }
    buffer_fini(&writing.row);
    person_close(&person);
    return status;
}

const struct command cmd_audit_export = {
    .words = "audit export",
    .arguments = "FILE|-",
    .argument_min = 1,
    .argument_max = 1,
    .help = "Write entries of the record to a file, as evidence",
    .detail = "Each person in the file finds this look in the own list; --without-people leaves "
              "out what leads to persons. 'person' in it is the same for the same person and leads "
              "to nobody by itself. Cells that a spreadsheet would compute begin with '.",
    .common = COMMAND_CONNECTS | COMMAND_SUBJECT | COMMAND_SPEAKS,
    .options = export_table,
    .options_bytes = sizeof(struct options),
    .run = run_export,
};
