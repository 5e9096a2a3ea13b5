// What a command prints: lines for people, or one JSON document with --json. Nothing reaches the
// standard output before the command has ended, so a failure never leaves half a document.
#pragma once

#include "base/buffer.h"
#include "web/json.h"

struct output {
    struct buffer text;
    struct web_json_writer json; // writes into `text`
    bool as_json;
};

enum { OUTPUT_BYTES_MAX = 256 * 1024 * 1024 };

void output_init(struct output *out, bool as_json);
void output_fini(struct output *out);

// A line for people. Does nothing with --json.
void output_line(struct output *out, const char *format, ...) PRINTF_LIKE(2, 3);

// Members of the JSON object at hand. Do nothing without --json.
void output_text(struct output *out, const char *name, const char *text);
void output_bytes(struct output *out, const char *name, struct bytes text);
void output_hex(struct output *out, const char *name, struct bytes bytes);
void output_id(struct output *out, const char *name, const struct id *id); // absent: left out
void output_number(struct output *out, const char *name, uint64_t number);
void output_real(struct output *out, const char *name, double number);
void output_bool(struct output *out, const char *name, bool value);
void output_moment(struct output *out, const char *name, uint64_t wall_ms); // 0: left out
void output_object(struct output *out, const char *name);                   // NULL: in an array
void output_object_end(struct output *out);
void output_array(struct output *out, const char *name);
void output_array_end(struct output *out);

// A text in an array.
void output_item(struct output *out, struct bytes text);

enum { OUTPUT_MOMENT_BYTES = 24 };

// "2026-11-21 18:53:00 UTC"; "-" for 0. Returns `text`.
const char *output_moment_text(uint64_t wall_ms, char text[OUTPUT_MOMENT_BYTES]);

// Writes everything to the standard output.
NODISCARD enum status output_flush(struct output *out, struct error *err);
