// The reader of outside bytes.
#include "base/reader.h"

struct reader reader_init(struct bytes bytes)
{
    return (struct reader){ .next = bytes.data, .left = bytes.size };
}

void reader_fail(struct reader *reader, const char *reason)
{
    if (reader->reason == NULL) {
        reader->reason = reason;
    }
    reader->left = 0;
}

struct bytes reader_bytes(struct reader *reader, size_t size)
{
    if (reader->reason != NULL || size > reader->left) {
        reader_fail(reader, "cut short");
        return (struct bytes){ 0 };
    }
    struct bytes taken = bytes_of(reader->next, size);
    if (size > 0) {
        reader->next += size;
        reader->left -= size;
    }
    return taken;
}

static uint64_t read_integer(struct reader *reader, size_t size)
{
    struct bytes taken = reader_bytes(reader, size);
    uint64_t value = 0;
    for (size_t i = 0; i < taken.size; i++) {
        value = value << 8 | taken.data[i];
    }
    return value;
}

uint8_t reader_u8(struct reader *reader)
{
    return (uint8_t)read_integer(reader, 1);
}

uint16_t reader_u16(struct reader *reader)
{
    return (uint16_t)read_integer(reader, 2);
}

uint32_t reader_u32(struct reader *reader)
{
    return (uint32_t)read_integer(reader, 4);
}

uint64_t reader_u64(struct reader *reader)
{
    return read_integer(reader, 8);
}

struct bytes reader_lp(struct reader *reader)
{
    return reader_bytes(reader, reader_u16(reader));
}

struct digest reader_digest(struct reader *reader)
{
    struct digest digest = { 0 };
    struct bytes taken = reader_bytes(reader, DIGEST_BYTES);
    if (taken.size == DIGEST_BYTES) {
        memcpy(digest.bytes, taken.data, DIGEST_BYTES);
    }
    return digest;
}

struct id reader_id(struct reader *reader)
{
    struct id id = { 0 };
    struct bytes taken = reader_bytes(reader, ID_BYTES);
    if (taken.size == ID_BYTES) {
        memcpy(id.bytes, taken.data, ID_BYTES);
    }
    return id;
}

bool reader_ok(const struct reader *reader)
{
    return reader->reason == NULL;
}

bool reader_finished(struct reader *reader)
{
    if (reader->reason == NULL && reader->left > 0) {
        reader_fail(reader, "bytes left over");
    }
    return reader->reason == NULL;
}

const char *reader_reason(const struct reader *reader)
{
    return reader->reason != NULL ? reader->reason : "nothing failed";
}
