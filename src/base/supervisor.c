// A program's word to whoever started it, and the other way round. Nobody listens: nothing happens.
#include "base/supervisor.h"

#include "base/compiler.h"

#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LARGE_BYTES = 256 * 1024 };

void supervisor_protect_memory(void)
{
    struct rlimit none = { 0 };
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static sigset_t endings(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    return set;
}

void supervisor_begin(void)
{
    struct rlimit files;
    sigset_t set = endings();
    supervisor_protect_memory();
    // Set by hand, it stays: else it grows with the largest that was freed, up to 32 MB.
    mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

// One datagram to the socket that the supervisor named.
static void notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (path == NULL || strlen(path) == 0 || strlen(path) >= sizeof(address.sun_path)) {
        return;
    }
    memcpy(address.sun_path, path, strlen(path));
    if (address.sun_path[0] == '@') {
        address.sun_path[0] = '\0';
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return;
    }
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    ssize_t sent =
        sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&address, size);
    (void)sent; // nobody to tell
    close(fd);
}

enum status supervisor_serve(int ready_fd, int stop_fd, struct error *err)
{
    static const char ready[] = "ready\n";
    sigset_t set = endings();
    int signals = signalfd(-1, &set, SFD_CLOEXEC);
    if (signals < 0) {
        return error_errno(err, ST_IO, "signals");
    }
    notify("READY=1");
    if (ready_fd >= 0) {
        ssize_t done = write(ready_fd, ready, sizeof(ready) - 1);
        (void)done; // whoever asked for it has gone: it serves all the same
    }
    struct pollfd fds[] = { { .fd = signals, .events = POLLIN },
                            { .fd = stop_fd, .events = POLLIN } };
    while (poll(fds, ARRAY_COUNT(fds), -1) <= 0) {
    }
    notify("STOPPING=1");
    close(signals);
    return ST_OK;
}
