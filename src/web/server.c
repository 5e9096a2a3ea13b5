// The HTTP server: one thread polls libmicrohttpd's epoll descriptor and the mailbox of answers.
// Invariants: only this thread touches libmicrohttpd's connections; a request is suspended from the
// moment its handler is called until its answer has come through the mailbox, its deadline has
// passed, or the server stops; each request that is held has a place in the mailbox.
//
// Failure modes: a client that leaves (the request lives on until its handler answers, and the
// answer is dropped), a handler that never answers (504 at the deadline), too many requests held
// (503 at once), no memory (503 without a body).
#include "web/problem.h"
#include "web/request.h"

#include "base/clock.h"
#include "base/text.h"
#include "base/thread.h"
#include "web/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    ANSWERS_BATCH = 64,
    CONNECTION_MEMORY_BYTES = 65536,
    STOP_GRACE_MS = 1000, // for sending what was answered before the end
    BACKLOG = 128
};

struct web_server {
    struct web_server_config config;
    char *unix_path; // NULL: an address
    char address[64];
    uint16_t port;
    int listener; // -1 once libmicrohttpd owns it
    struct MHD_Daemon *daemon;
    int epoll;
    struct web_mailbox *mailbox;
    size_t held_max;
    size_t held; // requests that handlers hold
    bool stopping;
    struct web_request *oldest; // suspended requests, by deadline
    struct web_request *newest;
    struct thread *thread;
};

// --- the list of suspended requests ---

static void list_add(struct web_server *server, struct web_request *request)
{
    request->waiting = true;
    request->older = server->newest;
    request->newer = NULL;
    if (server->newest != NULL) {
        server->newest->newer = request;
    } else {
        server->oldest = request;
    }
    server->newest = request;
}

static void list_remove(struct web_server *server, struct web_request *request)
{
    request->waiting = false;
    if (request->older != NULL) {
        request->older->newer = request->newer;
    } else {
        server->oldest = request->newer;
    }
    if (request->newer != NULL) {
        request->newer->older = request->older;
    } else {
        server->newest = request->older;
    }
}

// --- answers ---

static struct web_response *plain_problem(unsigned status, const char *type, const char *title)
{
    return web_problem_response(
        &(struct web_problem){ .status = status, .type = type, .title = title });
}

// Wakes the connection, which then sends `response`.
static void wake(struct web_server *server, struct web_request *request,
                 struct web_response *response)
{
    list_remove(server, request);
    request->final = response;
    MHD_resume_connection(request->connection);
}

static void take_answers(struct web_server *server)
{
    void *items[ANSWERS_BATCH];
    size_t count = 0;
    do {
        count = queue_take(server->mailbox->answers, items, ANSWERS_BATCH);
        for (size_t i = 0; i < count; i++) {
            struct web_request *request = items[i];
            server->held--;
            if (request->waiting) {
                struct web_response *response = request->answer;
                request->answer = NULL;
                wake(server, request, response);
            }
            web_request_release(request);
        }
    } while (count == ANSWERS_BATCH);
}

static void expire(struct web_server *server, int64_t now_ms)
{
    while (server->oldest != NULL && (server->stopping || server->oldest->deadline_ms <= now_ms)) {
        struct web_response *response =
            server->stopping ? plain_problem(503, "stopping", "The service is stopping.")
                             : plain_problem(504, "no-answer", "There was no answer in time.");
        wake(server, server->oldest, response);
    }
}

// --- requests ---

// Percent-decoding in place; "%00" and what is not hexadecimal stay as they are.
static size_t unescape(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    char *out = text;
    for (const char *in = text; *in != '\0'; in++) {
        uint8_t byte = (uint8_t)*in;
        uint8_t decoded = 0;
        if (byte == '%' && in[1] != '\0' && in[2] != '\0' &&
            text_hex_decode(bytes_of(in + 1, 2), &decoded, 1) && decoded != 0) {
            byte = decoded;
            in += 2;
        }
        *out++ = (char)byte;
    }
    *out = '\0';
    return (size_t)(out - text);
}

