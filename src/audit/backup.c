// Making and checking copies. A part that was written by a copy which did not come to its end is
// taken over when it is whole; the checkpoint at the end proves it like the others. One that does
// not fit is removed, so that nothing unproven stays.
#include "audit/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/backup_file.h"
#include "audit/meta.h"
#include "base/file.h"
#include "base/lock.h"

enum { PART_ROOM = AUDIT_BACKUP_PART_BYTES + 8 * 1024 * 1024 };

struct copying {
    const struct audit_backup_options *options;
    struct audit_backup_result *result;
    struct store *store;
    struct audit_backup_state state; // as it will be
    struct buffer part;
    uint64_t target; // size of the checkpoint
    int lock;
};

// ---- the folder

static enum status open_folder(struct copying *copying, struct error *err)
{
    char path[PATH_MAX];
    const char *folder = copying->options->folder;
    enum status status = file_make_folder(folder, 0700, err);
    if (status == ST_OK) {
        status = file_join(path, sizeof(path), folder, "entries", err);
    }
    if (status == ST_OK) {
        status = file_make_folder(path, 0700, err);
    }
    if (status != ST_OK) {
        return status;
    }
    return lock_folder(folder, "another backup is being made there", &copying->lock, err);
}

// ---- the log

// The log's own rows, and the term.
static enum status read_rows(struct copying *copying, struct error *err)
{
    struct store_txn *txn = NULL;
    struct store_cursor *cursor = NULL;
    struct bytes word;
    struct bytes value;
    buffer_clear(&copying->state.meta);
    enum status status = store_begin_read(copying->store, &txn, err);
    if (status == ST_OK) {
        status = store_cursor_open(txn, AUDIT_JOURNAL_META, &cursor, err);
    }
    if (status == ST_OK) {
        status = store_cursor_first(cursor, &word, &value, err);
    }
    while (status == ST_OK) {
        audit_backup_meta_add(&copying->state, word, value);
        status = store_cursor_next(cursor, &word, &value, err);
    }
    store_cursor_close(&cursor);
    status = status == ST_NOT_FOUND ? buffer_ok(&copying->state.meta, "rows", err) : status;
    if (status == ST_OK) {
        status = audit_meta_term(txn, &copying->state.term, err);
    }
    store_abort(&txn);
    return status == ST_OK ? audit_backup_meta_ring(&copying->state, err) : status;
}

static enum status open_log(struct copying *copying, struct error *err)
{
    char path[PATH_MAX];
    const char *home = copying->options->home;
    enum status status = file_join(path, sizeof(path), home, AUDIT_JOURNAL_FOLDER, err);
    struct store_options options = {
        .path = path,
        .map_bytes = copying->options->map_bytes,
        .names = audit_journal_tables,
        .count = AUDIT_JOURNAL_TABLES,
        .read_only = true,
    };
    return status == ST_OK ? store_open(&options, &copying->store, err) : status;
}

// The checkpoint is read before the log, so that the log is never behind it.
static enum status begin(struct copying *copying, struct error *err)
{
    char path[PATH_MAX];
    struct proof_checkpoint point;
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    enum status status = audit_backup_state_read(copying->options->folder, &copying->state, err);
    bool fresh = status == ST_NOT_FOUND;
    struct proof_key first = copying->state.ring.keys[0];
    copying->result->before = fresh ? 0 : copying->state.frontier.size;
    status = fresh ? ST_OK : status;
    if (status == ST_OK) {
        status =
            file_join(path, sizeof(path), copying->options->home, AUDIT_JOURNAL_PUBLISHED, err);
    }
    if (status == ST_OK) {
        status = file_read(path, PROOF_NOTE_MAX, &note, err);
    }
    if (status == ST_OK) {
        status = open_log(copying, err);
    }
    if (status == ST_OK) {
        status = read_rows(copying, err);
    }
    const struct proof_key *now = &copying->state.ring.keys[0];
    if (status == ST_OK && !fresh &&
        (strcmp(first.name, now->name) != 0 || !digest_equal(&first.key, &now->key))) {
        status = error_set(err, ST_DENIED, "%s is the backup of another log: %s",
                           copying->options->folder, first.name);
    }
    if (status == ST_OK) {
        status = proof_ring_open(&copying->state.ring, 0, buffer_view(&note), &point, err);
    }
    if (status == ST_OK && point.size < copying->result->before) {
        status =
            error_set(err, ST_UNPROVEN,
                      "the backup has %llu entries, the log has published %llu: it is an older "
                      "copy",
                      (unsigned long long)copying->result->before, (unsigned long long)point.size);
    }
    if (status == ST_OK) {
        copying->target = point.size;
        buffer_clear(&copying->state.note);
        buffer_bytes(&copying->state.note, buffer_view(&note));
        status = buffer_ok(&copying->state.note, "checkpoint", err);
    }
    buffer_fini(&note);
    return status;
}

// ---- entries

