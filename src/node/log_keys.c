// The log's keys as they follow one another, and the keys of subject tags: what the peer has proven
// of them (peer/peer.h) becomes what this node believes, and the operator is told.
#include "node/inside.h"

#include "base/event.h"

#include <stdio.h>

void node_log_keys_turn(struct node_engine *engine)
{
    struct error problem;
    const struct proof_ring *ring = peer_log_keys(engine->peer);
    if (peer_take_key_problem(engine->peer, &problem)) {
        log_event(LOG_LEVEL_ERROR, "log.key-refused", log_text("why", problem.message));
    }
    if (ring->count == engine->trust.ring.count) {
        return;
    }
    node_trust_keys(&engine->trust, ring);
    char id[9];
    snprintf(id, sizeof(id), "%08x", (unsigned)proof_ring_newest(ring)->id);
    log_event(LOG_LEVEL_NOTICE, "log.key-followed", log_text("key", id),
              log_number("number", (int64_t)ring->count));
}

bool node_tag_key_counts(const struct node_engine *engine, uint32_t number)
{
    if (number == 0 || peer_tag_key_proven(engine->peer, number)) {
        return true;
    }
    log_event(LOG_LEVEL_ERROR, "subject.key-unproven", log_number("tag-key", (int64_t)number));
    return false;
}
