// The process that waits has the other end of the pipe and nothing else: it reads until there is
// nobody left who could write. What is written, it keeps the folder for. Signals that end a whole
// group, as from a terminal, pass it by.
#include "bench_folder.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/compiler.h"

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

static void wait_and_remove(const char *path, int begin)
{
    static const int passing[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
    char word;
    ssize_t got = -1;
    for (size_t i = 0; i < ARRAY_COUNT(passing); i++) {
        signal(passing[i], SIG_IGN);
    }
    // What this one holds open, nobody else would see closed.
    if (dup2(begin, STDIN_FILENO) == STDIN_FILENO && close_range(STDERR_FILENO + 1, ~0U, 0) == 0) {
        got = read(STDIN_FILENO, &word, 1);
    }
    _exit(got == 0 && nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : 1);
}

enum status bench_folder_create(const char *parent, const char *prefix, char path[PATH_MAX],
                                struct bench_folder *folder, struct error *err)
{
    int ends[2] = { -1, -1 };
    struct bench_folder made = { .owner = getpid() };
    if (snprintf(path, PATH_MAX, "%s/%s-XXXXXX", parent, prefix) >= PATH_MAX ||
        mkdtemp(path) == NULL) {
        return error_errno(err, ST_IO, "bench: a folder in %s", parent);
    }
    made.pid = pipe2(ends, O_CLOEXEC) == 0 ? fork() : -1;
    if (made.pid == 0) {
        wait_and_remove(path, ends[0]);
    }
    enum status status = made.pid > 0 ? ST_OK : error_errno(err, ST_IO, "bench: %s", path);
    if (ends[0] >= 0) {
        close(ends[0]);
    }
    if (status == ST_OK) {
        made.end = ends[1];
        *folder = made;
        return ST_OK;
    }
    if (ends[1] >= 0) {
        close(ends[1]);
    }
    (void)rmdir(path);
    return status;
}

void bench_folder_enter(const struct bench_folder *folder)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != folder->owner) {
        _exit(1); // it has ended already
    }
    (void)fcntl(folder->end, F_SETFD, 0);
}

void bench_folder_destroy(struct bench_folder *folder, bool keep)
{
    if (folder->pid <= 0) {
        return;
    }
    if (keep && write(folder->end, "k", 1) != 1) {
        fprintf(stderr, "bench: the folder cannot be kept\n");
    }
    close(folder->end);
    (void)waitpid(folder->pid, NULL, 0);
    folder->pid = 0;
}
