// Signed notes, checkpoints, cosignatures. Everything is parsed as bytes with known ends; base64
// and numbers count only in their one canonical form. A signature of a known key that does not
// verify refuses the note; signatures of unknown keys are passed over.
#include "proof/note.h"

#include "base/text.h"
#include "seal/hash.h"
#include "seal/sign.h"

#include <assert.h>

enum {
    ID_PREFIX_BYTES = 4,
    TIME_BYTES = 8,
    SIGNATURE_BLOB_BYTES = ID_PREFIX_BYTES + SEAL_SIGNATURE_BYTES,
    COSIGNATURE_BLOB_BYTES = ID_PREFIX_BYTES + TIME_BYTES + SEAL_SIGNATURE_BYTES,
};

static const char dash[] = "\xe2\x80\x94 "; // U+2014 and one space
enum { DASH_BYTES = sizeof(dash) - 1 };

// White space of Unicode: a key's name has none of it.
static bool unicode_space_at(const uint8_t *p, size_t left)
{
    static const char *const spaces[] = {
        " ",
        "\t",
        "\n",
        "\v",
        "\f",
        "\r",
        "\xc2\x85",
        "\xc2\xa0",
        "\xe1\x9a\x80",
        "\xe2\x80\x80",
        "\xe2\x80\x81",
        "\xe2\x80\x82",
        "\xe2\x80\x83",
        "\xe2\x80\x84",
        "\xe2\x80\x85",
        "\xe2\x80\x86",
        "\xe2\x80\x87",
        "\xe2\x80\x88",
        "\xe2\x80\x89",
        "\xe2\x80\x8a",
        "\xe2\x80\xa8",
        "\xe2\x80\xa9",
        "\xe2\x80\xaf",
        "\xe2\x81\x9f",
        "\xe3\x80\x80",
    };
    for (size_t i = 0; i < ARRAY_COUNT(spaces); i++) {
        size_t size = strlen(spaces[i]);
        if (size <= left && memcmp(p, spaces[i], size) == 0) {
            return true;
        }
    }
    return false;
}

static bool name_valid(struct bytes name)
{
    if (name.size == 0 || name.size > PROOF_NAME_MAX || !text_utf8_valid(name)) {
        return false;
    }
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] < 0x20 || name.data[i] == '+' ||
            unicode_space_at(name.data + i, name.size - i)) {
            return false;
        }
    }
    return true;
}

static uint32_t big_endian_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t key_id(struct bytes name, enum proof_key_type type, const struct digest *key)
{
    const uint8_t middle[2] = { '\n', (uint8_t)type };
    const struct bytes parts[] = { name, bytes_of(middle, 2), bytes_digest(key) };
    return big_endian_u32(seal_sha256_parts(parts, ARRAY_COUNT(parts)).bytes);
}

static void fill_key(struct bytes name, enum proof_key_type type, const struct digest *public_key,
                     struct proof_key *key)
{
    memset(key, 0, sizeof(*key));
    memcpy(key->name, name.data, name.size);
    key->type = type;
    key->key = *public_key;
    key->id = key_id(name, type, public_key);
}

enum status proof_key_make(const char *name, enum proof_key_type type,
                           const struct digest *public_key, struct proof_key *key,
                           struct error *err)
{
    if (!name_valid(bytes_text(name))) {
        return error_set(err, ST_USAGE, "'%s' is no key name: 1..%d bytes without spaces and '+'",
                         name, PROOF_NAME_MAX);
    }
    fill_key(bytes_text(name), type, public_key, key);
    return ST_OK;
}

void proof_key_format(const struct proof_key *key, struct buffer *out)
{
    uint8_t blob[1 + DIGEST_BYTES];
    blob[0] = (uint8_t)key->type;
    memcpy(blob + 1, key->key.bytes, DIGEST_BYTES);
    buffer_format(out, "%s+%08x+", key->name, key->id);
    text_base64_encode(out, bytes_of(blob, sizeof(blob)));
}

// Decodes base64 of exactly `size` bytes.
static bool decode_exactly(struct bytes text, uint8_t *out, size_t size)
{
    struct buffer decoded = buffer_init(size);
    bool good = text_base64_decode(&decoded, text) && !decoded.failed && decoded.size == size;
    if (good) {
        memcpy(out, decoded.data, size);
    }
    buffer_fini(&decoded);
    return good;
}

// Cuts `text` before the first `byte`; false when there is none. *rest begins behind it.
static bool cut(struct bytes text, char byte, struct bytes *head, struct bytes *rest)
{
    const uint8_t *at = text.size == 0 ? NULL : memchr(text.data, byte, text.size);
    if (at == NULL) {
        return false;
    }
    size_t size = (size_t)(at - text.data);
    *head = bytes_of(text.data, size);
    *rest = bytes_of(at + 1, text.size - size - 1);
    return true;
}

