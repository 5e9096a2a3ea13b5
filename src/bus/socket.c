// Sockets. Every option is set here and nowhere else.
//
// Invariants: a message that is handed out has come whole; on a ROUTER it carries the key that the
// ZAP handler admitted, or the fault BUS_FAULT_KEY; routes are the library's own five bytes, and
// whatever came from a client that named its connection itself is dropped.
#include "bus/socket.h"

#include <errno.h>
#include <stdlib.h>

#include <zmq.h>

#include "base/text.h"
#include "bus/handle.h"

enum {
    CURVE_OVERHEAD = 64,   // what encryption adds to a frame, and a little
    HEARTBEATS_MISSED = 3, // before a connection is cut
    ENDPOINT_BYTES = 256
};

struct bus_socket {
    struct bus_context *context;
    void *library;
    enum bus_kind kind;
    size_t head_max_bytes;
    size_t boxes_max_bytes;
    uint64_t strangers;
    char endpoint[ENDPOINT_BYTES];
};

struct option {
    int name;
    int value;
};

static bool set_all(void *library, const struct option *options, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (zmq_setsockopt(library, options[i].name, &options[i].value, sizeof(int)) != 0) {
            return false;
        }
    }
    return true;
}

static bool set_key(void *library, int name, const void *key)
{
    return zmq_setsockopt(library, name, key, DIGEST_BYTES) == 0;
}

static bool set_options(void *library, const struct bus_socket_options *o)
{
    const struct option common[] = {
        { ZMQ_LINGER, o->linger_ms },
        { ZMQ_SNDHWM, o->send_hwm },
        { ZMQ_RCVHWM, o->receive_hwm },
        { ZMQ_HANDSHAKE_IVL, o->handshake_ms },
        { ZMQ_HEARTBEAT_IVL, o->heartbeat_ms },
        { ZMQ_HEARTBEAT_TIMEOUT, HEARTBEATS_MISSED * o->heartbeat_ms },
        { ZMQ_HEARTBEAT_TTL, HEARTBEATS_MISSED * o->heartbeat_ms },
        { ZMQ_IPV6, 1 },
    };
    size_t largest =
        o->boxes_max_bytes > o->head_max_bytes ? o->boxes_max_bytes : o->head_max_bytes;
    int64_t frame_max = (int64_t)largest + CURVE_OVERHEAD;
    if (!set_all(library, common, ARRAY_COUNT(common)) ||
        zmq_setsockopt(library, ZMQ_MAXMSGSIZE, &frame_max, sizeof(frame_max)) != 0 ||
        !set_key(library, ZMQ_CURVE_SECRETKEY, o->secret_key)) {
        return false;
    }
    if (o->kind == BUS_ROUTER) {
        static const char domain[] = "vedomo";
        const struct option router[] = {
            { ZMQ_ROUTER_MANDATORY, 1 },
            { ZMQ_ROUTER_HANDOVER, 0 },
            { ZMQ_BACKLOG, o->backlog },
            { ZMQ_CURVE_SERVER, 1 },
        };
        return set_all(library, router, ARRAY_COUNT(router)) &&
               zmq_setsockopt(library, ZMQ_ZAP_DOMAIN, domain, strlen(domain)) == 0;
    }
    const struct option dealer[] = {
        { ZMQ_RECONNECT_IVL, -1 },
        { ZMQ_CONNECT_TIMEOUT, o->handshake_ms },
        { ZMQ_IMMEDIATE, 1 },
    };
    return set_all(library, dealer, ARRAY_COUNT(dealer)) &&
           set_key(library, ZMQ_CURVE_PUBLICKEY, o->public_key.bytes) &&
           set_key(library, ZMQ_CURVE_SERVERKEY, o->server_key.bytes);
}

