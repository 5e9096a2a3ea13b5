// Small files.
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum status file_join(char *path, size_t room, const char *folder, const char *name,
                      struct error *err)
{
    int size = snprintf(path, room, "%s/%s", folder, name);
    return size >= 0 && (size_t)size < room ? ST_OK
                                            : error_set(err, ST_USAGE, "%s: path too long", folder);
}

enum status file_read_fd(int fd, const char *name, size_t max_bytes, struct buffer *out,
                         struct error *err)
{
    size_t total = 0;
    for (;;) {
        uint8_t chunk[4096];
        ssize_t got = read(fd, chunk, sizeof(chunk));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return error_errno(err, ST_IO, "%s: read", name);
        }
        if (got == 0) {
            return buffer_ok(out, name, err);
        }
        total += (size_t)got;
        if (total > max_bytes) {
            return error_set(err, ST_MALFORMED, "%s: larger than %zu bytes", name, max_bytes);
        }
        buffer_bytes(out, bytes_of(chunk, (size_t)got));
    }
}

enum status file_read(const char *path, size_t max_bytes, struct buffer *out, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        enum status status = errno == ENOENT ? ST_NOT_FOUND : ST_IO;
        return error_errno(err, status, "%s", path);
    }
    enum status status = file_read_fd(fd, path, max_bytes, out, err);
    close(fd);
    return status;
}

static enum status write_all(int fd, const char *path, struct bytes content, struct error *err)
{
    size_t done = 0;
    while (done < content.size) {
        ssize_t wrote = write(fd, content.data + done, content.size - done);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote < 0) {
            return error_errno(err, file_no_room(errno), "%s: write", path);
        }
        done += (size_t)wrote;
    }
    if (fsync(fd) != 0) {
        return error_errno(err, ST_IO, "%s: fsync", path);
    }
    return ST_OK;
}

static enum status sync_folder_of(const char *path, struct error *err)
{
    char copy[PATH_MAX];
    if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy)) {
        return error_set(err, ST_USAGE, "%s: path too long", path);
    }
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return error_errno(err, ST_IO, "folder of %s", path);
    }
    enum status status =
        fsync(fd) == 0 ? ST_OK : error_errno(err, ST_IO, "folder of %s: fsync", path);
    close(fd);
    return status;
}

static enum status write_new(const char *path, struct bytes content, mode_t mode, struct error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0) {
        if (errno == EEXIST) {
            return error_set(err, ST_EXISTS, "%s exists already; it is not overwritten", path);
        }
        return error_errno(err, file_no_room(errno), "%s", path);
    }
    enum status status = write_all(fd, path, content, err);
    close(fd);
    if (status != ST_OK) {
        unlink(path);
    }
    return status;
}

enum status file_create(const char *path, struct bytes content, mode_t mode, struct error *err)
{
    enum status status = write_new(path, content, mode, err);
    return status == ST_OK ? sync_folder_of(path, err) : status;
}

enum status file_replace(const char *path, struct bytes content, mode_t mode, struct error *err)
{
    char beside[PATH_MAX];
    if (snprintf(beside, sizeof(beside), "%s.%ld.new", path, (long)getpid()) >=
        (int)sizeof(beside)) {
        return error_set(err, ST_USAGE, "%s: path too long", path);
    }
    unlink(beside);
    enum status status = write_new(beside, content, mode, err);
    if (status != ST_OK) {
        return status;
    }
    status = file_move(beside, path, err);
    if (status != ST_OK) {
        unlink(beside);
    }
    return status;
}

enum status file_move(const char *from, const char *to, struct error *err)
{
    if (rename(from, to) != 0) {
        return error_errno(err, file_no_room(errno), "%s: rename", to);
    }
    return sync_folder_of(to, err);
}

enum status file_exchange(const char *one, const char *other, struct error *err)
{
    if (renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) != 0) {
        enum status status = errno == EINVAL || errno == ENOSYS ? ST_UNSUPPORTED : ST_IO;
        return error_errno(err, status, "%s: exchange with %s", one, other);
    }
    return sync_folder_of(one, err);
}

// ---- secrets

enum { ZEROS_BYTES = 4096 };

static enum status overwrite_fd(int fd, const char *path, struct error *err)
{
    static const uint8_t zeros[ZEROS_BYTES];
    off_t size = lseek(fd, 0, SEEK_END);
    bool good = size >= 0;
    for (off_t done = 0; good && done < size;) {
        size_t length = size - done < ZEROS_BYTES ? (size_t)(size - done) : ZEROS_BYTES;
        good = pwrite(fd, zeros, length, done) == (ssize_t)length;
        done += (off_t)length;
    }
    return good && fsync(fd) == 0 ? ST_OK : error_errno(err, ST_IO, "%s: overwriting", path);
}

