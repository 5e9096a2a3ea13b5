// The proxy's process. It reads the first bytes of a head to know where the message goes, gives the
// next leg a head of the size that leg has, and sends the boxes on as they are.
#include "bench_proxy.h"

#include "base/reader.h"
#include "bus/poller.h"
#include "bus/zap.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    PROXY_BATCH = 256,
    // The broker never lets more than a window wait for one connection; this holds any window.
    PROXY_HWM = 65536,
    PROXY_READY_MS = 10 * 1000,
    HANDSHAKE_MS = 5000,
    HEARTBEAT_MS = 10 * 1000,
};

void bench_bare_write(const struct bench_bare *bare, uint8_t bytes[BENCH_BARE_BYTES])
{
    memset(bytes, 0, BENCH_BARE_BYTES);
    bytes[0] = bare->kind;
    memcpy(bytes + 4, &bare->asker, 4);
    memcpy(bytes + 8, &bare->holder, 4);
    memcpy(bytes + 12, &bare->slot, 4);
    memcpy(bytes + 16, &bare->next_bytes, 4);
    memcpy(bytes + 24, &bare->begun_ns, 8);
}

bool bench_bare_read(struct bytes head, struct bench_bare *bare)
{
    if (head.size < BENCH_BARE_BYTES) {
        return false;
    }
    bare->kind = head.data[0];
    memcpy(&bare->asker, head.data + 4, 4);
    memcpy(&bare->holder, head.data + 8, 4);
    memcpy(&bare->slot, head.data + 12, 4);
    memcpy(&bare->next_bytes, head.data + 16, 4);
    memcpy(&bare->begun_ns, head.data + 24, 8);
    return true;
}

struct forwarder {
    struct bus_context *context;
    struct bus_zap *zap;
    struct bus_socket *socket;
    struct bus_poller *poller;
    struct bus_route *askers;
    size_t asker_count;
    struct bus_route *holders;
    size_t holder_count;
    struct bus_message messages[PROXY_BATCH];
};

static bool allow(void *argument, const struct digest *key, const char *address)
{
    (void)argument;
    (void)key;
    (void)address;
    return true;
}

static bool forward(struct forwarder *forwarder, const struct bench_bare *bare,
                    const struct bus_route *route, struct bus_message *message)
{
    struct error err;
    struct bus_frame head;
    uint8_t *data;
    struct bytes came = bus_frame_view(&message->head);
    if (bus_frame_make(&head, bare->next_bytes, &data, &err) != ST_OK) {
        return false;
    }
    size_t common = came.size < bare->next_bytes ? came.size : bare->next_bytes;
    memcpy(data, came.data, common);
    memset(data + common, 0, bare->next_bytes - common);
    bool sent = bus_socket_send(forwarder->socket, route, &head, &message->boxes, &err) == ST_OK;
    bus_frame_fini(&head);
    return sent;
}

// False: something that must not happen, so the proxy's figures are worth nothing.
static bool take(struct forwarder *forwarder, struct bus_message *message)
{
    struct error err;
    struct bench_bare bare;
    if (message->fault != BUS_FAULT_NONE ||
        !bench_bare_read(bus_frame_view(&message->head), &bare) ||
        bare.asker >= forwarder->asker_count || bare.holder >= forwarder->holder_count) {
        return false;
    }
    switch ((enum bench_bare_kind)bare.kind) {
    case BENCH_BARE_ASKER:
        forwarder->askers[bare.asker] = message->route;
        break;
    case BENCH_BARE_HOLDER:
        forwarder->holders[bare.holder] = message->route;
        break;
    case BENCH_BARE_REQUEST:
        return forward(forwarder, &bare, &forwarder->holders[bare.holder], message);
    case BENCH_BARE_ANSWER:
        return forward(forwarder, &bare, &forwarder->askers[bare.asker], message);
    default:
        return false;
    }
    return bus_socket_send(forwarder->socket, &message->route, &message->head, &message->boxes,
                           &err) == ST_OK;
}

static enum status serve(struct forwarder *forwarder, struct error *err)
{
    for (;;) {
        uint64_t ready;
        size_t count = 0;
        enum status status = bus_poller_wait(forwarder->poller, -1, &ready, err);
        if (status == ST_OK) {
            status = bus_socket_receive(forwarder->socket, forwarder->messages, PROXY_BATCH, &count,
                                        err);
        }
        for (size_t i = 0; status == ST_OK && i < count; i++) {
            if (!take(forwarder, &forwarder->messages[i])) {
                status = error_set(err, ST_IO, "a message that cannot be forwarded");
            }
        }
        if (status != ST_OK) {
            return status;
        }
    }
}

