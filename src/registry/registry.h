// Who is enrolled: an immutable set of keys with their cards and members, built from what the
// registrar signed. A change makes a new registry and leaves the old one as it is, so that readers
// pin one for a whole request (base/snapshot.h) and never lock.
//
// Nothing gets in without the registrar's signature: registry_next() verifies it against the pins.
#pragma once

#include "registry/card.h"

struct registry;

enum registry_member_state { REGISTRY_MEMBER_ACTIVE = 1, REGISTRY_MEMBER_SUSPENDED = 2 };
enum registry_key_state { REGISTRY_KEY_ACTIVE = 1, REGISTRY_KEY_REVOKED = 3 };

// A member. Lives as long as its registry.
struct registry_member {
    char code[REGISTRY_MEMBER_BYTES];
    enum registry_member_state state;
    uint64_t revision;    // of the registry when this member last changed (suspend, resume, revoke,
                          // new card); compare it to see whether a decision is stale
    uint64_t changed_at;  // issued_at of the newest order about it, 0: none
    uint64_t entry_index; // of the entry that last changed it
};

// A key with its card. Lives as long as its registry.
struct registry_key {
    struct registry_card card;
    enum registry_key_state state;
    uint64_t entry_index;                 // of the card's entry in the log
    uint64_t revoked_index;               // of the order's entry; 0 while active
    uint64_t revoked_since;               // the order's `since`: entries from then on are marked
    struct bytes signed_card;             // the Signed message, verbatim
    const struct registry_member *member; // never NULL
};

// May this key act now? A suspended member stays connected and may read and hold, but its requests
// are refused; all other values but GOOD keep it out.
enum registry_standing {
    REGISTRY_UNKNOWN = 0, // no such key
    REGISTRY_GOOD,
    REGISTRY_SUSPENDED, // the member is
    REGISTRY_REVOKED,   // the key is
    REGISTRY_EARLY,     // the card has not begun
    REGISTRY_ENDED,     // the card has ended
};

// "good", "suspended", … Static.
const char *registry_standing_name(enum registry_standing standing);

// A registry with nobody in it. The pins are the registrar's; they are copied.
NODISCARD enum status registry_create(struct bytes origin, const struct registry_pins *pins,
                                      struct registry **registry, struct error *err);
void registry_destroy(struct registry **registry);

// One change: what was signed, and the index of the entry that records it.
struct registry_change {
    enum registry_label label;   // REGISTRY_CARD or REGISTRY_ORDER
    struct bytes signed_message; // the encoded Signed message
    uint64_t entry_index;
};

// A new registry: `old` with the changes applied in order, all or none. Call it with one change and
// throw the result away to learn whether a change is good before it is recorded.
// ST_UNPROVEN: not signed by the registrar. ST_MALFORMED, ST_DENIED: not for us. ST_EXISTS: this
// card is there already, or its keys stand on another card, or are revoked. ST_NOT_FOUND: an order
// about nobody. ST_STALE: an order older than the last one about that member, or one that changes
// nothing.
NODISCARD enum status registry_next(const struct registry *old,
                                    const struct registry_change *changes, size_t count,
                                    struct registry **next, struct error *err);

struct bytes registry_origin(const struct registry *registry);
const struct registry_pins *registry_pins_of(const struct registry *registry);

// Grows by one with every change.
uint64_t registry_revision(const struct registry *registry);

// Hash lookups. NULL: unknown. Revoked keys are found as well: look at the state.
const struct registry_key *registry_by_curve(const struct registry *registry,
                                             const struct digest *curve_key);
const struct registry_key *registry_by_batch(const struct registry *registry,
                                             const struct digest *batch_key);
const struct registry_member *registry_member_find(const struct registry *registry,
                                                   struct bytes code);

// The newest active key of that node; NULL: none.
const struct registry_key *registry_node_find(const struct registry *registry, struct bytes member,
                                              struct bytes node);

// `key` may be NULL (REGISTRY_UNKNOWN). Revoked and out-of-time come before suspended.
enum registry_standing registry_key_standing(const struct registry_key *key, uint64_t now_ms);

// In the order in which they came. The index must be below the count.
size_t registry_key_count(const struct registry *registry);
const struct registry_key *registry_key_at(const struct registry *registry, size_t index);
size_t registry_member_count(const struct registry *registry);
const struct registry_member *registry_member_at(const struct registry *registry, size_t index);
