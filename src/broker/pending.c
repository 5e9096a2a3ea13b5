// The table: a map by id, a binary heap by deadline, a line of held answers from old to new, and
// for each consent the chain of those that are being asked for under it.
#include "broker/pending.h"

#include "base/map.h"

#include <assert.h>
#include <stdlib.h>

struct pending {
    struct map *by_id;
    struct map *by_consent; // the first of each chain
    struct exchange **heap; // from 1
    size_t heap_count;
    size_t limit_count;
    size_t limit_held_bytes;
    size_t under_way;
    size_t held_bytes;
    struct exchange *oldest;
    struct exchange *newest;
};

enum status pending_create(size_t limit_count, size_t limit_held_bytes, struct pending **pending,
                           struct error *err)
{
    struct pending *p = calloc(1, sizeof(*p));
    struct map *by_id = map_create();
    struct map *by_consent = map_create();
    struct exchange **heap = calloc(limit_count + 1, sizeof(struct exchange *));
    if (p == NULL || by_id == NULL || by_consent == NULL || heap == NULL) {
        free(p);
        map_destroy(&by_id);
        map_destroy(&by_consent);
        free(heap);
        return error_set(err, ST_NOMEM, "pending table of %zu: no memory", limit_count);
    }
    p->by_id = by_id;
    p->by_consent = by_consent;
    p->heap = heap;
    p->limit_count = limit_count;
    p->limit_held_bytes = limit_held_bytes;
    *pending = p;
    return ST_OK;
}

void pending_destroy(struct pending **pending)
{
    if (*pending == NULL) {
        return;
    }
    size_t cursor = 0;
    struct exchange *exchange;
    while ((exchange = pending_next(*pending, &cursor)) != NULL) {
        pending_drop(*pending, &exchange);
    }
    map_destroy(&(*pending)->by_id);
    map_destroy(&(*pending)->by_consent);
    free((*pending)->heap);
    free(*pending);
    *pending = NULL;
}

static void heap_place(struct pending *pending, struct exchange *exchange, size_t place)
{
    pending->heap[place] = exchange;
    exchange->heap_place = place;
}

static void heap_settle(struct pending *pending, size_t place)
{
    struct exchange **heap = pending->heap;
    struct exchange *exchange = heap[place];
    while (place > 1 && heap[place / 2]->deadline_ms > exchange->deadline_ms) {
        heap_place(pending, heap[place / 2], place);
        place /= 2;
    }
    for (;;) {
        size_t child = place * 2;
        if (child > pending->heap_count) {
            break;
        }
        if (child < pending->heap_count &&
            heap[child + 1]->deadline_ms < heap[child]->deadline_ms) {
            child++;
        }
        if (heap[child]->deadline_ms >= exchange->deadline_ms) {
            break;
        }
        heap_place(pending, heap[child], place);
        place = child;
    }
    heap_place(pending, exchange, place);
}

static void heap_remove(struct pending *pending, struct exchange *exchange)
{
    size_t place = exchange->heap_place;
    if (place == 0) {
        return;
    }
    struct exchange *last = pending->heap[pending->heap_count--];
    exchange->heap_place = 0;
    if (last != exchange) {
        heap_place(pending, last, place);
        heap_settle(pending, place);
    }
}

static void set_deadline(struct pending *pending, struct exchange *exchange, int64_t deadline_ms)
{
    heap_remove(pending, exchange);
    exchange->deadline_ms = deadline_ms;
    if (deadline_ms >= 0) {
        heap_place(pending, exchange, ++pending->heap_count);
        heap_settle(pending, pending->heap_count);
    }
}

enum status pending_add(struct pending *pending, struct exchange **exchange, struct error *err)
{
    struct bytes key = bytes_id(&(*exchange)->id);
    if (map_get(pending->by_id, key) != NULL) {
        return error_set(err, ST_EXISTS, "this request is under way already");
    }
    if (map_count(pending->by_id) >= pending->limit_count) {
        return error_set(err, ST_BUSY, "the broker has too many exchanges under way");
    }
    if (!map_put(pending->by_id, key, *exchange)) {
        return error_set(err, ST_BUSY, "no memory for another exchange");
    }
    *exchange = NULL;
    return ST_OK;
}

struct exchange *pending_find(const struct pending *pending, const struct id *id)
{
    return map_get(pending->by_id, bytes_id(id));
}

struct exchange *pending_asked_under(const struct pending *pending, const struct id *consent,
                                     uint32_t before_revision)
{
    struct exchange *exchange = map_get(pending->by_consent, bytes_id(consent));
    while (exchange != NULL && exchange->consent_revision >= before_revision) {
        exchange = exchange->behind;
    }
    return exchange;
}

