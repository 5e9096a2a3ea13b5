// The arena: a chain of blocks, newest first. One that comes from a pool stands in its own first
// block, so that making and destroying it is taking a block from a list and giving it back.
#include "base/arena.h"

#include <pthread.h>
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
    struct arena_pool *pool; // NULL: none
    struct block *newest;
    size_t limit;
    size_t used;
};

struct arena_pool {
    pthread_mutex_t lock;
    struct block *free;
    size_t count;
    size_t keep_max;
    size_t block_bytes;
};

static size_t rounded(size_t size)
{
    size_t align = alignof(max_align_t);
    return size == 0 ? align : (size + align - 1) / align * align;
}

// ---- pools

struct arena_pool *arena_pool_create(size_t block_bytes, size_t keep_max)
{
    struct arena_pool *pool = calloc(1, sizeof(*pool));
    if (pool == NULL) {
        return NULL;
    }
    pthread_mutex_init(&pool->lock, NULL);
    pool->block_bytes = rounded(block_bytes);
#if !defined(__SANITIZE_ADDRESS__)
    pool->keep_max = keep_max; // else the sanitizer would not see who uses what was given back
#else
    (void)keep_max;
#endif
    return pool;
}

void arena_pool_destroy(struct arena_pool **pool)
{
    if (*pool == NULL) {
        return;
    }
    while ((*pool)->free != NULL) {
        struct block *block = (*pool)->free;
        (*pool)->free = block->older;
        free(block);
    }
    pthread_mutex_destroy(&(*pool)->lock);
    free(*pool);
    *pool = NULL;
}

static struct block *pool_take(struct arena_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    struct block *block = pool->free;
    if (block != NULL) {
        pool->free = block->older;
        pool->count--;
    }
    pthread_mutex_unlock(&pool->lock);
    if (block == NULL) {
        block = malloc(sizeof(*block) + pool->block_bytes);
    }
    if (block != NULL) {
        *block = (struct block){ .size = pool->block_bytes };
    }
    return block;
}

// Gives back a chain of blocks; what the pool does not keep is freed.
static void pool_give(struct arena_pool *pool, struct block *blocks)
{
    struct block *surplus = NULL;
    pthread_mutex_lock(&pool->lock);
    while (blocks != NULL) {
        struct block *block = blocks;
        blocks = block->older;
        bool keep = block->size == pool->block_bytes && pool->count < pool->keep_max;
        struct block **to = keep ? &pool->free : &surplus;
        block->older = *to;
        *to = block;
        pool->count += keep ? 1 : 0;
    }
    pthread_mutex_unlock(&pool->lock);
    while (surplus != NULL) {
        struct block *block = surplus;
        surplus = block->older;
        free(block);
    }
}

// ---- arenas

struct arena *arena_create(size_t limit_bytes)
{
    struct arena *arena = calloc(1, sizeof(*arena));
    if (arena != NULL) {
        arena->limit = limit_bytes;
    }
    return arena;
}

struct arena *arena_create_in(struct arena_pool *pool, size_t limit_bytes)
{
    struct block *block = pool_take(pool);
    if (block == NULL) {
        return NULL;
    }
    struct arena *arena = (struct arena *)(void *)block->data;
    block->used = rounded(sizeof(*arena));
    *arena = (struct arena){ .pool = pool, .newest = block, .limit = limit_bytes };
    return arena;
}

static void free_blocks(struct block *block)
{
    while (block != NULL) {
        struct block *older = block->older;
        free(block);
        block = older;
    }
}

void arena_destroy(struct arena **arena)
{
    struct arena *gone = *arena;
    *arena = NULL;
    if (gone != NULL && gone->pool != NULL) {
        pool_give(gone->pool, gone->newest);
    } else if (gone != NULL) {
        free_blocks(gone->newest);
        free(gone);
    }
}

static struct block *add_block(struct arena *arena, size_t size)
{
    struct block *block = NULL;
    if (arena->pool != NULL && size <= arena->pool->block_bytes) {
        block = pool_take(arena->pool);
    } else {
        size_t capacity = size > BLOCK_BYTES ? size : BLOCK_BYTES;
        block = malloc(sizeof(*block) + capacity);
        if (block != NULL) {
            *block = (struct block){ .size = capacity };
        }
    }
    if (block != NULL) {
        block->older = arena->newest;
        arena->newest = block;
    }
    return block;
}

// Room that is not zeroed; NULL past the limit or without memory.
static void *take_room(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX - alignof(max_align_t)) {
        return NULL;
    }
    size = rounded(size);
    if (size > arena->limit - arena->used) {
        return NULL;
    }
    struct block *block = arena->newest;
    if (block == NULL || block->size - block->used < size) {
        block = add_block(arena, size);
        if (block == NULL) {
            return NULL;
        }
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

void *arena_room(struct arena *arena, size_t size)
{
    return take_room(arena, size);
}

void arena_trim(struct arena *arena, const void *end, size_t size)
{
    struct block *block = arena->newest;
    size_t give = size / alignof(max_align_t) * alignof(max_align_t);
    if (block != NULL && size <= block->used && end == block->data + block->used - size) {
        block->used -= give;
        arena->used -= give;
    }
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
    struct block *behind = NULL; // all but the first, oldest last
    struct block **end = &behind;
    while (block != NULL && block->older != NULL) {
        *end = block;
        end = &block->older;
        block = block->older;
    }
    *end = NULL;
    if (arena->pool != NULL) {
        pool_give(arena->pool, behind);
        block->used = rounded(sizeof(*arena));
    } else {
        free_blocks(behind);
        if (block != NULL && block->size > BLOCK_BYTES) {
            free(block);
            block = NULL;
        }
        if (block != NULL) {
            block->used = 0;
        }
    }
    arena->newest = block;
    arena->used = 0;
}

size_t arena_used_bytes(const struct arena *arena)
{
    return arena->used;
}
