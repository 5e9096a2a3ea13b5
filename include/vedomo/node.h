// An agency's node as a library: ask other agencies for fields of a person, answer them from a
// register of one's own. The same engine as the program vedomo-node, set up by the same file.
//
// Threads: a node has threads of its own. Every function may be called from any thread, but
// vedomo_node_close(), which is called once, when no other call on the node is under way.
#ifndef VEDOMO_NODE_H
#define VEDOMO_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vedomo/status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vedomo_node;

// --- answering from a register of one's own ---

// A person is looked up: called in a thread of the node's pool, several at once.
struct vedomo_lookup {
    const char *dataset;
    const char *subject;       // the identifier, normalised; terminated
    const char *const *fields; // names of the fields that are wanted; no other is passed on
    size_t field_count;
    int64_t time_left_ms; // be done by then
};

enum vedomo_found { VEDOMO_FOUND_NONE = 0, VEDOMO_FOUND_ONE, VEDOMO_FOUND_SEVERAL };

struct vedomo_record; // what the register says: filled by the calls below

// Returns VEDOMO_OK when the register was asked, whatever it said; else it counts as unavailable.
typedef enum vedomo_status (*vedomo_register)(void *context, const struct vedomo_lookup *lookup,
                                              struct vedomo_record *record);

// How often the person was found. VEDOMO_FOUND_NONE at first.
void vedomo_record_found(struct vedomo_record *record, enum vedomo_found found);

// The value of wanted field `index`, copied: text as it is, date YYYY-MM-DD, "true" or "false", a
// code, a JSON array of texts. A field that is not set has no value. VEDOMO_FULL: longer than
// 64 KB in all.
enum vedomo_status vedomo_record_value(struct vedomo_record *record, size_t index,
                                       const char *value, size_t size);

// When the record last changed, milliseconds since 1970 UTC.
void vedomo_record_updated(struct vedomo_record *record, int64_t updated_ms);

// A dataset that the program answers for itself, beside those of the file.
struct vedomo_service {
    const char *dataset;
    const char *source; // what answers name as their source
    vedomo_register answer;
    void *context;
    unsigned threads; // lookups at a time; 0: 4
};

// --- life ---

// Reads the file of vedomo-node, starts the node and returns without waiting for the broker.
enum vedomo_status vedomo_node_open(const char *path, const struct vedomo_service *services,
                                    size_t service_count, struct vedomo_node **node,
                                    struct vedomo_error *error);

// Ends what is under way, stops the threads, clears the pointer; NULL is fine.
void vedomo_node_close(struct vedomo_node **node);

// VEDOMO_OK once the node is connected, has a policy and may ask; else why not, in words. Waits at
// most `wait_ms`.
enum vedomo_status vedomo_node_ready(struct vedomo_node *node, int64_t wait_ms,
                                     struct vedomo_error *error);

// --- asking ---

struct vedomo_ask_field {
    const char *name;
    const char *form;  // NULL: "full"
    const char *match; // with the form "match": the value to compare with; else NULL
};

// A question. Texts that are NULL are absent.
struct vedomo_ask {
    const char *holder; // may be absent where a dataset has one holder
    const char *dataset;
    const struct vedomo_ask_field *fields;
    size_t field_count;
    const char *scheme; // of the identifier
    const char *subject;
    const char *purpose;
    const char *basis;         // consent, explicit-request, law, vital-interest, court-order
    const char *consent;       // its id; absent: whichever covers the request
    const char *article;       // law
    const char *justification; // vital-interest
    const char *token;         // explicit-request
    const char *official;      // pseudonym of the person who asks
    const char *official_role;
    const char *case_ref;
    const char *traceparent;
    bool automated;      // the answer feeds a decision without a person
    bool all_or_nothing; // refuse everything when one field is refused
    bool exact;          // refuse a field rather than give it in a weaker form
    int64_t timeout_ms;  // 0: as the file says
};

enum vedomo_field_state {
    VEDOMO_FIELD_VALUE = 1,       // there is a value
    VEDOMO_FIELD_NO_VALUE = 2,    // the register has none
    VEDOMO_FIELD_NOBODY = 3,      // the register does not know the person
    VEDOMO_FIELD_AMBIGUOUS = 4,   // it knows several
    VEDOMO_FIELD_UNAVAILABLE = 5, // it could not be read
    VEDOMO_FIELD_TOO_LONG = 6,    // the value is longer than the catalogue allows
    VEDOMO_FIELD_NOT_OF_TYPE = 7, // the value is not of the field's type
    VEDOMO_FIELD_REFUSED = 8,     // by the decision: see `reason`
    VEDOMO_FIELD_WITHHELD = 9     // by this node: the value told more than its form
};

struct vedomo_answer_field {
    const char *name;
    enum vedomo_field_state state;
    const char *form;     // given; "" when refused
    const char *reason;   // the reason's code
    const char *sentence; // the same in words; "" when the policy has none
    const char *value;    // terminated; "" without a value
    size_t value_size;
    int64_t last_updated_ms; // 0: not known
};

struct vedomo_answer;

// Asks and waits for the end. VEDOMO_OK: there is an answer, which may be "no" for every field.
// VEDOMO_USAGE: the question is off, in words; VEDOMO_BUSY: try again later; VEDOMO_TIMEOUT: no
// answer in time; VEDOMO_UNPROVEN: an answer came that does not prove itself. `language`: "ru" or
// "en", for sentences.
enum vedomo_status vedomo_node_ask(struct vedomo_node *node, const struct vedomo_ask *ask,
                                   const char *language, struct vedomo_answer **answer,
                                   struct vedomo_error *error);
void vedomo_answer_destroy(struct vedomo_answer **answer);

// Borrowed from the answer.
const char *vedomo_answer_id(const struct vedomo_answer *answer);
size_t vedomo_answer_field_count(const struct vedomo_answer *answer);
const struct vedomo_answer_field *vedomo_answer_field(const struct vedomo_answer *answer,
                                                      size_t index);

// Receipts as C2SP tlog-proof texts, for vedomo_receipt_verify(): of the decision, and of what
// ended the exchange ("" when the decision itself did).
const char *vedomo_answer_decision_receipt(const struct vedomo_answer *answer);
const char *vedomo_answer_ending_receipt(const struct vedomo_answer *answer);

// Who stands behind an answer's receipts, by the node's own policy of witnesses.
enum vedomo_vouched {
    VEDOMO_VOUCHED_UNASKED = 0, // the log that signed them; the node's file names no witnesses
    VEDOMO_VOUCHED_SIGNED,      // the log alone so far
    VEDOMO_VOUCHED_WITNESSED    // a quorum of witnesses as well
};

// As it was when the answer came, or was looked at again: SIGNED at first, where witnesses are
// named.
enum vedomo_vouched vedomo_answer_vouched(const struct vedomo_answer *answer);

// True when it is WITNESSED only because the broker counts witnesses on its own host, as it may for
// a trial: such a word is worth nothing against the broker's owner.
bool vedomo_answer_trial(const struct vedomo_answer *answer);

// Brings both up to now; witnesses take a few seconds. VEDOMO_NOT_FOUND: the node knows an answer
// for ten minutes, and does not know this one any more; what stands in it stays.
enum vedomo_status vedomo_node_look_again(struct vedomo_node *node, struct vedomo_answer *answer,
                                          struct vedomo_error *error);

#ifdef __cplusplus
}
#endif

#endif