static void describe_peer(struct web_server *server, struct MHD_Connection *connection,
                          struct web_request *request)
{
    snprintf(request->peer, sizeof(request->peer), "unix");
    if (server->unix_path != NULL) {
        return;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info == NULL ? NULL : info->client_addr;
    if (address != NULL && address->sa_family == AF_INET) {
        struct sockaddr_in peer;
        memcpy(&peer, address, sizeof(peer));
        inet_ntop(AF_INET, &peer.sin_addr, request->peer, sizeof(request->peer));
    } else if (address != NULL && address->sa_family == AF_INET6) {
        struct sockaddr_in6 peer;
        memcpy(&peer, address, sizeof(peer));
        inet_ntop(AF_INET6, &peer.sin6_addr, request->peer, sizeof(request->peer));
    }
}

static struct web_request *request_create(struct web_server *server,
                                          struct MHD_Connection *connection, const char *method,
                                          const char *path)
{
    struct web_request *request = calloc(1, sizeof(*request));
    if (request == NULL) {
        return NULL;
    }
    atomic_init(&request->holders, 1);
    atomic_fetch_add(&server->mailbox->holders, 1);
    request->mailbox = server->mailbox;
    request->connection = connection;
    request->body = buffer_init(server->config.body_max_bytes);
    request->arena = arena_create(WEB_REQUEST_ARENA_BYTES);
    if (request->arena != NULL) {
        request->method = arena_text(request->arena, bytes_text(method));
        request->path = arena_text(request->arena, bytes_text(path));
    }
    if (request->arena == NULL || request->method == NULL || request->path == NULL) {
        web_request_release(request);
        return NULL;
    }
    describe_peer(server, connection, request);
    return request;
}

struct copying {
    struct web_request *request;
    enum web_value_kind kind;
    bool failed;
};

static enum MHD_Result copy_value(void *context, enum MHD_ValueKind kind, const char *name,
                                  const char *text)
{
    (void)kind;
    struct copying *copying = context;
    struct bytes bytes = text == NULL ? (struct bytes){ 0 } : bytes_text(text);
    if (!text_utf8_valid(bytes) || !web_request_add(copying->request, copying->kind, name, bytes)) {
        copying->failed = true;
    }
    return copying->failed ? MHD_NO : MHD_YES;
}

// Copies headers, query and cookies. False: too many, or not text.
static bool copy_values(struct web_request *request)
{
    static const struct {
        enum MHD_ValueKind theirs;
        enum web_value_kind ours;
    } kinds[] = { { MHD_HEADER_KIND, WEB_HEADER },
                  { MHD_GET_ARGUMENT_KIND, WEB_QUERY },
                  { MHD_COOKIE_KIND, WEB_COOKIE } };
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        struct copying copying = { .request = request, .kind = kinds[i].ours };
        MHD_get_connection_values(request->connection, kinds[i].theirs, copy_value, &copying);
        if (copying.failed) {
            return false;
        }
    }
    return text_utf8_valid(bytes_text(request->path));
}

// Why a request is not handed to its handler; NULL when it is.
static struct web_response *refusal(struct web_server *server, struct web_request *request,
                                    bool *refused)
{
    *refused = true;
    if (request->too_large) {
        return plain_problem(413, "too-large", "The body is larger than this service takes.");
    }
    if (server->stopping) {
        return plain_problem(503, "stopping", "The service is stopping.");
    }
    if (server->held >= server->held_max) {
        return web_problem_response(
            &(struct web_problem){ .status = 503,
                                   .type = "busy",
                                   .title = "Too many requests are under way.",
                                   .retry_after_s = 1 });
    }
    if (!copy_values(request)) {
        return plain_problem(400, "malformed", "Headers or address are not text, or too many.");
    }
    *refused = false;
    return NULL;
}

static enum MHD_Result send_final(struct web_request *request)
{
    if (request->final == NULL) {
        struct MHD_Response *empty =
            MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
        if (empty == NULL) {
            return MHD_NO;
        }
        enum MHD_Result result = MHD_queue_response(request->connection, 503, empty);
        MHD_destroy_response(empty);
        return result;
    }
    return MHD_queue_response(request->connection, request->final->status, request->final->handle);
}

// Whole request: refuse it, or suspend its connection and call the handler.
static enum MHD_Result dispatch(struct web_server *server, struct web_request *request)
{
    request->dispatched = true;
    bool refused = false;
    request->final = refusal(server, request, &refused);
    if (refused) {
        return send_final(request);
    }
    web_request_add_form(request);
    request->deadline_ms = clock_monotonic_ms() + server->config.answer_timeout_ms;
    list_add(server, request);
    MHD_suspend_connection(request->connection);
    atomic_fetch_add(&request->holders, 1);
    server->held++;
    server->config.handler(request, server->config.context);
    return MHD_YES;
}

