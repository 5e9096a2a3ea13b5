// What the sockets of a process share. The only thing of this module that threads share.
#pragma once

#include "base/error.h"

struct bus_context;

// Makes the context and seeds the C library's rand() from the system's randomness first: libzmq
// draws routing ids from it, and whoever can guess the next one can stop a ROUTER.
NODISCARD enum status bus_context_create(int io_threads, struct bus_context **context,
                                         struct error *err);

// Every socket and the ZAP thread of the context must be closed already, else this waits for them.
void bus_context_destroy(struct bus_context **context);
