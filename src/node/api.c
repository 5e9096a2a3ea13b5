// The REST interface: the HTTP server's thread takes requests apart and hands tasks to the engine;
// the engine's thread writes the answers. Whoever may connect is settled here: the socket's
// permissions, or the token.
#include "node/api.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "node/words.h"
#include "seal/hash.h"
#include "web/address.h"
#include "web/json.h"
#include "web/problem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BODY_MAX_BYTES = 65536,
    TOKEN_MIN_BYTES = 20,
    TOKEN_MAX_BYTES = 256,
    CONNECTIONS_MAX = 512,
    IDLE_MS = 60000,
    ANSWER_MS = 15000, // the engine always answers sooner
    ANSWER_MAX_BYTES = 4 * 1024 * 1024,
    CATALOGUE_MAX_BYTES = 64 * 1024 * 1024,
    SOCKET_MODE = 0660
};

struct node_api {
    struct node_engine *engine;
    struct web_server *server;
    bool needs_token;
    struct digest token; // SHA-256 of it
};

static const char *const languages[CATALOGUE_LANGUAGE_COUNT] = {
    [CATALOGUE_RU] = "ru", [CATALOGUE_EN] = "en"
};

static enum catalogue_language language_of(const struct web_request *request)
{
    return web_request_language(request, languages, CATALOGUE_LANGUAGE_COUNT) ==
                   languages[CATALOGUE_EN]
               ? CATALOGUE_EN
               : CATALOGUE_RU;
}

// --- reports as responses ---

static unsigned seconds(uint32_t ms)
{
    return ms == 0 ? 1 : (ms + 999) / 1000;
}

static void reply_failure(struct web_request *request, const struct node_report *report)
{
    static const struct {
        enum status status;
        unsigned http;
        const char *type;
        const char *title;
    } kinds[] = {
        { ST_USAGE, 400, "question", "The request cannot be sent like this." },
        { ST_MALFORMED, 400, "question", "The request cannot be sent like this." },
        { ST_DENIED, 403, "not-admitted", "The broker did not admit the request." },
        { ST_BUSY, 503, "busy", "There is no place for the request now." },
        { ST_CLOSED, 503, "unavailable", "The request cannot be passed on now." },
        { ST_TIMEOUT, 504, "no-answer", "There was no answer in time." },
        { ST_UNPROVEN, 502, "unproven", "What came back does not prove itself." },
    };
    char id[TEXT_ID_BYTES];
    static const struct id none;
    text_id_format(&report->id, id);
    struct web_problem problem = { .status = 500,
                                   .type = "failed",
                                   .title = "The request failed.",
                                   .detail = report->err->message,
                                   .request = id_equal(&report->id, &none) ? NULL : id };
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        if (kinds[i].status == report->err->status) {
            problem.status = kinds[i].http;
            problem.type = kinds[i].type;
            problem.title = kinds[i].title;
        }
    }
    if (problem.status == 503) {
        problem.retry_after_s = seconds(report->retry_after_ms);
    }
    web_problem_reply(&request, &problem);
}

static void reply_json(struct web_request *request, unsigned status, struct buffer *body,
                       const char *location)
{
    struct web_response *response = web_response_create(status, "application/json", body);
    if (response != NULL &&
        (!web_response_header(response, "Cache-Control", "no-store") ||
         (location != NULL && !web_response_header(response, "Location", location)))) {
        web_response_destroy(&response);
    }
    web_reply(&request, &response);
}

static void reply_under_way(struct web_request *request, const struct node_report *report)
{
    char id[TEXT_ID_BYTES];
    char location[64];
    text_id_format(&report->id, id);
    snprintf(location, sizeof(location), "/v1/requests/%s", id);
    struct buffer body = buffer_init(1024);
    struct web_json_writer writer = web_json_writer_init(&body);
    web_json_write_object(&writer);
    web_json_write_pair(&writer, "id", id);
    web_json_write_pair(&writer, "state", "under-way");
    web_json_write_object_end(&writer);
    buffer_u8(&body, '\n');
    reply_json(request, 202, &body, location);
    buffer_fini(&body);
}

static void reply_answer(struct web_request *request, const struct node_report *report)
{
    struct buffer body = buffer_init(ANSWER_MAX_BYTES);
    node_words_answer(report, language_of(request), &body);
    reply_json(request, 200, &body, NULL);
    buffer_fini(&body);
}

// In the engine's thread.
static void on_report(struct node_task *task, const struct node_report *report)
{
    struct web_request *request = task->context;
    switch (report->progress) {
    case NODE_UNKNOWN:
        web_problem_reply(&request, &(struct web_problem){
                                        .status = 404,
                                        .type = "unknown-request",
                                        .title = "There is no such request, or it is forgotten." });
        break;
    case NODE_UNDER_WAY:
        reply_under_way(request, report);
        break;
    case NODE_ANSWERED:
        reply_answer(request, report);
        break;
    case NODE_FAILED:
        reply_failure(request, report);
        break;
    }
    node_task_destroy(&task);
}

