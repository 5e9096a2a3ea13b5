// The queue between threads: bounded, in order, with reserved places, and nothing is lost.
#include "test.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/queue.h"

enum { PRODUCERS = 3, CONSUMERS = 2, ITEMS = 20000 };

static bool readable(struct queue *queue)
{
    struct pollfd fd = { .fd = queue_fd(queue), .events = POLLIN };
    return poll(&fd, 1, 0) == 1;
}

static void *item(uintptr_t number)
{
    return (void *)number; // NOLINT: the queue never looks at it
}

TEST(items_come_out_in_order_and_the_descriptor_tells_when_there_are_any)
{
    struct error err;
    struct queue *queue = NULL;
    assert_ok(queue_create(4, 0, &queue, &err));
    assert_false(readable(queue));
    void *in[] = { item(1), item(2), item(3) };
    void *out[4];
    for (int round = 0; round < 5; round++) {
        assert_int_equal(queue_push(queue, in, 3), 3);
        assert_true(readable(queue));
        assert_int_equal(queue_take(queue, out, 2), 2);
        assert_true(readable(queue));
        assert_int_equal(queue_take(queue, out + 2, 2), 1);
        assert_false(readable(queue));
        assert_ptr_equal(out[0], in[0]);
        assert_ptr_equal(out[2], in[2]);
    }
    queue_destroy(&queue);
    queue_destroy(&queue);
}

TEST(a_full_queue_takes_only_what_may_use_the_reserved_places)
{
    struct error err;
    struct queue *queue = NULL;
    assert_ok(queue_create(4, 1, &queue, &err));
    void *in[] = { item(1), item(2), item(3), item(4), item(5) };
    assert_int_equal(queue_push(queue, in, 5), 3);
    assert_int_equal(queue_push(queue, in, 1), 0);
    assert_int_equal(queue_push_urgent(queue, in + 3, 2), 1);
    assert_int_equal(queue_length(queue), 4);
    void *out[5];
    assert_int_equal(queue_take(queue, out, 5), 4);
    assert_ptr_equal(out[0], in[3]);
    assert_ptr_equal(out[3], in[2]);
    queue_destroy(&queue);
}

TEST(what_is_urgent_comes_out_first_and_in_its_own_order)
{
    struct error err;
    struct queue *queue = NULL;
    assert_ok(queue_create(8, 0, &queue, &err));
    void *in[] = { item(1), item(2), item(3), item(4), item(5), item(6) };
    const uintptr_t expected[] = { 3, 5, 6, 1, 2, 4 };
    void *out[6];
    for (int round = 0; round < 5; round++) { // the rings wrap
        assert_int_equal(queue_push(queue, in, 2), 2);
        assert_int_equal(queue_push_urgent(queue, in + 2, 1), 1);
        assert_int_equal(queue_push(queue, in + 3, 1), 1);
        assert_int_equal(queue_push_urgent(queue, in + 4, 2), 2);
        assert_int_equal(queue_take(queue, out, 1), 1);
        assert_true(readable(queue));
        assert_int_equal(queue_take(queue, out + 1, 4), 4);
        assert_true(readable(queue));
        assert_int_equal(queue_take(queue, out + 5, 1), 1);
        assert_false(readable(queue));
        for (size_t i = 0; i < ARRAY_COUNT(expected); i++) {
            assert_ptr_equal(out[i], item(expected[i]));
        }
    }
    queue_destroy(&queue);
}

TEST(a_closed_queue_takes_nothing_more_and_gives_what_it_has)
{
    struct error err;
    struct queue *queue = NULL;
    assert_ok(queue_create(4, 0, &queue, &err));
    void *in[] = { item(1) };
    void *out[4];
    assert_int_equal(queue_push(queue, in, 1), 1);
    queue_close(queue);
    assert_true(queue_is_closed(queue));
    assert_int_equal(queue_push(queue, in, 1), 0);
    assert_int_equal(queue_wait(queue, out, 4, -1), 1);
    assert_int_equal(queue_wait(queue, out, 4, -1), 0);
    assert_true(readable(queue));
    queue_destroy(&queue);
}

TEST(waiting_ends_at_its_deadline)
{
    struct error err;
    struct queue *queue = NULL;
    assert_ok(queue_create(4, 0, &queue, &err));
    void *out[1];
    int64_t deadline_ms = clock_monotonic_ms() + 20;
    assert_int_equal(queue_wait(queue, out, 1, deadline_ms), 0);
    assert_true(clock_monotonic_ms() >= deadline_ms);
    queue_destroy(&queue);
}

struct shared {
    struct queue *queue;
    atomic_size_t taken[PRODUCERS * ITEMS];
    atomic_size_t total;
};

