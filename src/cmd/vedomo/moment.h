// Times as people type them.
#pragma once

#include "base/bytes.h"

// "2026-11-21" (its first millisecond) or "2026-11-21T18:53:00Z", UTC, as milliseconds since 1970.
// False: neither.
bool moment_parse(struct bytes text, uint64_t *wall_ms);
