// What was published, and the queue of rows between the publisher, who adds, and the recorder, who
// writes them with its next append: a list with one atomic head, pushed to by both and taken whole.
#include "audit/published.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "audit/keys.h"
#include "base/clock.h"
#include "base/file.h"

struct audit_published_row {
    struct audit_published_row *next;
    uint64_t size;
    uint64_t when_ms;
    size_t note_size;
    uint8_t note[];
};

// The highest; immutable.
struct highest {
    uint64_t size;
    size_t note_size;
    uint8_t note[];
};

struct audit_published {
    const struct audit_keys *keys;
    char path[PATH_MAX];
    struct snapshot *highest;
    _Atomic(struct audit_published_row *) rows;
};

enum status audit_published_create(const char *home, const struct audit_keys *keys,
                                   struct audit_published **published, struct error *err)
{
    struct audit_published *made = calloc(1, sizeof(*made));
    if (made == NULL || (made->highest = snapshot_create(free)) == NULL) {
        free(made);
        return error_set(err, ST_NOMEM, "published checkpoint");
    }
    if (snprintf(made->path, sizeof(made->path), "%s/" AUDIT_JOURNAL_PUBLISHED, home) >=
        (int)sizeof(made->path)) {
        audit_published_destroy(&made);
        return error_set(err, ST_USAGE, "log: path too long");
    }
    made->keys = keys;
    *published = made;
    return ST_OK;
}

void audit_published_destroy(struct audit_published **published)
{
    if (*published != NULL) {
        audit_published_drop(audit_published_take(*published));
        snapshot_destroy(&(*published)->highest);
        free(*published);
        *published = NULL;
    }
}

// ---- the queue of rows

static void push(struct audit_published *published, struct audit_published_row *row)
{
    row->next = atomic_load(&published->rows);
    while (!atomic_compare_exchange_weak(&published->rows, &row->next, row)) {
    }
}

static bool queue_row(struct audit_published *published, uint64_t size, struct bytes note)
{
    struct audit_published_row *row = malloc(sizeof(*row) + note.size);
    if (row == NULL) {
        return false;
    }
    row->size = size;
    row->when_ms = (uint64_t)clock_wall_ms();
    row->note_size = note.size;
    memcpy(row->note, note.data, note.size);
    push(published, row);
    return true;
}

struct audit_published_row *audit_published_take(struct audit_published *published)
{
    return atomic_exchange(&published->rows, NULL);
}

enum status audit_published_write(const struct audit_published_row *rows, struct store_txn *txn,
                                  struct error *err)
{
    for (; rows != NULL; rows = rows->next) {
        struct audit_key key = audit_key_pair(rows->size, rows->when_ms);
        enum status status = store_put_new(txn, AUDIT_JOURNAL_CHECKPOINT, audit_key_view(&key),
                                           bytes_of(rows->note, rows->note_size), err);
        if (status != ST_OK && status != ST_EXISTS) {
            return status;
        }
    }
    return ST_OK;
}

void audit_published_drop(struct audit_published_row *rows)
{
    while (rows != NULL) {
        struct audit_published_row *next = rows->next;
        free(rows);
        rows = next;
    }
}

void audit_published_return(struct audit_published *published, struct audit_published_row *rows)
{
    while (rows != NULL) {
        struct audit_published_row *next = rows->next;
        push(published, rows);
        rows = next;
    }
}

// ---- the highest

// Remembers a checkpoint, unless a higher one is known.
static enum status remember(struct audit_published *published, uint64_t size, struct bytes note,
                            struct error *err)
{
    struct snapshot_item *item = NULL;
    const struct highest *known = snapshot_pin(published->highest, &item);
    bool higher = known == NULL || known->size <= size;
    snapshot_unpin(&item);
    if (!higher) {
        return ST_OK;
    }
    struct highest *highest = malloc(sizeof(*highest) + note.size);
    if (highest != NULL) {
        highest->size = size;
        highest->note_size = note.size;
        memcpy(highest->note, note.data, note.size);
    }
    if (highest == NULL || !snapshot_swap(published->highest, highest)) {
        free(highest);
        return error_set(err, ST_NOMEM, "published checkpoint");
    }
    return ST_OK;
}

