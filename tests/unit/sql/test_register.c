#include "sql/register.h"

#include "base/clock.h"
#include "test.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char database_path[512];

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *connection = NULL;
    assert_int_equal(sqlite3_open(path, &connection), SQLITE_OK);
    char *message = NULL;
    if (sqlite3_exec(connection, sql, NULL, NULL, &message) != SQLITE_OK) {
        fail_msg("%s", message);
    }
    sqlite3_close(connection);
}

// A register of three people; the second identifier stands in it twice.
static void make_people(const char *path)
{
    run_sql(path,
            "CREATE TABLE person(id TEXT, surname TEXT, given TEXT, born TEXT, height INTEGER,"
            " photo BLOB, changed INTEGER);"
            "INSERT INTO person VALUES('VD0042176','Vetrova','Anna','1990-04-05',171,x'00ff',1700);"
            "INSERT INTO person VALUES('VD0000011','Twice','One',NULL,1,NULL,1);"
            "INSERT INTO person VALUES('VD0000011','Twice','Two',NULL,2,NULL,1);");
}

static const char *people(const char *name)
{
    snprintf(database_path, sizeof(database_path), "%s/%s.db", test_directory(), name);
    make_people(database_path);
    return database_path;
}

static const char *const default_columns[] = { "surname || ' ' || given", "born", "height",
                                               "photo" };

static struct sql_mapping mapping_of(const char *path)
{
    return (struct sql_mapping){ .path = path,
                                 .query = "SELECT * FROM person WHERE id = :subject",
                                 .updated = "changed",
                                 .columns = default_columns,
                                 .column_count = 4,
                                 .value_max_bytes = 64 };
}

static int64_t soon(void)
{
    return clock_monotonic_ms() + 5000;
}

TEST(a_person_who_is_found_gives_the_wanted_columns_and_only_these)
{
    struct error err;
    struct sql_mapping mapping = mapping_of(people("wanted"));
    struct sql_register *reg = NULL;
    assert_ok(sql_register_open(&mapping, &reg, &err));
    struct sql_row row;
    assert_ok(sql_register_read(reg, bytes_text("VD0042176"), 0x5, soon(), &row, &err));
    assert_int_equal(row.found, SQL_FOUND_ONE);
    assert_int_equal(row.updated.integer, 1700);
    assert_int_equal(row.values[0].kind, SQL_TEXT);
    assert_true(bytes_equal_text(row.values[0].text, "Vetrova Anna"));
    assert_int_equal(row.values[1].kind, SQL_NULL);
    assert_int_equal(row.values[2].integer, 171);
    assert_ok(sql_register_read(reg, bytes_text("VD0042176"), 0xa, soon(), &row, &err));
    assert_true(bytes_equal_text(row.values[1].text, "1990-04-05"));
    assert_int_equal(row.values[3].kind, SQL_BLOB);
    assert_int_equal(row.values[3].text.size, 2);
    sql_register_close(&reg);
    sql_register_close(&reg);
}

TEST(a_person_found_twice_and_one_not_found_are_answers_without_values)
{
    struct error err;
    struct sql_mapping mapping = mapping_of(people("answers"));
    struct sql_register *reg = NULL;
    assert_ok(sql_register_open(&mapping, &reg, &err));
    struct sql_row row;
    assert_ok(sql_register_read(reg, bytes_text("VD0000011"), 0xf, soon(), &row, &err));
    assert_int_equal(row.found, SQL_FOUND_SEVERAL);
    assert_int_equal(row.values[0].kind, SQL_NULL);
    assert_ok(sql_register_read(reg, bytes_text("VD9999999"), 0xf, soon(), &row, &err));
    assert_int_equal(row.found, SQL_FOUND_NONE);
    sql_register_close(&reg);
}

TEST(an_identifier_that_looks_like_sql_is_only_a_text)
{
    struct error err;
    struct sql_mapping mapping = mapping_of(people("injection"));
    struct sql_register *reg = NULL;
    assert_ok(sql_register_open(&mapping, &reg, &err));
    struct sql_row row;
    const char *attempts[] = { "' OR '1'='1", "VD0042176' --", "x'; DROP TABLE person; --", "?1" };
    for (size_t i = 0; i < 4; i++) {
        assert_ok(sql_register_read(reg, bytes_text(attempts[i]), 1, soon(), &row, &err));
        assert_int_equal(row.found, SQL_FOUND_NONE);
    }
    assert_ok(sql_register_read(reg, bytes_text("VD0042176"), 1, soon(), &row, &err));
    assert_int_equal(row.found, SQL_FOUND_ONE);
    sql_register_close(&reg);
}

