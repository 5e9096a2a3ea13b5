// What a job wants on record, and what became of it. Workers, control and readers fill the upper
// half; the recorder fills the lower half and, after the commit, the receipt.
#pragma once

#include "audit/entry.h"
#include "audit/rows.h"
#include "audit/tag.h"
#include "registry/card.h"
#include "wire/message.h"

struct policy_bundle;

// What has to hold at the moment of writing, on top of what every kind demands by itself.
enum record_kind {
    RECORD_NOTHING = 0,
    RECORD_DECISION, // a new exchange: its id is unused, its versions are current
    RECORD_RELEASE,  // consent, members and bundle still allow it; charges its budgets
    RECORD_REPEAT,   // no entry: may an answer that is held be given again?
    RECORD_ENDING,   // another end of an exchange: always goes in
    RECORD_CONSENT,  // the next revision of a consent
    RECORD_REGISTRY, // a card or an order: applied to the registry
    RECORD_POLICY,   // a bundle: becomes the current one
    RECORD_FORGET,   // a month's contents: no hold covers it
    RECORD_LOG_KEY,  // the registrar's order of a new key: it signs from the next commit on
    RECORD_BODY_KEY, // a new body key: bodies of the entries behind this one are under it
    RECORD_PLAIN,    // reads, sessions, deliveries, restarts
};

enum record_result {
    RECORD_PENDING = 0, // not written (yet); see `err` when the recorder has seen it
    RECORD_DONE,        // durable; index, leaf hash and receipt are set
    RECORD_STALE,       // a version has changed: decide again
    RECORD_AGAIN,       // the same request is on record already: `earlier` says where
    RECORD_REUSED,      // the id belongs to another request
    RECORD_FAILED,      // cannot be written: `err` says why
};

struct record {
    enum record_kind kind;
    enum wire_class class;
    enum wire_part receipt_part; // the part that the receipt shows; 0: no receipt wanted

    // The parts that the class has, in the job's arena. The recorder fills what only it knows:
    // sequence, previous, recorded_at, charges, the consent's index.
    struct wire_exchange_part *exchange;
    struct wire_subject_part *subject;
    struct wire_officer_part *officer;
    struct wire_public_part *public_;

    bool chained; // goes into the list of the citizen `tag`
    struct audit_tag tag;

    // RECORD_PLAIN: the same entry once more in the list of each of these, a page of them at most,
    // in the job's arena.
    const struct audit_tag *also;
    size_t also_count;

    // Versions that it was decided from.
    struct digest bundle_hash;

    // RECORD_DECISION: what the worker saw in the views of a log of `seen_size` entries, so that
    // the recorder need not look where nothing has changed since. 0: it has not looked.
    uint64_t seen_size;
    bool seen_new;                      // no exchange had the id
    struct audit_subject_row seen_head; // of the citizen's list; sequence 0: it was empty

    enum registry_label label; // RECORD_REGISTRY: what was signed
    bool lasting;              // RECORD_BODY_KEY: the lasting key, not the month's
    struct bytes signed_message;
    struct policy_bundle *bundle;   // RECORD_POLICY: owned here until it is the current one
    struct seal_signer *log_signer; // RECORD_LOG_KEY: the new key, owned here until it is the log's

    // ---- filled by the recorder
    enum record_result result;
    uint64_t index;
    struct digest leaf_hash;
    const struct wire_receipt *receipt; // in the job's arena
    const char *reason;                 // static: code of the reason why a release was stopped
    struct {
        uint64_t index;        // of the decision
        uint64_t ending_index; // of its ending
        bool open;             // it has no ending yet
        enum wire_kind ending;
    } earlier;
    struct error err;

    // Between staging and commit.
    struct audit_entry entry;
    size_t place; // in the commit
};
