// Sending to keys. A connection whose queue is full keeps what could not go in a line of its own,
// in order, until it drains; what an exchange has there is taken back when the exchange ends or its
// consent does. Router thread only.
#pragma once

#include "broker/connection.h"
#include "broker/exchange.h"
#include "bus/socket.h"

struct outbox;

// One message that waits. Belongs to the outbox.
struct outbox_item;

// What became of a message.
enum outbox_result {
    OUTBOX_GONE = 0, // no such connection: it was not sent
    OUTBOX_SENT,     // handed to the socket
    OUTBOX_WAITS,    // it will be tried again
};

// Called for a message that waited and whose connection has gone.
typedef void (*outbox_lost)(void *owner, struct exchange *exchange);

NODISCARD enum status outbox_create(struct bus_socket *socket, struct map *connections,
                                    outbox_lost lost, void *owner, struct outbox **outbox,
                                    struct error *err);
void outbox_destroy(struct outbox **outbox);

// Sends to the key's newest connection on behalf of the exchange, which has nothing else waiting.
// Takes both frames over unless it returns OUTBOX_GONE.
enum outbox_result outbox_send(struct outbox *outbox, const struct digest *batch_key,
                               struct exchange *exchange, struct bus_frame *head,
                               struct bus_frame *boxes);

// Sends a message of no exchange, such as PROOF, to a greeted connection, behind whatever waits
// there: peers follow the log from one proof to the next, so none is left out. `head` is shared. A
// connection that lets too many wait no longer counts as greeted.
void outbox_tell(struct outbox *outbox, struct connection *connection, struct bus_frame *head);

// The connection is greeted anew: WELCOME says more than any PROOF that still waits, so none goes.
void outbox_untell(struct outbox *outbox, struct connection *connection);

// Sends a reply of no exchange to where a message came from: behind whatever waits for that
// connection, when it is the key's newest; at once or never for another. Takes both frames over or
// leaves them; a connection that lets too many replies wait does without the rest.
void outbox_reply(struct outbox *outbox, struct connection *connection,
                  const struct bus_route *route, struct bus_frame *head, struct bus_frame *boxes);

// Takes back what the exchange has waiting. True: there was something, and it was never sent.
bool outbox_recall(struct exchange *exchange);

// Tries again what waits. True while something still does.
bool outbox_retry(struct outbox *outbox);

// Visits the exchanges that have something waiting; start with *cursor = NULL. The visited one may
// be recalled.
struct exchange *outbox_next(const struct outbox *outbox, const struct outbox_item **cursor);