// Without memory it stays out: then it ends when its answer comes.
static void join_chain(struct pending *pending, struct exchange *exchange)
{
    static const struct id none;
    struct exchange *first = map_get(pending->by_consent, bytes_id(&exchange->consent));
    if (id_equal(&exchange->consent, &none) ||
        (first == NULL && !map_put(pending->by_consent, bytes_id(&exchange->consent), exchange))) {
        return;
    }
    exchange->beside = true;
    exchange->before = first;
    exchange->behind = first == NULL ? NULL : first->behind;
    if (exchange->behind != NULL) {
        exchange->behind->before = exchange;
    }
    if (first != NULL) {
        first->behind = exchange;
    }
}

static void leave_chain(struct pending *pending, struct exchange *exchange)
{
    struct exchange *behind = exchange->behind;
    if (!exchange->beside) {
        return;
    }
    if (behind != NULL) {
        behind->before = exchange->before;
    }
    if (exchange->before != NULL) {
        exchange->before->behind = behind;
    } else if (behind == NULL ||
               // Takes the place of a key that is there, so it needs no memory.
               !map_put(pending->by_consent, bytes_id(&behind->consent), behind)) {
        map_remove(pending->by_consent, bytes_id(&exchange->consent));
    }
    exchange->beside = false;
    exchange->before = exchange->behind = NULL;
}

static bool counts_as_under_way(enum pending_state state)
{
    return state == PENDING_ASKED || state == PENDING_RELEASING;
}

void pending_move(struct pending *pending, struct exchange *exchange, enum pending_state state,
                  int64_t deadline_ms)
{
    assert(pending_may_move(exchange->state, state));
    pending->under_way -= counts_as_under_way(exchange->state) ? 1 : 0;
    pending->under_way += counts_as_under_way(state) ? 1 : 0;
    exchange->state = state;
    leave_chain(pending, exchange);
    if (state == PENDING_ASKED) {
        join_chain(pending, exchange);
    }
    set_deadline(pending, exchange, deadline_ms);
}

void pending_postpone(struct pending *pending, struct exchange *exchange, int64_t deadline_ms)
{
    set_deadline(pending, exchange, deadline_ms);
}

static void leave_line(struct pending *pending, struct exchange *exchange)
{
    if (exchange->bytes == 0) {
        return;
    }
    pending->held_bytes -= exchange->bytes;
    exchange->bytes = 0;
    if (exchange->older != NULL) {
        exchange->older->newer = exchange->newer;
    } else {
        pending->oldest = exchange->newer;
    }
    if (exchange->newer != NULL) {
        exchange->newer->older = exchange->older;
    } else {
        pending->newest = exchange->older;
    }
}

void pending_hold(struct pending *pending, struct exchange *exchange)
{
    assert(exchange->state == PENDING_RELEASED && exchange->bytes == 0);
    exchange->bytes = sizeof(*exchange) + bus_frame_view(&exchange->held_head).size +
                      bus_frame_view(&exchange->held_boxes).size;
    exchange->older = pending->newest;
    exchange->newer = NULL;
    if (pending->newest != NULL) {
        pending->newest->newer = exchange;
    } else {
        pending->oldest = exchange;
    }
    pending->newest = exchange;
    pending->held_bytes += exchange->bytes;
}

struct exchange *pending_surplus(const struct pending *pending)
{
    return pending->held_bytes > pending->limit_held_bytes ? pending->oldest : NULL;
}

void pending_drop(struct pending *pending, struct exchange **exchange)
{
    pending->under_way -= counts_as_under_way((*exchange)->state) ? 1 : 0;
    heap_remove(pending, *exchange);
    leave_chain(pending, *exchange);
    leave_line(pending, *exchange);
    map_remove(pending->by_id, bytes_id(&(*exchange)->id));
    exchange_destroy(exchange);
}

struct exchange *pending_due(const struct pending *pending, int64_t now_ms)
{
    if (pending->heap_count == 0 || pending->heap[1]->deadline_ms > now_ms) {
        return NULL;
    }
    return pending->heap[1];
}

int64_t pending_next_deadline(const struct pending *pending)
{
    return pending->heap_count == 0 ? -1 : pending->heap[1]->deadline_ms;
}

struct exchange *pending_next(const struct pending *pending, size_t *cursor)
{
    struct bytes key;
    void *value = NULL;
    return map_next(pending->by_id, cursor, &key, &value) ? value : NULL;
}

size_t pending_count(const struct pending *pending)
{
    return map_count(pending->by_id);
}

size_t pending_under_way(const struct pending *pending)
{
    return pending->under_way;
}

size_t pending_held_bytes(const struct pending *pending)
{
    return pending->held_bytes;
}
