// The growing buffer: big-endian, capped, and its first failure stays.
#include "test.h"

#include "base/buffer.h"

TEST(integers_are_big_endian)
{
    struct buffer buffer = buffer_init(100);
    buffer_u8(&buffer, 1);
    buffer_u16(&buffer, 0x0203);
    buffer_u32(&buffer, 0x04050607);
    buffer_u64(&buffer, 0x08090A0B0C0D0E0F);
    static const uint8_t expected[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
    assert_true(bytes_equal(buffer_view(&buffer), bytes_of(expected, sizeof(expected))));
    buffer_fini(&buffer);
    buffer_fini(&buffer);
}

TEST(a_failure_stays_until_the_buffer_is_cleared)
{
    struct error err;
    struct buffer buffer = buffer_init(4);
    buffer_text(&buffer, "abcd");
    assert_ok(buffer_ok(&buffer, "text", &err));
    buffer_u8(&buffer, 'e');
    assert_status(ST_NOMEM, buffer_ok(&buffer, "text", &err));
    assert_non_null(strstr(err.message, "text"));
    buffer_bytes(&buffer, (struct bytes){ 0 });
    assert_null(buffer_reserve(&buffer, 0));
    assert_status(ST_NOMEM, buffer_ok(&buffer, "text", &err));
    buffer_clear(&buffer);
    buffer_text(&buffer, "abcd");
    assert_ok(buffer_ok(&buffer, "text", &err));
    buffer_fini(&buffer);
}

TEST(it_grows_piece_by_piece_up_to_its_limit)
{
    struct error err;
    struct buffer buffer = buffer_init(100000);
    for (uint32_t i = 0; i < 25000; i++) {
        buffer_u32(&buffer, i);
    }
    assert_ok(buffer_ok(&buffer, "numbers", &err));
    assert_int_equal(buffer.size, 100000);
    assert_int_equal(buffer.data[99999], 24999 & 255);
    buffer_u8(&buffer, 0);
    assert_true(buffer.failed);
    buffer_fini(&buffer);
}

TEST(formatted_text_has_no_terminator_in_it)
{
    struct buffer buffer = buffer_init(100);
    buffer_format(&buffer, "%d-%s", 12, "ab");
    buffer_format(&buffer, "%s", "");
    buffer_text(&buffer, "!");
    assert_true(bytes_equal_text(buffer_view(&buffer), "12-ab!"));
    buffer_fini(&buffer);
}

TEST(a_length_that_does_not_fit_its_prefix_fails)
{
    struct buffer buffer = buffer_init(200000);
    static uint8_t zeros[65536];
    buffer_lp(&buffer, bytes_of(zeros, 65535));
    assert_false(buffer.failed);
    assert_int_equal(buffer.size, 65537);
    buffer_lp(&buffer, bytes_of(zeros, 65536));
    assert_true(buffer.failed);
    buffer_fini(&buffer);
}

TEST(reserving_nothing_from_an_empty_buffer_is_no_failure)
{
    struct buffer buffer = buffer_init(0);
    assert_non_null(buffer_reserve(&buffer, 0));
    assert_false(buffer.failed);
    assert_null(buffer_reserve(&buffer, 1));
    buffer_fini(&buffer);
}