static enum MHD_Result on_access(void *context, struct MHD_Connection *connection, const char *path,
                                 const char *method, const char *version, const char *upload,
                                 size_t *upload_size, void **state)
{
    (void)version;
    struct web_server *server = context;
    struct web_request *request = *state;
    if (request == NULL) {
        request = request_create(server, connection, method, path);
        *state = request;
        return request == NULL ? MHD_NO : MHD_YES;
    }
    if (*upload_size > 0) {
        if (!request->too_large) {
            buffer_bytes(&request->body, bytes_of(upload, *upload_size));
            request->too_large = request->body.failed;
        }
        *upload_size = 0;
        return MHD_YES;
    }
    return request->dispatched ? send_final(request) : dispatch(server, request);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode how)
{
    (void)connection;
    (void)how;
    struct web_server *server = context;
    struct web_request *request = *state;
    *state = NULL;
    if (request == NULL) {
        return;
    }
    if (request->waiting) {
        list_remove(server, request);
    }
    request->connection = NULL;
    web_request_release(request);
}

// --- the listening socket ---

static enum status listen_unix(struct web_server *server, struct error *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(server->unix_path) >= sizeof(address.sun_path)) {
        return error_set(err, ST_USAGE, "socket '%s': the path is too long", server->unix_path);
    }
    memcpy(address.sun_path, server->unix_path, strlen(server->unix_path) + 1);
    struct stat old;
    if (lstat(server->unix_path, &old) == 0) {
        if (!S_ISSOCK(old.st_mode)) {
            return error_set(err, ST_EXISTS, "socket '%s': a file that is no socket is there",
                             server->unix_path);
        }
        unlink(server->unix_path);
    }
    server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (server->listener < 0) {
        return error_errno(err, ST_IO, "socket '%s'", server->unix_path);
    }
    // Before bind: the file never exists with wider permissions than these.
    mode_t mode = (mode_t)server->config.unix_mode;
    if (fchmod(server->listener, mode) != 0 ||
        bind(server->listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        chmod(server->unix_path, mode) != 0) {
        return error_errno(err, ST_IO, "socket '%s'", server->unix_path);
    }
    return ST_OK;
}

