// The log: one line an event, whatever stands in the texts.
#include "test.h"

#include <stdio.h>
#include <unistd.h>

#include "base/event.h"

static char written[8192];

// What the events that `emit` writes look like.
static const char *capture(enum log_level lowest, void (*emit)(void))
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    log_configure(ends[1], lowest);
    emit();
    log_configure(2, LOG_LEVEL_INFO);
    close(ends[1]);
    ssize_t size = read(ends[0], written, sizeof(written) - 1);
    close(ends[0]);
    written[size < 0 ? 0 : size] = '\0';
    return written;
}

static void emit_fields(void)
{
    struct id id = { { 1, 2, 3 } };
    log_event(LOG_LEVEL_NOTICE, "member.revoked", log_text("member", "ru/a"), log_number("n", -5),
              log_id("id", id));
}

TEST(an_event_is_a_name_and_typed_fields)
{
    const char *line = capture(LOG_LEVEL_INFO, emit_fields);
    assert_non_null(strstr(line, "Z notice member.revoked member=ru/a n=-5 "
                                 "id=01020300-0000-0000-0000-000000000000\n"));
}

static void emit_trouble(void)
{
    log_event(LOG_LEVEL_ERROR, "x.y", log_text("a", "two words"), log_text("b", "q\"q\\"),
              log_text("c", "l\nl\x7F"), log_text("d", NULL), log_text("e", "k=v"));
}

TEST(a_text_cannot_make_a_second_line_or_field)
{
    const char *line = capture(LOG_LEVEL_INFO, emit_trouble);
    assert_non_null(strstr(line, "a=\"two words\" b=\"q\\\"q\\\\\" c=\"l l \" d=\"\" e=\"k=v\"\n"));
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

static void emit_levels(void)
{
    log_event(LOG_LEVEL_DEBUG, "debug.one");
    log_event(LOG_LEVEL_WARNING, "warning.one");
}

TEST(levels_below_the_lowest_are_not_written)
{
    const char *line = capture(LOG_LEVEL_WARNING, emit_levels);
    assert_null(strstr(line, "debug.one"));
    assert_non_null(strstr(line, " warning warning.one\n"));
}
