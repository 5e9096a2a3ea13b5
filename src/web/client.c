// Calls over libcurl's multi interface. Invariants: a call is in the list from its start until its
// `done` has returned; a call that broke a bound ends as one without an answer, whatever had come.
#include "web/client.h"

#include <curl/curl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CALLS_MAX = 64, CONNECT_MS = 5000, CONNECTIONS_KEPT = 64 };

struct call {
    CURL *easy;
    struct curl_slist *headers;
    struct buffer body;
    struct buffer answer;
    bool too_long;
    char problem[CURL_ERROR_SIZE];
    void *tag;
    struct call *next;
};

struct web_client {
    CURLM *multi;
    struct call *calls;
    size_t count;
};

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static bool library_ready;

static void start_library(void)
{
    library_ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

enum status web_client_create(struct web_client **client, struct error *err)
{
    pthread_once(&library_once, start_library);
    struct web_client *made = library_ready ? calloc(1, sizeof(*made)) : NULL;
    if (made == NULL || (made->multi = curl_multi_init()) == NULL) {
        free(made);
        return error_set(err, ST_NOMEM, "HTTP client: no memory");
    }
    curl_multi_setopt(made->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT);
    *client = made;
    return ST_OK;
}

static void call_free(struct web_client *client, struct call *call)
{
    struct call **link = &client->calls;
    while (*link != NULL && *link != call) {
        link = &(*link)->next;
    }
    if (*link != NULL) {
        *link = call->next;
        client->count--;
        curl_multi_remove_handle(client->multi, call->easy);
    }
    curl_easy_cleanup(call->easy);
    curl_slist_free_all(call->headers);
    buffer_fini(&call->body);
    buffer_fini(&call->answer);
    free(call);
}

void web_client_destroy(struct web_client **client)
{
    if (*client != NULL) {
        while ((*client)->calls != NULL) {
            call_free(*client, (*client)->calls);
        }
        curl_multi_cleanup((*client)->multi);
        free(*client);
        *client = NULL;
    }
}

static size_t on_bytes(char *data, size_t size, size_t count, void *context)
{
    struct call *call = context;
    buffer_bytes(&call->answer, bytes_of(data, size * count));
    call->too_long = call->answer.failed;
    return call->too_long ? 0 : size * count; // 0 ends the transfer
}

static bool set_bounds(struct call *call, const struct web_call *asked)
{
    CURL *easy = call->easy;
    int64_t connect_ms = asked->timeout_ms < CONNECT_MS ? asked->timeout_ms : CONNECT_MS;
    return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)asked->timeout_ms) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->problem) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_bytes) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEDATA, call) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PRIVATE, call) == CURLE_OK;
}

static bool set_request(struct call *call, const struct web_call *asked)
{
    CURL *easy = call->easy;
    char type[128];
    if (curl_easy_setopt(easy, CURLOPT_URL, asked->url) != CURLE_OK) {
        return false;
    }
    if (asked->content_type == NULL) {
        return true;
    }
    if (snprintf(type, sizeof(type), "Content-Type: %s", asked->content_type) >=
        (int)sizeof(type)) {
        return false;
    }
    // Without this one libcurl holds larger bodies back until a server agrees.
    call->headers = curl_slist_append(NULL, "Expect:");
    struct curl_slist *more = curl_slist_append(call->headers, type);
    buffer_bytes(&call->body, asked->body);
    return call->headers != NULL && more != NULL && !call->body.failed &&
           curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)call->body.size) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
                            call->body.size == 0 ? "" : (const char *)call->body.data) == CURLE_OK;
}

enum status web_client_start(struct web_client *client, const struct web_call *asked,
                             struct error *err)
{
    if (strncmp(asked->url, "http://", 7) != 0 && strncmp(asked->url, "https://", 8) != 0) {
        return error_set(err, ST_USAGE, "'%s' is not a URL with http: or https:", asked->url);
    }
    if (client->count == CALLS_MAX) {
        return error_set(err, ST_BUSY, "more than %d HTTP requests at once", CALLS_MAX);
    }
    struct call *call = calloc(1, sizeof(*call));
    if (call == NULL) {
        return error_set(err, ST_NOMEM, "HTTP request: no memory");
    }
    call->tag = asked->tag;
    call->body = buffer_init(asked->body.size);
    call->answer = buffer_init(asked->answer_max_bytes);
    call->easy = curl_easy_init();
    bool set = call->easy != NULL && set_bounds(call, asked) && set_request(call, asked);
    if (!set || curl_multi_add_handle(client->multi, call->easy) != CURLM_OK) {
        call_free(client, call);
        return error_set(err, ST_NOMEM, "HTTP request: no memory");
    }
    call->next = client->calls;
    client->calls = call;
    client->count++;
    return ST_OK;
}

static void finish(struct web_client *client, CURL *easy, CURLcode result, web_client_done done,
                   void *context)
{
    struct call *call = NULL;
    const char *type = NULL;
    const char *address = NULL;
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &call);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
    curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &address);
    const char *problem = call->problem[0] != '\0' ? call->problem : curl_easy_strerror(result);
    bool whole = result == CURLE_OK && !call->too_long;
    struct web_answer answer = {
        .tag = call->tag,
        .status = whole ? (unsigned)status : 0,
        .content_type = whole && type != NULL ? type : "",
        .body = whole ? buffer_view(&call->answer) : (struct bytes){ 0 },
        .address = address != NULL ? address : "",
        .problem = whole            ? ""
                   : call->too_long ? "the answer is longer than any answer is"
                                    : problem,
    };
    done(context, &answer);
    call_free(client, call);
}

void web_client_step(struct web_client *client, int64_t wait_ms, web_client_done done,
                     void *context)
{
    int running = 0;
    int left = 0;
    int wait = wait_ms < 0 ? 0 : wait_ms > INT_MAX ? INT_MAX : (int)wait_ms;
    curl_multi_perform(client->multi, &running);
    if (running > 0 || client->count == 0) {
        curl_multi_poll(client->multi, NULL, 0, wait, NULL);
        curl_multi_perform(client->multi, &running);
    }
    const CURLMsg *message = NULL;
    while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE) {
            finish(client, message->easy_handle, message->data.result, done, context);
        }
    }
}
