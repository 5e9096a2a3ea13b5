// Cards, orders and bundles as files that people can look at, mail and paste.
//
// Nothing here is trusted: a file that parses has said nothing about who signed it. What does not
// parse to the last byte is refused with the line that is off.
#include "registry/file.h"

#include <stdio.h>

#include "base/file.h"
#include "base/reader.h"
#include "base/text.h"

enum { LINE_WIDTH = 64 };

static const char *const kind_names[REGISTRY_FILE_COUNT] = {
    [REGISTRY_FILE_CARD_REQUEST] = "card-request",
    [REGISTRY_FILE_CARD] = "card",
    [REGISTRY_FILE_ORDER] = "order",
    [REGISTRY_FILE_BUNDLE] = "bundle",
    [REGISTRY_FILE_LOG_KEY] = "log-key",
};

static const char header_prefix[] = "vedomo/1 ";
static const char blob_prefix[] = "blob ";

const char *registry_file_name(enum registry_file kind)
{
    return (unsigned)kind < REGISTRY_FILE_COUNT ? kind_names[kind] : "unknown";
}

static void write_comment(struct buffer *out, const char *comment)
{
    while (*comment != '\0') {
        size_t length = strcspn(comment, "\n");
        buffer_text(out, "# ");
        buffer_bytes(out, bytes_of(comment, length));
        buffer_text(out, "\n");
        comment += length + (comment[length] == '\n' ? 1 : 0);
    }
}

enum status registry_file_format(enum registry_file kind, struct bytes message, struct bytes blob,
                                 const char *comment, struct buffer *out, struct error *err)
{
    struct buffer base64 = buffer_init((size_t)2 * REGISTRY_FILE_MAX);
    text_base64_encode(&base64, message);
    enum status status = buffer_ok(&base64, "signed file", err);
    if (status != ST_OK) {
        goto out;
    }
    buffer_format(out, "%s%s\n", header_prefix, registry_file_name(kind));
    if (comment != NULL) {
        write_comment(out, comment);
    }
    for (size_t i = 0; i < base64.size; i += LINE_WIDTH) {
        size_t width = base64.size - i < LINE_WIDTH ? base64.size - i : LINE_WIDTH;
        buffer_bytes(out, bytes_of(base64.data + i, width));
        buffer_text(out, "\n");
    }
    if (kind == REGISTRY_FILE_BUNDLE) {
        buffer_format(out, "%s%zu\n", blob_prefix, blob.size);
        buffer_bytes(out, blob);
    }
    status = buffer_ok(out, "signed file", err);
out:
    buffer_fini(&base64);
    return status;
}

// The next line without its end; false at the end of the text. A last line needs its '\n'.
static bool next_line(struct reader *reader, struct bytes *line)
{
    const uint8_t *end = reader->left == 0 ? NULL : memchr(reader->next, '\n', reader->left);
    if (end == NULL) {
        return false;
    }
    *line = reader_bytes(reader, (size_t)(end - reader->next));
    (void)reader_u8(reader);
    return true;
}

static bool take_prefix(struct bytes *line, const char *prefix)
{
    size_t length = strlen(prefix);
    if (line->size < length || memcmp(line->data, prefix, length) != 0) {
        return false;
    }
    *line = bytes_of(line->data + length, line->size - length);
    return true;
}

static bool kind_parse(struct bytes word, enum registry_file *kind)
{
    for (size_t i = 0; i < REGISTRY_FILE_COUNT; i++) {
        if (bytes_equal_text(word, kind_names[i])) {
            *kind = (enum registry_file)i;
            return true;
        }
    }
    return false;
}

// The packed files behind "blob <size>": exactly that many bytes, and nothing after them.
static enum status take_blob(struct reader *reader, struct bytes number, const char *name,
                             struct buffer *blob, struct error *err)
{
    uint64_t size = 0;
    if (!text_u64_parse(number, REGISTRY_BLOB_MAX, &size)) {
        return error_set(err, ST_MALFORMED, "%s: the blob's size is not a number up to %d", name,
                         REGISTRY_BLOB_MAX);
    }
    if (size != reader->left) {
        return error_set(err, ST_MALFORMED, "%s: %zu bytes of packed files, %llu announced", name,
                         reader->left, (unsigned long long)size);
    }
    buffer_bytes(blob, reader_bytes(reader, reader->left));
    return buffer_ok(blob, name, err);
}

