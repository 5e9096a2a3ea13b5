// Any bytes as a receipt's text, its hand-read ReceiptExtra message included. What is read has one
// form: written again it is the same bytes. The public check never takes what the reference
// seed does not say.
#include <stdlib.h>

#include "replay.h"

#include "proof/receipt.h"
#include "vedomo/verify.h"

static const char log_vkey[] =
    "example.com/audit+29b87bfc+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proof_receipt_file file;
    struct bytes bytes = bytes_of(data, size);
    if (proof_receipt_parse(bytes, &file, NULL) == ST_OK) {
        struct buffer again = buffer_init(2 * PROOF_RECEIPT_MAX);
        proof_receipt_write(&file.receipt, &again);
        require(bytes_equal(buffer_view(&again), bytes));
        buffer_fini(&again);
        // No leaf hash leads to an all-zero root.
        struct proof_checkpoint checkpoint = { .origin = "example.com/audit",
                                               .size = file.receipt.index + 1 };
        struct proof_proven proven;
        require(proof_receipt_check(&file.receipt, &checkpoint, &proven, NULL) != ST_OK);
        proof_receipt_file_fini(&file);
    }
    struct vedomo_receipt *receipt = NULL;
    if (vedomo_receipt_verify((const char *)data, size, log_vkey, NULL, 0, &receipt, NULL) ==
        VEDOMO_OK) {
        const struct vedomo_proven *proven = vedomo_receipt_proven(receipt);
        require(proven->index == 0 && proven->tree_size == 1 && proven->part_size == 5);
        vedomo_receipt_destroy(&receipt);
    }
    return 0;
}
