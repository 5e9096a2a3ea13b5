// The LMDB door: what survives, what order keys have, what each failure is called.
#include "store/store.h"
#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const names[] = { "one", "two" };
enum { ONE, TWO };

static struct store *open_at(const char *path, size_t map_bytes, bool create)
{
    struct error err;
    struct store *store = NULL;
    struct store_options options = {
        .path = path, .map_bytes = map_bytes, .names = names, .count = 2, .create = create
    };
    assert_ok(store_open(&options, &store, &err));
    return store;
}

static struct store *open_fresh(char path[128])
{
    snprintf(path, 128, "%s/env", test_directory());
    return open_at(path, 1 << 24, true);
}

static void put_text(struct store *store, unsigned table, const char *key, const char *value)
{
    struct error err;
    struct store_txn *txn = NULL;
    assert_ok(store_begin_write(store, &txn, &err));
    assert_ok(store_put(txn, table, bytes_text(key), bytes_text(value), &err));
    assert_ok(store_commit(&txn, &err));
    assert_null(txn);
}

static bool has_text(struct store *store, unsigned table, const char *key, const char *value)
{
    struct error err;
    struct store_txn *txn = NULL;
    struct bytes found;
    assert_ok(store_begin_read(store, &txn, &err));
    enum status status = store_get(txn, table, bytes_text(key), &found, &err);
    bool equal = status == ST_OK && bytes_equal_text(found, value);
    assert_true(status == ST_OK || status == ST_NOT_FOUND);
    store_abort(&txn);
    return equal;
}

TEST(a_committed_item_is_there_after_reopening)
{
    char path[128];
    struct store *store = open_fresh(path);
    put_text(store, TWO, "key", "value");
    store_close(&store);
    store_close(&store);
    store = open_at(path, 1 << 24, false);
    assert_true(has_text(store, TWO, "key", "value"));
    assert_false(has_text(store, ONE, "key", "value"));
    store_close(&store);
}

TEST(an_aborted_item_is_not_there)
{
    struct error err;
    char path[128];
    struct store *store = open_fresh(path);
    struct store_txn *txn = NULL;
    assert_ok(store_begin_write(store, &txn, &err));
    assert_ok(store_put(txn, ONE, bytes_text("key"), bytes_text("value"), &err));
    store_abort(&txn);
    store_abort(&txn);
    assert_false(has_text(store, ONE, "key", "value"));
    store_close(&store);
}

TEST(a_missing_environment_is_not_made_unless_asked)
{
    struct error err;
    char path[128];
    snprintf(path, sizeof(path), "%s/none", test_directory());
    struct store *store = NULL;
    struct store_options options = {
        .path = path, .map_bytes = 1 << 24, .names = names, .count = 2, .read_only = true
    };
    assert_status(ST_NOT_FOUND, store_open(&options, &store, &err));
    assert_null(store);
    options.read_only = false;
    assert_status(ST_NOT_FOUND, store_open(&options, &store, &err));
}

TEST(put_new_and_append_never_replace)
{
    struct error err;
    char path[128];
    struct store *store = open_fresh(path);
    put_text(store, ONE, "b", "old");
    struct store_txn *txn = NULL;
    uint8_t *room = NULL;
    assert_ok(store_begin_write(store, &txn, &err));
    assert_status(ST_EXISTS, store_put_new(txn, ONE, bytes_text("b"), bytes_text("new"), &err));
    assert_status(ST_EXISTS, store_append(txn, ONE, bytes_text("a"), 3, &room, &err));
    store_abort(&txn);
    assert_ok(store_begin_write(store, &txn, &err));
    assert_status(ST_EXISTS, store_append(txn, ONE, bytes_text("b"), 3, &room, &err));
    store_abort(&txn);
    assert_ok(store_begin_write(store, &txn, &err));
    assert_ok(store_append(txn, ONE, bytes_text("c"), 3, &room, &err));
    memcpy(room, "new", 3);
    assert_ok(store_commit(&txn, &err));
    assert_true(has_text(store, ONE, "b", "old"));
    assert_true(has_text(store, ONE, "c", "new"));
    store_close(&store);
}

