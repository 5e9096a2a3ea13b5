// Reads outside bytes and remembers its first failure: call the reads one after another, then ask
// reader_finished() once. After a failure every read gives zero or empty. Integers are big-endian.
#pragma once

#include "base/bytes.h"

struct reader {
    const uint8_t *next;
    size_t left;
    const char *reason; // NULL while nothing failed; static text
};

struct reader reader_init(struct bytes bytes);
uint8_t reader_u8(struct reader *reader);
uint16_t reader_u16(struct reader *reader);
uint32_t reader_u32(struct reader *reader);
uint64_t reader_u64(struct reader *reader);

// The next `size` bytes, borrowed from what is read.
struct bytes reader_bytes(struct reader *reader, size_t size);

// u16 length and that many bytes.
struct bytes reader_lp(struct reader *reader);

struct digest reader_digest(struct reader *reader);
struct id reader_id(struct reader *reader);

// Marks a failure of the caller's own finding, unless one is there already. `reason` is static.
void reader_fail(struct reader *reader, const char *reason);

// True while nothing failed.
bool reader_ok(const struct reader *reader);

// True when nothing failed and nothing is left.
bool reader_finished(struct reader *reader);

// Why it failed: "cut short", "bytes left over", … Never NULL.
const char *reader_reason(const struct reader *reader);
