// Pooled randomness. Each thread keeps a pool of its own. A child process sees the generation that
// its fork handler has moved on and throws away what it inherited. Bytes handed out are wiped from
// the pool, so that reading the memory later does not give earlier salts.
#include "seal/random.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { POOL_BYTES = 4096 };

struct pool {
    uint8_t bytes[POOL_BYTES];
    size_t left;         // unused bytes, at the end
    unsigned generation; // of the process that filled it
};

static _Thread_local struct pool pool;

// Counts forks on the way to this process: a fact about the process, so it is global.
static atomic_uint process_generation;

static void note_fork(void)
{
    atomic_fetch_add(&process_generation, 1);
}

__attribute__((constructor)) static void watch_forks(void)
{
    if (pthread_atfork(NULL, NULL, note_fork) != 0) {
        abort();
    }
}

// The system gives a seed, ChaCha20 the rest: asked for all of it, it would be called for every 256
// bytes.
static void refill(unsigned generation)
{
    uint8_t seed[randombytes_SEEDBYTES];
    randombytes_buf(seed, sizeof(seed));
    randombytes_buf_deterministic(pool.bytes, POOL_BYTES, seed);
    sodium_memzero(seed, sizeof(seed));
    pool.left = POOL_BYTES;
    pool.generation = generation;
}

void seal_random(void *out, size_t size)
{
    if (size > POOL_BYTES / 4) {
        randombytes_buf(out, size);
        return;
    }
    unsigned generation = atomic_load_explicit(&process_generation, memory_order_relaxed);
    if (pool.left < size || pool.generation != generation) {
        refill(generation);
    }
    uint8_t *next = pool.bytes + POOL_BYTES - pool.left;
    memcpy(out, next, size);
    sodium_memzero(next, size);
    pool.left -= size;
}

struct digest seal_random_digest(void)
{
    struct digest digest;
    seal_random(digest.bytes, DIGEST_BYTES);
    return digest;
}

struct id seal_random_id(void)
{
    struct id id;
    seal_random(id.bytes, ID_BYTES);
    return id;
}
