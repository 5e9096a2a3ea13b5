// One line of waiting messages for each connection that is full. The lines are found again through
// a list of all items in order of their coming; an item whose exchange took it back stays as an
// empty shell until its turn.
#include "broker/outbox.h"

#include <stdlib.h>

enum { TOLD_MAX = 64, REPLIES_MAX = 1024 }; // of one connection

struct outbox_item {
    struct outbox_item *next;
    struct digest key;
    struct exchange *exchange; // NULL: taken back, or
    bool told;                 // of no exchange, or
    bool reply;                // to a message
    struct bus_frame head;
    struct bus_frame boxes;
};

struct outbox {
    struct bus_socket *socket;
    struct map *connections;
    outbox_lost lost;
    void *owner;
    struct outbox_item *first;
    struct outbox_item **end;
};

enum status outbox_create(struct bus_socket *socket, struct map *connections, outbox_lost lost,
                          void *owner, struct outbox **outbox, struct error *err)
{
    struct outbox *o = calloc(1, sizeof(*o));
    if (o == NULL) {
        return error_set(err, ST_NOMEM, "outbox: no memory");
    }
    *o = (struct outbox){
        .socket = socket, .connections = connections, .lost = lost, .owner = owner
    };
    o->end = &o->first;
    *outbox = o;
    return ST_OK;
}

static void drop_item(struct outbox_item *item)
{
    if (item->exchange != NULL) {
        item->exchange->waiting = NULL;
    }
    bus_frame_fini(&item->head);
    bus_frame_fini(&item->boxes);
    free(item);
}

void outbox_destroy(struct outbox **outbox)
{
    while (*outbox != NULL && (*outbox)->first != NULL) {
        struct outbox_item *item = (*outbox)->first;
        (*outbox)->first = item->next;
        drop_item(item);
    }
    free(*outbox);
    *outbox = NULL;
}

static enum outbox_result try_send(struct outbox *outbox, struct connection *connection,
                                   struct bus_frame *head, struct bus_frame *boxes)
{
    struct error err;
    if (connection == NULL || !connection->greeted) {
        return OUTBOX_GONE;
    }
    switch ((int)bus_socket_send(outbox->socket, &connection->route, head, boxes, &err)) {
    case ST_OK:
        return OUTBOX_SENT;
    case ST_BUSY:
        return OUTBOX_WAITS;
    default:
        connection->greeted = false;
        return OUTBOX_GONE;
    }
}

// The last in the connection's line. NULL: no memory, the frames stay the caller's.
static struct outbox_item *add_item(struct outbox *outbox, struct connection *connection,
                                    struct bus_frame *head, struct bus_frame *boxes)
{
    struct outbox_item *item = calloc(1, sizeof(*item));
    if (item == NULL) {
        return NULL;
    }
    item->key = connection->batch_key;
    bus_frame_init(&item->head);
    bus_frame_init(&item->boxes);
    bus_frame_move(&item->head, head);
    bus_frame_move(&item->boxes, boxes);
    connection->waiting++;
    *outbox->end = item;
    outbox->end = &item->next;
    return item;
}

enum outbox_result outbox_send(struct outbox *outbox, const struct digest *batch_key,
                               struct exchange *exchange, struct bus_frame *head,
                               struct bus_frame *boxes)
{
    struct connection *connection = connection_find(outbox->connections, batch_key, false);
    enum outbox_result result = OUTBOX_WAITS;
    if (connection == NULL || connection->waiting == 0) {
        result = try_send(outbox, connection, head, boxes);
    }
    if (result != OUTBOX_WAITS) {
        return result;
    }
    struct outbox_item *item = add_item(outbox, connection, head, boxes);
    if (item == NULL) {
        return OUTBOX_GONE;
    }
    item->exchange = exchange;
    exchange->waiting = item;
    return OUTBOX_WAITS;
}

