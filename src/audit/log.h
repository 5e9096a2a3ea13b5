// Reading the journal: entries, bodies, tiles, roots and proofs at any size. A handle belongs to
// one thread; between begin and end it sees one size and pins old pages, so that lasts no longer
// than one request.
#pragma once

#include "audit/journal.h"

struct audit_log;

NODISCARD enum status audit_log_create(struct audit_journal *journal, struct audit_log **log,
                                       struct error *err);
void audit_log_destroy(struct audit_log **log);

// Sees everything that is durable now. *size: how many entries.
NODISCARD enum status audit_log_begin(struct audit_log *log, uint64_t *size, struct error *err);
void audit_log_end(struct audit_log *log);

// An entry as stored. What it views is borrowed until end.
struct audit_record {
    struct bytes leaf; // AUDIT_LEAF_BYTES
    struct digest leaf_hash;
    enum wire_class class;
    uint32_t minutes;
    struct digest commitment;
    uint32_t key_id;
    const uint8_t *nonce; // 24 bytes
    struct bytes box;
};

// ST_NOT_FOUND: not that many entries.
NODISCARD enum status audit_log_record(struct audit_log *log, uint64_t index,
                                       struct audit_record *record, struct error *err);

// Calls `visit` for the entries from `from` on, `limit` at most, in order, until it returns false.
NODISCARD enum status
audit_log_scan(struct audit_log *log, uint64_t from, uint64_t limit,
               bool (*visit)(uint64_t index, const struct audit_record *record, void *context),
               void *context, struct error *err);

// Opens a record's body into the arena and compares its commitment with the leaf. ST_NOT_FOUND:
// forgotten under the retention rule. ST_CORRUPT: the body is not what was written.
NODISCARD enum status audit_log_body(struct audit_log *log, uint64_t index,
                                     const struct audit_record *record, struct arena *arena,
                                     struct audit_body *body, struct error *err);

// The first entry at or after that minute (the size when there is none).
NODISCARD enum status audit_log_find_minute(struct audit_log *log, uint32_t minutes,
                                            uint64_t *index, struct error *err);

// The tree. `size` is at most what begin saw. Paths are appended, 32 bytes a step.
NODISCARD enum status audit_log_root(struct audit_log *log, uint64_t size, struct digest *root,
                                     struct error *err);
NODISCARD enum status audit_log_inclusion(struct audit_log *log, uint64_t index, uint64_t size,
                                          struct buffer *path, struct error *err);
NODISCARD enum status audit_log_consistency(struct audit_log *log, uint64_t old_size, uint64_t size,
                                            struct buffer *path, struct error *err);

// The signed checkpoint of any size (made again where it was not kept). Appended.
NODISCARD enum status audit_log_checkpoint(struct audit_log *log, uint64_t size,
                                           struct buffer *note, struct error *err);

// A tile of `width` hashes (1..256) of the tree of `size`; level 0 is leaf hashes. ST_NOT_FOUND:
// that tree has no such tile.
NODISCARD enum status audit_log_tile(struct audit_log *log, unsigned level, uint64_t number,
                                     unsigned width, uint64_t size, struct buffer *tile,
                                     struct error *err);

// The receipt of an old entry in the tree of `size`, for the reader of part `type`. Everything it
// views lives in the arena. ST_NOT_FOUND: no such entry, or forgotten.
NODISCARD enum status audit_log_receipt(struct audit_log *log, uint64_t index, uint64_t size,
                                        enum wire_part type, struct arena *arena,
                                        struct audit_receipt *receipt, struct error *err);

// The receipt (public part) of the entry that made key `number` (from 2) the log's key, against a
// checkpoint that the key before it signed: it can be proven to whoever knows only that one.
// ST_NOT_FOUND: the log has no such key.
NODISCARD enum status audit_log_key_receipt(struct audit_log *log, unsigned number,
                                            struct arena *arena, struct audit_receipt *receipt,
                                            struct error *err);
