// What a command prints. Texts that others wrote (a reason, a justification) pass through here on
// their way to a terminal, so control characters never do.
#include "output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

void output_init(struct output *out, bool as_json)
{
    *out = (struct output){ .text = buffer_init(OUTPUT_BYTES_MAX), .as_json = as_json };
    out->json = web_json_writer_init(&out->text);
    if (as_json) {
        web_json_write_object(&out->json);
    }
}

void output_fini(struct output *out)
{
    buffer_fini(&out->text);
}

void output_line(struct output *out, const char *format, ...)
{
    if (out->as_json) {
        return;
    }
    char *line = NULL;
    va_list arguments;
    va_start(arguments, format);
    int size = vasprintf(&line, format, arguments);
    va_end(arguments);
    if (size < 0) {
        out->text.failed = true;
        return;
    }
    buffer_bytes(&out->text, bytes_of(line, (size_t)size));
    buffer_u8(&out->text, '\n');
    free(line);
}

void output_bytes(struct output *out, const char *name, struct bytes text)
{
    if (out->as_json) {
        web_json_write_name(&out->json, name);
        web_json_write_text(&out->json, text);
    }
}

void output_text(struct output *out, const char *name, const char *text)
{
    output_bytes(out, name, bytes_text(text));
}

void output_hex(struct output *out, const char *name, struct bytes bytes)
{
    if (!out->as_json) {
        return;
    }
    char *hex = malloc(2 * bytes.size + 1);
    if (hex == NULL) {
        out->text.failed = true;
        return;
    }
    text_hex_encode(bytes, hex);
    output_text(out, name, hex);
    free(hex);
}

void output_id(struct output *out, const char *name, const struct id *id)
{
    static const struct id none;
    if (out->as_json && !id_equal(id, &none)) {
        char text[TEXT_ID_BYTES];
        text_id_format(id, text);
        output_text(out, name, text);
    }
}

void output_number(struct output *out, const char *name, uint64_t number)
{
    if (out->as_json) {
        web_json_write_name(&out->json, name);
        web_json_write_integer(&out->json, (int64_t)number);
    }
}

void output_real(struct output *out, const char *name, double number)
{
    if (out->as_json) {
        web_json_write_name(&out->json, name);
        web_json_write_real(&out->json, number);
    }
}

void output_bool(struct output *out, const char *name, bool value)
{
    if (out->as_json) {
        web_json_write_name(&out->json, name);
        web_json_write_bool(&out->json, value);
    }
}

void output_moment(struct output *out, const char *name, uint64_t wall_ms)
{
    if (out->as_json && wall_ms != 0 && wall_ms <= INT64_MAX / 2) {
        char text[CLOCK_TEXT_BYTES];
        clock_format((int64_t)wall_ms, text);
        output_text(out, name, text);
    }
}

void output_object(struct output *out, const char *name)
{
    if (out->as_json) {
        if (name != NULL) {
            web_json_write_name(&out->json, name);
        }
        web_json_write_object(&out->json);
    }
}

void output_object_end(struct output *out)
{
    if (out->as_json) {
        web_json_write_object_end(&out->json);
    }
}

void output_array(struct output *out, const char *name)
{
    if (out->as_json) {
        web_json_write_name(&out->json, name);
        web_json_write_array(&out->json);
    }
}

void output_array_end(struct output *out)
{
    if (out->as_json) {
        web_json_write_array_end(&out->json);
    }
}

void output_item(struct output *out, struct bytes text)
{
    if (out->as_json) {
        web_json_write_text(&out->json, text);
    }
}

const char *output_moment_text(uint64_t wall_ms, char text[OUTPUT_MOMENT_BYTES])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;
    if (wall_ms == 0 || gmtime_r(&seconds, &parts) == NULL ||
        strftime(text, OUTPUT_MOMENT_BYTES, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0) {
        snprintf(text, OUTPUT_MOMENT_BYTES, "-");
    }
    return text;
}

// C0 and C1 control characters (the latter are 0xC2 0x80..0x9F in UTF-8) become '?'.
static void defuse(struct buffer *text)
{
    for (size_t i = 0; i < text->size; i++) {
        uint8_t *c = &text->data[i];
        bool plain = (*c >= 0x20 && *c != 0x7F) || *c == '\n' || *c == '\t';
        bool second = i > 0 && text->data[i - 1] == 0xC2 && *c >= 0x80 && *c < 0xA0;
        if (second) {
            text->data[i - 1] = '?';
        }
        if (!plain || second) {
            *c = '?';
        }
    }
}

enum status output_flush(struct output *out, struct error *err)
{
    if (out->as_json) {
        web_json_write_object_end(&out->json);
        buffer_u8(&out->text, '\n');
    }
    enum status status = buffer_ok(&out->text, "output", err);
    if (status != ST_OK) {
        return status;
    }
    if (!out->as_json) {
        defuse(&out->text);
    }
    size_t done = 0;
    while (done < out->text.size) {
        ssize_t wrote = write(STDOUT_FILENO, out->text.data + done, out->text.size - done);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote < 0) {
            return error_errno(err, ST_IO, "standard output");
        }
        done += (size_t)wrote;
    }
    return ST_OK;
}