// Eight lower-case hexadecimal digits.
static bool id_parse(struct bytes text, uint32_t *id)
{
    uint8_t raw[ID_PREFIX_BYTES];
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] >= 'A' && text.data[i] <= 'F') {
            return false;
        }
    }
    if (!text_hex_decode(text, raw, sizeof(raw))) {
        return false;
    }
    *id = big_endian_u32(raw);
    return true;
}

enum status proof_key_parse(struct bytes vkey, struct proof_key *key, struct error *err)
{
    struct bytes name;
    struct bytes id_text;
    struct bytes rest;
    uint32_t id = 0;
    if (!cut(vkey, '+', &name, &rest) || !cut(rest, '+', &id_text, &rest) || !name_valid(name) ||
        !id_parse(id_text, &id)) {
        return error_set(err, ST_MALFORMED, "not a vkey: <name>+<8 hex digits>+<base64>");
    }
    uint8_t blob[1 + DIGEST_BYTES];
    struct buffer decoded = buffer_init(PROOF_NOTE_MAX);
    bool good = text_base64_decode(&decoded, rest) && !decoded.failed && decoded.size > 0;
    uint8_t type = good ? decoded.data[0] : 0;
    bool sized = good && decoded.size == sizeof(blob);
    if (sized) {
        memcpy(blob, decoded.data, sizeof(blob));
    }
    buffer_fini(&decoded);
    if (!good) {
        return error_set(err, ST_MALFORMED, "vkey %.*s: its key is not base64", (int)name.size,
                         name.data);
    }
    if (type != PROOF_KEY_ED25519 && type != PROOF_KEY_COSIGNATURE) {
        return error_set(err, ST_UNSUPPORTED, "vkey %.*s: keys of type %u are not known here",
                         (int)name.size, name.data, type);
    }
    struct digest public_key;
    if (sized) {
        memcpy(public_key.bytes, blob + 1, DIGEST_BYTES);
    }
    if (!sized || key_id(name, (enum proof_key_type)type, &public_key) != id) {
        return error_set(err, ST_MALFORMED, "vkey %.*s: its id is not that of its name and key",
                         (int)name.size, name.data);
    }
    fill_key(name, (enum proof_key_type)type, &public_key, key);
    return ST_OK;
}

static bool text_valid(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < 0x20 && text.data[i] != '\n') {
            return false;
        }
    }
    return text_utf8_valid(text);
}

// The id in front of a signature, after a check of all its base64. `room` is kept between lines.
static bool signature_id(struct bytes base64, struct buffer *room, uint32_t *id)
{
    buffer_clear(room);
    if (!text_base64_decode(room, base64) || room->failed || room->size <= ID_PREFIX_BYTES) {
        return false;
    }
    *id = big_endian_u32(room->data);
    return true;
}

static enum status parse_signatures(struct bytes lines, struct proof_note *note,
                                    struct buffer *room, struct error *err)
{
    while (lines.size > 0) {
        struct bytes line;
        struct proof_signature *signature = &note->signatures[note->signature_count];
        if (note->signature_count == PROOF_SIGNATURES_MAX) {
            return error_set(err, ST_MALFORMED, "note: more than %d signatures",
                             PROOF_SIGNATURES_MAX);
        }
        if (!cut(lines, '\n', &line, &lines) || line.size <= DASH_BYTES ||
            memcmp(line.data, dash, DASH_BYTES) != 0) {
            return error_set(err, ST_MALFORMED, "note: a signature line begins otherwise");
        }
        line = bytes_of(line.data + DASH_BYTES, line.size - DASH_BYTES);
        if (!cut(line, ' ', &signature->name, &signature->base64) || !name_valid(signature->name) ||
            !signature_id(signature->base64, room, &signature->id)) {
            return error_set(err, ST_MALFORMED, "note: a signature line is not name and base64");
        }
        note->signature_count++;
    }
    return ST_OK;
}

enum status proof_note_parse(struct bytes bytes, struct proof_note *note, struct error *err)
{
    if (bytes.size > PROOF_NOTE_MAX || !text_valid(bytes)) {
        return error_set(err, ST_MALFORMED, "note: longer than %d bytes, or not plain UTF-8",
                         PROOF_NOTE_MAX);
    }
    // The signatures begin behind the last empty line.
    size_t split = bytes.size;
    while (split >= 2 && !(bytes.data[split - 1] == '\n' && bytes.data[split - 2] == '\n')) {
        split--;
    }
    if (split < 3) { // nothing but the empty line is no text
        return error_set(err, ST_MALFORMED, "note: no text and empty line in front of signatures");
    }
    note->text = bytes_of(bytes.data, split - 1);
    note->signature_count = 0;
    struct buffer room = buffer_init(PROOF_NOTE_MAX);
    enum status status =
        parse_signatures(bytes_of(bytes.data + split, bytes.size - split), note, &room, err);
    buffer_fini(&room);
    if (status == ST_OK && note->signature_count == 0) {
        status = error_set(err, ST_MALFORMED, "note: no signature");
    }
    return status;
}