static enum status listen_tcp(struct web_server *server, struct error *err)
{
    struct sockaddr_storage address = { 0 };
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;
    socklen_t size = 0;
    if (inet_pton(AF_INET, server->address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(server->port);
        size = sizeof(*v4);
    } else if (inet_pton(AF_INET6, server->address, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(server->port);
        size = sizeof(*v6);
    } else {
        return error_set(err, ST_USAGE, "address '%s' is neither IPv4 nor IPv6 in digits",
                         server->address);
    }
    server->listener = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int yes = 1;
    if (server->listener < 0 ||
        setsockopt(server->listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
        bind(server->listener, (struct sockaddr *)&address, size) != 0 ||
        getsockname(server->listener, (struct sockaddr *)&address, &size) != 0) {
        return error_errno(err, ST_IO, "address '%s' port %u", server->address, server->port);
    }
    server->port = ntohs(address.ss_family == AF_INET ? v4->sin_port : v6->sin6_port);
    return ST_OK;
}

// ST_USAGE: neither, or a socket in the file system where none is wanted.
static enum status read_listen(struct web_server *server, struct error *err)
{
    const char *listen = server->config.listen;
    if (server->config.unix_mode == 0 || !web_address_is_unix(listen)) {
        return web_address_parse(listen, server->address, sizeof(server->address), &server->port,
                                 err);
    }
    const char *path = listen + sizeof(WEB_UNIX_SCHEME) - 1;
    if (path[0] != '/') {
        return error_set(err, ST_USAGE, "'%s': the socket's path begins with '/'", listen);
    }
    server->unix_path = strdup(path);
    return server->unix_path == NULL ? error_set(err, ST_NOMEM, "HTTP server: no memory") : ST_OK;
}

static enum status open_listener(struct web_server *server, struct error *err)
{
    enum status status = read_listen(server, err);
    if (status == ST_OK) {
        status = server->unix_path != NULL ? listen_unix(server, err) : listen_tcp(server, err);
    }
    if (status == ST_OK && listen(server->listener, BACKLOG) != 0) {
        status = error_errno(err, ST_IO, "'%s'", server->config.listen);
    }
    return status;
}

// --- the thread ---

static enum status open_daemon(struct web_server *server, struct error *err)
{
    const struct web_server_config *config = &server->config;
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_access, server,
        MHD_OPTION_LISTEN_SOCKET, server->listener, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
        server, MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL, MHD_OPTION_CONNECTION_LIMIT,
        config->connections_max, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        server->unix_path != NULL ? 0 : config->per_address_max, MHD_OPTION_CONNECTION_TIMEOUT,
        (config->idle_timeout_ms + 999) / 1000, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY_BYTES, MHD_OPTION_END);
    if (server->daemon == NULL) {
        return error_set(err, ST_IO, "the HTTP server does not start");
    }
    server->listener = -1;
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (info == NULL) {
        return error_set(err, ST_IO, "the HTTP server has no epoll descriptor");
    }
    server->epoll = info->epoll_fd;
    return ST_OK;
}

// Milliseconds to wait for something to happen; -1: as long as it takes.
static int wait_ms(struct web_server *server)
{
    MHD_UNSIGNED_LONG_LONG library_ms = 0;
    int64_t wait = -1;
    if (MHD_get_timeout(server->daemon, &library_ms) == MHD_YES) {
        wait = library_ms > 60000 ? 60000 : (int64_t)library_ms;
    }
    if (server->oldest != NULL) {
        int64_t left = server->oldest->deadline_ms - clock_monotonic_ms();
        left = left < 0 ? 0 : left;
        wait = wait < 0 || left < wait ? left : wait;
    }
    return wait > 60000 ? 60000 : (int)wait;
}

static void turn(struct web_server *server, int timeout_ms)
{
    // The mailbox is readable for ever once it is closed, so it is left out then.
    struct pollfd fds[] = {
        { .fd = server->epoll, .events = POLLIN },
        { .fd = server->stopping ? -1 : queue_fd(server->mailbox->answers), .events = POLLIN },
    };
    poll(fds, ARRAY_COUNT(fds), timeout_ms);
    take_answers(server);
    server->stopping = server->stopping || queue_is_closed(server->mailbox->answers);
    expire(server, clock_monotonic_ms());
    MHD_run(server->daemon);
}

static bool connections_open(struct web_server *server)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
    return info != NULL && info->num_connections > 0;
}

static void serve(struct thread *thread, void *argument)
{
    struct web_server *server = argument;
    struct error err = { 0 };
    enum status status = open_daemon(server, &err);
    thread_ready(thread, status, &err);
    while (status == ST_OK && !server->stopping) {
        turn(server, wait_ms(server));
    }
    int64_t grace_ms = clock_monotonic_ms() + STOP_GRACE_MS;
    for (unsigned quiet = 0; status == ST_OK && quiet < 5 && connections_open(server) &&
                             clock_monotonic_ms() < grace_ms;
         quiet++) {
        turn(server, 10);
    }
    if (server->daemon != NULL) {
        MHD_stop_daemon(server->daemon);
        server->daemon = NULL;
    }
}

static void server_free(struct web_server *server)
{
    if (server->listener >= 0) {
        close(server->listener);
    }
    if (server->mailbox != NULL) {
        web_mailbox_release(server->mailbox);
    }
    free(server->unix_path);
    free(server);
}

static enum status mailbox_create(struct web_server *server, struct error *err)
{
    struct web_mailbox *mailbox = calloc(1, sizeof(*mailbox));
    if (mailbox == NULL) {
        return error_set(err, ST_NOMEM, "HTTP server: no memory");
    }
    atomic_init(&mailbox->holders, 1);
    enum status status = queue_create(server->held_max, 0, &mailbox->answers, err);
    if (status != ST_OK) {
        free(mailbox);
        return status;
    }
    server->mailbox = mailbox;
    return ST_OK;
}

enum status web_server_start(const struct web_server_config *config, struct web_server **server,
                             struct error *err)
{
    struct web_server *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return error_set(err, ST_NOMEM, "HTTP server: no memory");
    }
    made->config = *config;
    made->listener = -1;
    // A handler may still hold requests whose clients were told 504: twice the connections.
    made->held_max = (size_t)config->connections_max * 2 + 16;
    enum status status = mailbox_create(made, err);
    if (status == ST_OK) {
        status = open_listener(made, err);
    }
    if (status == ST_OK) {
        status = thread_start("http", serve, made, &made->thread, err);
    }
    if (status != ST_OK) {
        server_free(made);
        return status;
    }
    *server = made;
    return ST_OK;
}

void web_server_stop(struct web_server **server)
{
    if (*server == NULL) {
        return;
    }
    struct web_server *stopped = *server;
    *server = NULL;
    queue_close(stopped->mailbox->answers);
    thread_join(&stopped->thread);
    // Answers that came in while the thread was ending.
    void *item = NULL;
    while (queue_take(stopped->mailbox->answers, &item, 1) == 1) {
        web_request_release(item);
    }
    if (stopped->unix_path != NULL) {
        unlink(stopped->unix_path);
    }
    server_free(stopped);
}

uint16_t web_server_port(const struct web_server *server)
{
    return server->port;
}
