// Answers that were opened (or were not what they should be), until the broker is told. The broker
// keeps an answer until then, so it is told soon; but each message costs it as much as a request's
// transport, so it is told of many at once. Figures, not decisions: none is told twice, and what
// has not been told is lost with the connection. Only peer.c uses it.
#pragma once

#include "peer/outbox.h"
#include "wire/message.h"

enum {
    PEER_ACKS_MAX = 128, // in one message, whatever their problems are named
    PEER_ACK_MS = 500,   // the longest wait of the first
};

struct peer_acks {
    struct wire_ack_item items[PEER_ACKS_MAX];
    size_t count;
    int64_t since_ms; // when the first came; monotonic
};

// `problem` is static; NULL: it was opened. There is room: see peer_acks_put().
void peer_acks_add(struct peer_acks *acks, const struct id *id, const char *problem,
                   int64_t now_ms);

// Until when the first may wait; INT64_MAX: there is none.
int64_t peer_acks_until_ms(const struct peer_acks *acks);

// Queues one ACK for all of them. ST_BUSY: the outbox has no room; they are kept.
NODISCARD enum status peer_acks_put(struct peer_acks *acks, struct peer_outbox *outbox,
                                    struct error *err);
