// Inside of the copies: the files that they are kept in.
#pragma once

#include <limits.h>

#include "audit/backup.h"
#include "audit/record.h"
#include "proof/ring.h"
#include "proof/tree.h"

enum {
    AUDIT_BACKUP_PART_ENTRIES = 4096,
    AUDIT_BACKUP_PART_BYTES = 32 * 1024 * 1024, // and one entry more
};

// What FOLDER/log.backup says.
struct audit_backup_state {
    struct proof_ring ring; // the log's keys; their name is the origin
    struct buffer meta;     // the log's own rows, as lines: see audit_backup_meta_each()
    uint64_t term;          // of the log's last writer
    struct proof_frontier frontier;
    struct buffer note; // the checkpoint of that size
};

struct audit_backup_state audit_backup_state_init(void);
void audit_backup_state_fini(struct audit_backup_state *state);

// ST_NOT_FOUND: there is no copy in the folder. ST_CORRUPT: it says nothing that holds.
NODISCARD enum status audit_backup_state_read(const char *folder, struct audit_backup_state *state,
                                              struct error *err);
NODISCARD enum status audit_backup_state_write(const char *folder,
                                               const struct audit_backup_state *state,
                                               struct error *err);

// The log's own rows (format, origin, keys), one line each.
void audit_backup_meta_add(struct audit_backup_state *state, struct bytes word, struct bytes value);
typedef enum status (*audit_backup_meta_visit)(struct bytes word, struct bytes value, void *context,
                                               struct error *err);
NODISCARD enum status audit_backup_meta_each(const struct audit_backup_state *state,
                                             audit_backup_meta_visit visit, void *context,
                                             struct error *err);

// Fills the ring from these rows. ST_CORRUPT: they name no key, or none that is one.
NODISCARD enum status audit_backup_meta_ring(struct audit_backup_state *state, struct error *err);

// The checkpoint is signed by one of the log's keys, and is that of the frontier.
NODISCARD enum status audit_backup_state_prove(const struct audit_backup_state *state,
                                               struct error *err);

// FOLDER/entries/N.part.
NODISCARD enum status audit_backup_part_path(const char *folder, uint64_t first,
                                             char path[PATH_MAX], struct error *err);

// A part under way. Add records; then write it.
void audit_backup_part_begin(struct buffer *part, uint64_t first);
void audit_backup_part_add(struct buffer *part, struct bytes record);
NODISCARD enum status audit_backup_part_write(const char *folder, uint64_t first,
                                              struct buffer *part, struct error *err);

// Reads the part that begins with entry `first` and gives its records in order. *count: how many.
// ST_NOT_FOUND: there is none. ST_CORRUPT: it is damaged, or a record is none; the file is named.
typedef enum status (*audit_backup_visit)(uint64_t index, const struct audit_record *record,
                                          struct bytes bytes, void *context, struct error *err);
NODISCARD enum status audit_backup_part_read(const char *folder, uint64_t first,
                                             struct buffer *scratch, audit_backup_visit visit,
                                             void *context, uint64_t *count, struct error *err);
