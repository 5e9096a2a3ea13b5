// Pace of a run. In the open loop requests are due on the beat of a millisecond: whoever polls
// cannot be more exact, and what comes late for another reason counts as latency.
#include "bench_pace.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { NS_OF_MS = 1000 * 1000, IDLE_MS = 500 };

enum status bench_crew_init(struct bench_crew *crew, struct bench_pace *pace, size_t askers,
                            struct error *err)
{
    crew->pace = pace;
    crew->askers = askers;
    crew->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return crew->wake < 0 ? error_errno(err, ST_IO, "bench: eventfd") : ST_OK;
}

void bench_crew_fini(struct bench_crew *crew)
{
    if (crew->wake > 0) {
        close(crew->wake);
        crew->wake = 0;
    }
}

static void wake_all(struct bench_crew *crews, size_t count)
{
    uint64_t one = 1;
    for (size_t i = 0; i < count; i++) {
        ssize_t done = crews[i].wake > 0 ? write(crews[i].wake, &one, sizeof(one)) : 0;
        (void)done; // an eventfd of ours: it cannot fail
    }
}

void bench_crew_woken(struct bench_crew *crew)
{
    uint64_t count;
    ssize_t done = read(crew->wake, &count, sizeof(count));
    (void)done; // nothing in it: somebody was faster
}

bool bench_crew_due(struct bench_crew *crew, int64_t now_ns, int64_t *due_ns)
{
    int64_t begin_ns = atomic_load(&crew->pace->begin_ns);
    if (crew->run != (uint64_t)begin_ns) {
        crew->run = (uint64_t)begin_ns;
        crew->started = 0;
    }
    // This thread's share of the rate, by its askers.
    double share = (double)crew->pace->rate * (double)crew->askers / (double)crew->pace->askers;
    int64_t after_ms = (int64_t)((double)crew->started * 1000 / share) + 1;
    *due_ns = begin_ns + after_ms * NS_OF_MS;
    if (*due_ns > now_ns) {
        return false;
    }
    crew->started++;
    return true;
}

void bench_crew_rest(struct bench_crew *crew, bool quiet)
{
    if (atomic_load(&crew->giving)) {
        crew->given = crew->tally;
        crew->tally = (struct bench_tally){ 0 };
        atomic_store(&crew->giving, false);
    }
    atomic_store(&crew->quiet, quiet);
}

int64_t bench_crew_deadline_ms(const struct bench_crew *crew, int64_t now_ms)
{
    bool beats = crew->pace->rate > 0 && crew->askers > 0 && atomic_load(&crew->pace->running);
    return now_ms + (beats ? 1 : IDLE_MS);
}

void bench_pace_start(struct bench_pace *pace, struct bench_crew *crews, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        atomic_store(&crews[i].quiet, false);
    }
    atomic_store(&pace->begin_ns, clock_monotonic_ns());
    atomic_store(&pace->running, true);
    wake_all(crews, count);
}

void bench_pace_stop(struct bench_pace *pace, struct bench_crew *crews, size_t count)
{
    atomic_store(&pace->running, false);
    wake_all(crews, count);
}

bool bench_pace_quiet(const struct bench_pace *pace, const struct bench_crew *crews, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!atomic_load(&crews[i].quiet)) {
            return false;
        }
    }
    return !atomic_load(&pace->running);
}

void bench_pace_collect(struct bench_crew *crews, size_t count, struct bench_tally *sum)
{
    for (size_t i = 0; i < count; i++) {
        atomic_store(&crews[i].giving, true);
    }
    wake_all(crews, count);
    for (size_t i = 0; i < count; i++) {
        while (atomic_load(&crews[i].giving) && !atomic_load(&crews[i].gone)) {
            poll(NULL, 0, 1);
        }
        bool gave = !atomic_load(&crews[i].giving);
        bench_tally_add(sum, gave ? &crews[i].given : &crews[i].tally);
        crews[i].given = (struct bench_tally){ 0 };
        if (!gave) {
            crews[i].tally = (struct bench_tally){ 0 };
        }
    }
}

void bench_pace_end(struct bench_pace *pace, struct bench_crew *crews, size_t count)
{
    atomic_store(&pace->running, false);
    atomic_store(&pace->ending, true);
    wake_all(crews, count);
    for (size_t i = 0; i < count; i++) {
        if (crews[i].thread != NULL) {
            thread_join(&crews[i].thread);
        }
    }
}
