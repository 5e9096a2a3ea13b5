// Consents of a benchmark's federation, collected as a desk does: the citizen's code, a session,
// the citizen's decision.
#pragma once

#include "base/arena.h"
#include "bench_request.h"

struct bench_consent {
    struct id id;
    const char *asker; // the member's code
    uint64_t person;
    uint64_t begun_ms;     // when it was granted, wall clock
    uint32_t revision;     // the current one; 0: none yet
    struct digest hash;    // of its artefact
    struct digest session; // the person's, at the desk
};

// The desk's and the portal's connections with what a call needs.
struct bench_desk {
    const struct bench_home *home;
    struct peer *desk;
    struct peer *portal;
    struct arena *arena; // one call
    struct buffer payload;
    struct buffer artefact;
};

NODISCARD enum status bench_desk_open(const struct bench_home *home, struct bus_context *context,
                                      struct bench_desk *desk, struct error *err);
void bench_desk_close(struct bench_desk *desk);

// Opens a session of that person and takes the consent down: all fields, as long and as often as
// the agreement allows. `asker` is borrowed.
NODISCARD enum status bench_consent_grant(struct bench_desk *desk, const char *asker,
                                          uint64_t person, struct bench_consent *consent,
                                          struct error *err);

// Packs the change into desk->payload: to be sent as CONSENT_CHANGE by the desk.
NODISCARD enum status bench_consent_withdraw(struct bench_desk *desk,
                                             const struct bench_consent *consent,
                                             struct error *err);
