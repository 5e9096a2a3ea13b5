// Sentences with holes: {name} is replaced by an argument; {n, plural, one {…} few {…} many {…}
// other {…}} chooses by the argument's number, and within a choice {n} is that number. There is
// nothing else: no nesting of plurals, no escapes.
#pragma once

#include "base/buffer.h"
#include "catalogue/catalogue.h"

// What fills a hole.
struct catalogue_argument {
    const char *name;
    const char *text; // NULL: `number` counts
    uint64_t number;
};

// Checks a sentence: braces in balance, plural with every category its language needs, and no hole
// that `names` (ended by NULL; NULL: any) does not list. False with a static reason.
bool catalogue_sentence_valid(const char *sentence, enum catalogue_language language,
                              const char *const *names, const char **reason);

// Appends the sentence with its holes filled. ST_USAGE names a hole that no argument fills.
NODISCARD enum status catalogue_sentence_render(const char *sentence,
                                                enum catalogue_language language,
                                                const struct catalogue_argument *arguments,
                                                size_t count, struct buffer *out,
                                                struct error *err);

// "one", "few", "many" or "other" by the rules of the language (CLDR, whole numbers).
const char *catalogue_plural(enum catalogue_language language, uint64_t number);
