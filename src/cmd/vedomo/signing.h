// Signing with offline keys: the registrar's and the policy keys.
#pragma once

#include "registry/card.h"
#include "seal/keyfile.h"

// Adds a signature: to a payload that has none yet (`fresh`), or to a Signed message. Appends the
// new Signed message to `out`.
NODISCARD enum status signing_add(enum registry_label label, bool fresh, struct bytes message,
                                  struct bytes origin, const struct seal_identity *identity,
                                  struct buffer *out, struct error *err);
