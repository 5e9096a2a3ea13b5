// Waiting, and frames on their own.
#include "test.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "bus/poller.h"

static struct error err; // of the running test

TEST(the_poller_tells_which_of_its_things_is_ready)
{
    struct bus_poller *poller = NULL;
    uint64_t ready = 1;
    int quiet = eventfd(0, EFD_NONBLOCK);
    int loud = eventfd(1, EFD_NONBLOCK);
    assert_ok(bus_poller_create(2, &poller, &err));
    assert_ok(bus_poller_wait(poller, 0, &ready, &err));
    assert_int_equal(ready, 0);
    assert_ok(bus_poller_add_fd(poller, quiet, 0, &err));
    assert_ok(bus_poller_add_fd(poller, loud, 63, &err));
    assert_status(ST_FULL, bus_poller_add_fd(poller, loud, 2, &err));
    assert_ok(bus_poller_wait(poller, -1, &ready, &err));
    assert_true(ready == UINT64_C(1) << 63);
    bus_poller_remove(poller, 63);
    assert_status(ST_USAGE, bus_poller_add_fd(poller, loud, 64, &err));
    int64_t start = clock_monotonic_ms();
    assert_ok(bus_poller_wait(poller, start + 30, &ready, &err));
    assert_int_equal(ready, 0);
    assert_true(clock_monotonic_ms() >= start + 30);
    assert_ok(bus_poller_wait(poller, start - 1000, &ready, &err));
    bus_poller_destroy(&poller);
    bus_poller_destroy(&poller);
    close(quiet);
    close(loud);
}

TEST(a_shared_frame_outlives_the_one_it_came_from)
{
    struct bus_frame first;
    struct bus_frame second;
    struct bus_frame third;
    uint8_t *data = NULL;
    assert_ok(bus_frame_make(&first, 5000, &data, &err));
    memset(data, 7, 5000);
    bus_frame_init(&second);
    bus_frame_init(&third);
    bus_frame_share(&second, &first);
    assert_ptr_equal(bus_frame_view(&first).data, bus_frame_view(&second).data);
    bus_frame_fini(&first);
    bus_frame_move(&third, &second);
    assert_int_equal(bus_frame_view(&second).size, 0);
    assert_int_equal(bus_frame_view(&third).size, 5000);
    assert_int_equal(bus_frame_view(&third).data[4999], 7);
    bus_frame_fini(&third);
    bus_frame_fini(&third);
    bus_frame_fini(&second);
}

TEST(each_context_seeds_the_numbers_that_routing_ids_come_from_anew)
{
    static char states[2][128]; // of rand(), which libzmq draws from
    for (size_t i = 0; i < ARRAY_COUNT(states); i++) {
        struct bus_context *context = NULL;
        char *before = initstate(1, states[i], sizeof(states[i]));
        assert_non_null(before);
        assert_ok(bus_context_create(1, &context, &err));
        bus_context_destroy(&context);
        setstate(before);
    }
    assert_memory_not_equal(states[0], states[1], sizeof(states[0]));
}
