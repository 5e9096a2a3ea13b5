// Inside of the replay: its state, as the log stands before the entry at hand.
#pragma once

#include "audit/month.h"
#include "audit/scan.h"
#include "base/map.h"
#include "broker/replay.h"
#include "broker/standing.h"
#include "policy/decide.h"
#include "registry/registry.h"

enum { REPLAY_BUNDLES = 8, REPLAY_CONSENT_BYTES = ID_BYTES + 4 + DIGEST_BYTES };

// A bundle that was used; kept until others push it out.
struct replay_bundle {
    struct digest hash;
    struct catalogue *catalogue; // NULL: it cannot be used
    uint64_t used;               // when, in decisions
};

// Where a revision of a consent is recorded. Not under the citizen's tag: that changes with its
// key.
struct replay_consent {
    uint8_t key[REPLAY_CONSENT_BYTES]; // id, revision, hash of the artefact
    uint64_t index;
};

// A counter's place: under the tag that the entry has, and under the newest key of tags.
struct replay_counter {
    struct digest key;
    struct digest current;
};

struct replay_charge {
    struct replay_counter counter;
    uint64_t lock; // not 0: the value that the row gets
    uint64_t limit;
    uint64_t seen; // the value that the decision looked at
};

// What a decision would charge; until its exchange ends.
struct replay_open {
    struct id id;
    bool undecided; // it could not be made again: nothing more is known
    size_t field_count;
    bool granted[CATALOGUE_FIELDS_MAX];
    size_t charge_count;
    struct replay_charge charges[POLICY_CHARGES_MAX];
};

struct replay {
    const struct replay_options *options;
    struct audit_scan *scan;
    uint64_t from;
    uint64_t to;

    struct registry *registry;
    struct arena *changes_arena; // signed messages that are not in the registry yet
    struct registry_change *changes;
    size_t change_count;
    size_t change_room;
    struct digest policy; // hash of the bundle in force; zero: none yet

    struct replay_bundle bundles[REPLAY_BUNDLES];
    struct arena *consents_arena;
    struct map *consents; // struct replay_consent by key
    struct map *open;     // struct replay_open by exchange id

    struct audit_tagger *tagger;
    struct arena *budgets_arena;
    struct map *budgets; // struct replay_budget by both keys

    uint64_t forgotten_to;      // behind the last entry of an exchange whose body is forgotten
    uint32_t forgotten_minutes; // when that was recorded
    bool ground_gone; // members, policies and consents cannot be read: their lasting key is gone
    struct replay_month *months;
    size_t month_count;

    struct arena *arena; // of one decision
    struct policy_decision decision;
    struct replay_result result;
};

void replay_found(struct replay *replay, uint64_t index, const char *what, struct bytes recorded,
                  struct bytes decided);
void replay_found_number(struct replay *replay, uint64_t index, const char *what, uint64_t recorded,
                         uint64_t decided);

// What an entry changes for those behind it: members, keys, bundles, consents.
NODISCARD enum status replay_follow(struct replay *replay, const struct audit_scanned *entry,
                                    struct error *err);

// The registry as it stands now.
NODISCARD enum status replay_registry(struct replay *replay, struct error *err);

// The catalogue of that bundle; NULL: it cannot be used, which has been told.
NODISCARD enum status replay_catalogue(struct replay *replay, const struct digest *hash,
                                       const struct catalogue **catalogue, struct error *err);

// The grants that the decision looked at, in its order. Told where one is not on record.
NODISCARD enum status replay_grants(struct replay *replay, const struct audit_facts *facts,
                                    struct consent_grant *grants, struct error *err);

// Makes a decision again and compares it.
NODISCARD enum status replay_decision(struct replay *replay, const struct audit_facts *facts,
                                      struct error *err);

// Compares what a release charges; drops what is kept of its exchange. So do other endings.
NODISCARD enum status replay_ending(struct replay *replay, const struct audit_facts *facts,
                                    struct error *err);

// ---- budgets (replay_budget.c)

// A zero tag stands for nobody. ST_MALFORMED: a tag under a key that is not at hand.
NODISCARD enum status replay_counter_of(const struct replay *replay,
                                        const struct policy_counter *counter,
                                        const struct audit_tag *tag, struct replay_counter *out,
                                        struct error *err);

// A decision looked at that value: told when it is more than the log gives.
void replay_budget_seen(struct replay *replay, uint64_t index, const char *what,
                        const struct replay_counter *counter, uint64_t value);

// A release set the counter to that value: told when the log gives another.
NODISCARD enum status replay_budget_charge(struct replay *replay, const struct audit_facts *facts,
                                           const struct replay_charge *charge, uint64_t value,
                                           struct error *err);

// The charges of a release whose decision is not known, as they are.
NODISCARD enum status replay_budget_follow(struct replay *replay, const struct audit_facts *facts,
                                           struct error *err);

// ---- what is forgotten (replay_forgotten.c)

NODISCARD enum status replay_forgotten(struct replay *replay, const struct audit_facts *facts,
                                       struct error *err);
void replay_order(struct replay *replay, const struct audit_facts *facts);

// Names the months, at the end of the run.
NODISCARD enum status replay_tell_forgotten(struct replay *replay, struct error *err);