enum status bus_socket_open(struct bus_context *context, const struct bus_socket_options *options,
                            struct bus_socket **socket, struct error *err)
{
    struct bus_socket *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return error_set(err, ST_NOMEM, "no memory for a socket");
    }
    made->context = context;
    made->kind = options->kind;
    made->head_max_bytes = options->head_max_bytes;
    made->boxes_max_bytes = options->boxes_max_bytes;
    made->library =
        zmq_socket(context->library, options->kind == BUS_ROUTER ? ZMQ_ROUTER : ZMQ_DEALER);
    if (made->library == NULL || !set_options(made->library, options)) {
        enum status status = bus_failure(err, "opening a socket");
        bus_socket_close(&made);
        return status;
    }
    *socket = made;
    return ST_OK;
}

void bus_socket_close(struct bus_socket **socket)
{
    if (*socket == NULL) {
        return;
    }
    if ((*socket)->library != NULL) {
        zmq_close((*socket)->library);
    }
    free(*socket);
    *socket = NULL;
}

enum status bus_socket_bind(struct bus_socket *socket, const char *endpoint, struct error *err)
{
    if (!atomic_load(&socket->context->zap)) {
        return error_set(err, ST_DENIED, "endpoint '%s': no handler decides who may connect",
                         endpoint);
    }
    if (zmq_bind(socket->library, endpoint) != 0) {
        enum status status = bus_failure(err, endpoint);
        error_wrap(err, "endpoint");
        return status;
    }
    size_t size = sizeof(socket->endpoint);
    if (zmq_getsockopt(socket->library, ZMQ_LAST_ENDPOINT, socket->endpoint, &size) != 0) {
        return bus_failure(err, endpoint);
    }
    return ST_OK;
}

const char *bus_socket_endpoint(struct bus_socket *socket)
{
    return socket->endpoint;
}

enum status bus_socket_connect(struct bus_socket *socket, const char *endpoint, struct error *err)
{
    if (zmq_connect(socket->library, endpoint) != 0) {
        enum status status = bus_failure(err, endpoint);
        error_wrap(err, "broker's endpoint");
        return status;
    }
    return ST_OK;
}

static zmq_msg_t *inside(struct bus_frame *frame)
{
    return (zmq_msg_t *)(void *)frame->storage;
}

enum taken { TAKEN_NOTHING, TAKEN_MESSAGE, TAKEN_STRANGER, TAKEN_FAILED };

static enum taken take_frame(struct bus_socket *socket, struct bus_frame *frame)
{
    if (zmq_msg_recv(inside(frame), socket->library, ZMQ_DONTWAIT) >= 0) {
        return TAKEN_MESSAGE;
    }
    return zmq_errno() == EAGAIN || zmq_errno() == EINTR ? TAKEN_NOTHING : TAKEN_FAILED;
}

// Takes the frames behind `frame`, as far as there are any, and lets them go.
static void drain(struct bus_socket *socket, struct bus_frame *frame)
{
    struct bus_frame rest;
    bus_frame_init(&rest);
    bool more = zmq_msg_more(inside(frame));
    while (more && take_frame(socket, &rest) == TAKEN_MESSAGE) {
        more = zmq_msg_more(inside(&rest));
    }
    bus_frame_fini(&rest);
}

static enum taken take_route(struct bus_socket *socket, struct bus_route *route)
{
    struct bus_frame frame;
    bus_frame_init(&frame);
    enum taken taken = take_frame(socket, &frame);
    struct bytes name = bus_frame_view(&frame);
    if (taken == TAKEN_MESSAGE && name.size == BUS_ROUTE_BYTES && name.data[0] == 0) {
        memcpy(route->bytes, name.data, BUS_ROUTE_BYTES);
    } else if (taken == TAKEN_MESSAGE) {
        drain(socket, &frame);
        socket->strangers++;
        taken = TAKEN_STRANGER;
    }
    bus_frame_fini(&frame);
    return taken;
}

// The key as the ZAP handler gave it: a property of a frame behind the first (the first one's are
// lost after a poll).
static bool take_key(struct bus_frame *frame, struct digest *key)
{
    const char *user = zmq_msg_gets(inside(frame), "User-Id");
    return user != NULL && text_hex_decode(bytes_text(user), key->bytes, DIGEST_BYTES);
}