// What a key of the type signs: the text itself, or time and text.
static bool signed_message(enum proof_key_type type, uint64_t time_s, struct bytes text,
                           struct buffer *out)
{
    buffer_clear(out);
    if (type == PROOF_KEY_COSIGNATURE) {
        buffer_format(out, "cosignature/v1\ntime %ju\n", (uintmax_t)time_s);
    }
    buffer_bytes(out, text);
    return !out->failed;
}

static bool signed_by(const struct proof_signature *signature, const struct proof_key *key)
{
    return signature->id == key->id && bytes_equal_text(signature->name, key->name);
}

static bool note_has_key(const struct proof_note *note, const struct proof_key *key)
{
    for (size_t i = 0; i < note->signature_count; i++) {
        if (signed_by(&note->signatures[i], key)) {
            return true;
        }
    }
    return false;
}

static bool verify_line(const struct proof_signature *signature, const struct proof_key *key,
                        struct bytes text, struct buffer *room, struct proof_seen *seen)
{
    bool timed = key->type == PROOF_KEY_COSIGNATURE;
    size_t size = timed ? COSIGNATURE_BLOB_BYTES : SIGNATURE_BLOB_BYTES;
    uint8_t blob[COSIGNATURE_BLOB_BYTES];
    if (!decode_exactly(signature->base64, blob, size)) {
        return false;
    }
    uint64_t time_s = 0;
    for (size_t i = 0; timed && i < TIME_BYTES; i++) {
        time_s = time_s << 8 | blob[ID_PREFIX_BYTES + i];
    }
    if (time_s > INT64_MAX || !signed_message(key->type, time_s, text, room) ||
        !seal_verify(&key->key, buffer_view(room),
                     bytes_of(blob + size - SEAL_SIGNATURE_BYTES, SEAL_SIGNATURE_BYTES))) {
        return false;
    }
    // Of several good cosignatures by one witness the latest counts.
    seen->time_s = seen->verified && seen->time_s > time_s ? seen->time_s : time_s;
    seen->verified = true;
    return true;
}

enum status proof_note_verify(const struct proof_note *note, const struct proof_key *keys,
                              size_t key_count, struct proof_seen *seen, struct error *err)
{
    enum status status = ST_OK;
    bool some = false;
    struct buffer room = buffer_init(PROOF_NOTE_MAX + 64);
    for (size_t k = 0; k < key_count && status == ST_OK; k++) {
        const struct proof_key *key = &keys[k];
        seen[k] = (struct proof_seen){ 0 };
        for (size_t i = 0; i < note->signature_count && status == ST_OK; i++) {
            const struct proof_signature *signature = &note->signatures[i];
            if (!signed_by(signature, key)) {
                continue;
            }
            if (!verify_line(signature, key, note->text, &room, &seen[k])) {
                status = error_set(err, ST_UNPROVEN, "note: the signature of %s does not verify",
                                   key->name);
            }
        }
        some = some || seen[k].verified;
    }
    buffer_fini(&room);
    if (status == ST_OK && !some) {
        status = error_set(err, ST_UNPROVEN, "note: no known key has signed it");
    }
    return status;
}

void proof_note_sign(struct bytes text, const struct proof_key *key,
                     const struct seal_signer *signer, uint64_t time_s, struct buffer *out)
{
    assert(digest_equal(&key->key, seal_signer_key(signer)));
    bool timed = key->type == PROOF_KEY_COSIGNATURE;
    size_t size = timed ? COSIGNATURE_BLOB_BYTES : SIGNATURE_BLOB_BYTES;
    uint8_t blob[COSIGNATURE_BLOB_BYTES] = { (uint8_t)(key->id >> 24), (uint8_t)(key->id >> 16),
                                             (uint8_t)(key->id >> 8), (uint8_t)key->id };
    if (timed) {
        seal_u64(blob + ID_PREFIX_BYTES, time_s);
    }
    struct buffer message = buffer_init(PROOF_NOTE_MAX + 64);
    if (signed_message(key->type, time_s, text, &message)) {
        seal_sign(signer, buffer_view(&message), blob + size - SEAL_SIGNATURE_BYTES);
        buffer_format(out, "%s%s ", dash, key->name);
        text_base64_encode(out, bytes_of(blob, size));
        buffer_text(out, "\n");
    } else {
        out->failed = true; // the text is too long for a note, or there is no memory
    }
    buffer_fini(&message);
}

