// Files of a copy. `log.backup`:
//
//   vedomo-log-backup 1
//   sha256 <base64>                of all behind this line
//   meta <base64> <base64>         one line for each of the log's own rows: word, value
//   term <decimal>
//   size <decimal>
//   node <level> <base64>          one line for each subtree that the tree consists of
//   <empty line>
//   <checkpoint note>
//
// A part: "vedomo-log-part 1\n" ‖ u64 first ‖ for each entry u32 length and the record ‖ u32 0 ‖
// SHA-256 of all before.
#include "audit/backup_file.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/reader.h"
#include "base/text.h"
#include "seal/hash.h"

enum {
    STATE_BYTES_MAX = 1024 * 1024,
    META_VALUE_MAX = 32 * 1024,
    RECORD_BYTES_MAX = AUDIT_BODY_BYTES_MAX + 4096,
    PART_FILE_MAX = AUDIT_BACKUP_PART_BYTES + 2 * RECORD_BYTES_MAX,
};

static const char state_line[] = "vedomo-log-backup 1";
static const char part_line[] = "vedomo-log-part 1\n";

struct audit_backup_state audit_backup_state_init(void)
{
    return (struct audit_backup_state){ .note = buffer_init(PROOF_NOTE_MAX),
                                        .meta = buffer_init(STATE_BYTES_MAX) };
}

void audit_backup_state_fini(struct audit_backup_state *state)
{
    buffer_fini(&state->note);
    buffer_fini(&state->meta);
}

// The next line, without its end; moves `text` on. False: there is none.
static bool next_line(struct bytes *text, struct bytes *line)
{
    const uint8_t *end = text->size == 0 ? NULL : memchr(text->data, '\n', text->size);
    if (end == NULL) {
        return false;
    }
    size_t size = (size_t)(end - text->data);
    *line = bytes_of(text->data, size);
    *text = bytes_of(end + 1, text->size - size - 1);
    return true;
}

// What stands behind `word` and a space; empty: it is another line.
static struct bytes behind(struct bytes line, const char *word)
{
    size_t length = strlen(word);
    if (line.size <= length || memcmp(line.data, word, length) != 0 || line.data[length] != ' ') {
        return (struct bytes){ 0 };
    }
    return bytes_of(line.data + length + 1, line.size - length - 1);
}

static bool read_digest(struct bytes text, struct digest *digest)
{
    struct buffer bytes = buffer_init(2 * DIGEST_BYTES);
    bool good = text_base64_decode(&bytes, text) && bytes.size == DIGEST_BYTES;
    if (good) {
        memcpy(digest->bytes, bytes.data, DIGEST_BYTES);
    }
    buffer_fini(&bytes);
    return good;
}

// ---- the log's own rows

void audit_backup_meta_add(struct audit_backup_state *state, struct bytes word, struct bytes value)
{
    buffer_text(&state->meta, "meta ");
    text_base64_encode(&state->meta, word);
    buffer_text(&state->meta, " ");
    text_base64_encode(&state->meta, value);
    buffer_text(&state->meta, "\n");
}

static bool split(struct bytes text, struct bytes *first, struct bytes *second)
{
    const uint8_t *space = text.size == 0 ? NULL : memchr(text.data, ' ', text.size);
    if (space == NULL) {
        return false;
    }
    size_t size = (size_t)(space - text.data);
    *first = bytes_of(text.data, size);
    *second = bytes_of(space + 1, text.size - size - 1);
    return true;
}

enum status audit_backup_meta_each(const struct audit_backup_state *state,
                                   audit_backup_meta_visit visit, void *context, struct error *err)
{
    struct bytes text = buffer_view(&state->meta);
    struct bytes line;
    enum status status = ST_OK;
    while (status == ST_OK && next_line(&text, &line)) {
        struct bytes first;
        struct bytes second;
        struct buffer word = buffer_init(META_VALUE_MAX);
        struct buffer value = buffer_init(META_VALUE_MAX);
        if (!split(behind(line, "meta"), &first, &second) || !text_base64_decode(&word, first) ||
            !text_base64_decode(&value, second) || buffer_ok(&word, "row", err) != ST_OK ||
            buffer_ok(&value, "row", err) != ST_OK) {
            status = error_set(err, ST_CORRUPT, "backup: a row of the log that is none");
        } else {
            status = visit(buffer_view(&word), buffer_view(&value), context, err);
        }
        buffer_fini(&word);
        buffer_fini(&value);
    }
    return status;
}

struct collecting {
    char origin[PROOF_NAME_MAX + 1];
    struct digest keys[PROOF_RING_MAX];
    uint64_t until_ms[PROOF_RING_MAX]; // of the key before
    bool has[PROOF_RING_MAX];
};

