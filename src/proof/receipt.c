// Receipts. The reader of ReceiptExtra takes the few bytes of protobuf that this one message can
// have, then packs what it read again and compares: so one content has one text, and whatever
// else protobuf would let through (unknown fields, fields given twice, long numbers) is refused.
#include "proof/receipt.h"

#include "base/reader.h"
#include "base/text.h"
#include "seal/hash.h"

enum status proof_receipt_check(const struct proof_receipt *receipt,
                                const struct proof_checkpoint *checkpoint,
                                struct proof_proven *proven, struct error *err)
{
    struct proof_leaf leaf;
    enum status status = proof_leaf_decode(receipt->leaf, &leaf, err);
    if (status != ST_OK) {
        return error_wrap(err, "receipt");
    }
    size_t count = proof_class_parts(leaf.class, NULL);
    int place = proof_class_place(leaf.class, receipt->part_type);
    if (place < 0 || receipt->other_count != count - 1) {
        return error_set(err, ST_MALFORMED,
                         "receipt: part %u and %zu others in an entry of class %u",
                         receipt->part_type, receipt->other_count, leaf.class);
    }
    struct digest parts[PROOF_PARTS_MAX];
    for (size_t i = 0, other = 0; i < count; i++) {
        if (i == (size_t)place) {
            parts[i] =
                proof_part_hash((uint8_t)receipt->part_type, &receipt->part_salt, receipt->part);
            continue;
        }
        struct bytes hash = receipt->others[other++];
        if (hash.size != DIGEST_BYTES) {
            return error_set(err, ST_MALFORMED, "receipt: a part's hash of %zu bytes", hash.size);
        }
        memcpy(parts[i].bytes, hash.data, DIGEST_BYTES);
    }
    struct digest leaf_hash = seal_leaf_hash(receipt->leaf);
    struct digest commitment = proof_body_commitment(leaf.class, parts);
    if (!digest_equal(&commitment, &leaf.commitment)) {
        return error_set(err, ST_UNPROVEN, "receipt: the entry does not commit to this part");
    }
    if (!proof_inclusion_verify(&leaf_hash, receipt->index, checkpoint->size, receipt->path,
                                &checkpoint->root)) {
        return error_set(err, ST_UNPROVEN, "receipt: the entry is not in the checkpoint's tree");
    }
    *proven =
        (struct proof_proven){ .leaf = leaf, .leaf_hash = leaf_hash, .checkpoint = *checkpoint };
    return ST_OK;
}

static enum status verify_by_policy(const struct proof_receipt *receipt,
                                    const struct proof_trust *trust, struct proof_proven *proven,
                                    struct error *err)
{
    struct proof_checkpoint checkpoint;
    struct proof_policy_finding finding;
    enum status status = proof_policy_check(trust->policy, receipt->checkpoint, trust->log,
                                            trust->log_count == 0 ? 1 : trust->log_count,
                                            &checkpoint, &finding, err);
    if (status != ST_OK) {
        return error_wrap(err, "receipt");
    }
    status = proof_receipt_check(receipt, &checkpoint, proven, err);
    if (status == ST_OK) {
        proven->witnesses = finding.witnesses;
        proven->witnessed_s = finding.time_s;
        proven->witnessed = finding.met;
    }
    return status;
}

// One witness twice, also under two names, would count twice.
static enum status check_witnesses(const struct proof_trust *trust, struct error *err)
{
    if (trust->witness_count > PROOF_WITNESSES_MAX) {
        return error_set(err, ST_USAGE, "receipt: more than %d witnesses", PROOF_WITNESSES_MAX);
    }
    for (size_t i = 0; i < trust->witness_count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (digest_equal(&trust->witnesses[i].key, &trust->witnesses[k].key)) {
                return error_set(err, ST_USAGE, "receipt: the witness %s is given twice",
                                 trust->witnesses[i].name);
            }
        }
    }
    return ST_OK;
}

enum status proof_receipt_verify(const struct proof_receipt *receipt,
                                 const struct proof_trust *trust, struct proof_proven *proven,
                                 struct error *err)
{
    struct proof_checkpoint checkpoint;
    struct proof_seen seen[PROOF_WITNESSES_MAX];
    if (trust->policy != NULL) {
        return verify_by_policy(receipt, trust, proven, err);
    }
    enum status status = check_witnesses(trust, err);
    if (status != ST_OK) {
        return status;
    }
    status = proof_checkpoint_open_by(
        receipt->checkpoint, trust->log, trust->log_count == 0 ? 1 : trust->log_count,
        trust->witnesses, trust->witness_count, seen, &checkpoint, err);
    if (status != ST_OK) {
        return error_wrap(err, "receipt");
    }
    status = proof_receipt_check(receipt, &checkpoint, proven, err);
    for (size_t i = 0; i < trust->witness_count && status == ST_OK; i++) {
        if (seen[i].verified) {
            proven->witnesses++;
            proven->witnessed_s =
                seen[i].time_s > proven->witnessed_s ? seen[i].time_s : proven->witnessed_s;
        }
    }
    return status;
}

