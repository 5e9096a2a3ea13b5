// LMDB behind the door. Invariants: the environment is synced at every commit (no NOSYNC, no
// WRITEMAP, ever); read transactions are not tied to threads (NOTLS), each handle is used by one
// thread at a time; the file always reaches as far as its pages go, so that a file cut short is
// told at opening and not by a SIGBUS later. LMDB has no page checksums: damage inside a page is
// for the Merkle tree to find.
//
// No room or a broken disk? LMDB writes pages, syncs, and writes the meta page that makes them
// count; a write that the disk took only in part is EIO to it, as is a failed sync. No room
// (ST_FULL: a later commit may pass) is said only where the meta page was not tried, as MDB_PANIC
// to the next transaction would show, and where no write-back has failed since opening: the kernel
// tells that once to each open description of a file, so `witness_fd`, ours and for nothing else,
// hears of it even if LMDB has. What the disk has left says less: others take and give any moment.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <lmdb.h>

#include "base/file.h"
#include "store/handle.h"

enum { READERS_DEFAULT = 126 };

struct store {
    MDB_env *env;
    MDB_dbi tables[STORE_TABLES_MAX];
    int witness_fd; // see above; -1: opened for reading only
    store_commit_hook hook;
    void *hook_context;
    char path[PATH_MAX];
};

static enum status map_code(int code)
{
    switch (code) {
    case MDB_SUCCESS:
        return ST_OK;
    case MDB_NOTFOUND:
    case ENOENT:
        return ST_NOT_FOUND;
    case MDB_KEYEXIST:
        return ST_EXISTS;
    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return ST_FULL;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
        return ST_CORRUPT;
    case MDB_READERS_FULL:
        return ST_BUSY;
    case MDB_VERSION_MISMATCH:
    case MDB_INCOMPATIBLE:
        return ST_UNSUPPORTED;
    case MDB_BAD_VALSIZE:
        return ST_USAGE;
    case ENOMEM:
        return ST_NOMEM;
    default:
        return ST_IO;
    }
}

enum status store_fail(const struct store *store, const char *what, int code, struct error *err)
{
    return error_set(err, map_code(code), "store '%s': %s: %s", store->path, what,
                     mdb_strerror(code));
}

unsigned store_table_handle(const struct store *store, unsigned table)
{
    return store->tables[table];
}

// A change or commit failed. A change fails so where a large transaction writes pages ahead.
static enum status fail_write(const struct store *store, const char *what, int code,
                              struct error *err)
{
    enum status status = code == EIO ? ST_FULL : map_code(code);
    if (status == ST_FULL && fdatasync(store->witness_fd) != 0) {
        status = ST_IO;
    }
    return error_set(err, status, "store '%s': %s: %s%s", store->path, what, mdb_strerror(code),
                     status == ST_FULL && code == EIO ? " (a write was taken only in part)" : "");
}

static MDB_val value_of(struct bytes bytes)
{
    // LMDB's values are not const, but what is handed in is only read.
    return (MDB_val){ .mv_size = bytes.size, .mv_data = (void *)(uintptr_t)bytes.data };
}

static struct bytes bytes_from(const MDB_val *value)
{
    return bytes_of(value->mv_data, value->mv_size);
}

// ---- opening

// How many bytes the pages in use take, and how many the file has.
static enum status file_sizes(const struct store *store, uint64_t *pages, uint64_t *file,
                              struct error *err)
{
    MDB_envinfo info;
    MDB_stat page;
    struct stat stat;
    int fd = -1;
    int code = mdb_env_info(store->env, &info);
    if (code == MDB_SUCCESS) {
        code = mdb_env_stat(store->env, &page);
    }
    if (code == MDB_SUCCESS) {
        code = mdb_env_get_fd(store->env, &fd);
    }
    if (code == MDB_SUCCESS && fstat(fd, &stat) != 0) {
        code = errno;
    }
    if (code != MDB_SUCCESS) {
        return store_fail(store, "size of the file", code, err);
    }
    *pages = ((uint64_t)info.me_last_pgno + 1) * page.ms_psize;
    *file = (uint64_t)stat.st_size;
    return ST_OK;
}

