// Reading copies: proving a whole one, and making a log of it again. A restored log has the entries
// as they were, tiles made anew from them, the checkpoint that proves them, and the last term: its
// next writer takes the one behind. It is made beside its place and moved there when it is proven.
#include "audit/backup.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/backup_file.h"
#include "audit/tiles.h"
#include "base/clock.h"
#include "base/file.h"

enum { SCRATCH_BYTES = AUDIT_BACKUP_PART_BYTES + 8 * 1024 * 1024 };

struct reading {
    struct audit_backup_state state; // what the copy says
    struct proof_frontier frontier;  // what its entries give
    struct store_txn *txn;           // NULL: nothing is restored
    struct audit_edge *edge;
    struct buffer scratch;
    struct audit_backup_result *result;
};

static enum status put_tile(void *context, unsigned level, uint64_t number,
                            const struct digest *hashes, struct error *err)
{
    struct audit_key key = audit_key_tile(level, number);
    return store_put_new(context, AUDIT_JOURNAL_TILE, audit_key_view(&key),
                         bytes_of(hashes, AUDIT_TILE_BYTES), err);
}

static enum status take_entry(uint64_t index, const struct audit_record *record, struct bytes bytes,
                              void *context, struct error *err)
{
    struct reading *reading = context;
    proof_frontier_append(&reading->frontier, &record->leaf_hash);
    if (reading->txn == NULL) {
        return ST_OK;
    }
    uint8_t *room = NULL;
    struct audit_key key = audit_key_u64(index);
    enum status status = store_append(reading->txn, AUDIT_JOURNAL_ENTRY, audit_key_view(&key),
                                      bytes.size, &room, err);
    if (status == ST_OK) {
        memcpy(room, bytes.data, bytes.size);
        status = audit_edge_append(reading->edge, &record->leaf_hash, put_tile, reading->txn, err);
    }
    return status;
}

// ST_UNPROVEN unless the checkpoint is signed by a key that the caller trusts.
static enum status check_vkey(const struct reading *reading, const char *vkey, struct error *err)
{
    struct proof_ring trusted;
    struct proof_checkpoint point;
    if (vkey == NULL) {
        return ST_OK;
    }
    enum status status = proof_ring_vkeys(bytes_text(vkey), &trusted, err);
    if (status == ST_OK &&
        proof_ring_open(&trusted, 0, buffer_view(&reading->state.note), &point, err) != ST_OK) {
        return error_set(err, ST_UNPROVEN, "the backup is of the log %s, under another key",
                         reading->state.ring.keys[0].name);
    }
    return status;
}

static enum status begin(struct reading *reading, const char *folder, const char *vkey,
                         struct error *err)
{
    reading->state = audit_backup_state_init();
    reading->scratch = buffer_init(SCRATCH_BYTES);
    enum status status = audit_backup_state_read(folder, &reading->state, err);
    return status == ST_OK ? check_vkey(reading, vkey, err) : status;
}

static void end(struct reading *reading)
{
    audit_backup_state_fini(&reading->state);
    buffer_fini(&reading->scratch);
    free(reading->edge);
}

// The next part.
static enum status read_part(struct reading *reading, const char *folder, struct error *err)
{
    char path[PATH_MAX];
    uint64_t count = 0;
    uint64_t first = reading->frontier.size;
    enum status status =
        audit_backup_part_read(folder, first, &reading->scratch, take_entry, reading, &count, err);
    if (status == ST_OK && count == 0) {
        status = ST_NOT_FOUND;
    }
    if (status == ST_NOT_FOUND && audit_backup_part_path(folder, first, path, err) == ST_OK) {
        return error_set(err, ST_CORRUPT, "%s: missing or empty", path);
    }
    reading->result->bytes += reading->scratch.size;
    return status;
}

static enum status prove(struct reading *reading, const char *folder, struct error *err)
{
    struct digest root = proof_frontier_root(&reading->frontier);
    struct digest said = proof_frontier_root(&reading->state.frontier);
    if (reading->frontier.size != reading->state.frontier.size || !digest_equal(&root, &said)) {
        return error_set(err, ST_CORRUPT, "%s: its entries are not those that the log published",
                         folder);
    }
    reading->result->size = reading->frontier.size;
    return ST_OK;
}

enum status audit_backup_check(const char *folder, const char *vkey,
                               struct audit_backup_result *result, struct error *err)
{
    struct audit_backup_result done = { 0 };
    struct reading reading = { .result = &done };
    enum status status = begin(&reading, folder, vkey, err);
    while (status == ST_OK && reading.frontier.size < reading.state.frontier.size) {
        status = read_part(&reading, folder, err);
    }
    if (status == ST_OK) {
        status = prove(&reading, folder, err);
    }
    if (status == ST_OK) {
        *result = done;
    }
    end(&reading);
    return status;
}

// ---- restoring

static void clear_folder(const char *folder)
{
    static const char *const files[] = { "data.mdb", "lock.mdb" };
    char path[PATH_MAX + 16];
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
        unlink(path);
    }
    rmdir(folder);
}

static enum status put_row(struct bytes word, struct bytes value, void *context, struct error *err)
{
    return store_put_new(context, AUDIT_JOURNAL_META, word, value, err);
}

