// The router's own things. Router thread only.
#pragma once

#include "broker/connection.h"
#include "broker/fair.h"
#include "broker/frames.h"
#include "broker/outbox.h"
#include "broker/pending.h"
#include "bus/poller.h"

enum { ROUTER_BATCH = 256 };

struct router {
    struct broker *broker;
    struct bus_socket *socket;
    uint64_t strangers; // of the socket, counted so far
    struct bus_poller *poller;
    struct bus_message *messages;          // ROUTER_BATCH
    struct job *passing[3 * ROUTER_BATCH]; // to the workers, at the end of the round
    size_t passing_count;
    struct map *connections;
    struct pending *pending;
    struct fair *fair;  // requests
    struct fair *calls; // everything else that waits its turn
    struct outbox *outbox;
    bool more_waits;   // more may go to the threads than went in one round
    bool outbox_waits; // something in it waits for a full connection
    struct frame_maker maker;
    size_t in_threads; // new requests that are with the other threads
    size_t in_threads_max;
    size_t calls_in_threads; // greetings, questions, sessions, announcements, chunks
    size_t urgent_in_threads;
    size_t urgent_max; // of them, beyond in_threads, that peers may cause at will

    struct job *delivery;         // collects what became of releases; NULL: none yet
    int64_t delivery_ms;          // monotonic: when it goes to the recorder
    struct exchange **unrecorded; // ended, but the log had no room: tried again
    size_t unrecorded_count;
    int64_t retry_ms;
    int64_t second_ms;   // monotonic: next round of budgets and heartbeats
    struct arena *arena; // for PING, PONG, ACK
};

// A message of the exchange waited for a connection that has gone.
void router_lost(void *router, struct exchange *exchange);

// Sends a PING; false: the connection has gone, and is no longer greeted.
bool router_ping(struct router *router, struct connection *connection, int64_t now_ms);

// Does what a job that has come back asks for, and destroys it.
void router_finish(struct router *router, struct job *job);

// Ends an exchange for which no answer was released: puts the ending on record. `kind` is
// WIRE_KIND_REFUSED, _EXPIRED or _CANCELLED; `reason` is static.
void router_end(struct router *router, struct exchange *exchange, enum wire_kind kind,
                const char *reason);

// What the asker's node says of its releases goes on the list for the log; what it has opened is
// forgotten. The job's message is `ack`.
void router_acknowledged(struct router *router, const struct job *job, const struct wire_ack *ack);

// Puts on record how many messages of the peer were turned away since the last time.
void router_note_rejected(struct router *router, struct connection *connection, int64_t now_ms);

// Hands the list to the recorder when it is full or old.
void router_flush_deliveries(struct router *router, int64_t now_ms, bool all);

// Forgets an exchange that has ended; a release that nobody acknowledged is noted as handed over.
void router_forget(struct router *router, struct exchange *exchange);
