// What an entry is searched by, read from its parts, and whether it is one that a filter asks for.
// Pure functions of the entry: any thread.
#pragma once

#include "audit/rows.h"
#include "wire/filter.h"

// The codes that an entry has one of.
enum audit_code {
    AUDIT_CODE_ASKER, // on reads: who looked
    AUDIT_CODE_HOLDER,
    AUDIT_CODE_DATASET,
    AUDIT_CODE_PURPOSE,
    AUDIT_CODE_ROLE, // of the official; on reads: of the key
    AUDIT_CODE_OFFICIAL,
    AUDIT_CODE_CASE,
    AUDIT_CODE_SIGNER, // 32 bytes: the batch key of the request, on a release of the answer
    AUDIT_CODE_COUNT
};

struct audit_terms {
    enum wire_kind kind;
    enum wire_class class;
    uint32_t minutes;
    uint32_t basis;                   // enum wire_basis_kind; 0: none
    enum wire_filter_verdict verdict; // WIRE_VERDICT_ANY: no decision
    size_t asked;                     // fields of a decision
    size_t over_asked;                // those of them that no agreement allows
    struct bytes codes[AUDIT_CODE_COUNT];
    const struct audit_facts *facts; // borrowed, as all views here
};

void audit_terms_read(const struct audit_facts *facts, struct audit_terms *terms);

// The fields that were asked for, and the true reasons: of fields, or of an ending. Empty: there is
// no such place.
struct bytes audit_terms_field(const struct audit_terms *terms, size_t place);
struct bytes audit_terms_reason(const struct audit_terms *terms, size_t place);

// The conditions of a question. What is empty does not matter.
struct audit_filter {
    const struct wire_filter *filter; // NULL: none of these
    struct bytes member;              // asked or held
    struct id exchange;
};

// Whether every condition holds.
bool audit_filter_matches(const struct audit_filter *filter, const struct audit_terms *terms);

// Whether there is no condition at all, so that an entry that cannot be read any more counts too.
bool audit_filter_is_empty(const struct audit_filter *filter);

// The filter's value of a code. Empty: any.
struct bytes audit_filter_code(const struct audit_filter *filter, enum audit_code code);
