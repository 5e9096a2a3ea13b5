// The inside of the answers to questions, for their two files. Reader threads only.
#pragma once

#include "broker/query.h"

enum {
    QUERY_PAGE_ROWS = 100,
    QUERY_BODY_ROOM = 16 * 1024, // left in frame 2 for the framing of rows
};

// Rows of one answer, in the job's arena.
struct rows {
    struct arena *arena;
    struct wire_row *items;
    size_t count;
    size_t max;
    size_t bytes;
};

NODISCARD enum status rows_init(struct rows *rows, struct job *job, size_t max, struct error *err);

// Packs the rows into desk->body.
NODISCARD enum status rows_pack(struct desk *desk, const struct rows *rows, uint64_t examined,
                                struct error *err);

// The next page begins here: a number as the result's cursor.
void query_set_cursor(struct job *job, struct wire_result *result, uint64_t next);

NODISCARD enum status query_no_memory(struct error *err);

// The tag of the person that a question is about: by session (job->session_tag is set by control)
// or by identifier. ST_USAGE: neither is given.
NODISCARD enum status query_person(struct desk *desk, const struct job *job, struct audit_tag *tag,
                                   struct error *err);

// Fills in the job's record with the look itself, as an entry of the citizen's list (`tag` NULL: of
// nobody's): it is durable before the answer leaves.
NODISCARD enum status query_record_look(struct job *job, const struct audit_tag *tag,
                                        const char *question, uint64_t answered, struct error *err);

// The same for a piece of a search. Pages of one question that show nothing are covered by its
// first one: their cursor is the proof of it.
struct search;
NODISCARD enum status query_record_search(const struct search *search, const char *what,
                                          uint64_t answered, struct error *err);

// The answers that are about entries, consents and holds.
enum status query_counts(struct desk *desk, struct job *job, struct wire_result *result,
                         struct error *err);
enum status query_holds(struct desk *desk, struct job *job, struct wire_result *result,
                        struct error *err);
enum status query_consents(struct desk *desk, struct job *job, struct wire_result *result,
                           struct error *err);
enum status query_entries(struct desk *desk, struct job *job, struct wire_result *result,
                          struct error *err);
enum status query_proof(struct desk *desk, struct job *job, struct wire_result *result,
                        struct error *err);
enum status query_entry(struct desk *desk, struct job *job, struct wire_result *result,
                        struct error *err);
