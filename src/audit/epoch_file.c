// Head, run and their places in the file of an epoch.
#include "audit/epoch_file.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/reader.h"
#include "seal/hash.h"

enum { HASHED_BYTES = EPOCH_HEAD_BYTES - DIGEST_BYTES };

static const char first_bytes[16] = "vedomo-map 1\n";

void epoch_head_encode(const struct epoch_head *head, uint8_t bytes[EPOCH_HEAD_BYTES])
{
    struct buffer buffer = buffer_init(EPOCH_HEAD_BYTES);
    buffer_bytes(&buffer, bytes_of(first_bytes, sizeof(first_bytes)));
    buffer_u64(&buffer, head->epoch.number);
    buffer_u64(&buffer, head->epoch.size);
    buffer_u64(&buffer, head->epoch.people);
    buffer_u64(&buffer, head->bits);
    buffer_bytes(&buffer, bytes_digest(&head->epoch.root));
    buffer_bytes(&buffer, bytes_digest(&head->check));
    buffer_bytes(&buffer, bytes_of(head->nonce, sizeof(head->nonce)));
    buffer_bytes(&buffer, bytes_of(head->box, sizeof(head->box)));
    memset(bytes, 0, EPOCH_HEAD_BYTES);
    if (!buffer.failed) {
        memcpy(bytes, buffer.data, buffer.size);
    }
    struct digest hash = seal_sha256(bytes_of(bytes, HASHED_BYTES));
    memcpy(bytes + HASHED_BYTES, hash.bytes, DIGEST_BYTES);
    buffer_fini(&buffer);
}

enum status epoch_head_decode(const uint8_t bytes[EPOCH_HEAD_BYTES], struct epoch_head *head,
                              struct error *err)
{
    struct reader reader = reader_init(bytes_of(bytes, EPOCH_HEAD_BYTES));
    struct digest hash = seal_sha256(bytes_of(bytes, HASHED_BYTES));
    struct epoch_head read = { 0 };
    bool ours = bytes_equal(reader_bytes(&reader, sizeof(first_bytes)),
                            bytes_of(first_bytes, sizeof(first_bytes)));
    read.epoch.number = reader_u64(&reader);
    read.epoch.size = reader_u64(&reader);
    read.epoch.people = reader_u64(&reader);
    uint64_t bits = reader_u64(&reader);
    read.epoch.root = reader_digest(&reader);
    read.check = reader_digest(&reader);
    memcpy(read.nonce, reader_bytes(&reader, sizeof(read.nonce)).data, sizeof(read.nonce));
    memcpy(read.box, reader_bytes(&reader, sizeof(read.box)).data, sizeof(read.box));
    if (!ours || memcmp(bytes + HASHED_BYTES, hash.bytes, DIGEST_BYTES) != 0 ||
        bits > EPOCH_BITS_MAX || read.epoch.people > UINT64_MAX / EPOCH_PERSON_BYTES / 2) {
        return error_set(err, ST_CORRUPT, "the head of an epoch's file is not what was written");
    }
    read.bits = (unsigned)bits;
    *head = read;
    return ST_OK;
}

uint64_t epoch_places_at(uint64_t people)
{
    return EPOCH_HEAD_BYTES + people * EPOCH_PERSON_BYTES;
}

uint64_t epoch_nodes_at(uint64_t people, unsigned bits, unsigned level)
{
    uint64_t places = (UINT64_C(1) << bits) + 1;
    uint64_t below = (UINT64_C(2) << bits) - (UINT64_C(2) << level); // nodes of deeper levels
    return epoch_places_at(people) + places * 8 + below * DIGEST_BYTES;
}

struct digest epoch_check(const struct digest *check, struct bytes chunk)
{
    const struct bytes parts[] = { bytes_digest(check), chunk };
    return seal_sha256_parts(parts, ARRAY_COUNT(parts));
}

enum status epoch_read(int fd, uint64_t offset, void *data, size_t size, struct error *err)
{
    uint8_t *at = data;
    while (size > 0) {
        ssize_t got = pread(fd, at, size, (off_t)offset);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return error_errno(err, ST_IO, "reading an epoch's file");
        }
        if (got == 0) {
            return error_set(err, ST_CORRUPT, "an epoch's file is cut short");
        }
        at += got;
        offset += (uint64_t)got;
        size -= (size_t)got;
    }
    return ST_OK;
}

