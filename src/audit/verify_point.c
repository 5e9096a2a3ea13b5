// The checker's checkpoints: the rows of the published ones, HOME/log.published, and those that
// were kept elsewhere and given. A checkpoint is compared with both trees: when the tiles fit it,
// the entries that differ have been named already; when neither does, whatever lies behind the last
// checkpoint that fitted is in doubt.
#include "audit/verify_walk.h"

#include <limits.h>
#include <stdio.h>

#include "base/file.h"
#include "base/reader.h"

// Compares a verified checkpoint with the trees as they stand at its size.
static void compare(struct audit_walk *walk, const struct proof_checkpoint *point,
                    const char *where)
{
    struct digest leaves;
    struct digest stored;
    audit_walk_roots(walk, &leaves, &stored);
    walk->result.checkpoints++;
    if (digest_equal(&point->root, &leaves)) {
        walk->fitted = point->size;
    } else if (!digest_equal(&point->root, &stored)) {
        audit_walk_found(walk, AUDIT_FAULT_CHECKPOINT, walk->fitted, point->size - walk->fitted,
                         "%s: the first %llu entries are not those that it is of", where,
                         (unsigned long long)point->size);
    }
    if (point->size > walk->result.published) {
        walk->result.published = point->size;
    }
}

static bool open_note(struct audit_walk *walk, struct bytes note, const char *where,
                      struct proof_checkpoint *point)
{
    struct error err;
    if (proof_ring_open(walk->log_keys, 0, note, point, &err) != ST_OK) {
        audit_walk_found(walk, AUDIT_FAULT_CHECKPOINT, walk->fitted, 0, "%s: %s", where,
                         err.message);
        return false;
    }
    return true;
}

static void found_short(struct audit_walk *walk, uint64_t size, const char *where)
{
    audit_walk_found(walk, AUDIT_FAULT_SHORT, walk->next, size - walk->next,
                     "%s: the log has %llu entries, %llu were published", where,
                     (unsigned long long)walk->next, (unsigned long long)size);
}

// ---- given ones

static void add_point(struct audit_walk *walk, struct bytes note, const char *where)
{
    struct audit_walk_point *point = &walk->points[walk->point_count];
    point->where = where;
    if (open_note(walk, note, where, &point->point)) {
        walk->point_count++;
    }
}

static void read_file(struct audit_walk *walk)
{
    struct error err;
    char path[PATH_MAX];
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    if (snprintf(path, sizeof(path), "%s/" AUDIT_JOURNAL_PUBLISHED, walk->options->home) >=
        (int)sizeof(path)) {
        return;
    }
    enum status status = file_read(path, PROOF_NOTE_MAX, &note, &err);
    if (status == ST_OK) {
        add_point(walk, buffer_view(&note), AUDIT_JOURNAL_PUBLISHED);
    } else if (status != ST_NOT_FOUND) {
        audit_walk_found(walk, AUDIT_FAULT_CHECKPOINT, 0, 0, "%s", err.message);
    }
    buffer_fini(&note);
}

void audit_walk_points(struct audit_walk *walk)
{
    const struct audit_verify_options *options = walk->options;
    read_file(walk);
    for (size_t i = 0; i < options->checkpoint_count && i < AUDIT_VERIFY_CHECKPOINTS_MAX; i++) {
        add_point(walk, options->checkpoints[i].note, options->checkpoints[i].name);
    }
}

// ---- rows

static void check_row(struct audit_walk *walk, uint64_t size, struct bytes note)
{
    struct proof_checkpoint point;
    char where[64];
    snprintf(where, sizeof(where), "published checkpoint of %llu", (unsigned long long)size);
    if (!open_note(walk, note, where, &point)) {
        return;
    }
    if (point.size != size) {
        audit_walk_found(walk, AUDIT_FAULT_CHECKPOINT, size, 0, "%s: it is of size %llu", where,
                         (unsigned long long)point.size);
        return;
    }
    compare(walk, &point, where);
}

// Checks every row for the size that the walk has reached (at the end: and beyond). *next: the size
// of the first row beyond it.
static enum status check_rows(struct audit_walk *walk, bool at_end, uint64_t *next,
                              struct error *err)
{
    struct audit_key from = audit_key_pair(walk->row_size, walk->row_when);
    struct bytes key;
    struct bytes note;
    enum status status =
        store_cursor_seek(walk->checkpoints, audit_key_view(&from), &key, &note, err);
    while (status == ST_OK) {
        struct reader reader = reader_init(key);
        uint64_t size = reader_u64(&reader);
        uint64_t when = reader_u64(&reader);
        bool again = walk->has_row && bytes_equal(key, audit_key_view(&from));
        if (!reader_finished(&reader) || size < walk->row_size) {
            return error_set(err, ST_CORRUPT, "published checkpoints: keys out of order");
        }
        if (size > walk->next && !at_end) {
            *next = size < *next ? size : *next;
            return ST_OK;
        }
        if (!again && size > walk->next) {
            found_short(walk, size, "published checkpoint");
        } else if (!again && size == walk->next) {
            check_row(walk, size, note);
        }
        walk->row_size = size;
        walk->row_when = when;
        walk->has_row = true;
        status = store_cursor_next(walk->checkpoints, &key, &note, err);
    }
    return status == ST_NOT_FOUND ? ST_OK : status;
}

enum status audit_walk_published(struct audit_walk *walk, bool at_end, struct error *err)
{
    uint64_t next = UINT64_MAX;
    for (size_t i = 0; i < walk->point_count; i++) {
        struct audit_walk_point *point = &walk->points[i];
        uint64_t size = point->point.size;
        if (size == walk->next && !point->done) {
            point->done = true;
            compare(walk, &point->point, point->where);
        } else if (size > walk->next && at_end) {
            found_short(walk, size, point->where);
        } else if (size > walk->next && size < next) {
            next = size;
        }
    }
    enum status status = check_rows(walk, at_end, &next, err);
    walk->due = next;
    return status;
}
