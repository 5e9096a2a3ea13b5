// The reader of outside bytes: never past the end, and the first failure stays.
#include "test.h"

#include <stdlib.h>

#include "base/reader.h"

TEST(it_reads_what_was_written_and_is_finished)
{
    static const uint8_t data[] = { 1,  2,  3,  4,  5,  6, 7, 8,   9,  10,
                                    11, 12, 13, 14, 15, 0, 2, 'h', 'i' };
    struct reader reader = reader_init(bytes_of(data, sizeof(data)));
    assert_int_equal(reader_u8(&reader), 1);
    assert_int_equal(reader_u16(&reader), 0x0203);
    assert_int_equal(reader_u32(&reader), 0x04050607);
    assert_true(reader_u64(&reader) == 0x08090A0B0C0D0E0F);
    assert_false(reader.reason != NULL);
    assert_true(bytes_equal_text(reader_lp(&reader), "hi"));
    assert_true(reader_ok(&reader));
    assert_true(reader_finished(&reader));
}

TEST(every_cut_of_a_record_is_noticed_and_nothing_is_read_past_it)
{
    uint8_t data[2 + 32 + 16 + 8] = { 0 };
    for (size_t cut = 0; cut < sizeof(data); cut++) {
        uint8_t *exact = malloc(cut == 0 ? 1 : cut);
        memcpy(exact, data, cut);
        struct reader reader = reader_init(bytes_of(exact, cut));
        reader_u16(&reader);
        reader_digest(&reader);
        reader_id(&reader);
        reader_u64(&reader);
        assert_false(reader_finished(&reader));
        assert_string_equal(reader_reason(&reader), "cut short");
        free(exact);
    }
}

TEST(after_a_failure_everything_reads_as_zero)
{
    static const uint8_t data[] = { 0, 9, 1, 2, 3 };
    struct reader reader = reader_init(bytes_of(data, sizeof(data)));
    assert_int_equal(reader_lp(&reader).size, 0);
    assert_int_equal(reader_u8(&reader), 0);
    struct digest digest = reader_digest(&reader);
    assert_true(digest_is_zero(&digest));
    assert_false(reader_ok(&reader));
}

TEST(bytes_left_over_are_a_failure_of_their_own)
{
    struct reader reader = reader_init(bytes_text("ab"));
    reader_u8(&reader);
    assert_false(reader_finished(&reader));
    assert_string_equal(reader_reason(&reader), "bytes left over");
}

TEST(the_first_reason_is_kept)
{
    struct reader reader = reader_init(bytes_text(""));
    reader_fail(&reader, "first");
    reader_fail(&reader, "second");
    reader_u8(&reader);
    assert_string_equal(reader_reason(&reader), "first");
}
