// Memory that is given back all at once, with a hard cap. Used for what one message or one request
// needs. Not for threads to share.
#pragma once

#include "base/bytes.h"
#include "base/compiler.h"

struct arena;

// At most `limit_bytes` are ever handed out between two resets. NULL: no memory.
NODISCARD struct arena *arena_create(size_t limit_bytes);
void arena_destroy(struct arena **arena);

// Zeroed memory aligned for any type; NULL past the limit or without memory. Lives until reset.
void *arena_take(struct arena *arena, size_t size);

// A copy of the bytes; .data is NULL (and .size 0) when it does not fit.
struct bytes arena_copy(struct arena *arena, struct bytes bytes);

// A terminated copy of the text; NULL when it does not fit.
char *arena_text(struct arena *arena, struct bytes text);

// Everything that was taken is gone. Keeps one block, so that a loop does not allocate.
void arena_reset(struct arena *arena);

size_t arena_used_bytes(const struct arena *arena);
