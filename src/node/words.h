// What a report says, in words and in JSON. Pure.
#pragma once

#include "node/engine.h"

// Appends the sentence of a field's reason in the language; nothing when the policy has none that
// can be filled from what an asker knows.
void node_words_sentence(const struct node_report *report, const struct node_opened_field *field,
                         enum catalogue_language language, struct buffer *out);

// The word for what became of a field: "value", "no-value", "person-not-found",
// "person-found-twice", "register-unavailable", "too-long", "not-of-its-type". Static.
const char *node_words_status(uint32_t box_status);

// Appends an answered call as JSON, as node/api.h describes it.
void node_words_answer(const struct node_report *report, enum catalogue_language language,
                       struct buffer *out);

// Appends what this member may ask for, and what it is called, as JSON.
void node_words_catalogue(const struct node_report *report, enum catalogue_language language,
                          struct buffer *out);
