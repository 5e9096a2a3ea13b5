// Inside of the HTTP door: what a request and a response are made of. For server.c, request.c and
// response.c alone.
#pragma once

#include "web/server.h"

#include "base/arena.h"
#include "base/queue.h"

#include <stdatomic.h>

struct MHD_Connection;
struct MHD_Response;

enum { WEB_VALUES_MAX = 128, WEB_REQUEST_ARENA_BYTES = 131072 };

struct web_response {
    struct MHD_Response *handle;
    unsigned status;
};

enum web_value_kind { WEB_HEADER, WEB_QUERY, WEB_COOKIE, WEB_FORM };

struct web_value {
    enum web_value_kind kind;
    const char *name;
    const char *text;
};

// Where answers wait for the server's thread. Outlives the server as long as requests are held.
struct web_mailbox {
    struct queue *answers;
    atomic_uint holders;
};

struct web_request {
    atomic_uint holders; // the connection, and the handler
    struct web_mailbox *mailbox;
    struct web_response *answer; // on its way through the mailbox; then the server's

    // Written before the handler is called, not changed afterwards.
    struct arena *arena;
    struct buffer body;
    const char *method;
    const char *path;
    char peer[48];
    struct web_value values[WEB_VALUES_MAX];
    size_t value_count;
    void *data;

    // The server's thread alone.
    struct MHD_Connection *connection; // NULL once it has gone
    struct web_response *final;        // what the connection gets
    bool too_large;
    bool dispatched; // the handler was called, or refused already
    bool waiting;    // in the list of suspended requests
    int64_t deadline_ms;
    struct web_request *older;
    struct web_request *newer;
};

// Lets one holder go; the last one frees. Any thread.
void web_request_release(struct web_request *request);

void web_mailbox_release(struct web_mailbox *mailbox);

// Copies a value in. False: too many values, or no room.
bool web_request_add(struct web_request *request, enum web_value_kind kind, const char *name,
                     struct bytes text);

// Adds the fields of a form body, when it is one.
void web_request_add_form(struct web_request *request);
