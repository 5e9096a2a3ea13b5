// Known answers in hexadecimal. A wrong literal ends the test program.
#pragma once

#include "base/text.h"

#include <stdlib.h>

// Decodes a literal into `out`; returns a view of it.
static inline struct bytes hex_into(const char *hex, uint8_t *out, size_t room)
{
    size_t size = strlen(hex) / 2;
    if (size > room || !text_hex_decode(bytes_text(hex), out, size)) {
        abort();
    }
    return bytes_of(out, size);
}

static inline struct digest hex_digest(const char *hex)
{
    struct digest digest;
    if (hex_into(hex, digest.bytes, DIGEST_BYTES).size != DIGEST_BYTES) {
        abort();
    }
    return digest;
}

// A digest of counting bytes: first, first + 1, … Distinct and easy to write down.
static inline struct digest count_digest(uint8_t first)
{
    struct digest digest;
    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        digest.bytes[i] = (uint8_t)(first + i);
    }
    return digest;
}

#define assert_digest(value, hex)                                                                  \
    do {                                                                                           \
        struct digest wanted_ = hex_digest(hex);                                                   \
        struct digest got_ = (value);                                                              \
        assert_memory_equal(got_.bytes, wanted_.bytes, DIGEST_BYTES);                              \
    } while (0)
