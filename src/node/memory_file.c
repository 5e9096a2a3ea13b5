// The file of a node's memory.
#include "node/memory_file.h"

#include "base/file.h"
#include "base/reader.h"
#include "seal/hash.h"
#include "seal/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    HEAD_BYTES = 48,
    FIRST_BYTES = 32,
    CHECK_BYTES = 7,
    RECORD_BYTES = 80,
    FILE_BYTES_MAX = 64 * 1024 * 1024,
};

static const char first_bytes[FIRST_BYTES] = "vedomo-persons 1\n";

struct node_memory_file {
    char path[PATH_MAX];
    struct digest key;
    int fd;
    size_t count;
};

static void write_head(const struct node_memory_file *file, struct buffer *out)
{
    struct bytes label = seal_label("vedomo/1 persons file");
    struct digest check = seal_blake2b(bytes_digest(&file->key), &label, 1);
    buffer_bytes(out, bytes_of(first_bytes, FIRST_BYTES));
    buffer_bytes(out, bytes_of(check.bytes, HEAD_BYTES - FIRST_BYTES));
}

static void write_record(const struct node_memory_file *file, const struct node_record *record,
                         struct buffer *out)
{
    size_t begin = out->size;
    buffer_u8(out, (uint8_t)record->kind);
    buffer_bytes(out, bytes_digest(&record->name));
    buffer_bytes(out, bytes_digest(&record->value));
    buffer_u64(out, record->since_ms);
    if (!out->failed) {
        struct bytes parts[] = { seal_label("vedomo/1 persons record"),
                                 bytes_of(out->data + begin, out->size - begin) };
        struct digest check = seal_blake2b(bytes_digest(&file->key), parts, ARRAY_COUNT(parts));
        buffer_bytes(out, bytes_of(check.bytes, CHECK_BYTES));
    }
}

static bool read_record(const struct node_memory_file *file, struct bytes bytes,
                        struct node_record *record)
{
    struct bytes parts[] = { seal_label("vedomo/1 persons record"),
                             bytes_of(bytes.data, RECORD_BYTES - CHECK_BYTES) };
    struct digest check = seal_blake2b(bytes_digest(&file->key), parts, ARRAY_COUNT(parts));
    struct reader reader = reader_init(bytes);
    record->kind = (enum node_record_kind)reader_u8(&reader);
    record->name = reader_digest(&reader);
    record->value = reader_digest(&reader);
    record->since_ms = reader_u64(&reader);
    return bytes_equal(reader_bytes(&reader, CHECK_BYTES), bytes_of(check.bytes, CHECK_BYTES)) &&
           (record->kind == NODE_RECORD_PERSON || record->kind == NODE_RECORD_KEY);
}

static void read_records(struct node_memory_file *file, struct bytes content,
                         node_record_visit visit, void *context)
{
    for (size_t at = HEAD_BYTES; at + RECORD_BYTES <= content.size; at += RECORD_BYTES) {
        struct node_record record;
        if (!read_record(file, bytes_of(content.data + at, RECORD_BYTES), &record)) {
            continue; // a damaged one is remembered anew
        }
        visit(context, &record);
    }
}

static enum status open_at_end(struct node_memory_file *file, struct error *err)
{
    file->fd = open(file->path, O_WRONLY | O_CLOEXEC);
    off_t end = (off_t)(HEAD_BYTES + file->count * RECORD_BYTES);
    if (file->fd < 0 || ftruncate(file->fd, end) != 0 || lseek(file->fd, end, SEEK_SET) != end) {
        return error_errno(err, ST_IO, "%s", file->path);
    }
    return ST_OK;
}

enum status node_memory_file_open(const char *path, const struct digest *key,
                                  node_record_visit visit, void *context,
                                  struct node_memory_file **file, bool *fresh, struct error *err)
{
    struct node_memory_file *f = calloc(1, sizeof(*f));
    if (f == NULL) {
        return error_set(err, ST_NOMEM, "memory of persons");
    }
    f->fd = -1;
    f->key = *key;
    snprintf(f->path, sizeof(f->path), "%s", path);
    struct buffer head = buffer_init(HEAD_BYTES);
    struct buffer content = buffer_init(FILE_BYTES_MAX);
    write_head(f, &head);
    bool there = file_exists(path);
    enum status status = buffer_ok(&head, "memory of persons", err);
    if (status == ST_OK && there) {
        status = file_read(path, FILE_BYTES_MAX, &content, err);
    }
    bool ours = status == ST_OK && content.size >= HEAD_BYTES &&
                memcmp(content.data, head.data, HEAD_BYTES) == 0;
    if (status == ST_OK && ours) {
        f->count = (content.size - HEAD_BYTES) / RECORD_BYTES;
        read_records(f, buffer_view(&content), visit, context);
    } else if (status == ST_OK) {
        status = file_replace(path, buffer_view(&head), 0600, err);
    }
    if (status == ST_OK) {
        status = open_at_end(f, err);
    }
    buffer_fini(&head);
    buffer_fini(&content);
    if (status != ST_OK) {
        node_memory_file_close(&f);
        return status;
    }
    *fresh = there && !ours;
    *file = f;
    return ST_OK;
}

void node_memory_file_close(struct node_memory_file **file)
{
    if (*file != NULL) {
        if ((*file)->fd >= 0) {
            close((*file)->fd);
        }
        seal_wipe(&(*file)->key, sizeof((*file)->key));
        free(*file);
        *file = NULL;
    }
}

size_t node_memory_file_count(const struct node_memory_file *file)
{
    return file->count;
}

enum status node_memory_file_add(struct node_memory_file *file, const struct node_record *record,
                                 struct error *err)
{
    struct buffer bytes = buffer_init(RECORD_BYTES);
    write_record(file, record, &bytes);
    enum status status = buffer_ok(&bytes, "memory of persons", err);
    off_t at = (off_t)(HEAD_BYTES + file->count * RECORD_BYTES);
    if (status == ST_OK &&
        pwrite(file->fd, bytes.data, RECORD_BYTES, at) != (ssize_t)RECORD_BYTES) {
        status = error_errno(err, ST_IO, "%s", file->path);
    }
    file->count += status == ST_OK ? 1 : 0;
    buffer_fini(&bytes);
    return status;
}

enum status node_memory_file_rewrite(struct node_memory_file *file,
                                     bool (*next)(void *context, struct node_record *record),
                                     void *context, struct error *err)
{
    struct buffer content = buffer_init(FILE_BYTES_MAX);
    struct node_record record;
    size_t count = 0;
    write_head(file, &content);
    while (next(context, &record)) {
        write_record(file, &record, &content);
        count++;
    }
    enum status status = buffer_ok(&content, "memory of persons", err);
    if (status == ST_OK) {
        status = file_replace(file->path, buffer_view(&content), 0600, err);
    }
    if (status == ST_OK) {
        close(file->fd);
        file->count = count;
        status = open_at_end(file, err);
    }
    buffer_fini(&content);
    return status;
}