// protobuf: field numbers of ReceiptExtra, and the two wire types that it has.
enum { FIELD_LEAF = 1, FIELD_PART_TYPE, FIELD_PART_SALT, FIELD_PART, FIELD_OTHERS };
enum { WIRE_VARINT = 0, WIRE_BYTES = 2 };

static void put_varint(struct buffer *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) {
        buffer_u8(out, (uint8_t)(value | 0x80));
    }
    buffer_u8(out, (uint8_t)value);
}

static void put_field(struct buffer *out, unsigned field, struct bytes bytes)
{
    put_varint(out, field << 3 | WIRE_BYTES);
    put_varint(out, bytes.size);
    buffer_bytes(out, bytes);
}

static void put_extra(struct buffer *out, const struct proof_receipt *receipt)
{
    if (receipt->leaf.size > 0) {
        put_field(out, FIELD_LEAF, receipt->leaf);
    }
    if (receipt->part_type != 0) {
        put_varint(out, FIELD_PART_TYPE << 3 | WIRE_VARINT);
        put_varint(out, receipt->part_type);
    }
    if (!digest_is_zero(&receipt->part_salt)) {
        put_field(out, FIELD_PART_SALT, bytes_digest(&receipt->part_salt));
    }
    if (receipt->part.size > 0) {
        put_field(out, FIELD_PART, receipt->part);
    }
    for (size_t i = 0; i < receipt->other_count; i++) {
        put_field(out, FIELD_OTHERS, receipt->others[i]);
    }
}

static uint64_t take_varint(struct reader *reader)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = reader_u8(reader);
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80) {
            return value;
        }
    }
    reader_fail(reader, "a number too long");
    return 0;
}

static struct bytes take_bytes(struct reader *reader)
{
    uint64_t size = take_varint(reader);
    if (size > reader->left) {
        reader_fail(reader, "cut short");
        return (struct bytes){ 0 };
    }
    return reader_bytes(reader, (size_t)size);
}

static void take_field(struct reader *reader, struct proof_receipt_file *file)
{
    struct proof_receipt *receipt = &file->receipt;
    struct bytes bytes;
    switch (take_varint(reader)) {
    case FIELD_LEAF << 3 | WIRE_BYTES:
        receipt->leaf = take_bytes(reader);
        break;
    case FIELD_PART_TYPE << 3 | WIRE_VARINT: {
        uint64_t type = take_varint(reader);
        receipt->part_type = type <= UINT32_MAX ? (uint32_t)type : 0;
        break;
    }
    case FIELD_PART_SALT << 3 | WIRE_BYTES:
        bytes = take_bytes(reader);
        if (bytes.size != DIGEST_BYTES) {
            reader_fail(reader, "a salt of another size");
            break;
        }
        memcpy(receipt->part_salt.bytes, bytes.data, DIGEST_BYTES);
        break;
    case FIELD_PART << 3 | WIRE_BYTES:
        receipt->part = take_bytes(reader);
        break;
    case FIELD_OTHERS << 3 | WIRE_BYTES:
        if (receipt->other_count == PROOF_PARTS_MAX) {
            reader_fail(reader, "too many hashes");
            break;
        }
        file->others[receipt->other_count++] = take_bytes(reader);
        break;
    default:
        reader_fail(reader, "an unknown field");
    }
}

static enum status parse_extra(struct bytes bytes, struct proof_receipt_file *file,
                               struct error *err)
{
    struct reader reader = reader_init(bytes);
    while (reader_ok(&reader) && reader.left > 0) {
        take_field(&reader, file);
    }
    if (!reader_finished(&reader)) {
        return error_set(err, ST_MALFORMED, "receipt: extra: %s", reader_reason(&reader));
    }
    file->receipt.others = file->others;
    struct buffer again = buffer_init(PROOF_RECEIPT_MAX);
    put_extra(&again, &file->receipt);
    enum status status = buffer_ok(&again, "receipt", err);
    if (status == ST_OK && !bytes_equal(buffer_view(&again), bytes)) {
        status = error_set(err, ST_MALFORMED, "receipt: extra is not in its one form");
    }
    buffer_fini(&again);
    return status;
}

