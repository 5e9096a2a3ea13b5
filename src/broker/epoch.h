// The epoch that stands: what QUERY_PERSON answers from. The epoch thread makes the next one at
// each `audit.epoch` and swaps it in once its entry is in the log.
#pragma once

#include "broker/core.h"

#include "audit/epoch.h"

struct epoch_now {
    struct audit_epoch_map *map;
    uint64_t index;   // of its entry
    int64_t built_ms; // how long building took; -1: made before this start
};

// Destroys one, for the snapshot.
void epoch_now_free(void *object);