static int open_tables(struct store *store, const struct store_options *options, bool create)
{
    MDB_txn *txn = NULL;
    int code = mdb_txn_begin(store->env, NULL, create ? 0 : MDB_RDONLY, &txn);
    for (unsigned i = 0; code == MDB_SUCCESS && i < options->count; i++) {
        code = mdb_dbi_open(txn, options->names[i], create ? MDB_CREATE : 0, &store->tables[i]);
    }
    if (code == MDB_SUCCESS) {
        return mdb_txn_commit(txn);
    }
    mdb_txn_abort(txn);
    return code;
}

static enum status open_environment(struct store *store, const struct store_options *options,
                                    struct error *err)
{
    unsigned flags = MDB_NOTLS;
    flags |= options->read_only ? (unsigned)MDB_RDONLY : 0;
    flags |= options->random_access ? (unsigned)MDB_NORDAHEAD : 0;
    int code = mdb_env_create(&store->env);
    if (code == MDB_SUCCESS && options->map_bytes != 0) { // else the one that the file has
        code = mdb_env_set_mapsize(store->env, options->map_bytes);
    }
    if (code == MDB_SUCCESS) {
        code = mdb_env_set_maxdbs(store->env, options->count);
    }
    if (code == MDB_SUCCESS) {
        code = mdb_env_set_maxreaders(store->env, options->readers_max == 0 ? READERS_DEFAULT
                                                                            : options->readers_max);
    }
    if (code == MDB_SUCCESS) {
        code = mdb_env_open(store->env, store->path, flags, 0600);
    }
    if (code != MDB_SUCCESS) {
        return store_fail(store, "open", code, err);
    }
    if (!options->read_only) {
        char path[PATH_MAX + sizeof("/data.mdb")];
        snprintf(path, sizeof(path), "%s/data.mdb", store->path);
        store->witness_fd = open(path, O_RDONLY | O_CLOEXEC);
        if (store->witness_fd < 0) {
            return error_errno(err, ST_IO, "store '%s': opening its file again", store->path);
        }
    }

    uint64_t pages = 0;
    uint64_t file = 0;
    enum status status = file_sizes(store, &pages, &file, err);
    if (status != ST_OK) {
        return status;
    }
    if (file < pages) {
        return error_set(err, ST_CORRUPT,
                         "store '%s': the file has %llu bytes where its pages take %llu: it was "
                         "cut short",
                         store->path, (unsigned long long)file, (unsigned long long)pages);
    }

    code = open_tables(store, options, false);
    if (code == MDB_NOTFOUND && options->create) {
        code = open_tables(store, options, true);
    }
    if (code != MDB_SUCCESS) {
        return store_fail(store, "tables", code, err);
    }
    return ST_OK;
}

enum status store_open(const struct store_options *options, struct store **store, struct error *err)
{
    if (options->count > STORE_TABLES_MAX) {
        return error_set(err, ST_USAGE, "store '%s': more than %d tables", options->path,
                         STORE_TABLES_MAX);
    }
    if (options->map_bytes == 0 && !options->read_only) {
        return error_set(err, ST_USAGE, "store '%s': no bound is given", options->path);
    }
    struct store *opened = calloc(1, sizeof(*opened));
    if (opened == NULL) {
        return error_set(err, ST_NOMEM, "store '%s'", options->path);
    }
    opened->witness_fd = -1;
    enum status status = ST_OK;
    if (snprintf(opened->path, sizeof(opened->path), "%s", options->path) >=
        (int)sizeof(opened->path)) {
        status = error_set(err, ST_USAGE, "store: path too long");
        goto out;
    }
    if (options->create) {
        status = file_make_folder(options->path, 0700, err);
        if (status != ST_OK) {
            goto out;
        }
    }
    status = open_environment(opened, options, err);
    if (status != ST_OK) {
        goto out;
    }
    if (!options->read_only) {
        status = store_reader_check(opened, err);
    }
out:
    if (status == ST_OK) {
        *store = opened;
    } else {
        store_close(&opened);
    }
    return status;
}

void store_close(struct store **store)
{
    if (*store != NULL) {
        if ((*store)->env != NULL) {
            mdb_env_close((*store)->env);
        }
        if ((*store)->witness_fd >= 0) {
            close((*store)->witness_fd);
        }
        free(*store);
        *store = NULL;
    }
}

// ---- transactions

