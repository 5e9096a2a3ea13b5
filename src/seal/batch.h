// Batch signatures: one Ed25519 signature over the root of a small Merkle tree of messages.
//
//   leaf    H(0x00 ‖ lp("vedomo/1 " type) ‖ salt ‖ payload)     type: "request", "consent-change",
//   … node    H(0x01 ‖ left ‖ right), the shape of RFC 6962 signed  "vedomo/1 batch\0" ‖ audience ‖
//   signer's key ‖ u16 size ‖ root
//
// audience = H(log origin). Size is 1..256; a path has exactly the length that size and index give.
#pragma once

#include "base/error.h"
#include "seal/sign.h"

enum { SEAL_BATCH_MAX = 256, SEAL_BATCH_PATH_MAX = 8 };

// H(log origin).
struct digest seal_audience(struct bytes origin);

// One message's leaf. `type` is the type's name in lower case, words joined by "-".
struct digest seal_batch_leaf(const char *type, const struct digest *salt, struct bytes payload);

// One message's path, the leaf's sibling first.
struct seal_batch_path {
    struct digest steps[SEAL_BATCH_PATH_MAX];
    size_t count;
};

// Signs 1..SEAL_BATCH_MAX leaves at once; paths[i] is filled for each.
void seal_batch_sign(const struct seal_signer *signer, const struct digest *audience,
                     const struct digest *leaves, size_t count,
                     uint8_t signature[SEAL_SIGNATURE_BYTES], struct seal_batch_path *paths);

// One message's share of a batch signature, as it came (wire_batch_sig has the same fields).
struct seal_batch_sig {
    struct digest key;      // the signer's
    uint32_t size;          // of the batch
    uint32_t index;         // of this message
    struct digest salt;     // of this message
    struct bytes path;      // 32 bytes a step; borrowed
    struct bytes signature; // 64 bytes; borrowed
};

// The root that the message leads to. ST_MALFORMED: the shape is off, so nothing can verify.
// No public-key work.
NODISCARD enum status seal_batch_root(const struct seal_batch_sig *sig, const char *type,
                                      struct bytes payload, struct digest *root, struct error *err);

// Roots that have verified, keyed (signer, audience, size, root), each with its signature: another
// signature on the same root is verified anew, so that what is passed on as evidence always holds.
// Bounded: a full place loses its oldest root. Owned by one thread.
struct seal_batch_cache;

// Room for about `capacity` roots (rounded up to a power of two, at least 16). NULL: no memory.
NODISCARD struct seal_batch_cache *seal_batch_cache_create(size_t capacity);
void seal_batch_cache_destroy(struct seal_batch_cache **cache);

// Forgets the roots of one signer: its key has been revoked.
void seal_batch_cache_drop(struct seal_batch_cache *cache, const struct digest *key);

// True when this very signature is known to be good: no public-key work is needed.
bool seal_batch_known(const struct seal_batch_cache *cache, const struct digest *audience,
                      const struct seal_batch_sig *sig, const struct digest *root);

// Remembers a signature over that root that seal_batch_check() has found good, with another cache.
void seal_batch_remember(struct seal_batch_cache *cache, const struct digest *audience,
                         const struct seal_batch_sig *sig, const struct digest *root);

// Verifies the signature over a root from seal_batch_root() and remembers it when it is good.
// `cache` may be NULL. This is the public-key work that a peer's budget counts.
NODISCARD bool seal_batch_check(struct seal_batch_cache *cache, const struct digest *audience,
                                const struct seal_batch_sig *sig, const struct digest *root);

// All three in turn. ST_MALFORMED: shape; ST_UNPROVEN: the signature does not verify.
NODISCARD enum status seal_batch_verify(struct seal_batch_cache *cache,
                                        const struct digest *audience,
                                        const struct seal_batch_sig *sig, const char *type,
                                        struct bytes payload, struct error *err);
