// A thread that says READY, or why not, before its start returns. No detached threads.
#pragma once

#include "base/error.h"

#include <stdint.h>

struct thread;

// What the thread runs. It calls thread_ready() once its resources are open (ST_OK), or with the
// reason why they are not, and then returns.
typedef void (*thread_function)(struct thread *thread, void *argument);

// Starts a thread named `name` (at most 15 bytes) and waits until it is ready. On failure the
// thread has ended already.
NODISCARD enum status thread_start(const char *name, thread_function function, void *argument,
                                   struct thread **thread, struct error *err);

// Called by the thread itself, once.
void thread_ready(struct thread *thread, enum status status, const struct error *err);

// Waits for the thread's end. The caller has told it to stop already.
void thread_join(struct thread **thread);

// From here on the calling thread gets what time the others leave it.
void thread_give_way(void);

// From here on the calling thread gets a third of what another one gets where both want the
// processor: for threads that compute for long, so that those which others wait for come before.
void thread_stand_back(void);

// From here on the calling thread, and those that it starts, get the processor sooner when they
// wake, and keep it for a shorter time: for threads that others wait for. Its share stays the same.
void thread_wake_soon(void);

// CPU time that the thread has used, in nanoseconds; 0 when it cannot be told.
int64_t thread_cpu_ns(const struct thread *thread);
