// Copies of a log, kept in a folder of their own, each time only what is new. Taken from another
// process than the broker's, which may be running. A copy holds no key: bodies in it open only
// where the body keys and the master key are kept, and those are never put beside it.
//
//   FOLDER/log.backup          up to where the copy goes, proven by the log's own signature
//   FOLDER/entries/N.part      entries from number N on, as they are stored, with their SHA-256
//
// What is copied is proven: hashed again, the entries have to be the tree that the published
// checkpoint is about, and the old ones a begin of it. `log.backup` is replaced last, so whatever
// ends a copy early, the folder is as it was before or goes on from there.
#pragma once

#include "base/error.h"
#include "proof/note.h"

// Every copy has this file.
#define AUDIT_BACKUP_MARK "log.backup"

struct audit_backup_options {
    const char *home;
    size_t map_bytes;   // of the broker's log; 0: as it has it, 64 GiB for a new one
    const char *folder; // the copies'; made where it is missing
    void (*progress)(uint64_t done, uint64_t total, void *context); // may be NULL
    void *context;
};

struct audit_backup_result {
    uint64_t before; // entries that the folder held
    uint64_t size;   // and holds now
    uint64_t bytes;  // that were written (read, by a check)
};

// Copies what HOME/log has published since the last copy, in short transactions. ST_NOT_FOUND: HOME
// has no log, or nothing was published yet. ST_DENIED: the folder is another log's. ST_UNPROVEN:
// the log does not continue the copy, or is not what it published. ST_CORRUPT: a file of the folder
// is damaged; it is named. ST_EXISTS: another copy is being made there.
NODISCARD enum status audit_backup(const struct audit_backup_options *options,
                                   struct audit_backup_result *result, struct error *err);

// Reads a whole copy and proves it. `vkey`: the log's public key, from elsewhere; NULL: the one
// that the copy names. Errors as above.
NODISCARD enum status audit_backup_check(const char *folder, const char *vkey,
                                         struct audit_backup_result *result, struct error *err);

// Makes options->home/log and log.published from the copy, proving it as it goes; the log appears
// when it is whole. ST_EXISTS: there is a log. Neither keys nor views are made.
NODISCARD enum status audit_backup_restore(const struct audit_backup_options *options,
                                           const char *vkey, struct audit_backup_result *result,
                                           struct error *err);
