// Inside of the checker: what its reading process does, and how it tells. The process makes one
// pass over the entries (verify_walk.c); beside it go the tree with its tiles (verify_tree.c), the
// checkpoints (verify_point.c), the bodies (verify_body.c) and, last, the views (verify_views.c).
// All work on one state.
#pragma once

#include "audit/record.h"
#include "audit/rows.h"
#include "audit/sorter.h"
#include "audit/tiles.h"
#include "audit/verify.h"
#include "proof/ring.h"
#include "seal/hash.h"

// One message over the pipe.
enum audit_tell_kind { AUDIT_TELL_FINDING = 1, AUDIT_TELL_PROGRESS, AUDIT_TELL_END };

struct audit_tell {
    enum audit_tell_kind kind;
    bool views;                        // the views are being read, no longer the log
    struct audit_finding finding;      // FINDING
    uint64_t done;                     // PROGRESS
    uint64_t total;                    // PROGRESS
    struct audit_verify_result result; // PROGRESS and END: so far
    struct error error;                // END: .status is ST_OK when it was checked
};

// Writes a message whole; ends the process when nobody listens any more. For the child.
void audit_tell_send(int pipe, const struct audit_tell *tell);

// Reads and checks everything, telling over `pipe`. The last message is END.
void audit_verify_walk(const struct audit_verify_options *options, const struct proof_ring *keys,
                       int pipe);

// Two trees beside one another: of the leaves as hashed from the entries, and of the hashes as the
// tiles have them (behind the last full tile they are the same). Both stand at whole tiles; the
// entries behind are in `hashes`.
struct audit_walk_tree {
    struct proof_frontier leaves;
    struct proof_frontier stored;
    struct audit_edge upper;                 // tiles of level 1 and up, as level 0 gives them
    struct digest hashes[AUDIT_TILE_HASHES]; // of the tile under way, from the entries
    unsigned count;                          // of them
    const struct digest *tile;               // the same as stored; NULL: not full, or missing
};

// What is known of one body key.
struct audit_walk_key {
    enum { KEY_UNKNOWN = 0, KEY_GOOD, KEY_FORGOTTEN, KEY_BAD } state;
    uint64_t first; // the first entry under a bad key
    uint64_t count; // and how many there are
};

// A checkpoint that was kept elsewhere, or in HOME/log.published.
struct audit_walk_point {
    struct proof_checkpoint point;
    const char *where; // how a finding names it
    bool done;         // compared
};

enum { AUDIT_WALK_POINTS_MAX = 1 + AUDIT_VERIFY_CHECKPOINTS_MAX };

struct audit_walk {
    const struct audit_verify_options *options;
    const struct proof_ring *log_keys;
    int pipe;
    bool in_views; // see audit_tell
    struct store *store;
    struct store_txn *txn;
    struct store_cursor *entries;
    struct store_cursor *checkpoints;

    uint64_t size;    // entries when the walk began
    uint64_t next;    // the entry that is due
    uint32_t minutes; // of the one before
    struct audit_walk_tree tree;

    uint64_t due;      // the size at which a checkpoint is compared next
    uint64_t fitted;   // size of the last checkpoint that fitted
    uint64_t row_size; // the last row of checkpoints that was looked at
    uint64_t row_when; // and its time
    bool has_row;      // there was one
    struct audit_walk_point points[AUDIT_WALK_POINTS_MAX];
    size_t point_count;

    struct audit_vault *vault; // NULL: bodies are not opened
    // By generation and month; NULL: no entry is under a key of that generation.
    struct audit_walk_key *keys[AUDIT_KEY_GENERATIONS];
    bool said_forgotten[AUDIT_KEY_MONTHS]; // an entry says so
    bool keys_lost; // an entry that may name a new body key could not be read
    uint8_t *plain;
    uint64_t forgotten_to; // behind the last entry whose body is forgotten

    struct audit_sorter *sorter; // rows that the views should have; NULL: they are not looked at
    struct audit_rows *rows;     // of one entry
    struct audit_tagger *tagger; // of as many keys as the stored views are under; NULL: as given
    unsigned tag_keys;           // so many keys of tags are in force, as the log says
    struct arena *arena;
    uint8_t search_key[SEAL_SHORT_KEY_BYTES]; // of the facets

    struct audit_verify_result result;
};

// ---- telling

void audit_walk_found(struct audit_walk *walk, enum audit_fault fault, uint64_t index,
                      uint64_t count, const char *format, ...) PRINTF_LIKE(5, 6);
void audit_walk_progress(const struct audit_walk *walk, uint64_t done, uint64_t total);

// Closes cursors and transaction.
void audit_walk_end(struct audit_walk *walk);

// ---- the tree

// Takes the next leaf's hash into both trees, and compares a tile when it is full.
NODISCARD enum status audit_walk_leaf(struct audit_walk *walk, const struct digest *hash,
                                      struct error *err);

// Finds, in this transaction, the tile that the next entry is of.
NODISCARD enum status audit_walk_tile(struct audit_walk *walk, struct error *err);

// The roots of both at the walk's place.
void audit_walk_roots(const struct audit_walk *walk, struct digest *leaves, struct digest *stored);

// Tiles that no entry stands behind. `size`: entries of the log.
NODISCARD enum status audit_walk_tile_keys(struct audit_walk *walk, uint64_t size,
                                           struct error *err);

// ---- checkpoints

// Reads HOME/log.published and those that were given. Before the store, so that a running broker's
// log is never behind them.
void audit_walk_points(struct audit_walk *walk);

// Compares whatever is of the size that the walk has reached, and finds when the next one is due;
// at the end also what lies beyond it.
NODISCARD enum status audit_walk_published(struct audit_walk *walk, bool at_end, struct error *err);

// ---- bodies

NODISCARD enum status audit_walk_bodies_open(struct audit_walk *walk, struct error *err);

// Opens and compares the body of the entry that is due; its rows go to the sorter.
NODISCARD enum status audit_walk_body(struct audit_walk *walk, const struct audit_record *record,
                                      struct error *err);
void audit_walk_bad_keys(struct audit_walk *walk);

// ---- views

// Compares the stored views with the rows that the log gives. After the last entry.
NODISCARD enum status audit_walk_views(struct audit_walk *walk, struct error *err);

// Whether the pages of a table in sorted runs are what its list of runs says, and no filter hides a
// row. Any other table: yes.
NODISCARD enum status audit_walk_runs(struct audit_walk *walk, struct store_txn *txn,
                                      enum audit_table table, struct error *err);

// So many keys of tags the stored views at this path are under, as they say; 0: they do not say.
unsigned audit_walk_views_tags(const char *path);
