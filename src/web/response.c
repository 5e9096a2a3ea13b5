// Answers: bytes, a status and headers, handed to libmicrohttpd's own reference counting.
#include "web/request.h"

#include <microhttpd.h>
#include <stdlib.h>

static struct web_response *make(unsigned status, const char *content_type, struct bytes body,
                                 enum MHD_ResponseMemoryMode mode)
{
    struct web_response *response = calloc(1, sizeof(*response));
    if (response == NULL) {
        return NULL;
    }
    response->status = status;
    // The library takes a changeable pointer, and changes nothing in the modes used here.
    response->handle =
        MHD_create_response_from_buffer(body.size, (void *)(uintptr_t)body.data, mode);
    if (response->handle == NULL) {
        free(response);
        return NULL;
    }
    if (content_type != NULL && !web_response_header(response, "Content-Type", content_type)) {
        web_response_destroy(&response);
    }
    return response;
}

struct web_response *web_response_create(unsigned status, const char *content_type,
                                         struct buffer *body)
{
    if (body->failed) {
        return NULL;
    }
    if (body->size == 0) {
        return web_response_bytes(status, content_type, (struct bytes){ 0 });
    }
    struct web_response *response =
        make(status, content_type, buffer_view(body), MHD_RESPMEM_MUST_FREE);
    if (response != NULL) {
        *body = buffer_init(body->limit);
    }
    return response;
}

struct web_response *web_response_bytes(unsigned status, const char *content_type,
                                        struct bytes body)
{
    return make(status, content_type, body, MHD_RESPMEM_MUST_COPY);
}

struct web_response *web_response_static(unsigned status, const char *content_type,
                                         struct bytes body)
{
    return make(status, content_type, body, MHD_RESPMEM_PERSISTENT);
}

bool web_response_header(struct web_response *response, const char *name, const char *value)
{
    return MHD_add_response_header(response->handle, name, value) == MHD_YES;
}

void web_response_destroy(struct web_response **response)
{
    if (*response == NULL) {
        return;
    }
    MHD_destroy_response((*response)->handle);
    free(*response);
    *response = NULL;
}

void web_reply(struct web_request **request, struct web_response **response)
{
    struct web_request *answered = *request;
    struct web_mailbox *mailbox = answered->mailbox;
    *request = NULL;
    answered->answer = *response;
    *response = NULL;
    // The queue has a place for every request that is held; it refuses only when the server stops.
    void *item = answered;
    atomic_fetch_add(&mailbox->holders, 1); // the server may end before the push returns
    if (queue_push(mailbox->answers, &item, 1) == 0) {
        web_request_release(answered);
    }
    web_mailbox_release(mailbox);
}
