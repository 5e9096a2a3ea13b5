// Text forms of bytes: UTF-8 checks, hexadecimal, base64 (RFC 4648 §4, strict), UUIDs (RFC 9562),
// decimal numbers.
#pragma once

#include "base/buffer.h"

// True for valid UTF-8 (RFC 3629: no surrogates, no overlong forms) without NUL.
bool text_utf8_valid(struct bytes text);

// True for 1..max bytes of printable ASCII that are letters, digits or one of `extra`.
bool text_is_code(struct bytes text, size_t max, const char *extra);

// Lower-case hexadecimal. `text` has room for 2 * size + 1.
void text_hex_encode(struct bytes bytes, char *text);

// Exactly `size` bytes from 2 * size hexadecimal digits of either case.
bool text_hex_decode(struct bytes text, uint8_t *bytes, size_t size);

// Standard alphabet, padded.
void text_base64_encode(struct buffer *out, struct bytes bytes);

// Strict: padded, no white space, zero spare bits. Appends to `out`; false when it is not base64.
bool text_base64_decode(struct buffer *out, struct bytes text);

enum { TEXT_ID_BYTES = 37 };

// "019abcde-….": 36 characters and the terminator.
void text_id_format(const struct id *id, char text[TEXT_ID_BYTES]);
bool text_id_parse(struct bytes text, struct id *id);

// A canonical decimal: digits only, no leading zero, at most `max`.
bool text_u64_parse(struct bytes text, uint64_t max, uint64_t *value);

// "YYYY-MM-DD" of an existing day.
bool text_date_valid(struct bytes text);

// UUIDv7: 48 bits of `wall_ms`, the rest from `random` with version and variant set.
struct id id_make(int64_t wall_ms, const uint8_t random[ID_BYTES]);

// The milliseconds in a UUIDv7; -1 when the id is not of version 7.
int64_t id_time_ms(const struct id *id);
