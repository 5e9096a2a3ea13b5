// Receipts that outlive their commit.
#pragma once

#include "audit/journal.h"
#include "base/arena.h"

// A copy of the receipt in the arena; NULL: it does not fit.
const struct wire_receipt *receipt_keep(struct arena *arena, const struct audit_receipt *from);
