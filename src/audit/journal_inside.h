// Inside of the log: what its reading side needs of the journal. Any thread.
#pragma once

#include "audit/journal.h"
#include "audit/tiles.h"

struct store *audit_journal_store(struct audit_journal *journal);
struct audit_vault *audit_journal_vault(struct audit_journal *journal);
struct bytes audit_journal_origin(const struct audit_journal *journal);

// The upper levels of the right edge as of some recent size; snapshot_unpin(item) when done.
const struct audit_edge *audit_journal_pin_edge(struct audit_journal *journal,
                                                struct snapshot_item **item);

// Appends the signed checkpoint. `root` must be the log's own for a durable size: whatever is
// signed here can never be unsaid.
void audit_journal_sign(const struct audit_journal *journal, uint64_t size,
                        const struct digest *root, struct buffer *note);

// Appends the checkpoint of that size if it is at hand: the newest, or the highest published one,
// with its witnesses. False: it is not.
bool audit_journal_note(struct audit_journal *journal, uint64_t size, struct buffer *note);
