// Inside of the store's door: what transactions and cursors share.
#pragma once

#include "store/store.h"

struct store_txn {
    struct store *store;
    void *library; // the library's transaction
    bool write;
    struct store_cursor *spare[STORE_TABLES_MAX]; // of each table, to be used again; reading only
};

// The library's number of a table.
unsigned store_table_handle(const struct store *store, unsigned table);

// Says what the library said. `code` is its own.
enum status store_fail(const struct store *store, const char *what, int code, struct error *err);

// Closes the cursors that a transaction keeps.
void store_cursors_close(struct store_txn *txn);
