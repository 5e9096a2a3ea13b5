// Memory that is given back all at once, with a hard cap. Used for what one message or one request
// needs. Not for threads to share.
#pragma once

#include "base/bytes.h"
#include "base/compiler.h"

struct arena;

// Blocks that arenas of the same use give back and take again. Any thread.
struct arena_pool;

// Blocks of `block_bytes`, of which at most `keep_max` wait for their next use. NULL: no memory.
NODISCARD struct arena_pool *arena_pool_create(size_t block_bytes, size_t keep_max);

// Every arena of the pool is gone before.
void arena_pool_destroy(struct arena_pool **pool);

// At most `limit_bytes` are ever handed out between two resets. NULL: no memory.
NODISCARD struct arena *arena_create(size_t limit_bytes);
void arena_destroy(struct arena **arena);

// The same with the pool's blocks; lives in the first of them.
NODISCARD struct arena *arena_create_in(struct arena_pool *pool, size_t limit_bytes);

// Zeroed memory aligned for any type; NULL past the limit or without memory. Lives until reset.
void *arena_take(struct arena *arena, size_t size);

// The same, but not zeroed: for what is filled at once.
void *arena_room(struct arena *arena, size_t size);

// Gives back the last `size` bytes, from `end` on, of the room that was taken last. Harmless when
// something else has been taken since.
void arena_trim(struct arena *arena, const void *end, size_t size);

// A copy of the bytes; .data is NULL (and .size 0) when it does not fit.
struct bytes arena_copy(struct arena *arena, struct bytes bytes);

// A terminated copy of the text; NULL when it does not fit.
char *arena_text(struct arena *arena, struct bytes text);

// Everything that was taken is gone. Keeps one block, so that a loop does not allocate.
void arena_reset(struct arena *arena);

size_t arena_used_bytes(const struct arena *arena);
