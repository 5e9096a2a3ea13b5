// Cursors. One that is closed stays with its read transaction and is used again for the same table,
// also after the transaction was paused: whoever looks things up opens several for each of them.
#include <stdlib.h>

#include <lmdb.h>

#include "store/handle.h"

struct store_cursor {
    struct store_txn *txn;
    MDB_cursor *cursor;
    unsigned table;
    struct store_cursor *next; // spare
};

static enum status use_again(struct store_txn *txn, unsigned table, struct store_cursor **cursor,
                             struct error *err)
{
    struct store_cursor *spare = txn->spare[table];
    int code = mdb_cursor_renew(txn->library, spare->cursor);
    if (code != MDB_SUCCESS) {
        return store_fail(txn->store, "cursor", code, err);
    }
    txn->spare[table] = spare->next;
    *cursor = spare;
    return ST_OK;
}

enum status store_cursor_open(struct store_txn *txn, unsigned table, struct store_cursor **cursor,
                              struct error *err)
{
    if (txn->spare[table] != NULL) {
        return use_again(txn, table, cursor, err);
    }
    struct store_cursor *opened = calloc(1, sizeof(*opened));
    if (opened == NULL) {
        return error_set(err, ST_NOMEM, "store: cursor");
    }
    opened->txn = txn;
    opened->table = table;
    int code =
        mdb_cursor_open(txn->library, store_table_handle(txn->store, table), &opened->cursor);
    if (code != MDB_SUCCESS) {
        free(opened);
        return store_fail(txn->store, "cursor", code, err);
    }
    *cursor = opened;
    return ST_OK;
}

static void destroy(struct store_cursor *cursor)
{
    mdb_cursor_close(cursor->cursor);
    free(cursor);
}

void store_cursor_close(struct store_cursor **cursor)
{
    struct store_cursor *closed = *cursor;
    *cursor = NULL;
    if (closed == NULL) {
        return;
    }
    if (closed->txn->write) { // LMDB has no other use for it
        destroy(closed);
        return;
    }
    closed->next = closed->txn->spare[closed->table];
    closed->txn->spare[closed->table] = closed;
}

void store_cursors_close(struct store_txn *txn)
{
    for (size_t i = 0; i < ARRAY_COUNT(txn->spare); i++) {
        while (txn->spare[i] != NULL) {
            struct store_cursor *spare = txn->spare[i];
            txn->spare[i] = spare->next;
            destroy(spare);
        }
    }
}

static enum status move(struct store_cursor *cursor, MDB_cursor_op op, struct bytes from,
                        struct bytes *key, struct bytes *value, struct error *err)
{
    // LMDB's values are not const, but what is handed in is only read.
    MDB_val name = { .mv_size = from.size, .mv_data = (void *)(uintptr_t)from.data };
    MDB_val content = { 0 };
    int code = mdb_cursor_get(cursor->cursor, &name, &content, op);
    if (code == MDB_NOTFOUND) {
        return ST_NOT_FOUND;
    }
    if (code != MDB_SUCCESS) {
        return store_fail(cursor->txn->store, "cursor", code, err);
    }
    if (name.mv_size == 0 || name.mv_size > STORE_KEY_BYTES_MAX) {
        return store_fail(cursor->txn->store, "a key of a length that none has", MDB_CORRUPTED,
                          err);
    }
    *key = bytes_of(name.mv_data, name.mv_size);
    *value = bytes_of(content.mv_data, content.mv_size);
    return ST_OK;
}

enum status store_cursor_seek(struct store_cursor *cursor, struct bytes from, struct bytes *key,
                              struct bytes *value, struct error *err)
{
    if (from.size == 0) { // LMDB has no empty keys
        return move(cursor, MDB_FIRST, from, key, value, err);
    }
    return move(cursor, MDB_SET_RANGE, from, key, value, err);
}

enum status store_cursor_first(struct store_cursor *cursor, struct bytes *key, struct bytes *value,
                               struct error *err)
{
    return move(cursor, MDB_FIRST, (struct bytes){ 0 }, key, value, err);
}

enum status store_cursor_last(struct store_cursor *cursor, struct bytes *key, struct bytes *value,
                              struct error *err)
{
    return move(cursor, MDB_LAST, (struct bytes){ 0 }, key, value, err);
}

enum status store_cursor_next(struct store_cursor *cursor, struct bytes *key, struct bytes *value,
                              struct error *err)
{
    return move(cursor, MDB_NEXT, (struct bytes){ 0 }, key, value, err);
}

enum status store_cursor_prev(struct store_cursor *cursor, struct bytes *key, struct bytes *value,
                              struct error *err)
{
    return move(cursor, MDB_PREV, (struct bytes){ 0 }, key, value, err);
}
