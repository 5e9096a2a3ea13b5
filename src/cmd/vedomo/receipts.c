// Receipts between their forms.
#include "receipts.h"

#include "base/file.h"

struct proof_receipt receipt_plain(const struct wire_receipt *receipt)
{
    const struct wire_receipt_extra *extra = receipt->extra;
    return (struct proof_receipt){
        .index = receipt->index,
        .path = receipt->proof,
        .checkpoint = receipt->checkpoint,
        .leaf = extra->leaf,
        .part_type = extra->part_type,
        .part_salt = extra->part_salt,
        .part = extra->part,
        .others = extra->others,
        .other_count = extra->others_count,
    };
}

enum status receipts_append(FILE *file, const struct wire_receipt *const *receipts, size_t count,
                            struct error *err)
{
    struct buffer text = buffer_init(PROOF_RECEIPT_MAX);
    struct buffer all = buffer_init(count * (PROOF_RECEIPT_MAX + 32));
    enum status status = ST_OK;
    for (size_t i = 0; file != NULL && status == ST_OK && i < count; i++) {
        struct proof_receipt receipt = receipt_plain(receipts[i]);
        buffer_clear(&text);
        proof_receipt_write(&receipt, &text);
        status = buffer_ok(&text, "receipt", err);
        buffer_format(&all, "%zu\n", text.size);
        buffer_bytes(&all, buffer_view(&text));
    }
    if (status == ST_OK) {
        status = buffer_ok(&all, "receipts", err);
    }
    if (status == ST_OK && all.size > 0 && fwrite(all.data, 1, all.size, file) != all.size) {
        status = error_errno(err, ST_IO, "receipts: writing");
    }
    buffer_fini(&text);
    buffer_fini(&all);
    return status;
}

enum status receipt_save(const struct proof_receipt *receipt, const char *path, struct error *err)
{
    struct buffer text = buffer_init(PROOF_RECEIPT_MAX);
    proof_receipt_write(receipt, &text);
    enum status status = buffer_ok(&text, "receipt", err);
    if (status == ST_OK) {
        // It may tell what a citizen's list tells: nobody else's to read.
        status = file_create(path, buffer_view(&text), 0600, err);
    }
    buffer_fini(&text);
    return status;
}
