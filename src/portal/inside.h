// Inside of the portal: what its two threads share. The HTTP server's thread takes a request apart
// and hands it over; the log's thread owns the connection to the broker and the shelf, and answers.
#pragma once

#include "base/queue.h"
#include "base/thread.h"
#include "peer/peer.h"
#include "portal/portal.h"
#include "portal/shelf.h"
#include "registry/card.h"
#include "registry/log_key.h"
#include "seal/keyfile.h"
#include "web/server.h"

#include <limits.h>

enum { PORTAL_VISITS_MAX = 1024 };

// One request for a page of the log.
struct portal_visit {
    struct web_request *request;
    bool checkpoint;        // else the tile
    struct proof_tile tile; // or bundle
    int64_t deadline_ms;    // monotonic
};

struct portal {
    const struct config_portal *config;
    char checkpoint_path[PATH_MAX];
    int lock; // of the state folder; -1: none
    struct seal_identity identity;
    struct registry_card broker;
    struct proof_key log; // the pinned one
    struct registry_pins registrar;
    struct registry_of_log of_log; // whose orders of new log keys count
    struct bus_context *context;
    struct queue *visits; // struct portal_visit, to the log's thread
    struct web_server *server;
    struct thread *thread;
};

// The log's thread: ends when the queue of visits is closed.
void portal_log_run(struct thread *thread, void *argument);

// The HTTP handler. `context` is the portal.
void portal_pages_handle(struct web_request *request, void *context);

// Answers a visit and frees it. Any thread.
void portal_pages_show(struct portal_visit **visit, struct bytes content);
void portal_pages_refuse(struct portal_visit **visit, unsigned status);