TEST(a_mistake_in_the_mapping_is_named_when_the_register_is_opened)
{
    struct error err;
    struct sql_mapping mapping = mapping_of(people("mistakes"));
    struct sql_register *reg = NULL;
    const char *columns[] = { "surname", "no_such_column" };
    mapping.columns = columns;
    mapping.column_count = 2;
    assert_status(ST_USAGE, sql_register_open(&mapping, &reg, &err));
    assert_non_null(strstr(err.message, "no_such_column"));
    columns[1] = "\"no such column\"";
    assert_status(ST_USAGE, sql_register_open(&mapping, &reg, &err));
    columns[1] = "1) FROM person; DELETE FROM person; --";
    assert_status(ST_USAGE, sql_register_open(&mapping, &reg, &err));
    columns[1] = "?2";
    assert_status(ST_USAGE, sql_register_open(&mapping, &reg, &err));
    columns[1] = "born";
    mapping.query = "SELECT * FROM person";
    assert_status(ST_USAGE, sql_register_open(&mapping, &reg, &err));
    mapping.query = "SELECT * FROM person WHERE id = ?1";
    assert_status(ST_USAGE, sql_register_open(&mapping, &reg, &err));
    mapping.query = "SELECT * FROM person WHERE id = :subject); DROP TABLE person; --";
    assert_status(ST_USAGE, sql_register_open(&mapping, &reg, &err));
    mapping.query = "DELETE FROM person WHERE id = :subject RETURNING *";
    assert_status(ST_USAGE, sql_register_open(&mapping, &reg, &err));
    mapping.query = "SELECT * FROM person WHERE id = :subject";
    columns[1] = ":other";
    assert_status(ST_USAGE, sql_register_open(&mapping, &reg, &err));
    columns[1] = "load_extension('x')";
    assert_status(ST_USAGE, sql_register_open(&mapping, &reg, &err));
    columns[1] = "born";
    mapping.query = "SELECT * FROM nobody WHERE id = :subject";
    assert_status(ST_USAGE, sql_register_open(&mapping, &reg, &err));
    mapping.query = "SELECT * FROM person WHERE id = :subject";
    mapping.path = "/nonexistent/x.db";
    assert_status(ST_IO, sql_register_open(&mapping, &reg, &err));
    assert_null(reg);
}

TEST(a_read_that_takes_too_long_is_interrupted_at_its_deadline)
{
    struct error err;
    struct sql_mapping mapping = mapping_of(people("slow"));
    const char *columns[] = {
        "(WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c)"
    };
    mapping.columns = columns;
    mapping.column_count = 1;
    struct sql_register *reg = NULL;
    assert_ok(sql_register_open(&mapping, &reg, &err));
    struct sql_row row;
    int64_t begin = clock_monotonic_ms();
    assert_status(ST_TIMEOUT,
                  sql_register_read(reg, bytes_text("VD0042176"), 1, begin + 100, &row, &err));
    assert_true(clock_monotonic_ms() - begin < 3000);
    assert_status(ST_TIMEOUT, sql_register_read(reg, bytes_text("VD0042176"), 1,
                                                clock_monotonic_ms(), &row, &err));
    sql_register_close(&reg);
}

TEST(a_value_longer_than_the_limit_is_reported_as_too_long)
{
    struct error err;
    struct sql_mapping mapping = mapping_of(people("long"));
    const char *columns[] = { "printf('%065d', 1)", "printf('%064d', 1)" };
    mapping.columns = columns;
    mapping.column_count = 2;
    struct sql_register *reg = NULL;
    assert_ok(sql_register_open(&mapping, &reg, &err));
    struct sql_row row;
    assert_ok(sql_register_read(reg, bytes_text("VD0042176"), 3, soon(), &row, &err));
    assert_int_equal(row.values[0].kind, SQL_TOO_LONG);
    assert_int_equal(row.values[1].text.size, 64);
    sql_register_close(&reg);
}

TEST(a_register_replaced_by_a_new_file_is_read_from_the_new_file)
{
    struct error err;
    char newer[600];
    struct sql_mapping mapping = mapping_of(people("old"));
    snprintf(newer, sizeof(newer), "%s.new", database_path);
    struct sql_register *reg = NULL;
    assert_ok(sql_register_open(&mapping, &reg, &err));
    struct sql_row row;
    assert_ok(sql_register_read(reg, bytes_text("VD0042176"), 2, soon(), &row, &err));
    make_people(newer);
    run_sql(newer, "UPDATE person SET born = '1991-01-01'");
    assert_int_equal(rename(newer, database_path), 0);
    assert_ok(sql_register_read(reg, bytes_text("VD0042176"), 2, soon(), &row, &err));
    assert_true(bytes_equal_text(row.values[1].text, "1991-01-01"));
    assert_int_equal(remove(database_path), 0);
    assert_ok(sql_register_read(reg, bytes_text("VD0042176"), 2, soon(), &row, &err));
    sql_register_close(&reg);
}

TEST(more_sets_of_columns_than_the_cache_holds_are_all_answered)
{
    struct error err;
    struct sql_mapping mapping = mapping_of(people("cache"));
    const char *columns[6] = { "1", "2", "3", "4", "5", "6" };
    mapping.columns = columns;
    mapping.column_count = 6;
    struct sql_register *reg = NULL;
    assert_ok(sql_register_open(&mapping, &reg, &err));
    struct sql_row row;
    for (unsigned round = 0; round < 2; round++) {
        for (uint64_t wanted = 0; wanted < 64; wanted++) {
            assert_ok(sql_register_read(reg, bytes_text("VD0042176"), wanted, soon(), &row, &err));
            assert_int_equal(row.found, SQL_FOUND_ONE);
            for (unsigned i = 0; i < 6; i++) {
                assert_int_equal(row.values[i].integer, (wanted >> i & 1) != 0 ? i + 1 : 0);
            }
        }
    }
    sql_register_close(&reg);
}