// Whoever looks things up opens cursors for each look: they are made once.
TEST(a_closed_cursor_of_a_read_transaction_is_used_again_and_sees_what_is_new)
{
    struct error err;
    char path[128];
    struct store *store = open_fresh(path);
    put_text(store, ONE, "a", "1");
    put_text(store, TWO, "x", "of two");
    struct store_txn *txn = NULL;
    struct store_cursor *first = NULL;
    struct store_cursor *second = NULL;
    struct store_cursor *other = NULL;
    struct bytes key;
    struct bytes value;
    assert_ok(store_begin_read(store, &txn, &err));
    uint64_t state = store_state(txn);
    assert_ok(store_cursor_open(txn, ONE, &first, &err));
    assert_ok(store_cursor_open(txn, ONE, &second, &err));
    const struct store_cursor *made[] = { first, second };
    assert_ok(store_cursor_last(first, &key, &value, &err));
    store_cursor_close(&first);
    assert_ok(store_cursor_last(second, &key, &value, &err)); // each stands by itself
    store_cursor_close(&second);
    for (unsigned i = 0; i < 50; i++) {
        char name[2] = { (char)('b' + i % 20), '\0' };
        store_pause(txn);
        assert_ok(store_resume(txn, &err));
        assert_true((store_state(txn) == state) == (i == 0));
        state = store_state(txn);
        assert_ok(store_cursor_open(txn, TWO, &other, &err));
        assert_ok(store_cursor_open(txn, ONE, &first, &err));
        assert_ok(store_cursor_open(txn, ONE, &second, &err));
        assert_true(other != made[0] && other != made[1] && first != second);
        assert_true((first == made[0] || first == made[1]) &&
                    (second == made[0] || second == made[1]));
        assert_ok(store_cursor_first(other, &key, &value, &err));
        assert_true(bytes_equal_text(value, "of two"));
        uint64_t count = 0;
        uint64_t seen = 0;
        assert_ok(store_count(txn, ONE, &count, &err));
        enum status status = store_cursor_first(second, &key, &value, &err);
        for (; status == ST_OK; seen++) {
            status = store_cursor_next(second, &key, &value, &err);
        }
        assert_int_equal(seen, count);
        assert_int_equal(count, 1 + (i < 20 ? i : 20));
        store_cursor_close(&second);
        store_cursor_close(&other);
        store_cursor_close(&first);
        put_text(store, ONE, name, "later");
        assert_int_equal(store_state(txn), state);
    }
    store_abort(&txn);
    store_close(&store);
}

TEST(a_cursor_walks_in_the_order_of_bytes)
{
    struct error err;
    char path[128];
    struct store *store = open_fresh(path);
    put_text(store, ONE, "b", "2");
    put_text(store, ONE, "a", "1");
    put_text(store, ONE, "ba", "3");
    put_text(store, ONE, "\xff", "4");
    struct store_txn *txn = NULL;
    struct store_cursor *cursor = NULL;
    struct bytes key;
    struct bytes value;
    uint64_t count = 0;
    assert_ok(store_begin_read(store, &txn, &err));
    assert_ok(store_count(txn, ONE, &count, &err));
    assert_int_equal(count, 4);
    assert_ok(store_cursor_open(txn, ONE, &cursor, &err));
    assert_ok(store_cursor_first(cursor, &key, &value, &err));
    assert_true(bytes_equal_text(value, "1"));
    assert_ok(store_cursor_next(cursor, &key, &value, &err));
    assert_ok(store_cursor_next(cursor, &key, &value, &err));
    assert_true(bytes_equal_text(key, "ba"));
    assert_ok(store_cursor_next(cursor, &key, &value, &err));
    assert_status(ST_NOT_FOUND, store_cursor_next(cursor, &key, &value, &err));
    assert_ok(store_cursor_seek(cursor, bytes_text("aa"), &key, &value, &err));
    assert_true(bytes_equal_text(key, "b"));
    assert_ok(store_cursor_prev(cursor, &key, &value, &err));
    assert_true(bytes_equal_text(key, "a"));
    assert_status(ST_NOT_FOUND, store_cursor_prev(cursor, &key, &value, &err));
    assert_ok(store_cursor_seek(cursor, bytes_text(""), &key, &value, &err));
    assert_true(bytes_equal_text(key, "a"));
    assert_ok(store_cursor_last(cursor, &key, &value, &err));
    assert_true(bytes_equal_text(value, "4"));
    store_cursor_close(&cursor);
    store_cursor_close(&cursor);
    store_abort(&txn);
    store_close(&store);
}