static enum status take_body(struct reader *reader, const char *name,
                             struct registry_file_content *content, struct error *err)
{
    bool blob_seen = false;
    for (unsigned number = 2; reader->left > 0; number++) {
        struct bytes line;
        if (!next_line(reader, &line)) {
            return error_set(err, ST_MALFORMED, "%s: line %u has no end", name, number);
        }
        if (line.size == 0 || line.data[0] == '#') {
            continue;
        }
        if (content->kind == REGISTRY_FILE_BUNDLE && take_prefix(&line, blob_prefix)) {
            enum status status = take_blob(reader, line, name, &content->blob, err);
            if (status != ST_OK) {
                return status;
            }
            blob_seen = true;
            continue;
        }
        if (line.size > LINE_WIDTH || !text_base64_decode(&content->message, line)) {
            return error_set(err, ST_MALFORMED, "%s: line %u is not base64", name, number);
        }
    }
    if (content->message.size == 0) {
        return error_set(err, ST_MALFORMED, "%s: nothing behind the first line", name);
    }
    if (content->kind == REGISTRY_FILE_BUNDLE && !blob_seen) {
        return error_set(err, ST_MALFORMED, "%s: the packed files are missing", name);
    }
    return buffer_ok(&content->message, name, err);
}

enum status registry_file_parse(struct bytes text, const char *name,
                                struct registry_file_content *content, struct error *err)
{
    struct registry_file_content parsed = {
        .message = buffer_init(REGISTRY_FILE_MAX),
        .blob = buffer_init(REGISTRY_BLOB_MAX),
    };
    struct reader reader = reader_init(text);
    struct bytes line;
    if (!next_line(&reader, &line) || !take_prefix(&line, header_prefix) ||
        !kind_parse(line, &parsed.kind)) {
        return error_set(err, ST_MALFORMED,
                         "%s: the first line is not 'vedomo/1 card', card-request, order or bundle",
                         name);
    }
    enum status status = take_body(&reader, name, &parsed, err);
    if (status != ST_OK) {
        registry_file_fini(&parsed);
        return status;
    }
    *content = parsed;
    return ST_OK;
}

// "a card", "a card or an order": what was wanted, for the message.
static void describe_wanted(unsigned wanted, char *text, size_t size)
{
    size_t used = 0;
    for (unsigned i = 0; i < REGISTRY_FILE_COUNT && used < size; i++) {
        if ((wanted & 1U << i) != 0) {
            int wrote =
                snprintf(text + used, size - used, "%s%s", used == 0 ? "" : " or ", kind_names[i]);
            used += wrote > 0 ? (size_t)wrote : 0;
        }
    }
}

enum status registry_file_read(const char *path, unsigned wanted,
                               struct registry_file_content *content, struct error *err)
{
    size_t limit = 2 * (size_t)REGISTRY_FILE_MAX;
    limit += (wanted & 1U << REGISTRY_FILE_BUNDLE) != 0 ? REGISTRY_BLOB_MAX : 0;
    struct buffer text = buffer_init(limit);
    struct registry_file_content read = { 0 };
    enum status status = file_read(path, limit, &text, err);
    if (status == ST_OK) {
        status = registry_file_parse(buffer_view(&text), path, &read, err);
    }
    if (status == ST_OK && (wanted & 1U << read.kind) == 0) {
        char words[96] = "nothing";
        describe_wanted(wanted, words, sizeof(words));
        bool unsigned_card = read.kind == REGISTRY_FILE_CARD_REQUEST;
        status = error_set(
            err, ST_MALFORMED, "%s holds a %s where a %s is wanted%s", path, kind_names[read.kind],
            words, unsigned_card ? ": the registrar signs it first ('vedomo member sign')" : "");
    }
    if (status == ST_OK) {
        *content = read;
    } else {
        registry_file_fini(&read);
    }
    buffer_fini(&text);
    return status;
}

void registry_file_fini(struct registry_file_content *content)
{
    buffer_fini(&content->message);
    buffer_fini(&content->blob);
}

enum status registry_file_broker(const char *path, struct bytes origin,
                                 const struct registry_pins *pins, uint64_t now_ms,
                                 struct registry_card *card, struct error *err)
{
    struct registry_card read;
    struct registry_file_content file;
    enum status status = registry_file_read(path, 1U << REGISTRY_FILE_CARD, &file, err);
    if (status != ST_OK) {
        return status;
    }
    status = registry_card_verify(buffer_view(&file.message), origin, pins, &read, err);
    registry_file_fini(&file);
    if (status != ST_OK) {
        return error_wrap(err, "broker's card %s", path);
    }
    if (read.role != REGISTRY_ROLE_BROKER) {
        return error_set(err, ST_DENIED, "%s is the card of a %s, not of the broker", path,
                         registry_role_name(read.role));
    }
    if (now_ms < read.not_before || now_ms >= read.not_after) {
        return error_set(err, ST_DENIED, "broker's card %s: %s", path,
                         now_ms < read.not_before
                             ? "it is not in force yet; is the clock right?"
                             : "it has ended; replace it by the one that the broker has now");
    }
    *card = read;
    return ST_OK;
}
