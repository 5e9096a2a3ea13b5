// Sockets over loopback, with the traps of libzmq that the door is there for.
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <zmq.h>

#include "base/clock.h"
#include "base/text.h"
#include "bus/handle.h"
#include "bus/poller.h"
#include "bus/zap.h"

enum { HEAD_MAX = 1000, BOXES_MAX = 100 * 1000, PATIENCE_MS = 20 * 1000 };

static struct error err; // of the running test

struct keys {
    struct digest public_key;
    uint8_t secret_key[DIGEST_BYTES];
};

// A server with its ZAP handler that knows one key.
struct server {
    struct bus_context *context;
    struct bus_zap *zap;
    struct bus_socket *router;
    struct keys keys;
    struct keys client;
};

static bool knows(void *argument, const struct digest *key, const char *address)
{
    const struct server *server = argument;
    return address != NULL && digest_equal(key, &server->client.public_key);
}

static struct bus_socket_options options_of(const struct server *server, enum bus_kind kind)
{
    const struct keys *keys = kind == BUS_ROUTER ? &server->keys : &server->client;
    return (struct bus_socket_options){
        .kind = kind,
        .public_key = keys->public_key,
        .secret_key = keys->secret_key,
        .server_key = server->keys.public_key,
        .send_hwm = 4,
        .receive_hwm = 16,
        .head_max_bytes = HEAD_MAX,
        .boxes_max_bytes = BOXES_MAX,
        .handshake_ms = 5000,
        .heartbeat_ms = 1000,
        .backlog = 16,
    };
}

static void server_start(struct server *server)
{
    *server = (struct server){ 0 };
    assert_ok(bus_context_create(1, &server->context, &err));
    assert_ok(bus_key_pair(&server->keys.public_key, server->keys.secret_key, &err));
    assert_ok(bus_key_pair(&server->client.public_key, server->client.secret_key, &err));
    assert_ok(bus_zap_start(server->context, knows, server, &server->zap, &err));
    struct bus_socket_options options = options_of(server, BUS_ROUTER);
    assert_ok(bus_socket_open(server->context, &options, &server->router, &err));
    assert_ok(bus_socket_bind(server->router, "tcp://127.0.0.1:0", &err));
}

static void server_stop(struct server *server)
{
    bus_socket_close(&server->router);
    bus_zap_stop(&server->zap);
    bus_context_destroy(&server->context);
}

static struct bus_socket *connect_with(struct server *server, struct bus_socket_options options)
{
    struct bus_socket *dealer = NULL;
    assert_ok(bus_socket_open(server->context, &options, &dealer, &err));
    assert_ok(bus_socket_connect(dealer, bus_socket_endpoint(server->router), &err));
    return dealer;
}

static struct bus_socket *client_start(struct server *server)
{
    return connect_with(server, options_of(server, BUS_DEALER));
}

// A client that uses the library as it likes.
static void *raw_start(struct server *server, const void *name, size_t name_size)
{
    void *raw = zmq_socket(server->context->library, ZMQ_DEALER);
    int linger = 0;
    assert_non_null(raw);
    assert_int_equal(zmq_setsockopt(raw, ZMQ_LINGER, &linger, sizeof(linger)), 0);
    assert_int_equal(
        zmq_setsockopt(raw, ZMQ_CURVE_PUBLICKEY, server->client.public_key.bytes, DIGEST_BYTES), 0);
    assert_int_equal(
        zmq_setsockopt(raw, ZMQ_CURVE_SECRETKEY, server->client.secret_key, DIGEST_BYTES), 0);
    assert_int_equal(
        zmq_setsockopt(raw, ZMQ_CURVE_SERVERKEY, server->keys.public_key.bytes, DIGEST_BYTES), 0);
    if (name_size > 0) {
        assert_int_equal(zmq_setsockopt(raw, ZMQ_ROUTING_ID, name, name_size), 0);
    }
    assert_int_equal(zmq_connect(raw, bus_socket_endpoint(server->router)), 0);
    return raw;
}

static void raw_send(void *raw, int frames)
{
    for (int i = 0; i < frames; i++) {
        assert_int_equal(zmq_send(raw, "x", 1, i + 1 < frames ? ZMQ_SNDMORE : 0), 1);
    }
}

