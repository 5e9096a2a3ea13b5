// The reading side of the log. A handle holds one read transaction, paused between requests; the
// size it works with is what that transaction sees, so the writer never disturbs it.
#include "audit/log.h"

#include <stdlib.h>

#include "audit/journal_inside.h"
#include "audit/keys.h"
#include "audit/tiles.h"

struct audit_log {
    struct audit_journal *journal;
    struct store_txn *txn; // paused outside begin..end
    bool begun;
    struct snapshot_item *edge_item;
    struct audit_tiles tiles;
};

enum status audit_log_create(struct audit_journal *journal, struct audit_log **log,
                             struct error *err)
{
    struct audit_log *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return error_set(err, ST_NOMEM, "log reader");
    }
    made->journal = journal;
    enum status status = store_begin_read(audit_journal_store(journal), &made->txn, err);
    if (status != ST_OK) {
        free(made);
        return status;
    }
    store_pause(made->txn);
    *log = made;
    return ST_OK;
}

void audit_log_destroy(struct audit_log **log)
{
    if (*log != NULL) {
        audit_log_end(*log);
        store_abort(&(*log)->txn);
        free(*log);
        *log = NULL;
    }
}

enum status audit_log_begin(struct audit_log *log, uint64_t *size, struct error *err)
{
    enum status status = store_resume(log->txn, err);
    if (status != ST_OK) {
        return status;
    }
    log->begun = true;
    log->tiles = (struct audit_tiles){ .txn = log->txn };
    status = audit_record_size(log->txn, &log->tiles.size, err);
    if (status != ST_OK) {
        audit_log_end(log);
        return status;
    }
    log->tiles.edge = audit_journal_pin_edge(log->journal, &log->edge_item);
    *size = log->tiles.size;
    return ST_OK;
}

void audit_log_end(struct audit_log *log)
{
    snapshot_unpin(&log->edge_item);
    if (log->begun) {
        store_pause(log->txn);
        log->begun = false;
    }
}

enum status audit_log_record(struct audit_log *log, uint64_t index, struct audit_record *record,
                             struct error *err)
{
    struct audit_key key = audit_key_u64(index);
    struct bytes value;
    enum status status =
        store_get(log->txn, AUDIT_JOURNAL_ENTRY, audit_key_view(&key), &value, err);
    if (status == ST_NOT_FOUND) {
        if (index < log->tiles.size) {
            return error_set(err, ST_CORRUPT, "entry %llu is missing", (unsigned long long)index);
        }
        return error_set(err, ST_NOT_FOUND, "no entry %llu, the log has %llu",
                         (unsigned long long)index, (unsigned long long)log->tiles.size);
    }
    return status == ST_OK ? audit_record_decode(value, index, record, err) : status;
}

enum status audit_log_scan(struct audit_log *log, uint64_t from, uint64_t limit,
                           bool (*visit)(uint64_t index, const struct audit_record *record,
                                         void *context),
                           void *context, struct error *err)
{
    struct store_cursor *cursor = NULL;
    struct audit_key first = audit_key_u64(from);
    struct bytes key;
    struct bytes value;
    if (from >= log->tiles.size || limit == 0) {
        return ST_OK;
    }
    uint64_t end = limit < log->tiles.size - from ? from + limit : log->tiles.size;
    enum status status = store_cursor_open(log->txn, AUDIT_JOURNAL_ENTRY, &cursor, err);
    if (status != ST_OK) {
        return status;
    }
    status = store_cursor_seek(cursor, audit_key_view(&first), &key, &value, err);
    for (uint64_t index = from; index < end; index++) {
        struct audit_record record;
        struct audit_key wanted = audit_key_u64(index);
        if (index > from && status == ST_OK) {
            status = store_cursor_next(cursor, &key, &value, err);
        }
        if (status == ST_NOT_FOUND ||
            (status == ST_OK && !bytes_equal(key, audit_key_view(&wanted)))) {
            status = error_set(err, ST_CORRUPT, "entry %llu is missing", (unsigned long long)index);
        }
        if (status == ST_OK) {
            status = audit_record_decode(value, index, &record, err);
        }
        if (status != ST_OK || !visit(index, &record, context)) {
            break;
        }
    }
    store_cursor_close(&cursor);
    return status;
}

