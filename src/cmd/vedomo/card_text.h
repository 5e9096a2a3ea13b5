// Cards, orders and bundle heads as people see them, and as files.
#pragma once

#include "output.h"

#include "registry/card.h"
#include "registry/file.h"

// Writes a new file with a card that nobody has signed yet.
NODISCARD enum status card_request_write(const struct registry_card *card, struct bytes origin,
                                         const char *path, struct error *err);

// Lines about a card, and members of the JSON object at hand.
void card_show(struct output *out, const struct registry_card *card);
void order_show(struct output *out, const struct registry_order *order);
void bundle_head_show(struct output *out, const struct registry_bundle_head *head);

// Writes a signed message as a file of its kind; replaces what is there when `replace`.
NODISCARD enum status signed_write(enum registry_file kind, struct bytes message, struct bytes blob,
                                   const char *comment, const char *path, bool replace,
                                   struct error *err);

// The origin that stands in a payload, whatever it is. Appended.
NODISCARD enum status payload_origin(enum registry_label label, struct bytes payload,
                                     struct buffer *origin, struct error *err);

// "suspend", "resume", "revoke". Static.
const char *order_action_name(enum registry_action action);
