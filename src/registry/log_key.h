// A new key for the log, as the registrar orders it: which key follows which, and until when both
// sign. The broker records the order under the old key; whoever has pinned the old key and the
// registrar's keys follows to the new one by itself.
#pragma once

#include "registry/card.h"

enum {
    REGISTRY_BOTH_DAYS = 30,     // how long both keys sign unless the order says otherwise
    REGISTRY_BOTH_DAYS_MAX = 366 // an order that says more is refused
};

// The order by value. Times in milliseconds since 1970 UTC.
struct registry_log_key {
    struct digest old_key; // Ed25519
    struct digest new_key;
    uint64_t issued_at;
    uint64_t both_until; // afterwards the new key alone counts
};

// The order's payload for `origin`, appended to `out`. ST_USAGE names what is off.
NODISCARD enum status registry_log_key_encode(const struct registry_log_key *order,
                                              struct bytes origin, struct buffer *out,
                                              struct error *err);

// Parses a payload that was verified (or is about to be signed). ST_MALFORMED, or ST_DENIED when it
// is for another origin.
NODISCARD enum status registry_log_key_decode(struct bytes payload, struct bytes origin,
                                              struct registry_log_key *order, struct error *err);

// registry_signed_verify() and registry_log_key_decode() in one.
NODISCARD enum status registry_log_key_verify(struct bytes signed_message, struct bytes origin,
                                              const struct registry_pins *pins,
                                              struct registry_log_key *order, struct error *err);

// Whose orders count.
struct registry_of_log {
    const struct registry_pins *registrar;
    struct bytes origin;
};

// The same as a function that peer/peer.h calls: `argument` is a struct registry_of_log.
NODISCARD enum status registry_log_key_admit(const void *argument, struct bytes signed_message,
                                             struct digest *old_key, struct digest *new_key,
                                             uint64_t *both_until, struct error *err);
