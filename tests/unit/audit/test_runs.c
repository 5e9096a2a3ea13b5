// Sorted runs against a plain list of what they must hold.
#include "audit/views_runs.h"
#include "audit/views_stored.h"
#include "audit/views_filter.h"
#include "audit/views_inside.h"

#include "test.h"

#include <stdlib.h>
#include <string.h>

enum {
    KEYS = 20000,
    VALUE_BYTES = 24,
    SMALL_RUN = 200,
    LARGE_RUN = 3000,
};

struct shelf {
    struct store *store;
    uint64_t random;
    uint32_t values[KEYS]; // 0: not there
    uint64_t rows;
    unsigned runs_most;
};

static uint64_t next_random(struct shelf *shelf)
{
    shelf->random = shelf->random * 6364136223846793005U + 1442695040888963407U;
    return shelf->random >> 33;
}

static struct bytes key_of(uint32_t number, uint8_t storage[DIGEST_BYTES])
{
    memset(storage, 7, DIGEST_BYTES);
    storage[0] = (uint8_t)(number >> 16);
    storage[1] = (uint8_t)(number >> 8);
    storage[DIGEST_BYTES - 1] = (uint8_t)number; // neighbours differ only here
    return bytes_of(storage, DIGEST_BYTES);
}

static void shelf_begin(struct shelf *shelf)
{
    struct error err;
    memset(shelf, 0, sizeof(*shelf));
    shelf->random = 99;
    struct store_options options = { .path = test_directory(),
                                     .map_bytes = (size_t)1 << 30,
                                     .names = audit_views_tables,
                                     .count = AUDIT_TABLE_COUNT,
                                     .create = true };
    assert_ok(store_open(&options, &shelf->store, &err));
}

