// A byte buffer that grows up to a limit and remembers its first failure: append one thing after
// another, then ask buffer_ok() once. Integers are written big-endian.
#pragma once

#include "base/bytes.h"
#include "base/error.h"

struct buffer {
    uint8_t *data;
    size_t size;
    size_t capacity;
    size_t limit; // bytes it may ever hold
    bool failed;  // over the limit, or no memory; sticky until buffer_clear()
};

// An empty buffer that may grow to `limit` bytes. Allocates nothing.
struct buffer buffer_init(size_t limit);

// Frees the bytes. Harmless on an empty or zeroed buffer, and twice.
void buffer_fini(struct buffer *buffer);

// Forgets content and failure, keeps the memory.
void buffer_clear(struct buffer *buffer);

void buffer_u8(struct buffer *buffer, uint8_t value);
void buffer_u16(struct buffer *buffer, uint16_t value);
void buffer_u32(struct buffer *buffer, uint32_t value);
void buffer_u64(struct buffer *buffer, uint64_t value);
void buffer_bytes(struct buffer *buffer, struct bytes bytes);
void buffer_text(struct buffer *buffer, const char *text);
void buffer_format(struct buffer *buffer, const char *format, ...) PRINTF_LIKE(2, 3);

// u16 length and the bytes; fails when they are longer than 65,535.
void buffer_lp(struct buffer *buffer, struct bytes bytes);

// Room for `size` bytes at the end, counted as content at once; NULL after a failure. Borrowed
// until the next append.
uint8_t *buffer_reserve(struct buffer *buffer, size_t size);

// What was written so far. Borrowed until the next append.
struct bytes buffer_view(const struct buffer *buffer);

// ST_OK, or ST_NOMEM naming `what` when anything did not fit.
NODISCARD enum status buffer_ok(const struct buffer *buffer, const char *what, struct error *err);
