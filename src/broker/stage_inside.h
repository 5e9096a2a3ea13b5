// The inside of a stage, for its two files: what a batch has changed so far, and the checks of what
// may go in. Recorder thread only.
#pragma once

#include "base/map.h"
#include "broker/exchange.h"
#include "broker/policy_bundle.h"
#include "broker/stage.h"

// The head of a citizen's chain as the batch leaves it.
struct chain_head {
    struct audit_tag tag;
    uint64_t sequence;
    uint64_t index; // of its last entry
    struct digest leaf_hash;
};

// A consent as the batch leaves it.
struct consent_now {
    uint8_t key[AUDIT_CONSENT_KEY_BYTES];
    uint32_t revision; // 0: there is none
    uint32_t state;
    struct digest hash;
};

struct counter_now {
    struct digest key;
    uint64_t value;
};

// An exchange that the batch has decided.
struct exchange_now {
    struct id id;
    struct digest request_hash;
    uint64_t index;
};

struct stage {
    struct broker *broker;
    struct audit_reader *reader;
    struct arena *arena;   // of the batch
    struct arena *scratch; // for one consent at a time
    struct buffer packed;
    struct audit_rows *rows;
    struct map *heads;
    struct map *consents;
    struct map *counters;
    struct map *exchanges;
    const struct audit_entry *entries[AUDIT_BATCH_MAX];
    struct job *jobs[AUDIT_BATCH_MAX];
    size_t count;
    uint64_t size;
    uint32_t minutes;
    int64_t now_ms;
    const struct registry *registry; // as the batch leaves it
    struct registry *next_registry;  // made by the batch; NULL: unchanged
    struct registry *tried_registry; // what the job being added would make of it
    const struct policy_bundle *bundle;
    struct policy_bundle *next_bundle;
    struct job *key_job;  // makes a key the log's; NULL: none in the batch
    struct job *body_job; // brings a new body key; NULL: none in the batch
    struct snapshot_item *registry_item;
    struct snapshot_item *bundle_item;
};

// Checks the job's record against the batch and the views. ST_OK with record.result still
// RECORD_PENDING: it may go in.
NODISCARD enum status stage_check(struct stage *stage, struct job *job, struct error *err);

// A citizen's chain or consent as it stands, batch first, then views. The batch owns it.
NODISCARD enum status stage_find_head(struct stage *stage, const struct record *record,
                                      struct chain_head **head, struct error *err);
NODISCARD enum status stage_find_consent(struct stage *stage, const struct audit_tag *tag,
                                         const struct id *id, struct consent_now **consent,
                                         struct error *err);
