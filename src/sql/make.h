// Makes a database file: for benchmarks, whose registers are made up. Nothing else in the product
// writes to one.
#pragma once

#include "base/error.h"

#include <stddef.h>

// Runs the statements on a new file, in one transaction. ST_EXISTS: the file is there already.
// ST_IO: SQLite refused; the error has its words.
NODISCARD enum status sql_make(const char *path, const char *const *statements, size_t count,
                               struct error *err);
