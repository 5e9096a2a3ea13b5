// Inside of the log: how the journal lies in its store (tables, keys, records), for whoever writes
// (journal), reads (log) and checks (verify).
//
//   entry       u64 index               -> u8 format 1, leaf 38, u32 key id, nonce 24, box
//   tile        u8 level, u64 number    -> 256 hashes; full tiles only
//   checkpoint  u64 size, u64 when (ms) -> a published note
//   term        u64 term                -> u64 when it was taken (ms)
//   meta        word                    -> format, origin, key, created
#pragma once

#include "audit/log.h"
#include "proof/tiles.h"
#include "store/store.h"

enum audit_journal_table {
    AUDIT_JOURNAL_ENTRY,
    AUDIT_JOURNAL_TILE,
    AUDIT_JOURNAL_CHECKPOINT,
    AUDIT_JOURNAL_TERM,
    AUDIT_JOURNAL_META,
    AUDIT_JOURNAL_TABLES
};

extern const char *const audit_journal_tables[AUDIT_JOURNAL_TABLES];

enum {
    AUDIT_RECORD_HEAD_BYTES = 1 + AUDIT_LEAF_BYTES + 4 + AUDIT_BOX_NONCE_BYTES,
    AUDIT_TILE_HASHES = PROOF_TILE_HASHES,
    AUDIT_TILE_BYTES = PROOF_TILE_BYTES,
    AUDIT_TILE_LEVELS = PROOF_TILE_LEVELS,
};

// HOME/log and HOME/log.published, and the bound of the first when none is configured.
#define AUDIT_JOURNAL_FOLDER    "log"
#define AUDIT_JOURNAL_PUBLISHED "log.published"
#define AUDIT_JOURNAL_MAP_BYTES ((size_t)64 << 30)

struct audit_key {
    uint8_t bytes[16];
    size_t size;
};

struct audit_key audit_key_u64(uint64_t number);
struct audit_key audit_key_pair(uint64_t first, uint64_t second);
struct audit_key audit_key_tile(unsigned level, uint64_t number);

static inline struct bytes audit_key_view(const struct audit_key *key)
{
    return bytes_of(key->bytes, key->size);
}

// A number that is a whole key or value. ST_CORRUPT: of another length.
NODISCARD enum status audit_number_decode(struct bytes bytes, uint64_t *number, struct error *err);

// Writes what stands before the box; returns where the nonce goes, the last of it. `room` has
// AUDIT_RECORD_HEAD_BYTES.
uint8_t *audit_record_head(uint8_t *room, const uint8_t leaf[AUDIT_LEAF_BYTES], uint32_t key_id);

// A stored entry taken apart. ST_CORRUPT: not what the journal writes.
NODISCARD enum status audit_record_decode(struct bytes value, uint64_t index,
                                          struct audit_record *record, struct error *err);

// The last key of a table whose keys begin with a u64, and its value. ST_NOT_FOUND: it is empty.
NODISCARD enum status audit_record_last(struct store_txn *txn, unsigned table, uint64_t *number,
                                        struct bytes *value, struct error *err);

// How many entries a transaction sees: the last key and 1.
NODISCARD enum status audit_record_size(struct store_txn *txn, uint64_t *size, struct error *err);

// Opens a record's body into `plain` (box.size - 16 bytes), takes it apart and compares it with
// what the leaf commits to. Errors as of audit_log_body().
NODISCARD enum status audit_record_body(struct audit_vault *vault, struct bytes origin,
                                        uint64_t index, const struct audit_record *record,
                                        uint8_t *plain, struct audit_body *body, struct error *err);
