// Database files for benchmarks: made once, never over another.
#include "sql/make.h"

#include "base/clock.h"
#include "sql/register.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

static const char *fresh(const char *name)
{
    static char path[512];
    snprintf(path, sizeof(path), "%s/%s.db", test_directory(), name);
    return path;
}

TEST(what_the_statements_made_can_be_read_as_a_register)
{
    const char *path = fresh("register");
    const char *const statements[] = { "CREATE TABLE record (person TEXT PRIMARY KEY, field TEXT)",
                                       "INSERT INTO record VALUES ('000000007', 'seven')" };
    const char *const columns[] = { "field" };
    const struct sql_mapping mapping = { .path = path,
                                         .query = "SELECT * FROM record WHERE person = :subject",
                                         .columns = columns,
                                         .column_count = 1,
                                         .value_max_bytes = 64 };
    struct sql_register *reg = NULL;
    struct sql_row row;
    struct error err = { 0 };
    assert_int_equal(sql_make(path, statements, 2, &err), ST_OK);
    assert_int_equal(sql_register_open(&mapping, &reg, &err), ST_OK);
    assert_int_equal(
        sql_register_read(reg, bytes_text("000000007"), 1, clock_monotonic_ms() + 5000, &row, &err),
        ST_OK);
    assert_int_equal(row.found, SQL_FOUND_ONE);
    assert_true(bytes_equal_text(row.values[0].text, "seven"));
    sql_register_close(&reg);
}

TEST(a_file_that_is_there_is_never_touched)
{
    const char *path = fresh("twice");
    const char *const statements[] = { "CREATE TABLE record (person TEXT)" };
    struct error err = { 0 };
    assert_int_equal(sql_make(path, statements, 1, &err), ST_OK);
    assert_int_equal(sql_make(path, statements, 1, &err), ST_EXISTS);
}

TEST(a_statement_that_fails_names_file_and_cause)
{
    const char *path = fresh("wrong");
    const char *const statements[] = { "CREATE NONSENSE" };
    struct error err = { 0 };
    assert_int_equal(sql_make(path, statements, 1, &err), ST_IO);
    assert_non_null(strstr(err.message, path));
    assert_non_null(strstr(err.message, "NONSENSE"));
}
