// Consents, their changes, citizens' sessions.
// Each field is explained at the same field of proto/vedomo/v1/consent.proto. Absent is all zero,
// empty or NULL. What a decoded struct views lives in the arena that it was decoded into.
#pragma once

#include "wire/exchange.h"
#include "wire/head.h"

// What a citizen grants: the artefact. Fields after ISO/IEC TS 27560 where they fit.
struct wire_artefact {
    uint32_t version;
    struct id id;
    uint32_t revision;
    struct digest previous;
    struct bytes asker;
    struct bytes dataset;
    const struct wire_field_ask *fields;
    size_t fields_count;
    struct bytes purpose;
    bool automated;
    uint64_t not_before;
    uint64_t not_after;
    uint32_t uses;
    struct digest notice_hash;
    struct bytes language;
    uint32_t state;
    uint64_t collected_at;
    struct digest bundle_hash;
    const struct wire_extension *extensions;
    size_t extensions_count;
};

// Signed by the peer that collected it.
struct wire_consent_change {
    uint32_t version;
    uint32_t action;
    struct bytes artefact;
    struct digest session;
    struct bytes subject_scheme;
    struct bytes subject;
    struct bytes clerk;
    const struct wire_extension *extensions;
    size_t extensions_count;
};

// Opens or prepares a citizen's session.
struct wire_session {
    uint32_t version;
    uint32_t action;
    struct bytes subject_scheme;
    struct bytes subject;
    struct id code;
    struct digest session;
    struct bytes clerk;
    const struct wire_extension *extensions;
    size_t extensions_count;
};
