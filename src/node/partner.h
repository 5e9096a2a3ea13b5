// Another agency's node as this one knows it: a card that the registrar signed and the log records,
// and a sealing key that the card's batch key announced. Pure checks first, then the table of those
// that hold. Owned by one thread.
#pragma once

#include "node/trust.h"
#include "seal/batch.h"
#include "wire/control.h"

// A sealing key that was announced, by value.
struct node_announcement {
    char member[REGISTRY_MEMBER_BYTES];
    char node[REGISTRY_NODE_BYTES];
    struct digest hash;  // of its payload
    struct digest key;   // X25519
    uint64_t not_before; // ms
    uint64_t not_after;  // ms
    uint64_t serial;
};

struct node_partner {
    struct registry_card card;
    struct node_announcement announcement;
};

enum {
    NODE_ANNOUNCEMENT_LIFE_MAX_MS = 3600000, // a sealing key is good for an hour at most
    NODE_CLOCK_TOLERANCE_MS = 60000,         // between two machines of the federation
    NODE_PARTNERS_MAX = 4096                 // in the table
};

// Decodes and checks an announcement's payload: audience, life, times. Not its signature.
NODISCARD enum status node_announcement_read(const struct digest *audience, struct bytes payload,
                                             uint64_t now_ms, struct arena *arena,
                                             struct node_announcement *announcement,
                                             struct error *err);

// Verifies one row of the directory: card signed by the pinned registrar and recorded in the log,
// announcement signed by the card's batch key, both of one node, in time. An expired or missing
// announcement is refused. ST_UNPROVEN or ST_MALFORMED name what does not hold.
NODISCARD enum status node_partner_verify(struct node_trust *trust, struct seal_batch_cache *cache,
                                          const struct wire_row *row, uint64_t now_ms,
                                          struct arena *arena, struct node_partner *partner,
                                          struct error *err);

struct node_partners;

NODISCARD struct node_partners *node_partners_create(void); // NULL: no memory
void node_partners_destroy(struct node_partners **partners);

// Keeps a verified partner under its batch key and its announcement's hash. ST_STALE: a lower
// serial than the highest that this key announced. ST_DENIED: its key was dropped.
NODISCARD enum status node_partners_keep(struct node_partners *partners,
                                         const struct node_partner *partner, struct error *err);

// A partner whose announcement is good for `left_ms` more. NULL: unknown, ask the directory.
// Borrowed until the next change of the table.
const struct node_partner *node_partners_of(const struct node_partners *partners,
                                            struct bytes member, uint64_t now_ms, uint64_t left_ms);
const struct node_partner *node_partners_by_hash(const struct node_partners *partners,
                                                 const struct digest *announcement);

// A revoked key: nothing of it counts any more, now or later. Secrets that `keys` (may be NULL)
// shares with it are wiped.
struct node_keys;
void node_partners_drop(struct node_partners *partners, const struct digest *batch_key,
                        struct node_keys *keys);

// The broker says that the member has announced another key since: the directory is asked again.
// What the older one sealed can still be checked.
void node_partners_outdated(struct node_partners *partners, struct bytes member);

// Forgets announcements that ended more than five minutes ago.
void node_partners_expire(struct node_partners *partners, uint64_t now_ms);