struct producer {
    struct shared *shared;
    uintptr_t first;
};

static void *produce(void *argument)
{
    const struct producer *producer = argument;
    uintptr_t next = 0;
    while (next < ITEMS) {
        void *batch[16];
        size_t count = 0;
        while (count < 16 && next + count < ITEMS) {
            batch[count] = item(producer->first + next + count + 1);
            count++;
        }
        next += queue_push(producer->shared->queue, batch, count);
    }
    return NULL;
}

static void *consume(void *argument)
{
    struct shared *shared = argument;
    void *batch[8];
    size_t count = 0;
    while ((count = queue_wait(shared->queue, batch, 8, -1)) > 0) {
        for (size_t i = 0; i < count; i++) {
            atomic_fetch_add(&shared->taken[(uintptr_t)batch[i] - 1], 1);
        }
        atomic_fetch_add(&shared->total, count);
    }
    return NULL;
}

TEST(every_item_of_several_producers_reaches_one_consumer_once)
{
    static struct shared shared;
    struct error err;
    assert_ok(queue_create(64, 0, &shared.queue, &err));
    pthread_t producers[PRODUCERS];
    pthread_t consumers[CONSUMERS];
    struct producer arguments[PRODUCERS];
    for (size_t i = 0; i < CONSUMERS; i++) {
        assert_int_equal(pthread_create(&consumers[i], NULL, consume, &shared), 0);
    }
    for (size_t i = 0; i < PRODUCERS; i++) {
        arguments[i] = (struct producer){ .shared = &shared, .first = i * ITEMS };
        assert_int_equal(pthread_create(&producers[i], NULL, produce, &arguments[i]), 0);
    }
    for (size_t i = 0; i < PRODUCERS; i++) {
        pthread_join(producers[i], NULL);
    }
    queue_close(shared.queue);
    for (size_t i = 0; i < CONSUMERS; i++) {
        pthread_join(consumers[i], NULL);
    }
    assert_int_equal(atomic_load(&shared.total), PRODUCERS * ITEMS);
    for (size_t i = 0; i < PRODUCERS * ITEMS; i++) {
        assert_int_equal(atomic_load(&shared.taken[i]), 1);
    }
    queue_destroy(&shared.queue);
}

TEST(whoever_asks_for_the_descriptor_late_is_told_of_what_waits_already)
{
    struct error err;
    struct queue *queue = NULL;
    void *in[] = { item(1) };
    void *out[1];
    assert_ok(queue_create(4, 0, &queue, &err));
    assert_int_equal(queue_push(queue, in, 1), 1);
    assert_true(readable(queue));
    assert_int_equal(queue_take(queue, out, 1), 1);
    assert_false(readable(queue));
    queue_close(queue);
    assert_true(readable(queue));
    queue_destroy(&queue);
}

// Takes as the router does: polls, then takes without waiting. A poll that tells nothing for so
// long has missed an item.
static void poll_and_take(struct shared *shared, size_t wanted, size_t *idle)
{
    enum { LOST_MS = 20 * 1000 };
    struct pollfd fd = { .fd = queue_fd(shared->queue), .events = POLLIN };
    while (atomic_load(&shared->total) < wanted) {
        void *batch[8];
        assert_int_equal(poll(&fd, 1, LOST_MS), 1);
        size_t count = queue_take(shared->queue, batch, 8);
        *idle += count == 0 ? 1 : 0;
        for (size_t i = 0; i < count; i++) {
            atomic_fetch_add(&shared->taken[(uintptr_t)batch[i] - 1], 1);
        }
        atomic_fetch_add(&shared->total, count);
    }
}

TEST(whoever_polls_misses_nothing_and_comes_to_rest_when_nothing_is_left)
{
    static struct shared shared;
    struct error err;
    assert_ok(queue_create(64, 0, &shared.queue, &err));
    pthread_t producers[PRODUCERS];
    struct producer arguments[PRODUCERS];
    size_t idle = 0;
    for (size_t i = 0; i < PRODUCERS; i++) {
        arguments[i] = (struct producer){ .shared = &shared, .first = i * ITEMS };
        assert_int_equal(pthread_create(&producers[i], NULL, produce, &arguments[i]), 0);
    }
    poll_and_take(&shared, PRODUCERS * ITEMS, &idle);
    for (size_t i = 0; i < PRODUCERS; i++) {
        pthread_join(producers[i], NULL);
    }
    void *out[1];
    (void)queue_take(shared.queue, out, 1); // a write that came late
    assert_false(readable(shared.queue));
    assert_true(idle <= PRODUCERS * ITEMS); // at most one for each push
    queue_destroy(&shared.queue);
}
