// Signing keys of known seeds, for tests.
#pragma once

#include "hex.h"
#include "seal/secret.h"
#include "seal/sign.h"
#include "test.h"

// The caller destroys it.
static inline struct seal_signer *signer_of_seed(const struct digest *seed)
{
    struct error err;
    struct seal_secret *secret = NULL;
    struct seal_signer *signer = NULL;
    assert_ok(seal_secret_copy(bytes_digest(seed), &secret, &err));
    assert_ok(seal_signer_create(secret, &signer, &err));
    seal_secret_destroy(&secret);
    return signer;
}

// Of the seed whose bytes count up from `first`.
static inline struct seal_signer *signer_of(uint8_t first)
{
    struct digest seed = count_digest(first);
    return signer_of_seed(&seed);
}
