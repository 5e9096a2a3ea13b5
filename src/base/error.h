// A failure: a status and a message of fixed size on the caller's stack, so failing never
// allocates. The message names its subject and, where there is one, what to do.
#pragma once

#include "base/compiler.h"
#include "base/status.h"

enum { ERROR_MESSAGE_BYTES = 256 };

struct error {
    enum status status;
    char message[ERROR_MESSAGE_BYTES]; // always terminated; cut at a character when too long
};

// Fills *err (which may be NULL) and returns `status`.
enum status error_set(struct error *err, enum status status, const char *format, ...)
    PRINTF_LIKE(3, 4);

// Puts context in front of the message: "context: message". Returns the error's status.
enum status error_wrap(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

// error_set() with ": " and the text of errno behind the message.
enum status error_errno(struct error *err, enum status status, const char *format, ...)
    PRINTF_LIKE(3, 4);
