// Times as people type them.
#pragma once

#include "base/bytes.h"

// "2026-11-21" (its first millisecond), "2026-11-21T18:53" or "2026-11-21T18:53:00", a blank in the
// place of the T, a Z behind it or none: UTC, as milliseconds since 1970. False: none of these.
bool moment_parse(struct bytes text, uint64_t *wall_ms);

// The same, for the end of a time: a day ends with its last millisecond.
bool moment_parse_end(struct bytes text, uint64_t *wall_ms);
