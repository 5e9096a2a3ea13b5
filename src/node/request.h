// The asker's side, first half: from what an agency's system asks to the Request that is signed.
// Pure but for randomness.
#pragma once

#include "catalogue/catalogue.h"
#include "node/partner.h"

struct node_question_field {
    struct bytes name;
    struct bytes form;  // empty: full
    struct bytes match; // the value to compare with, where the form is `match`
};

// What is asked, as it came from outside. Views are borrowed.
struct node_question {
    struct bytes holder; // empty: the dataset's only holder
    struct bytes dataset;
    struct node_question_field fields[CATALOGUE_FIELDS_MAX];
    size_t field_count;
    struct bytes scheme; // of the identifier
    struct bytes subject;
    struct bytes purpose;
    enum catalogue_basis basis;
    struct id consent;
    struct bytes article;
    struct bytes justification;
    struct bytes token;  // explicit-request
    struct digest order; // court-order
    struct bytes official;
    struct bytes official_role;
    struct bytes case_ref;
    bool automated;
    bool all_or_nothing; // refuse everything when one field is refused
    bool exact;          // refuse a field rather than give it in a weaker form
    struct bytes traceparent;
    struct id continues;
    struct id root_id;
    struct id parent_id;
    uint32_t part;
    uint32_t part_of;
    struct bytes on_behalf_of;
};

// The holder that answers for the question. ST_NOT_FOUND: no such dataset or member; ST_USAGE: the
// dataset has several holders and none is named, or the one named does not hold it.
NODISCARD enum status node_question_holder(const struct node_question *question,
                                           const struct catalogue *catalogue,
                                           const struct catalogue_member **holder,
                                           struct error *err);

// What else is off with the question that can be told before it is sent: no fields, one asked for
// twice, `match` without a value, an identifier that is none. ST_USAGE in words for the caller.
NODISCARD enum status node_question_check(const struct node_question *question,
                                          const struct catalogue *catalogue, struct error *err);

// What a request is made from besides the question.
struct node_request_setting {
    const struct catalogue *catalogue;
    const char *asker;                // own member code
    const char *holder;               // from node_question_holder()
    struct digest asker_announcement; // hashes
    struct digest holder_announcement;
    struct digest pair; // their secret
    uint64_t now_ms;
    uint64_t expires_ms;
};

// Appends the payload and gives its id.
NODISCARD enum status node_request_build(const struct node_question *question,
                                         const struct node_request_setting *setting,
                                         struct buffer *payload, struct id *id, struct error *err);
