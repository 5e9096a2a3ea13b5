// Inside of the views: a delta is the rows of a range of the log, sorted, each key once with its
// newest state; immutable and counted. A filter tells most keys that are not in it without looking.
#pragma once

#include "audit/rows.h"

struct audit_delta;

// Rows of the entries [begin, end). NULL: no memory.
NODISCARD struct audit_delta *audit_delta_create(const struct audit_rows *rows, uint64_t begin,
                                                 uint64_t end);

// One delta of two neighbours; what is newer wins. NULL: no memory.
NODISCARD struct audit_delta *audit_delta_merge(const struct audit_delta *older,
                                                const struct audit_delta *newer);

struct audit_delta *audit_delta_ref(struct audit_delta *delta);
void audit_delta_unref(struct audit_delta **delta);

uint64_t audit_delta_begin(const struct audit_delta *delta);
uint64_t audit_delta_end(const struct audit_delta *delta);
size_t audit_delta_count(const struct audit_delta *delta);
size_t audit_delta_bytes(const struct audit_delta *delta); // of memory

struct audit_row audit_delta_at(const struct audit_delta *delta, size_t place);

// The place of the first row of `table` that is not below `key` (after: that is above it); the
// count when there is none.
size_t audit_delta_seek(const struct audit_delta *delta, enum audit_table table, struct bytes key,
                        bool after);

// What filters are asked with: of a whole key, or, in a table by tag, of the tag that it begins
// with.
uint64_t audit_delta_hash(enum audit_table table, struct bytes key);

// The bits of a hash in its one word of a filter. They come from its lowest 24 bits.
uint64_t audit_delta_bits(uint64_t hash);

// False: no such key (no key that begins so) is in the delta.
bool audit_delta_may_have(const struct audit_delta *delta, uint64_t hash);
