// The outer frame of every message, batch signatures, and what offline keys signed.
// Each field is explained at the same field of proto/vedomo/v1/head.proto. Absent is all zero,
// empty or NULL. What a decoded struct views lives in the arena that it was decoded into.
#pragma once

#include "base/bytes.h"

// Frame 1 of every message.
struct wire_head {
    uint32_t type;
    struct id ref;
    struct bytes payload;
    const struct wire_batch_sig *sig;
};

// One message's share of a batch signature.
struct wire_batch_sig {
    struct digest key;
    uint32_t size;
    uint32_t index;
    struct digest salt;
    struct bytes path;
    struct bytes signature;
};

// Room for what later versions add.
struct wire_extension {
    uint32_t id;
    bool critical;
    struct bytes value;
};

// A signature by one offline key.
struct wire_key_signature {
    struct digest key;
    struct bytes signature;
};

// Something that offline keys signed: a card, an order, a policy bundle.
struct wire_signed {
    struct bytes payload;
    const struct wire_key_signature *signatures;
    size_t signatures_count;
};
