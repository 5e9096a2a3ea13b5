// A peer from within. Only the files of this module that make it up include it.
#pragma once

#include "peer/acks.h"
#include "peer/outbox.h"
#include "peer/peer.h"
#include "peer/trust.h"
#include "seal/batch.h"

enum {
    PEER_PROTOCOL = 1,            // the version spoken
    PEER_RECEIVE_BATCH = 16,      // messages taken at once
    PEER_HEARTBEAT_MS = 10 * 1000 // until WELCOME says otherwise
};

struct peer {
    struct peer_config config;
    struct digest audience;
    struct peer_trust trust;
    struct peer_outbox *outbox;
    struct peer_acks acks;
    struct seal_batch_cache *roots;
    struct arena *arena; // one message
    struct bus_message messages[PEER_RECEIVE_BATCH];

    enum peer_state state;
    struct error problem;
    int64_t deadline_ms; // of the state
    struct bus_socket *socket;
    struct bus_monitor *monitor;
    bool handshaken;   // in CONNECTING: HELLO may go as soon as the socket takes it
    unsigned failures; // in a row
    int64_t ready_ms;  // when READY began
    int64_t heard_ms;  // when anything came in last
    int64_t pinged_ms;
    uint64_t ping_number;
    uint64_t happened; // events and messages so far
    uint64_t dropped;
    bool hurried; // what waits is signed with the next flush

    uint32_t credit;
    uint32_t heartbeat_ms;
    int64_t skew_ms;
    struct digest bundle_hash;
    struct error key_problem;
    bool trial;             // the broker counts witnesses on its own host
    uint64_t vouched_at_ms; // when witnesses cosigned last, as the broker says

    struct bus_poller *poller; // the peer's own
    struct bus_poller *owner;  // the owner's, with its tags
    unsigned owner_tag;
    unsigned owner_monitor_tag;
};

// Gives the connection up and waits before the next one. `problem` says why.
void peer_fail(struct peer *peer);

// Gives up for good. `problem` says why.
void peer_stop(struct peer *peer);

// Packs and queues a message of the peer's own.
NODISCARD enum status peer_put(struct peer *peer, enum wire_type type, const struct id *ref,
                               const void *message, struct error *err);

// Takes what waits in the socket (a bounded number of messages), checks it, acts on what concerns
// the peer and passes the rest to the handler.
void peer_take_messages(struct peer *peer, peer_handler handler, void *argument);
