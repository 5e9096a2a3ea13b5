// A broker's folder as a source of leaves and proofs. One short read transaction a call, so that a
// running broker's pages are not pinned. The checkpoint is read before the first of them: the log
// is never behind what it published.
#include "audit/export.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "audit/tiles.h"
#include "base/file.h"

struct audit_home {
    struct store *store;
    struct buffer note;
};

static enum status open_store(const char *home, struct store **store, struct error *err)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof(path), "%s/" AUDIT_JOURNAL_FOLDER, home) >= (int)sizeof(path)) {
        return error_set(err, ST_USAGE, "%s: path too long", home);
    }
    struct store_options options = {
        .path = path,
        .names = audit_journal_tables,
        .count = AUDIT_JOURNAL_TABLES,
        .read_only = true,
    };
    return store_open(&options, store, err);
}

enum status audit_home_open(const char *home, struct audit_home **opened, struct error *err)
{
    char path[PATH_MAX];
    struct audit_home *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return error_set(err, ST_NOMEM, "%s", home);
    }
    made->note = buffer_init(PROOF_NOTE_MAX);
    enum status status =
        snprintf(path, sizeof(path), "%s/" AUDIT_JOURNAL_PUBLISHED, home) < (int)sizeof(path)
            ? file_read(path, PROOF_NOTE_MAX, &made->note, err)
            : error_set(err, ST_USAGE, "%s: path too long", home);
    if (status == ST_OK) {
        status = open_store(home, &made->store, err);
    }
    if (status != ST_OK) {
        audit_home_close(&made);
        return status;
    }
    *opened = made;
    return ST_OK;
}

void audit_home_close(struct audit_home **home)
{
    if (*home != NULL) {
        store_close(&(*home)->store);
        buffer_fini(&(*home)->note);
        free(*home);
        *home = NULL;
    }
}

struct bytes audit_home_note(const struct audit_home *home)
{
    return buffer_view(&home->note);
}

static enum status read_leaves(struct store_txn *txn, uint64_t from, uint64_t count,
                               struct buffer *leaves, struct error *err)
{
    for (uint64_t index = from; index < from + count; index++) {
        struct audit_key key = audit_key_u64(index);
        struct audit_record record;
        struct bytes value;
        enum status status = store_get(txn, AUDIT_JOURNAL_ENTRY, audit_key_view(&key), &value, err);
        if (status == ST_OK) {
            status = audit_record_decode(value, index, &record, err);
        }
        if (status != ST_OK) {
            return error_wrap(err, "entry %llu", (unsigned long long)index);
        }
        buffer_bytes(leaves, record.leaf);
    }
    return buffer_ok(leaves, "leaves", err);
}

static enum status home_leaves(void *context, uint64_t from, uint64_t count, struct buffer *leaves,
                               struct error *err)
{
    struct audit_home *home = context;
    struct store_txn *txn = NULL;
    enum status status = store_begin_read(home->store, &txn, err);
    if (status == ST_OK) {
        status = read_leaves(txn, from, count, leaves, err);
    }
    store_abort(&txn);
    return status;
}

static enum status home_consistency(void *context, uint64_t from, uint64_t to, struct buffer *path,
                                    struct error *err)
{
    struct audit_home *home = context;
    struct audit_tiles tiles = { .size = to };
    struct proof_path found;
    enum status status = store_begin_read(home->store, &tiles.txn, err);
    if (status == ST_OK) {
        status = proof_consistency(from, to, audit_tiles_node, &tiles, &found, err);
    }
    store_abort(&tiles.txn);
    if (status == ST_OK) {
        buffer_bytes(path, proof_path_view(&found));
        status = buffer_ok(path, "consistency proof", err);
    }
    return status;
}

struct audit_source audit_home_source(struct audit_home *home)
{
    return (struct audit_source){ .leaves = home_leaves,
                                  .consistency = home_consistency,
                                  .context = home };
}