TEST(a_reader_sees_one_state_until_it_pauses)
{
    struct error err;
    char path[128];
    struct store *store = open_fresh(path);
    put_text(store, ONE, "key", "old");
    struct store_txn *txn = NULL;
    struct bytes value;
    struct store_usage usage;
    assert_ok(store_begin_read(store, &txn, &err));
    put_text(store, ONE, "key", "new");
    put_text(store, ONE, "other", "new");
    assert_ok(store_usage(store, &usage, &err));
    assert_int_equal(usage.readers, 1);
    assert_int_equal(usage.reader_lag, 2);
    assert_ok(store_get(txn, ONE, bytes_text("key"), &value, &err));
    assert_true(bytes_equal_text(value, "old"));
    store_pause(txn);
    assert_ok(store_usage(store, &usage, &err));
    assert_int_equal(usage.readers, 0);
    assert_int_equal(usage.reader_lag, 0);
    assert_ok(store_resume(txn, &err));
    assert_ok(store_get(txn, ONE, bytes_text("key"), &value, &err));
    assert_true(bytes_equal_text(value, "new"));
    store_abort(&txn);
    store_close(&store);
}

TEST(removing_what_is_not_there_says_so)
{
    struct error err;
    char path[128];
    struct store *store = open_fresh(path);
    put_text(store, ONE, "key", "value");
    struct store_txn *txn = NULL;
    assert_ok(store_begin_write(store, &txn, &err));
    assert_ok(store_remove(txn, ONE, bytes_text("key"), &err));
    assert_status(ST_NOT_FOUND, store_remove(txn, ONE, bytes_text("key"), &err));
    assert_ok(store_commit(&txn, &err));
    assert_false(has_text(store, ONE, "key", "value"));
    store_close(&store);
}

TEST(a_full_map_is_told_apart_and_the_environment_stays_usable)
{
    struct error err;
    char path[128];
    snprintf(path, sizeof(path), "%s/env", test_directory());
    struct store *store = open_at(path, 128 * 1024, true);
    put_text(store, ONE, "key", "value");
    static uint8_t large[8192];
    enum status status = ST_OK;
    for (unsigned i = 0; status == ST_OK && i < 64; i++) {
        struct store_txn *txn = NULL;
        uint8_t name[1] = { (uint8_t)i };
        assert_ok(store_begin_write(store, &txn, &err));
        status = store_put(txn, TWO, bytes_of(name, 1), bytes_of(large, sizeof(large)), &err);
        if (status == ST_OK) {
            status = store_commit(&txn, &err);
        }
        store_abort(&txn);
    }
    assert_int_equal(status, ST_FULL);
    struct store_usage usage;
    assert_ok(store_usage(store, &usage, &err));
    assert_true(usage.used_permille >= 800);
    assert_true(has_text(store, ONE, "key", "value"));
    struct store_txn *txn = NULL;
    uint8_t first[1] = { 0 };
    assert_ok(store_begin_write(store, &txn, &err));
    assert_ok(store_remove(txn, TWO, bytes_of(first, 1), &err));
    assert_ok(store_commit(&txn, &err));
    store_close(&store);
}

static enum status fail_with(bool committed, void *context)
{
    return committed ? ST_OK : *(enum status *)context;
}

TEST(a_commit_that_is_made_to_fail_writes_nothing)
{
    struct error err;
    char path[128];
    struct store *store = open_fresh(path);
    static const enum status ways[] = { ST_FULL, ST_IO };
    for (size_t i = 0; i < 2; i++) {
        enum status way = ways[i];
        struct store_txn *txn = NULL;
        store_set_commit_hook(store, fail_with, &way);
        assert_ok(store_begin_write(store, &txn, &err));
        assert_ok(store_put(txn, ONE, bytes_text("key"), bytes_text("value"), &err));
        assert_status(way, store_commit(&txn, &err));
        assert_null(txn);
        store_set_commit_hook(store, NULL, NULL);
        assert_false(has_text(store, ONE, "key", "value"));
    }
    store_close(&store);
}

TEST(a_file_cut_short_is_told_at_opening)
{
    struct error err;
    char path[128];
    char file[160];
    struct store *store = open_fresh(path);
    for (unsigned i = 0; i < 64; i++) {
        char key[16];
        static char value[3000];
        memset(value, 'x', sizeof(value) - 1);
        snprintf(key, sizeof(key), "%u", i);
        put_text(store, ONE, key, value);
    }
    store_close(&store);
    snprintf(file, sizeof(file), "%s/data.mdb", path);
    struct store_options options = {
        .path = path, .map_bytes = 1 << 24, .names = names, .count = 2, .create = true
    };
    static const off_t sizes[] = { 65536, 4096 * 3, 5000, 100 };
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(truncate(file, sizes[i]), 0);
        enum status status = store_open(&options, &store, &err);
        if (status != ST_CORRUPT) {
            fail_msg("cut to %ld: %s", (long)sizes[i], status_name(status));
        }
    }
}

