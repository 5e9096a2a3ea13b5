// The digests that were put in lately, shared by threads: a bounded set that forgets by itself.
// What it says it has was put in; what it does not have may have been forgotten.
#pragma once

#include "base/bytes.h"
#include "base/compiler.h"

#include <stdbool.h>

struct recent;

// Room for about `capacity` digests. They must be spread evenly, and nobody outside may choose
// them: hashes under a secret key. NULL: no memory.
NODISCARD struct recent *recent_create(size_t capacity);
void recent_destroy(struct recent **recent);

bool recent_has(struct recent *recent, const struct digest *digest);
void recent_put(struct recent *recent, const struct digest *digest);
