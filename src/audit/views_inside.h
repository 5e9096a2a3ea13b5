// Inside of the views: what the writing and the reading side share.
#pragma once

#include <limits.h>
#include <stdatomic.h>

#include "audit/delta.h"
#include "audit/views.h"
#include "base/snapshot.h"
#include "store/store.h"

enum {
    AUDIT_TAIL_DELTAS_MAX = 64,
    AUDIT_READERS_MAX = 120, // fewer than the store's
    AUDIT_LOAD_CHUNK = 1024, // entries decoded under one transaction of the log
    AUDIT_LOAD_ARENA_BYTES = 32 * 1024 * 1024,
};

// A reader's place: whoever holds it may touch the reader's transaction. Between two requests that
// is whoever takes it: so the stored view that a sleeping reader still holds can be let go.
struct audit_place {
    atomic_int state;
    struct audit_reader *reader;
};

enum { AUDIT_PLACE_FREE, AUDIT_PLACE_IDLE, AUDIT_PLACE_HELD };

struct audit_renewal;

// The deltas that the stored view may not have yet, oldest first; immutable.
struct audit_tail {
    uint64_t end; // entries of the log that stored view and tail show together
    size_t bytes;
    size_t count;
    struct audit_delta *deltas[AUDIT_TAIL_DELTAS_MAX];
};

struct audit_views {
    struct store *store;     // the stored view as its writer has it
    struct snapshot *stored; // struct store: the same, as readers pin it
    size_t map_bytes;
    struct audit_place places[AUDIT_READERS_MAX];
    _Atomic(struct audit_renewal *) renewed; // ready: the indexer takes it over
    atomic_int renewal_status;               // what became of the last one
    struct audit_journal *journal;
    struct audit_log *log;                    // the indexer's, and at opening
    struct snapshot *tail;                    // struct audit_tail
    atomic_uint_fast64_t applied;             // entries that the stored view shows
    atomic_uint_fast64_t end;                 // tail->end
    atomic_size_t tail_bytes;                 // tail->bytes
    char folder[PATH_MAX];                    // HOME/views
    char damaged[PATH_MAX];                   // HOME/views.damaged: build again at the next opening
    struct digest origin;                     // hash of the log's origin
    const struct audit_tagger *tagger;        // NULL: tags stay as they are
    uint8_t search_key[SEAL_SHORT_KEY_BYTES]; // of the facets
    struct digest search_check;               // tells views that were made under another one
};

// Leaves a mark for the next opening when the stored view has been found damaged. Passes the
// status through.
enum status audit_views_note(struct audit_views *views, enum status status);

// The same for whoever has a reader of it.
enum status audit_reader_note(const struct audit_reader *reader, enum status status);

// The number of entries that a transaction on the stored view shows; 0 on a fresh one.
NODISCARD enum status audit_views_applied(struct store_txn *txn, uint64_t *applied,
                                          struct error *err);

// Rows of the entries [from, to), read from the log; what is forgotten has none. The arena is
// reset.
NODISCARD enum status audit_views_decode(const struct audit_views *views, struct audit_log *log,
                                         struct arena *arena, uint64_t from, uint64_t to,
                                         struct audit_rows **rows, struct error *err);

// What the tables are called in the store, and which form of them this program reads.
extern const char *const audit_views_tables[AUDIT_TABLE_COUNT];
enum { AUDIT_VIEWS_FORMAT = 6 };

// Tells under which key facets were made, without giving it away.
struct digest audit_search_check(const uint8_t search_key[SEAL_SHORT_KEY_BYTES]);

// Makes the stored view anew from the log, beside the one that is there, and puts it into its
// place. No store of the views is open.
NODISCARD enum status audit_views_build(struct audit_views *views,
                                        const struct audit_views_options *options,
                                        struct error *err);

// Removes an environment's folder, as far as it is there.
void audit_views_clear_folder(const char *folder);

// Opens (makes) a store with the tables of the views.
NODISCARD enum status audit_views_open_store(const struct audit_views *views, const char *folder,
                                             struct store **store, struct error *err);

// Writes a delta, and that the store stands for the log up to its end, in one synced commit.
NODISCARD enum status audit_views_write(struct audit_views *views, struct audit_log *log,
                                        struct store *store, const struct audit_delta *delta,
                                        struct error *err);

// Says in a transaction up to where, and of which log, the store stands.
NODISCARD enum status audit_views_put_state(struct audit_views *views, struct audit_log *log,
                                            struct store_txn *txn, uint64_t applied,
                                            struct error *err);

// Makes every reader that sleeps let go of the stored view that it has seen last.
void audit_readers_release(struct audit_views *views);

// Removes what a renewal left that did not come to its end. At opening.
void audit_views_clear_renewal(const struct audit_views *views);
void audit_renewal_destroy(struct audit_renewal **renewal);
