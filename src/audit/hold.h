// Legal holds: which entries must not be forgotten while a case goes on. They live in the views,
// and so are made again from the log. A hold's conditions all have to be met; one without
// conditions covers everything. Whoever destroys a month asks audit_holds_cover_month() first.
#pragma once

#include "audit/tag.h"
#include "audit/views.h"
#include "base/arena.h"
#include "wire/entry.h"

enum { AUDIT_COVERING_NAMED = 3, AUDIT_COVERING_BYTES = 200 };

// The holds that cover a month.
struct audit_covering {
    size_t count; // 0: none does
    char
        cases[AUDIT_COVERING_BYTES]; // the first few by the names of their cases, and how many more
};

// Which holds that stand cover an entry that may have been made in [from, to), in minutes since
// 1970. A hold about a person covers the months in which entries of that person's list were
// made, with the hour after each, since an exchange may end in the month after its decision. One
// about a member covers every month of its time. `tagger` brings tags to the newest version.
// The reader has begun.
NODISCARD enum status audit_holds_cover_month(struct audit_reader *reader,
                                              const struct audit_tagger *tagger, uint32_t from,
                                              uint32_t to, struct audit_covering *covering,
                                              struct error *err);

// One hold as it stands, decoded into the arena. ST_NOT_FOUND: no such hold.
NODISCARD enum status audit_hold_find(struct audit_reader *reader, const struct id *id,
                                      struct arena *arena, struct wire_hold *hold,
                                      struct error *err);

// Calls `visit` for every hold that was ever set, in order of ids from `from` on (NULL: all), until
// it returns false. `hold` is borrowed for the call.
NODISCARD enum status audit_holds_each(struct audit_reader *reader, const struct id *from,
                                       bool (*visit)(const struct wire_hold *hold, void *context),
                                       void *context, struct error *err);