static int by_number(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

static enum status stored_get(struct store_txn *txn, enum audit_table table, struct bytes key,
                              struct bytes *value, struct error *err)
{
    struct audit_stored stored = { .txn = txn };
    return audit_stored_get(&stored, table, key, value, err);
}

static enum status open_walk(struct store_txn *txn, enum audit_table table, struct bytes prefix,
                             bool reverse, struct audit_stored_walk *walk, struct error *err)
{
    struct audit_stored stored = { .txn = txn };
    return audit_stored_open(walk, &stored, table, prefix, reverse, err);
}

// One commit: a run of about so many keys, and whatever merging goes with it.
static void add(struct shelf *shelf, size_t count, bool merge)
{
    static uint32_t numbers[LARGE_RUN];
    struct error err;
    struct store_txn *txn = NULL;
    struct audit_run_writer run;
    struct audit_runs runs;
    for (size_t i = 0; i < count; i++) {
        numbers[i] = (uint32_t)(next_random(shelf) % KEYS);
    }
    qsort(numbers, count, sizeof(numbers[0]), by_number);
    assert_ok(store_begin_write(shelf->store, &txn, &err));
    assert_ok(audit_run_begin(&run, txn, AUDIT_TABLE_COUNTER, &err));
    uint64_t added = 0;
    for (size_t i = 0; i < count; i++) {
        uint8_t storage[DIGEST_BYTES];
        uint8_t value[VALUE_BYTES] = { 0 };
        if (i > 0 && numbers[i] == numbers[i - 1]) {
            continue;
        }
        uint32_t *model = &shelf->values[numbers[i]];
        *model = (uint32_t)next_random(shelf) + 1;
        memcpy(value, model, sizeof(*model));
        assert_ok(audit_run_put(&run, txn, key_of(numbers[i], storage),
                                bytes_of(value, sizeof(value)), &err));
        added++;
    }
    assert_ok(audit_run_end(&run, txn, &err));
    if (merge) {
        assert_ok(audit_runs_merge(txn, AUDIT_TABLE_COUNTER, added, &err));
    }
    assert_ok(audit_runs_load(txn, AUDIT_TABLE_COUNTER, &runs, &err));
    if (runs.count > shelf->runs_most) {
        shelf->runs_most = (unsigned)runs.count;
    }
    assert_ok(store_commit(&txn, &err));
    shelf->rows += added;
}

static void add_run(struct shelf *shelf, size_t count)
{
    add(shelf, count, true);
}

static void check_rows(const struct shelf *shelf)
{
    struct error err;
    struct store_txn *txn = NULL;
    assert_ok(store_begin_read(shelf->store, &txn, &err));
    uint32_t there = 0;
    for (uint32_t i = 0; i < KEYS; i++) {
        uint8_t storage[DIGEST_BYTES];
        struct bytes value;
        enum status status = stored_get(txn, AUDIT_TABLE_COUNTER, key_of(i, storage), &value, &err);
        assert_int_equal(status, shelf->values[i] == 0 ? ST_NOT_FOUND : ST_OK);
        if (status == ST_OK) {
            assert_int_equal(value.size, VALUE_BYTES);
            assert_memory_equal(value.data, &shelf->values[i], 4);
            there++;
        }
    }
    for (int reverse = 0; reverse < 2; reverse++) {
        struct audit_stored_walk walk;
        struct bytes key;
        struct bytes value;
        uint8_t storage[DIGEST_BYTES];
        uint32_t seen = 0;
        uint32_t next = reverse ? KEYS : 0; // the number that is looked at
        assert_ok(
            open_walk(txn, AUDIT_TABLE_COUNTER, (struct bytes){ 0 }, reverse != 0, &walk, &err));
        enum status status = audit_stored_seek(&walk, (struct bytes){ 0 }, &key, &value, &err);
        for (; status == ST_OK; seen++) {
            next = reverse ? next - 1 : next;
            while (shelf->values[next] == 0) {
                next = reverse ? next - 1 : next + 1;
            }
            assert_true(bytes_equal(key, key_of(next, storage)));
            assert_memory_equal(value.data, &shelf->values[next], 4);
            next = reverse ? next : next + 1;
            status = audit_stored_next(&walk, &key, &value, &err);
        }
        assert_int_equal(status, ST_NOT_FOUND);
        assert_int_equal(seen, there);
        audit_stored_close(&walk);
    }
    store_abort(&txn);
}

// From anywhere, to the nearest row in either direction.
static void check_seeks(struct shelf *shelf)
{
    struct error err;
    struct store_txn *txn = NULL;
    assert_ok(store_begin_read(shelf->store, &txn, &err));
    for (unsigned i = 0; i < 2000; i++) {
        bool reverse = i % 2 == 1;
        struct audit_stored_walk walk;
        struct bytes key;
        struct bytes value;
        uint8_t storage[DIGEST_BYTES + 1];
        uint32_t number = (uint32_t)(next_random(shelf) % KEYS);
        bool between = next_random(shelf) % 2 == 0; // a key that is longer than those of rows
        struct bytes from = key_of(number, storage);
        storage[DIGEST_BYTES] = 0;
        from.size += between ? 1 : 0;
        int64_t expected = number + (between && !reverse ? 1 : 0);
        while (expected >= 0 && expected < KEYS && shelf->values[expected] == 0) {
            expected += reverse ? -1 : 1;
        }
        assert_ok(open_walk(txn, AUDIT_TABLE_COUNTER, (struct bytes){ 0 }, reverse, &walk, &err));
        enum status status = audit_stored_seek(&walk, from, &key, &value, &err);
        if (expected < 0 || expected == KEYS) {
            assert_int_equal(status, ST_NOT_FOUND);
        } else {
            assert_int_equal(status, ST_OK);
            assert_true(bytes_equal(key, key_of((uint32_t)expected, storage)));
        }
        audit_stored_close(&walk);
    }
    store_abort(&txn);
}

TEST(whatever_is_added_and_merged_the_newest_row_of_each_key_is_found_in_order)
{
    static struct shelf shelf;
    shelf_begin(&shelf);
    for (unsigned i = 0; i < 220; i++) {
        add_run(&shelf, i % 9 == 8 ? LARGE_RUN : 1 + next_random(&shelf) % SMALL_RUN);
        if (i < 12 || i % 20 == 0) {
            check_rows(&shelf);
            check_seeks(&shelf);
        }
    }
    check_rows(&shelf);
    store_close(&shelf.store);
}

static bool merging(const struct shelf *shelf)
{
    struct error err;
    struct store_txn *txn = NULL;
    struct audit_runs runs;
    bool found = false;
    assert_ok(store_begin_read(shelf->store, &txn, &err));
    assert_ok(audit_runs_load(txn, AUDIT_TABLE_COUNTER, &runs, &err));
    for (size_t i = 0; i < runs.count; i++) {
        found = found || runs.runs[i].into != 0;
    }
    store_abort(&txn);
    return found;
}

TEST(a_merge_that_takes_many_commits_shows_every_row_at_each_of_them)
{
    static struct shelf shelf;
    shelf_begin(&shelf);
    for (unsigned i = 0; i < 4; i++) {
        add(&shelf, LARGE_RUN, false);
    }
    unsigned commits = 0;
    do {
        add_run(&shelf, 5);
        check_rows(&shelf);
        check_seeks(&shelf);
        commits++;
    } while (merging(&shelf));
    assert_true(commits > 10);
    store_close(&shelf.store);
}

TEST(runs_stay_few_and_hold_a_key_once_or_little_more)
{
    static struct shelf shelf;
    struct error err;
    struct store_txn *txn = NULL;
    struct audit_runs runs;
    shelf_begin(&shelf);
    for (unsigned i = 0; i < 1200; i++) {
        add_run(&shelf, 500);
    }
    assert_true(shelf.rows > 25 * KEYS);
    assert_true(shelf.runs_most <= 24);
    assert_ok(store_begin_read(shelf.store, &txn, &err));
    assert_ok(audit_runs_load(txn, AUDIT_TABLE_COUNTER, &runs, &err));
    uint64_t rows = 0;
    for (size_t i = 0; i < runs.count; i++) {
        rows += runs.runs[i].rows;
    }
    assert_true(rows < 12 * KEYS); // of more than 25 times as many that were written
    store_abort(&txn);
    store_close(&shelf.store);
}

TEST(tiny_commits_are_gathered_too)
{
    static struct shelf shelf;
    shelf_begin(&shelf);
    for (unsigned i = 0; i < 600; i++) {
        add_run(&shelf, 1);
    }
    assert_true(shelf.runs_most <= 12);
    check_rows(&shelf);
    store_close(&shelf.store);
}

// Filters are there to be asked: few keys that a run has not are looked for in it.
TEST(filters_of_large_runs_tell_most_keys_that_are_not_there)
{
    static struct shelf shelf;
    struct error err;
    struct store_txn *txn = NULL;
    struct audit_runs runs;
    unsigned in_vain = 0;
    unsigned absent = 0;
    shelf_begin(&shelf);
    for (unsigned i = 0; i < 4; i++) {
        add(&shelf, LARGE_RUN, false);
    }
    for (unsigned merges = 0; merges < 2; merges++) {
        assert_ok(store_begin_read(shelf.store, &txn, &err));
        assert_ok(audit_runs_load(txn, AUDIT_TABLE_COUNTER, &runs, &err));
        for (uint32_t i = 0; i < KEYS; i++) {
            uint8_t storage[DIGEST_BYTES];
            uint64_t hash = audit_filter_hash(AUDIT_TABLE_COUNTER, key_of(i, storage));
            struct audit_run_filter filter;
            assert_ok(
                audit_filter_of(txn, AUDIT_TABLE_COUNTER, runs.runs[0].number, &filter, &err));
            assert_true(filter.words.size > 0);
            absent += shelf.values[i] == 0;
            in_vain += shelf.values[i] == 0 && audit_filter_may_have(&filter, hash);
        }
        store_abort(&txn);
        assert_true(absent > 1000 && in_vain < absent / 10);
        while (merges == 0 && (add(&shelf, 1, true), merging(&shelf))) {
        }
    }
    store_close(&shelf.store);
}

// A filter of nothing at every number that a run may get.
static void put_empty_filters(const struct shelf *shelf)
{
    struct error err;
    struct store_txn *txn = NULL;
    struct audit_runs runs;
    static const uint8_t none[64];
    assert_ok(store_begin_write(shelf->store, &txn, &err));
    assert_ok(audit_runs_load(txn, AUDIT_TABLE_COUNTER, &runs, &err));
    for (uint8_t number = 1; number <= AUDIT_RUNS_MAX; number++) {
        uint8_t name[2] = { AUDIT_TABLE_COUNTER, number };
        bool used = false;
        for (size_t i = 0; i < runs.count; i++) {
            used = used || runs.runs[i].number == number;
        }
        if (!used) {
            assert_ok(store_put(txn, AUDIT_TABLE_RUN, bytes_of(name, 2),
                                bytes_of(none, sizeof(none)), &err));
        }
    }
    assert_ok(store_commit(&txn, &err));
}

TEST(a_number_that_is_used_again_has_no_filter_of_the_run_before)
{
    static struct shelf shelf;
    shelf_begin(&shelf);
    for (unsigned i = 0; i < 4; i++) {
        put_empty_filters(&shelf);
        add(&shelf, LARGE_RUN, false);
        check_rows(&shelf);
    }
    put_empty_filters(&shelf);
    add_run(&shelf, 5); // the run that the others go into
    assert_true(merging(&shelf));
    check_rows(&shelf);
    store_close(&shelf.store);
}

// A filter that hides what there is, and then is gone.
TEST(lists_and_filters_are_those_of_the_state_that_is_seen)
{
    static struct shelf shelf;
    struct error err;
    struct store_txn *txn = NULL;
    struct store_txn *seen = NULL;
    struct audit_runs runs;
    struct bytes value;
    static const uint8_t none[64];
    uint8_t storage[DIGEST_BYTES];
    uint32_t number = 0;
    shelf_begin(&shelf);
    add(&shelf, 5, false);
    while (shelf.values[number] == 0) {
        number++;
    }
    assert_ok(store_begin_write(shelf.store, &txn, &err));
    assert_ok(audit_runs_load(txn, AUDIT_TABLE_COUNTER, &runs, &err));
    uint8_t name[2] = { AUDIT_TABLE_COUNTER, runs.runs[0].number };
    assert_ok(
        store_put(txn, AUDIT_TABLE_RUN, bytes_of(name, 2), bytes_of(none, sizeof(none)), &err));
    assert_ok(store_commit(&txn, &err));

    assert_ok(store_begin_read(shelf.store, &seen, &err));
    struct audit_stored stored = { .txn = seen };
    struct bytes key = key_of(number, storage);
    audit_stored_resumed(&stored);
    assert_status(ST_NOT_FOUND, audit_stored_get(&stored, AUDIT_TABLE_COUNTER, key, &value, &err));
    store_pause(seen);
    assert_ok(store_begin_write(shelf.store, &txn, &err));
    assert_ok(audit_filter_drop(txn, AUDIT_TABLE_COUNTER, name[1], &err));
    assert_ok(store_commit(&txn, &err));
    assert_ok(store_resume(seen, &err));
    audit_stored_resumed(&stored);
    assert_ok(audit_stored_get(&stored, AUDIT_TABLE_COUNTER, key, &value, &err));
    store_abort(&seen);
    store_close(&shelf.store);
}

TEST(a_persons_rows_are_found_by_the_tag_alone_in_large_runs)
{
    enum { PERSONS = 400, ROWS = 8, RUNS = 2 };
    static struct shelf shelf;
    struct error err;
    struct store_txn *txn = NULL;
    shelf_begin(&shelf);
    assert_ok(store_begin_write(shelf.store, &txn, &err));
    for (unsigned i = 0; i < RUNS; i++) {
        struct audit_run_writer run;
        assert_ok(audit_run_begin(&run, txn, AUDIT_TABLE_SUBJECT, &err));
        for (unsigned row = 0; row < PERSONS * ROWS; row++) {
            uint8_t key[AUDIT_TAG_BYTES + 8] = { 1, (uint8_t)(row / ROWS >> 8),
                                                 (uint8_t)(row / ROWS) };
            uint8_t value[45] = { 0 };
            key[AUDIT_TAG_BYTES + 7] = (uint8_t)(i * ROWS + row % ROWS);
            assert_ok(audit_run_put(&run, txn, bytes_of(key, sizeof(key)),
                                    bytes_of(value, sizeof(value)), &err));
        }
        assert_ok(audit_run_end(&run, txn, &err));
    }
    assert_ok(store_commit(&txn, &err));
    assert_ok(store_begin_read(shelf.store, &txn, &err));
    for (unsigned person = 0; person < PERSONS; person++) {
        uint8_t tag[AUDIT_TAG_BYTES] = { 1, (uint8_t)(person >> 8), (uint8_t)person };
        struct bytes prefix = bytes_of(tag, sizeof(tag));
        struct audit_stored_walk walk;
        struct bytes key;
        struct bytes value;
        unsigned count = 0;
        assert_ok(open_walk(txn, AUDIT_TABLE_SUBJECT, prefix, false, &walk, &err));
        enum status status = audit_stored_seek(&walk, prefix, &key, &value, &err);
        while (status == ST_OK && memcmp(key.data, tag, sizeof(tag)) == 0) {
            assert_int_equal(key.data[AUDIT_TAG_BYTES + 7], count++);
            status = audit_stored_next(&walk, &key, &value, &err);
        }
        assert_int_equal(count, ROWS * RUNS);
        audit_stored_close(&walk);
    }
    store_abort(&txn);
    store_close(&shelf.store);
}

TEST(rows_out_of_order_or_of_another_size_are_refused)
{
    struct error err;
    static struct shelf shelf;
    struct store_txn *txn = NULL;
    struct audit_run_writer run;
    uint8_t storage[DIGEST_BYTES];
    uint8_t value[VALUE_BYTES] = { 0 };
    struct bytes right = bytes_of(value, sizeof(value));
    shelf_begin(&shelf);
    assert_ok(store_begin_write(shelf.store, &txn, &err));
    assert_ok(audit_run_begin(&run, txn, AUDIT_TABLE_COUNTER, &err));
    assert_ok(audit_run_put(&run, txn, key_of(5, storage), right, &err));
    assert_status(ST_CORRUPT, audit_run_put(&run, txn, key_of(5, storage), right, &err));
    assert_status(ST_CORRUPT, audit_run_put(&run, txn, key_of(4, storage), right, &err));
    assert_status(ST_USAGE, audit_run_put(&run, txn, key_of(6, storage), bytes_of(value, 7), &err));
    assert_status(ST_USAGE, audit_run_put(&run, txn, bytes_of(storage, 9), right, &err));
    store_abort(&txn);
    store_close(&shelf.store);
}

TEST(pages_and_lists_that_are_none_are_told_and_do_no_harm)
{
    struct error err;
    static struct shelf shelf;
    struct store_txn *txn = NULL;
    struct bytes value;
    uint8_t storage[DIGEST_BYTES];
    uint8_t table = AUDIT_TABLE_COUNTER;
    static const uint8_t lists[][20] = {
        { 0 },                               // no run is called 0
        { 200 },                             // nor 200
        { 1, 1, 0, 0, 0, 0, 0, 0, 0, 1 },    // one that goes into itself
        { 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 5 }, // cut
        { 1, 9, 0, 0, 0, 0, 0, 0, 0, 1 },    // into one that is not there
        { 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1 }, // one twice
        { 1, 2, 0, 0, 0, 0, 0, 0, 0, 1, 2 }, // into a newer one
        { 1, 2, 0, 0, 0, 0, 0, 0, 0, 1, 2, 1, 0, 0, 0, 0, 0, 0, 0, 1 }, // round in a circle
    };
    shelf_begin(&shelf);
    add_run(&shelf, 500);
    assert_ok(store_begin_write(shelf.store, &txn, &err));
    for (size_t i = 0; i < ARRAY_COUNT(lists); i++) {
        size_t size = i == 3 ? 11 : i < 5 ? 10 : 20;
        assert_ok(
            store_put(txn, AUDIT_TABLE_RUN, bytes_of(&table, 1), bytes_of(lists[i], size), &err));
        assert_status(ST_CORRUPT,
                      stored_get(txn, AUDIT_TABLE_COUNTER, key_of(3, storage), &value, &err));
        assert_status(ST_CORRUPT, audit_runs_merge(txn, AUDIT_TABLE_COUNTER, 1, &err));
    }
    store_abort(&txn);

    struct store_cursor *cursor = NULL;
    struct bytes name;
    struct bytes page;
    uint8_t kept[AUDIT_RUN_KEY_MAX];
    assert_ok(store_begin_write(shelf.store, &txn, &err));
    assert_ok(store_cursor_open(txn, AUDIT_TABLE_COUNTER, &cursor, &err));
    assert_ok(store_cursor_first(cursor, &name, &page, &err));
    memcpy(kept, name.data, name.size);
    store_cursor_close(&cursor);
    assert_ok(store_put(txn, AUDIT_TABLE_COUNTER, bytes_of(kept, name.size),
                        bytes_of("a page that was cut", 19), &err));
    struct bytes first = bytes_of(kept + 1, name.size - 1);
    assert_status(ST_CORRUPT, stored_get(txn, AUDIT_TABLE_COUNTER, first, &value, &err));
    store_abort(&txn);
    store_close(&shelf.store);
}

// A list with room for the run that a merge adds, and none with 64 runs of which two are the same.
TEST(a_full_list_is_merged_and_one_that_names_a_run_twice_is_not_written_beyond)
{
    struct error err;
    static struct shelf shelf;
    struct store_txn *txn = NULL;
    struct audit_runs runs = { .table = AUDIT_TABLE_COUNTER, .count = AUDIT_RUNS_MAX };
    shelf_begin(&shelf);
    for (size_t i = 0; i < AUDIT_RUNS_MAX; i++) {
        runs.runs[i] = (struct audit_run){ .number = (uint8_t)(i + 1), .rows = 1 };
    }
    assert_ok(store_begin_write(shelf.store, &txn, &err));
    assert_ok(audit_runs_save(txn, &runs, &err));
    assert_ok(audit_runs_merge(txn, AUDIT_TABLE_COUNTER, 1, &err));
    runs.runs[0].number = 2;
    assert_ok(audit_runs_save(txn, &runs, &err));
    assert_status(ST_CORRUPT, audit_runs_merge(txn, AUDIT_TABLE_COUNTER, 1, &err));
    store_abort(&txn);
    store_close(&shelf.store);
}

// Four runs that are being merged into a fifth, and one behind them that is not.
static void begin_merge(struct shelf *shelf)
{
    for (unsigned i = 0; i < 4; i++) {
        add(shelf, 1200, false); // so they have filters
    }
    add(shelf, 10, true);
    assert_true(merging(shelf));
}

TEST(a_run_that_joins_a_merge_under_way_is_refused_before_it_hides_a_newer_row)
{
    struct error err;
    static struct shelf shelf;
    struct store_txn *txn = NULL;
    struct audit_runs runs;
    shelf_begin(&shelf);
    begin_merge(&shelf);
    assert_ok(store_begin_write(shelf.store, &txn, &err));
    assert_ok(audit_runs_load(txn, AUDIT_TABLE_COUNTER, &runs, &err));
    struct audit_run *last = &runs.runs[runs.count - 1];
    assert_int_equal(last->into, 0);
    assert_int_not_equal(last[-1].into, 0);
    last->into = last[-1].into; // the run that they go into has rows above its first one by now
    assert_ok(audit_runs_save(txn, &runs, &err));
    assert_status(ST_CORRUPT, audit_runs_merge(txn, AUDIT_TABLE_COUNTER, 1, &err));
    store_abort(&txn);
    store_close(&shelf.store);
}

// ---- damage of any kind

struct picked {
    uint8_t name[64];
    uint8_t page[AUDIT_RUN_PAGE_BYTES];
    size_t name_size;
    size_t size;
};

// A page of the table, or (where there is none that far) its last one.
static void pick_page(struct store_txn *txn, uint64_t number, struct picked *picked)
{
    struct error err;
    struct store_cursor *cursor = NULL;
    struct bytes name;
    struct bytes page;
    assert_ok(store_cursor_open(txn, AUDIT_TABLE_COUNTER, &cursor, &err));
    assert_ok(store_cursor_first(cursor, &name, &page, &err));
    while (number-- > 0 && store_cursor_next(cursor, &name, &page, &err) == ST_OK) {
    }
    memcpy(picked->name, name.data, name.size);
    memcpy(picked->page, page.data, page.size);
    picked->name_size = name.size;
    picked->size = page.size;
    store_cursor_close(&cursor);
}

static void spoil_list(struct shelf *shelf, struct store_txn *txn)
{
    struct error err;
    uint8_t table = AUDIT_TABLE_COUNTER;
    uint8_t bytes[1024];
    struct bytes value;
    assert_ok(store_get(txn, AUDIT_TABLE_RUN, bytes_of(&table, 1), &value, &err));
    memcpy(bytes, value.data, value.size);
    size_t run = next_random(shelf) % (value.size / 10) * 10;
    // A number or what it goes into most of the time; those that are there make it harder to see.
    size_t at =
        run + (next_random(shelf) % 3 == 0 ? 2 + next_random(shelf) % 8 : next_random(shelf) % 2);
    bytes[at] = (uint8_t)(at - run < 2 ? next_random(shelf) % 9 : next_random(shelf));
    assert_ok(
        store_put(txn, AUDIT_TABLE_RUN, bytes_of(&table, 1), bytes_of(bytes, value.size), &err));
}

// Another length, or the filter of another run.
static void spoil_filter(struct shelf *shelf, struct store_txn *txn)
{
    struct error err;
    uint8_t bytes[8192] = { 0 };
    uint8_t name[] = { AUDIT_TABLE_COUNTER, (uint8_t)(1 + next_random(shelf) % 4) };
    struct bytes value = { 0 };
    enum status status = store_get(txn, AUDIT_TABLE_RUN, bytes_of(name, 2), &value, &err);
    assert_true(status == ST_OK || status == ST_NOT_FOUND);
    assert_true(value.size <= sizeof(bytes));
    if (value.size > 0) {
        memcpy(bytes, value.data, value.size);
    }
    name[1] = (uint8_t)(1 + next_random(shelf) % 8);
    assert_ok(store_put(txn, AUDIT_TABLE_RUN, bytes_of(name, 2),
                        bytes_of(bytes, next_random(shelf) % sizeof(bytes)), &err));
}

static void spoil(struct shelf *shelf, struct store_txn *txn)
{
    enum { ROW = DIGEST_BYTES + VALUE_BYTES };
    struct error err;
    struct picked picked = { 0 };
    uint64_t how = next_random(shelf) % 7;
    if (how == 0) {
        spoil_list(shelf, txn);
        return;
    }
    if (how == 6) {
        spoil_filter(shelf, txn);
        return;
    }
    pick_page(txn, next_random(shelf) % 40, &picked);
    size_t row = picked.size < ROW ? 0 : next_random(shelf) % (picked.size / ROW) * ROW;
    if (how >= 4) {
        assert_ok(
            store_remove(txn, AUDIT_TABLE_COUNTER, bytes_of(picked.name, picked.name_size), &err));
    }
    switch (how) {
    case 1: // a key
        picked.page[row + (next_random(shelf) % 2)] ^= (uint8_t)(1 + next_random(shelf) % 255);
        break;
    case 2: // the first row's key once more
        memmove(picked.page + row, picked.page, DIGEST_BYTES);
        break;
    case 3: // cut, also to nothing
        picked.size = next_random(shelf) % 2 == 0 ? row : next_random(shelf) % (picked.size + 1);
        break;
    case 4: // in another run
        picked.name[0] = (uint8_t)(next_random(shelf) % 9);
        break;
    default: // under another name
        picked.name_size = 1 + next_random(shelf) % (DIGEST_BYTES + 8);
        picked.name[1 + next_random(shelf) % DIGEST_BYTES] ^=
            (uint8_t)(1 + next_random(shelf) % 255);
        break;
    }
    assert_ok(store_put(txn, AUDIT_TABLE_COUNTER, bytes_of(picked.name, picked.name_size),
                        bytes_of(picked.page, picked.size), &err));
}

static void assert_answer(enum status status)
{
    assert_true(status == ST_OK || status == ST_NOT_FOUND || status == ST_CORRUPT);
}

// Goes through the table: each key once, in order, and an end.
static enum status go_through(struct store_txn *txn, struct bytes from, bool reverse)
{
    struct error err;
    struct audit_stored_walk walk;
    struct bytes key;
    struct bytes value;
    uint8_t last[DIGEST_BYTES + 1];
    struct bytes before = from;
    enum status status =
        open_walk(txn, AUDIT_TABLE_COUNTER, (struct bytes){ 0 }, reverse, &walk, &err);
    assert_answer(status);
    if (status != ST_OK) {
        return status;
    }
    status = audit_stored_seek(&walk, from, &key, &value, &err);
    bool first = true;
    for (; status == ST_OK; first = false) {
        int order = reverse ? bytes_compare(before, key) : bytes_compare(key, before);
        assert_true(before.size == 0 || order > 0 || (first && order == 0));
        assert_int_equal(key.size, DIGEST_BYTES);
        assert_int_equal(value.size, VALUE_BYTES);
        memcpy(last, key.data, key.size);
        before = bytes_of(last, key.size);
        status = audit_stored_next(&walk, &key, &value, &err);
    }
    assert_answer(status);
    audit_stored_close(&walk);
    return status;
}

static void use(struct shelf *shelf, struct store_txn *txn)
{
    struct error err;
    struct bytes value;
    uint8_t storage[DIGEST_BYTES + 1] = { 0 };
    for (unsigned i = 0; i < 30; i++) {
        struct bytes key = key_of((uint32_t)(next_random(shelf) % KEYS), storage);
        key.size = next_random(shelf) % 3 == 0 ? next_random(shelf) % sizeof(storage) : key.size;
        assert_answer(stored_get(txn, AUDIT_TABLE_COUNTER, key, &value, &err));
        if (i < 6) {
            (void)go_through(txn, key, i % 2 == 1);
        }
    }
    (void)go_through(txn, (struct bytes){ 0 }, false);
    (void)go_through(txn, (struct bytes){ 0 }, true);
}

TEST(whatever_is_damaged_reading_and_merging_come_to_an_end_and_to_no_harm)
{
    enum { ROUNDS = 400 };
    struct error err;
    static struct shelf shelf;
    unsigned told = 0;
    shelf_begin(&shelf);
    begin_merge(&shelf);
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct store_txn *txn = NULL;
        enum status status = ST_OK;
        assert_ok(store_begin_write(shelf.store, &txn, &err));
        for (uint64_t spots = 1 + next_random(&shelf) % 3; spots > 0; spots--) {
            spoil(&shelf, txn);
        }
        use(&shelf, txn);
        for (unsigned merges = 0; status == ST_OK && merges < 12; merges++) {
            status = audit_runs_merge(txn, AUDIT_TABLE_COUNTER, 1, &err);
            assert_answer(status);
        }
        told += status == ST_CORRUPT ? 1 : 0;
        use(&shelf, txn);
        store_abort(&txn);
    }
    print_message("merging told %u of %u\n", told, (unsigned)ROUNDS);
    assert_true(told > 0);
    check_rows(&shelf);
    store_close(&shelf.store);
}
