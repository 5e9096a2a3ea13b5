// One asker that asks under one consent without a pause while the consent is withdrawn, and judges
// what comes back. What must never come:
//   - a release of a request that was set off after the withdrawal had been acknowledged,
//   - a release that stands behind the withdrawal in the log (its receipt proves where it stands),
//   - a release behind a refusal on the same connection: it has left the broker after the refusal.
// A release that was recorded and sent before, and is read after the acknowledgement because it
// came by another connection, is none of these; it is counted as crossed.
#pragma once

#include "bench_consent.h"
#include "bench_load.h"
#include "node/trust.h"

enum { BENCH_PROBES_MAX = 256, BENCH_KEPT_MAX = 1024 };

struct bench_probe_slot {
    struct id id; // zero: free
    bool after;   // set off after the acknowledgement
};

// A release as it was read. Its proofs are checked when nothing is being timed: that takes longer
// than the broker does, and what comes behind it would be read late.
struct bench_probe_kept {
    struct bytes payload;
    struct bench_probe_slot slot;
    bool acknowledged;  // the withdrawal, by then
    bool after_refusal; // on the same connection
};

struct bench_probe {
    const struct bench_home *home;
    const struct bench_load *load;
    const struct bench_member *member;
    struct peer *peer;
    struct node_keys *keys;
    struct digest announcement;
    struct node_trust trust;
    struct arena *arena;
    struct arena *kept_arena;
    struct bench_probe_kept kept[BENCH_KEPT_MAX];
    size_t kept_count;
    struct buffer payload;
    size_t window;

    // Of the consent at hand.
    const struct bench_consent *consent;
    bool asking;
    struct bench_probe_slot slots[BENCH_PROBES_MAX];
    size_t under_way;
    uint64_t turn; // which holder is asked next
    int64_t pause_ms;
    uint64_t released_count;
    uint64_t refused_after;  // refused, of those set off after the acknowledgement
    uint64_t newest_release; // highest index of a release
    bool acknowledged;
    uint64_t withdrawal;      // its index; while acknowledged
    int64_t first_refusal_ns; // monotonic; 0: none yet

    // Of all so far.
    uint64_t released;
    uint64_t refused;
    uint64_t busy;
    uint64_t crossed;
    uint64_t wrong;
    char first_wrong[160];
};

NODISCARD enum status bench_probe_open(struct bench_probe *probe, const struct bench_home *home,
                                       const struct bench_load *load, struct bus_context *context,
                                       const struct bench_member *member, size_t window,
                                       struct error *err);
void bench_probe_close(struct bench_probe *probe);

// Turns to a consent; nothing is under way.
void bench_probe_begin(struct bench_probe *probe, const struct bench_consent *consent);

// Sets off what the window has room for.
NODISCARD enum status bench_probe_ask(struct bench_probe *probe, struct error *err);

// A peer_handler's work.
void bench_probe_handle(void *probe, const struct peer_message *message);

// Judges what has been kept: when no more may come before it is, and before anything is concluded.
bool bench_probe_is_full(const struct bench_probe *probe);
void bench_probe_judge(struct bench_probe *probe);

// The withdrawal is acknowledged, at that place of the log.
void bench_probe_acknowledged(struct bench_probe *probe, uint64_t index);
