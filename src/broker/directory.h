// Which nodes have announced a sealing key: an immutable table. Control makes the next version and
// swaps it in; readers and workers pin one (base/snapshot.h).
#pragma once

#include "base/bytes.h"
#include "base/error.h"

struct directory;

// One node's newest announcement, and the one before it, which may still be in use.
struct directory_item {
    struct digest batch_key; // of the node
    struct bytes member;
    struct bytes node;
    struct digest hash;      // of the announcement's payload
    struct digest curve_key; // the X25519 key announced
    uint64_t not_before;
    uint64_t not_after;
    uint64_t serial;
    struct bytes head; // the Head of the announcement, verbatim
};

// An empty one. NULL: no memory.
NODISCARD struct directory *directory_create(void);
void directory_destroy(struct directory **directory);
void directory_free(void *directory); // for snapshots

// `old` with one announcement more; the same node's last but one goes. ST_STALE: its serial is not
// above the last one's; ST_NOMEM.
NODISCARD enum status directory_next(const struct directory *old, const struct directory_item *item,
                                     int64_t now_ms, struct directory **next, struct error *err);

// `old` without the announcements of a key that was revoked.
NODISCARD enum status directory_without(const struct directory *old, const struct digest *batch_key,
                                        struct directory **next, struct error *err);

// NULL: none. By the hash of an announcement; and the one of a member's node that ends last.
const struct directory_item *directory_by_hash(const struct directory *directory,
                                               const struct digest *hash);
const struct directory_item *directory_of_member(const struct directory *directory,
                                                 struct bytes member, int64_t now_ms);

// False when the item's node has announced another key since: it may have started anew and no
// longer have this one.
bool directory_is_newest(const struct directory *directory, const struct directory_item *item);

size_t directory_count(const struct directory *directory);
