// Errors: a message of fixed size that is always a whole text.
#include "test.h"

#include <errno.h>

#include "base/text.h"

TEST(setting_returns_the_status_and_wrapping_keeps_it)
{
    struct error err = { 0 };
    assert_int_equal(error_set(&err, ST_STALE, "consent %d", 7), ST_STALE);
    assert_int_equal(error_wrap(&err, "loading '%s'", "x"), ST_STALE);
    assert_string_equal(err.message, "loading 'x': consent 7");
    assert_int_equal(error_set(NULL, ST_BUSY, "nobody listens"), ST_BUSY);
}

TEST(errno_is_told_in_words)
{
    struct error err = { 0 };
    errno = ENOENT;
    assert_int_equal(error_errno(&err, ST_IO, "file '%s'", "a"), ST_IO);
    assert_string_equal(err.message, "file 'a': No such file or directory");
}

TEST(a_message_that_is_too_long_is_cut_at_a_character)
{
    for (size_t shift = 0; shift < 4; shift++) {
        char text[600] = "aaa";
        text[shift] = '\0';
        for (size_t i = shift; i + 2 < sizeof(text); i += 2) {
            memcpy(text + i, "\xD1\x91", 3);
        }
        struct error err = { 0 };
        error_set(&err, ST_IO, "%s", text);
        assert_true(strlen(err.message) >= ERROR_MESSAGE_BYTES - 5);
        assert_true(text_utf8_valid(bytes_text(err.message)));
        error_wrap(&err, "b");
        assert_true(text_utf8_valid(bytes_text(err.message)));
    }
}

TEST(every_status_has_a_name_of_its_own)
{
    for (int i = 0; i < ST_COUNT; i++) {
        assert_non_null(status_name((enum status)i));
        for (int k = 0; k < i; k++) {
            assert_string_not_equal(status_name((enum status)i), status_name((enum status)k));
        }
    }
    assert_string_equal(status_name((enum status)ST_COUNT), "unknown");
}
