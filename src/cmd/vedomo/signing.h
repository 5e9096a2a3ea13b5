// Signing with offline keys: the registrar's and the policy keys.
#pragma once

#include "registry/card.h"
#include "seal/keyfile.h"

// Loads the key of an offline signer, which must be of that role.
NODISCARD enum status signing_key_load(const char *path, enum seal_role role,
                                       struct seal_identity *identity, struct error *err);

// Adds a signature: to a payload that has none yet (`fresh`), or to a Signed message. Appends the
// new Signed message to `out`.
NODISCARD enum status signing_add(enum registry_label label, bool fresh, struct bytes message,
                                  struct bytes origin, const struct seal_identity *identity,
                                  struct buffer *out, struct error *err);