enum status audit_log_body(struct audit_log *log, uint64_t index, const struct audit_record *record,
                           struct arena *arena, struct audit_body *body, struct error *err)
{
    uint8_t *plain = arena_take(arena, record->box.size);
    if (plain == NULL) {
        return error_set(err, ST_NOMEM, "entry %llu: its body", (unsigned long long)index);
    }
    return audit_record_body(audit_journal_vault(log->journal), audit_journal_origin(log->journal),
                             index, record, plain, body, err);
}

enum status audit_log_find_minute(struct audit_log *log, uint32_t minutes, uint64_t *index,
                                  struct error *err)
{
    uint64_t low = 0;
    uint64_t high = log->tiles.size;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        struct audit_record record;
        enum status status = audit_log_record(log, middle, &record, err);
        if (status != ST_OK) {
            return status;
        }
        if (record.minutes < minutes) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *index = low;
    return ST_OK;
}

// ---- the tree

static enum status check_size(const struct audit_log *log, uint64_t size, struct error *err)
{
    if (size > log->tiles.size) {
        return error_set(err, ST_NOT_FOUND, "no tree of %llu entries, the log has %llu",
                         (unsigned long long)size, (unsigned long long)log->tiles.size);
    }
    return ST_OK;
}

enum status audit_log_root(struct audit_log *log, uint64_t size, struct digest *root,
                           struct error *err)
{
    enum status status = check_size(log, size, err);
    return status == ST_OK ? proof_root(size, audit_tiles_node, &log->tiles, root, err) : status;
}

enum status audit_log_inclusion(struct audit_log *log, uint64_t index, uint64_t size,
                                struct buffer *path, struct error *err)
{
    struct proof_path found;
    enum status status = check_size(log, size, err);
    if (status == ST_OK && index >= size) {
        status = error_set(err, ST_NOT_FOUND, "no entry %llu in a tree of %llu",
                           (unsigned long long)index, (unsigned long long)size);
    }
    if (status == ST_OK) {
        status = proof_inclusion(index, size, audit_tiles_node, &log->tiles, &found, err);
    }
    if (status == ST_OK) {
        buffer_bytes(path, proof_path_view(&found));
        status = buffer_ok(path, "inclusion proof", err);
    }
    return status;
}

enum status audit_log_consistency(struct audit_log *log, uint64_t old_size, uint64_t size,
                                  struct buffer *path, struct error *err)
{
    struct proof_path found;
    enum status status = check_size(log, size, err);
    if (status == ST_OK) {
        status = proof_consistency(old_size, size, audit_tiles_node, &log->tiles, &found, err);
    }
    if (status == ST_OK) {
        buffer_bytes(path, proof_path_view(&found));
        status = buffer_ok(path, "consistency proof", err);
    }
    return status;
}

enum status audit_log_checkpoint(struct audit_log *log, uint64_t size, struct buffer *note,
                                 struct error *err)
{
    struct digest root;
    enum status status = check_size(log, size, err);
    if (status == ST_OK && audit_journal_note(log->journal, size, note)) {
        return buffer_ok(note, "checkpoint", err);
    }
    if (status == ST_OK) {
        status = audit_log_root(log, size, &root, err);
    }
    if (status == ST_OK) {
        audit_journal_sign(log->journal, size, &root, note);
        status = buffer_ok(note, "checkpoint", err);
    }
    return status;
}

