// What a peer and the broker say to one another about themselves: cards, orders, hello, keys.
// Each field is explained at the same field of proto/vedomo/v1/link.proto. Absent is all zero,
// empty or NULL. What a decoded struct views lives in the arena that it was decoded into.
#pragma once

#include "wire/exchange.h"
#include "wire/head.h"

// A key's card: who may use these keys, and as what. Signed by the registrar (label "card").
struct wire_card {
    uint32_t version;
    struct bytes origin;
    struct bytes member;
    struct bytes node;
    struct bytes role;
    struct digest curve_key;
    struct digest batch_key;
    uint64_t not_before;
    uint64_t not_after;
    uint32_t suite;
    const struct wire_extension *extensions;
    size_t extensions_count;
};

// What the registrar orders about a member or a key. Signed by the registrar (label "order").
struct wire_member_order {
    uint32_t version;
    struct bytes origin;
    uint32_t action;
    struct bytes member;
    struct digest key;
    uint64_t since;
    struct bytes reason;
    uint64_t issued_at;
    const struct wire_extension *extensions;
    size_t extensions_count;
};

// A new key for the log. Signed by the registrar (label "log-key").
struct wire_log_key_change {
    uint32_t version;
    struct bytes origin;
    struct digest old_key;
    struct digest new_key;
    uint64_t issued_at;
    uint64_t both_until;
    const struct wire_extension *extensions;
    size_t extensions_count;
};

// The head of a policy bundle. Signed by the policy keys (label "bundle").
struct wire_bundle_head {
    uint32_t version;
    struct bytes origin;
    uint64_t serial;
    struct digest hash;
    uint64_t size;
    uint64_t issued_at;
    const struct wire_extension *extensions;
    size_t extensions_count;
};

// First message on a connection, from the peer.
struct wire_hello {
    uint32_t version;
    uint32_t version_min;
    uint32_t version_max;
    const struct bytes *features;
    size_t features_count;
    struct bytes checkpoint;
    struct bytes member;
    struct bytes node;
    uint64_t now;
    const struct wire_extension *extensions;
    size_t extensions_count;
};

// The broker's reply to HELLO.
struct wire_welcome {
    uint32_t version;
    uint32_t speak;
    const struct bytes *features;
    size_t features_count;
    struct bytes checkpoint;
    struct bytes consistency;
    struct digest bundle_hash;
    uint32_t credit;
    uint32_t heartbeat_ms;
    uint64_t now;
    struct bytes witnessed;
    struct bytes witnessed_path;
    bool witnessed_trial;
    uint64_t witnessed_at;
    const struct wire_extension *extensions;
    size_t extensions_count;
    const struct wire_receipt *key_changes;
    size_t key_changes_count;
};

// Both ways, on an idle connection.
struct wire_ping {
    uint32_t version;
    uint64_t number;
    const struct wire_extension *extensions;
    size_t extensions_count;
};

struct wire_pong {
    uint32_t version;
    uint64_t number;
    const struct wire_extension *extensions;
    size_t extensions_count;
};

// A sealing key for the next hour at most.
struct wire_announcement {
    uint32_t version;
    struct bytes member;
    struct bytes node;
    struct digest audience;
    struct digest key;
    uint64_t not_before;
    uint64_t not_after;
    uint64_t serial;
    const struct wire_extension *extensions;
    size_t extensions_count;
};

// From the broker, at least once a minute, at each publication, and when a key is revoked.
struct wire_proof {
    uint32_t version;
    struct bytes checkpoint;
    uint64_t old_size;
    struct bytes consistency;
    struct digest bundle_hash;
    const struct bytes *dropped_keys;
    size_t dropped_keys_count;
    struct bytes witnessed;
    struct bytes witnessed_path;
    bool witnessed_trial;
    uint64_t witnessed_at;
    const struct wire_extension *extensions;
    size_t extensions_count;
    const struct wire_receipt *key_changes;
    size_t key_changes_count;
};

// From the broker: no place now.
struct wire_busy {
    uint32_t version;
    uint32_t retry_after_ms;
    struct bytes reason;
    const struct wire_extension *extensions;
    size_t extensions_count;
};
