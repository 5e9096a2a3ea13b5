// An entry of the log as people read it.
#pragma once

#include "output.h"
#include "speech.h"

// An entry with what its reader may see of it. Parts that are not there are NULL.
struct entry_text {
    uint64_t index;
    bool has_leaf;
    unsigned class;
    uint64_t recorded_ms; // to the millisecond when a part says so, else to the minute
    uint32_t kind;        // enum wire_kind; 0: unknown
    const struct wire_exchange_part *exchange;
    const struct wire_subject_part *subject;
    const struct wire_officer_part *officer;
    const struct wire_public_part *public_;
    uint32_t ending;         // enum wire_kind of a decision's ending; 0: none yet
    uint64_t ended_by;       // index of the ending
    struct bytes end_reason; // code of the ending's reason
    bool forgotten;
    uint64_t earlier;           // no entry: so many of the list were forgotten
    struct bytes earlier_until; // the last month of them, YYYY-MM
};

// Takes a row apart. Views live in the arena or borrow from the row.
NODISCARD enum status entry_text_read(const struct wire_row *row, struct arena *arena,
                                      struct entry_text *entry, struct error *err);

// A part alone, as a receipt carries it.
NODISCARD enum status entry_text_part(uint32_t type, struct bytes part, struct arena *arena,
                                      struct entry_text *entry, struct error *err);

// A few lines in words, and the same as members of the JSON object at hand.
void entry_text_show(struct output *out, const struct speech *speech,
                     const struct entry_text *entry);

// Everything that the parts say beyond that: for `audit show`.
void entry_text_detail(struct output *out, const struct entry_text *entry);

// What the public part of a governance or epoch entry says: lines, and members of the object.
void entry_governance_show(struct output *out, const struct wire_public_part *part);