static enum status begin(struct store *store, bool write, struct store_txn **txn, struct error *err)
{
    struct store_txn *begun = calloc(1, sizeof(*begun));
    if (begun == NULL) {
        return error_set(err, ST_NOMEM, "store '%s': transaction", store->path);
    }
    MDB_txn *made = NULL;
    int code = mdb_txn_begin(store->env, NULL, write ? 0 : MDB_RDONLY, &made);
    if (code != MDB_SUCCESS) {
        free(begun);
        return store_fail(store, "begin", code, err);
    }
    *begun = (struct store_txn){ .store = store, .library = made, .write = write };
    *txn = begun;
    return ST_OK;
}

enum status store_begin_read(struct store *store, struct store_txn **txn, struct error *err)
{
    return begin(store, false, txn, err);
}

enum status store_begin_write(struct store *store, struct store_txn **txn, struct error *err)
{
    if (store->witness_fd < 0) {
        return error_set(err, ST_DENIED, "store '%s': opened for reading only", store->path);
    }
    return begin(store, true, txn, err);
}

// Pages that were taken and given back within one transaction are never written, so the file may
// end before its pages do; see the invariants above.
static void reach_all_pages(struct store *store)
{
    uint64_t pages = 0;
    uint64_t file = 0;
    int fd = -1;
    if (file_sizes(store, &pages, &file, NULL) == ST_OK && file < pages &&
        mdb_env_get_fd(store->env, &fd) == MDB_SUCCESS && ftruncate(fd, (off_t)pages) != 0) {
        return; // tried again at the next commit; until then a crash costs a rebuild at worst
    }
}

// Whether LMDB would go on. After a meta page that could not be written it does not.
static bool goes_on(struct store *store)
{
    MDB_txn *txn = NULL;
    if (mdb_txn_begin(store->env, NULL, 0, &txn) != MDB_SUCCESS) {
        return false;
    }
    mdb_txn_abort(txn);
    return true;
}

enum status store_commit(struct store_txn **txn, struct error *err)
{
    struct store *store = (*txn)->store;
    if (store->hook != NULL) {
        enum status status = store->hook(false, store->hook_context);
        if (status != ST_OK) {
            store_abort(txn);
            return error_set(err, status, "store '%s': commit: made to fail", store->path);
        }
    }
    store_cursors_close(*txn);
    int code = mdb_txn_commit((*txn)->library);
    free(*txn);
    *txn = NULL;
    if (code != MDB_SUCCESS) {
        // Only lack of room is known to leave the environment as it was.
        if (fail_write(store, "commit", code, err) == ST_FULL && goes_on(store)) {
            return ST_FULL;
        }
        return error_set(err, ST_IO, "store '%s': commit: %s", store->path, mdb_strerror(code));
    }
    reach_all_pages(store);
    if (store->hook != NULL) {
        (void)store->hook(true, store->hook_context);
    }
    return ST_OK;
}

void store_abort(struct store_txn **txn)
{
    if (*txn != NULL) {
        store_cursors_close(*txn);
        mdb_txn_abort((*txn)->library);
        free(*txn);
        *txn = NULL;
    }
}

void store_pause(struct store_txn *txn)
{
    mdb_txn_reset(txn->library);
}

enum status store_resume(struct store_txn *txn, struct error *err)
{
    int code = mdb_txn_renew(txn->library);
    return code == MDB_SUCCESS ? ST_OK : store_fail(txn->store, "resume", code, err);
}

uint64_t store_state(const struct store_txn *txn)
{
    return mdb_txn_id(txn->library);
}

// ---- items

enum status store_get(struct store_txn *txn, unsigned table, struct bytes key, struct bytes *value,
                      struct error *err)
{
    MDB_val wanted = value_of(key);
    MDB_val found;
    int code = mdb_get(txn->library, txn->store->tables[table], &wanted, &found);
    if (code == MDB_NOTFOUND) {
        return ST_NOT_FOUND;
    }
    if (code != MDB_SUCCESS) {
        return store_fail(txn->store, "get", code, err);
    }
    *value = bytes_from(&found);
    return ST_OK;
}

