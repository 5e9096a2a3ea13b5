#include "test.h"

#include "broker/sessions.h"

static const struct audit_tag anna = { .bytes = { 1, 42 } };
static const struct digest window_7 = { .bytes = { 7 } };
static const struct digest window_8 = { .bytes = { 8 } };

static struct sessions *make(struct id *code)
{
    struct error err;
    struct sessions *sessions = NULL;
    int64_t expires;
    assert_ok(sessions_create(600, 1000, &sessions, &err));
    assert_ok(sessions_make_code(sessions, &anna, 0, code, &expires, &err));
    assert_int_equal(expires, 600);
    return sessions;
}

TEST(a_code_opens_the_session_of_its_citizen)
{
    struct error err;
    struct id code;
    struct digest handle;
    struct audit_tag tag;
    int64_t expires;
    struct sessions *sessions = make(&code);
    assert_ok(sessions_open(sessions, &code, &window_7, 10, &handle, &tag, &expires, &err));
    assert_memory_equal(tag.bytes, anna.bytes, AUDIT_TAG_BYTES);
    assert_ok(sessions_find(sessions, &handle, &window_7, 20, &tag, &err));
    sessions_destroy(&sessions);
}

TEST(a_code_works_once)
{
    struct error err;
    struct id code;
    struct digest handle;
    struct audit_tag tag;
    int64_t expires;
    struct sessions *sessions = make(&code);
    assert_ok(sessions_open(sessions, &code, &window_7, 10, &handle, &tag, &expires, &err));
    assert_status(ST_DENIED,
                  sessions_open(sessions, &code, &window_7, 11, &handle, &tag, &expires, &err));
    sessions_destroy(&sessions);
}

TEST(a_code_is_over_after_its_time)
{
    struct error err;
    struct id code;
    struct digest handle;
    struct audit_tag tag;
    int64_t expires;
    struct sessions *sessions = make(&code);
    assert_status(ST_DENIED,
                  sessions_open(sessions, &code, &window_7, 600, &handle, &tag, &expires, &err));
    sessions_destroy(&sessions);
}

TEST(another_window_cannot_use_the_session)
{
    struct error err;
    struct id code;
    struct digest handle;
    struct audit_tag tag;
    int64_t expires;
    struct sessions *sessions = make(&code);
    assert_ok(sessions_open(sessions, &code, &window_7, 10, &handle, &tag, &expires, &err));
    assert_status(ST_DENIED, sessions_find(sessions, &handle, &window_8, 20, &tag, &err));
    sessions_destroy(&sessions);
}

TEST(a_session_ends_when_it_is_not_used_and_when_it_is_closed)
{
    struct error err;
    struct id code;
    struct digest handle;
    struct audit_tag tag;
    int64_t expires;
    struct sessions *sessions = make(&code);
    assert_ok(sessions_open(sessions, &code, &window_7, 10, &handle, &tag, &expires, &err));
    assert_ok(sessions_find(sessions, &handle, &window_7, 1000, &tag, &err));
    assert_ok(sessions_find(sessions, &handle, &window_7, 1990, &tag, &err));
    assert_status(ST_DENIED, sessions_find(sessions, &handle, &window_7, 2991, &tag, &err));
    sessions_close(sessions, &handle);
    assert_status(ST_DENIED, sessions_find(sessions, &handle, &window_7, 1991, &tag, &err));
    sessions_destroy(&sessions);
}
