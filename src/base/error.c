// Errors: formatting into fixed storage.
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// A message cut in the middle of a UTF-8 character loses the whole character.
static void trim_cut_character(char *message, int length)
{
    if (length < ERROR_MESSAGE_BYTES) {
        return;
    }
    size_t end = ERROR_MESSAGE_BYTES - 1;
    while (end > 0 && ((unsigned char)message[end - 1] & 0xC0) == 0x80) {
        end--;
    }
    if (end > 0 && ((unsigned char)message[end - 1] & 0x80) != 0) {
        message[end - 1] = '\0';
    }
}

enum status error_set(struct error *err, enum status status, const char *format, ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        err->status = status;
        trim_cut_character(err->message,
                           vsnprintf(err->message, sizeof(err->message), format, args));
        va_end(args);
    }
    return status;
}

enum status error_wrap(struct error *err, const char *format, ...)
{
    if (err == NULL) {
        return ST_IO;
    }
    char inner[ERROR_MESSAGE_BYTES];
    char context[ERROR_MESSAGE_BYTES];
    memcpy(inner, err->message, sizeof(inner));
    va_list args;
    va_start(args, format);
    vsnprintf(context, sizeof(context), format, args);
    va_end(args);
    trim_cut_character(err->message,
                       snprintf(err->message, sizeof(err->message), "%s: %s", context, inner));
    return err->status;
}

enum status error_errno(struct error *err, enum status status, const char *format, ...)
{
    int number = errno;
    if (err != NULL) {
        char what[ERROR_MESSAGE_BYTES];
        va_list args;
        va_start(args, format);
        vsnprintf(what, sizeof(what), format, args);
        va_end(args);
        char reason[96];
        const char *text = strerror_r(number, reason, sizeof(reason));
        return error_set(err, status, "%s: %s", what, text);
    }
    return status;
}