static enum status put(struct store_txn *txn, unsigned table, struct bytes key, struct bytes value,
                       unsigned flags, struct error *err)
{
    MDB_val name = value_of(key);
    MDB_val content = value_of(value);
    int code = mdb_put(txn->library, txn->store->tables[table], &name, &content, flags);
    return code == MDB_SUCCESS ? ST_OK : fail_write(txn->store, "put", code, err);
}

enum status store_put(struct store_txn *txn, unsigned table, struct bytes key, struct bytes value,
                      struct error *err)
{
    return put(txn, table, key, value, 0, err);
}

enum status store_put_new(struct store_txn *txn, unsigned table, struct bytes key,
                          struct bytes value, struct error *err)
{
    return put(txn, table, key, value, MDB_NOOVERWRITE, err);
}

enum status store_append(struct store_txn *txn, unsigned table, struct bytes key, size_t size,
                         uint8_t **value, struct error *err)
{
    MDB_val name = value_of(key);
    MDB_val room = { .mv_size = size };
    int code =
        mdb_put(txn->library, txn->store->tables[table], &name, &room, MDB_APPEND | MDB_RESERVE);
    if (code != MDB_SUCCESS) {
        return fail_write(txn->store, "append", code, err);
    }
    *value = room.mv_data;
    return ST_OK;
}

enum status store_remove(struct store_txn *txn, unsigned table, struct bytes key, struct error *err)
{
    MDB_val name = value_of(key);
    int code = mdb_del(txn->library, txn->store->tables[table], &name, NULL);
    return code == MDB_SUCCESS ? ST_OK : fail_write(txn->store, "remove", code, err);
}

enum status store_count(struct store_txn *txn, unsigned table, uint64_t *count, struct error *err)
{
    MDB_stat stat;
    int code = mdb_stat(txn->library, txn->store->tables[table], &stat);
    if (code != MDB_SUCCESS) {
        return store_fail(txn->store, "count", code, err);
    }
    *count = stat.ms_entries;
    return ST_OK;
}

// ---- state

struct oldest {
    unsigned readers;
    uint64_t txnid;
};

// LMDB tells its readers as lines of text: process, thread, and the commit that each sees, "-" for
// none.
static int note_reader(const char *line, void *context)
{
    struct oldest *oldest = context;
    long pid = 0;
    unsigned long long txnid = 0;
    if (sscanf(line, "%ld %*s %llu", &pid, &txnid) == 2) {
        oldest->readers++;
        if (txnid < oldest->txnid) {
            oldest->txnid = txnid;
        }
    }
    return 0;
}

enum status store_usage(struct store *store, struct store_usage *usage, struct error *err)
{
    MDB_envinfo info;
    struct statvfs disk;
    uint64_t file = 0;
    int fd = -1;
    struct store_usage now = { 0 };
    enum status status = file_sizes(store, &now.used_bytes, &file, err);
    if (status != ST_OK) {
        return status;
    }
    // By the open file: its folder may have another name by now.
    if (mdb_env_get_fd(store->env, &fd) != MDB_SUCCESS || fstatvfs(fd, &disk) != 0) {
        return error_errno(err, ST_IO, "store '%s': space on the disk", store->path);
    }
    (void)mdb_env_info(store->env, &info); // it has just answered file_sizes()
    struct oldest oldest = { .txnid = info.me_last_txnid };
    if (mdb_reader_list(store->env, note_reader, &oldest) < 0) {
        return error_set(err, ST_IO, "store '%s': its readers cannot be listed", store->path);
    }
    now.map_bytes = info.me_mapsize;
    now.disk_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
    now.readers = oldest.readers;
    now.reader_lag = info.me_last_txnid - oldest.txnid;
    uint64_t bound = now.used_bytes + now.disk_bytes;
    if (bound > now.map_bytes) {
        bound = now.map_bytes;
    }
    now.used_permille = bound == 0 || now.used_bytes >= bound
                            ? 1000
                            : (unsigned)((double)now.used_bytes * 1000.0 / (double)bound);
    *usage = now;
    return ST_OK;
}

enum status store_reader_check(struct store *store, struct error *err)
{
    int dead = 0;
    int code = mdb_reader_check(store->env, &dead);
    return code == MDB_SUCCESS ? ST_OK : store_fail(store, "readers", code, err);
}

void store_set_commit_hook(struct store *store, store_commit_hook hook, void *context)
{
    store->hook = hook;
    store->hook_context = context;
}
