// The log sink: one write(2) a line, so lines of several threads never mix.
#include "base/event.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static atomic_int sink_fd = 2;
static atomic_int sink_lowest = LOG_LEVEL_INFO;

static const char *const level_names[] = { "debug", "info", "notice", "warning", "error" };

void log_configure(int fd, enum log_level lowest)
{
    atomic_store(&sink_fd, fd);
    atomic_store(&sink_lowest, (int)lowest);
}

static void append_text(struct buffer *line, const char *text)
{
    bool plain = text[0] != '\0';
    for (const char *p = text; *p != '\0'; p++) {
        plain = plain && *p > ' ' && *p != '"' && *p != '=' && *p != 0x7F;
    }
    if (plain) {
        buffer_text(line, text);
        return;
    }
    buffer_u8(line, '"');
    for (const char *p = text; *p != '\0'; p++) {
        bool control = (unsigned char)*p < ' ' || *p == 0x7F;
        if (*p == '"' || *p == '\\') {
            buffer_u8(line, '\\');
        }
        buffer_u8(line, control ? ' ' : (uint8_t)*p);
    }
    buffer_u8(line, '"');
}

static void append_field(struct buffer *line, const struct log_field *field)
{
    buffer_format(line, " %s=", field->name);
    char id[TEXT_ID_BYTES];
    switch (field->kind) {
    case LOG_TEXT:
        append_text(line, field->text != NULL ? field->text : "");
        break;
    case LOG_ID:
        text_id_format(&field->id, id);
        buffer_text(line, id);
        break;
    case LOG_NUMBER:
        buffer_format(line, "%lld", (long long)field->number);
        break;
    case LOG_END:
        break;
    }
}

void log_write(enum log_level level, const char *name, const struct log_field *fields)
{
    if ((int)level < atomic_load(&sink_lowest)) {
        return;
    }
    char time[CLOCK_TEXT_BYTES];
    clock_format(clock_wall_ms(), time);
    struct buffer line = buffer_init(4096);
    buffer_format(&line, "%s %s %s", time, level_names[level], name);
    for (; fields->kind != LOG_END; fields++) {
        append_field(&line, fields);
    }
    buffer_u8(&line, '\n');
    if (!line.failed) {
        ssize_t done = write(atomic_load(&sink_fd), line.data, line.size);
        (void)done; // nowhere to report that the log cannot be written
    }
    buffer_fini(&line);
}
