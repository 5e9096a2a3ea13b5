// Threads: start returns when the thread is ready, or says why it is not; signals stay away.
#include "test.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/queue.h"
#include "base/thread.h"

struct job {
    struct queue *stop;
    atomic_bool ended;
    bool signals_blocked;
};

static void work(struct thread *thread, void *argument)
{
    struct job *job = argument;
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    job->signals_blocked = sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGINT) == 1;
    thread_ready(thread, ST_OK, NULL);
    void *item[1];
    queue_wait(job->stop, item, 1, -1);
    atomic_store(&job->ended, true);
}

TEST(a_thread_runs_until_it_is_told_to_stop_and_joined)
{
    struct error err;
    struct job job = { 0 };
    struct thread *thread = NULL;
    assert_ok(queue_create(1, 0, &job.stop, &err));
    assert_ok(thread_start("worker", work, &job, &thread, &err));
    assert_true(job.signals_blocked);
    assert_false(atomic_load(&job.ended));
    assert_true(thread_cpu_ns(thread) >= 0);
    queue_close(job.stop);
    thread_join(&thread);
    assert_null(thread);
    assert_true(atomic_load(&job.ended));
    thread_join(&thread);
    queue_destroy(&job.stop);
}

static void refuse(struct thread *thread, void *argument)
{
    (void)argument;
    struct error err;
    error_set(&err, ST_FULL, "no room for '%s'", "it");
    thread_ready(thread, ST_FULL, &err);
}

TEST(a_thread_that_is_not_ready_says_why_and_is_gone)
{
    struct error err = { 0 };
    struct thread *thread = NULL;
    assert_status(ST_FULL, thread_start("worker", refuse, NULL, &thread, &err));
    assert_string_equal(err.message, "no room for 'it'");
    assert_null(thread);
}

static void stand_back(struct thread *thread, void *argument)
{
    int *nice = argument;
    int before = getpriority(PRIO_PROCESS, 0);
    thread_stand_back();
    *nice = getpriority(PRIO_PROCESS, 0) - before;
    thread_ready(thread, ST_OK, NULL);
}

TEST(a_thread_that_stands_back_does_so_alone)
{
    struct error err;
    struct thread *thread = NULL;
    int nice = 0;
    int before = getpriority(PRIO_PROCESS, 0);
    assert_ok(thread_start("worker", stand_back, &nice, &thread, &err));
    thread_join(&thread);
    assert_true(nice > 0 || before >= 5);
    assert_int_equal(getpriority(PRIO_PROCESS, 0), before);
}

TEST(clocks_agree_with_the_calendar)
{
    char text[CLOCK_TEXT_BYTES];
    clock_format(INT64_C(1795287180123), text);
    assert_string_equal(text, "2026-11-21T18:53:00.123Z");
    clock_format(-1, text);
    assert_string_equal(text, "(no time)");
    assert_true(clock_wall_ms() > INT64_C(1700000000000));
    int64_t before = clock_monotonic_ns();
    assert_true(clock_monotonic_ns() >= before);
}
