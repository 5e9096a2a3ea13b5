// Borrowed views of bytes, and digests by value.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// Bytes that belong to somebody else. Never outlives what it views.
struct bytes {
    const uint8_t *data;
    size_t size;
};

enum { DIGEST_BYTES = 32 };

// A 32-byte hash, key or salt by value.
struct digest {
    uint8_t bytes[DIGEST_BYTES];
};

enum { ID_BYTES = 16 };

// A 16-byte identifier (UUID) by value.
struct id {
    uint8_t bytes[ID_BYTES];
};

static inline struct bytes bytes_of(const void *data, size_t size)
{
    return (struct bytes){ .data = data, .size = size };
}

static inline struct bytes bytes_text(const char *text)
{
    return (struct bytes){ .data = (const uint8_t *)text, .size = strlen(text) };
}

static inline struct bytes bytes_digest(const struct digest *digest)
{
    return (struct bytes){ .data = digest->bytes, .size = DIGEST_BYTES };
}

static inline struct bytes bytes_id(const struct id *id)
{
    return (struct bytes){ .data = id->bytes, .size = ID_BYTES };
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool bytes_equal_text(struct bytes a, const char *text)
{
    return bytes_equal(a, bytes_text(text));
}

// memcmp order; a prefix sorts before what it begins.
static inline int bytes_compare(struct bytes a, struct bytes b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    if (order != 0) {
        return order;
    }
    return (a.size > b.size) - (a.size < b.size);
}

static inline bool digest_equal(const struct digest *a, const struct digest *b)
{
    return memcmp(a->bytes, b->bytes, DIGEST_BYTES) == 0;
}

static inline bool digest_is_zero(const struct digest *digest)
{
    static const struct digest zero;
    return digest_equal(digest, &zero);
}

static inline bool id_is_zero(const struct id *id)
{
    static const struct id zero;
    return memcmp(id->bytes, zero.bytes, ID_BYTES) == 0;
}

static inline bool id_equal(const struct id *a, const struct id *b)
{
    return memcmp(a->bytes, b->bytes, ID_BYTES) == 0;
}
