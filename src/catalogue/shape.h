// Inside the catalogue: shapes of texts.
#pragma once

#include "base/buffer.h"

// One line of text: valid UTF-8, at least one byte, no control characters.
bool catalogue_shape_line(struct bytes value);

// A JSON array of strings (RFC 8259), without NUL in them.
bool catalogue_shape_list(struct bytes value);

// True for a list (as above) that has nothing in it.
bool catalogue_shape_list_empty(struct bytes value);

// Appends the last four characters, but never more than half of them.
void catalogue_shape_tail(struct bytes value, struct buffer *out);

// One line of at most four characters (the half of a single character is none: empty is fine).
bool catalogue_shape_short(struct bytes value);

// Four digits.
bool catalogue_shape_year(struct bytes value);

// Appends the value with every word hidden: of a word of letters its first letter and "***"; of a
// word with a digit in it "***". A value of digits alone, six or more, keeps its last two. Spaces
// and punctuation stay.
void catalogue_shape_mask(struct bytes value, struct buffer *out);

// True for what catalogue_shape_mask() can make.
bool catalogue_shape_masked(struct bytes value);
