// A program and whoever started it: the program is a child of the test, the supervisor's socket is
// the test's.
#include "test.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/supervisor.h"

enum { PATIENCE_S = 30 };

// The datagram socket that NOTIFY_SOCKET names; '@' for one without a file.
static int open_supervisor(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct timeval patience = { .tv_sec = PATIENCE_S };
    size_t size = strlen(path);
    memcpy(address.sun_path, path, size);
    if (path[0] == '@') {
        address.sun_path[0] = '\0';
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", path, 1), 0);
    return fd;
}

static void assert_told(int supervisor, const char *expected)
{
    char word[64] = "";
    ssize_t size = recv(supervisor, word, sizeof(word) - 1, 0);
    assert_true(size > 0);
    assert_string_equal(word, expected);
}

static void run(int ready_fd, int stop_fd)
{
    struct error err;
    prctl(PR_SET_PDEATHSIG, SIGKILL); // a test that failed waits for nobody
    supervisor_begin();
    _exit(supervisor_serve(ready_fd, stop_fd, &err) == ST_OK ? 0 : 1);
}

static int end_of(pid_t child)
{
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void serve_until(int number, const char *path)
{
    int supervisor = open_supervisor(path);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        run(-1, -1);
    }
    assert_told(supervisor, "READY=1");
    assert_int_equal(kill(child, number), 0);
    assert_told(supervisor, "STOPPING=1");
    assert_int_equal(end_of(child), 0);
    close(supervisor);
}

TEST(a_program_says_that_it_serves_and_that_it_ends_when_it_is_asked_to)
{
    char path[100];
    snprintf(path, sizeof(path), "%s/notify", test_directory());
    serve_until(SIGTERM, path);
    unlink(path);
    serve_until(SIGINT, path);
    unlink(path);
}

TEST(a_supervisor_without_a_file_is_told_as_well)
{
    char path[64];
    snprintf(path, sizeof(path), "@vedomo-test-%ld", (long)getpid());
    serve_until(SIGTERM, path);
}

TEST(a_program_that_nobody_supervises_serves_all_the_same)
{
    int fds[2];
    char word[8] = "";
    static const char *const nobody[] = { NULL, "", "/nowhere/at/all" };
    for (size_t i = 0; i < ARRAY_COUNT(nobody); i++) {
        assert_int_equal(nobody[i] == NULL ? unsetenv("NOTIFY_SOCKET")
                                           : setenv("NOTIFY_SOCKET", nobody[i], 1),
                         0);
        assert_int_equal(pipe(fds), 0);
        pid_t child = fork();
        if (child == 0) {
            run(fds[1], -1);
        }
        assert_int_equal(read(fds[0], word, sizeof(word)), 6);
        assert_memory_equal(word, "ready\n", 6);
        assert_int_equal(kill(child, SIGTERM), 0);
        assert_int_equal(end_of(child), 0);
        close(fds[0]);
        close(fds[1]);
    }
}

TEST(a_program_ends_by_itself_when_its_own_descriptor_says_so)
{
    int fds[2];
    char path[100];
    snprintf(path, sizeof(path), "%s/notify-stop", test_directory());
    int supervisor = open_supervisor(path);
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
        run(-1, fds[0]);
    }
    assert_told(supervisor, "READY=1");
    assert_int_equal(write(fds[1], "", 1), 1);
    assert_told(supervisor, "STOPPING=1");
    assert_int_equal(end_of(child), 0);
    close(fds[0]);
    close(fds[1]);
    close(supervisor);
}

TEST(a_signal_that_comes_before_it_serves_ends_the_program_once_it_does)
{
    char path[100];
    snprintf(path, sizeof(path), "%s/notify-early", test_directory());
    int supervisor = open_supervisor(path);
    pid_t child = fork();
    if (child == 0) {
        supervisor_begin();
        raise(SIGTERM);
        run(-1, -1);
    }
    assert_told(supervisor, "READY=1");
    assert_told(supervisor, "STOPPING=1");
    assert_int_equal(end_of(child), 0);
    close(supervisor);
}

TEST(the_memory_of_a_program_that_began_is_in_no_core_dump_and_a_peer_that_left_is_no_signal)
{
    pid_t child = fork();
    if (child == 0) {
        int fds[2];
        struct rlimit core = { .rlim_cur = 1, .rlim_max = 1 };
        supervisor_begin();
        bool kept = getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 &&
                    core.rlim_max == 0 && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0;
        struct rlimit files = { 0 };
        kept = kept && getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur == files.rlim_max;
        kept = kept && pipe(fds) == 0 && close(fds[0]) == 0 && write(fds[1], "x", 1) == -1;
        _exit(kept ? 0 : 1);
    }
    assert_int_equal(end_of(child), 0);
}

TEST(a_folder_is_one_process_s_until_that_one_closes_it_or_ends)
{
    struct error err;
    int mine = -1;
    int other = -1;
    const char *folder = test_directory();
    assert_ok(lock_folder(folder, "one runs here already", &mine, &err));
    assert_status(ST_EXISTS, lock_folder(folder, "one runs here already", &other, &err));
    assert_int_equal(other, -1);
    assert_non_null(strstr(err.message, folder));
    assert_non_null(strstr(err.message, ": one runs here already"));
    close(mine);
    pid_t child = fork();
    if (child == 0) {
        _exit(lock_folder(folder, "one runs here already", &other, &err) == ST_OK ? 0 : 1);
    }
    assert_int_equal(end_of(child), 0);
    assert_ok(lock_folder(folder, "one runs here already", &mine, &err));
    close(mine);
    assert_status(ST_IO, lock_folder("/nowhere/at/all", "", &mine, &err));
}
