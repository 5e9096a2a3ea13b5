// The program's log: an event is a dotted name and typed fields. There is no field type for
// personal data, keys, tokens or payloads, so they cannot be logged. Layers 3 and 4 only.
#pragma once

#include "base/bytes.h"

enum log_level {
    LOG_LEVEL_DEBUG,
    LOG_LEVEL_INFO,
    LOG_LEVEL_NOTICE,
    LOG_LEVEL_WARNING,
    LOG_LEVEL_ERROR
};

enum log_kind { LOG_END = 0, LOG_TEXT, LOG_ID, LOG_NUMBER };

struct log_field {
    enum log_kind kind;
    const char *name;
    const char *text; // LOG_TEXT
    struct id id;     // LOG_ID
    int64_t number;   // LOG_NUMBER
};

// A word of ours (reason, state, member code, file name), never a value or an identifier.
static inline struct log_field log_text(const char *name, const char *text)
{
    return (struct log_field){ .kind = LOG_TEXT, .name = name, .text = text };
}

static inline struct log_field log_id(const char *name, struct id id)
{
    return (struct log_field){ .kind = LOG_ID, .name = name, .id = id };
}

static inline struct log_field log_number(const char *name, int64_t number)
{
    return (struct log_field){ .kind = LOG_NUMBER, .name = name, .number = number };
}

// Where events go: a file descriptor (2 at first) and the lowest level written.
void log_configure(int fd, enum log_level lowest);

// log_event(LOG_LEVEL_NOTICE, "member.revoked", log_text("member", code));
#define log_event(level, name, ...)                                                                \
    log_write(level, name, (const struct log_field[]){ __VA_ARGS__ __VA_OPT__(, ){ 0 } })

// One line: time, level, name, fields as name=value; ended by a field of kind LOG_END.
void log_write(enum log_level level, const char *name, const struct log_field *fields);