static void on_catalogue(struct node_task *task, const struct node_report *report)
{
    struct web_request *request = task->context;
    if (report->catalogue == NULL) {
        web_problem_reply(&request,
                          &(struct web_problem){ .status = 503,
                                                 .type = "unavailable",
                                                 .title = "There is no policy bundle yet.",
                                                 .retry_after_s = 2 });
    } else {
        struct buffer body = buffer_init(CATALOGUE_MAX_BYTES);
        node_words_catalogue(report, language_of(request), &body);
        reply_json(request, 200, &body, NULL);
        buffer_fini(&body);
    }
    node_task_destroy(&task);
}

static void write_witnessed(const struct node_report *report, struct web_json_writer *writer)
{
    web_json_write_name(writer, "witnessed_size");
    web_json_write_integer(writer, (int64_t)report->witnessed_size);
    if (report->witnessed_s > 0) {
        int64_t age_s = clock_wall_ms() / 1000 - (int64_t)report->witnessed_s;
        web_json_write_name(writer, "witnessed_age_s");
        web_json_write_integer(writer, age_s < 0 ? 0 : age_s);
    }
    if (report->witnessed_trial) {
        web_json_write_name(writer, "witnessed_trial");
        web_json_write_bool(writer, true);
    }
}

static void on_state(struct node_task *task, const struct node_report *report)
{
    struct web_request *request = task->context;
    bool ready = report->peer == PEER_READY && report->catalogue != NULL;
    struct buffer body = buffer_init(4096);
    struct web_json_writer writer = web_json_writer_init(&body);
    web_json_write_object(&writer);
    web_json_write_name(&writer, "ready");
    web_json_write_bool(&writer, ready);
    web_json_write_pair(&writer, "member", report->member);
    web_json_write_name(&writer, "connected");
    web_json_write_bool(&writer, report->peer == PEER_READY);
    web_json_write_name(&writer, "policy");
    web_json_write_bool(&writer, report->catalogue != NULL);
    if (report->peer != PEER_READY && report->problem->message[0] != '\0') {
        web_json_write_pair(&writer, "problem", report->problem->message);
    }
    web_json_write_name(&writer, "clock_skew_ms");
    web_json_write_integer(&writer, report->skew_ms);
    web_json_write_name(&writer, "log_size");
    web_json_write_integer(&writer, (int64_t)report->log_size);
    if (report->has_witnesses) {
        write_witnessed(report, &writer);
    }
    web_json_write_name(&writer, "under_way");
    web_json_write_integer(&writer, (int64_t)report->under_way);
    web_json_write_name(&writer, "answering");
    web_json_write_integer(&writer, (int64_t)report->answering);
    web_json_write_object_end(&writer);
    buffer_u8(&body, '\n');
    reply_json(request, ready ? 200 : 503, &body, NULL);
    buffer_fini(&body);
    node_task_destroy(&task);
}

// --- requests ---

static void reply_simple(struct web_request *request, unsigned status, const char *type,
                         const char *title)
{
    web_problem_reply(&request,
                      &(struct web_problem){ .status = status, .type = type, .title = title });
}

static void hand_over(struct node_api *api, struct web_request *request, struct node_task *task)
{
    struct error err;
    task->context = request;
    if (node_engine_hand(api->engine, &task, &err) != ST_OK) {
        web_problem_reply(&request, &(struct web_problem){ .status = 503,
                                                           .type = "busy",
                                                           .title = "The node has no place now.",
                                                           .detail = err.message,
                                                           .retry_after_s = 1 });
        node_task_destroy(&task);
    }
}

static void post_request(struct node_api *api, struct web_request *request)
{
    struct error err;
    struct node_task *task = node_task_create(NODE_TASK_ASK);
    if (task != NULL) {
        task->arena = arena_create(NODE_ARENA_BYTES);
    }
    if (task == NULL || task->arena == NULL) {
        node_task_destroy(&task);
        reply_simple(request, 503, "busy", "There is no memory for the request now.");
        return;
    }
    enum status status = node_api_question(web_request_body(request), task->arena, &task->question,
                                           &task->timeout_ms, &err);
    if (status != ST_OK) {
        node_task_destroy(&task);
        web_problem_reply(&request, &(struct web_problem){ .status = 400,
                                                           .type = "question",
                                                           .title = "The request cannot be read.",
                                                           .detail = err.message });
        return;
    }
    task->patience_ms = NODE_PATIENCE_MS;
    task->report = on_report;
    hand_over(api, request, task);
}

static void simple_task(struct node_api *api, struct web_request *request, enum node_task_kind kind,
                        const struct id *id,
                        void (*report)(struct node_task *task, const struct node_report *report))
{
    struct node_task *task = node_task_create(kind);
    if (task == NULL) {
        reply_simple(request, 503, "busy", "There is no memory for the request now.");
        return;
    }
    if (id != NULL) {
        task->id = *id;
    }
    task->report = report;
    hand_over(api, request, task);
}

