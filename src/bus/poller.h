// Waits for sockets and file descriptors (the eventfds of base/queue.h, a signalfd) at once. One
// thread.
#pragma once

#include "bus/monitor.h"
#include "bus/socket.h"

struct bus_poller;

// Room for `max` things to wait for.
NODISCARD enum status bus_poller_create(size_t max, struct bus_poller **poller, struct error *err);
void bus_poller_destroy(struct bus_poller **poller);

// `tag` comes back from bus_poller_wait(), at most 63. ST_FULL: no room left. A socket is taken out
// before it is closed.
NODISCARD enum status bus_poller_add_socket(struct bus_poller *poller, struct bus_socket *socket,
                                            unsigned tag, struct error *err);
NODISCARD enum status bus_poller_add_monitor(struct bus_poller *poller, struct bus_monitor *monitor,
                                             unsigned tag, struct error *err);
NODISCARD enum status bus_poller_add_fd(struct bus_poller *poller, int fd, unsigned tag,
                                        struct error *err);

// Takes out whatever has this tag.
void bus_poller_remove(struct bus_poller *poller, unsigned tag);

// Waits until something can be read or the deadline passes (monotonic milliseconds; -1: for ever;
// 0: looks only). *ready has bit `tag` set for each; 0 after the deadline, or a signal.
NODISCARD enum status bus_poller_wait(struct bus_poller *poller, int64_t deadline_ms,
                                      uint64_t *ready, struct error *err);
