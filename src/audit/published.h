// Inside of the log: the highest checkpoint ever published, kept twice: in HOME/log.published,
// outside the environment, so that an environment restored from an older copy is told at opening;
// and as a row of the journal. The file is replaced before anyone is shown the checkpoint; its row
// follows with the next append.
#pragma once

#include "audit/tiles.h"
#include "proof/note.h"

struct audit_keys;
struct audit_published;
struct audit_published_row; // a list of rows that are still to be written

// `keys` are borrowed until destroy.
NODISCARD enum status audit_published_create(const char *home, const struct audit_keys *keys,
                                             struct audit_published **published, struct error *err);
void audit_published_destroy(struct audit_published **published);

// Compares the log with file and row, and brings up the one that lags. ST_UNPROVEN: the log is
// shorter than what was published, or has other entries.
NODISCARD enum status audit_published_open(struct audit_published *published,
                                           struct audit_tiles *tiles, struct error *err);

// Makes a checkpoint, which the caller has found true for a durable size, the highest: file first.
// ST_UNPROVEN: it is lower. Publisher thread.
NODISCARD enum status audit_published_raise(struct audit_published *published,
                                            const struct proof_checkpoint *checkpoint,
                                            struct bytes note, struct error *err);

// The highest; ST_NOT_FOUND: none yet. Any thread.
NODISCARD enum status audit_published_get(struct audit_published *published, uint64_t *size,
                                          struct buffer *note, struct error *err);

// Appends the highest's note if it is of that size; false: it is not.
bool audit_published_note(struct audit_published *published, uint64_t size, struct buffer *note);

// The rows that wait, taken out of the queue; write them and drop them, or hand them back.
// Recorder thread.
struct audit_published_row *audit_published_take(struct audit_published *published);
NODISCARD enum status audit_published_write(const struct audit_published_row *rows,
                                            struct store_txn *txn, struct error *err);
void audit_published_drop(struct audit_published_row *rows);
void audit_published_return(struct audit_published *published, struct audit_published_row *rows);
