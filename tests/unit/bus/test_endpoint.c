// Whether an address is free is known before anything is bound to it.
#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bus/endpoint.h"

static int listen_somewhere(char endpoint[64])
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t size = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    snprintf(endpoint, 64, "tcp://127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
    return fd;
}

TEST(an_address_that_somebody_listens_on_is_refused_by_name_and_is_free_when_they_have_gone)
{
    struct error err;
    char endpoint[64];
    int fd = listen_somewhere(endpoint);
    assert_int_equal(bus_endpoint_free(endpoint, &err), ST_IO);
    assert_non_null(strstr(err.message, endpoint));
    close(fd);
    assert_ok(bus_endpoint_free(endpoint, &err));
    assert_ok(bus_endpoint_free(endpoint, &err)); // trying leaves nothing behind
}

TEST(every_address_of_a_taken_port_is_refused)
{
    struct error err;
    char endpoint[64];
    char any[64];
    int fd = listen_somewhere(endpoint);
    snprintf(any, sizeof(any), "tcp://*:%s", strrchr(endpoint, ':') + 1);
    assert_int_equal(bus_endpoint_free(any, &err), ST_IO);
    close(fd);
}

TEST(an_address_of_another_host_is_refused)
{
    struct error err;
    assert_int_equal(bus_endpoint_free("tcp://192.0.2.1:7400", &err), ST_IO);
}

TEST(what_cannot_be_known_is_left_to_whoever_binds)
{
    static const char *const endpoints[] = { "tcp://127.0.0.1:0",
                                             "ipc:///nowhere/socket",
                                             "tcp://name.example:7400",
                                             "tcp://127.0.0.1",
                                             "tcp://",
                                             "tcp://127.0.0.1:x",
                                             "" };
    struct error err;
    for (size_t i = 0; i < ARRAY_COUNT(endpoints); i++) {
        assert_ok(bus_endpoint_free(endpoints[i], &err));
    }
}
