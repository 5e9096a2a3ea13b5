// The log's keys as they follow one another, and the keys of subject tags: what the peer has proven
// of them (peer/peer.h) becomes what this node believes, and the operator is told.
#include "node/inside.h"
#include "node/log_keys.h"

#include "base/event.h"

#include <stdio.h>

// Persons may be filed under a key of tags once its entry is proven (node/memory.h).
static void take_tag_keys(struct node_engine *engine)
{
    for (uint32_t number = 2; number <= PEER_TAG_KEYS_MAX; number++) {
        if (peer_tag_key_proven(engine->peer, number) &&
            node_memory_accept_key(engine->memory, number, node_now())) {
            log_event(LOG_LEVEL_NOTICE, "subject.key-followed",
                      log_number("tag-key", (int64_t)number));
        }
    }
}

void node_log_keys_turn(struct node_engine *engine)
{
    struct error problem;
    const struct proof_ring *ring = peer_log_keys(engine->peer);
    if (peer_take_key_problem(engine->peer, &problem)) {
        log_event(LOG_LEVEL_ERROR, "log.key-refused", log_text("why", problem.message));
    }
    take_tag_keys(engine);
    if (ring->count == engine->trust.ring.count) {
        return;
    }
    node_trust_keys(&engine->trust, ring);
    char id[9];
    snprintf(id, sizeof(id), "%08x", (unsigned)proof_ring_newest(ring)->id);
    log_event(LOG_LEVEL_NOTICE, "log.key-followed", log_text("key", id),
              log_number("number", (int64_t)ring->count));
}
