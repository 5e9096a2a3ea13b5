// Figures of how long messages may gather.
#include "peer/gather.h"

enum { SMOOTHING = 8, US_OF_MS = 1000 };

void peer_flow_took(struct peer_flow *flow, int64_t took_us)
{
    took_us = took_us < 0 ? 0 : took_us;
    flow->took_us += flow->took_us == 0 ? took_us : (took_us - flow->took_us) / SMOOTHING;
}

int64_t peer_gather_ms(const struct peer_flow *flow, size_t besides, size_t ready,
                       int64_t gather_ms)
{
    if (flow == NULL || besides < PEER_GATHER_FROM || 2 * ready >= besides) {
        return 0;
    }
    int64_t most_ms = flow->took_us / 2 / US_OF_MS;
    return most_ms < gather_ms ? most_ms : gather_ms;
}
