// Receipts between the wire's form, the proof's form, and files.
#pragma once

#include <stdio.h>

#include "proof/receipt.h"
#include "wire/message.h"

// The same receipt for proof_receipt_verify(); borrows. The wire's receipt has its `extra`.
struct proof_receipt receipt_plain(const struct wire_receipt *receipt);

// Appends receipts as tlog-proof texts, each behind a line with its size; NULL: nowhere. Of several
// threads that share the file each adds its receipts in one piece.
NODISCARD enum status receipts_append(FILE *file, const struct wire_receipt *const *receipts,
                                      size_t count, struct error *err);

// Writes a receipt as a tlog-proof text to a new file.
NODISCARD enum status receipt_save(const struct proof_receipt *receipt, const char *path,
                                   struct error *err);