// The length of a key stands in the two bytes before it, lowest first.
TEST(a_key_of_a_length_that_none_can_have_is_damage)
{
    struct error err;
    char path[128];
    char file[160];
    static uint8_t bytes[1 << 20];
    static const uint16_t lengths[] = { 0, STORE_KEY_BYTES_MAX + 1, 5 | 0xff00 };
    struct store *store = open_fresh(path);
    put_text(store, ONE, "found", "value");
    store_close(&store);
    snprintf(file, sizeof(file), "%s/data.mdb", path);
    int fd = open(file, O_RDWR | O_CLOEXEC);
    ssize_t size = read(fd, bytes, sizeof(bytes));
    assert_true(size > 0);
    const uint8_t *key = memmem(bytes, (size_t)size, "foundvalue", 10);
    assert_non_null(key);
    for (size_t i = 0; i < ARRAY_COUNT(lengths); i++) {
        struct store_txn *txn = NULL;
        struct store_cursor *cursor = NULL;
        struct bytes name;
        struct bytes value;
        uint8_t length[] = { (uint8_t)lengths[i], (uint8_t)(lengths[i] >> 8) };
        assert_int_equal(pwrite(fd, length, 2, key - 2 - bytes), 2);
        store = open_at(path, 1 << 24, false);
        assert_ok(store_begin_read(store, &txn, &err));
        assert_ok(store_cursor_open(txn, ONE, &cursor, &err));
        assert_status(ST_CORRUPT, store_cursor_first(cursor, &name, &value, &err));
        assert_status(ST_CORRUPT, store_cursor_last(cursor, &name, &value, &err));
        store_cursor_close(&cursor);
        store_abort(&txn);
        store_close(&store);
    }
    close(fd);
}

TEST(deleting_leaves_a_file_that_opens_again)
{
    // Pages taken and given back in one transaction are not written; the file has to reach anyway.
    struct error err;
    char path[128];
    struct store *store = open_fresh(path);
    static uint8_t large[20000];
    for (unsigned round = 0; round < 8; round++) {
        struct store_txn *txn = NULL;
        assert_ok(store_begin_write(store, &txn, &err));
        for (uint8_t i = 1; i < 40; i++) {
            assert_ok(store_put(txn, ONE, bytes_of(&i, 1), bytes_of(large, sizeof(large)), &err));
        }
        for (uint8_t i = 1; i < 40; i++) {
            assert_ok(store_remove(txn, ONE, bytes_of(&i, 1), &err));
        }
        assert_ok(store_commit(&txn, &err));
        store_close(&store);
        store = open_at(path, 1 << 24, false);
    }
    store_close(&store);
}

TEST(an_environment_opened_for_reading_takes_no_writes)
{
    struct error err;
    char path[128];
    struct store *store = open_fresh(path);
    put_text(store, ONE, "key", "value");
    store_close(&store);
    struct store_options options = {
        .path = path, .map_bytes = 1 << 24, .names = names, .count = 2, .read_only = true
    };
    struct store_txn *txn = NULL;
    assert_ok(store_open(&options, &store, &err));
    assert_status(ST_DENIED, store_begin_write(store, &txn, &err));
    assert_true(has_text(store, ONE, "key", "value"));
    store_close(&store);
}

TEST(a_writer_killed_before_its_commit_leaves_nothing_behind)
{
    struct error err;
    char path[128];
    struct store *store = open_fresh(path);
    put_text(store, ONE, "kept", "value");
    store_close(&store);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store_txn *txn = NULL;
        store = open_at(path, 1 << 24, false);
        if (store_begin_write(store, &txn, &err) == ST_OK &&
            store_put(txn, ONE, bytes_text("lost"), bytes_text("value"), &err) == ST_OK) {
            raise(SIGKILL);
        }
        _exit(1);
    }
    int how = 0;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how));
    store = open_at(path, 1 << 24, false);
    assert_true(has_text(store, ONE, "kept", "value"));
    assert_false(has_text(store, ONE, "lost", "value"));
    put_text(store, ONE, "next", "value");
    store_close(&store);
}

TEST(an_environment_is_read_with_the_bound_that_its_writer_has)
{
    char path[128];
    struct error err;
    struct store_usage usage;
    struct store *store = open_fresh(path);
    const struct store_options reading = {
        .path = path, .names = names, .count = 2, .read_only = true
    };
    const struct store_options writing = { .path = path, .names = names, .count = 2 };
    assert_ok(store_usage(store, &usage, &err));
    uint64_t bound = usage.map_bytes;
    store_close(&store);
    assert_ok(store_open(&reading, &store, &err));
    assert_ok(store_usage(store, &usage, &err));
    assert_int_equal(usage.map_bytes, bound);
    store_close(&store);
    assert_status(ST_USAGE, store_open(&writing, &store, &err));
}
