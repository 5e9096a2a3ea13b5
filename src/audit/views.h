// The views: everything that is derived from the journal (HOME/views, an environment of its own).
// A reader sees the stored view overlaid by the tail: immutable sorted deltas of what the log has
// and the stored view has not yet. So it sees every entry that was published, at once.
//
// Threads: publish, retire and tail_* belong to the recorder, apply to the indexer, each reader
// handle to one thread.
#pragma once

#include "audit/log.h"
#include "audit/rows.h"
#include "seal/hash.h"

#include <stdatomic.h>

struct audit_views;

enum {
    AUDIT_TAIL_ENTRIES_MAX = 65536,
    AUDIT_TAIL_BYTES_MAX = 64 * 1024 * 1024,
};

struct audit_views_options {
    const char *home;                  // holds views/
    const char *origin;                // the log's
    size_t map_bytes;                  // upper bound of the environment; 0: 64 GiB
    struct audit_journal *journal;     // borrowed until close
    const struct audit_tagger *tagger; // brings tags to their newest version; NULL: they stay
    uint8_t search_key[SEAL_SHORT_KEY_BYTES]; // secret: what is searched by is hashed under it
    void (*progress)(uint64_t done, uint64_t total, void *context); // while rebuilding; may be NULL
    void *progress_context;
};

// What opening found.
struct audit_views_opened {
    uint64_t stored; // entries that the stored view held
    bool rebuilt;    // it was missing, damaged or ahead of its log: made again from the log
    char aside[96];  // where the damaged one was moved, within home; empty: none
};

// Opens the stored view and loads the tail from the log; a view that is damaged, of another log, or
// ahead of its log is moved aside and built again.
NODISCARD enum status audit_views_open(const struct audit_views_options *options,
                                       struct audit_views **views,
                                       struct audit_views_opened *opened, struct error *err);
void audit_views_close(struct audit_views **views);

// Makes the stored views anew from the log, while nobody has them open: in a folder beside them,
// which takes their place when it is whole. May be killed at any time: then the old ones are there
// still, or none, which the next opening makes good.
NODISCARD enum status audit_views_rebuild(const struct audit_views_options *options,
                                          struct error *err);

// Makes the rows of a commit visible: `size` is the log's size after it. Consumes *rows.
// ST_NOMEM: readers would miss entries; the process has to stop. Recorder thread.
NODISCARD enum status audit_views_publish(struct audit_views *views, struct audit_rows **rows,
                                          uint64_t size, struct error *err);

// The key of the facets, for audit_rows_make_searchable() and audit_facet_filter().
const uint8_t *audit_views_search_key(const struct audit_views *views);

// Lets go of deltas that the stored view has by now; publishing does it too. Recorder thread, when
// idle.
void audit_views_retire(struct audit_views *views);

// True while the tail is at its bound: new requests get BUSY. Any thread.
bool audit_views_tail_full(const struct audit_views *views);
uint64_t audit_views_tail_entries(const struct audit_views *views);

// Whether it is time for audit_views_apply(), when the last one began at `since_ms` (monotonic):
// the tail may grow for a moment, so that one sorted commit takes many entries. Indexer thread.
bool audit_views_due(const struct audit_views *views, int64_t since_ms);

// Of what map and disk allow; 1000 when it cannot be told. Any thread.
unsigned audit_views_used_permille(struct audit_views *views);

// The entries that the stored view shows. Any thread.
uint64_t audit_views_stored(const struct audit_views *views);

// Writes what the tail holds now into the stored view, in one synced commit. *applied: the log size
// that the stored view stands for afterwards. ST_FULL: nothing changed. Any other failure: the
// stored view must not be used any more; stop. Indexer thread.
NODISCARD enum status audit_views_apply(struct audit_views *views, uint64_t *applied,
                                        struct error *err);

// ---- after a month was forgotten

// Whether rows of entries that are forgotten may still lie in the stored view's file.
NODISCARD enum status audit_views_stale(struct audit_views *views, bool *stale, struct error *err);

