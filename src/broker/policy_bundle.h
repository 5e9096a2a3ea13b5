// The policy bundle in force: the catalogue and the signed head that vouches for it. Immutable; one
// version is pinned for a request. The packed files stay on disk, one file for each bundle that was
// ever in force, named by its hash: every old decision can be decided again.
#pragma once

#include "catalogue/catalogue.h"
#include "registry/card.h"

struct policy_bundle {
    struct catalogue *catalogue;
    struct registry_bundle_head head;
    uint8_t *signed_head; // the Signed message, verbatim
    size_t signed_size;
    uint8_t *blob; // the packed files, head.size bytes: nodes fetch them
};

// Verifies `signed_head` against the pins, compares hash and size with the blob, loads the
// catalogue. ST_UNPROVEN: not signed by the policy keys, or another blob; ST_MALFORMED: a bad
// bundle, with file, line and key.
NODISCARD enum status policy_bundle_create(struct bytes signed_head, struct bytes blob,
                                           struct bytes origin, const struct registry_pins *pins,
                                           struct policy_bundle **bundle, struct error *err);

// The same in two steps: what is quick, a bundle with a verified head and no catalogue yet; then
// what takes its time with a large one.
NODISCARD enum status policy_bundle_take(struct bytes signed_head, struct bytes blob,
                                         struct bytes origin, const struct registry_pins *pins,
                                         struct policy_bundle **bundle, struct error *err);
NODISCARD enum status policy_bundle_load(struct policy_bundle *bundle, struct error *err);
void policy_bundle_destroy(struct policy_bundle **bundle);

// For snapshots: frees a `struct policy_bundle`.
void policy_bundle_free(void *bundle);

// Keeps the packed files in `folder`, durably; one that is there already is fine.
NODISCARD enum status policy_bundle_keep(const char *folder, const struct digest *hash,
                                         struct bytes blob, struct error *err);

// Appends the kept files of a bundle to `blob`. ST_NOT_FOUND: no such bundle; ST_CORRUPT: the file
// is not what was kept.
NODISCARD enum status policy_bundle_read(const char *folder, const struct digest *hash,
                                         struct buffer *blob, struct error *err);
