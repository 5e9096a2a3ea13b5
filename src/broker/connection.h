// A key's place at the endpoint: where its newest connection is, and what it may still ask for.
// Made by the router when a key first speaks and kept until the broker ends, one for each enrolled
// key at the most; only the budget is touched by other threads.
#pragma once

#include "base/map.h"
#include "bus/frame.h"
#include "registry/card.h"

#include <stdatomic.h>
#include <stdbool.h>

struct job;

struct connection {
    struct digest batch_key; // the key in the table
    char member[REGISTRY_MEMBER_BYTES];
    char node[REGISTRY_NODE_BYTES];
    struct bus_route route; // valid while `greeted`
    bool greeted;           // WELCOME was sent on `route`
    int64_t heard_ms;       // monotonic: the last message
    int64_t pinged_ms;      // monotonic: our last PING
    uint64_t ping_number;
    unsigned waiting;    // messages in the outbox
    unsigned told;       // of these, such as belong to no exchange
    unsigned replies;    // of them, replies
    bool full;           // while the outbox is gone through: the socket takes no more of it
    unsigned rejected;   // messages turned away since the last entry about it
    int64_t rejected_ms; // monotonic: when that entry may be made again
    unsigned requests;   // of this key in the threads or under way: its credit
    unsigned urgent;     // messages of this key in the reserved places
    atomic_int budget;   // public-key verifications left this second; workers take from it

    // While connections_group() is at work.
    struct connection *next;
    struct job *first;
    struct job *last;
};

// The connection of a key; NULL: no memory (or, with `make` false, none yet).
struct connection *connection_find(struct map *connections, const struct digest *batch_key,
                                   bool make);

// Takes one verification from the budget; false: spent. Any thread.
bool connection_spend(struct connection *connection);

// Takes one of the `places` that are reserved for what is urgent, of which `taken` are taken;
// false: none is left for this key. No key takes more than a quarter of them, and nodes leave one
// half to those that bring citizens' withdrawals and operators' orders.
bool connection_take_urgent(struct connection *connection, enum registry_role role, size_t places,
                            size_t *taken);
void connection_leave_urgent(struct connection *connection, size_t *taken);

// Puts jobs of the same connection beside one another; jobs[i] belongs to of[i], which may be NULL.
// Connections keep the order in which they first appear, the jobs of each keep theirs. What a peer
// sent in one batch then meets one thread that verifies its signature once, and what it gets, it
// gets at once and answers in one batch.
void connections_group(struct job **jobs, struct connection *const *of, size_t count);

void connections_destroy(struct map **connections);