static bool is_authorised(const struct node_api *api, const struct web_request *request)
{
    static const char scheme[] = "Bearer ";
    if (!api->needs_token) {
        return true;
    }
    const char *given = web_request_header(request, "Authorization");
    if (given == NULL || strncmp(given, scheme, sizeof(scheme) - 1) != 0) {
        return false;
    }
    // Hashes are compared, so that the time taken says nothing about the token.
    struct digest hash = seal_sha256(bytes_text(given + sizeof(scheme) - 1));
    return digest_equal(&hash, &api->token);
}

static void on_request(struct web_request *request, void *context)
{
    static const char prefix[] = "/v1/requests/";
    struct node_api *api = context;
    const char *path = web_request_path(request);
    const char *method = web_request_method(request);
    bool get = strcmp(method, "GET") == 0;
    struct id id;
    if (!is_authorised(api, request)) {
        struct web_response *response = web_problem_response(&(struct web_problem){
            .status = 401, .type = "token", .title = "The bearer token is missing or wrong." });
        if (response != NULL && !web_response_header(response, "WWW-Authenticate", "Bearer")) {
            web_response_destroy(&response);
        }
        web_reply(&request, &response);
    } else if (strcmp(path, "/v1/requests") == 0) {
        if (strcmp(method, "POST") == 0) {
            post_request(api, request);
        } else {
            reply_simple(request, 405, "method", "Use POST here.");
        }
    } else if (strncmp(path, prefix, sizeof(prefix) - 1) == 0 &&
               text_id_parse(bytes_text(path + sizeof(prefix) - 1), &id)) {
        if (get) {
            simple_task(api, request, NODE_TASK_LOOK, &id, on_report);
        } else if (strcmp(method, "DELETE") == 0) {
            simple_task(api, request, NODE_TASK_CANCEL, &id, on_report);
        } else {
            reply_simple(request, 405, "method", "Use GET or DELETE here.");
        }
    } else if (get && strcmp(path, "/v1/catalogue") == 0) {
        simple_task(api, request, NODE_TASK_STATE, NULL, on_catalogue);
    } else if (get && strcmp(path, "/v1/status") == 0) {
        simple_task(api, request, NODE_TASK_STATE, NULL, on_state);
    } else {
        reply_simple(request, 404, "not-found", "There is nothing at this address.");
    }
}

// --- life ---

static enum status read_token(const char *path, struct node_api *api, struct error *err)
{
    struct buffer text = buffer_init(TOKEN_MAX_BYTES + 1);
    enum status status = file_read(path, TOKEN_MAX_BYTES, &text, err);
    while (status == ST_OK && text.size > 0 && text.data[text.size - 1] <= ' ') {
        text.size--;
    }
    if (status == ST_OK && text.size < TOKEN_MIN_BYTES) {
        status = error_set(err, ST_USAGE, "token '%s': shorter than %d characters", path,
                           TOKEN_MIN_BYTES);
    }
    if (status == ST_OK) {
        api->token = seal_sha256(buffer_view(&text));
        api->needs_token = true;
    }
    buffer_fini(&text);
    return status;
}

enum status node_api_start(const struct config_node *config, struct node_engine *engine,
                           struct node_api **api, struct error *err)
{
    struct node_api *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return error_set(err, ST_NOMEM, "api: no memory");
    }
    made->engine = engine;
    const char *listen = config->api.listen;
    struct web_server_config server = { .listen = listen,
                                        .unix_mode = SOCKET_MODE,
                                        .body_max_bytes = BODY_MAX_BYTES,
                                        .connections_max = CONNECTIONS_MAX,
                                        .idle_timeout_ms = IDLE_MS,
                                        .answer_timeout_ms = ANSWER_MS,
                                        .handler = on_request,
                                        .context = made };
    enum status status = ST_OK;
    if (config->api.token != NULL && config->api.token[0] != '\0') {
        status = read_token(config->api.token, made, err);
    } else if (!web_address_is_unix(listen)) {
        status = error_set(err, ST_USAGE,
                           "api.listen '%s': TCP needs api.token, so that not everyone on this "
                           "machine may ask",
                           listen);
    }
    if (status == ST_OK) {
        status = web_server_start(&server, &made->server, err);
        if (status != ST_OK) {
            error_wrap(err, "api.listen");
        }
    }
    if (status != ST_OK) {
        free(made);
        return status;
    }
    *api = made;
    return ST_OK;
}

void node_api_stop(struct node_api **api)
{
    if (*api == NULL) {
        return;
    }
    web_server_stop(&(*api)->server);
    free(*api);
    *api = NULL;
}

uint16_t node_api_port(const struct node_api *api)
{
    return web_server_port(api->server);
}
