// Entries and consents in words: with the sentences of the policy bundle where there is one, with
// codes where there is none.
#pragma once

#include "base/arena.h"
#include "catalogue/catalogue.h"
#include "consent/grant.h"
#include "wire/message.h"

struct speech {
    const struct catalogue *catalogue; // NULL: codes
    enum catalogue_language language;
};

// Words of ours that join the bundle's sentences.
enum speech_word {
    SPEECH_CONSENT_FOR,
    SPEECH_LOOKED,        // at a person's list
    SPEECH_LOOKED_RECORD, // at the record
    SPEECH_OPENED,        // a session, with the person's code
    SPEECH_URGENT,
    SPEECH_ALLOWED,
    SPEECH_UNTIL,
    SPEECH_SOME_DAY,   // a date that the entry does not carry
    SPEECH_NO_ROLE,    // an official's role that this reader is not shown
    SPEECH_NO_ARTICLE, // an article that this reader is not shown
    SPEECH_NOTHING,    // no field
    SPEECH_WORD_COUNT,
};
const char *speech_word(const struct speech *speech, enum speech_word word);

// A consent's state as people say it.
const char *speech_state(const struct speech *speech, enum consent_state state);

// Appends a member's title, a purpose's text, a dataset's title, an official role's title.
void speech_member(const struct speech *speech, struct bytes code, struct buffer *out);
void speech_purpose(const struct speech *speech, struct bytes code, struct buffer *out);
void speech_dataset(const struct speech *speech, struct bytes code, struct buffer *out);
void speech_official(const struct speech *speech, struct bytes code, struct buffer *out);

// Appends a field's title, with its form in brackets unless that is `full` or empty.
void speech_field(const struct speech *speech, struct bytes dataset, struct bytes name,
                  struct bytes form, struct buffer *out);

// Appends the ground, such as "law (article)".
void speech_basis(const struct speech *speech, uint32_t basis, struct bytes article,
                  struct buffer *out);

// What a reason's sentence is about.
struct speech_reason {
    struct bytes code;
    struct bytes asker;   // {a}
    struct bytes dataset; // with `field`: {f}
    struct bytes field;   // empty: all of the dataset
    struct bytes form;    // {form}
    uint32_t basis;       // {basis}
    struct bytes article;
    uint64_t at;   // {d}: milliseconds; 0: not known
    uint64_t uses; // {n}; 0: not known
};

// Appends the sentence of a reason; its code where there is no sentence.
void speech_reason(const struct speech *speech, const struct speech_reason *reason,
                   struct buffer *out);

// Appends the sentence with which an agency asks for this consent: what the citizen is shown, whose
// hash stands in the artefact.
NODISCARD enum status speech_notice(const struct speech *speech,
                                    const struct wire_artefact *artefact, struct buffer *out,
                                    struct error *err);

// "2026-11-21" of milliseconds; appended.
void speech_day(uint64_t wall_ms, struct buffer *out);

// A code as bytes to print with "%.*s".
#define SPEECH_TEXT(bytes) (int)(bytes).size, (const char *)(bytes).data
