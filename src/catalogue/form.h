// How much of a value leaves. Order: full > masked, last4, year > exists; `match`, `over(N)` and
// `pseudonym` stand beside it and are given only where they were asked for and allowed by name.
#pragma once

#include "base/bytes.h"

enum catalogue_form_kind {
    CATALOGUE_FORM_NONE = 0, // nothing leaves
    CATALOGUE_FORM_FULL,
    CATALOGUE_FORM_MASKED,
    CATALOGUE_FORM_LAST4,
    CATALOGUE_FORM_YEAR,
    CATALOGUE_FORM_EXISTS,
    CATALOGUE_FORM_MATCH,
    CATALOGUE_FORM_OVER,
    CATALOGUE_FORM_PSEUDONYM,
    CATALOGUE_FORM_COUNT,
};

// One form; `number` is the N of over(N), 0 with every other kind.
struct catalogue_form {
    enum catalogue_form_kind kind;
    uint8_t number;
};

enum { CATALOGUE_OVER_MAX = 4, CATALOGUE_OVER_NUMBER_MAX = 150 };

// A set of forms. With CATALOGUE_FORM_OVER in `kinds` and no numbers: every N.
struct catalogue_form_set {
    uint16_t kinds; // bit 1 << kind
    uint8_t over_count;
    uint8_t over[CATALOGUE_OVER_MAX];
};

enum { CATALOGUE_FORM_TEXT_BYTES = 12 };

// "full", "year", …, "over(65)" with N in 1..150. False: not a form.
bool catalogue_form_parse(struct bytes text, struct catalogue_form *form);

// The form's text; "" for CATALOGUE_FORM_NONE.
void catalogue_form_format(struct catalogue_form form, char text[CATALOGUE_FORM_TEXT_BYTES]);

// The kind as it stands in the catalogue: "full", "over", … "" for none. Static.
const char *catalogue_form_kind_name(enum catalogue_form_kind kind);

bool catalogue_form_equal(struct catalogue_form a, struct catalogue_form b);

// True when `a` tells strictly more than `b` in the order above.
bool catalogue_form_stronger(struct catalogue_form a, struct catalogue_form b);

// False when the set has no place left for another over(N).
bool catalogue_form_set_add(struct catalogue_form_set *set, struct catalogue_form form);

// True when the set has the form itself (over: that N, or every N).
bool catalogue_form_set_has(const struct catalogue_form_set *set, struct catalogue_form form);

// True when the set has the form or one that is stronger.
bool catalogue_form_set_covers(const struct catalogue_form_set *set, struct catalogue_form form);
