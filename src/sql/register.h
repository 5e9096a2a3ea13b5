// One register in SQLite, read through a mapping that the configuration fixed: a query for one
// person, and for each field of the dataset a column of it, or an expression over its columns.
// Statements are built from the configuration alone; what comes from a request is only ever bound
// as a parameter.
//
// The connection is read-only three times over: opened so, told so (query_only), and watched by an
// authorizer that permits nothing but reading. One thread owns a register; a second connection to
// the same file is a second register.
#pragma once

#include "base/bytes.h"
#include "base/error.h"

#include <stdbool.h>

struct sql_register;

enum { SQL_COLUMNS_MAX = 64, SQL_NAME_MAX_BYTES = 1024 };

// What a configuration says about one register. All text is SQL of the configuration's author.
struct sql_mapping {
    const char *path;           // the database file
    const char *query;          // SELECT for one person, who is :subject, its one parameter
    const char *updated;        // column with the time of the last change; NULL: there is none
    const char *const *columns; // one column or expression a field
    size_t column_count;        // 1..SQL_COLUMNS_MAX
    size_t value_max_bytes;     // a longer value is SQL_TOO_LONG
};

enum sql_kind { SQL_NULL = 0, SQL_INTEGER, SQL_REAL, SQL_TEXT, SQL_BLOB, SQL_TOO_LONG };

struct sql_value {
    enum sql_kind kind;
    int64_t integer;   // SQL_INTEGER
    double real;       // SQL_REAL
    struct bytes text; // SQL_TEXT and SQL_BLOB; borrowed until the next call on the register
};

enum sql_found { SQL_FOUND_NONE = 0, SQL_FOUND_ONE, SQL_FOUND_SEVERAL };

struct sql_row {
    enum sql_found found;
    struct sql_value updated; // as the register writes it
    // By place in the mapping; SQL_NULL where the column was not wanted or the person not found.
    struct sql_value values[SQL_COLUMNS_MAX];
};

// Opens the file and prepares every column once, so that a mistake in the mapping shows here:
// ST_USAGE names the column and what SQLite says of it; ST_IO: the file cannot be opened.
// Copies the mapping.
NODISCARD enum status sql_register_open(const struct sql_mapping *mapping,
                                        struct sql_register **reg, struct error *err);
void sql_register_close(struct sql_register **reg);

// Reads the wanted columns (bit i: column i) of the person. Only these are read. More than one row
// gives SQL_FOUND_SEVERAL and no values. ST_TIMEOUT: not done by `deadline_ms` (monotonic; the
// statement is interrupted); ST_IO: the file or the engine failed; ST_BUSY: locked by its writer.
NODISCARD enum status sql_register_read(struct sql_register *reg, struct bytes identifier,
                                        uint64_t wanted, int64_t deadline_ms, struct sql_row *row,
                                        struct error *err);
