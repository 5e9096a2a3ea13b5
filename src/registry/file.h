// How cards, orders, bundles and log keys look as files: one header line "vedomo/1 <kind>", then
// base64 in lines of at most 64 characters. Lines that begin with '#' and empty lines are comments
// for people and not covered by anything. A bundle's packed files follow its base64 as they are,
// after a line "blob <size>".
#pragma once

#include "registry/card.h"

#include <sys/types.h>

enum registry_file {
    REGISTRY_FILE_CARD_REQUEST, // a Card payload that nobody has signed yet
    REGISTRY_FILE_CARD,         // Signed, label "card"
    REGISTRY_FILE_ORDER,        // Signed, label "order"
    REGISTRY_FILE_BUNDLE,       // Signed, label "bundle", and the packed files behind it
    REGISTRY_FILE_LOG_KEY,      // Signed, label "log-key"
    REGISTRY_FILE_COUNT,
};

enum { REGISTRY_FILE_MAX = 64 * 1024, REGISTRY_BLOB_MAX = 64 * 1024 * 1024 };

// "card-request", "card", "order", "bundle", "log-key". Static.
const char *registry_file_name(enum registry_file kind);

// What a file holds. Free with registry_file_fini().
struct registry_file_content {
    enum registry_file kind;
    struct buffer message; // the Card payload of a request, else the encoded Signed message
    struct buffer blob;    // a bundle's packed files, else empty
};

// Appends the text form. `comment` (may be NULL) becomes '#' lines; `blob` is for a bundle only.
NODISCARD enum status registry_file_format(enum registry_file kind, struct bytes message,
                                           struct bytes blob, const char *comment,
                                           struct buffer *out, struct error *err);

// Parses the text form; `name` stands in messages. ST_MALFORMED names the line.
NODISCARD enum status registry_file_parse(struct bytes text, const char *name,
                                          struct registry_file_content *content, struct error *err);

// Reads and parses a file, which must be of one of the kinds in `wanted` (bits 1 << kind).
NODISCARD enum status registry_file_read(const char *path, unsigned wanted,
                                         struct registry_file_content *content, struct error *err);

// The broker's card: of that log, under enough of the pinned keys, in force at `now_ms`. Whoever
// connects takes the broker's keys from it. ST_DENIED: it is another's card, or has ended.
NODISCARD enum status registry_file_broker(const char *path, struct bytes origin,
                                           const struct registry_pins *pins, uint64_t now_ms,
                                           struct registry_card *card, struct error *err);

void registry_file_fini(struct registry_file_content *content);
