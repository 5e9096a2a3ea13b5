// How long a peer's messages wait for company under one signature.
//
// To verify a signature costs the broker more than anything else in an exchange, and one signature
// holds for all that is signed together. So a peer with many exchanges under way signs when as many
// messages are ready as exchanges are still under way, and at the latest after half of the time
// that an exchange has taken lately. At a steady pace the first comes before the second; who has
// little under way never waits.
//
// A holder that has its answers at once has nothing under way of its own. But the broker says with
// each ASK how many exchanges are: about half of them are still on their way to the holder. It
// waits for as many as those, PEER_TOLD_MS at the most.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PEER_GATHER_FROM = 8, // exchanges under way besides those whose messages are ready
    PEER_GATHER_MS = 50,  // the longest wait, unless the owner says otherwise
    PEER_TOLD_MS = 10,    // the longest wait for what only the broker knows of
};

// One side of a node's exchanges: those that it asks for, or those that it answers. Kept by the
// peer's owner, in the thread that calls the peer.
struct peer_flow {
    size_t under_way; // requests without an answer, also those not sent yet; asks not answered yet
    int64_t took_us;  // an exchange lately, of the node's own time: smoothed
    size_t told;      // of asks: Ask.under_way of the newest
};

// One more took so long.
void peer_flow_took(struct peer_flow *flow, int64_t took_us);

// How long at the most, in milliseconds, the first of `ready` requests (answers) waits. 0: not at
// all. `flow` may be NULL: it never does.
int64_t peer_gather_requests_ms(const struct peer_flow *flow, size_t ready, int64_t gather_ms);
int64_t peer_gather_answers_ms(const struct peer_flow *flow, size_t ready, int64_t gather_ms);
