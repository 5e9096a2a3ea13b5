// Small files of a home: copied when they differ, whole, durably.
#include "backup_files.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/backup.h"
#include "base/file.h"
#include "seal/secret.h"

enum { FILE_MAX = 128 * 1024 * 1024 };

// Stands in every backup of keys.
static const char keys_mark[] = "keys.backup";
static const char log_mark[] = AUDIT_BACKUP_MARK;

// ---- places

static bool has_mark(const char *folder, const char *mark)
{
    char path[PATH_MAX];
    return file_join(path, sizeof(path), folder, mark, NULL) == ST_OK && file_exists(path);
}

struct marked {
    const char *folder;
    const char *mark;
    bool found;
};

static bool look_below(const char *name, void *context)
{
    struct marked *marked = context;
    char path[PATH_MAX];
    marked->found = file_join(path, sizeof(path), marked->folder, name, NULL) == ST_OK &&
                    has_mark(path, marked->mark);
    return !marked->found;
}

static bool is_within(const char *path, const char *folder)
{
    size_t length = strlen(folder);
    return strncmp(path, folder, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

static enum status check_marks(const char *folder, const char *mark, bool keys, struct error *err)
{
    char above[PATH_MAX];
    // Directly below; what lies deeper has its own parent looked at when it is backed up into.
    struct marked below = { .folder = folder, .mark = mark };
    enum status status = file_each(folder, look_below, &below, err);
    if (status != ST_OK) {
        return status;
    }
    bool found = below.found;
    snprintf(above, sizeof(above), "%s", folder);
    while (!found && above[0] != '\0') {
        found = has_mark(above, mark);
        char *slash = strrchr(above, '/');
        if (slash == NULL) {
            break;
        }
        *slash = '\0';
    }
    if (found) {
        return error_set(err, ST_DENIED,
                         "%s: a backup of the %s is kept there; keep keys and log apart, best on "
                         "different machines",
                         folder, keys ? "log" : "keys");
    }
    return ST_OK;
}

enum status backup_files_place(const char *folder, const char *home, bool keys, struct error *err)
{
    char real_folder[PATH_MAX];
    char real_home[PATH_MAX];
    enum status status = file_make_folder(folder, 0700, err);
    if (status != ST_OK) {
        return status;
    }
    if (realpath(home, real_home) == NULL) {
        return error_errno(err, errno == ENOENT ? ST_NOT_FOUND : ST_IO, "%s", home);
    }
    if (realpath(folder, real_folder) == NULL) {
        return error_errno(err, ST_IO, "%s", folder);
    }
    if (is_within(real_folder, real_home) || is_within(real_home, real_folder)) {
        return error_set(err, ST_DENIED, "%s: a backup does not lie in the broker's own folder",
                         folder);
    }
    return check_marks(real_folder, keys ? log_mark : keys_mark, keys, err);
}

// ---- copying

static bool says_forgotten(struct bytes content)
{
    static const char word[] = "\nforgotten ";
    return memmem(content.data, content.size, word, sizeof(word) - 1) != NULL;
}

// A key, or the word that it was forgotten. Anything else is a damaged file, which must not take
// the place of a copy that is good; of zeros nobody can tell whether forgetting was cut short,
// which the broker makes good, or a disk lost the key.
static bool is_key(struct bytes content)
{
    static const char begin[] = "vedomo-";
    return content.size > sizeof(begin) && memcmp(content.data, begin, sizeof(begin) - 1) == 0 &&
           memchr(content.data, 0, content.size) == NULL && content.data[content.size - 1] == '\n';
}

static enum status copy_file(const char *from, const char *to, bool secret,
                             struct backup_files_result *result, struct error *err)
{
    struct buffer content = buffer_init(FILE_MAX);
    struct buffer old = buffer_init(FILE_MAX);
    enum status status = file_read(from, FILE_MAX, &content, err);
    bool there = file_exists(to);
    if (status == ST_OK && there) {
        status = file_read(to, FILE_MAX, &old, err);
    }
    if (status == ST_OK && secret) {
        status = file_renew_finish(to, err);
    }
    if (status == ST_OK && there && bytes_equal(buffer_view(&content), buffer_view(&old))) {
        result->kept++;
        goto out;
    }
    if (status == ST_OK && secret && !is_key(buffer_view(&content))) {
        status = error_set(err, ST_CORRUPT, "%s: damaged; no copy of it was made or changed", from);
    }
    if (status == ST_OK) {
        status = secret ? file_renew(to, buffer_view(&content), 0600, err)
                        : file_replace(to, buffer_view(&content), 0644, err);
    }
    if (status == ST_OK) {
        result->written++;
        result->destroyed += there && secret && says_forgotten(buffer_view(&content)) ? 1 : 0;
    }
out:
    if (secret) {
        seal_wipe(content.data, content.size);
        seal_wipe(old.data, old.size);
    }
    buffer_fini(&content);
    buffer_fini(&old);
    return status;
}

static bool ends_with(const char *name, const char *end)
{
    size_t size = strlen(name);
    size_t length = strlen(end);
    return size > length && strcmp(name + size - length, end) == 0;
}

struct copying {
    const char *from;
    const char *to;
    const char *name_end;
    bool secret;
    struct backup_files_result *result;
    enum status status;
    struct error *err;
};

static bool copy_entry(const char *name, void *context)
{
    struct copying *copying = context;
    char source[PATH_MAX];
    char target[PATH_MAX];
    if (!ends_with(name, copying->name_end)) {
        return true;
    }
    enum status status = file_join(source, sizeof(source), copying->from, name, copying->err);
    if (status == ST_OK) {
        status = file_join(target, sizeof(target), copying->to, name, copying->err);
    }
    if (status == ST_OK) {
        status = copy_file(source, target, copying->secret, copying->result, copying->err);
    }
    copying->status = status;
    return status == ST_OK;
}

// Every file of a folder whose name ends so.
static enum status copy_folder(const char *from, const char *to, const char *name_end, bool secret,
                               struct backup_files_result *result, struct error *err)
{
    struct copying copying = {
        .from = from, .to = to, .name_end = name_end, .secret = secret, .result = result, .err = err
    };
    enum status status = file_make_folder(to, 0700, err);
    if (status == ST_OK) {
        status = file_each(from, copy_entry, &copying, err);
        status = status == ST_NOT_FOUND ? ST_OK : status; // a home without any
    }
    return status == ST_OK ? copying.status : status;
}

enum status backup_files_copy(const char *from, const char *to, struct backup_files_result *result,
                              struct error *err)
{
    static const struct {
        const char *folder;
        const char *name_end;
    } folders[] = { { "cards", ".card" }, { "bundles", ".bundle" } };
    char source[PATH_MAX];
    char target[PATH_MAX];
    struct backup_files_result done = { 0 };
    enum status status = file_make_folder(to, 0700, err);
    for (size_t i = 0; status == ST_OK && i < ARRAY_COUNT(folders); i++) {
        status = file_join(source, sizeof(source), from, folders[i].folder, err);
        if (status == ST_OK) {
            status = file_join(target, sizeof(target), to, folders[i].folder, err);
        }
        if (status == ST_OK) {
            status = copy_folder(source, target, folders[i].name_end, false, &done, err);
        }
    }
    if (status == ST_OK) {
        status = file_join(source, sizeof(source), from, "vedomod.yaml", err);
    }
    if (status == ST_OK) {
        status = file_join(target, sizeof(target), to, "vedomod.yaml", err);
    }
    if (status == ST_OK) {
        status = copy_file(source, target, false, &done, err);
    }
    if (status == ST_OK) {
        *result = done;
    }
    return status;
}

static enum status copy_keys(const char *from, const char *to, struct backup_files_result *result,
                             struct error *err)
{
    char source[PATH_MAX];
    char target[PATH_MAX];
    enum status status = copy_folder(from, to, ".key", true, result, err);
    if (status == ST_OK) {
        status = file_join(source, sizeof(source), from, "body", err);
    }
    if (status == ST_OK) {
        status = file_join(target, sizeof(target), to, "body", err);
    }
    return status == ST_OK ? copy_folder(source, target, ".key", true, result, err) : status;
}

// `keys rewrap` renames the next master key to the master key. A copy that was taken before has it
// under the old name: brought back, it would look like a change that is not finished.
static enum status drop_next_master(const char *folder, struct error *err)
{
    char next[PATH_MAX];
    char master[PATH_MAX];
    struct buffer became = buffer_init(FILE_MAX);
    struct buffer is = buffer_init(FILE_MAX);
    enum status status = file_join(next, sizeof(next), folder, "master-next.key", err);
    if (status == ST_OK) {
        status = file_join(master, sizeof(master), folder, "master.key", err);
    }
    if (status == ST_OK && file_exists(next) && file_exists(master)) {
        status = file_read(next, FILE_MAX, &became, err);
        if (status == ST_OK) {
            status = file_read(master, FILE_MAX, &is, err);
        }
        bool erased = status == ST_OK && !is_key(buffer_view(&became)); // a run that was cut short
        if (status == ST_OK && (erased || bytes_equal(buffer_view(&became), buffer_view(&is)))) {
            status = file_erase(next, err);
        }
    }
    seal_wipe(became.data, became.size);
    seal_wipe(is.data, is.size);
    buffer_fini(&became);
    buffer_fini(&is);
    return status;
}

// The keys that a home begins with stay as they are. Others in the copy are another broker's, or of
// a home that was lost and made anew: then the copy may be all that is left of them.
static enum status check_same_home(const char *home, const char *folder, struct error *err)
{
    static const char *const names[] = { "log.key", "tag.key" };
    char path[PATH_MAX];
    enum status status = ST_OK;
    for (size_t i = 0; status == ST_OK && i < ARRAY_COUNT(names); i++) {
        struct buffer own = buffer_init(FILE_MAX);
        struct buffer copy = buffer_init(FILE_MAX);
        status = file_join(path, sizeof(path), folder, names[i], err);
        if (status == ST_OK && file_exists(path)) {
            status = file_read(path, FILE_MAX, &copy, err);
        }
        if (status == ST_OK &&
            snprintf(path, sizeof(path), "%s/keys/%s", home, names[i]) >= (int)sizeof(path)) {
            status = error_set(err, ST_USAGE, "%s: path too long", home);
        }
        if (status == ST_OK && copy.size > 0 && file_exists(path)) {
            status = file_read(path, FILE_MAX, &own, err);
            if (status == ST_OK && !bytes_equal(buffer_view(&own), buffer_view(&copy))) {
                status = error_set(err, ST_DENIED,
                                   "%s: its %s is not that of %s; it keeps the keys of another "
                                   "broker, and nothing was changed",
                                   folder, names[i], home);
            }
        }
        seal_wipe(own.data, own.size);
        seal_wipe(copy.data, copy.size);
        buffer_fini(&own);
        buffer_fini(&copy);
    }
    return status;
}

enum status backup_files_keys(const char *home, const char *folder,
                              struct backup_files_result *result, struct error *err)
{
    char path[PATH_MAX];
    struct backup_files_result done = { 0 };
    static const char words[] = "Keys of a Vedomo broker. Keep them apart from its log.\n";
    enum status status = check_same_home(home, folder, err);
    if (status == ST_OK) {
        status = file_join(path, sizeof(path), folder, keys_mark, err);
    }
    if (status == ST_OK) {
        status = file_replace(path, bytes_text(words), 0600, err);
    }
    if (status == ST_OK) {
        status = file_join(path, sizeof(path), home, "keys", err);
    }
    if (status == ST_OK) {
        status = copy_keys(path, folder, &done, err);
    }
    if (status == ST_OK) {
        status = drop_next_master(folder, err);
    }
    if (status == ST_OK && done.written + done.kept == 0) {
        status = error_set(err, ST_NOT_FOUND, "%s: no keys there", path);
    }
    if (status == ST_OK) {
        *result = done;
    }
    return status;
}

enum status backup_files_keys_are_in(const char *folder, struct error *err)
{
    return has_mark(folder, keys_mark)
               ? ST_OK
               : error_set(err, ST_NOT_FOUND,
                           "%s: no backup of keys is kept there ('vedomo backup keys' makes one)",
                           folder);
}

enum status backup_files_keys_restore(const char *folder, const char *home,
                                      struct backup_files_result *result, struct error *err)
{
    char path[PATH_MAX];
    char key[PATH_MAX];
    struct backup_files_result done = { 0 };
    enum status status = backup_files_keys_are_in(folder, err);
    if (status == ST_OK) {
        status = file_join(path, sizeof(path), home, "keys", err);
    }
    if (status == ST_OK) {
        status = file_join(key, sizeof(key), path, "log.key", err);
    }
    if (status == ST_OK && file_exists(key)) {
        return error_set(err, ST_EXISTS, "%s: there are keys; nothing was changed", path);
    }
    if (status == ST_OK) {
        status = copy_keys(folder, path, &done, err);
    }
    if (status == ST_OK) {
        *result = done;
    }
    return status;
}
