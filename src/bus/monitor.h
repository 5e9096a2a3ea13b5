// What happens to a DEALER's connection. For back-off and for a clear word to the operator, never
// for correctness. Same thread as its socket.
#pragma once

#include "bus/socket.h"

struct bus_monitor;

enum bus_event {
    BUS_EVENT_NONE = 0,
    BUS_EVENT_CONNECTED,   // TCP stands, the handshake begins
    BUS_EVENT_READY,       // handshake done, the key was accepted
    BUS_EVENT_UNREACHABLE, // nobody listens there, or the name does not resolve
    BUS_EVENT_KEY_REFUSED, // the broker's ZAP handler turned our key away
    BUS_EVENT_HANDSHAKE,   // the handshake failed: another server key than the card's, no CURVE
    BUS_EVENT_DISCONNECTED // it was cut
};

// Watches `socket` from before its connect on. Close the monitor before the socket.
NODISCARD enum status bus_monitor_open(struct bus_context *context, struct bus_socket *socket,
                                       struct bus_monitor **monitor, struct error *err);
void bus_monitor_close(struct bus_monitor **monitor);

// The next event that waits; BUS_EVENT_NONE when there is none. Never waits.
enum bus_event bus_monitor_next(struct bus_monitor *monitor);