enum status epoch_write(int fd, uint64_t offset, const void *data, size_t size, struct error *err)
{
    const uint8_t *at = data;
    while (size > 0) {
        ssize_t put = pwrite(fd, at, size, (off_t)offset);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0) {
            return error_errno(err, file_no_room(errno), "writing an epoch's file");
        }
        at += put;
        offset += (uint64_t)put;
        size -= (size_t)put;
    }
    return ST_OK;
}

void epoch_path(const char *home, const char *name, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/" AUDIT_EPOCH_FOLDER "/%s", home, name);
}

// ---- the run

void epoch_reader_init(struct epoch_reader *reader, int fd, uint64_t people)
{
    *reader = (struct epoch_reader){ .fd = fd, .people = fd < 0 ? 0 : people };
}

static enum status next_chunk(struct epoch_reader *reader, struct error *err)
{
    uint64_t left = reader->people - reader->next;
    reader->have = left < EPOCH_CHUNK ? (size_t)left : EPOCH_CHUNK;
    reader->used = 0;
    size_t size = reader->have * EPOCH_PERSON_BYTES;
    enum status status =
        epoch_read(reader->fd, epoch_places_at(reader->next), reader->chunk, size, err);
    if (status == ST_OK) {
        reader->check = epoch_check(&reader->check, bytes_of(reader->chunk, size));
    }
    return status;
}

bool epoch_reader_next(struct epoch_reader *reader, struct epoch_person *person,
                       enum status *status, struct error *err)
{
    *status = ST_OK;
    if (reader->next == reader->people) {
        return false;
    }
    if (reader->used == reader->have) {
        *status = next_chunk(reader, err);
        if (*status != ST_OK) {
            return false;
        }
    }
    struct reader bytes = reader_init(
        bytes_of(reader->chunk + reader->used * EPOCH_PERSON_BYTES, EPOCH_PERSON_BYTES));
    memcpy(person->tag.bytes, reader_bytes(&bytes, AUDIT_TAG_BYTES).data, AUDIT_TAG_BYTES);
    person->open.count = reader_u64(&bytes);
    person->open.head = reader_digest(&bytes);
    reader->used++;
    reader->next++;
    return true;
}

void epoch_writer_init(struct epoch_writer *writer, int fd)
{
    *writer = (struct epoch_writer){ .fd = fd };
}

static enum status flush(struct epoch_writer *writer, struct error *err)
{
    size_t size = writer->have * EPOCH_PERSON_BYTES;
    uint64_t first = writer->people - writer->have;
    writer->check = epoch_check(&writer->check, bytes_of(writer->chunk, size));
    writer->have = 0;
    return epoch_write(writer->fd, epoch_places_at(first), writer->chunk, size, err);
}

enum status epoch_writer_put(struct epoch_writer *writer, const struct epoch_person *person,
                             struct error *err)
{
    const uint8_t *tag = person->tag.bytes;
    if (writer->people > 0) {
        if (memcmp(writer->last.bytes + 1, tag + 1, DIGEST_BYTES) >= 0) {
            return error_set(err, ST_CORRUPT, "the persons of an epoch are not in order");
        }
        if (proof_map_common(writer->last.bytes, tag) == PROOF_MAP_DEPTH) {
            return error_set(err, ST_CORRUPT,
                             "two persons fall into one place of the epoch's map; "
                             "a new tag key parts them");
        }
    }
    uint8_t *at = writer->chunk + writer->have * EPOCH_PERSON_BYTES;
    memcpy(at, tag, AUDIT_TAG_BYTES);
    (void)seal_u64(at + AUDIT_TAG_BYTES, person->open.count);
    memcpy(at + AUDIT_TAG_BYTES + 8, person->open.head.bytes, DIGEST_BYTES);
    writer->last = person->tag;
    writer->people++;
    return ++writer->have == EPOCH_CHUNK ? flush(writer, err) : ST_OK;
}

enum status epoch_writer_end(struct epoch_writer *writer, struct error *err)
{
    return writer->have == 0 ? ST_OK : flush(writer, err);
}
