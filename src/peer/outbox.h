// What a peer has to say, until it is signed and handed to the socket. Only peer.c uses it.
#pragma once

#include "bus/socket.h"
#include "seal/sign.h"
#include "wire/wire.h"

enum { PEER_QUEUE_MAX = 1024, PEER_QUEUE_MAX_BYTES = 16 * 1024 * 1024 };

struct peer_outbox;

// What has no signature yet. Messages that need none and may as well leave later are not counted.
struct peer_unsigned {
    size_t requests;
    size_t answers;
    size_t others;    // which never wait
    int64_t since_ms; // when the first of them came; monotonic
};

// NULL: no memory.
NODISCARD struct peer_outbox *peer_outbox_create(void);
void peer_outbox_destroy(struct peer_outbox **outbox);

// Drops what waits.
void peer_outbox_clear(struct peer_outbox *outbox);

// Queues a copy. ST_BUSY: full. ST_UNSUPPORTED: no type that a peer sends. ST_USAGE: too large.
NODISCARD enum status peer_outbox_put(struct peer_outbox *outbox, enum wire_type type,
                                      const struct id *ref, struct bytes payload,
                                      struct bytes boxes, struct error *err);

struct peer_unsigned peer_outbox_unsigned(const struct peer_outbox *outbox);

// Signs in batches what is not signed yet, unless that gathers, and hands over what is until the
// socket takes no more (ST_OK; the rest stays) or all is gone.
NODISCARD enum status peer_outbox_flush(struct peer_outbox *outbox,
                                        const struct seal_signer *signer,
                                        const struct digest *audience, struct bus_socket *socket,
                                        bool gathers, struct error *err);

bool peer_outbox_is_empty(const struct peer_outbox *outbox);

// Something is signed, and the socket has not taken it.
bool peer_outbox_is_blocked(const struct peer_outbox *outbox);
