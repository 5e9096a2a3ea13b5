// Handing orders and signed things in to the broker, and taking back the proof that they are on
// record.
#pragma once

#include "command.h"
#include "link.h"
#include "output.h"

// Hands in an order, and verifies the receipt of the entry that was made of it unless it was a
// rehearsal (`dry_run`). `version` is filled in; *result lives in the arena.
NODISCARD enum status handing_order(struct link *link, struct wire_control *control,
                                    struct arena *arena, struct wire_result *result,
                                    struct error *err);

// The same on a connection of its own; then `show` is called, with the verified receipt or, after a
// rehearsal, NULL.
typedef enum status (*handing_show)(struct command_call *call, const struct wire_receipt *receipt,
                                    struct arena *arena, struct error *err);
NODISCARD enum status handing_alone(struct command_call *call, struct wire_control *control,
                                    handing_show show, struct error *err);

// Hands in a Signed message and verifies the receipt of the entry that was made. Shows the entry's
// index unless it was a rehearsal.
NODISCARD enum status handing_in(struct link *link, enum wire_control_action action,
                                 struct bytes signed_message, bool dry_run, struct output *out,
                                 struct error *err);

// Sends a blob as chunks ahead of what names it.
NODISCARD enum status handing_blob(struct link *link, struct bytes blob, const struct digest *hash,
                                   struct error *err);
