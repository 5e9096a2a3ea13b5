// The growing buffer.
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct buffer buffer_init(size_t limit)
{
    return (struct buffer){ .limit = limit };
}

void buffer_fini(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){ .limit = buffer->limit };
}

void buffer_clear(struct buffer *buffer)
{
    buffer->size = 0;
    buffer->failed = false;
}

uint8_t *buffer_reserve(struct buffer *buffer, size_t size)
{
    if (buffer->failed || size > buffer->limit - buffer->size) {
        buffer->failed = true;
        return NULL;
    }
    size_t needed = buffer->size + size;
    if (needed > buffer->capacity || buffer->data == NULL) {
        size_t capacity = buffer->capacity < 128 ? 256 : buffer->capacity * 2;
        capacity = capacity < needed ? needed : capacity;
        uint8_t *data = realloc(buffer->data, capacity);
        if (data == NULL) {
            buffer->failed = true;
            return NULL;
        }
        buffer->data = data;
        buffer->capacity = capacity;
    }
    uint8_t *room = buffer->data + buffer->size;
    buffer->size = needed;
    return room;
}

static void append_integer(struct buffer *buffer, uint64_t value, size_t size)
{
    uint8_t *room = buffer_reserve(buffer, size);
    for (size_t i = size; room != NULL && i > 0; i--) {
        room[i - 1] = (uint8_t)value;
        value >>= 8;
    }
}

void buffer_u8(struct buffer *buffer, uint8_t value)
{
    append_integer(buffer, value, 1);
}

void buffer_u16(struct buffer *buffer, uint16_t value)
{
    append_integer(buffer, value, 2);
}

void buffer_u32(struct buffer *buffer, uint32_t value)
{
    append_integer(buffer, value, 4);
}

void buffer_u64(struct buffer *buffer, uint64_t value)
{
    append_integer(buffer, value, 8);
}

void buffer_bytes(struct buffer *buffer, struct bytes bytes)
{
    if (bytes.size == 0) {
        return;
    }
    uint8_t *room = buffer_reserve(buffer, bytes.size);
    if (room != NULL) {
        memcpy(room, bytes.data, bytes.size);
    }
}

void buffer_text(struct buffer *buffer, const char *text)
{
    buffer_bytes(buffer, bytes_text(text));
}

void buffer_format(struct buffer *buffer, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    // One byte more for the terminator that vsnprintf insists on; it does not count as content.
    uint8_t *room = length < 0 ? NULL : buffer_reserve(buffer, (size_t)length + 1);
    if (room != NULL) {
        vsnprintf((char *)room, (size_t)length + 1, format, again);
        buffer->size--;
    } else {
        buffer->failed = true;
    }
    va_end(again);
    va_end(args);
}

void buffer_lp(struct buffer *buffer, struct bytes bytes)
{
    if (bytes.size > UINT16_MAX) {
        buffer->failed = true;
        return;
    }
    buffer_u16(buffer, (uint16_t)bytes.size);
    buffer_bytes(buffer, bytes);
}

struct bytes buffer_view(const struct buffer *buffer)
{
    return bytes_of(buffer->data, buffer->size);
}

enum status buffer_ok(const struct buffer *buffer, const char *what, struct error *err)
{
    if (buffer->failed) {
        return error_set(err, ST_NOMEM, "%s: larger than %zu bytes, or no memory", what,
                         buffer->limit);
    }
    return ST_OK;
}
