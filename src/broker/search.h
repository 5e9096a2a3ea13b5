// Searching the record: entries that match a question, newest first, a bounded piece at a time. Of
// the whole log the facets are gone through; of one person the list. Reader threads only.
#pragma once

#include "audit/facet.h"
#include "broker/query.h"

// An entry taken apart. Its body lives in the arena that it was opened into.
struct opened_entry {
    struct audit_record record;
    struct audit_body body;
    struct audit_facts facts;
    bool forgotten; // no body, no facts
};

NODISCARD enum status search_open(struct desk *desk, uint64_t index, struct arena *arena,
                                  struct opened_entry *entry, struct error *err);

// What one message may cost. A question that is not through then gets a cursor.
enum { SEARCH_FACETS_MAX = 262144, SEARCH_OPENED_MAX = 1500, SEARCH_MS = 40 };

struct search {
    struct desk *desk;
    struct job *job;
    struct audit_filter filter;
    struct audit_facet_filter facets;
    bool person; // the list of `tag`: places are sequence numbers; else of the log
    struct audit_tag tag;
    bool open_all;  // a match is opened before it is shown to the visitor
    bool continued; // by the cursor of an earlier answer to the same question
    uint64_t next;  // what is below this place has not been looked at
    uint64_t lowest;
    struct audit_forgotten forgotten; // up to where contents are forgotten
    uint64_t examined;
    size_t opened;
    int64_t until_ns;
};

// A match. Borrowed for the call.
struct search_match {
    uint64_t index;
    const struct audit_facet *facet;
    const struct audit_terms *terms; // NULL: not opened, or forgotten
};

// False: not taken; the search stops above this entry.
typedef bool (*search_visit)(void *context, const struct search_match *match);

// Reads the question: filter, times, cursor, and the person whose list it is of. ST_MALFORMED: the
// cursor is not one that this broker gave for the same question of the same key.
NODISCARD enum status search_begin(struct desk *desk, struct job *job, bool person,
                                   struct search *search, struct error *err);

// Goes on until the visitor stops it, the message has cost enough, or there is nothing left.
NODISCARD enum status search_run(struct search *search, search_visit visit, void *context,
                                 struct error *err);

// Opens an entry for its terms, into desk->scratch; counts against the message. *terms is NULL for
// one that is forgotten.
NODISCARD enum status search_terms(struct search *search, uint64_t index,
                                   struct audit_terms *storage, const struct audit_terms **terms,
                                   struct error *err);

// The cursor for the rest, if there is any.
void search_set_cursor(const struct search *search, struct wire_result *result);

// The question in words, for the record: "list of the log; asker=ru/a; verdict=none".
void search_question(const struct search *search, const char *what, struct buffer *out);
