// The two kinds of socket that Vedomo uses, with every option set. A socket is opened, used and
// closed by one thread.
#pragma once

#include "bus/context.h"
#include "bus/frame.h"

struct bus_socket;

enum bus_kind {
    BUS_ROUTER, // the broker's public endpoint: a CURVE server
    BUS_DEALER  // a peer's connection: a CURVE client
};

// Everything is borrowed for the call. No field has a default: 0 means 0.
struct bus_socket_options {
    enum bus_kind kind;
    struct digest public_key;  // own CURVE key
    const uint8_t *secret_key; // its 32 secret bytes
    struct digest server_key;  // DEALER: the server's CURVE key
    int send_hwm;              // messages waiting for each connection
    int receive_hwm;
    size_t head_max_bytes;  // of frame 1
    size_t boxes_max_bytes; // of frame 2; a connection that sends a larger frame is cut
    int linger_ms;          // how long a close may wait for unsent messages
    int handshake_ms;       // a connection that has not shaken hands by then is cut
    int heartbeat_ms;       // ping of the I/O threads; a silent connection is cut after three
    int backlog;            // ROUTER: connections waiting to be accepted
};

NODISCARD enum status bus_socket_open(struct bus_context *context,
                                      const struct bus_socket_options *options,
                                      struct bus_socket **socket, struct error *err);
void bus_socket_close(struct bus_socket **socket);

// ROUTER. ST_DENIED while the context has no live ZAP handler: CURVE alone admits every key.
// "tcp://127.0.0.1:0" takes a free port; bus_socket_endpoint() tells which.
NODISCARD enum status bus_socket_bind(struct bus_socket *socket, const char *endpoint,
                                      struct error *err);
const char *bus_socket_endpoint(struct bus_socket *socket); // borrowed until the close

// DEALER. Returns at once; the connection is made in the background and only once: reconnecting
// with a back-off is the caller's work (close, wait, open). See bus/monitor.h.
NODISCARD enum status bus_socket_connect(struct bus_socket *socket, const char *endpoint,
                                         struct error *err);

// Takes what waits, at most `max` messages, without waiting: *count may be 0. `messages` are
// initialised; what they held is let go. Messages with a fault are among them: their route and key
// (unless that is the fault) are good, their frames empty.
NODISCARD enum status bus_socket_receive(struct bus_socket *socket, struct bus_message *messages,
                                         size_t max, size_t *count, struct error *err);

// Messages dropped so far because their sender had named its connection itself: none of ours does.
uint64_t bus_socket_strangers(const struct bus_socket *socket);

// Sends head and boxes without waiting; `route` is NULL on a DEALER. Takes both frames over (they
// are left empty) when it returns ST_OK. Else they stay as they were: ST_BUSY: the connection's
// high-water mark; ST_CLOSED: no such connection any more.
NODISCARD enum status bus_socket_send(struct bus_socket *socket, const struct bus_route *route,
                                      struct bus_frame *head, struct bus_frame *boxes,
                                      struct error *err);

// Draws a CURVE key pair. ST_UNSUPPORTED: this libzmq has no CURVE.
NODISCARD enum status bus_key_pair(struct digest *public_key, uint8_t secret_key[DIGEST_BYTES],
                                   struct error *err);
