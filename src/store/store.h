// The door to LMDB: an environment with a fixed list of tables, transactions, cursors. Keys are at
// most 511 bytes and sort as bytes, so integers in keys are big-endian. An environment is opened
// once in a process and never used after fork(). Sync is never switched off.
//
// Threads: one write transaction at a time (store_begin_write() waits for its turn); any number of
// read transactions, each used by one thread at a time. A read transaction lives for one request:
// a longer one keeps old pages and the file grows.
#pragma once

#include "base/bytes.h"
#include "base/error.h"

struct store;
struct store_txn;
struct store_cursor;

enum { STORE_KEY_BYTES_MAX = 511, STORE_TABLES_MAX = 16 };

struct store_options {
    const char *path;         // folder of the environment; made when `create`
    size_t map_bytes;         // upper bound of its size; takes no disk space until used. 0 with
                              // read_only: the bound that its writer has
    const char *const *names; // the tables; a table is named below by its place in this list
    unsigned count;           // how many
    unsigned readers_max;     // read transactions at once, of all processes; 0: 126
    bool create;              // make folder and tables where they are missing
    bool read_only;           // no write transaction will be asked for
    bool random_access;       // no read-ahead: for data larger than memory that is looked up
};

// ST_NOT_FOUND: no environment or table there and not `create`. ST_CORRUPT: the file is damaged or
// cut short. ST_IO: the system refuses.
NODISCARD enum status store_open(const struct store_options *options, struct store **store,
                                 struct error *err);

// No transaction may be left. Harmless on NULL.
void store_close(struct store **store);

// ---- transactions

NODISCARD enum status store_begin_read(struct store *store, struct store_txn **txn,
                                       struct error *err);
NODISCARD enum status store_begin_write(struct store *store, struct store_txn **txn,
                                        struct error *err);

// Makes a write transaction durable and ends it; *txn is NULL afterwards whatever comes back.
// ST_FULL: no space on the disk, in the quota or in the map, also where the disk took a part of a
// write; the transaction counts for nothing, the environment stays good, a later one may pass.
// Anything else but ST_OK: it is not known what reached the disk; stop using the environment.
NODISCARD enum status store_commit(struct store_txn **txn, struct error *err);

// Ends a transaction of either kind without a trace. Harmless on NULL.
void store_abort(struct store_txn **txn);

// Lets go of what a read transaction sees but keeps its place; its cursors must be closed.
void store_pause(struct store_txn *txn);

// A paused read transaction sees the newest state again. Cheap: no lock, no allocation.
NODISCARD enum status store_resume(struct store_txn *txn, struct error *err);

// Tells the states of a store apart: one that a read transaction sees and, where that is the same
// number, the one that it saw before it was paused. What was borrowed from that is good again.
uint64_t store_state(const struct store_txn *txn);

// ---- items. What is returned is borrowed until the transaction ends or (in a write transaction)
// the next change.

// ST_NOT_FOUND sets no message worth reading: it is an answer.
NODISCARD enum status store_get(struct store_txn *txn, unsigned table, struct bytes key,
                                struct bytes *value, struct error *err);

// Adds or replaces.
NODISCARD enum status store_put(struct store_txn *txn, unsigned table, struct bytes key,
                                struct bytes value, struct error *err);

// Adds; ST_EXISTS when the key is there.
NODISCARD enum status store_put_new(struct store_txn *txn, unsigned table, struct bytes key,
                                    struct bytes value, struct error *err);

// Adds behind the last key; ST_EXISTS when `key` is not greater than that. `*value` gets `size`
// bytes of room, to be filled before the next call.
NODISCARD enum status store_append(struct store_txn *txn, unsigned table, struct bytes key,
                                   size_t size, uint8_t **value, struct error *err);

// ST_NOT_FOUND when it was not there.
NODISCARD enum status store_remove(struct store_txn *txn, unsigned table, struct bytes key,
                                   struct error *err);

// How many items the table has.
NODISCARD enum status store_count(struct store_txn *txn, unsigned table, uint64_t *count,
                                  struct error *err);

// ---- cursors. Close them before their transaction ends or is paused; one of a read transaction
// that was closed costs nothing to open again. Each move gives ST_NOT_FOUND where there is no such
// item. A key that is given has 1 to STORE_KEY_BYTES_MAX bytes, whatever is in the file.

NODISCARD enum status store_cursor_open(struct store_txn *txn, unsigned table,
                                        struct store_cursor **cursor, struct error *err);
void store_cursor_close(struct store_cursor **cursor);
NODISCARD enum status store_cursor_seek(struct store_cursor *cursor, struct bytes from,
                                        struct bytes *key, struct bytes *value, struct error *err);
NODISCARD enum status store_cursor_first(struct store_cursor *cursor, struct bytes *key,
                                         struct bytes *value, struct error *err);
NODISCARD enum status store_cursor_last(struct store_cursor *cursor, struct bytes *key,
                                        struct bytes *value, struct error *err);
NODISCARD enum status store_cursor_next(struct store_cursor *cursor, struct bytes *key,
                                        struct bytes *value, struct error *err);
NODISCARD enum status store_cursor_prev(struct store_cursor *cursor, struct bytes *key,
                                        struct bytes *value, struct error *err);

// ---- state

struct store_usage {
    uint64_t used_bytes;    // pages in use, free ones inside the file not counted off
    uint64_t map_bytes;     // the bound
    uint64_t disk_bytes;    // what the file system still has for us
    unsigned used_permille; // of what map and disk together allow
    unsigned readers;       // read transactions open now
    uint64_t reader_lag;    // how many commits the oldest of them is behind
};

// Any thread.
NODISCARD enum status store_usage(struct store *store, struct store_usage *usage,
                                  struct error *err);

// Frees the places of readers whose process has died. Called at opening; call it every minute.
NODISCARD enum status store_reader_check(struct store *store, struct error *err);

// ---- for tests

// Called around each commit: before it (`committed` false; a status other than ST_OK makes the
// commit fail with it, nothing written) and after it (`committed` true; the status is ignored).
typedef enum status (*store_commit_hook)(bool committed, void *context);
void store_set_commit_hook(struct store *store, store_commit_hook hook, void *context);
