// libzmq binds when everything else stands; by then a start has written to its log. So the address
// is tried first, by a socket that never listens.
#include "bus/endpoint.h"

#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HOST_BYTES = 128 };

// "tcp://HOST:PORT" taken apart; brackets of an IPv6 address go. False: not of this form.
static bool split(const char *endpoint, char host[HOST_BYTES], const char **port)
{
    static const char scheme[] = "tcp://";
    if (strncmp(endpoint, scheme, sizeof(scheme) - 1) != 0) {
        return false;
    }
    const char *begin = endpoint + sizeof(scheme) - 1;
    const char *colon = strrchr(begin, ':');
    if (colon == NULL || colon == begin) {
        return false;
    }
    size_t size = (size_t)(colon - begin);
    if (begin[0] == '[' && colon[-1] == ']') {
        begin++;
        size -= 2;
    }
    if (size >= HOST_BYTES) {
        return false;
    }
    memcpy(host, begin, size);
    host[size] = '\0';
    *port = colon + 1;
    return true;
}

static enum status try_address(const struct addrinfo *address, const char *endpoint,
                               struct error *err)
{
    int one = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return ST_OK; // a family that this host does not have: whoever binds says so
    }
    // As libzmq does: connections of a former process that linger are no obstacle.
    enum status status = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
                                 bind(fd, address->ai_addr, address->ai_addrlen) == 0
                             ? ST_OK
                             : error_errno(err, ST_IO, "endpoint: %s", endpoint);
    close(fd);
    return status;
}

enum status bus_endpoint_free(const char *endpoint, struct error *err)
{
    char host[HOST_BYTES];
    const char *port = NULL;
    struct addrinfo *found = NULL;
    const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                                    .ai_socktype = SOCK_STREAM };
    if (!split(endpoint, host, &port) ||
        getaddrinfo(strcmp(host, "*") == 0 ? "0.0.0.0" : host, port, &hints, &found) != 0) {
        return ST_OK;
    }
    enum status status = try_address(found, endpoint, err);
    freeaddrinfo(found);
    return status;
}