// Compares the log with one published checkpoint, and remembers it when it is the highest.
static enum status check(struct audit_published *published, struct audit_tiles *tiles,
                         struct bytes note, const char *where, struct error *err)
{
    struct proof_checkpoint checkpoint;
    struct digest root;
    enum status status = audit_keys_open(published->keys, note, &checkpoint, err);
    if (status != ST_OK) {
        (void)error_wrap(err, "published checkpoint in %s", where);
        return ST_UNPROVEN;
    }
    if (checkpoint.size > tiles->size) {
        return error_set(err, ST_UNPROVEN,
                         "the log has %llu entries, %llu were published (%s): an older copy was "
                         "restored, or entries are lost; this origin must not go on",
                         (unsigned long long)tiles->size, (unsigned long long)checkpoint.size,
                         where);
    }
    status = proof_root(checkpoint.size, audit_tiles_node, tiles, &root, err);
    if (status == ST_OK && !digest_equal(&root, &checkpoint.root)) {
        status = error_set(err, ST_UNPROVEN,
                           "the first %llu entries are not those that were published (%s)",
                           (unsigned long long)checkpoint.size, where);
    }
    return status == ST_OK ? remember(published, checkpoint.size, note, err) : status;
}

enum status audit_published_open(struct audit_published *published, struct audit_tiles *tiles,
                                 struct error *err)
{
    struct buffer file = buffer_init(PROOF_NOTE_MAX);
    struct bytes row = { 0 };
    struct snapshot_item *item = NULL;
    uint64_t row_size = 0;
    enum status status =
        audit_record_last(tiles->txn, AUDIT_JOURNAL_CHECKPOINT, &row_size, &row, err);
    if (status == ST_OK) {
        status = check(published, tiles, row, "the log", err);
    }
    if (status != ST_OK && status != ST_NOT_FOUND) {
        goto out;
    }
    // The file is looked at second: at the same size it may have more witnesses than the row.
    status = file_read(published->path, PROOF_NOTE_MAX, &file, err);
    if (status == ST_OK) {
        status = check(published, tiles, buffer_view(&file), published->path, err);
    }
    if (status != ST_OK && status != ST_NOT_FOUND) {
        status = status == ST_MALFORMED ? ST_UNPROVEN : status;
        goto out;
    }
    status = ST_OK;
    const struct highest *highest = snapshot_pin(published->highest, &item);
    if (highest == NULL) {
        goto out;
    }
    struct bytes note = bytes_of(highest->note, highest->note_size);
    if (!bytes_equal(note, buffer_view(&file))) {
        status = file_replace(published->path, note, 0600, err);
    }
    if (status == ST_OK && !bytes_equal(note, row) && !queue_row(published, highest->size, note)) {
        status = error_set(err, ST_NOMEM, "published checkpoint");
    }
out:
    snapshot_unpin(&item);
    buffer_fini(&file);
    return status;
}

enum status audit_published_raise(struct audit_published *published,
                                  const struct proof_checkpoint *checkpoint, struct bytes note,
                                  struct error *err)
{
    struct snapshot_item *item = NULL;
    const struct highest *known = snapshot_pin(published->highest, &item);
    uint64_t lowest = known == NULL ? 0 : known->size;
    snapshot_unpin(&item);
    if (checkpoint->size < lowest) {
        return error_set(err, ST_UNPROVEN, "checkpoint of %llu entries below the published %llu",
                         (unsigned long long)checkpoint->size, (unsigned long long)lowest);
    }
    enum status status = file_replace(published->path, note, 0600, err);
    if (status == ST_OK) {
        status = remember(published, checkpoint->size, note, err);
    }
    if (status == ST_OK && !queue_row(published, checkpoint->size, note)) {
        status = error_set(err, ST_NOMEM, "published checkpoint");
    }
    return status;
}

enum status audit_published_get(struct audit_published *published, uint64_t *size,
                                struct buffer *note, struct error *err)
{
    struct snapshot_item *item = NULL;
    const struct highest *highest = snapshot_pin(published->highest, &item);
    if (highest == NULL) {
        return error_set(err, ST_NOT_FOUND, "no checkpoint has been published yet");
    }
    buffer_bytes(note, bytes_of(highest->note, highest->note_size));
    enum status status = buffer_ok(note, "checkpoint", err);
    if (status == ST_OK) {
        *size = highest->size;
    }
    snapshot_unpin(&item);
    return status;
}

bool audit_published_note(struct audit_published *published, uint64_t size, struct buffer *note)
{
    struct snapshot_item *item = NULL;
    const struct highest *highest = snapshot_pin(published->highest, &item);
    bool same = highest != NULL && highest->size == size;
    if (same) {
        buffer_bytes(note, bytes_of(highest->note, highest->note_size));
    }
    snapshot_unpin(&item);
    return same;
}