void outbox_tell(struct outbox *outbox, struct connection *connection, struct bus_frame *head)
{
    struct bus_frame copy;
    struct bus_frame boxes;
    enum outbox_result result = OUTBOX_WAITS;
    bus_frame_init(&copy);
    bus_frame_init(&boxes);
    bus_frame_share(&copy, head);
    if (connection->waiting == 0) {
        result = try_send(outbox, connection, &copy, &boxes);
    }
    if (result == OUTBOX_WAITS) {
        struct outbox_item *item = NULL;
        if (connection->told < TOLD_MAX) {
            item = add_item(outbox, connection, &copy, &boxes);
        }
        if (item == NULL) {
            connection->greeted = false;
        } else {
            item->told = true;
            connection->told++;
        }
    }
    bus_frame_fini(&copy);
    bus_frame_fini(&boxes);
}

void outbox_reply(struct outbox *outbox, struct connection *connection,
                  const struct bus_route *route, struct bus_frame *head, struct bus_frame *boxes)
{
    struct error err;
    bool newest =
        connection != NULL && connection->greeted && bus_route_equal(&connection->route, route);
    bool waits = newest && connection->waiting > 0;
    if (!waits && bus_socket_send(outbox->socket, route, head, boxes, &err) != ST_BUSY) {
        return;
    }
    if (newest && connection->replies < REPLIES_MAX) {
        struct outbox_item *item = add_item(outbox, connection, head, boxes);
        if (item != NULL) {
            item->reply = true;
            connection->replies++;
        }
    }
}

void outbox_untell(struct outbox *outbox, struct connection *connection)
{
    for (struct outbox_item *item = outbox->first; item != NULL && connection->told > 0;
         item = item->next) {
        if (item->told && digest_equal(&item->key, &connection->batch_key)) {
            item->told = false;
            connection->told--;
        }
    }
}

bool outbox_recall(struct exchange *exchange)
{
    struct outbox_item *item = exchange->waiting;
    if (item == NULL) {
        return false;
    }
    exchange->waiting = NULL;
    item->exchange = NULL;
    bus_frame_fini(&item->head);
    bus_frame_fini(&item->boxes);
    return true;
}

// Sent, lost, or taken back: the item is done.
static bool settle(struct outbox *outbox, struct outbox_item *item, struct connection *connection)
{
    struct exchange *exchange = item->exchange;
    enum outbox_result result = OUTBOX_SENT;
    if (exchange != NULL || item->told || item->reply) {
        result = connection->full ? OUTBOX_WAITS
                                  : try_send(outbox, connection, &item->head, &item->boxes);
    }
    connection->full = connection->full || result == OUTBOX_WAITS;
    if (result == OUTBOX_WAITS) {
        return false;
    }
    connection->waiting--;
    connection->told -= item->told ? 1 : 0;
    connection->replies -= item->reply ? 1 : 0;
    drop_item(item);
    if (result == OUTBOX_GONE && exchange != NULL) {
        outbox->lost(outbox->owner, exchange);
    }
    return true;
}

bool outbox_retry(struct outbox *outbox)
{
    struct outbox_item **place = &outbox->first;
    for (const struct outbox_item *item = outbox->first; item != NULL; item = item->next) {
        connection_find(outbox->connections, &item->key, false)->full = false;
    }
    while (*place != NULL) {
        struct outbox_item *item = *place;
        struct outbox_item *next = item->next;
        struct connection *connection = connection_find(outbox->connections, &item->key, false);
        if (settle(outbox, item, connection)) {
            *place = next;
        } else {
            place = &item->next;
        }
    }
    outbox->end = place;
    return outbox->first != NULL;
}

struct exchange *outbox_next(const struct outbox *outbox, const struct outbox_item **cursor)
{
    const struct outbox_item *item = *cursor == NULL ? outbox->first : (*cursor)->next;
    while (item != NULL && item->exchange == NULL) {
        item = item->next;
    }
    *cursor = item;
    return item == NULL ? NULL : item->exchange;
}
