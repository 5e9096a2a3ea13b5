// Small files.
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
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
