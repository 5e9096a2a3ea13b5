// Copies. The published checkpoint is read first, so that the copy of the log is never behind it.
#include "audit/backup.h"

#include <limits.h>
#include <stdio.h>

#include "audit/record.h"
#include "base/file.h"
#include "proof/note.h"

static enum status join(char path[PATH_MAX], const char *folder, const char *name,
                        struct error *err)
{
    if (snprintf(path, PATH_MAX, "%s/%s", folder, name) >= PATH_MAX) {
        return error_set(err, ST_USAGE, "%s: path too long", folder);
    }
    return ST_OK;
}

static enum status copy_store(const char *from, size_t map_bytes, const char *to, struct error *err)
{
    struct store *store = NULL;
    struct store_options options = {
        .path = from,
        .map_bytes = map_bytes == 0 ? AUDIT_JOURNAL_MAP_BYTES : map_bytes,
        .names = audit_journal_tables,
        .count = AUDIT_JOURNAL_TABLES,
        .read_only = true,
    };
    enum status status = store_open(&options, &store, err);
    if (status == ST_OK) {
        status = store_copy(store, to, err);
    }
    store_close(&store);
    return status;
}

enum status audit_backup(const char *home, size_t map_bytes, const char *to, struct error *err)
{
    char from[PATH_MAX];
    char target[PATH_MAX];
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    enum status status = join(from, home, AUDIT_JOURNAL_PUBLISHED, err);
    if (status == ST_OK) {
        status = file_read(from, PROOF_NOTE_MAX, &note, err);
    }
    bool published = status == ST_OK;
    if (status == ST_OK || status == ST_NOT_FOUND) {
        status = join(from, home, AUDIT_JOURNAL_FOLDER, err);
    }
    if (status == ST_OK) {
        status = join(target, to, AUDIT_JOURNAL_FOLDER, err);
    }
    if (status == ST_OK) {
        status = file_make_folder(to, 0700, err);
    }
    if (status == ST_OK) {
        status = copy_store(from, map_bytes, target, err);
    }
    if (status == ST_OK && published) {
        status = join(target, to, AUDIT_JOURNAL_PUBLISHED, err);
    }
    if (status == ST_OK && published) {
        status = file_create(target, buffer_view(&note), 0600, err);
    }
    buffer_fini(&note);
    return status;
}
