// The lock is flock(2)'s: it ends with the process, however that ends, and the file stays.
#include "base/lock.h"

#include "base/file.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <unistd.h>

enum status lock_folder(const char *folder, const char *taken, int *fd, struct error *err)
{
    char path[PATH_MAX];
    enum status status = file_join(path, sizeof(path), folder, "lock", err);
    if (status != ST_OK) {
        return status;
    }
    int opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (opened < 0) {
        return error_errno(err, ST_IO, "%s", path);
    }
    if (flock(opened, LOCK_EX | LOCK_NB) != 0) {
        close(opened);
        return error_set(err, ST_EXISTS, "%s: %s", folder, taken);
    }
    *fd = opened;
    return ST_OK;
}