// "key", "key 2", …: see audit/keys.h.
static enum status take_row(struct bytes word, struct bytes value, void *context, struct error *err)
{
    struct collecting *collecting = context;
    struct bytes behind_key = behind(word, "key");
    uint64_t number = 1;
    if (bytes_equal_text(word, "origin") && value.size < sizeof(collecting->origin)) {
        memcpy(collecting->origin, value.data, value.size);
        return ST_OK;
    }
    if (!bytes_equal_text(word, "key") &&
        (behind_key.size == 0 || !text_u64_parse(behind_key, PROOF_RING_MAX, &number))) {
        return ST_OK;
    }
    if (number == 0 || (number == 1 && behind_key.size > 0)) {
        return error_set(err, ST_CORRUPT, "backup: a key of another number than a log has");
    }
    struct reader reader = reader_init(value);
    collecting->keys[number - 1] = reader_digest(&reader);
    if (number > 1) {
        (void)reader_u64(&reader); // index of its entry
        collecting->until_ms[number - 1] = reader_u64(&reader);
    }
    collecting->has[number - 1] = reader_ok(&reader);
    return reader_ok(&reader) ? ST_OK : error_set(err, ST_CORRUPT, "backup: a key that is none");
}

enum status audit_backup_meta_ring(struct audit_backup_state *state, struct error *err)
{
    struct collecting collecting = { 0 };
    struct proof_key first;
    enum status status = audit_backup_meta_each(state, take_row, &collecting, err);
    if (status == ST_OK && !collecting.has[0]) {
        status = error_set(err, ST_CORRUPT, "backup: the log has no key");
    }
    if (status == ST_OK) {
        status =
            proof_key_make(collecting.origin, PROOF_KEY_ED25519, &collecting.keys[0], &first, err);
    }
    if (status == ST_OK) {
        status = proof_ring_init(&state->ring, &first, err);
    }
    for (size_t i = 1; status == ST_OK && i < PROOF_RING_MAX && collecting.has[i]; i++) {
        status = proof_ring_follow(&state->ring, &collecting.keys[i - 1], &collecting.keys[i],
                                   collecting.until_ms[i], err);
    }
    return status;
}

// ---- the state

static bool read_node(struct bytes text, struct proof_frontier *frontier)
{
    uint64_t level = 0;
    struct bytes number;
    struct bytes node;
    return split(text, &number, &node) && text_u64_parse(number, PROOF_LEVELS - 1, &level) &&
           read_digest(node, &frontier->nodes[level]);
}

// Everything in front of the note.
static bool read_head(struct bytes *text, struct audit_backup_state *state)
{
    struct bytes line;
    struct digest said;
    if (!next_line(text, &line) || !bytes_equal_text(line, state_line) || !next_line(text, &line) ||
        !read_digest(behind(line, "sha256"), &said)) {
        return false;
    }
    struct digest hash = seal_sha256(*text);
    if (!digest_equal(&said, &hash)) {
        return false;
    }
    while (next_line(text, &line) && behind(line, "meta").size > 0) {
        buffer_bytes(&state->meta, line);
        buffer_text(&state->meta, "\n");
    }
    if (!text_u64_parse(behind(line, "term"), UINT64_MAX, &state->term) ||
        !next_line(text, &line) ||
        !text_u64_parse(behind(line, "size"), UINT64_MAX, &state->frontier.size)) {
        return false;
    }
    while (next_line(text, &line) && line.size > 0) {
        if (!read_node(behind(line, "node"), &state->frontier)) {
            return false;
        }
    }
    return line.size == 0;
}

static enum status state_path(const char *folder, char path[PATH_MAX], struct error *err)
{
    return file_join(path, PATH_MAX, folder, AUDIT_BACKUP_MARK, err);
}

enum status audit_backup_state_prove(const struct audit_backup_state *state, struct error *err)
{
    struct proof_checkpoint point;
    struct digest root = proof_frontier_root(&state->frontier);
    if (proof_ring_open(&state->ring, 0, buffer_view(&state->note), &point, err) != ST_OK) {
        return ST_UNPROVEN;
    }
    if (point.size != state->frontier.size || !digest_equal(&point.root, &root)) {
        return error_set(err, ST_UNPROVEN,
                         "the first %llu entries are not those that the log has published",
                         (unsigned long long)state->frontier.size);
    }
    return ST_OK;
}

enum status audit_backup_state_read(const char *folder, struct audit_backup_state *state,
                                    struct error *err)
{
    char path[PATH_MAX];
    struct buffer file = buffer_init(STATE_BYTES_MAX);
    enum status status = state_path(folder, path, err);
    if (status == ST_OK) {
        status = file_read(path, STATE_BYTES_MAX, &file, err);
    }
    if (status == ST_OK) {
        struct bytes text = buffer_view(&file);
        buffer_clear(&state->note);
        buffer_clear(&state->meta);
        memset(&state->frontier, 0, sizeof(state->frontier));
        bool good = read_head(&text, state);
        buffer_bytes(&state->note, text);
        good = good && buffer_ok(&state->note, "checkpoint", err) == ST_OK;
        if (!good || audit_backup_meta_ring(state, err) != ST_OK ||
            audit_backup_state_prove(state, err) != ST_OK) {
            status = error_set(err, ST_CORRUPT, "%s: damaged; it proves nothing", path);
        }
    }
    buffer_fini(&file);
    return status;
}