// Waits for one message; false after `patience_ms`.
static bool await(struct bus_socket *socket, struct bus_message *message, int64_t patience_ms)
{
    struct bus_poller *poller = NULL;
    int64_t deadline = clock_monotonic_ms() + patience_ms;
    size_t count = 0;
    assert_ok(bus_poller_create(1, &poller, &err));
    assert_ok(bus_poller_add_socket(poller, socket, 0, &err));
    while (count == 0 && clock_monotonic_ms() < deadline) {
        uint64_t ready = 0;
        assert_ok(bus_poller_wait(poller, deadline, &ready, &err));
        assert_ok(bus_socket_receive(socket, message, 1, &count, &err));
    }
    bus_poller_destroy(&poller);
    return count == 1;
}

static enum bus_event await_event(struct bus_monitor *monitor, enum bus_event wanted)
{
    struct bus_poller *poller = NULL;
    int64_t deadline = clock_monotonic_ms() + PATIENCE_MS;
    enum bus_event event = BUS_EVENT_NONE;
    assert_ok(bus_poller_create(1, &poller, &err));
    assert_ok(bus_poller_add_monitor(poller, monitor, 3, &err));
    while (event != wanted && clock_monotonic_ms() < deadline) {
        uint64_t ready = 0;
        assert_ok(bus_poller_wait(poller, deadline, &ready, &err));
        event = bus_monitor_next(monitor);
    }
    bus_poller_destroy(&poller);
    return event;
}

static enum status send_text(struct bus_socket *socket, const struct bus_route *route,
                             const char *head, struct bytes boxes)
{
    struct bus_frame frames[2];
    assert_ok(bus_frame_copy(&frames[0], bytes_text(head), &err));
    assert_ok(bus_frame_copy(&frames[1], boxes, &err));
    enum status status = bus_socket_send(socket, route, &frames[0], &frames[1], &err);
    assert_int_equal(bus_frame_view(&frames[0]).size, status == ST_OK ? 0 : strlen(head));
    assert_int_equal(bus_frame_view(&frames[1]).size, status == ST_OK ? 0 : boxes.size);
    bus_frame_fini(&frames[0]);
    bus_frame_fini(&frames[1]);
    return status;
}

// A DEALER takes messages once its handshake is done.
static enum status send_within(struct bus_socket *dealer, const char *head, struct bytes boxes,
                               int64_t patience_ms)
{
    int64_t deadline = clock_monotonic_ms() + patience_ms;
    enum status status = ST_BUSY;
    while (status == ST_BUSY && clock_monotonic_ms() < deadline) {
        status = send_text(dealer, NULL, head, boxes);
        if (status == ST_BUSY) {
            struct bus_message message;
            bus_message_init(&message);
            assert_false(await(dealer, &message, 2));
            bus_message_fini(&message);
        }
    }
    return status;
}

static void send_soon(struct bus_socket *dealer, const char *head, struct bytes boxes)
{
    assert_int_equal(send_within(dealer, head, boxes, PATIENCE_MS), ST_OK);
}

TEST(a_message_arrives_whole_with_its_route_and_key_and_can_be_answered)
{
    struct server server;
    struct bus_message message;
    server_start(&server);
    bus_message_init(&message);
    struct bus_socket *dealer = client_start(&server);
    send_soon(dealer, "head", bytes_text("boxes"));
    assert_true(await(server.router, &message, PATIENCE_MS));
    assert_int_equal(message.fault, BUS_FAULT_NONE);
    assert_true(digest_equal(&message.key, &server.client.public_key));
    assert_true(bytes_equal_text(bus_frame_view(&message.head), "head"));
    assert_true(bytes_equal_text(bus_frame_view(&message.boxes), "boxes"));

    struct bus_route route = message.route;
    assert_ok(bus_socket_send(server.router, &route, &message.head, &message.boxes, &err));
    assert_int_equal(bus_frame_view(&message.boxes).size, 0);
    assert_true(await(dealer, &message, PATIENCE_MS));
    assert_true(bytes_equal_text(bus_frame_view(&message.head), "head"));
    assert_true(bytes_equal_text(bus_frame_view(&message.boxes), "boxes"));

    bus_message_fini(&message);
    bus_socket_close(&dealer);
    server_stop(&server);
}

