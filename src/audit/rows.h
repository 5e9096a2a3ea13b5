// From an entry to the rows of the views: a pure function of the entry, so that views can be
// rebuilt. A row is a key and a value in a table, or its removal.
#pragma once

#include "audit/entry.h"
#include "audit/tag.h"
#include "base/arena.h"
#include "wire/entry.h"

// The tables of the views. Integers are big-endian.
enum audit_table {
    AUDIT_TABLE_META,     // word -> state of the views
    AUDIT_TABLE_SUBJECT,  // tag33, u64 sequence -> audit_subject_row: one citizen's chain
    AUDIT_TABLE_EXCHANGE, // id16, u8 0 -> the decision; id16, u8 1 -> its ending (see below)
    AUDIT_TABLE_OPEN,     // id16 -> u64 index of a decision that has not ended
    AUDIT_TABLE_CONSENT,  // tag33, id16 -> packed ConsentRecord, newest revision
    AUDIT_TABLE_COUNTER,  // key32 -> u64 value, u64 index of the entry that set it, u64 until (ms)
    AUDIT_TABLE_GOVERNANCE, // u64 index -> u8 kind; epochs too
    AUDIT_TABLE_HOLD,       // id16 -> packed Hold: a legal hold as it stands
    AUDIT_TABLE_CARRIED,    // key32 -> u64 value, u64 until: counters of entries that are forgotten
    AUDIT_TABLE_FACET,      // u64 index -> audit/facet.h; in the tail only
    AUDIT_TABLE_BLOCK,      // u64 index / 63 -> the facets of 63 entries; in the stored view only
    AUDIT_TABLE_RUN,        // u8 table -> its runs (audit/views_runs.h); in the stored view only
    AUDIT_TABLE_COUNT
};

// True for the tables whose keys begin with a tag, so that a person's rows stand together.
bool audit_table_is_by_tag(enum audit_table table);

// A row of a citizen's chain.
struct audit_subject_row {
    uint64_t sequence; // from 1
    uint64_t index;    // of the entry in the log
    struct digest leaf_hash;
    uint32_t minutes;
    enum wire_kind kind;
};

// What is known about an exchange.
struct audit_exchange_row {
    struct digest request_hash;
    uint64_t decision_index;
    struct digest decision_leaf;
    uint64_t expires_at;
    enum wire_kind ending; // WIRE_KIND_NONE: still open; DECISION: permitted nothing;
                           // RESTART: lost; else the ending's kind
    uint64_t ending_index;
};

// A counter as an entry has left it.
struct audit_counter_row {
    uint64_t value;
    uint64_t index; // of that entry; 0 for one that was carried forward
    uint64_t until; // ms; 0: it always counts
};

// Up to where the log's contents are forgotten (row "forgotten" of the state of the views).
struct audit_forgotten {
    uint32_t month; // the last month that is
    uint64_t to;    // the first entry behind it
    uint64_t index; // of the entry that says so
    uint64_t at_ms; // when it was written
};

struct audit_row {
    enum audit_table table;
    struct bytes key;
    struct bytes value;
    bool removed; // no value: the key goes away
};

// A growing list of rows, in the order of the log. It owns copies of the bytes.
struct audit_rows;

NODISCARD struct audit_rows *audit_rows_create(void); // NULL: no memory
void audit_rows_destroy(struct audit_rows **rows);

// From here on tags are brought to the newest version of `tagger` (borrowed): the rows of old
// entries are found beside those of new ones. Without it they stay as they are.
void audit_rows_renew_tags(struct audit_rows *rows, const struct audit_tagger *tagger);

// From here on each entry gets a facet too, under this key of SEAL_SHORT_KEY_BYTES.
void audit_rows_make_searchable(struct audit_rows *rows, const uint8_t *search_key);
void audit_rows_clear(struct audit_rows *rows); // keeps the memory
size_t audit_rows_count(const struct audit_rows *rows);
size_t audit_rows_bytes(const struct audit_rows *rows);
struct audit_row audit_rows_at(const struct audit_rows *rows, size_t place);

// An entry's parts as structs: those that its class has; the others are NULL.
struct audit_facts {
    uint64_t index;
    uint32_t minutes;
    struct digest leaf_hash;
    enum wire_class class;
    const struct wire_exchange_part *exchange;
    const struct wire_subject_part *subject;
    const struct wire_officer_part *officer;
    const struct wire_public_part *public_;
};

// The entry's kind, from whichever part tells it.
enum wire_kind audit_facts_kind(const struct audit_facts *facts);

// The key of an exchange's decision; its ending's has a last byte of 1.
enum { AUDIT_EXCHANGE_KEY_BYTES = ID_BYTES + 1 };
struct bytes audit_exchange_key(const struct id *id, uint8_t key[AUDIT_EXCHANGE_KEY_BYTES]);

// The key of a person's consent. It and the one above are written to `key`, which they view.
enum { AUDIT_CONSENT_KEY_BYTES = AUDIT_TAG_BYTES + ID_BYTES };
struct bytes audit_consent_key(const struct audit_tag *tag, const struct id *id,
                               uint8_t key[AUDIT_CONSENT_KEY_BYTES]);

// Rows from their bytes. ST_CORRUPT: not what audit_rows_add() writes.
NODISCARD enum status audit_subject_row_decode(struct bytes key, struct bytes value,
                                               struct audit_subject_row *row, struct error *err);
NODISCARD enum status audit_counter_row_decode(struct bytes value, bool carried,
                                               struct audit_counter_row *row, struct error *err);
NODISCARD enum status audit_forgotten_decode(struct bytes value, struct audit_forgotten *row,
                                             struct error *err);

// True for what stands in a citizen's list for good: its body is under the lasting key.
bool audit_kind_lasts(enum wire_kind kind);

// `ending` is empty when there is none.
NODISCARD enum status audit_exchange_row_decode(struct bytes decision, struct bytes ending,
                                                struct audit_exchange_row *row, struct error *err);

// Appends a row as it is.
NODISCARD enum status audit_rows_put(struct audit_rows *rows, const struct audit_row *row,
                                     struct error *err);

// Appends the entry's rows. What each kind needs in its parts:
//   every entry of a citizen's chain: officer.tag, subject.sequence (0 or no tag: in no chain);
//   delayed ones are in none of these
//   decision: exchange.{exchange_id, request_hash, expires_at, verdicts}
//   endings: exchange.exchange_id          counters: officer.charges (new values)
//   carry-forward: officer.{carried_heads, carried_counters}; public.{month, forgotten_to}
//   consent: officer.consent (its index is set here)      restart: officer.lost_ids
//   hold: officer.hold (the index of its entry is set here)
NODISCARD enum status audit_rows_add(struct audit_rows *rows, const struct audit_facts *facts,
                                     struct error *err);

// The facts of a stored entry: decodes the body's parts in the arena and sets their four pointers
// (NULL for an empty part, or one that the class has not). ST_CORRUPT: they do not decode.
NODISCARD enum status audit_facts_decode(const struct audit_body *body, struct arena *arena,
                                         struct audit_facts *facts, struct error *err);
