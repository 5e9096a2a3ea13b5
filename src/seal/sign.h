// Ed25519 (RFC 8032). Any thread.
#pragma once

#include "base/buffer.h"

struct seal_secret;
struct seal_signer; // a secret key that signs; in guarded memory

enum { SEAL_SIGNATURE_BYTES = 64 };

// From a seed of 32 bytes, which stays the caller's.
NODISCARD enum status seal_signer_create(const struct seal_secret *seed,
                                         struct seal_signer **signer, struct error *err);
void seal_signer_destroy(struct seal_signer **signer);

// The public key. Borrowed until seal_signer_destroy().
const struct digest *seal_signer_key(const struct seal_signer *signer);

// Deterministic: the same message gives the same signature.
void seal_sign(const struct seal_signer *signer, struct bytes message,
               uint8_t signature[SEAL_SIGNATURE_BYTES]);

// Strict: 64 bytes, canonical S, canonical key, no key or R of small order.
bool seal_verify(const struct digest *public_key, struct bytes message, struct bytes signature);

// A public key as configuration writes it: "ed25519:<base64 of 32 bytes>".
void seal_key_format(struct buffer *out, const struct digest *public_key);
bool seal_key_parse(struct bytes text, struct digest *public_key);
