// The pages of the public log: which addresses there are, and how answers are dressed. A tile never
// changes, so it may be kept for ever; the checkpoint changes with each publication; that something
// is not there yet may not be kept at all.
#include "portal/inside.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = 8000 };

static const char prefix[] = "/log/";

static void reply(struct web_request *request, struct web_response *response,
                  const char *cache_control)
{
    if (response != NULL && (!web_response_header(response, "Cache-Control", cache_control) ||
                             !web_response_header(response, "X-Content-Type-Options", "nosniff"))) {
        web_response_destroy(&response);
    }
    web_reply(&request, &response);
}

static void refuse(struct web_request *request, unsigned status)
{
    static const struct {
        unsigned status;
        const char *sentence;
        const char *header; // one more, NULL: none
        const char *value;
    } refusals[] = {
        { 404, "The published log has nothing at this address.\n", NULL, NULL },
        { 405, "Pages of the log are read with GET.\n", "Allow", "GET, HEAD" },
        { 503, "This cannot be shown now. Try again.\n", "Retry-After", "2" },
    };
    size_t at = 0;
    while (at + 1 < ARRAY_COUNT(refusals) && refusals[at].status != status) {
        at++;
    }
    struct web_response *response = web_response_static(
        refusals[at].status, "text/plain; charset=utf-8", bytes_text(refusals[at].sentence));
    if (response != NULL && refusals[at].header != NULL &&
        !web_response_header(response, refusals[at].header, refusals[at].value)) {
        web_response_destroy(&response);
    }
    reply(request, response, "no-store");
}

void portal_pages_show(struct portal_visit **visit, struct bytes content)
{
    bool checkpoint = (*visit)->checkpoint;
    struct web_response *response = web_response_bytes(
        200, checkpoint ? "text/plain; charset=utf-8" : "application/octet-stream", content);
    reply((*visit)->request, response,
          checkpoint ? "public, max-age=2" : "public, max-age=31536000, immutable");
    free(*visit);
    *visit = NULL;
}

void portal_pages_refuse(struct portal_visit **visit, unsigned status)
{
    refuse((*visit)->request, status);
    free(*visit);
    *visit = NULL;
}

void portal_pages_handle(struct web_request *request, void *context)
{
    struct portal *portal = context;
    const char *method = web_request_method(request);
    const char *path = web_request_path(request);
    struct portal_visit asked = { .request = request,
                                  .deadline_ms = clock_monotonic_ms() + PATIENCE_MS };
    bool known = strncmp(path, prefix, sizeof(prefix) - 1) == 0;
    if (known) {
        const char *name = path + sizeof(prefix) - 1;
        asked.checkpoint = strcmp(name, "checkpoint") == 0;
        known = asked.checkpoint || proof_tile_parse(name, &asked.tile);
    }
    if (!known) {
        refuse(request, 404);
        return;
    }
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        refuse(request, 405);
        return;
    }
    struct portal_visit *visit = malloc(sizeof(*visit));
    if (visit == NULL) {
        refuse(request, 503);
        return;
    }
    *visit = asked;
    void *item = visit;
    if (queue_push(portal->visits, &item, 1) == 0) {
        portal_pages_refuse(&visit, 503);
    }
}
