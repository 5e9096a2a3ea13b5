// No room told from a broken disk: writes cut short for real by the bound on a file's size, and
// syncs and meta pages that fail because the calls that LMDB makes pass through here.
#include "store/store.h"
#include "base/compiler.h"
#include "test.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE = 4096, META_PAGES = 2 };

static const char *const names[] = { "one" };

// ---- faults

static int sync_error;      // what every descriptor hears once more
static unsigned syncs_left; // how many hear it
static int meta_error;      // what a write of a meta page gives; -1: it is cut short

PUBLIC_API int fdatasync(int fd)
{
    if (syncs_left > 0) {
        syncs_left--;
        errno = sync_error;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

PUBLIC_API ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    if (meta_error != 0 && offset < META_PAGES * PAGE) {
        errno = meta_error;
        return meta_error < 0 ? (ssize_t)size / 2 : -1;
    }
    return (ssize_t)syscall(SYS_pwrite64, fd, bytes, size, offset);
}

// ---- the store

static struct store *open_at(const char *path)
{
    struct error err;
    struct store *store = NULL;
    struct store_options options = {
        .path = path, .map_bytes = 1 << 24, .names = names, .count = 1, .create = true
    };
    assert_ok(store_open(&options, &store, &err));
    return store;
}

static struct store *open_fresh(char path[128])
{
    snprintf(path, 128, "%s/env", test_directory());
    return open_at(path);
}

static off_t file_size(const char *path)
{
    char file[160];
    struct stat info;
    snprintf(file, sizeof(file), "%s/data.mdb", path);
    assert_int_equal(stat(file, &info), 0);
    return info.st_size;
}

static enum status put_large(struct store *store, uint8_t name, struct error *err)
{
    static const uint8_t large[5 * PAGE];
    struct store_txn *txn = NULL;
    enum status status = store_begin_write(store, &txn, err);
    if (status == ST_OK) {
        status = store_put(txn, 0, bytes_of(&name, 1), bytes_of(large, sizeof(large)), err);
    }
    if (status == ST_OK) {
        status = store_commit(&txn, err);
    }
    store_abort(&txn);
    return status;
}

static uint64_t count(struct store *store)
{
    struct error err;
    struct store_txn *txn = NULL;
    uint64_t items = 0;
    assert_ok(store_begin_read(store, &txn, &err));
    assert_ok(store_count(txn, 0, &items, &err));
    store_abort(&txn);
    return items;
}

static void bound_files(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

TEST(a_write_that_the_disk_takes_only_in_part_is_lack_of_room_and_the_store_goes_on)
{
    struct error err;
    char path[128];
    struct store *store = open_fresh(path);
    signal(SIGXFSZ, SIG_IGN);
    assert_ok(put_large(store, 0, &err));
    for (uint8_t i = 1; i < 40; i++) {
        // Cut at each place of a write: before it, within a page, between two.
        rlim_t bound = (rlim_t)file_size(path) + (rlim_t)(i % 16) * PAGE / 4;
        bound_files(bound);
        enum status status = put_large(store, i, &err);
        bound_files(RLIM_INFINITY);
        if (status != ST_FULL) {
            fail_msg("bound %llu: %s", (unsigned long long)bound, status_name(status));
        }
        assert_int_equal(count(store), i);
        assert_ok(put_large(store, i, &err));
    }
    store_close(&store);
    store = open_at(path);
    assert_int_equal(count(store), 40);
    store_close(&store);
}

TEST(a_failed_sync_is_never_taken_for_lack_of_room)
{
    struct error err;
    char path[128];
    // LMDB's descriptor hears of it, and so does the store's own.
    static const int errors[] = { EIO, ENOSPC, EDQUOT };
    for (size_t i = 0; i < ARRAY_COUNT(errors); i++) {
        struct store *store = open_fresh(path);
        sync_error = errors[i];
        syncs_left = 2;
        assert_status(ST_IO, put_large(store, 1, &err));
        assert_int_equal(syncs_left, 0);
        assert_int_equal(count(store), 0);
        store_close(&store);
    }
}

TEST(a_cut_write_after_a_failed_write_back_is_not_taken_for_lack_of_room_alone)
{
    struct error err;
    char path[128];
    struct store *store = open_fresh(path);
    signal(SIGXFSZ, SIG_IGN);
    bound_files((rlim_t)file_size(path) + PAGE / 2);
    sync_error = EIO;
    syncs_left = 1;
    enum status status = put_large(store, 1, &err);
    bound_files(RLIM_INFINITY);
    assert_status(ST_IO, status);
    store_close(&store);
}

TEST(after_a_meta_page_that_was_not_written_nothing_goes_on)
{
    struct error err;
    char path[128];
    static const int errors[] = { -1, EIO, ENOSPC };
    for (size_t i = 0; i < ARRAY_COUNT(errors); i++) {
        struct store *store = open_fresh(path);
        meta_error = errors[i];
        enum status status = put_large(store, 1, &err);
        meta_error = 0;
        assert_status(ST_IO, status);
        assert_status(ST_IO, put_large(store, 1, &err));
        store_close(&store);
    }
}