static const char first_line[] = "c2sp.org/tlog-proof@v1";
static const char any_version[] = "c2sp.org/tlog-proof@v";

void proof_receipt_write(const struct proof_receipt *receipt, struct buffer *out)
{
    struct buffer extra = buffer_init(PROOF_RECEIPT_MAX);
    put_extra(&extra, receipt);
    buffer_format(out, "%s\nextra ", first_line);
    text_base64_encode(out, buffer_view(&extra));
    out->failed = out->failed || extra.failed;
    buffer_fini(&extra);
    buffer_format(out, "\nindex %ju\n", (uintmax_t)receipt->index);
    for (size_t i = 0; i + DIGEST_BYTES <= receipt->path.size; i += DIGEST_BYTES) {
        text_base64_encode(out, bytes_of(receipt->path.data + i, DIGEST_BYTES));
        buffer_text(out, "\n");
    }
    buffer_text(out, "\n");
    buffer_bytes(out, receipt->checkpoint);
}

// The next line without its line feed; false when there is no whole one.
static bool take_line(struct bytes *text, struct bytes *line)
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

// What stands behind "name " on the line.
static bool line_value(struct bytes line, const char *name, struct bytes *value)
{
    size_t size = strlen(name);
    if (line.size <= size || memcmp(line.data, name, size) != 0 || line.data[size] != ' ') {
        return false;
    }
    *value = bytes_of(line.data + size + 1, line.size - size - 1);
    return true;
}

// The hashes up to the empty line.
static bool parse_path(struct bytes *text, struct proof_path *path)
{
    struct buffer step = buffer_init(DIGEST_BYTES);
    struct bytes line;
    bool good = true;
    path->count = 0;
    while ((good = good && take_line(text, &line)) && line.size > 0) {
        buffer_clear(&step);
        good = path->count < PROOF_PATH_MAX && text_base64_decode(&step, line) && !step.failed &&
               step.size == DIGEST_BYTES;
        if (good) {
            memcpy(path->steps[path->count++].bytes, step.data, DIGEST_BYTES);
        }
    }
    buffer_fini(&step);
    return good;
}

static enum status parse_head(struct bytes *text, struct proof_receipt_file *file,
                              struct error *err)
{
    struct bytes line = { 0 };
    struct bytes value;
    if (!take_line(text, &line) || !bytes_equal_text(line, first_line)) {
        size_t prefix = sizeof(any_version) - 1;
        uint64_t version = 0;
        bool later =
            line.size > prefix && memcmp(line.data, any_version, prefix) == 0 &&
            text_u64_parse(bytes_of(line.data + prefix, line.size - prefix), UINT32_MAX, &version);
        return error_set(err, later ? ST_UNSUPPORTED : ST_MALFORMED,
                         "receipt: its first line is not %s", first_line);
    }
    if (!take_line(text, &line)) {
        return error_set(err, ST_MALFORMED, "receipt: cut short");
    }
    if (!line_value(line, "extra", &value)) {
        return error_set(err, ST_UNSUPPORTED, "receipt: no line 'extra', so it says nothing");
    }
    file->extra = buffer_init(PROOF_RECEIPT_MAX);
    if (!text_base64_decode(&file->extra, value) || file->extra.failed) {
        return error_set(err, ST_MALFORMED, "receipt: extra is not base64");
    }
    if (!take_line(text, &line) || !line_value(line, "index", &value) ||
        !text_u64_parse(value, UINT64_MAX, &file->receipt.index)) {
        return error_set(err, ST_MALFORMED, "receipt: no line 'index' with a number");
    }
    return ST_OK;
}

enum status proof_receipt_parse(struct bytes text, struct proof_receipt_file *file,
                                struct error *err)
{
    if (text.size > PROOF_RECEIPT_MAX) {
        return error_set(err, ST_MALFORMED, "receipt: longer than %d bytes", PROOF_RECEIPT_MAX);
    }
    memset(file, 0, sizeof(*file));
    enum status status = parse_head(&text, file, err);
    if (status == ST_OK && !parse_path(&text, &file->path)) {
        status = error_set(err, ST_MALFORMED, "receipt: its path is not lines of hashes");
    }
    if (status == ST_OK) {
        status = parse_extra(buffer_view(&file->extra), file, err);
    }
    if (status != ST_OK) {
        proof_receipt_file_fini(file);
        return status;
    }
    file->receipt.path = proof_path_view(&file->path);
    file->receipt.checkpoint = text;
    return ST_OK;
}

void proof_receipt_file_fini(struct proof_receipt_file *file)
{
    buffer_fini(&file->extra);
    memset(file, 0, sizeof(*file));
}
