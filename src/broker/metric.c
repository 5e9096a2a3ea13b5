// Counters.
#include "broker/metric.h"

#include <stdalign.h>
#include <stdatomic.h>

// Each in a cache line of its own: most are counted by one thread, and none waits for another.
static struct {
    alignas(64) atomic_uint_fast64_t number;
} values[METRIC_COUNT];

static const char *const names[METRIC_COUNT] = {
#define X(id, name) [METRIC_##id] = name,
    METRICS(X)
#undef X
};

void metric_add(enum metric metric, uint64_t amount)
{
    atomic_fetch_add_explicit(&values[metric].number, amount, memory_order_relaxed);
}

uint64_t metric_read(enum metric metric)
{
    return atomic_load_explicit(&values[metric].number, memory_order_relaxed);
}

const char *metric_name(enum metric metric)
{
    return (unsigned)metric < METRIC_COUNT ? names[metric] : "unknown";
}
