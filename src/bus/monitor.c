// A DEALER's connection as libzmq reports it.
#include "bus/monitor.h"

#include <stdio.h>
#include <stdlib.h>

#include <zmq.h>

#include "bus/handle.h"

enum {
    MONITORED = ZMQ_EVENT_CONNECTED | ZMQ_EVENT_CLOSED | ZMQ_EVENT_DISCONNECTED |
                ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH,
    EVENT_BYTES = 6, // u16 event, u32 value, both in the machine's order
    MONITOR_HWM = 100
};

struct bus_monitor {
    void *watched; // the socket
    void *library; // where its events come in
    bool connected;
    bool ready;
};

enum status bus_monitor_open(struct bus_context *context, struct bus_socket *socket,
                             struct bus_monitor **monitor, struct error *err)
{
    struct bus_monitor *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return error_set(err, ST_NOMEM, "no memory for a monitor");
    }
    char name[64];
    snprintf(name, sizeof(name), "inproc://monitor-%u", atomic_fetch_add(&context->monitors, 1));
    made->watched = bus_socket_handle(socket);
    made->library = zmq_socket(context->library, ZMQ_PAIR);
    int linger = 0;
    int hwm = MONITOR_HWM;
    if (made->library == NULL ||
        zmq_setsockopt(made->library, ZMQ_LINGER, &linger, sizeof(linger)) != 0 ||
        zmq_setsockopt(made->library, ZMQ_SNDHWM, &hwm, sizeof(hwm)) != 0 ||
        zmq_setsockopt(made->library, ZMQ_RCVHWM, &hwm, sizeof(hwm)) != 0 ||
        zmq_socket_monitor(made->watched, name, MONITORED) != 0 ||
        zmq_connect(made->library, name) != 0) {
        enum status status = bus_failure(err, "watching a connection");
        bus_monitor_close(&made);
        return status;
    }
    *monitor = made;
    return ST_OK;
}

void bus_monitor_close(struct bus_monitor **monitor)
{
    if (*monitor == NULL) {
        return;
    }
    zmq_socket_monitor((*monitor)->watched, NULL, 0);
    if ((*monitor)->library != NULL) {
        zmq_close((*monitor)->library);
    }
    free(*monitor);
    *monitor = NULL;
}

static enum bus_event translate(struct bus_monitor *monitor, uint16_t event)
{
    switch (event) {
    case ZMQ_EVENT_CONNECTED:
        monitor->connected = true;
        return BUS_EVENT_CONNECTED;
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        monitor->ready = true;
        return BUS_EVENT_READY;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        return BUS_EVENT_KEY_REFUSED;
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
        return BUS_EVENT_HANDSHAKE;
    case ZMQ_EVENT_DISCONNECTED:
        return monitor->ready ? BUS_EVENT_DISCONNECTED : BUS_EVENT_HANDSHAKE;
    case ZMQ_EVENT_CLOSED:
        return monitor->connected ? BUS_EVENT_DISCONNECTED : BUS_EVENT_UNREACHABLE;
    default:
        return BUS_EVENT_NONE;
    }
}

enum bus_event bus_monitor_next(struct bus_monitor *monitor)
{
    for (;;) {
        uint8_t frame[EVENT_BYTES] = { 0 };
        uint8_t address[256];
        if (zmq_recv(monitor->library, frame, sizeof(frame), ZMQ_DONTWAIT) < 0 ||
            zmq_recv(monitor->library, address, sizeof(address), ZMQ_DONTWAIT) < 0) {
            return BUS_EVENT_NONE;
        }
        uint16_t event = 0;
        memcpy(&event, frame, sizeof(event));
        enum bus_event translated = translate(monitor, event);
        if (translated != BUS_EVENT_NONE) {
            return translated;
        }
    }
}

void *bus_monitor_handle(const struct bus_monitor *monitor)
{
    return monitor->library;
}
