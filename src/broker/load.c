// Two arrays of counters, by seeded hashes of the codes.
#include "broker/load.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/random.h>

enum { HOLDER_SLOTS = 4096, PAIR_SLOTS = 16384 };

struct load {
    uint64_t seed;
    unsigned holder_max;
    unsigned pair_max;
    atomic_uint holders[HOLDER_SLOTS];
    atomic_uint pairs[PAIR_SLOTS];
};

struct load *load_create(unsigned holder_max, unsigned pair_max)
{
    struct load *load = calloc(1, sizeof(*load));
    if (load != NULL) {
        load->holder_max = holder_max;
        load->pair_max = pair_max;
        if (getrandom(&load->seed, sizeof(load->seed), GRND_NONBLOCK) != sizeof(load->seed)) {
            load->seed = (uint64_t)(uintptr_t)load;
        }
    }
    return load;
}

void load_destroy(struct load **load)
{
    free(*load);
    *load = NULL;
}

static uint64_t hash_code(uint64_t hash, struct bytes code)
{
    for (size_t i = 0; i < code.size; i++) {
        hash = (hash ^ code.data[i]) * 0x100000001B3U;
    }
    return hash ^ hash >> 29;
}

static bool enter(atomic_uint *counter, unsigned max)
{
    if (atomic_fetch_add(counter, 1) >= max) {
        atomic_fetch_sub(counter, 1);
        return false;
    }
    return true;
}

bool load_enter(struct load *load, struct bytes asker, struct bytes holder)
{
    uint64_t hash = hash_code(load->seed, holder);
    atomic_uint *of_holder = &load->holders[hash % HOLDER_SLOTS];
    if (!enter(of_holder, load->holder_max)) {
        return false;
    }
    if (!enter(&load->pairs[hash_code(hash, asker) % PAIR_SLOTS], load->pair_max)) {
        atomic_fetch_sub(of_holder, 1);
        return false;
    }
    return true;
}

void load_leave(struct load *load, struct bytes asker, struct bytes holder)
{
    uint64_t hash = hash_code(load->seed, holder);
    atomic_fetch_sub(&load->holders[hash % HOLDER_SLOTS], 1);
    atomic_fetch_sub(&load->pairs[hash_code(hash, asker) % PAIR_SLOTS], 1);
}
