// Checks a whole log from its files, read-only, beside a running broker or without one: every leaf
// is hashed again and compared with the tiles and the published checkpoints, and their signatures
// with the log's key; bodies are opened and compared with what their leaves commit to; the stored
// views are compared, row by row, with what the log gives. It trusts nothing that it reads: a
// damaged file is a finding, never a crash.
#pragma once

#include "audit/vault.h"
#include "base/error.h"

#include <stdint.h>

struct audit_tagger;

enum audit_fault {
    AUDIT_FAULT_STORE,      // the environment cannot be read (there, or from there on)
    AUDIT_FAULT_ENTRY,      // an entry is missing, malformed, or its time goes backwards
    AUDIT_FAULT_TILE,       // a tile differs from its entries, is missing, or is one too many
    AUDIT_FAULT_CHECKPOINT, // a published checkpoint's signature or root does not fit
    AUDIT_FAULT_SHORT,      // the log is shorter than what was published
    AUDIT_FAULT_BODY,       // a body does not open, or is not what its leaf commits to
    AUDIT_FAULT_KEY,        // a body key is missing or damaged
    AUDIT_FAULT_VIEW,       // a row of the views is missing, too many, or not what the log gives
    AUDIT_FAULT_COUNT
};

struct audit_finding {
    enum audit_fault fault;
    uint64_t
        index; // the entry; of a tile, its first; of a checkpoint, the first that it may concern
    uint64_t count;    // how many entries may be affected; 0: unknown
    char message[160]; // one line
};

enum { AUDIT_VERIFY_CHECKPOINTS_MAX = 16 };

// A checkpoint that was kept elsewhere: the log must continue it.
struct audit_verify_checkpoint {
    const char *name; // how findings name it
    struct bytes note;
};

struct audit_verify_options {
    const char *home;
    const char
        *vkey; // the log's public key, as `vedomo log vkey` prints it; or several, with spaces
    const struct seal_secret *master;  // opens bodies; NULL: leaves, tiles and checkpoints only
    const struct audit_tagger *tagger; // for the views: as the broker's; NULL: tags as they came
    bool views;                        // compares the stored views too; wants `master`
    const struct audit_verify_checkpoint *checkpoints;
    size_t checkpoint_count; // at most AUDIT_VERIFY_CHECKPOINTS_MAX
    size_t map_bytes;        // of the log; 0: as its broker has it
    void (*found)(const struct audit_finding *finding, void *context);
    void (*progress)(uint64_t done, uint64_t total, void *context); // may be NULL
    void *context;
};

struct audit_verify_result {
    uint64_t size;        // entries read
    struct digest root;   // of all of them
    uint64_t tiles;       // full tiles compared
    uint64_t checkpoints; // published checkpoints compared
    uint64_t published;   // size of the highest of them
    uint64_t bodies;      // opened and compared
    uint64_t forgotten;   // bodies whose month has been forgotten
    bool views;           // there are stored views, and they were compared
    uint64_t applied;     // entries that they stand for
    uint64_t rows;        // of them, compared and as they should be
    uint64_t unknown;     // rows that come from forgotten entries: nothing to compare them with
    uint64_t findings;    // 0: the log is whole
};

// ST_OK: it was checked, see result.findings. Anything else: it could not be checked at all (no
// such home, a bad vkey, no memory). The store is read in a process of its own.
NODISCARD enum status audit_verify(const struct audit_verify_options *options,
                                   struct audit_verify_result *result, struct error *err);

// "store", "entry", …; static.
const char *audit_fault_name(enum audit_fault fault);