static enum status open_to_overwrite(const char *path, int *fd, struct error *err)
{
    int opened = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (opened < 0) {
        return error_errno(err, errno == ENOENT ? ST_NOT_FOUND : ST_IO, "%s", path);
    }
    *fd = opened;
    return ST_OK;
}

enum status file_overwrite(const char *path, struct error *err)
{
    int fd = -1;
    enum status status = open_to_overwrite(path, &fd, err);
    if (status == ST_OK) {
        status = overwrite_fd(fd, path, err);
        close(fd);
    }
    return status;
}

enum status file_erase(const char *path, struct error *err)
{
    struct stat info;
    if (lstat(path, &info) != 0) {
        return error_errno(err, errno == ENOENT ? ST_NOT_FOUND : ST_IO, "%s", path);
    }
    enum status status = S_ISLNK(info.st_mode) ? ST_OK : file_overwrite(path, err);
    if (status == ST_OK && unlink(path) != 0) {
        status = error_errno(err, ST_IO, "%s", path);
    }
    return status;
}

struct renewal {
    char new[PATH_MAX];
    char old[PATH_MAX];
};

static enum status renewal_names(const char *path, struct renewal *names, struct error *err)
{
    return snprintf(names->new, PATH_MAX, "%s.new", path) < PATH_MAX &&
                   snprintf(names->old, PATH_MAX, "%s.old", path) < PATH_MAX
               ? ST_OK
               : error_set(err, ST_USAGE, "%s: path too long", path);
}

// The name PATH.old goes, and what it names unless that is PATH still.
static enum status erase_old(const char *path, const char *old, struct error *err)
{
    struct stat left;
    struct stat now;
    if (lstat(old, &left) != 0 || lstat(path, &now) != 0) {
        return ST_OK; // without PATH it may be all that there is
    }
    if (now.st_dev == left.st_dev && now.st_ino == left.st_ino) {
        return unlink(old) == 0 ? ST_OK : error_errno(err, ST_IO, "%s", old);
    }
    enum status status = sync_folder_of(path, err); // the new one is there whatever comes
    return status == ST_OK ? file_erase(old, err) : status;
}

static enum status finish(const char *path, const struct renewal *names, struct error *err)
{
    enum status status = file_erase(names->new, err);
    return status == ST_OK || status == ST_NOT_FOUND ? erase_old(path, names->old, err) : status;
}

enum status file_renew_finish(const char *path, struct error *err)
{
    struct renewal names;
    enum status status = renewal_names(path, &names, err);
    return status == ST_OK ? finish(path, &names, err) : status;
}

enum status file_renew(const char *path, struct bytes content, mode_t mode, struct error *err)
{
    struct renewal names;
    int fd = -1; // of the old one: its name may be gone when it is overwritten
    enum status status = renewal_names(path, &names, err);
    if (status == ST_OK) {
        status = finish(path, &names, err);
    }
    if (status == ST_OK) {
        status = open_to_overwrite(path, &fd, err);
        status = status == ST_NOT_FOUND ? ST_OK : status;
    }
    if (status == ST_OK) {
        status = write_new(names.new, content, mode, err);
    }
    if (status == ST_OK) {
        // A file system without links does without: then a process that ends now leaves the old
        // content where no name leads.
        bool named = link(path, names.old) == 0;
        (void)named;
        status = file_move(names.new, path, err);
    }
    if (status == ST_OK && fd >= 0) {
        status = overwrite_fd(fd, path, err);
    }
    if (status == ST_OK) {
        status = finish(path, &names, err);
    } else {
        enum status left = finish(path, &names, NULL); // or the next call does it
        (void)left;
    }
    if (fd >= 0) {
        close(fd);
    }
    return status;
}

// ---- folders

enum status file_each(const char *folder, file_visit visit, void *context, struct error *err)
{
    const struct dirent *entry;
    DIR *open = opendir(folder);
    if (open == NULL) {
        return error_errno(err, errno == ENOENT ? ST_NOT_FOUND : ST_IO, "%s", folder);
    }
    bool more = true;
    errno = 0;
    while (more && (entry = readdir(open)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            more = visit(entry->d_name, context);
        }
        errno = 0;
    }
    enum status status = errno == 0 ? ST_OK : error_errno(err, ST_IO, "%s", folder);
    closedir(open);
    return status;
}

enum status file_make_folder(const char *path, mode_t mode, struct error *err)
{
    if (mkdir(path, mode) == 0) {
        return ST_OK;
    }
    struct stat info;
    if (errno == EEXIST && stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        return ST_OK;
    }
    return error_errno(err, file_no_room(errno), "folder %s", path);
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

enum status file_no_room(int number)
{
    return number == ENOSPC || number == EDQUOT || number == EFBIG ? ST_FULL : ST_IO;
}
