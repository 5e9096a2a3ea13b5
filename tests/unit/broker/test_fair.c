#include "test.h"

#include "broker/fair.h"

static struct job *make_job(const char *member, size_t size)
{
    struct error err;
    struct job *job = job_create(JOB_MESSAGE);
    uint8_t *data;
    assert_non_null(job);
    job->from.member = job_keep(job, bytes_text(member));
    assert_ok(bus_frame_make(&job->message.head, size, &data, &err));
    memset(data, 0, size);
    return job;
}

static void push(struct fair *fair, const char *member, size_t size)
{
    struct error err;
    struct job *job = make_job(member, size);
    assert_ok(fair_push(fair, &job, &err));
    assert_null(job);
}

static bool pop_is(struct fair *fair, const char *member)
{
    struct job *job = fair_pop(fair);
    bool is = job != NULL && bytes_equal_text(job->from.member, member);
    job_destroy(&job);
    return is;
}

TEST(a_member_with_one_request_does_not_wait_behind_a_member_with_hundreds)
{
    struct error err;
    struct fair *fair = NULL;
    assert_ok(fair_create(1000, 10 << 20, &fair, &err));
    for (int i = 0; i < 200; i++) {
        push(fair, "loud", 4000);
    }
    push(fair, "quiet", 4000);
    size_t before = 0;
    while (!pop_is(fair, "quiet")) {
        before++;
    }
    assert_in_range(before, 0, 3);
    fair_destroy(&fair);
}

TEST(turns_are_counted_in_bytes_not_in_messages)
{
    struct error err;
    struct fair *fair = NULL;
    size_t small = 0;
    size_t large = 0;
    assert_ok(fair_create(4000, 100 << 20, &fair, &err));
    for (int i = 0; i < 900; i++) {
        push(fair, "small", 1000);
    }
    for (int i = 0; i < 100; i++) {
        push(fair, "large", 20000);
    }
    for (int i = 0; i < 420; i++) {
        struct job *job = fair_pop(fair);
        *(bytes_equal_text(job->from.member, "small") ? &small : &large) += 1;
        job_destroy(&job);
    }
    assert_in_range(small, 380, 410);
    assert_in_range(large, 15, 25);
    fair_destroy(&fair);
}

TEST(one_members_requests_stay_in_order)
{
    struct error err;
    struct fair *fair = NULL;
    assert_ok(fair_create(100, 1 << 20, &fair, &err));
    for (size_t size = 1; size <= 20; size++) {
        push(fair, "one", size);
    }
    for (size_t size = 1; size <= 20; size++) {
        struct job *job = fair_pop(fair);
        assert_int_equal(job_size(job), size);
        job_destroy(&job);
    }
    assert_null(fair_pop(fair));
    fair_destroy(&fair);
}

TEST(one_member_may_fill_a_quarter_of_the_line_and_no_more)
{
    struct error err;
    struct fair *fair = NULL;
    assert_ok(fair_create(100, 1 << 20, &fair, &err));
    for (int i = 0; i < 25; i++) {
        push(fair, "loud", 10);
    }
    struct job *job = make_job("loud", 10);
    assert_status(ST_BUSY, fair_push(fair, &job, &err));
    job_destroy(&job);
    push(fair, "quiet", 10);
    assert_int_equal(fair_count(fair), 26);
    fair_destroy(&fair);
}
