// The queue: two rings under one mutex, one for what is urgent. The eventfd is written only for a
// queue that somebody polls, when it turns non-empty, and read only when it turns empty, so a batch
// costs one system call at each end at most. It is written after the mutex was let go: whoever it
// wakes would otherwise run into the mutex, and be woken a second time.
#include "base/queue.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct ring {
    void **items; // as many places as the queue has
    size_t first;
    size_t length;
};

enum { LANE_URGENT, LANE_ORDINARY, LANE_COUNT }; // in the order in which they are emptied

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct ring lanes[LANE_COUNT];
    size_t capacity;
    size_t reserved;
    size_t length;  // of both lanes
    size_t waiting; // consumers inside queue_wait()
    int fd;
    bool watched;   // somebody has asked for the eventfd
    bool signalled; // the eventfd is readable, or whoever has set this is about to make it so
    bool closed;
};

enum status queue_create(size_t capacity, size_t reserved, struct queue **queue, struct error *err)
{
    struct queue *q = calloc(1, sizeof(*q));
    void **items = calloc(LANE_COUNT * capacity, sizeof(*items));
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (q == NULL || items == NULL || fd < 0) {
        enum status status = fd < 0 ? error_errno(err, ST_IO, "queue: eventfd")
                                    : error_set(err, ST_NOMEM, "queue of %zu: no memory", capacity);
        if (fd >= 0) {
            close(fd);
        }
        free(items);
        free(q);
        return status;
    }
    for (size_t i = 0; i < LANE_COUNT; i++) {
        q->lanes[i].items = items + i * capacity;
    }
    q->capacity = capacity;
    q->reserved = reserved;
    q->fd = fd;
    pthread_mutex_init(&q->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&q->filled, &attributes);
    pthread_condattr_destroy(&attributes);
    *queue = q;
    return ST_OK;
}

void queue_destroy(struct queue **queue)
{
    struct queue *q = *queue;
    if (q == NULL) {
        return;
    }
    pthread_cond_destroy(&q->filled);
    pthread_mutex_destroy(&q->lock);
    close(q->fd);
    free(q->lanes[0].items);
    free(q);
    *queue = NULL;
}

// With the lock held. True: the caller has to write the eventfd.
static bool has_to_signal(struct queue *q)
{
    bool due = q->watched && !q->signalled && (q->length > 0 || q->closed);
    q->signalled = q->signalled || due;
    return due;
}

static void signal_fd(const struct queue *q)
{
    uint64_t value = 1;
    ssize_t done = write(q->fd, &value, sizeof(value));
    (void)done; // cannot fail: the counter is 0 or 1 and the descriptor is ours
}

// With the lock held. Where the write is still to come, the next one that finds nothing reads it.
static void clear_fd(struct queue *q)
{
    uint64_t value;
    if (q->signalled && read(q->fd, &value, sizeof(value)) == (ssize_t)sizeof(value)) {
        q->signalled = false;
    }
}

static size_t push(struct queue *q, struct ring *lane, void *const *items, size_t count,
                   size_t places)
{
    pthread_mutex_lock(&q->lock);
    size_t pushed = 0;
    while (!q->closed && pushed < count && q->length < places) {
        lane->items[(lane->first + lane->length) % q->capacity] = items[pushed++];
        lane->length++;
        q->length++;
    }
    bool signals = pushed > 0 && has_to_signal(q);
    bool wake = pushed > 0 && q->waiting > 0;
    pthread_mutex_unlock(&q->lock);
    if (signals) {
        signal_fd(q);
    }
    if (wake) {
        pthread_cond_signal(&q->filled);
    }
    return pushed;
}

size_t queue_push(struct queue *queue, void *const *items, size_t count)
{
    return push(queue, &queue->lanes[LANE_ORDINARY], items, count,
                queue->capacity - queue->reserved);
}

size_t queue_push_urgent(struct queue *queue, void *const *items, size_t count)
{
    return push(queue, &queue->lanes[LANE_URGENT], items, count, queue->capacity);
}

// With the lock held.
static size_t take(struct queue *q, void **items, size_t max)
{
    size_t taken = 0;
    for (struct ring *lane = q->lanes; lane < q->lanes + LANE_COUNT; lane++) {
        while (taken < max && lane->length > 0) {
            items[taken++] = lane->items[lane->first];
            lane->first = (lane->first + 1) % q->capacity;
            lane->length--;
        }
    }
    q->length -= taken;
    if (q->length == 0 && !q->closed) {
        clear_fd(q);
    } else if (q->length > 0 && q->waiting > 0) {
        pthread_cond_signal(&q->filled);
    }
    return taken;
}

size_t queue_take(struct queue *queue, void **items, size_t max)
{
    pthread_mutex_lock(&queue->lock);
    size_t taken = take(queue, items, max);
    pthread_mutex_unlock(&queue->lock);
    return taken;
}

size_t queue_wait(struct queue *queue, void **items, size_t max, int64_t deadline_ms)
{
    struct timespec until = { .tv_sec = deadline_ms / 1000,
                              .tv_nsec = deadline_ms % 1000 * 1000000 };
    pthread_mutex_lock(&queue->lock);
    queue->waiting++;
    int timed_out = 0;
    while (queue->length == 0 && !queue->closed && timed_out == 0) {
        if (deadline_ms < 0) {
            pthread_cond_wait(&queue->filled, &queue->lock);
        } else {
            timed_out = pthread_cond_timedwait(&queue->filled, &queue->lock, &until);
        }
    }
    queue->waiting--;
    size_t taken = take(queue, items, max);
    pthread_mutex_unlock(&queue->lock);
    return taken;
}

void queue_close(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->closed = true;
    bool signals = has_to_signal(queue);
    pthread_mutex_unlock(&queue->lock);
    if (signals) {
        signal_fd(queue);
    }
    pthread_cond_broadcast(&queue->filled);
}

bool queue_is_closed(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    bool closed = queue->closed;
    pthread_mutex_unlock(&queue->lock);
    return closed;
}

size_t queue_length(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    size_t length = queue->length;
    pthread_mutex_unlock(&queue->lock);
    return length;
}

int queue_fd(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->watched = true;
    bool signals = has_to_signal(queue);
    pthread_mutex_unlock(&queue->lock);
    if (signals) {
        signal_fd(queue);
    }
    return queue->fd;
}