TEST(messages_that_wait_are_taken_in_one_call)
{
    enum { MANY = 12 };
    struct server server;
    struct bus_message messages[MANY];
    server_start(&server);
    for (size_t i = 0; i < MANY; i++) {
        bus_message_init(&messages[i]);
    }
    struct bus_socket *dealer = client_start(&server);
    for (size_t i = 0; i < MANY; i++) {
        send_soon(dealer, "h", (struct bytes){ 0 });
    }
    size_t total = 0;
    while (total < MANY) {
        assert_true(await(server.router, &messages[total], PATIENCE_MS));
        size_t count = 0;
        total++;
        assert_ok(bus_socket_receive(server.router, messages + total, MANY - total, &count, &err));
        total += count;
    }
    size_t none = 1;
    assert_ok(bus_socket_receive(server.router, messages, MANY, &none, &err));
    assert_int_equal(none, 0);
    for (size_t i = 0; i < MANY; i++) {
        bus_message_fini(&messages[i]);
    }
    bus_socket_close(&dealer);
    server_stop(&server);
}

TEST(binding_is_refused_without_a_live_handler)
{
    struct server server;
    server_start(&server);
    struct bus_socket_options options = options_of(&server, BUS_ROUTER);
    struct bus_socket *second = NULL;
    assert_true(bus_zap_alive(server.zap));
    bus_zap_stop(&server.zap);
    assert_ok(bus_socket_open(server.context, &options, &second, &err));
    assert_status(ST_DENIED, bus_socket_bind(second, "tcp://127.0.0.1:0", &err));
    bus_socket_close(&second);
    server_stop(&server);
}

TEST(messages_are_marked_when_the_handler_has_died_and_the_library_admits_everybody)
{
    struct server server;
    struct bus_message message;
    server_start(&server);
    bus_zap_stop(&server.zap);
    struct bus_socket_options options = options_of(&server, BUS_DEALER);
    struct keys stranger;
    assert_ok(bus_key_pair(&stranger.public_key, stranger.secret_key, &err));
    options.public_key = stranger.public_key;
    options.secret_key = stranger.secret_key;
    struct bus_socket *dealer = connect_with(&server, options);
    bus_message_init(&message);
    // The library takes the handler's endpoint away a moment after its socket was closed: whoever
    // shakes hands in between waits for an answer that never comes, and connects again.
    for (int i = 0; i < PATIENCE_MS / 500 &&
                    send_within(dealer, "let me in", bytes_text("please"), 500) != ST_OK;
         i++) {
        bus_socket_close(&dealer);
        dealer = connect_with(&server, options);
    }
    assert_true(await(server.router, &message, PATIENCE_MS));
    assert_int_equal(message.fault, BUS_FAULT_KEY);
    assert_int_equal(bus_frame_view(&message.head).size, 0);
    assert_int_equal(bus_frame_view(&message.boxes).size, 0);
    bus_message_fini(&message);
    bus_socket_close(&dealer);
    server_stop(&server);
}

TEST(an_unknown_key_is_turned_away_and_the_client_learns_it)
{
    struct server server;
    struct bus_monitor *monitor = NULL;
    struct bus_socket *dealer = NULL;
    struct keys stranger;
    server_start(&server);
    assert_ok(bus_key_pair(&stranger.public_key, stranger.secret_key, &err));
    struct bus_socket_options options = options_of(&server, BUS_DEALER);
    options.public_key = stranger.public_key;
    options.secret_key = stranger.secret_key;
    assert_ok(bus_socket_open(server.context, &options, &dealer, &err));
    assert_ok(bus_monitor_open(server.context, dealer, &monitor, &err));
    assert_ok(bus_socket_connect(dealer, bus_socket_endpoint(server.router), &err));
    assert_int_equal(await_event(monitor, BUS_EVENT_KEY_REFUSED), BUS_EVENT_KEY_REFUSED);
    assert_status(ST_BUSY, send_text(dealer, NULL, "h", bytes_text("b")));
    uint64_t admitted = 1;
    uint64_t denied = 0;
    bus_zap_counts(server.zap, &admitted, &denied);
    assert_int_equal(admitted, 0);
    assert_true(denied >= 1);
    bus_monitor_close(&monitor);
    bus_socket_close(&dealer);
    server_stop(&server);
}

TEST(the_monitor_tells_a_wrong_server_key_from_a_good_connection_and_from_nobody_there)
{
    struct server server;
    server_start(&server);
    static const enum bus_event expected[] = { BUS_EVENT_READY, BUS_EVENT_HANDSHAKE,
                                               BUS_EVENT_UNREACHABLE };
    for (size_t i = 0; i < ARRAY_COUNT(expected); i++) {
        struct bus_monitor *monitor = NULL;
        struct bus_socket *dealer = NULL;
        struct bus_socket_options options = options_of(&server, BUS_DEALER);
        options.handshake_ms = 500;
        if (expected[i] == BUS_EVENT_HANDSHAKE) {
            options.server_key = server.client.public_key;
        }
        assert_ok(bus_socket_open(server.context, &options, &dealer, &err));
        assert_ok(bus_monitor_open(server.context, dealer, &monitor, &err));
        // Port 1 on loopback: nobody listens there.
        const char *endpoint = expected[i] == BUS_EVENT_UNREACHABLE
                                   ? "tcp://127.0.0.1:1"
                                   : bus_socket_endpoint(server.router);
        assert_ok(bus_socket_connect(dealer, endpoint, &err));
        assert_int_equal(await_event(monitor, expected[i]), expected[i]);
        bus_monitor_close(&monitor);
        bus_socket_close(&dealer);
    }
    server_stop(&server);
}

