// A copy of the log as it stands, taken from another process than the broker's, which may be
// running (an environment is opened once in a process). It holds no key: bodies in it open
// only where the body keys and the master key are kept, and those are never put beside it. A log
// that goes on from such a copy, while the original had published more, does not open
// (audit/journal.h).
#pragma once

#include "base/error.h"

#include <stddef.h>

// Copies HOME/log and HOME/log.published into the folder `to`, which is made. `map_bytes` as the
// broker's; 0: 64 GiB. ST_EXISTS: there is a log already. ST_NOT_FOUND: HOME has none.
NODISCARD enum status audit_backup(const char *home, size_t map_bytes, const char *to,
                                   struct error *err);
