// One asker or holder of the full path: a peer with a sealing key that the others know. Owned by
// its thread.
#pragma once

#include "bench_load.h"
#include "node/keys.h"
#include "node/trust.h"
#include "seal/batch.h"
#include "sql/register.h"

enum { BENCH_KEPT = 512 };

// A request under way.
struct bench_slot {
    struct id id; // zero: free
    int64_t begun_ns;
    size_t holder;         // its number
    struct buffer payload; // of a request that is checked whole; else empty
};

// Boxes that were made ahead.
struct bench_prepared {
    uint32_t box_bytes;
    struct buffer boxes; // one a field
    struct digest hashes[BENCH_FIELDS_MAX];
    struct digest commitments[BENCH_FIELDS_MAX];
};

NODISCARD enum status bench_prepare(struct bench_prepared *prepared, const struct bench_home *home,
                                    struct error *err);

// What one thread's parties share.
struct bench_table {
    struct bench_crew *crew;
    const struct bench_load *load;
    const struct bench_home *home;
    const struct bench_prepared *prepared;
    struct node_trust trust;
    struct sql_register *reg; // holders with a register in a file; NULL
    struct sql_row row;       // what was read of it last
    struct seal_batch_cache *roots;
    struct arena *arena;   // one message
    struct buffer payload; // being packed
    struct buffer boxes;
    uint64_t asked;  // requests so far
    uint64_t chance; // state of a small generator: whom to ask, about whom
    // Messages that are kept: ASK by holders, RELEASE by askers.
    struct arena *kept; // NULL: none are
    struct bytes messages[BENCH_KEPT];
    size_t message_count;
    // Sums over what was seen on the wire.
    uint64_t asks;
    uint64_t request_bytes;
    uint64_t ask_bytes;
    uint64_t releases;
    uint64_t answer_bytes;
    uint64_t release_bytes;
    uint64_t boxes_bytes;
};

// Keeps a message while there is room.
void bench_table_keep(struct bench_table *bench, struct bytes message);

struct bench_party {
    struct bench_table *bench;
    size_t number; // among the askers, or the holders
    const struct bench_member *member;
    struct peer *peer;
    bool connected; // as last seen
    struct node_keys *keys;
    struct peer_flow flow;
    // Asker.
    struct bench_slot *slots;
    size_t slot_count;
    size_t next_slot;
    int64_t pause_ms; // the broker said: wait until then
};

// What askers and holders know of one another; filled before the first run.
struct bench_known {
    const struct bench_member *member;
    struct node_announcement announcement;
};

const struct bench_known *bench_load_asker(const struct bench_load *load, size_t number);
const struct bench_known *bench_load_holder(const struct bench_load *load, size_t number);
size_t bench_load_asker_by_hash(const struct bench_load *load, const struct digest *hash);
const struct bench_load_options *bench_load_options(const struct bench_load *load);

// Asker: sends one request; its latency counts from `begun_ns`. ST_BUSY: no place in the window, or
// the connection takes no more for now.
NODISCARD enum status bench_ask(struct bench_party *asker, int64_t begun_ns, struct error *err);
void bench_asker_handle(void *party, const struct peer_message *message);

// Gives up on what has had no answer for long.
void bench_asker_expire(struct bench_party *asker, int64_t now_ns);

void bench_holder_handle(void *party, const struct peer_message *message);

// The value of a person's field in the register: home->value_bytes of it.
void bench_value(const struct bench_home *home, struct bytes subject, size_t field,
                 char text[BENCH_VALUE_MAX]);

// True for requests that are checked whole: askers mark them in the id.
bool bench_is_checked(const struct id *id);
