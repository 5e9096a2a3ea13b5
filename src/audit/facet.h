// A facet: 64 bytes that stand for an entry when many are searched. Codes are short keyed hashes,
// so that the view holds no pseudonym and nobody without the key can try one out; fields and
// reasons are a mask. A facet tells most entries that do not match; what may match is opened and
// compared.
#pragma once

#include "audit/terms.h"
#include "seal/hash.h"

enum { AUDIT_FACET_BYTES = 64 };

// As read from its bytes.
struct audit_facet {
    bool known; // false: there is none; look into the entry
    enum wire_kind kind;
    uint32_t minutes;
    uint32_t basis;
    enum wire_filter_verdict verdict;
    uint32_t asked;                   // at most 255
    uint32_t over_asked;              // at most 255
    uint64_t codes[AUDIT_CODE_COUNT]; // 48 bits; 0: the entry has none
    uint64_t words;
};

// The key of a home's facets, from its master key.
struct seal_secret;
NODISCARD enum status audit_search_key(const struct seal_secret *master,
                                       uint8_t key[SEAL_SHORT_KEY_BYTES], struct error *err);

void audit_facet_write(const struct audit_terms *terms, const uint8_t key[SEAL_SHORT_KEY_BYTES],
                       uint8_t facet[AUDIT_FACET_BYTES]);
void audit_facet_read(const uint8_t bytes[AUDIT_FACET_BYTES], struct audit_facet *facet);

// A filter as facets are compared with it: as they are stored, eight words at a time.
struct audit_facet_filter {
    uint64_t mask[AUDIT_FACET_BYTES / 8];  // bits that matter
    uint64_t value[AUDIT_FACET_BYTES / 8]; // what they have to be
    bool member;                           // one of the two codes below
    uint8_t member_asks[6];
    uint8_t member_holds[6];
    bool over_asked;
    bool certain; // a facet that may match does, but for a hash that two values share
};

void audit_facet_filter(const struct audit_filter *filter, const uint8_t key[SEAL_SHORT_KEY_BYTES],
                        struct audit_facet_filter *out);

// False: the entry does not match.
bool audit_facet_may_match(const struct audit_facet_filter *filter,
                           const uint8_t facet[AUDIT_FACET_BYTES]);
