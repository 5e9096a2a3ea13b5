// Deciding again: each recorded decision is made once more by the same pure function, from what the
// log says that it was made from, and compared with what is recorded. The log is read from its
// files, beside a running broker or without one. One thread.
//
// Memory: registry, the bundles used last, the exchanges that are open, and about a hundred bytes
// for each revision of a consent and for each counter that was ever charged.
#pragma once

#include "broker/home.h"

enum { REPLAY_TEXT_BYTES = 160 };

// One thing that comes out otherwise. Codes and numbers only, nothing that tells a person.
struct replay_difference {
    uint64_t index;                   // of the decision, or of the release
    char what[REPLAY_TEXT_BYTES];     // "field full_name: verdict", "agreement", "charge 2"
    char recorded[REPLAY_TEXT_BYTES]; // as the log has it
    char decided[REPLAY_TEXT_BYTES];  // as it comes out again
};

// Entries of a month that are forgotten: what they decided cannot be decided again.
struct replay_month {
    uint32_t month; // as in audit/month.h; 0: members, policies or consents of any time
    uint64_t count;
    uint64_t first; // entry
    uint64_t last;
    uint64_t ordered_by; // entry that ordered it; 0: none did
};

struct replay_options {
    const struct broker_home *home;
    uint64_t from; // first entry whose decision is made again
    uint64_t to;   // behind the last; UINT64_MAX: the end
    void (*found)(const struct replay_difference *difference, void *context);
    // A bundle that cannot be used; the decisions under it are counted as `undecided`.
    void (*bundle)(const struct digest *hash, const char *why, void *context);
    void (*forgotten)(const struct replay_month *month, void *context); // at the end
    void (*progress)(uint64_t done, uint64_t total, void *context);     // may be NULL
    void *context;
};

struct replay_result {
    uint64_t entries;   // looked at
    uint64_t decisions; // made again
    uint64_t granted;   // of them, with a field that is permitted
    uint64_t releases;  // whose charges were compared
    uint64_t forgotten; // entries of exchanges whose bodies are forgotten
    uint64_t orphans;   // releases whose decision is forgotten: their charges are taken as they are
    uint64_t groundless;  // decisions not made again, as what they rest on is forgotten
    uint64_t gone;        // entries whose contents are gone though no entry orders it
    uint64_t undecided;   // decisions whose bundle is missing or altered
    uint64_t differences; // 0: everything comes out as recorded
};

// ST_OK: it was done, see the result. Anything else: the log or the home cannot be read.
NODISCARD enum status broker_replay(const struct replay_options *options,
                                    struct replay_result *result, struct error *err);
