// The node's own sealing keys: a new one each 30 minutes; the old one opens for five minutes past
// its end and is then wiped together with every secret that was derived from it. Owned by one
// thread.
#pragma once

#include "base/buffer.h"
#include "node/partner.h"

struct node_keys;

enum {
    NODE_KEY_RENEW_MS = 30 * 60 * 1000,
    NODE_KEY_LIFE_MS = 35 * 60 * 1000, // as announced: the next one is out before it ends
    NODE_KEY_GRACE_MS = 5 * 60 * 1000, // it opens for so long past its end
    NODE_PAIRS_MAX = 512               // cached secrets
};

NODISCARD enum status node_keys_create(const char *member, const char *node,
                                       const struct digest *audience, struct node_keys **keys,
                                       struct error *err);
void node_keys_destroy(struct node_keys **keys);

// Makes a new key when the current one is due and wipes what has ended. *renewed tells whether
// there is a new announcement to send.
NODISCARD enum status node_keys_turn(struct node_keys *keys, uint64_t now_ms, bool *renewed,
                                     struct error *err);

// When node_keys_turn() has something to do next, wall-clock milliseconds.
uint64_t node_keys_next_ms(const struct node_keys *keys);

// Payload and hash of the current announcement. Borrowed until node_keys_turn().
struct bytes node_keys_announcement(const struct node_keys *keys, struct digest *hash);

// The secret between one of our announcements and a partner's. `asking`: ours is the asker's.
// ST_NOT_FOUND: `own` is not an announcement of ours, or its time is over. The caller wipes *pair.
NODISCARD enum status node_keys_pair(struct node_keys *keys, const struct digest *own,
                                     const struct node_announcement *partner, bool asking,
                                     uint64_t now_ms, struct digest *pair, struct error *err);

// A partner's key was revoked: its secrets are wiped.
void node_keys_forget(struct node_keys *keys, const struct digest *announcement);

// How many secrets are cached: for tests and figures.
size_t node_keys_pair_count(const struct node_keys *keys);
