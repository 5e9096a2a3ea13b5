// Counters.
#include "broker/metric.h"

#include <stdatomic.h>

static atomic_uint_fast64_t values[METRIC_COUNT];

static const char *const names[METRIC_COUNT] = {
#define X(id, name) [METRIC_##id] = name,
    METRICS(X)
#undef X
};

void metric_add(enum metric metric, uint64_t amount)
{
    atomic_fetch_add_explicit(&values[metric], amount, memory_order_relaxed);
}

uint64_t metric_read(enum metric metric)
{
    return atomic_load_explicit(&values[metric], memory_order_relaxed);
}

const char *metric_name(enum metric metric)
{
    return (unsigned)metric < METRIC_COUNT ? names[metric] : "unknown";
}