TEST(any_other_number_of_frames_than_two_is_a_fault_and_the_next_message_is_whole)
{
    static const int counts[] = { 1, 3, 4, 500 };
    struct server server;
    struct bus_message message;
    server_start(&server);
    bus_message_init(&message);
    void *raw = raw_start(&server, NULL, 0);
    for (size_t i = 0; i < ARRAY_COUNT(counts); i++) {
        raw_send(raw, counts[i]);
        raw_send(raw, 2);
        assert_true(await(server.router, &message, PATIENCE_MS));
        assert_int_equal(message.fault, BUS_FAULT_FRAMES);
        assert_true(digest_equal(&message.key, &server.client.public_key));
        assert_int_equal(bus_frame_view(&message.head).size, 0);
        assert_true(await(server.router, &message, PATIENCE_MS));
        assert_int_equal(message.fault, BUS_FAULT_NONE);
        assert_true(bytes_equal_text(bus_frame_view(&message.boxes), "x"));
    }
    bus_message_fini(&message);
    zmq_close(raw);
    server_stop(&server);
}

TEST(a_head_over_its_limit_is_a_fault_and_the_largest_boxes_pass)
{
    static char head[HEAD_MAX + 2];
    static uint8_t boxes[BOXES_MAX];
    struct server server;
    struct bus_message message;
    server_start(&server);
    bus_message_init(&message);
    struct bus_socket *dealer = client_start(&server);
    memset(head, 'h', HEAD_MAX);
    send_soon(dealer, head, bytes_of(boxes, sizeof(boxes)));
    assert_true(await(server.router, &message, PATIENCE_MS));
    assert_int_equal(message.fault, BUS_FAULT_NONE);
    assert_int_equal(bus_frame_view(&message.boxes).size, BOXES_MAX);
    head[HEAD_MAX] = 'h';
    send_soon(dealer, head, bytes_of(boxes, 1));
    assert_true(await(server.router, &message, PATIENCE_MS));
    assert_int_equal(message.fault, BUS_FAULT_SIZE);
    assert_int_equal(bus_frame_view(&message.head).size, 0);
    bus_message_fini(&message);
    bus_socket_close(&dealer);
    server_stop(&server);
}

TEST(a_frame_over_the_limit_cuts_the_connection)
{
    struct server server;
    struct bus_monitor *monitor = NULL;
    struct bus_socket *dealer = NULL;
    struct bus_message message;
    server_start(&server);
    struct bus_socket_options options = options_of(&server, BUS_DEALER);
    assert_ok(bus_socket_open(server.context, &options, &dealer, &err));
    assert_ok(bus_monitor_open(server.context, dealer, &monitor, &err));
    assert_ok(bus_socket_connect(dealer, bus_socket_endpoint(server.router), &err));
    uint8_t *boxes = calloc(1, BOXES_MAX + 200);
    assert_non_null(boxes);
    send_soon(dealer, "h", bytes_of(boxes, BOXES_MAX + 200));
    assert_int_equal(await_event(monitor, BUS_EVENT_DISCONNECTED), BUS_EVENT_DISCONNECTED);
    bus_message_init(&message);
    assert_false(await(server.router, &message, 50));
    bus_message_fini(&message);
    free(boxes);
    bus_monitor_close(&monitor);
    bus_socket_close(&dealer);
    server_stop(&server);
}

