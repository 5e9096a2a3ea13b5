// PROOF: what every connected peer is told about the log, the bundle in force and keys that no
// longer count.
#pragma once

#include "broker/frames.h"

// What the message says of the log: that `note` extends the checkpoint of `old_size` by `path`.
struct proof_step {
    uint64_t old_size;
    struct bytes path;
    struct bytes note;
    const struct wire_receipt *key_changes; // see broker/key_changes.h
    size_t key_changes_count;
};

// Hands the router a PROOF for every greeted connection, with the bundle in force and all keys that
// are revoked: a node that was away when one was hears of it by the next. Any thread.
void proof_send(struct frame_maker *maker, const struct proof_step *step);

// The same without a step: the newest published checkpoint once more.
void proof_broadcast(struct frame_maker *maker);

// The same with changes of keys.
void proof_broadcast_keys(struct frame_maker *maker, const struct wire_receipt *changes,
                          size_t count);
