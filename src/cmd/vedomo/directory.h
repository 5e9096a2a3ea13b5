// Members' keys as the broker lists them, each card verified by the registrar's signature.
#pragma once

#include "link.h"

// A key of the list. Lives for one visit.
struct directory_key {
    struct registry_card card;
    uint32_t state; // enum wire_member_state
    uint64_t index; // of the card's entry
};

typedef enum status (*directory_visit)(void *context, const struct directory_key *key,
                                       struct error *err);

// Visits all keys, or those of one member (code; NULL: all).
NODISCARD enum status directory_each(struct link *link, const char *member, directory_visit visit,
                                     void *context, struct error *err);

// "active", "suspended", "revoked". Static.
const char *directory_state_name(uint32_t state);