void proof_checkpoint_format(const struct proof_checkpoint *checkpoint, struct buffer *out)
{
    buffer_format(out, "%s\n%ju\n", checkpoint->origin, (uintmax_t)checkpoint->size);
    text_base64_encode(out, bytes_digest(&checkpoint->root));
    buffer_text(out, "\n");
}

enum status proof_checkpoint_parse(struct bytes text, struct proof_checkpoint *checkpoint,
                                   struct error *err)
{
    struct bytes origin;
    struct bytes size;
    struct bytes root;
    struct bytes rest;
    struct proof_checkpoint made = { 0 };
    if (!cut(text, '\n', &origin, &rest) || !cut(rest, '\n', &size, &rest) ||
        !cut(rest, '\n', &root, &rest) || !name_valid(origin) ||
        !text_u64_parse(size, UINT64_MAX, &made.size) ||
        !decode_exactly(root, made.root.bytes, DIGEST_BYTES)) {
        return error_set(err, ST_MALFORMED, "checkpoint: not origin, size and root on three lines");
    }
    if (rest.size > 0) {
        return error_set(err, ST_UNSUPPORTED, "checkpoint: extension lines");
    }
    memcpy(made.origin, origin.data, origin.size);
    *checkpoint = made;
    return ST_OK;
}

void proof_checkpoint_sign(const struct proof_checkpoint *checkpoint, const struct proof_key *key,
                           const struct seal_signer *signer, struct buffer *out)
{
    struct buffer text = buffer_init(PROOF_NOTE_MAX);
    proof_checkpoint_format(checkpoint, &text);
    out->failed = out->failed || text.failed;
    buffer_bytes(out, buffer_view(&text));
    buffer_text(out, "\n");
    proof_note_sign(buffer_view(&text), key, signer, 0, out);
    buffer_fini(&text);
}

enum status proof_checkpoint_open(struct bytes note, const struct proof_key *log,
                                  struct proof_checkpoint *checkpoint, struct error *err)
{
    return proof_checkpoint_open_by(note, log, 1, NULL, 0, NULL, checkpoint, err);
}

enum status proof_checkpoint_witnessed(struct bytes note, const struct proof_key *log,
                                       const struct proof_key *witnesses, size_t witness_count,
                                       struct proof_seen *seen, struct proof_checkpoint *checkpoint,
                                       struct error *err)
{
    return proof_checkpoint_open_by(note, log, 1, witnesses, witness_count, seen, checkpoint, err);
}

// Every key is one of a log's, and all are of the same log.
static enum status check_log_keys(const struct proof_key *log, size_t count, struct error *err)
{
    if (count == 0 || count > PROOF_WITNESSES_MAX) {
        return error_set(err, ST_USAGE, "a log has 1 to %d keys, not %zu", PROOF_WITNESSES_MAX,
                         count);
    }
    for (size_t i = 0; i < count; i++) {
        if (log[i].type != PROOF_KEY_ED25519) {
            return error_set(err, ST_USAGE, "%s is a witness's key, not a log's", log[i].name);
        }
        if (strcmp(log[i].name, log[0].name) != 0) {
            return error_set(err, ST_USAGE, "keys of two logs, %s and %s", log[0].name,
                             log[i].name);
        }
    }
    return ST_OK;
}

enum status proof_checkpoint_open_by(struct bytes note, const struct proof_key *log,
                                     size_t log_count, const struct proof_key *witnesses,
                                     size_t witness_count, struct proof_seen *seen,
                                     struct proof_checkpoint *checkpoint, struct error *err)
{
    struct proof_note parsed;
    struct proof_seen log_seen[PROOF_WITNESSES_MAX];
    struct proof_checkpoint made;
    enum status status = check_log_keys(log, log_count, err);
    if (status == ST_OK) {
        status = proof_note_parse(note, &parsed, err);
    }
    if (status == ST_OK) {
        status = proof_note_verify(&parsed, log, log_count, log_seen, err);
    }
    if (status == ST_OK) {
        status = proof_checkpoint_parse(parsed.text, &made, err);
    }
    if (status == ST_OK && strcmp(made.origin, log->name) != 0) {
        status =
            error_set(err, ST_UNPROVEN, "checkpoint of %s is signed by %s", made.origin, log->name);
    }
    // No witness at all is fine here; a bad cosignature is not.
    for (size_t i = 0; i < witness_count && status == ST_OK; i++) {
        struct error unseen;
        enum status one = proof_note_verify(&parsed, &witnesses[i], 1, &seen[i], &unseen);
        if (one != ST_OK && note_has_key(&parsed, &witnesses[i])) {
            status = error_set(err, one, "%s", unseen.message);
        }
    }
    if (status == ST_OK) {
        *checkpoint = made;
    }
    return status;
}