TEST(sending_to_a_connection_that_has_gone_says_so_and_keeps_the_frames)
{
    struct server server;
    struct bus_message message;
    const struct bus_route nobody = { { 0, 1, 2, 3, 4 } };
    server_start(&server);
    bus_message_init(&message);
    assert_status(ST_CLOSED, send_text(server.router, &nobody, "h", bytes_text("b")));
    struct bus_socket *dealer = client_start(&server);
    send_soon(dealer, "h", bytes_text("b"));
    assert_true(await(server.router, &message, PATIENCE_MS));
    struct bus_route route = message.route;
    assert_ok(send_text(server.router, &route, "h", bytes_text("b")));
    bus_socket_close(&dealer);
    int64_t deadline = clock_monotonic_ms() + PATIENCE_MS;
    enum status status = ST_OK;
    while (status != ST_CLOSED && clock_monotonic_ms() < deadline) {
        assert_false(await(server.router, &message, 5));
        status = send_text(server.router, &route, "h", bytes_text("b"));
    }
    assert_int_equal(status, ST_CLOSED);
    bus_message_fini(&message);
    server_stop(&server);
}

TEST(a_connection_that_does_not_read_is_busy_and_the_frames_stay)
{
    static uint8_t boxes[BOXES_MAX];
    struct server server;
    struct bus_message message;
    server_start(&server);
    bus_message_init(&message);
    struct bus_socket *dealer = client_start(&server);
    send_soon(dealer, "h", bytes_text("b"));
    assert_true(await(server.router, &message, PATIENCE_MS));
    struct bus_route route = message.route;
    enum status status = ST_OK;
    // The marks are small, but the system's buffers take some megabytes first.
    for (int i = 0; status == ST_OK && i < 10000; i++) {
        status = send_text(server.router, &route, "h", bytes_of(boxes, sizeof(boxes)));
    }
    assert_int_equal(status, ST_BUSY);
    bus_message_fini(&message);
    bus_socket_close(&dealer);
    server_stop(&server);
}

TEST(a_client_that_names_its_own_connection_is_not_heard)
{
    struct server server;
    struct bus_message message;
    server_start(&server);
    bus_message_init(&message);
    void *raw = raw_start(&server, "I am the operator", 17);
    raw_send(raw, 2);
    int64_t deadline = clock_monotonic_ms() + PATIENCE_MS;
    while (bus_socket_strangers(server.router) == 0 && clock_monotonic_ms() < deadline) {
        assert_false(await(server.router, &message, 5));
    }
    assert_int_equal(bus_socket_strangers(server.router), 1);
    bus_message_fini(&message);
    zmq_close(raw);
    server_stop(&server);
}

// A squatter takes the routing id that an unseeded library gives to its first connection, then an
// honest client connects. Runs in a process of its own; never returns.
static void squat(bool unseeded)
{
    static char state[128];
    struct server server;
    struct bus_message message;
    server = (struct server){ 0 };
    assert_ok(bus_context_create(1, &server.context, &err));
    assert_ok(bus_key_pair(&server.keys.public_key, server.keys.secret_key, &err));
    assert_ok(bus_key_pair(&server.client.public_key, server.client.secret_key, &err));
    assert_ok(bus_zap_start(server.context, knows, &server, &server.zap, &err));
    if (unseeded) {
        initstate(1, state, sizeof(state)); // as the C library starts
        setstate(state);
    }
    struct bus_socket_options options = options_of(&server, BUS_ROUTER);
    assert_ok(bus_socket_open(server.context, &options, &server.router, &err));
    assert_ok(bus_socket_bind(server.router, "tcp://127.0.0.1:0", &err));
    const uint32_t first = 1804289383; // rand() of an unseeded process
    const uint8_t name[] = { 0, (uint8_t)(first >> 24), (uint8_t)(first >> 16),
                             (uint8_t)(first >> 8), (uint8_t)first };
    void *raw = raw_start(&server, name, sizeof(name));
    raw_send(raw, 2);
    bus_message_init(&message);
    assert_true(await(server.router, &message, PATIENCE_MS));
    struct bus_socket *honest = client_start(&server);
    send_soon(honest, "honest", bytes_text("b"));
    bool heard = await(server.router, &message, PATIENCE_MS) &&
                 bytes_equal_text(bus_frame_view(&message.head), "honest");
    _exit(heard ? 0 : 1);
}

static int run_squat(bool unseeded)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (unseeded && freopen("/dev/null", "w", stderr) == NULL) {
            _exit(2);
        }
        signal(SIGABRT, SIG_DFL);
        alarm(60);
        squat(unseeded);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

TEST(a_squatted_routing_id_stops_an_unseeded_process_and_not_ours)
{
    int unseeded = run_squat(true);
    assert_true(WIFSIGNALED(unseeded) && WTERMSIG(unseeded) == SIGABRT);
    int ours = run_squat(false);
    assert_true(WIFEXITED(ours) && WEXITSTATUS(ours) == 0);
}
