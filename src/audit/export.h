// The published log as files (C2SP tlog-tiles): hash tiles, entry bundles of the public leaves,
// partial ones of the checkpoint's size, and the checkpoint, written last. Nothing is written
// before its leaves have been proven to lie in the checkpoint's tree, nothing beyond that tree, and
// a file that is there is compared, never replaced (but for the checkpoint). Whatever ends an
// export early, the next one goes on from the entry bundles that are there.
#pragma once

#include "proof/ring.h"

// Where leaves and proofs come from. They are not believed: the checkpoint is.
struct audit_source {
    // Appends leaves `from`..: at least one, at most `count`, AUDIT_LEAF_BYTES each.
    enum status (*leaves)(void *context, uint64_t from, uint64_t count, struct buffer *leaves,
                          struct error *err);
    // Appends the consistency proof between two sizes, 32 bytes a step.
    enum status (*consistency)(void *context, uint64_t from, uint64_t to, struct buffer *path,
                               struct error *err);
    void *context;
};

struct audit_export_options {
    const char *folder;            // made where it is missing
    const struct proof_ring *keys; // the log's
    struct bytes note;             // the signed checkpoint to export
    struct bytes newer;            // taken when the folder is past that one; empty: there is none
    struct audit_source source;
    void (*progress)(uint64_t done, uint64_t total, void *context); // may be NULL
    void *context;
};

struct audit_export_result {
    uint64_t size; // of the checkpoint
    struct digest root;
    uint64_t before;  // size of the checkpoint that stood there; 0: none
    uint64_t written; // files that are new, the checkpoint included
    uint64_t kept;    // files that were there and are what the log signed
};

// ST_UNPROVEN: checkpoint, leaves or proofs do not hold, or the folder holds a checkpoint that this
// one does not continue. ST_BUSY: another export is at work there. ST_CORRUPT: a file of the folder
// is not what the log signed; it is named.
NODISCARD enum status audit_export(const struct audit_export_options *options,
                                   struct audit_export_result *result, struct error *err);

// A broker's folder as a source, read-only, from another process than the broker's.
struct audit_home;

// As large as its broker may let it become. ST_NOT_FOUND: no log there, or nothing published yet.
NODISCARD enum status audit_home_open(const char *home, struct audit_home **opened,
                                      struct error *err);
void audit_home_close(struct audit_home **home);

// The highest published checkpoint. Borrowed until close.
struct bytes audit_home_note(const struct audit_home *home);
struct audit_source audit_home_source(struct audit_home *home);
