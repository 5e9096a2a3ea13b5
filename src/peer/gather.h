// How long a peer's messages wait for company under one signature.
//
// To verify a signature costs the broker more than anything else in an exchange, and one signature
// holds for all that is signed together. So a peer with many exchanges under way signs when half as
// many messages are ready as exchanges are still under way, and at the latest after half of the
// time that an exchange has taken lately. At a steady pace the first comes before the second; who
// has little under way never waits.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PEER_GATHER_FROM = 8, // exchanges under way besides those whose messages are ready
    PEER_GATHER_MS = 50,  // the longest wait, unless the owner says otherwise
};

// One side of a node's exchanges: those that it asks for, or those that it answers. Kept by the
// peer's owner, in the thread that calls the peer.
struct peer_flow {
    size_t under_way; // requests without an answer, also those not sent yet; asks not answered yet
    int64_t took_us;  // an exchange lately, of the node's own time: smoothed
};

// One more took so long.
void peer_flow_took(struct peer_flow *flow, int64_t took_us);

// How long at the most, in milliseconds, the first of `ready` messages waits while `besides` others
// of its flow are under way. 0: not at all.
int64_t peer_gather_ms(const struct peer_flow *flow, size_t besides, size_t ready,
                       int64_t gather_ms);
