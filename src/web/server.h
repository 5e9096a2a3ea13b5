// The HTTP door, server side: one thread that owns libmicrohttpd. A handler is called once a
// request is whole; it answers there and then, or keeps the request and answers later from any
// thread. A request that nobody answers in time gets 504 from here, so nothing hangs.
//
// Texts of a request are borrowed from it and live until it is answered with web_reply(). Reading
// them is safe in any thread that holds the request.
#pragma once

#include "base/buffer.h"

#include <stdbool.h>

struct web_server;
struct web_request;
struct web_response;

// Called in the server's thread; must not block. Takes the request over: answers it with
// web_reply() now or later, exactly once.
typedef void (*web_handler)(struct web_request *request, void *context);

struct web_server_config {
    // "127.0.0.1:8490" or "[::1]:8490", in digits; port 0: any free one, see web_server_port().
    // "unix:/run/node.sock" where `unix_mode` says so: any old socket there is replaced.
    const char *listen;
    unsigned unix_mode; // permissions of the socket, such as 0660; 0: none in the file system

    size_t body_max_bytes;      // a larger body gets 413
    unsigned connections_max;   // more are not accepted
    unsigned per_address_max;   // of these from one address; 0: no such limit
    unsigned idle_timeout_ms;   // a connection that sends nothing is closed
    unsigned answer_timeout_ms; // a request without an answer gets 504
    web_handler handler;
    void *context; // handed to the handler
};

NODISCARD enum status web_server_start(const struct web_server_config *config,
                                       struct web_server **server, struct error *err);

// Answers what waits with 503, closes, joins. Requests that handlers still hold may be answered
// (and thereby freed) afterwards.
void web_server_stop(struct web_server **server);

// The TCP port that it listens on; 0 for a socket in the file system.
uint16_t web_server_port(const struct web_server *server);

// --- what was asked ---

const char *web_request_method(const struct web_request *request); // "GET", …
const char *web_request_path(const struct web_request *request);   // decoded, begins with '/'
struct bytes web_request_body(const struct web_request *request);

// NULL where absent. Header names match without regard to case; of several the first counts.
const char *web_request_header(const struct web_request *request, const char *name);
const char *web_request_query(const struct web_request *request, const char *name);
const char *web_request_cookie(const struct web_request *request, const char *name);

// A field of a body of type application/x-www-form-urlencoded. `at` counts fields of the same name
// from 0. NULL: no such field, another type, or bytes that do not decode to UTF-8 without NUL.
const char *web_request_form(const struct web_request *request, const char *name, size_t at);

// The peer's address in digits; "unix" for a socket in the file system.
const char *web_request_peer(const struct web_request *request);

// A place for the handler's own use; NULL at first. Not freed here.
void web_request_set_data(struct web_request *request, void *data);
void *web_request_data(const struct web_request *request);

// The first of `offered` that Accept-Language prefers; offered[0] when it names none of them.
const char *web_request_language(const struct web_request *request, const char *const *offered,
                                 size_t count);

// --- the answer ---

// An answer. Takes the buffer's content over and leaves it empty. NULL: no memory, or the buffer
// had failed.
NODISCARD struct web_response *web_response_create(unsigned status, const char *content_type,
                                                   struct buffer *body);

// The same from bytes, copied; `content_type` NULL: none is sent.
NODISCARD struct web_response *web_response_bytes(unsigned status, const char *content_type,
                                                  struct bytes body);

// The same from bytes that live as long as the program: embedded files. Not copied.
NODISCARD struct web_response *web_response_static(unsigned status, const char *content_type,
                                                   struct bytes body);

// False: no memory, or a value with line breaks.
NODISCARD bool web_response_header(struct web_response *response, const char *name,
                                   const char *value);

void web_response_destroy(struct web_response **response);

// Answers, in any thread. Consumes both; *response may be NULL (no memory for one), which sends
// 503. A client that has left, or was told 504 already, is no error: the answer is dropped.
void web_reply(struct web_request **request, struct web_response **response);
