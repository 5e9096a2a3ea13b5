// PROOF: what every connected peer is told about the log, the bundle in force and keys that no
// longer count.
#pragma once

#include "audit/log.h"
#include "broker/frames.h"

// What the message says of the log: that `note` extends the checkpoint of `old_size` by `path`.
struct proof_step {
    uint64_t old_size;
    struct bytes path;
    uint64_t size; // of the note
    struct bytes note;
    const struct wire_receipt *key_changes; // see broker/key_changes.h
    size_t key_changes_count;
};

// What WELCOME and PROOF say of witnesses, beside a published checkpoint. Views borrow from it.
struct proof_vouched {
    struct bytes
        checkpoint;         // the published one; with its cosignatures when it is the witnessed one
    struct bytes witnessed; // else the newest witnessed one; empty: there is none
    struct bytes path;      // from there to the checkpoint
    bool trial;
    uint64_t at_ms; // when witnesses cosigned last; 0: never
    struct snapshot_item *item;
    struct buffer path_room;
};

// Fills it for the published checkpoint `note` of `size`. `log` has begun, and sees that size. To
// be given back with proof_vouched_fini(). Without witnesses it is the note alone.
NODISCARD enum status proof_vouched_init(struct broker *broker, struct audit_log *log,
                                         uint64_t size, struct bytes note,
                                         struct proof_vouched *vouched, struct error *err);
void proof_vouched_fini(struct proof_vouched *vouched);

// Hands the router a PROOF for every greeted connection, with the bundle in force and all keys that
// are revoked: a node that was away when one was hears of it by the next. Any thread.
void proof_send(struct frame_maker *maker, const struct proof_step *step);

// The same without a step: the newest published checkpoint once more.
void proof_broadcast(struct frame_maker *maker);

// The same with changes of keys.
void proof_broadcast_keys(struct frame_maker *maker, const struct wire_receipt *changes,
                          size_t count);
