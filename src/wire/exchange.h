// One exchange: request, ask, answer, release or refusal, acknowledgement.
// Each field is explained at the same field of proto/vedomo/v1/exchange.proto. Absent is all zero,
// empty or NULL. What a decoded struct views lives in the arena that it was decoded into.
#pragma once

#include "wire/entry.h"
#include "wire/head.h"

// One field that is asked for.
struct wire_field_ask {
    struct bytes name;
    struct bytes form;
};

// The legal basis with its evidence.
struct wire_basis {
    uint32_t kind;
    struct id consent;
    struct bytes article;
    struct bytes justification;
    struct bytes token;
    struct digest order;
};

// What the asker's node signs.
struct wire_request {
    uint32_t version;
    struct id id;
    struct digest nonce;
    uint64_t issued_at;
    uint64_t expires_at;
    struct bytes asker;
    struct bytes official;
    struct bytes official_role;
    struct bytes holder;
    struct bytes dataset;
    const struct wire_field_ask *fields;
    size_t fields_count;
    struct bytes subject_scheme;
    struct bytes subject;
    struct bytes purpose;
    const struct wire_basis *basis;
    bool automated;
    struct bytes case_ref;
    struct digest asker_announcement;
    struct digest holder_announcement;
    struct bytes params;
    bool partial_ok;
    bool exact;
    struct bytes traceparent;
    struct id continues;
    struct id root_id;
    struct id parent_id;
    uint32_t part;
    uint32_t part_of;
    struct bytes on_behalf_of;
    const struct wire_extension *extensions;
    size_t extensions_count;
};

// The values for `match`, before they are sealed into Request.params.
struct wire_params {
    uint32_t version;
    const struct wire_param *items;
    size_t items_count;
};

struct wire_param {
    uint32_t index;
    struct bytes value;
};

// Proof that an entry is in the log, with the part that its reader may see.
struct wire_receipt {
    uint64_t index;
    struct bytes proof;
    struct bytes checkpoint;
    const struct wire_receipt_extra *extra;
};

// From the broker to the holder's node: a decided request.
struct wire_ask {
    uint32_t version;
    struct id id;
    struct bytes request;
    const struct wire_receipt *decision;
    uint32_t timeout_ms;
    uint32_t under_way;
    const struct wire_extension *extensions;
    size_t extensions_count;
};

// One granted field in an answer. Its sealed box stands in frame 2, in the order of this list.
struct wire_answer_field {
    uint32_t index;
    struct bytes name;
    struct bytes form;
    struct digest box_hash;
    uint32_t box_length;
    uint32_t chunk_bytes;
    struct digest commitment;
};

// What the holder's node signs.
struct wire_answer {
    uint32_t version;
    struct id id;
    struct digest request_hash;
    struct digest decision_leaf;
    struct digest asker_announcement;
    struct digest holder_announcement;
    struct digest answer_nonce;
    uint64_t answered_at;
    const struct wire_answer_field *fields;
    size_t fields_count;
    const struct wire_extension *extensions;
    size_t extensions_count;
};

// What one box holds, before sealing and padding.
struct wire_box_content {
    uint32_t status;
    struct digest salt;
    struct bytes source;
    uint64_t last_updated;
    struct bytes value;
    struct bytes padding;
};

// From the broker to the asker's node, with the boxes in frame 2.
struct wire_release {
    uint32_t version;
    struct id id;
    struct bytes answer;
    const struct wire_receipt *decision;
    const struct wire_receipt *release;
    const uint32_t *withheld;
    size_t withheld_count;
    const struct wire_extension *extensions;
    size_t extensions_count;
};

// From the broker to the asker's node: nothing is released.
struct wire_refusal {
    uint32_t version;
    struct id id;
    struct bytes reason;
    struct bytes message;
    const struct wire_receipt *decision;
    const struct wire_receipt *ending;
    uint32_t retry_after_ms;
    const struct wire_extension *extensions;
    size_t extensions_count;
};

struct wire_ack_item {
    struct id id;
    bool opened;
    struct bytes problem;
};

// From the asker's node: what became of releases. Unsigned: it changes nothing that was decided.
struct wire_ack {
    uint32_t version;
    const struct wire_ack_item *items;
    size_t items_count;
    const struct wire_extension *extensions;
    size_t extensions_count;
};

// From the asker's node: the client has left, stop if it is still possible.
struct wire_cancel {
    uint32_t version;
    struct id id;
    const struct wire_extension *extensions;
    size_t extensions_count;
};