static enum status take_leaf(uint64_t index, const struct audit_record *record, struct bytes bytes,
                             void *context, struct error *err)
{
    struct proof_frontier *frontier = context;
    (void)index;
    (void)bytes;
    (void)err;
    proof_frontier_append(frontier, &record->leaf_hash);
    return ST_OK;
}

// One part from the log, under one short transaction.
static enum status copy_part(struct copying *copying, struct error *err)
{
    struct store_txn *txn = NULL;
    struct store_cursor *cursor = NULL;
    struct bytes key;
    struct bytes value;
    uint64_t first = copying->state.frontier.size;
    uint64_t index = first;
    struct audit_key from = audit_key_u64(first);
    audit_backup_part_begin(&copying->part, first);
    enum status status = store_begin_read(copying->store, &txn, err);
    if (status == ST_OK) {
        status = store_cursor_open(txn, AUDIT_JOURNAL_ENTRY, &cursor, err);
    }
    if (status == ST_OK) {
        status = store_cursor_seek(cursor, audit_key_view(&from), &key, &value, err);
    }
    while (status == ST_OK) {
        struct audit_record record;
        struct audit_key wanted = audit_key_u64(index);
        status =
            bytes_equal(key, audit_key_view(&wanted))
                ? audit_record_decode(value, index, &record, err)
                : error_set(err, ST_CORRUPT, "entry %llu is missing", (unsigned long long)index);
        if (status != ST_OK) {
            break;
        }
        audit_backup_part_add(&copying->part, value);
        proof_frontier_append(&copying->state.frontier, &record.leaf_hash);
        if (++index == copying->target || index - first == AUDIT_BACKUP_PART_ENTRIES ||
            copying->part.size >= AUDIT_BACKUP_PART_BYTES) {
            break;
        }
        status = store_cursor_next(cursor, &key, &value, err);
    }
    store_cursor_close(&cursor);
    store_abort(&txn);
    if (status == ST_NOT_FOUND) {
        return error_set(err, ST_UNPROVEN, "the log has %llu entries, %llu were published",
                         (unsigned long long)index, (unsigned long long)copying->target);
    }
    if (status == ST_OK) {
        status = audit_backup_part_write(copying->options->folder, first, &copying->part, err);
        copying->result->bytes += copying->part.size;
    }
    return status;
}

// A part that an earlier copy has left, if it is whole and does not go beyond the checkpoint.
static bool take_over(struct copying *copying)
{
    struct error err;
    struct proof_frontier after = copying->state.frontier;
    uint64_t count = 0;
    if (audit_backup_part_read(copying->options->folder, after.size, &copying->part, take_leaf,
                               &after, &count, &err) != ST_OK ||
        count == 0 || after.size > copying->target) {
        return false;
    }
    copying->state.frontier = after;
    return true;
}

// What was written behind the last proven size, and does not hold.
static void remove_unproven(const struct copying *copying, const uint64_t *firsts, size_t count)
{
    char path[PATH_MAX];
    for (size_t i = 0; i < count; i++) {
        if (audit_backup_part_path(copying->options->folder, firsts[i], path, NULL) == ST_OK) {
            unlink(path);
        }
    }
}

static enum status copy_entries(struct copying *copying, struct error *err)
{
    enum { LIST_STEP = 256 };
    uint64_t *firsts = NULL;
    size_t count = 0;
    enum status status = ST_OK;
    while (status == ST_OK && copying->state.frontier.size < copying->target) {
        if (count % LIST_STEP == 0) {
            uint64_t *grown = realloc(firsts, (count + LIST_STEP) * sizeof(*firsts));
            if (grown == NULL) {
                status = error_set(err, ST_NOMEM, "backup");
                break;
            }
            firsts = grown;
        }
        firsts[count++] = copying->state.frontier.size;
        status = take_over(copying) ? ST_OK : copy_part(copying, err);
        if (status == ST_OK && copying->options->progress != NULL) {
            copying->options->progress(copying->state.frontier.size, copying->target,
                                       copying->options->context);
        }
    }
    if (status == ST_OK) {
        status = audit_backup_state_prove(&copying->state, err);
        if (status != ST_OK) {
            remove_unproven(copying, firsts, count);
        }
    }
    free(firsts);
    return status;
}

enum status audit_backup(const struct audit_backup_options *options,
                         struct audit_backup_result *result, struct error *err)
{
    struct audit_backup_result done = { 0 };
    struct copying copying = { .options = options,
                               .result = &done,
                               .state = audit_backup_state_init(),
                               .part = buffer_init(PART_ROOM),
                               .lock = -1 };
    enum status status = open_folder(&copying, err);
    if (status == ST_OK) {
        status = begin(&copying, err);
    }
    if (status == ST_OK) {
        status = copy_entries(&copying, err);
    }
    if (status == ST_OK) {
        status = audit_backup_state_write(options->folder, &copying.state, err);
    }
    if (status == ST_OK) {
        done.size = copying.state.frontier.size;
        *result = done;
    }
    store_close(&copying.store);
    audit_backup_state_fini(&copying.state);
    buffer_fini(&copying.part);
    if (copying.lock >= 0) {
        close(copying.lock);
    }
    return status;
}
