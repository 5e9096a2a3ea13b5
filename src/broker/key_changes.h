// Changes of the log's key and of the tags' key, as peers are told of them: each with the receipt
// of its entry, which proves it to whoever knows no more than the key before.
#pragma once

#include "audit/log.h"
#include "broker/frames.h"

enum { KEY_CHANGES_MAX = 8, KEY_CHANGES_BYTES_MAX = 16384 };

struct key_changes {
    struct wire_receipt receipts[KEY_CHANGES_MAX]; // oldest first; what they view is in the arena
    size_t count;
};

// The newest changes, at most four of the log's key and four of the tags', within a WELCOME's room.
// `log` has begun.
NODISCARD enum status key_changes_gather(struct broker *broker, struct audit_log *log,
                                         struct arena *arena, struct key_changes *changes,
                                         struct error *err);

// A PROOF with them for every greeted connection. Control thread.
void key_changes_broadcast(struct frame_maker *maker);
