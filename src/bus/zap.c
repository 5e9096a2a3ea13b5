// The ZAP handler (ZeroMQ RFC 27): a thread with a REP socket under a name that libzmq knows.
//
// Invariants: a request that is not CURVE, not of this version or not understood is denied; the
// user id of an admitted key is its hexadecimal form. `alive` and the context's flag fall before
// the socket closes, whatever the reason for the end.
#include "bus/zap.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <zmq.h>

#include "base/text.h"
#include "base/thread.h"
#include "bus/handle.h"

enum {
    ZAP_FRAMES = 7,        // version, request, domain, address, identity, mechanism, client key
    ZAP_FRAME_BYTES = 256, // none of them is longer; a longer one is denied
    ZAP_LINGER_MS = 1000
};

struct bus_zap {
    struct bus_context *context;
    bus_zap_allow allow;
    void *argument;
    void *library; // the thread's socket
    int stop;      // eventfd
    atomic_bool alive;
    atomic_uint_fast64_t admitted;
    atomic_uint_fast64_t denied;
    struct thread *thread;
};

struct zap_frame {
    char bytes[ZAP_FRAME_BYTES + 1]; // terminated
    size_t size;
};

struct zap_request {
    struct zap_frame frames[ZAP_FRAMES];
    size_t count;
    bool whole; // exactly as many frames as CURVE has, none too long
};

// Reads one request. False: nothing waits, or the context ends.
static bool read_request(void *library, struct zap_request *request)
{
    memset(request, 0, sizeof(*request));
    request->whole = true;
    int more = 1;
    while (more != 0) {
        struct zap_frame excess;
        bool room = request->count < ZAP_FRAMES;
        struct zap_frame *frame = room ? &request->frames[request->count] : &excess;
        int size = zmq_recv(library, frame->bytes, ZAP_FRAME_BYTES, ZMQ_DONTWAIT);
        if (size < 0) {
            return false;
        }
        request->whole = request->whole && room && size <= ZAP_FRAME_BYTES;
        frame->size = size <= ZAP_FRAME_BYTES ? (size_t)size : ZAP_FRAME_BYTES;
        frame->bytes[frame->size] = '\0';
        request->count++;
        size_t width = sizeof(more);
        if (zmq_getsockopt(library, ZMQ_RCVMORE, &more, &width) != 0) {
            return false;
        }
    }
    request->whole = request->whole && request->count == ZAP_FRAMES;
    return true;
}

static bool judge(struct bus_zap *zap, const struct zap_request *request, struct digest *key)
{
    const struct zap_frame *frames = request->frames;
    if (!request->whole || strcmp(frames[0].bytes, "1.0") != 0 ||
        strcmp(frames[5].bytes, "CURVE") != 0 || frames[6].size != DIGEST_BYTES) {
        return false;
    }
    memcpy(key->bytes, frames[6].bytes, DIGEST_BYTES);
    return zap->allow(zap->argument, key, frames[3].bytes);
}

static void answer(struct bus_zap *zap, const struct zap_request *request)
{
    struct digest key = { { 0 } };
    bool allowed = judge(zap, request, &key);
    atomic_fetch_add(allowed ? &zap->admitted : &zap->denied, 1);
    char user[2 * DIGEST_BYTES + 1] = "";
    if (allowed) {
        text_hex_encode(bytes_digest(&key), user);
    }
    const struct bytes reply[] = {
        bytes_text("1.0"),
        bytes_of(request->frames[1].bytes, request->frames[1].size),
        bytes_text(allowed ? "200" : "400"),
        bytes_text(allowed ? "OK" : "no such key"),
        bytes_text(user),
        { .data = (const uint8_t *)"", .size = 0 },
    };
    for (size_t i = 0; i < ARRAY_COUNT(reply); i++) {
        int flags = i + 1 < ARRAY_COUNT(reply) ? ZMQ_SNDMORE : 0;
        // Towards this process's own I/O threads: it neither blocks nor fails while they live.
        if (zmq_send(zap->library, reply[i].data, reply[i].size, flags) < 0) {
            return;
        }
    }
}

