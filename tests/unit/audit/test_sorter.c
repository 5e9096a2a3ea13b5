// Sorting rows: what comes out is each key's newest row, in order, however little memory there is.
#include "audit/sorter.h"

#include "test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 60000, KEYS = 9000, VALUE_MAX = 400 };

// What the sorter must give, kept the slow way.
struct expected {
    char key[16];
    bool there;
    uint64_t index;
    uint32_t value;
};

static struct expected expected[2][KEYS];

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

static struct bytes value_of(uint8_t room[VALUE_MAX], uint32_t number)
{
    size_t size = number % VALUE_MAX;
    memset(room, (int)(number % 251), size);
    return bytes_of(room, size);
}

static void add_all(struct audit_sorter *sorter, uint64_t bound, uint32_t seed)
{
    struct error err;
    uint8_t room[VALUE_MAX];
    memset(expected, 0, sizeof(expected));
    for (uint64_t i = 0; i < ROWS; i++) {
        unsigned table = next_random(&seed) % 2;
        unsigned number = next_random(&seed) % KEYS;
        uint32_t value = next_random(&seed);
        struct expected *one = &expected[table][number];
        snprintf(one->key, sizeof(one->key), "key-%05u", number);
        struct audit_row row = { .table = (enum audit_table)(AUDIT_TABLE_SUBJECT + (int)table),
                                 .key = bytes_text(one->key),
                                 .value = value_of(room, value),
                                 .removed = value % 11 == 0 };
        if (row.removed) {
            row.value = (struct bytes){ 0 };
        }
        assert_ok(audit_sorter_add(sorter, &row, i / 3, &err));
        if (i / 3 < bound) {
            one->there = !row.removed;
            one->index = i / 3;
            one->value = value;
        }
    }
}

static void check_all(struct audit_sorter *sorter, uint64_t bound)
{
    struct error err;
    uint8_t room[VALUE_MAX];
    struct audit_sorted sorted;
    assert_ok(audit_sorter_begin(sorter, bound, &err));
    for (unsigned table = 0; table < 2; table++) {
        for (unsigned i = 0; i < KEYS; i++) {
            const struct expected *one = &expected[table][i];
            if (!one->there) {
                continue;
            }
            assert_ok(audit_sorter_next(sorter, &sorted, &err));
            assert_int_equal(sorted.row.table, AUDIT_TABLE_SUBJECT + table);
            assert_true(bytes_equal_text(sorted.row.key, one->key));
            assert_true(bytes_equal(sorted.row.value, value_of(room, one->value)));
            assert_int_equal(sorted.index, one->index);
            assert_false(sorted.row.removed);
        }
    }
    assert_int_equal(audit_sorter_next(sorter, &sorted, &err), ST_NOT_FOUND);
}

static unsigned files_in(const char *path)
{
    unsigned count = 0;
    const struct dirent *entry;
    DIR *folder = opendir(path);
    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        count += entry->d_name[0] != '.' || strlen(entry->d_name) > 2 ? 1 : 0;
    }
    closedir(folder);
    return count;
}

static void sort_with(size_t memory, uint64_t bound, uint32_t seed)
{
    struct error err;
    struct audit_sorter *sorter = NULL;
    const char *folder = test_directory();
    assert_ok(audit_sorter_create(folder, memory, &sorter, &err));
    add_all(sorter, bound, seed);
    assert_int_equal(files_in(folder), 0); // the file has no name
    check_all(sorter, bound);
    audit_sorter_destroy(&sorter);
}

TEST(rows_that_fit_into_memory_come_out_in_order)
{
    sort_with((size_t)64 << 20, UINT64_MAX, 1);
}

TEST(rows_that_do_not_fit_come_out_the_same)
{
    sort_with((size_t)1 << 20, UINT64_MAX, 2);
    sort_with((size_t)3 << 20, UINT64_MAX, 3);
}

TEST(rows_of_later_entries_are_left_out)
{
    sort_with((size_t)1 << 20, ROWS / 7, 4);
    sort_with((size_t)64 << 20, ROWS / 7, 5);
    sort_with((size_t)1 << 20, 0, 6);
}

TEST(nothing_comes_out_of_nothing)
{
    struct error err;
    struct audit_sorter *sorter = NULL;
    struct audit_sorted sorted;
    assert_ok(audit_sorter_create(test_directory(), 0, &sorter, &err));
    assert_ok(audit_sorter_begin(sorter, UINT64_MAX, &err));
    assert_int_equal(audit_sorter_next(sorter, &sorted, &err), ST_NOT_FOUND);
    audit_sorter_destroy(&sorter);
    audit_sorter_destroy(&sorter);
}

TEST(a_folder_that_is_not_there_is_told_when_it_is_needed)
{
    struct error err;
    struct audit_sorter *sorter = NULL;
    uint8_t room[VALUE_MAX] = { 0 };
    struct audit_row row = { .table = AUDIT_TABLE_OPEN, .key = bytes_text("k") };
    enum status status = ST_OK;
    row.value = bytes_of(room, sizeof(room));
    assert_ok(audit_sorter_create("/nonexistent/folder", 0, &sorter, &err));
    for (unsigned i = 0; status == ST_OK && i < ROWS; i++) {
        status = audit_sorter_add(sorter, &row, i, &err);
    }
    assert_int_equal(status, ST_IO);
    assert_non_null(strstr(err.message, "/nonexistent/folder"));
    audit_sorter_destroy(&sorter);
}
