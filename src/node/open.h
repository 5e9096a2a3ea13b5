// The asker's side, second half: what came back is believed only as far as it proves itself. Checks
// a release or refusal against the request that was sent, opens the boxes, and withholds whatever
// is wider than its form. Pure: everything it looks at is handed in.
#pragma once

#include "catalogue/catalogue.h"
#include "catalogue/value.h"
#include "node/partner.h"

// What is wrong with an answer, by name: for ACK, for the log, for tests.
enum node_fault {
    NODE_FAULT_NONE = 0,
    NODE_FAULT_MALFORMED,        // not a message of its type
    NODE_FAULT_FOREIGN,          // about another request, asker or holder
    NODE_FAULT_REPLAYED,         // this request has ended already
    NODE_FAULT_DECISION_MISSING, // no decision receipt
    NODE_FAULT_DECISION_FORGED,  // it does not verify
    NODE_FAULT_DECISION_DIFFERS, // it is about something else than what was asked
    NODE_FAULT_RELEASE_MISSING,
    NODE_FAULT_RELEASE_FORGED,
    NODE_FAULT_RELEASE_DIFFERS, // another decision, answer or list of fields
    NODE_FAULT_ANSWER_FORGED,   // not signed by the holder's key
    NODE_FAULT_ANSWER_DIFFERS,  // to another request, or with another sealing key
    NODE_FAULT_FIELDS_DIFFER,   // listed, granted and delivered are not the same fields
    NODE_FAULT_BOX_DIFFERS,     // a box is not the one that was signed
    NODE_FAULT_BOX_SEALED,      // a box does not open, or holds something else than committed
    NODE_FAULT_TOO_WIDE,        // a value tells more than its form: withheld
    NODE_FAULT_PERSON_DIFFERS,  // filed under another person than before
    NODE_FAULT_COUNT
};

// "answer-forged". Static.
const char *node_fault_name(enum node_fault fault);

// A request that was sent, as far as its answer is compared with it.
struct node_sent {
    struct id id;
    struct digest hash; // of the payload
    struct wire_request request;
    struct digest own_key;    // batch key that signed it
    struct digest holder_key; // batch key of the holder's card
    struct digest pair;       // secret of the two announcements
};

struct node_opened_field {
    struct bytes name;
    struct bytes asked; // form
    struct bytes given; // form; empty: refused
    struct bytes reason;
    bool delivered;  // a box came and was opened
    uint32_t status; // enum wire_box_status, where delivered
    struct bytes source;
    uint64_t last_updated; // ms; 0: not known
    struct bytes value;    // empty where withheld
    enum node_fault fault; // TOO_WIDE: withheld
};

// What an answer says, once it has proven itself. Views live in the arena.
struct node_opened {
    bool released;       // false: a refusal
    struct bytes reason; // of a refusal: code; empty when each field has its own
    struct node_opened_field fields[CATALOGUE_FIELDS_MAX];
    size_t field_count;      // 0: a refusal that was not recorded
    uint64_t decision_index; // entry numbers; the ending's is 0 when the decision is the ending
    uint64_t ending_index;
    struct node_tree decision_tree; // that the receipts prove them in
    struct node_tree ending_tree;   // size 0: the decision is the ending
    bool recorded;                  // there is a decision receipt
    struct digest asker_check;      // for the person, and its key's number
    uint32_t tag_key_id;
    enum node_fault fault; // the first thing that was withheld; NONE: nothing
    uint32_t retry_after_ms;
    struct bytes message; // of a refusal that was not recorded
};

// What the answer is checked with.
struct node_open_setting {
    struct node_trust *trust;
    struct seal_batch_cache *cache;
    const struct catalogue *catalogue;
    struct arena *arena;
};

// Checks a release and opens its boxes. On failure *fault says which of its parts does not hold,
// and nothing of it may be used.
NODISCARD enum status node_release_open(const struct node_open_setting *setting,
                                        const struct node_sent *sent,
                                        const struct wire_release *release, struct bytes boxes,
                                        struct node_opened *opened, enum node_fault *fault,
                                        struct error *err);

// Checks a refusal. One without receipts is believed as a hint only: `recorded` stays false.
NODISCARD enum status node_refusal_open(const struct node_open_setting *setting,
                                        const struct node_sent *sent,
                                        const struct wire_refusal *refusal,
                                        struct node_opened *opened, enum node_fault *fault,
                                        struct error *err);
