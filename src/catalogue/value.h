// What a value may look like, and how a form makes less of it. The holder applies, the asker
// checks; both by the same table. Values are UTF-8 without NUL: text as it is; code of the
// catalogue; bool "true"/"false"; date YYYY-MM-DD; list as a JSON array of strings.
#pragma once

#include "base/buffer.h"
#include "catalogue/catalogue.h"

// What a box says about its value, numbered as on the wire.
enum catalogue_value_status {
    CATALOGUE_VALUE_PRESENT = 1,
    CATALOGUE_VALUE_NONE = 2,
    CATALOGUE_VALUE_PERSON_UNKNOWN = 3,
    CATALOGUE_VALUE_PERSON_AMBIGUOUS = 4,
    CATALOGUE_VALUE_UNAVAILABLE = 5,
    CATALOGUE_VALUE_TOO_LONG = 6,
    CATALOGUE_VALUE_NOT_OF_TYPE = 7,
};

// What applying a form needs besides the value.
struct catalogue_value_context {
    struct bytes parameter; // match: the value that the asker named
    int64_t now_ms;         // over(N): the day, UTC
    // pseudonym: appends the holder's code for the value (64 hexadecimal digits). NULL: not served.
    enum status (*pseudonym)(void *owner, struct bytes value, struct buffer *out,
                             struct error *err);
    void *owner;
};

// Checks the register's value against the field's type and length, and appends to `out` what leaves
// in that form. *result is what the box says; with another than PRESENT nothing is appended.
// `value.data` NULL: the register has no value; `exists` and `match` then say "false".
// ST_UNSUPPORTED: a form that the type does not have, or no pseudonym callback.
NODISCARD enum status catalogue_value_apply(const struct catalogue_field *field,
                                            struct catalogue_form form, struct bytes value,
                                            const struct catalogue_value_context *context,
                                            struct buffer *out, enum catalogue_value_status *result,
                                            struct error *err);

// True when `value` is what `form` of the field may tell: type, shape and length. What is wider is
// not: a whole date under `year`, nine digits under `last4`.
bool catalogue_value_fits(const struct catalogue_field *field, struct catalogue_form form,
                          struct bytes value);

// True when the two, neither of them blank, are the same to `match`: canonical equivalence and case
// folding for Latin and Cyrillic (other letters count as they are), ё = е, one space for many, none
// at the ends.
bool catalogue_value_same(struct bytes a, struct bytes b);

// Appends the text as `match` compares it. False: not UTF-8, or no memory.
bool catalogue_value_fold(struct bytes text, struct buffer *out);

enum {
    CATALOGUE_BOX_SOURCE_MAX = 64, // bytes of BoxContent.source
    // Everything in a box but the value: status, salt, source, time and the headers of the fields.
    CATALOGUE_BOX_OVERHEAD = 128,
    CATALOGUE_BOX_SMALL = 256, // the one size for over, exists, match, year, last4
};

// Bytes of the packed BoxContent after padding, before sealing adds its 16. One size for the small
// forms and for pseudonyms; else max_bytes and overhead, rounded up to 64·2^n.
uint32_t catalogue_box_bytes(const struct catalogue_field *field, struct catalogue_form form);

// True when the type has the form at all.
bool catalogue_type_has_form(enum catalogue_type type, enum catalogue_form_kind kind);