enum status audit_backup_state_write(const char *folder, const struct audit_backup_state *state,
                                     struct error *err)
{
    char path[PATH_MAX];
    struct buffer text = buffer_init(STATE_BYTES_MAX);
    struct buffer file = buffer_init(STATE_BYTES_MAX);
    buffer_bytes(&text, buffer_view(&state->meta));
    buffer_format(&text, "term %llu\nsize %llu\n", (unsigned long long)state->term,
                  (unsigned long long)state->frontier.size);
    for (unsigned level = 0; level < PROOF_LEVELS; level++) {
        if ((state->frontier.size >> level & 1) != 0) {
            buffer_format(&text, "node %u ", level);
            text_base64_encode(&text, bytes_digest(&state->frontier.nodes[level]));
            buffer_text(&text, "\n");
        }
    }
    buffer_text(&text, "\n");
    buffer_bytes(&text, buffer_view(&state->note));
    enum status status = buffer_ok(&text, "backup", err);
    if (status == ST_OK) {
        struct digest hash = seal_sha256(buffer_view(&text));
        buffer_format(&file, "%s\nsha256 ", state_line);
        text_base64_encode(&file, bytes_digest(&hash));
        buffer_text(&file, "\n");
        buffer_bytes(&file, buffer_view(&text));
        status = buffer_ok(&file, "backup", err);
    }
    if (status == ST_OK) {
        status = state_path(folder, path, err);
    }
    if (status == ST_OK) {
        status = file_replace(path, buffer_view(&file), 0600, err);
    }
    buffer_fini(&text);
    buffer_fini(&file);
    return status;
}

// ---- parts

enum status audit_backup_part_path(const char *folder, uint64_t first, char path[PATH_MAX],
                                   struct error *err)
{
    char name[64];
    snprintf(name, sizeof(name), "entries/%012llu.part", (unsigned long long)first);
    return file_join(path, PATH_MAX, folder, name, err);
}

void audit_backup_part_begin(struct buffer *part, uint64_t first)
{
    uint8_t number[8];
    buffer_clear(part);
    buffer_text(part, part_line);
    buffer_bytes(part, seal_u64(number, first));
}

void audit_backup_part_add(struct buffer *part, struct bytes record)
{
    buffer_u32(part, (uint32_t)record.size);
    buffer_bytes(part, record);
}

enum status audit_backup_part_write(const char *folder, uint64_t first, struct buffer *part,
                                    struct error *err)
{
    char path[PATH_MAX];
    buffer_u32(part, 0);
    struct digest hash = seal_sha256(buffer_view(part));
    buffer_bytes(part, bytes_digest(&hash));
    enum status status = buffer_ok(part, "part of a backup", err);
    if (status == ST_OK) {
        status = audit_backup_part_path(folder, first, path, err);
    }
    return status == ST_OK ? file_replace(path, buffer_view(part), 0600, err) : status;
}

static enum status damaged(const char *path, const char *why, struct error *err)
{
    return error_set(err, ST_CORRUPT, "%s: damaged: %s", path, why);
}

static enum status visit_records(const char *path, struct reader *reader, uint64_t first,
                                 audit_backup_visit visit, void *context, uint64_t *count,
                                 struct error *err)
{
    for (uint64_t index = first;; index++) {
        struct audit_record record;
        struct bytes bytes = reader_bytes(reader, reader_u32(reader));
        if (!reader_ok(reader)) {
            return damaged(path, reader_reason(reader), err);
        }
        if (bytes.size == 0) {
            *count = index - first;
            return reader_finished(reader) ? ST_OK : damaged(path, reader_reason(reader), err);
        }
        enum status status = audit_record_decode(bytes, index, &record, err);
        if (status != ST_OK) {
            return damaged(path, "an entry that is none", err);
        }
        status = visit(index, &record, bytes, context, err);
        if (status != ST_OK) {
            return status;
        }
    }
}

enum status audit_backup_part_read(const char *folder, uint64_t first, struct buffer *scratch,
                                   audit_backup_visit visit, void *context, uint64_t *count,
                                   struct error *err)
{
    char path[PATH_MAX];
    size_t line = sizeof(part_line) - 1;
    enum status status = audit_backup_part_path(folder, first, path, err);
    buffer_clear(scratch);
    if (status == ST_OK) {
        status = file_read(path, PART_FILE_MAX, scratch, err);
    }
    if (status != ST_OK) {
        return status == ST_MALFORMED ? damaged(path, "too large", err) : status;
    }
    struct bytes file = buffer_view(scratch);
    if (file.size < line + 8 + 4 + DIGEST_BYTES || memcmp(file.data, part_line, line) != 0) {
        return damaged(path, "cut short", err);
    }
    struct bytes content = bytes_of(file.data, file.size - DIGEST_BYTES);
    struct digest hash = seal_sha256(content);
    if (memcmp(hash.bytes, file.data + content.size, DIGEST_BYTES) != 0) {
        return damaged(path, "its bytes are not those that were written", err);
    }
    struct reader reader = reader_init(bytes_of(content.data + line, content.size - line));
    if (reader_u64(&reader) != first) {
        return damaged(path, "it belongs to another place", err);
    }
    return visit_records(path, &reader, first, visit, context, count, err);
}
