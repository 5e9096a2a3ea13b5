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
