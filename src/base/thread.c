// Threads with a handshake.
#include "base/thread.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct thread {
    pthread_t handle;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool ready;
    enum status status;
    struct error err;
    thread_function function;
    void *argument;
};

static void *run(void *argument)
{
    struct thread *thread = argument;
    thread->function(thread, thread->argument);
    return NULL;
}

static void destroy(struct thread *thread)
{
    pthread_cond_destroy(&thread->changed);
    pthread_mutex_destroy(&thread->lock);
    free(thread);
}

enum status thread_start(const char *name, thread_function function, void *argument,
                         struct thread **thread, struct error *err)
{
    struct thread *t = calloc(1, sizeof(*t));
    if (t == NULL) {
        return error_set(err, ST_NOMEM, "thread %s: no memory", name);
    }
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->changed, NULL);
    t->function = function;
    t->argument = argument;
    // Signals are for the main thread's signalfd.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&t->handle, NULL, run, t);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        destroy(t);
        return error_set(err, ST_IO, "thread %s: %s", name, strerror(rc));
    }
    pthread_setname_np(t->handle, name);
    pthread_mutex_lock(&t->lock);
    while (!t->ready) {
        pthread_cond_wait(&t->changed, &t->lock);
    }
    pthread_mutex_unlock(&t->lock);
    if (t->status != ST_OK) {
        pthread_join(t->handle, NULL);
        enum status status = t->status;
        if (err != NULL) {
            *err = t->err;
        }
        destroy(t);
        return status;
    }
    *thread = t;
    return ST_OK;
}

void thread_ready(struct thread *thread, enum status status, const struct error *err)
{
    pthread_mutex_lock(&thread->lock);
    thread->ready = true;
    thread->status = status;
    if (status != ST_OK && err != NULL) {
        thread->err = *err;
    }
    pthread_cond_signal(&thread->changed);
    pthread_mutex_unlock(&thread->lock);
}

void thread_join(struct thread **thread)
{
    if (*thread != NULL) {
        pthread_join((*thread)->handle, NULL);
        destroy(*thread);
        *thread = NULL;
    }
}

// Linux keeps it for each thread. Refused: it goes on as before.
static void be_nice(int nice)
{
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), nice);
}

void thread_give_way(void)
{
    enum { LOWEST = 19 };
    be_nice(LOWEST);
}

void thread_stand_back(void)
{
    enum { A_THIRD = 5 };
    be_nice(A_THIRD);
}

void thread_wake_soon(void)
{
    enum { SLICE_NS = 100 * 1000 }; // the least there is
    // struct sched_attr of sched_setattr(2), for which the C library has no header yet.
    struct {
        uint32_t size;
        uint32_t policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime;
        uint64_t deadline;
        uint64_t period;
    } attr = { .size = sizeof(attr) };
    if (syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0) == 0) {
        attr.runtime = SLICE_NS;
        // Refused, or not known to this Linux: it goes on as before.
        (void)syscall(SYS_sched_setattr, 0, &attr, 0);
    }
}

int64_t thread_cpu_ns(const struct thread *thread)
{
    clockid_t id;
    struct timespec used;
    if (pthread_getcpuclockid(thread->handle, &id) != 0 || clock_gettime(id, &used) != 0) {
        return 0;
    }
    return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}
