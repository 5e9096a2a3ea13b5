// The HTTP door, client side: several requests at once, driven by their owner's thread. Nothing is
// taken on trust from the other side: no redirects, no proxy, no cookies, no compression, answers
// and times bounded. One owner thread a client.
#pragma once

#include "base/buffer.h"

#include <stdbool.h>

struct web_client;

// A request. Everything is copied.
struct web_call {
    const char *url;          // http: or https:
    struct bytes body;        // with a content type: POST; empty without one: GET
    const char *content_type; // NULL: GET
    size_t answer_max_bytes;  // a longer answer is a failure
    int64_t timeout_ms;       // for all of it, from the name's look-up to the answer's last byte
    void *tag;                // handed back
};

// What came of it. Borrowed for the call.
struct web_answer {
    void *tag;
    unsigned status;          // HTTP's; 0: there was no whole answer
    const char *content_type; // "": none was sent
    struct bytes body;
    const char *address; // that it was connected to, in digits; "": none
    const char *problem; // why there is no answer; "" with one
};

// May start further calls.
typedef void (*web_client_done)(void *context, const struct web_answer *answer);

NODISCARD enum status web_client_create(struct web_client **client, struct error *err);
void web_client_destroy(struct web_client **client); // calls under way are dropped without a word

// Begins a call. ST_USAGE: the URL is not http: or https:. ST_BUSY: 64 are under way.
NODISCARD enum status web_client_start(struct web_client *client, const struct web_call *call,
                                       struct error *err);

// Waits at most so long for something to happen, then does what there is to do; `done` is called
// for each call that has ended.
void web_client_step(struct web_client *client, int64_t wait_ms, web_client_done done,
                     void *context);
