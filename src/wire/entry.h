// What the log's entries say: the parts of their bodies, and receipts.
// Each field is explained at the same field of proto/vedomo/v1/entry.proto. Absent is all zero,
// empty or NULL. What a decoded struct views lives in the arena that it was decoded into.
#pragma once

#include "wire/head.h"
#include "wire/hold.h"
#include "wire/seen.h"

// One field's verdict.
struct wire_verdict {
    struct bytes name;
    struct bytes asked;
    struct bytes given;
    struct bytes reason;
};

// Part 1, for asker and holder: the exchange.
struct wire_exchange_part {
    uint32_t format;
    uint32_t kind;
    struct id exchange_id;
    struct digest request_hash;
    struct bytes asker;
    struct bytes holder;
    struct bytes dataset;
    struct bytes purpose;
    uint32_t basis;
    const struct wire_verdict *verdicts;
    size_t verdicts_count;
    struct digest bundle_hash;
    struct bytes agreement;
    struct id consent;
    uint32_t consent_revision;
    uint64_t issued_at;
    uint64_t expires_at;
    uint64_t decision_index;
    struct digest decision_leaf;
    struct digest answer_hash;
    const uint32_t *released;
    size_t released_count;
    const uint32_t *withheld;
    size_t withheld_count;
    struct bytes reason;
    struct digest asker_check;
    struct digest holder_check;
    uint32_t tag_key_id;
    struct id root_id;
    struct id parent_id;
    uint32_t part;
    uint32_t part_of;
    uint32_t attempt;
    uint32_t mode;
    struct id subscription_id;
    struct bytes on_behalf_of;
    const struct wire_delivery *deliveries;
    size_t deliveries_count;
    bool automated;
    uint64_t recorded_at;
    struct digest signer;
    const struct wire_extension *extensions;
    size_t extensions_count;
};

struct wire_delivery {
    uint64_t index;
    uint32_t state;
};

// Part 2, for the citizen: plain facts. Codes, not sentences: the bundle has the sentences.
struct wire_subject_part {
    uint32_t format;
    uint32_t kind;
    uint64_t sequence;
    struct digest previous;
    struct id exchange_id;
    struct bytes asker;
    struct bytes holder;
    struct bytes dataset;
    struct bytes purpose;
    uint32_t basis;
    struct bytes article;
    struct bytes justification;
    struct bytes official_role;
    bool automated;
    const struct wire_verdict *verdicts;
    size_t verdicts_count;
    struct digest bundle_hash;
    struct id consent;
    uint32_t consent_revision;
    uint64_t recorded_at;
    struct bytes agreement;
    struct bytes subject_kind;
    uint32_t consent_state;
    struct bytes artefact;
    uint64_t previous_index;
    const struct wire_extension *extensions;
    size_t extensions_count;
};

// Part 3, for the privacy officer: what is needed to decide again.
struct wire_officer_part {
    uint32_t format;
    uint32_t kind;
    struct bytes tag;
    struct bytes official;
    struct bytes official_role;
    struct bytes case_ref;
    struct bytes article;
    struct bytes justification;
    bool automated;
    bool exact;
    bool partial_ok;
    struct bytes traceparent;
    const struct bytes *reasons;
    size_t reasons_count;
    const uint32_t *over_asked;
    size_t over_asked_count;
    const struct wire_consent_seen *consents;
    size_t consents_count;
    const struct wire_counter_seen *counters;
    size_t counters_count;
    uint64_t decided_at;
    struct bytes reason;
    struct bytes reader;
    struct bytes reader_role;
    struct bytes question;
    uint64_t answered;
    struct bytes node;
    uint64_t member_revision;
    const struct wire_counter_seen *charges;
    size_t charges_count;
    const struct bytes *over_answered;
    size_t over_answered_count;
    const uint64_t *lost;
    size_t lost_count;
    struct digest message_hash;
    struct bytes log_id;
    uint64_t term;
    uint32_t shard;
    struct bytes body_key_id;
    const struct wire_consent_record *consent;
    const struct bytes *flags;
    size_t flags_count;
    const struct bytes *lost_ids;
    size_t lost_ids_count;
    const struct wire_carried_head *carried_heads;
    size_t carried_heads_count;
    const struct wire_counter_seen *carried_counters;
    size_t carried_counters_count;
    const struct wire_hold *hold;
    struct id named_consent;
    const struct wire_extension *extensions;
    size_t extensions_count;
};

// Part 4, for everyone who is connected: governance.
struct wire_public_part {
    uint32_t format;
    uint32_t kind;
    struct bytes signed_;
    struct bytes member;
    uint64_t recorded_at;
    struct bytes note;
    uint64_t count;
    uint64_t epoch;
    struct digest map_root;
    uint64_t map_size;
    uint32_t month;
    uint64_t forgotten_to;
    struct bytes continues;
    const struct wire_key_change *key_change;
    const struct wire_extension *extensions;
    size_t extensions_count;
};

// A receipt file carries this in its `extra` line.
struct wire_receipt_extra {
    struct bytes leaf;
    uint32_t part_type;
    struct digest part_salt;
    struct bytes part;
    const struct bytes *others;
    size_t others_count;
};

// A consent as it stands after one revision.
struct wire_consent_record {
    struct id id;
    uint32_t revision;
    uint32_t state;
    struct bytes artefact;
    struct digest hash;
    struct bytes tag;
    uint64_t changed_at;
    uint64_t index;
    struct bytes collector;
    struct digest collector_key;
    uint32_t assurance;
};
