// What people type and what never stands on a command line: identifiers, one-time codes, session
// handles. They come from the standard input or from a file of mode 0600, and no message repeats
// them.
#pragma once

#include "settings.h"

#include "base/buffer.h"
#include "catalogue/catalogue.h"

// One line of the standard input without its end, appended to `out`; asks with `prompt` when a
// person sits there, without echo when `hidden`. ST_USAGE: nothing came, or it was too long.
NODISCARD enum status typed_line(const char *prompt, bool hidden, size_t max_bytes,
                                 struct buffer *out, struct error *err);

// The person of --subject -: reads the identifier from the standard input, checks and normalises
// it by the scheme.
NODISCARD enum status typed_subject(const struct settings *settings,
                                    const struct catalogue *catalogue, struct buffer *out,
                                    struct error *err);

enum { TYPED_CODE_BYTES = 33 };

// A one-time code for people: 26 letters and digits in groups ("7KQ2M-…"), and back; case, hyphens
// and spaces do not matter, O is 0, I and L are 1. False: not a code.
void typed_code_format(const struct id *code, char text[TYPED_CODE_BYTES]);
bool typed_code_parse(struct bytes text, struct id *code);

// A citizen's session in a file of mode 0600.
NODISCARD enum status typed_session_save(const char *path, const struct digest *session,
                                         struct error *err);
NODISCARD enum status typed_session_load(const char *path, struct digest *session,
                                         struct error *err);