static enum status put_first_rows(struct reading *reading, struct store *store, struct error *err)
{
    struct audit_key term = audit_key_u64(reading->state.term);
    struct audit_key when = audit_key_u64((uint64_t)clock_wall_ms());
    struct audit_key point =
        audit_key_pair(reading->state.frontier.size, (uint64_t)clock_wall_ms());
    enum status status = store_begin_write(store, &reading->txn, err);
    if (status == ST_OK) {
        status = audit_backup_meta_each(&reading->state, put_row, reading->txn, err);
    }
    if (status == ST_OK) {
        status = store_put_new(reading->txn, AUDIT_JOURNAL_TERM, audit_key_view(&term),
                               audit_key_view(&when), err);
    }
    if (status == ST_OK) {
        status = store_put_new(reading->txn, AUDIT_JOURNAL_CHECKPOINT, audit_key_view(&point),
                               buffer_view(&reading->state.note), err);
    }
    if (status == ST_OK) {
        status = store_commit(&reading->txn, err);
    }
    store_abort(&reading->txn);
    return status;
}

static enum status restore_part(struct reading *reading, struct store *store, const char *folder,
                                struct error *err)
{
    enum status status = store_begin_write(store, &reading->txn, err);
    if (status == ST_OK) {
        status = read_part(reading, folder, err);
    }
    if (status == ST_OK) {
        status = store_commit(&reading->txn, err);
    }
    store_abort(&reading->txn);
    return status;
}

static enum status restore_store(struct reading *reading,
                                 const struct audit_backup_options *options, const char *path,
                                 struct error *err)
{
    struct store *store = NULL;
    struct store_options made = {
        .path = path,
        .map_bytes = options->map_bytes == 0 ? AUDIT_JOURNAL_MAP_BYTES : options->map_bytes,
        .names = audit_journal_tables,
        .count = AUDIT_JOURNAL_TABLES,
        .create = true,
    };
    reading->edge = calloc(1, sizeof(*reading->edge));
    enum status status = reading->edge == NULL ? error_set(err, ST_NOMEM, "restoring")
                                               : store_open(&made, &store, err);
    if (status == ST_OK) {
        status = put_first_rows(reading, store, err);
    }
    while (status == ST_OK && reading->frontier.size < reading->state.frontier.size) {
        status = restore_part(reading, store, options->folder, err);
        if (status == ST_OK && options->progress != NULL) {
            options->progress(reading->frontier.size, reading->state.frontier.size,
                              options->context);
        }
    }
    store_close(&store);
    return status == ST_OK ? prove(reading, options->folder, err) : status;
}

// Moves the log to its place; the published checkpoint stands there first.
static enum status settle(const struct reading *reading, const char *home, const char *made,
                          struct error *err)
{
    char place[PATH_MAX];
    char published[PATH_MAX];
    char lock[PATH_MAX + 16];
    snprintf(place, sizeof(place), "%s/" AUDIT_JOURNAL_FOLDER, home);
    snprintf(published, sizeof(published), "%s/" AUDIT_JOURNAL_PUBLISHED, home);
    snprintf(lock, sizeof(lock), "%s/lock.mdb", made);
    unlink(lock);
    enum status status = file_replace(published, buffer_view(&reading->state.note), 0600, err);
    return status == ST_OK ? file_move(made, place, err) : status;
}

// What the folder has published already, if its log was lost and this file was not. Behind it the
// log would begin to say something else: a fork, of which this file is the evidence.
static enum status check_published(const struct reading *reading, const char *home,
                                   struct error *err)
{
    char path[PATH_MAX];
    struct proof_checkpoint point;
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    enum status status = file_join(path, sizeof(path), home, AUDIT_JOURNAL_PUBLISHED, err);
    if (status == ST_OK) {
        status = file_read(path, PROOF_NOTE_MAX, &note, err);
    }
    if (status == ST_OK) {
        status = proof_ring_open(&reading->state.ring, 0, buffer_view(&note), &point, err);
        if (status != ST_OK) {
            error_wrap(err, "%s: not of the log of this backup; nothing was changed", path);
        } else if (point.size > reading->state.frontier.size) {
            status = error_set(err, ST_UNPROVEN,
                               "%s: the log has published %llu entries, the backup has %llu: this "
                               "origin must not go on; nothing was changed. To read the backup, "
                               "restore it into another folder",
                               path, (unsigned long long)point.size,
                               (unsigned long long)reading->state.frontier.size);
        }
    } else if (status == ST_NOT_FOUND) {
        status = ST_OK;
    }
    buffer_fini(&note);
    return status;
}

enum status audit_backup_restore(const struct audit_backup_options *options, const char *vkey,
                                 struct audit_backup_result *result, struct error *err)
{
    char there[PATH_MAX];
    char made[PATH_MAX];
    struct audit_backup_result done = { 0 };
    struct reading reading = { .result = &done };
    if (snprintf(there, sizeof(there), "%s/" AUDIT_JOURNAL_FOLDER "/data.mdb", options->home) >=
            (int)sizeof(there) ||
        snprintf(made, sizeof(made), "%s/log.restoring", options->home) >= (int)sizeof(made)) {
        return error_set(err, ST_USAGE, "%s: path too long", options->home);
    }
    if (file_exists(there)) {
        return error_set(err, ST_EXISTS, "%s has a log already; nothing was changed",
                         options->home);
    }
    enum status status = begin(&reading, options->folder, vkey, err);
    if (status == ST_OK) {
        status = check_published(&reading, options->home, err);
    }
    clear_folder(made);
    if (status == ST_OK) {
        status = file_make_folder(options->home, 0700, err);
    }
    if (status == ST_OK) {
        status = restore_store(&reading, options, made, err);
    }
    if (status == ST_OK) {
        status = settle(&reading, options->home, made, err);
    }
    if (status == ST_OK) {
        *result = done;
    } else {
        clear_folder(made);
    }
    end(&reading);
    return status;
}
