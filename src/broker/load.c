// Three arrays of counters, by seeded hashes of the codes.
#include "broker/load.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/random.h>

enum { MEMBER_SLOTS = 4096, PAIR_SLOTS = 16384 };

struct load {
    uint64_t seed;
    unsigned asker_max;
    unsigned holder_max;
    unsigned pair_max;
    atomic_uint askers[MEMBER_SLOTS];
    atomic_uint holders[MEMBER_SLOTS];
    atomic_uint pairs[PAIR_SLOTS];
};

struct load *load_create(unsigned asker_max, unsigned holder_max, unsigned pair_max)
{
    struct load *load = calloc(1, sizeof(*load));
    if (load != NULL) {
        load->asker_max = asker_max;
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

// The three counters of a pair of members, and their caps.
struct places {
    atomic_uint *counters[3];
    unsigned caps[3];
};

static struct places find_places(struct load *load, struct bytes asker, struct bytes holder)
{
    uint64_t of_asker = hash_code(load->seed, asker);
    uint64_t of_holder = hash_code(load->seed, holder);
    uint64_t of_pair = hash_code(of_holder, asker);
    return (struct places){
        .counters = { &load->askers[of_asker % MEMBER_SLOTS],
                      &load->holders[of_holder % MEMBER_SLOTS],
                      &load->pairs[of_pair % PAIR_SLOTS] },
        .caps = { load->asker_max, load->holder_max, load->pair_max },
    };
}

bool load_enter(struct load *load, struct bytes asker, struct bytes holder)
{
    struct places places = find_places(load, asker, holder);
    for (size_t i = 0; i < 3; i++) {
        if (!enter(places.counters[i], places.caps[i])) {
            while (i > 0) {
                atomic_fetch_sub(places.counters[--i], 1);
            }
            return false;
        }
    }
    return true;
}

unsigned load_of_holder(struct load *load, struct bytes holder)
{
    return atomic_load(&load->holders[hash_code(load->seed, holder) % MEMBER_SLOTS]);
}

void load_leave(struct load *load, struct bytes asker, struct bytes holder)
{
    struct places places = find_places(load, asker, holder);
    for (size_t i = 0; i < 3; i++) {
        atomic_fetch_sub(places.counters[i], 1);
    }
}
