// The context, and the one place where the library's error codes become ours.
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include <zmq.h>

#include "bus/handle.h"

enum { SOCKETS_MAX = 16384 }; // of one context: a benchmark has thousands of peers

enum status bus_failure(struct error *err, const char *what)
{
    int code = zmq_errno();
    enum status status = ST_IO;
    switch (code) {
    case EAGAIN:
        status = ST_BUSY;
        break;
    case EHOSTUNREACH:
    case ETERM:
        status = ST_CLOSED;
        break;
    case EADDRINUSE:
        status = ST_EXISTS;
        break;
    case EINVAL:
    case EADDRNOTAVAIL:
    case EPROTONOSUPPORT:
    case ENOCOMPATPROTO:
        status = ST_USAGE;
        break;
    case ENOMEM:
        status = ST_NOMEM;
        break;
    case ENOTSUP:
        status = ST_UNSUPPORTED;
        break;
    default:
        break;
    }
    return error_set(err, status, "%s: %s", what, zmq_strerror(code));
}

enum status bus_context_create(int io_threads, struct bus_context **context, struct error *err)
{
    // A ROUTER numbers its connections from rand() on, and asserts that the next number is free. A
    // client may claim any number, so whoever knows rand()'s default seed could stop the process.
    unsigned seed = 0;
    if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed)) {
        return error_errno(err, ST_IO, "randomness for the message bus");
    }
    srand(seed);
    struct bus_context *made = calloc(1, sizeof(*made));
    void *library = made == NULL ? NULL : zmq_ctx_new();
    if (library == NULL) {
        free(made);
        return error_set(err, ST_NOMEM, "no memory for the message bus");
    }
    made->library = library;
    if (zmq_ctx_set(library, ZMQ_IO_THREADS, io_threads) != 0 ||
        zmq_ctx_set(library, ZMQ_MAX_SOCKETS, SOCKETS_MAX) != 0 ||
        zmq_ctx_set(library, ZMQ_BLOCKY, 0) != 0) {
        enum status status = bus_failure(err, "threads of the message bus");
        bus_context_destroy(&made);
        return status;
    }
    *context = made;
    return ST_OK;
}

void bus_context_destroy(struct bus_context **context)
{
    if (*context == NULL) {
        return;
    }
    while (zmq_ctx_term((*context)->library) != 0 && zmq_errno() == EINTR) {
    }
    free(*context);
    *context = NULL;
}
