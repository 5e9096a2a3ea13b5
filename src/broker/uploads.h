// Pieces of something larger on its way in, put together by hash. Bounded: a few at a time, each at
// most as large as a policy bundle may be. Control thread only.
#pragma once

#include "base/buffer.h"

struct uploads;

NODISCARD enum status uploads_create(struct uploads **uploads, struct error *err);
void uploads_destroy(struct uploads **uploads);

// Adds the piece at `offset` to the upload of `hash`; pieces come in order. The oldest upload gives
// way to a new one. ST_MALFORMED: out of order, too long, or the whole has another hash.
NODISCARD enum status uploads_add(struct uploads *uploads, const struct digest *hash,
                                  uint64_t total, uint64_t offset, struct bytes piece,
                                  struct error *err);

// The whole; empty when it is not (all) here. Borrowed until the next call.
struct bytes uploads_find(const struct uploads *uploads, const struct digest *hash);
void uploads_drop(struct uploads *uploads, const struct digest *hash);
