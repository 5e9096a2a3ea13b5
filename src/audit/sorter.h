// Rows of the views put in order, however many there are: what does not fit into memory goes, in
// sorted runs, to an unnamed file in a folder of the caller's, which is gone with the sorter. Of a
// key the newest row comes out, or nothing when that is a removal. Not for threads to share.
#pragma once

#include "audit/rows.h"

struct audit_sorter;

// A row and the entry that it comes from. Borrowed until the next one.
struct audit_sorted {
    struct audit_row row;
    uint64_t index;
};

// `memory_bytes`: of rows kept in memory at once, 1 MiB at least.
NODISCARD enum status audit_sorter_create(const char *folder, size_t memory_bytes,
                                          struct audit_sorter **sorter, struct error *err);
void audit_sorter_destroy(struct audit_sorter **sorter);

// Takes a copy; in the order of the log. ST_FULL: no room in the folder.
NODISCARD enum status audit_sorter_add(struct audit_sorter *sorter, const struct audit_row *row,
                                       uint64_t index, struct error *err);

// All have been added; rows of entries from `bound` on are left out.
NODISCARD enum status audit_sorter_begin(struct audit_sorter *sorter, uint64_t bound,
                                         struct error *err);

// The next row, in the order of tables and keys. ST_NOT_FOUND: there is none left.
NODISCARD enum status audit_sorter_next(struct audit_sorter *sorter, struct audit_sorted *sorted,
                                        struct error *err);