// What follows the head, which is there.
static enum bus_fault take_rest(struct bus_socket *socket, struct bus_message *message)
{
    bool keyed = socket->kind == BUS_DEALER || take_key(&message->head, &message->key);
    bool framed = zmq_msg_more(inside(&message->head)) &&
                  take_frame(socket, &message->boxes) == TAKEN_MESSAGE;
    if (framed && zmq_msg_more(inside(&message->boxes))) {
        drain(socket, &message->boxes);
        framed = false;
    }
    if (!keyed) {
        return BUS_FAULT_KEY;
    }
    if (!framed) {
        return BUS_FAULT_FRAMES;
    }
    bool fits = bus_frame_view(&message->head).size <= socket->head_max_bytes &&
                bus_frame_view(&message->boxes).size <= socket->boxes_max_bytes;
    return fits ? BUS_FAULT_NONE : BUS_FAULT_SIZE;
}

static enum taken take_message(struct bus_socket *socket, struct bus_message *message)
{
    bus_message_fini(message);
    message->route = (struct bus_route){ 0 };
    message->key = (struct digest){ 0 };
    enum taken taken = TAKEN_MESSAGE;
    if (socket->kind == BUS_ROUTER) {
        taken = take_route(socket, &message->route);
    }
    if (taken == TAKEN_MESSAGE) {
        taken = take_frame(socket, &message->head);
    }
    if (taken == TAKEN_MESSAGE) {
        message->fault = take_rest(socket, message);
        if (message->fault != BUS_FAULT_NONE) {
            bus_message_fini(message);
        }
    }
    return taken;
}

enum status bus_socket_receive(struct bus_socket *socket, struct bus_message *messages, size_t max,
                               size_t *count, struct error *err)
{
    size_t done = 0;
    for (size_t i = 0; i < max; i++) {
        enum taken taken = take_message(socket, &messages[done]);
        if (taken == TAKEN_FAILED) {
            return bus_failure(err, "receiving");
        }
        if (taken == TAKEN_NOTHING) {
            break;
        }
        done += taken == TAKEN_MESSAGE;
    }
    *count = done;
    return ST_OK;
}

uint64_t bus_socket_strangers(const struct bus_socket *socket)
{
    return socket->strangers;
}

// Sends head and boxes; on failure both are as they were.
static bool send_body(struct bus_socket *socket, struct bus_frame *head, struct bus_frame *boxes)
{
    struct bus_frame kept;
    bus_frame_init(&kept);
    bus_frame_share(&kept, head);
    bool sent = zmq_msg_send(inside(head), socket->library, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0;
    if (sent && zmq_msg_send(inside(boxes), socket->library, ZMQ_DONTWAIT) < 0) {
        // The connection went away between the two; the library has taken the first one back out.
        bus_frame_move(head, &kept);
        sent = false;
    }
    int code = zmq_errno();
    bus_frame_fini(&kept);
    errno = code;
    return sent;
}

enum status bus_socket_send(struct bus_socket *socket, const struct bus_route *route,
                            struct bus_frame *head, struct bus_frame *boxes, struct error *err)
{
    if (route != NULL && zmq_send(socket->library, route->bytes, sizeof(route->bytes),
                                  ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0) {
        return bus_failure(err, "sending");
    }
    return send_body(socket, head, boxes) ? ST_OK : bus_failure(err, "sending");
}

enum status bus_key_pair(struct digest *public_key, uint8_t secret_key[DIGEST_BYTES],
                         struct error *err)
{
    enum { Z85_BYTES = 41 };
    char public_text[Z85_BYTES];
    char secret_text[Z85_BYTES];
    struct digest made;
    if (zmq_curve_keypair(public_text, secret_text) != 0) {
        return bus_failure(err, "drawing a CURVE key");
    }
    bool decoded = zmq_z85_decode(made.bytes, public_text) != NULL &&
                   zmq_z85_decode(secret_key, secret_text) != NULL;
    explicit_bzero(secret_text, sizeof(secret_text));
    if (!decoded) {
        return error_set(err, ST_IO, "drawing a CURVE key: not what was expected");
    }
    *public_key = made;
    return ST_OK;
}

void *bus_socket_handle(const struct bus_socket *socket)
{
    return socket->library;
}
