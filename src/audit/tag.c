// Subject tags. Invariant: a tag of version v was made by keys 1..v one after another, so whoever
// holds the later keys brings an old tag forward without the identifier.
//
// Scheme and identifier stand one after another in what is hashed; the catalogue's schemes are such
// that none begins another, so that two persons never give the same bytes.
#include "audit/tag.h"

#include <stdlib.h>

#include "seal/hash.h"

struct audit_tagger {
    const struct seal_secret *keys[AUDIT_TAG_KEYS_MAX]; // borrowed; [v - 1] is version v
    size_t count;
};

enum status audit_tagger_create(const struct seal_secret *const *keys, size_t count,
                                struct audit_tagger **tagger, struct error *err)
{
    if (count == 0 || count > AUDIT_TAG_KEYS_MAX) {
        return error_set(err, ST_USAGE, "tag keys: 1 to %d, not %zu", AUDIT_TAG_KEYS_MAX, count);
    }
    for (size_t i = 0; i < count; i++) {
        if (seal_secret_view(keys[i]).size != DIGEST_BYTES) {
            return error_set(err, ST_USAGE, "tag key %zu: not of %d bytes", i + 1, DIGEST_BYTES);
        }
    }
    struct audit_tagger *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return error_set(err, ST_NOMEM, "tag keys");
    }
    for (size_t i = 0; i < count; i++) {
        made->keys[i] = keys[i];
    }
    made->count = count;
    *tagger = made;
    return ST_OK;
}

void audit_tagger_destroy(struct audit_tagger **tagger)
{
    free(*tagger);
    *tagger = NULL;
}

enum status audit_tagger_first(const struct audit_tagger *tagger, unsigned count,
                               struct audit_tagger **first, struct error *err)
{
    if (count > tagger->count) {
        return error_set(err, ST_USAGE, "tag keys: %zu, not %u", tagger->count, count);
    }
    return audit_tagger_create(tagger->keys, count, first, err);
}

unsigned audit_tagger_version(const struct audit_tagger *tagger)
{
    return (unsigned)tagger->count;
}

// From a tag of version `version` to the newest.
static struct audit_tag forward(const struct audit_tagger *tagger, struct digest hash,
                                size_t version)
{
    for (; version < tagger->count; version++) {
        struct bytes part = bytes_digest(&hash);
        hash = seal_blake2b(seal_secret_view(tagger->keys[version]), &part, 1);
    }
    struct audit_tag tag;
    tag.bytes[0] = (uint8_t)version;
    memcpy(tag.bytes + 1, hash.bytes, DIGEST_BYTES);
    return tag;
}

struct audit_tag audit_tagger_tag(const struct audit_tagger *tagger, struct bytes scheme,
                                  struct bytes identifier)
{
    const struct bytes parts[] = { seal_label("vedomo/1 tag"), scheme, identifier };
    struct digest first = seal_blake2b(seal_secret_view(tagger->keys[0]), parts, 3);
    return forward(tagger, first, 1);
}

struct audit_tag audit_tagger_tags(const struct audit_tagger *tagger, struct bytes scheme,
                                   struct bytes identifier,
                                   struct audit_tag older[AUDIT_TAG_KEYS_MAX], size_t *count)
{
    const struct bytes parts[] = { seal_label("vedomo/1 tag"), scheme, identifier };
    struct digest hash = seal_blake2b(seal_secret_view(tagger->keys[0]), parts, 3);
    *count = tagger->count - 1;
    for (size_t version = 1; version < tagger->count; version++) {
        struct audit_tag *tag = &older[*count - version];
        struct bytes part = bytes_digest(&hash);
        tag->bytes[0] = (uint8_t)version;
        memcpy(tag->bytes + 1, hash.bytes, DIGEST_BYTES);
        hash = seal_blake2b(seal_secret_view(tagger->keys[version]), &part, 1);
    }
    return forward(tagger, hash, tagger->count);
}

enum status audit_tagger_renew(const struct audit_tagger *tagger, struct bytes tag,
                               struct audit_tag *out, struct error *err)
{
    if (tag.size != AUDIT_TAG_BYTES || tag.data[0] == 0) {
        return error_set(err, ST_MALFORMED, "subject tag: not one");
    }
    if (tag.data[0] > tagger->count) {
        return error_set(err, ST_MALFORMED,
                         "subject tag of key %u, which is not at hand (keys/tag-%u.key)",
                         tag.data[0], tag.data[0]);
    }
    struct digest hash;
    memcpy(hash.bytes, tag.data + 1, DIGEST_BYTES);
    *out = forward(tagger, hash, tag.data[0]);
    return ST_OK;
}

struct digest audit_tag_check(const struct audit_tag *tag, struct bytes member)
{
    return seal_blake2b(bytes_of(tag->bytes + 1, DIGEST_BYTES), &member, 1);
}
