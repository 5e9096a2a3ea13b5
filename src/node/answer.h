// The holder's side: what is asked is answered only when the asker's signature, the recorded
// decision and this node's own copy of the policy agree. Pure: the clock, the secrets and the
// register's values are handed in.
#pragma once

#include "base/buffer.h"
#include "catalogue/catalogue.h"
#include "catalogue/value.h"
#include "node/partner.h"

// An ASK taken apart, before anything in it is believed. Views live in the arena.
struct node_asked {
    struct wire_ask ask;
    struct wire_head head; // the asker's, of the request
    struct wire_request request;
    struct digest hash; // of the request's payload
};

// Decodes. The caller then finds the partner by request.asker_announcement or head.sig->key.
NODISCARD enum status node_ask_read(struct bytes payload, struct arena *arena,
                                    struct node_asked *asked, struct error *err);

struct node_ask_setting {
    struct node_trust *trust;
    struct seal_batch_cache *cache;
    const struct catalogue *catalogue;  // own verified copy
    const struct node_partner *partner; // the asker's
    const char *member;                 // own code
    uint64_t now_ms;
    struct arena *arena;
};

// A field to answer.
struct node_granted {
    uint32_t index; // place in the request
    const struct catalogue_field *field;
    struct catalogue_form form; // given
};

// What may be answered, once all is checked.
struct node_grant {
    const struct catalogue_dataset *dataset;
    struct node_granted fields[CATALOGUE_FIELDS_MAX];
    size_t field_count;
    struct digest decision_leaf;
    struct digest holder_check; // for the person, and its key's number
    uint32_t tag_key_id;
};

// The asker's signature under the key of a card that the registrar signed; freshness; the decision
// receipt: index, proof, checkpoint, this exchange, this request, these fields and forms, this
// member; and the own policy, which must have an agreement that allows each granted field in its
// form. ST_UNPROVEN, ST_STALE or ST_DENIED name what does not hold: then nothing is answered.
NODISCARD enum status node_ask_check(const struct node_ask_setting *setting,
                                     const struct node_asked *asked, struct node_grant *grant,
                                     struct error *err);

// The values for `match`, by place in the request. Views live in the arena.
struct node_match {
    struct bytes values[CATALOGUE_FIELDS_MAX];
};

// Opens the request's parameters. ST_UNPROVEN: they do not open. None is fine.
NODISCARD enum status node_match_open(const struct node_asked *asked, const struct digest *pair,
                                      struct arena *arena, struct node_match *match,
                                      struct error *err);

// What the register said about one granted field.
struct node_found {
    enum catalogue_value_status status; // PRESENT: `value` counts (which may be absent: .data NULL)
    struct bytes value;
};

struct node_answer_setting {
    const struct digest *pair;
    const struct node_match *match;
    struct bytes source;   // where the values come from, at most CATALOGUE_BOX_SOURCE_MAX bytes
    uint64_t last_updated; // ms; 0: not known
    uint64_t now_ms;
    struct bytes pseudonym_key; // the holder's, 32 bytes; empty: pseudonyms are not served
};

// Applies each form, seals each granted field into a padded box, and appends the Answer's payload
// and the boxes. found[i] belongs to grant->fields[i].
NODISCARD enum status
node_answer_build(const struct node_asked *asked, const struct node_grant *grant,
                  const struct node_found *found, const struct node_answer_setting *setting,
                  struct buffer *payload, struct buffer *boxes, struct error *err);
