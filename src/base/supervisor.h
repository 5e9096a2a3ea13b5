// What a program that runs until it is told to end owes to whoever started it: its memory stays its
// own, it says when it serves and when it ends, and it ends when asked to. systemd, by
// sd_notify(3); a terminal; another program of ours, by a descriptor.
#pragma once

#include "base/error.h"

// For a process that holds keys or citizens' identifiers: no core dump holds its memory, and no
// other user's debugger reads it.
void supervisor_protect_memory(void);

// Before any thread starts and any key is read: protects the memory, gives what was large back to
// the system once it is freed, lets the process have as many descriptors as it may, and makes
// SIGTERM and SIGINT wait for supervisor_serve(). A peer that has gone is an error of a write, not
// a signal.
void supervisor_begin(void);

// Once all is open and served: says so (READY=1 to the supervisor, "ready\n" to `ready_fd`), waits
// for SIGTERM, SIGINT or for `stop_fd` to become readable, and says that the program ends
// (STOPPING=1). -1: no such descriptor. Main thread, once, after supervisor_begin(). ST_IO: it
// could not wait, and has said nothing.
NODISCARD enum status supervisor_serve(int ready_fd, int stop_fd, struct error *err);
