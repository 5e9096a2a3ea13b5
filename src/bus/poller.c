// Waiting for several things at once, over zmq_poll (zmq_poller is a draft and not in Debian).
#include "bus/poller.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include <zmq.h>

#include "base/clock.h"
#include "bus/handle.h"

enum { TAG_MAX = 63 };

struct bus_poller {
    size_t max;
    size_t count;
    zmq_pollitem_t *items;
    unsigned *tags; // of each item
};

enum status bus_poller_create(size_t max, struct bus_poller **poller, struct error *err)
{
    struct bus_poller *made = calloc(1, sizeof(*made));
    if (made != NULL) {
        made->max = max;
        made->items = calloc(max, sizeof(*made->items));
        made->tags = calloc(max, sizeof(*made->tags));
    }
    if (made == NULL || made->items == NULL || made->tags == NULL) {
        bus_poller_destroy(&made);
        return error_set(err, ST_NOMEM, "no memory for a poller");
    }
    *poller = made;
    return ST_OK;
}

void bus_poller_destroy(struct bus_poller **poller)
{
    if (*poller == NULL) {
        return;
    }
    free((*poller)->items);
    free((*poller)->tags);
    free(*poller);
    *poller = NULL;
}

static enum status add(struct bus_poller *poller, zmq_pollitem_t item, unsigned tag,
                       struct error *err)
{
    if (tag > TAG_MAX) {
        return error_set(err, ST_USAGE, "poller: tag %u", tag);
    }
    if (poller->count == poller->max) {
        return error_set(err, ST_FULL, "poller: room for %zu things", poller->max);
    }
    item.events = ZMQ_POLLIN;
    poller->items[poller->count] = item;
    poller->tags[poller->count] = tag;
    poller->count++;
    return ST_OK;
}

enum status bus_poller_add_socket(struct bus_poller *poller, struct bus_socket *socket,
                                  unsigned tag, struct error *err)
{
    return add(poller, (zmq_pollitem_t){ .socket = bus_socket_handle(socket) }, tag, err);
}

enum status bus_poller_add_monitor(struct bus_poller *poller, struct bus_monitor *monitor,
                                   unsigned tag, struct error *err)
{
    return add(poller, (zmq_pollitem_t){ .socket = bus_monitor_handle(monitor) }, tag, err);
}

enum status bus_poller_add_fd(struct bus_poller *poller, int fd, unsigned tag, struct error *err)
{
    return add(poller, (zmq_pollitem_t){ .fd = fd }, tag, err);
}

void bus_poller_remove(struct bus_poller *poller, unsigned tag)
{
    size_t kept = 0;
    for (size_t i = 0; i < poller->count; i++) {
        if (poller->tags[i] != tag) {
            poller->items[kept] = poller->items[i];
            poller->tags[kept] = poller->tags[i];
            kept++;
        }
    }
    poller->count = kept;
}

static long timeout_until(int64_t deadline_ms)
{
    if (deadline_ms < 0) {
        return -1;
    }
    int64_t left = deadline_ms == 0 ? 0 : deadline_ms - clock_monotonic_ms();
    return left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (long)left;
}

enum status bus_poller_wait(struct bus_poller *poller, int64_t deadline_ms, uint64_t *ready,
                            struct error *err)
{
    int rc = zmq_poll(poller->items, (int)poller->count, timeout_until(deadline_ms));
    if (rc < 0 && zmq_errno() != EINTR) {
        return bus_failure(err, "waiting");
    }
    uint64_t found = 0;
    for (size_t i = 0; rc > 0 && i < poller->count; i++) {
        if (poller->items[i].revents != 0) {
            found |= UINT64_C(1) << poller->tags[i];
        }
    }
    *ready = found;
    return ST_OK;
}