static enum status open_handler(struct bus_zap *zap, struct error *err)
{
    zap->library = zmq_socket(zap->context->library, ZMQ_REP);
    int linger = ZAP_LINGER_MS;
    int hwm = 0; // libzmq asks once for each connection: bounded by the connections
    int64_t largest = ZAP_FRAME_BYTES;
    if (zap->library == NULL ||
        zmq_setsockopt(zap->library, ZMQ_LINGER, &linger, sizeof(linger)) != 0 ||
        zmq_setsockopt(zap->library, ZMQ_SNDHWM, &hwm, sizeof(hwm)) != 0 ||
        zmq_setsockopt(zap->library, ZMQ_RCVHWM, &hwm, sizeof(hwm)) != 0 ||
        zmq_setsockopt(zap->library, ZMQ_MAXMSGSIZE, &largest, sizeof(largest)) != 0 ||
        zmq_bind(zap->library, "inproc://zeromq.zap.01") != 0) {
        return bus_failure(err, "the handler that decides who may connect");
    }
    return ST_OK;
}

static void serve(struct bus_zap *zap)
{
    zmq_pollitem_t items[] = {
        { .fd = zap->stop, .events = ZMQ_POLLIN },
        { .socket = zap->library, .events = ZMQ_POLLIN },
    };
    struct zap_request request;
    while ((items[0].revents & ZMQ_POLLIN) == 0) {
        if (zmq_poll(items, ARRAY_COUNT(items), -1) < 0 && zmq_errno() != EINTR) {
            return;
        }
        while (read_request(zap->library, &request)) {
            answer(zap, &request);
        }
    }
}

static void run(struct thread *thread, void *argument)
{
    struct bus_zap *zap = argument;
    struct error err = { 0 };
    enum status status = open_handler(zap, &err);
    if (status == ST_OK) {
        atomic_store(&zap->alive, true);
        atomic_store(&zap->context->zap, true);
        thread_ready(thread, ST_OK, NULL);
        serve(zap);
        atomic_store(&zap->context->zap, false);
        atomic_store(&zap->alive, false);
    } else {
        thread_ready(thread, status, &err);
    }
    if (zap->library != NULL) {
        zmq_close(zap->library);
    }
}

enum status bus_zap_start(struct bus_context *context, bus_zap_allow allow, void *argument,
                          struct bus_zap **zap, struct error *err)
{
    struct bus_zap *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return error_set(err, ST_NOMEM, "no memory for the handler that decides who may connect");
    }
    made->context = context;
    made->allow = allow;
    made->argument = argument;
    enum status status = ST_OK;
    made->stop = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (made->stop < 0) {
        status = error_errno(err, ST_IO, "the handler that decides who may connect");
    } else {
        status = thread_start("zap", run, made, &made->thread, err);
    }
    if (status != ST_OK) {
        bus_zap_stop(&made);
        return status;
    }
    *zap = made;
    return ST_OK;
}

void bus_zap_stop(struct bus_zap **zap)
{
    if (*zap == NULL) {
        return;
    }
    if ((*zap)->thread != NULL) {
        uint64_t one = 1;
        ssize_t written = write((*zap)->stop, &one, sizeof(one));
        (void)written; // an eventfd takes its first number
        thread_join(&(*zap)->thread);
    }
    if ((*zap)->stop >= 0) {
        close((*zap)->stop);
    }
    free(*zap);
    *zap = NULL;
}

bool bus_zap_alive(const struct bus_zap *zap)
{
    return atomic_load(&zap->alive);
}

void bus_zap_counts(const struct bus_zap *zap, uint64_t *admitted, uint64_t *denied)
{
    *admitted = atomic_load(&zap->admitted);
    *denied = atomic_load(&zap->denied);
}
