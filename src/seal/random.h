// Randomness for salts, nonces and identifiers, pooled by thread so that a salt does not cost a
// system call. Bytes are wiped from the pool as they are handed out, and a child process never
// repeats its parent's. Keys come from seal_secret_random(), which does not pool. Any thread.
#pragma once

#include "base/bytes.h"

void seal_random(void *out, size_t size);

struct digest seal_random_digest(void);
struct id seal_random_id(void);
