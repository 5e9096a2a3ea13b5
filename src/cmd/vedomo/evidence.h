// Entries as rows of a table, for files that leave the house: RFC 4180 CSV whose cells no
// spreadsheet takes for a formula, or one JSON object a line.
#pragma once

#include "entry_text.h"

enum evidence_format { EVIDENCE_NONE, EVIDENCE_CSV, EVIDENCE_JSONL };

// "csv", "jsonl"; EVIDENCE_NONE for another word.
enum evidence_format evidence_format_parse(const char *word);

// Appends the head of the table (CSV only) or the row of an entry. Failures stay in the buffer.
void evidence_head(enum evidence_format format, struct buffer *out);
void evidence_row(enum evidence_format format, const struct entry_text *entry, struct buffer *out);

// One cell of a CSV row, guarded and quoted where it has to be.
void evidence_cell(struct bytes value, struct buffer *out);

// "2026-11-21T18:53:00Z"; appended; nothing for 0.
void evidence_time(uint64_t wall_ms, struct buffer *out);
