// Months of the log.
#include "audit/month.h"
#include "test.h"

#include <string.h>

TEST(a_month_begins_with_its_first_minute_and_ends_before_the_next)
{
    for (uint32_t month = 1; month <= 2400; month++) {
        uint32_t begin = audit_month_begin(month);
        assert_int_equal(audit_month_of(begin), month);
        assert_int_equal(audit_month_of(audit_month_begin(month + 1) - 1), month);
        uint32_t days = (audit_month_begin(month + 1) - begin) / (24 * 60);
        assert_true(days >= 28 && days <= 31);
    }
    assert_int_equal(audit_month_begin(1), 0);
    assert_int_equal(audit_month_of(29910000), 683); // November 2026
}

TEST(a_month_is_written_as_year_and_month_and_read_back)
{
    char text[AUDIT_MONTH_TEXT_BYTES];
    for (uint32_t month = 1; month <= AUDIT_MONTH_MAX; month++) {
        uint32_t read = 0;
        audit_month_format(month, text);
        assert_true(audit_month_parse(bytes_text(text), &read));
        assert_int_equal(read, month);
    }
    audit_month_format(683, text);
    assert_string_equal(text, "2026-11");
}

TEST(what_is_no_month_is_not_read_as_one)
{
    static const char *const wrong[] = { "",        "2026",    "2026-1",   "2026-00",  "2026-13",
                                         "1969-12", "26-11",   "2026/11",  "2026-11 ", "2026-1a",
                                         "-026-11", "2026--1", "2026-011", "9999-01" };
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        uint32_t month = 0;
        if (audit_month_parse(bytes_text(wrong[i]), &month)) {
            fail_msg("'%s' was read as month %u", wrong[i], month);
        }
    }
}