static enum status open_forwarder(struct forwarder *forwarder, const struct bench_proxy *proxy,
                                  const uint8_t *secret, struct error *err)
{
    const struct bus_socket_options options = {
        .kind = BUS_ROUTER,
        .public_key = proxy->key,
        .secret_key = secret,
        .send_hwm = PROXY_HWM,
        .receive_hwm = PROXY_HWM,
        .head_max_bytes = WIRE_HEAD_MAX_BYTES,
        .boxes_max_bytes = WIRE_BOXES_MAX_BYTES,
        .handshake_ms = HANDSHAKE_MS,
        .heartbeat_ms = HEARTBEAT_MS,
        .backlog = 1024,
    };
    forwarder->askers = calloc(forwarder->asker_count, sizeof(*forwarder->askers));
    forwarder->holders = calloc(forwarder->holder_count, sizeof(*forwarder->holders));
    if (forwarder->askers == NULL || forwarder->holders == NULL) {
        return error_set(err, ST_NOMEM, "no memory");
    }
    for (size_t i = 0; i < PROXY_BATCH; i++) {
        bus_message_init(&forwarder->messages[i]);
    }
    enum status status = bus_context_create(1, &forwarder->context, err);
    if (status == ST_OK) {
        status = bus_zap_start(forwarder->context, allow, NULL, &forwarder->zap, err);
    }
    if (status == ST_OK) {
        status = bus_socket_open(forwarder->context, &options, &forwarder->socket, err);
    }
    if (status == ST_OK) {
        status = bus_socket_bind(forwarder->socket, proxy->endpoint, err);
    }
    if (status == ST_OK) {
        status = bus_poller_create(1, &forwarder->poller, err);
    }
    return status == ST_OK ? bus_poller_add_socket(forwarder->poller, forwarder->socket, 0, err)
                           : status;
}

// The process's whole life: it is ended by a signal, and with its parent.
static void run_proxy(const struct bench_proxy *proxy, const uint8_t *secret, size_t askers,
                      size_t holders, int ready)
{
    struct error err = { 0 };
    struct forwarder *forwarder = calloc(1, sizeof(*forwarder));
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (forwarder == NULL) {
        _exit(1);
    }
    forwarder->asker_count = askers;
    forwarder->holder_count = holders;
    enum status status = open_forwarder(forwarder, proxy, secret, &err);
    if (status == ST_OK && write(ready, "ready\n", 6) == 6) {
        status = serve(forwarder, &err);
    }
    fprintf(stderr, "proxy: %s\n", err.message);
    _exit(1);
}

enum status bench_proxy_start(unsigned port, size_t askers, size_t holders,
                              struct bench_proxy *proxy, struct error *err)
{
    uint8_t secret[DIGEST_BYTES];
    char word[8];
    int fds[2];
    *proxy = (struct bench_proxy){ .pid = 0 };
    snprintf(proxy->endpoint, sizeof(proxy->endpoint), "tcp://127.0.0.1:%u", port);
    enum status status = bus_key_pair(&proxy->key, secret, err);
    if (status != ST_OK || pipe(fds) != 0) {
        return status != ST_OK ? status : error_errno(err, ST_IO, "bench: pipe");
    }
    proxy->pid = fork();
    if (proxy->pid == 0) {
        close(fds[0]);
        run_proxy(proxy, secret, askers, holders, fds[1]);
    }
    close(fds[1]);
    struct pollfd ready = { .fd = fds[0], .events = POLLIN };
    bool serves = proxy->pid > 0 && poll(&ready, 1, PROXY_READY_MS) == 1 &&
                  read(fds[0], word, sizeof(word)) > 0;
    close(fds[0]);
    return serves ? ST_OK
                  : error_set(err, ST_IO, "bench: the proxy did not start at %s", proxy->endpoint);
}

void bench_proxy_stop(struct bench_proxy *proxy)
{
    if (proxy->pid > 0) {
        kill(proxy->pid, SIGKILL);
        waitpid(proxy->pid, NULL, 0);
        proxy->pid = 0;
    }
}
