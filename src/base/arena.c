// The arena: a chain of blocks, newest first.
#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>

enum { BLOCK_BYTES = 8192 };

struct block {
    struct block *older;
    size_t size;
    size_t used;
    alignas(max_align_t) uint8_t data[];
};

struct arena {
    struct block *newest;
    size_t limit;
    size_t used;
};

struct arena *arena_create(size_t limit_bytes)
{
    struct arena *arena = calloc(1, sizeof(*arena));
    if (arena != NULL) {
        arena->limit = limit_bytes;
    }
    return arena;
}

void arena_destroy(struct arena **arena)
{
    if (*arena == NULL) {
        return;
    }
    struct block *block = (*arena)->newest;
    while (block != NULL) {
        struct block *older = block->older;
        free(block);
        block = older;
    }
    free(*arena);
    *arena = NULL;
}

// Room that is not zeroed; NULL past the limit or without memory.
static void *take_room(struct arena *arena, size_t size)
{
    size_t align = alignof(max_align_t);
    if (size > SIZE_MAX - align) {
        return NULL;
    }
    size = size == 0 ? align : (size + align - 1) / align * align;
    if (size > arena->limit - arena->used) {
        return NULL;
    }
    struct block *block = arena->newest;
    if (block == NULL || block->size - block->used < size) {
        size_t capacity = size > BLOCK_BYTES ? size : BLOCK_BYTES;
        block = malloc(sizeof(*block) + capacity);
        if (block == NULL) {
            return NULL;
        }
        *block = (struct block){ .older = arena->newest, .size = capacity };
        arena->newest = block;
    }
    void *taken = block->data + block->used;
    block->used += size;
    arena->used += size;
    return taken;
}

void *arena_take(struct arena *arena, size_t size)
{
    void *taken = take_room(arena, size);
    if (taken != NULL) {
        memset(taken, 0, size);
    }
    return taken;
}

struct bytes arena_copy(struct arena *arena, struct bytes bytes)
{
    uint8_t *copy = take_room(arena, bytes.size);
    if (copy == NULL) {
        return (struct bytes){ 0 };
    }
    if (bytes.size > 0) {
        memcpy(copy, bytes.data, bytes.size);
    }
    return bytes_of(copy, bytes.size);
}

char *arena_text(struct arena *arena, struct bytes text)
{
    char *copy = take_room(arena, text.size + 1);
    if (copy != NULL && text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    if (copy != NULL) {
        copy[text.size] = '\0';
    }
    return copy;
}

void arena_reset(struct arena *arena)
{
    struct block *block = arena->newest;
    while (block != NULL && block->older != NULL) {
        struct block *older = block->older;
        free(block);
        block = older;
    }
    if (block != NULL && block->size > BLOCK_BYTES) {
        free(block);
        block = NULL;
    }
    if (block != NULL) {
        block->used = 0;
    }
    arena->newest = block;
    arena->used = 0;
}

size_t arena_used_bytes(const struct arena *arena)
{
    return arena->used;
}