enum status audit_log_tile(struct audit_log *log, unsigned level, uint64_t number, unsigned width,
                           uint64_t size, struct buffer *tile, struct error *err)
{
    struct digest hashes[AUDIT_TILE_HASHES];
    enum status status = check_size(log, size, err);
    if (status != ST_OK) {
        return status;
    }
    uint64_t have = level < AUDIT_TILE_LEVELS ? size >> (8 * level) : 0;
    if (width == 0 || width > AUDIT_TILE_HASHES || number > have / AUDIT_TILE_HASHES ||
        number * AUDIT_TILE_HASHES + width > have) {
        return error_set(err, ST_NOT_FOUND, "no tile %u/%llu of width %u in a tree of %llu", level,
                         (unsigned long long)number, width, (unsigned long long)size);
    }
    status = audit_tiles_read(&log->tiles, level, number, 0, width, hashes, err);
    if (status == ST_OK) {
        buffer_bytes(tile, bytes_of(hashes, width * sizeof(*hashes)));
        status = buffer_ok(tile, "tile", err);
    }
    return status;
}

// ---- receipts

// A copy of what the buffer holds, in the arena; frees the buffer.
static struct bytes move_to_arena(struct arena *arena, struct buffer *buffer)
{
    struct bytes copy = arena_copy(arena, buffer_view(buffer));
    buffer_fini(buffer);
    return copy;
}

// The receipt of an entry against the checkpoint that `note` holds, which is of `size` entries.
static enum status receipt_against(struct audit_log *log, uint64_t index, uint64_t size,
                                   struct bytes note, enum wire_part type, struct arena *arena,
                                   struct audit_receipt *receipt, struct error *err)
{
    struct audit_record record;
    struct audit_body body;
    struct buffer path = buffer_init(PROOF_PATH_MAX * DIGEST_BYTES);
    struct audit_part *parts = arena_take(arena, AUDIT_PARTS_MAX * sizeof(*parts));
    enum status status = parts == NULL ? error_set(err, ST_NOMEM, "receipt") : ST_OK;
    if (status == ST_OK) {
        status = audit_log_record(log, index, &record, err);
    }
    if (status == ST_OK) {
        status = audit_log_body(log, index, &record, arena, &body, err);
    }
    if (status == ST_OK) {
        status = audit_log_inclusion(log, index, size, &path, err);
    }
    if (status != ST_OK) {
        goto out;
    }
    for (size_t i = 0; i < body.count; i++) {
        parts[i].bytes = body.parts[i].bytes;
        parts[i].salt = body.parts[i].salt;
        parts[i].hash =
            proof_part_hash((uint8_t)body.parts[i].type, &body.parts[i].salt, body.parts[i].bytes);
    }
    struct bytes steps = path.size == 0 ? (struct bytes){ 0 } : move_to_arena(arena, &path);
    struct bytes checkpoint = arena_copy(arena, note);
    struct bytes leaf = arena_copy(arena, record.leaf);
    if (checkpoint.data == NULL || leaf.data == NULL ||
        steps.size != proof_inclusion_length(index, size) * DIGEST_BYTES) {
        status = error_set(err, ST_NOMEM, "receipt");
        goto out;
    }
    status =
        audit_receipt_fill(index, steps, checkpoint, leaf, record.class, parts, type, receipt, err);
out:
    buffer_fini(&path);
    return status;
}

enum status audit_log_receipt(struct audit_log *log, uint64_t index, uint64_t size,
                              enum wire_part type, struct arena *arena,
                              struct audit_receipt *receipt, struct error *err)
{
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    enum status status = audit_log_checkpoint(log, size, &note, err);
    if (status == ST_OK) {
        status = receipt_against(log, index, size, buffer_view(&note), type, arena, receipt, err);
    }
    buffer_fini(&note);
    return status;
}

enum status audit_log_key_receipt(struct audit_log *log, unsigned number, struct arena *arena,
                                  struct audit_receipt *receipt, struct error *err)
{
    uint64_t index;
    struct bytes note;
    struct proof_checkpoint checkpoint;
    enum status status = audit_keys_origin(log->txn, number, &index, &note, err);
    if (status == ST_OK) {
        status = audit_keys_open(audit_journal_keys(log->journal), note, &checkpoint, err);
    }
    if (status == ST_OK) {
        status = receipt_against(log, index, checkpoint.size, note, WIRE_PART_PUBLIC, arena,
                                 receipt, err);
    }
    return status;
}
