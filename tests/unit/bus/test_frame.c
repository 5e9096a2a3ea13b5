// Frames that are kept: the same bytes, and no buffer of the transport behind them.
#include "test.h"

#include "bus/frame.h"

static struct error err; // of the running test

static void make(struct bus_frame *frame, size_t size)
{
    uint8_t *data = NULL;
    assert_ok(bus_frame_make(frame, size, &data, &err));
    for (size_t i = 0; i < size; i++) {
        data[i] = (uint8_t)(i * 7);
    }
}

static void assert_kept(size_t size, bool copied)
{
    struct bus_frame from;
    struct bus_frame to;
    make(&from, size);
    const uint8_t *before = bus_frame_view(&from).data;
    bus_frame_init(&to);
    bus_frame_keep(&to, &from);
    struct bytes kept = bus_frame_view(&to);
    assert_int_equal(kept.size, size);
    for (size_t i = 0; i < size; i++) {
        assert_int_equal(kept.data[i], (uint8_t)(i * 7));
    }
    assert_int_equal(bus_frame_view(&from).size, 0);
    assert_true(copied == (kept.data != before));
    bus_frame_fini(&to);
    bus_frame_fini(&from);
}

TEST(a_small_frame_that_is_kept_is_copied_and_a_large_one_is_not)
{
    assert_kept(34, true);
    assert_kept(1000, true);
    assert_kept(8191, true);
    assert_kept(8192, false);
    assert_kept(100000, false);
}

TEST(what_stands_in_the_frame_itself_moves_with_it)
{
    assert_kept(0, true);
    assert_kept(33, true);
}
