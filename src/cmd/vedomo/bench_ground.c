// Shared beginnings of the benchmarks.
#include "bench_ground.h"

#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum status bench_limits(const struct bench_limit *limits, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (*limits[i].value == 0) {
            *limits[i].value = limits[i].preset;
        }
        if (*limits[i].value > limits[i].most) {
            return error_set(err, ST_USAGE, "--%s: at most %llu", limits[i].name,
                             (unsigned long long)limits[i].most);
        }
    }
    return ST_OK;
}

enum status bench_free_port(unsigned *port, struct error *err)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool found = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
                 getsockname(fd, (struct sockaddr *)&address, &size) == 0;
    if (fd >= 0) {
        close(fd);
    }
    if (!found) {
        return error_errno(err, ST_IO, "bench: a free port");
    }
    *port = ntohs(address.sin_port);
    return ST_OK;
}

void bench_allow_descriptors(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

enum status bench_pin(const char *cpus, struct error *err)
{
    cpu_set_t set;
    const char *at = cpus;
    CPU_ZERO(&set);
    for (;;) {
        char *end = NULL;
        unsigned long first = strtoul(at, &end, 10);
        unsigned long last = first;
        if (end != at && *end == '-') {
            at = end + 1;
            last = strtoul(at, &end, 10);
        }
        if (end == at || last < first || last >= CPU_SETSIZE || (*end != ',' && *end != '\0')) {
            return error_set(err, ST_USAGE, "--cpus: '%s': numbers, as in 0,2-3", cpus);
        }
        for (unsigned long cpu = first; cpu <= last; cpu++) {
            CPU_SET(cpu, &set);
        }
        if (*end == '\0') {
            break;
        }
        at = end + 1;
    }
    return sched_setaffinity(0, sizeof(set), &set) == 0
               ? ST_OK
               : error_errno(err, ST_USAGE, "--cpus: '%s'", cpus);
}

enum status bench_look_after(pid_t *pid, const char *name, struct error *err)
{
    int code = 0;
    if (*pid <= 0 || waitpid(*pid, &code, WNOHANG) != *pid) {
        return ST_OK;
    }
    *pid = 0;
    return error_set(err, ST_IO, "bench: %s ended by itself (%s %d)", name,
                     WIFSIGNALED(code) ? "signal" : "exit code",
                     WIFSIGNALED(code) ? WTERMSIG(code) : WEXITSTATUS(code));
}

enum status bench_end(pid_t *pid, const char *name, struct error *err)
{
    int code = 0;
    if (*pid <= 0) {
        return ST_OK;
    }
    kill(*pid, SIGTERM);
    waitpid(*pid, &code, 0);
    *pid = 0;
    return WIFEXITED(code) && WEXITSTATUS(code) == 0
               ? ST_OK
               : error_set(err, ST_IO, "bench: %s ended with %s %d", name,
                           WIFSIGNALED(code) ? "signal" : "exit code",
                           WIFSIGNALED(code) ? WTERMSIG(code) : WEXITSTATUS(code));
}
