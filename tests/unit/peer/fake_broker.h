// A broker in a few lines for tests of the peer: it runs in the test's own thread, answers by the
// script in its fields, and can lie.
#pragma once

#include "test.h"

#include <stdatomic.h>

#include "bus/poller.h"
#include "bus/zap.h"
#include "peer/peer.h"
#include "proof/note.h"
#include "proof/tree.h"
#include "seal/batch.h"
#include "seal/keyfile.h"

enum { FAKE_LEAVES = 64, FAKE_SEEN_MAX = 2048, FAKE_PATIENCE_MS = 20 * 1000 };

// What came in, in order.
struct fake_seen {
    enum wire_type type;
    struct id ref;
    bool signed_well;
    uint32_t batch_size;
    uint32_t batch_index;
    uint64_t number;  // of PING and PONG; of an ACK's items
    uint64_t opened;  // of an ACK's items
    char problem[32]; // of the last of them
};

struct fake_broker {
    struct bus_context *context;
    struct bus_zap *zap;
    struct bus_socket *router;
    struct bus_poller *poller;
    struct seal_identity broker;
    struct seal_identity log;
    struct seal_identity peer;
    struct seal_identity stranger; // keys that nobody knows
    struct proof_key log_key;
    char vkey[256];
    char endpoint[128];
    struct digest leaves[FAKE_LEAVES];
    struct arena *arena;
    struct error err;

    // The script.
    atomic_bool admit;                 // the peer's CURVE key; the ZAP thread looks at it
    bool mute;                         // answer nothing
    bool refuse;                       // HELLO is refused
    bool busy;                         // HELLO is answered by BUSY
    const struct seal_identity *signs; // whose batch key signs
    const struct seal_identity *notes; // whose key signs checkpoints
    const char *label;                 // type in the signature; NULL: the right one
    int64_t skew_ms;                   // of WELCOME.now
    uint32_t speak;
    uint64_t size; // of the tree that is shown; 0 with `hide`: no checkpoint at all
    bool hide;
    bool spoil_proof;
    uint32_t heartbeat_ms;
    struct bytes body; // of RESULT
    bool spoil_body;
    bool unsigned_result;
    uint32_t result_status;

    // What happened.
    struct bus_route route; // of the last HELLO
    uint64_t hellos;
    uint64_t hello_size; // of the checkpoint in the last HELLO
    struct fake_seen seen[FAKE_SEEN_MAX];
    size_t seen_count;
};

void fake_start(struct fake_broker *fake);
void fake_stop(struct fake_broker *fake);

// Closes and reopens the endpoint under the same name.
void fake_close_endpoint(struct fake_broker *fake);
void fake_open_endpoint(struct fake_broker *fake);

// Answers what waits.
void fake_serve(struct fake_broker *fake);

// Sends to the last peer that greeted.
void fake_send(struct fake_broker *fake, enum wire_type type, const struct id *ref,
               const void *message, struct bytes boxes, bool sign);

// Sends PROOF for the tree of `size` from `from`.
void fake_send_proof(struct fake_broker *fake, uint64_t from, uint64_t size);

// A configuration for a peer of this broker.
struct peer_config fake_config(struct fake_broker *fake);

// Steps both until the condition holds; false when patience ends.
typedef bool (*fake_condition)(struct fake_broker *fake, struct peer *peer);
bool fake_until(struct fake_broker *fake, struct peer *peer, peer_handler handler, void *argument,
                fake_condition condition);

// How many of this type came in.
size_t fake_count(const struct fake_broker *fake, enum wire_type type);

// The signed checkpoint of the tree of `size`, into `out`.
void fake_note(struct fake_broker *fake, uint64_t size, struct buffer *out);
