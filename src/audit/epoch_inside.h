// Inside of the epochs: a map that is open, and what its secret is bound to.
#pragma once

#include "audit/epoch_file.h"
#include "seal/hash.h"

struct audit_epoch_map {
    int fd;
    struct epoch_head head;
    struct seal_secret *secret; // makes the salts of all persons
};

// Stands where a body's leaf hash would, so that no body opens as a secret, and no secret as a
// body.
static inline struct digest epoch_secret_label(void)
{
    return seal_sha256(seal_label("vedomo/1 epoch secret"));
}
