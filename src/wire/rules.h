// The table of rules: what a message of each schema may hold. It drives wire/decode.c and
// wire/encode.c; nobody else includes it.
#pragma once

#include "wire/wire.h"

enum wire_rule_kind {
    WIRE_RULE_ID,        // struct id
    WIRE_RULE_DIGEST,    // struct digest
    WIRE_RULE_BYTES,     // struct bytes of min..max bytes
    WIRE_RULE_HASHES,    // struct bytes: whole hashes, at most max bytes
    WIRE_RULE_ZEROS,     // struct bytes: zeros, at most max bytes
    WIRE_RULE_TEXT,      // struct bytes: UTF-8 without NUL, min..max bytes
    WIRE_RULE_CODE,      // struct bytes: letters, digits and "/.-_:@()", min..max bytes
    WIRE_RULE_NUMBER,    // uint32_t, min..max
    WIRE_RULE_NUMBER64,  // uint64_t, min..max
    WIRE_RULE_ENUM,      // uint32_t, one of the bits of max
    WIRE_RULE_VERSION,   // uint32_t, at least 1; another than 1 is unsupported
    WIRE_RULE_BOOL,      // bool
    WIRE_RULE_MESSAGE,   // const struct of `schema` *
    WIRE_RULE_MESSAGES,  // the same, min..max of them
    WIRE_RULE_CODES,     // const struct bytes *: at most max codes of 1..size bytes
    WIRE_RULE_BLOBS,     // const struct bytes *: at most max things of exactly `size` bytes
    WIRE_RULE_NUMBERS,   // const uint32_t *: at most max numbers of at most `size`
    WIRE_RULE_NUMBERS64, // const uint64_t *: at most max numbers
};

// One field. The rows of a schema stand in the order of their numbers in the .proto file, one for
// each field there (a test compares them). In our structs a list's count follows its pointer.
struct wire_rule {
    uint32_t number;  // the field's, as in the .proto file
    const char *name; // as in the .proto file
    enum wire_rule_kind kind;
    enum wire_schema schema; // MESSAGE, MESSAGES
    bool needed;             // may not be absent
    uint16_t offset;         // in our struct
    uint16_t width;          // of that member
    uint32_t size;           // of one item, see the kinds
    uint64_t min;
    uint64_t max;
};

enum { WIRE_FIELDS_MAX = 40 };

struct wire_rules {
    const char *name; // the message's
    const struct wire_rule *rows;
    size_t count;
    size_t size; // of our struct
};

// The rules of a schema below WIRE_SCHEMA_COUNT. Static.
const struct wire_rules *wire_rules_of(enum wire_schema schema);

// True for all zero bytes: how our structs say "absent". Here, as it is asked of every member of
// every message.
static inline bool wire_is_zero(struct bytes bytes)
{
    uint64_t all = 0;
    for (; bytes.size >= sizeof(all); bytes.data += sizeof(all), bytes.size -= sizeof(all)) {
        uint64_t eight;
        memcpy(&eight, bytes.data, sizeof(eight));
        all |= eight;
    }
    for (; bytes.size > 0; bytes.data++, bytes.size--) {
        all |= *bytes.data;
    }
    return all == 0;
}

// Whether the rules have nothing against a member of zeros, which is how an absent field looks.
static inline bool wire_may_be_absent(const struct wire_rule *rule)
{
    return !rule->needed && rule->min == 0 && rule->kind != WIRE_RULE_VERSION &&
           rule->kind != WIRE_RULE_ENUM;
}

// Checks one field of a message in our form against its row; not what nested messages hold.
NODISCARD enum status wire_check_row(const struct wire_rules *rules, const struct wire_rule *rule,
                                     const void *member, struct error *err);

// Checks the extensions of a message as a whole, each of which has been checked.
NODISCARD enum status wire_check_extensions(const struct wire_rules *rules, const void *items,
                                            size_t count, struct error *err);
