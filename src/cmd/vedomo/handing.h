// Handing signed things in to the broker, as an operator.
#pragma once

#include "link.h"
#include "output.h"

// Hands in a Signed message and verifies the receipt of the entry that was made. Shows the entry's
// index unless it was a rehearsal.
NODISCARD enum status handing_in(struct link *link, enum wire_control_action action,
                                 struct bytes signed_message, bool dry_run, struct output *out,
                                 struct error *err);

// Sends a blob as chunks ahead of what names it.
NODISCARD enum status handing_blob(struct link *link, struct bytes blob, const struct digest *hash,
                                   struct error *err);
