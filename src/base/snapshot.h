// A cell that holds the newest version of an immutable object. Readers pin the version that is
// current and unpin it when done; a writer swaps in a new one; the old one is destroyed when its
// last reader lets go. Any thread.
#pragma once

#include "base/compiler.h"

#include <stdbool.h>

struct snapshot;      // the cell
struct snapshot_item; // one version, counted

// `destroy` frees an object; it may be called in any thread. NULL: no memory.
NODISCARD struct snapshot *snapshot_create(void (*destroy)(void *object));

// No reader may hold a version any more.
void snapshot_destroy(struct snapshot **snapshot);

// Makes `object` (which may be NULL) the current version. Takes it over. False: no memory, the
// object stays the caller's and the old version stays current.
NODISCARD bool snapshot_swap(struct snapshot *snapshot, void *object);

// The current version, pinned until snapshot_unpin(*item). *item is NULL where the object is.
void *snapshot_pin(struct snapshot *snapshot, struct snapshot_item **item);
void snapshot_unpin(struct snapshot_item **item);
