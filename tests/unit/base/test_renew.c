// A secret that takes the place of another: at every instant a whole copy has the name, and what
// was there before is overwritten, in the end also after a process that was killed anywhere.
#include "base/file.h"
#include "base/compiler.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char first[] = "the first secret, which is longer than the second";
static const char second[] = "the second secret";

// ---- what reaches the file system passes through here

static unsigned calls_left; // before the process ends; 0: it goes on
static bool no_links;

static void pass(void)
{
    if (calls_left > 0 && --calls_left == 0) {
        _exit(9);
    }
}

PUBLIC_API int fsync(int fd)
{
    pass();
    return (int)syscall(SYS_fsync, fd);
}

PUBLIC_API int link(const char *from, const char *to)
{
    pass();
    if (no_links) {
        errno = EPERM;
        return -1;
    }
    return (int)syscall(SYS_link, from, to);
}

PUBLIC_API int rename(const char *from, const char *to)
{
    pass();
    return (int)syscall(SYS_rename, from, to);
}

PUBLIC_API int unlink(const char *path)
{
    pass();
    return (int)syscall(SYS_unlink, path);
}

PUBLIC_API ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    pass();
    return (ssize_t)syscall(SYS_pwrite64, fd, bytes, size, offset);
}

// ---- looking

static void place(char path[128])
{
    struct error err;
    snprintf(path, 128, "%s/some.key", test_directory());
    assert_ok(file_create(path, bytes_text(first), 0600, &err));
}

static bool holds(const char *path, const char *text)
{
    struct buffer content = buffer_init(256);
    bool same = file_read(path, 256, &content, NULL) == ST_OK &&
                bytes_equal_text(buffer_view(&content), text);
    buffer_fini(&content);
    return same;
}

static bool count_one(const char *name, void *count)
{
    (void)name;
    ++*(unsigned *)count;
    return true;
}

static unsigned files_beside(const char *path)
{
    struct error err;
    char folder[128];
    unsigned count = 0;
    snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(path, '/') - path), path);
    assert_ok(file_each(folder, count_one, &count, &err));
    return count - 1;
}

// What a descriptor that was opened before still sees of the first secret.
static bool overwritten(int fd)
{
    uint8_t bytes[sizeof(first) - 1];
    assert_int_equal(pread(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

// ---- tests

TEST(what_had_the_name_before_is_overwritten_with_or_without_links)
{
    for (unsigned i = 0; i < 2; i++) {
        struct error err;
        char path[128];
        place(path);
        no_links = i == 1;
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_ok(file_renew(path, bytes_text(second), 0600, &err));
        assert_true(holds(path, second));
        assert_true(overwritten(fd));
        assert_int_equal(files_beside(path), 0);
        close(fd);
    }
    no_links = false;
}

TEST(a_process_that_ends_anywhere_leaves_a_whole_copy_and_the_next_call_ends_its_work)
{
    bool ended = false;
    for (unsigned k = 1; !ended; k++) {
        struct error err;
        char path[128];
        int how = 0;
        place(path);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            calls_left = k;
            _exit(file_renew(path, bytes_text(second), 0600, &err) == ST_OK ? 0 : 1);
        }
        assert_int_equal(waitpid(child, &how, 0), child);
        assert_true(WIFEXITED(how) && (WEXITSTATUS(how) == 9 || WEXITSTATUS(how) == 0));
        ended = WEXITSTATUS(how) == 0;
        if (!holds(path, first) && !holds(path, second)) {
            fail_msg("call %u: no whole copy has the name", k);
        }
        bool renewed = holds(path, second);
        assert_ok(file_renew_finish(path, &err));
        assert_true(holds(path, renewed ? second : first));
        if (overwritten(fd) != renewed) {
            fail_msg("call %u: the first secret is %s", k, renewed ? "still there" : "lost");
        }
        assert_ok(file_renew(path, bytes_text(second), 0600, &err));
        assert_true(overwritten(fd));
        assert_true(holds(path, second));
        close(fd);
    }
}

TEST(a_disk_without_room_leaves_the_old_one_whole)
{
    static const uint8_t large[10000];
    struct error err;
    struct rlimit limit;
    char path[128];
    place(path);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    const struct rlimit less = { .rlim_cur = 5000, .rlim_max = limit.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &less), 0);
    enum status status = file_renew(path, bytes_of(large, sizeof(large)), 0600, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_status(ST_FULL, status);
    assert_true(holds(path, first));
    assert_int_equal(files_beside(path), 0);
}

TEST(what_is_left_of_a_file_that_is_gone_is_not_touched)
{
    struct error err;
    char path[128];
    char old[160];
    place(path);
    snprintf(old, sizeof(old), "%s.old", path);
    assert_int_equal(rename(path, old), 0);
    assert_ok(file_renew_finish(path, &err));
    assert_true(holds(old, first));
}

TEST(a_file_is_erased_in_its_place_and_of_a_link_only_the_link)
{
    struct error err;
    char path[128];
    char other[160];
    place(path);
    snprintf(other, sizeof(other), "%s.link", path);
    assert_int_equal(symlink(path, other), 0);
    assert_status(ST_IO, file_overwrite(other, &err));
    assert_ok(file_erase(other, &err));
    assert_false(file_exists(other));
    assert_true(holds(path, first));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_ok(file_erase(path, &err));
    assert_true(overwritten(fd));
    assert_false(file_exists(path));
    assert_status(ST_NOT_FOUND, file_erase(path, &err));
    close(fd);
}
