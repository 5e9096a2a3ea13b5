// Questions and orders to the broker, and its results.
// Each field is explained at the same field of proto/vedomo/v1/control.proto. Absent is all zero,
// empty or NULL. What a decoded struct views lives in the arena that it was decoded into.
#pragma once

#include "wire/entry.h"
#include "wire/exchange.h"
#include "wire/filter.h"
#include "wire/head.h"

struct wire_query {
    uint32_t version;
    uint32_t kind;
    struct bytes subject_scheme;
    struct bytes subject;
    struct digest session;
    struct bytes member;
    uint64_t index;
    uint64_t from;
    uint64_t to;
    uint32_t limit;
    struct digest hash;
    uint64_t offset;
    struct bytes cursor;
    uint64_t since;
    uint64_t until;
    struct id id;
    struct bytes dataset;
    const struct wire_filter *filter;
    const struct wire_extension *extensions;
    size_t extensions_count;
};

struct wire_control {
    uint32_t version;
    uint32_t action;
    struct bytes signed_;
    bool dry_run;
    uint32_t month;
    const struct wire_hold *hold;
    struct bytes subject_scheme;
    struct bytes subject;
    bool lasting;
    const struct wire_extension *extensions;
    size_t extensions_count;
};

// A piece of something larger, in frame 2.
struct wire_chunk {
    uint32_t version;
    struct digest hash;
    uint64_t total;
    uint64_t offset;
    const struct wire_extension *extensions;
    size_t extensions_count;
};

// The broker's result of a query, order, session or change. A long one continues in frame 2.
struct wire_result {
    uint32_t version;
    uint32_t status;
    struct bytes message;
    struct digest body_hash;
    struct bytes cursor;
    const struct wire_receipt *receipt;
    struct bytes value;
    uint64_t expires_at;
    const struct wire_extension *extensions;
    size_t extensions_count;
};

// Frame 2 of a result that lists things.
struct wire_rows {
    const struct wire_row *rows;
    size_t rows_count;
    uint64_t log_size;
    uint64_t examined;
};

// One row: which of these are filled depends on the query.
struct wire_row {
    uint64_t index;
    struct bytes leaf;
    const struct wire_row_part *parts;
    size_t parts_count;
    const struct wire_consent_record *consent;
    struct bytes card;
    const struct wire_receipt *receipt;
    struct bytes announcement;
    uint32_t state;
    struct bytes name;
    uint64_t number;
    struct bytes text;
    uint64_t ended_by;
    bool forgotten;
    const struct wire_person_proof *person;
    uint64_t earlier;
    uint64_t asked;
    uint64_t over_asked;
    const struct wire_hold *hold;
};

// A person's place in the map of an epoch.
struct wire_person_proof {
    struct bytes tag;
    bool absent;
    uint64_t count;
    struct digest head;
    struct digest salt;
    struct digest delayed;
    struct bytes bitmap;
    struct bytes path;
};

struct wire_row_part {
    uint32_t type;
    struct digest salt;
    struct bytes bytes;
};