// Makes a new stored view beside the old one, without the rows that go with what is forgotten (and
// so without their remains in free pages), and leaves it to the indexer. Everything goes on
// meanwhile; the disk needs room for a second view. ST_CLOSED: *stop was set. ST_FULL: no room. But
// for ST_OK nothing has changed. One thread of its own, not again before audit_views_renewed().
NODISCARD enum status audit_views_renew(struct audit_views *views, atomic_bool *stop,
                                        struct error *err);

// What became of it: ST_BUSY until the indexer has taken it over. Any thread.
enum status audit_views_renewed(struct audit_views *views);

// Takes over a renewed view when one is ready: brings it up to date, moves it into the old one's
// place. Readers go over to it with their next request, and the old one's file is gone when the
// last of them has. The old one stays when that fails but for ST_IO: then stop. Indexer thread.
NODISCARD enum status audit_views_adopt(struct audit_views *views, struct error *err);

// ---- reading

struct audit_reader;

NODISCARD enum status audit_reader_create(struct audit_views *views, struct audit_reader **reader,
                                          struct error *err);
void audit_reader_destroy(struct audit_reader **reader);

// From here to end the reader sees one state: the log up to *size. One request long.
NODISCARD enum status audit_reader_begin(struct audit_reader *reader, uint64_t *size,
                                         struct error *err);
void audit_reader_end(struct audit_reader *reader);

// How many entries the stored view has, of those that the reader sees; the rest stands in the tail.
uint64_t audit_reader_stored(const struct audit_reader *reader);

// Whether what another reader saw of this key (or of all keys that begin with this tag), with a log
// of `size` entries, still stands. Looks into the tail's memory only; false: perhaps not, look
// again.
bool audit_reader_still(const struct audit_reader *reader, enum audit_table table, struct bytes key,
                        uint64_t size);

// ST_NOT_FOUND: no such row (an answer, no message). Borrowed until end.
NODISCARD enum status audit_reader_get(struct audit_reader *reader, enum audit_table table,
                                       struct bytes key, struct bytes *value, struct error *err);

// Calls `visit` for the rows whose keys begin with `prefix`, in order of keys (or backwards), until
// it returns false. `from`: begin there (inclusive; backwards: the last key wanted); empty: at the
// first (last).
NODISCARD enum status audit_reader_scan(struct audit_reader *reader, enum audit_table table,
                                        struct bytes prefix, struct bytes from, bool reverse,
                                        bool (*visit)(struct bytes key, struct bytes value,
                                                      void *context),
                                        void *context, struct error *err);

// ---- the tables by their meaning; ST_NOT_FOUND: none

// The last row of a citizen's chain; `tag` of the newest version.
NODISCARD enum status audit_reader_subject_head(struct audit_reader *reader,
                                                const struct audit_tag *tag,
                                                struct audit_subject_row *row, struct error *err);

// A page of the chain, newest first: rows with sequence <= `from` (0: from the head).
NODISCARD enum status audit_reader_subject_page(struct audit_reader *reader,
                                                const struct audit_tag *tag, uint64_t from,
                                                size_t limit, struct audit_subject_row *rows,
                                                size_t *count, struct error *err);

NODISCARD enum status audit_reader_exchange(struct audit_reader *reader, const struct id *id,
                                            struct audit_exchange_row *row, struct error *err);

// 0 when there is no such counter.
NODISCARD enum status audit_reader_counter(struct audit_reader *reader, const struct digest *key,
                                           uint64_t *value, struct error *err);

// What is forgotten of the log; all zero: nothing.
NODISCARD enum status audit_reader_forgotten(struct audit_reader *reader,
                                             struct audit_forgotten *forgotten, struct error *err);

// One consent; or all of a person (in order of ids, `max` at most). Decoded in the arena.
NODISCARD enum status audit_reader_consent(struct audit_reader *reader, const struct audit_tag *tag,
                                           const struct id *id, struct arena *arena,
                                           struct wire_consent_record *record, struct error *err);
NODISCARD enum status audit_reader_consents(struct audit_reader *reader,
                                            const struct audit_tag *tag, struct arena *arena,
                                            size_t max, struct wire_consent_record *records,
                                            size_t *count, struct error *err);
