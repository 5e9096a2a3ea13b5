// What the files of this module share about one another's structs. Nobody else includes it.
#pragma once

#include "bus/monitor.h"

#include <stdatomic.h>

struct bus_context {
    void *library;        // the library's context
    atomic_bool zap;      // a ZAP handler is answering
    atomic_uint monitors; // names given to monitors so far
};

// The library's socket behind each, for the poller.
void *bus_socket_handle(const struct bus_socket *socket);
void *bus_monitor_handle(const struct bus_monitor *monitor);

// The library's errno as a status, with the message "what: why".
enum status bus_failure(struct error *err, const char *what);
