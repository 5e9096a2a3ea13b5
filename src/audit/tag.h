// The subject tag: the only form in which a citizen is stored at the broker (docs/protocol.md,
// "Subject"). Keyed BLAKE2b of scheme and identifier; a new key is applied to the old tag, so that
// rotation needs no identifier. Keys come from a credential of their own, not from the store.
#pragma once

#include "base/bytes.h"
#include "base/error.h"
#include "seal/secret.h"

enum { AUDIT_TAG_BYTES = 33, AUDIT_TAG_KEYS_MAX = 16 };

// u8 key version, from 1, and 32 bytes.
struct audit_tag {
    uint8_t bytes[AUDIT_TAG_BYTES];
};

static inline struct bytes audit_tag_view(const struct audit_tag *tag)
{
    return bytes_of(tag->bytes, AUDIT_TAG_BYTES);
}

struct audit_tagger;

// `keys` are of 32 bytes, in the order of their versions from 1; they stay the caller's and must
// outlive the tagger. Any thread may use it.
NODISCARD enum status audit_tagger_create(const struct seal_secret *const *keys, size_t count,
                                          struct audit_tagger **tagger, struct error *err);
void audit_tagger_destroy(struct audit_tagger **tagger);

// What makes tags as long as only the first `count` keys count: 1 to the newest version. It borrows
// the same keys.
NODISCARD enum status audit_tagger_first(const struct audit_tagger *tagger, unsigned count,
                                         struct audit_tagger **first, struct error *err);

// The newest version: what new tags carry.
unsigned audit_tagger_version(const struct audit_tagger *tagger);

// The tag of a person under the newest key. `identifier` is normalised already.
struct audit_tag audit_tagger_tag(const struct audit_tagger *tagger, struct bytes scheme,
                                  struct bytes identifier);

// The same, and the tags of the versions before in older[], the newest of them first; `count` of
// them are given (the newest version less one).
struct audit_tag audit_tagger_tags(const struct audit_tagger *tagger, struct bytes scheme,
                                   struct bytes identifier,
                                   struct audit_tag older[AUDIT_TAG_KEYS_MAX], size_t *count);

// Brings a stored tag to the newest version. ST_MALFORMED: of a version that is not known.
NODISCARD enum status audit_tagger_renew(const struct audit_tagger *tagger, struct bytes tag,
                                         struct audit_tag *out, struct error *err);

// What a member's node may remember about a person: the same for the same person and member, of
// no use to any other. `member` is its code.
struct digest audit_tag_check(const struct audit_tag *tag, struct bytes member);
