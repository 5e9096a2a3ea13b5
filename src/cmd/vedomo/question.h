// What officers ask the record for: the options that 'audit list', 'count', 'export' and the
// reports share, and the question that comes of them, asked a page at a time.
#pragma once

#include "person.h"

struct question_options {
    const char *asker;
    const char *holder;
    const char *member;
    const char *official;
    const char *role;
    const char *dataset;
    const char *field;
    const char *purpose;
    const char *basis;
    const char *verdict;
    const char *reason;
    const char *kind;
    const char *case_ref;
    const char *key;
    const char *exchange;
    bool over_asked;
    bool unchecked;
    uint64_t since;
    uint64_t until;
};

// The rows of a command's table of options: `type` has `struct question_options question`.
#define QUESTION_ROW(kind_, type, member_, name_, argument_, help_)                                \
    {                                                                                              \
        (kind_), offsetof(struct type, question.member_), (name_), 0, (argument_), (help_)         \
    }
#define QUESTION_TIMES(type)                                                                       \
    QUESTION_ROW(COMMAND_MOMENT, type, since, "since", "DATE",                                     \
                 "Entries since then: 2026-11-21, or 2026-11-21T18:53 (UTC)"),                     \
        QUESTION_ROW(COMMAND_UNTIL, type, until, "until", "DATE",                                  \
                     "Entries until then; of a date, to the end of that day")
#define QUESTION_UNCHECKED(type)                                                                   \
    QUESTION_ROW(COMMAND_FLAG, type, unchecked, "unchecked", NULL,                                 \
                 "Take names that the policy in force does not have (any more)")
#define QUESTION_ROWS(type)                                                                        \
    QUESTION_ROW(COMMAND_TEXT, type, member, "member", "CODE",                                     \
                 "Entries in which this member asked or held"),                                    \
        QUESTION_ROW(COMMAND_TEXT, type, asker, "asker", "CODE", "This member asked, or looked"),  \
        QUESTION_ROW(COMMAND_TEXT, type, holder, "holder", "CODE", "This member holds the data"),  \
        QUESTION_ROW(COMMAND_TEXT, type, official, "official", "PSEUDONYM",                        \
                     "This official of the asking member"),                                        \
        QUESTION_ROW(COMMAND_TEXT, type, role, "role", "CODE",                                     \
                     "An official in this role; of looks: a key of this role"),                    \
        QUESTION_ROW(COMMAND_TEXT, type, dataset, "dataset", "CODE", "This dataset"),              \
        QUESTION_ROW(COMMAND_TEXT, type, field, "field", "NAME", "This field was asked for"),      \
        QUESTION_ROW(COMMAND_TEXT, type, purpose, "purpose", "CODE", "This purpose"),              \
        QUESTION_ROW(COMMAND_TEXT, type, basis, "basis", "NAME",                                   \
                     "This ground: consent, explicit-request, law, vital-interest, court-order"),  \
        QUESTION_ROW(COMMAND_TEXT, type, verdict, "verdict", "WORD",                               \
                     "Decisions that granted all, some or none of the fields"),                    \
        QUESTION_ROW(COMMAND_TEXT, type, reason, "reason", "CODE",                                 \
                     "This true reason, of a field or of an ending"),                              \
        QUESTION_ROW(COMMAND_TEXT, type, kind, "kind", "WORD",                                     \
                     "Entries of this kind: decision, released, consent, read, ..."),              \
        QUESTION_ROW(COMMAND_TEXT, type, case_ref, "case", "TEXT", "This case of the asker"),      \
        QUESTION_ROW(COMMAND_TEXT, type, key, "signed-by", "HEX",                                  \
                     "Requests (on releases: answers) that this batch key signed"),                \
        QUESTION_ROW(COMMAND_TEXT, type, exchange, "exchange", "ID", "This request"),              \
        QUESTION_ROW(COMMAND_FLAG, type, over_asked, "over-asked", NULL,                           \
                     "A field was asked for that no agreement allows"),                            \
        QUESTION_UNCHECKED(type), QUESTION_TIMES(type)

struct question {
    struct wire_query query;
    struct wire_filter filter;
    uint64_t limit; // rows in all; 0: all
    bool quiet;     // no progress on the terminal
    bool more;      // set by question_ask(): the limit left some unasked
};

// From options to a question; `kind` is a wire_query_kind. ST_USAGE names the option whose value is
// not known. What the question views lives as long as options and person; it must not be moved.
NODISCARD enum status question_make(const struct question_options *options,
                                    const struct person *person, uint32_t kind,
                                    struct question *question, struct error *err);

// Asks page by page until the rows or the limit end; shows how far it is on a terminal. `each` as
// for link_each().
NODISCARD enum status question_ask(struct link *link, struct question *question, link_row each,
                                   void *context, struct error *err);

enum { QUESTION_REFERENCE_BYTES = 17 };

// What a person is called in reports and letters: the same for the same person, of no use to find
// out who it is. "" without a tag. Returns `text`.
const char *question_reference(struct bytes tag, char text[QUESTION_REFERENCE_BYTES]);
