// A bounded queue of pointers between threads: any number of producers, one or more consumers, in
// order; what is urgent has a lane of its own and comes out first. Meant to be filled and drained
// in batches. An eventfd tells a poller that there is something to take.
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queue;

// At most `capacity` items wait; `reserved` of those places only queue_push_urgent() may take.
NODISCARD enum status queue_create(size_t capacity, size_t reserved, struct queue **queue,
                                   struct error *err);

// Items that still wait stay the caller's: drain first. No push may be under way.
void queue_destroy(struct queue **queue);

// Puts up to `count` items in, in order; returns how many went in (fewer: the queue is full, or
// closed). Items that went in belong to the queue.
size_t queue_push(struct queue *queue, void *const *items, size_t count);

// The same before all that is not urgent, in order among themselves, and with the reserved places:
// for withdrawals, revocations and their like.
size_t queue_push_urgent(struct queue *queue, void *const *items, size_t count);

// Takes up to `max` items without waiting; returns how many.
size_t queue_take(struct queue *queue, void **items, size_t max);

// As queue_take(), but waits for the first item until `deadline_ms` (monotonic; -1: for ever).
// 0: the deadline passed, or the queue is closed and empty.
size_t queue_wait(struct queue *queue, void **items, size_t max, int64_t deadline_ms);

// No more pushes; waiting consumers wake. What waits can still be taken.
void queue_close(struct queue *queue);
bool queue_is_closed(struct queue *queue);

size_t queue_length(struct queue *queue);

// Readable while items wait or the queue is closed, from the first call on; now and then it is once
// more after the last item was taken, so whoever polls it takes without waiting. Owned by the
// queue.
int queue_fd(struct queue *queue);
