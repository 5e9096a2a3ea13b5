// Figures of how long messages may gather.
#include "peer/gather.h"

enum { SMOOTHING = 8, US_OF_MS = 1000 };

void peer_flow_took(struct peer_flow *flow, int64_t took_us)
{
    took_us = took_us < 0 ? 0 : took_us;
    flow->took_us += flow->took_us == 0 ? took_us : (took_us - flow->took_us) / SMOOTHING;
}

// `besides`: that are not ready yet.
static int64_t wait_ms(size_t besides, size_t ready, int64_t most_ms, int64_t gather_ms)
{
    if (besides < PEER_GATHER_FROM || ready >= besides) {
        return 0;
    }
    return most_ms < gather_ms ? most_ms : gather_ms;
}

static int64_t half_ms(const struct peer_flow *flow)
{
    return flow->took_us / 2 / US_OF_MS;
}

int64_t peer_gather_requests_ms(const struct peer_flow *flow, size_t ready, int64_t gather_ms)
{
    if (flow == NULL || flow->under_way < ready) {
        return 0;
    }
    return wait_ms(flow->under_way - ready, ready, half_ms(flow), gather_ms);
}

int64_t peer_gather_answers_ms(const struct peer_flow *flow, size_t ready, int64_t gather_ms)
{
    if (flow == NULL) {
        return 0;
    }
    size_t coming = flow->told / 2 < ready ? 0 : flow->told / 2 - ready;
    int64_t own_ms = wait_ms(flow->under_way, ready, half_ms(flow), gather_ms);
    int64_t told_ms = wait_ms(coming, ready, PEER_TOLD_MS, gather_ms);
    return own_ms > told_ms ? own_ms : told_ms;
}
