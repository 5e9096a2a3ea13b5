// Items are counted, so that the next version shares them with the last and costs one array.
#include "broker/directory.h"

#include "base/map.h"

#include <stdatomic.h>
#include <stdlib.h>

struct counted {
    atomic_size_t users;
    struct directory_item item;
    uint8_t bytes[];
};

struct directory {
    struct map *by_hash;
    struct counted **items;
    size_t count;
};

static void let_go(struct counted *counted)
{
    if (counted != NULL && atomic_fetch_sub(&counted->users, 1) == 1) {
        free(counted);
    }
}

struct directory *directory_create(void)
{
    struct directory *directory = calloc(1, sizeof(*directory));
    struct map *map = map_create();
    if (directory == NULL || map == NULL) {
        free(directory);
        map_destroy(&map);
        return NULL;
    }
    directory->by_hash = map;
    return directory;
}

void directory_destroy(struct directory **directory)
{
    if (*directory == NULL) {
        return;
    }
    for (size_t i = 0; i < (*directory)->count; i++) {
        let_go((*directory)->items[i]);
    }
    free((*directory)->items);
    map_destroy(&(*directory)->by_hash);
    free(*directory);
    *directory = NULL;
}

void directory_free(void *directory)
{
    struct directory *d = directory;
    directory_destroy(&d);
}

static struct bytes place_bytes(uint8_t **next, struct bytes bytes)
{
    memcpy(*next, bytes.data, bytes.size);
    struct bytes placed = bytes_of(*next, bytes.size);
    *next += bytes.size;
    return placed;
}

static struct counted *copy_item(const struct directory_item *item)
{
    struct counted *counted =
        calloc(1, sizeof(*counted) + item->member.size + item->node.size + item->head.size);
    if (counted != NULL) {
        uint8_t *next = counted->bytes;
        counted->item = *item;
        counted->item.member = place_bytes(&next, item->member);
        counted->item.node = place_bytes(&next, item->node);
        counted->item.head = place_bytes(&next, item->head);
        atomic_init(&counted->users, 1);
    }
    return counted;
}

// Takes the counted item over, also on failure.
static bool take_item(struct directory *directory, struct counted *counted)
{
    if (!map_put(directory->by_hash, bytes_digest(&counted->item.hash), counted)) {
        let_go(counted);
        return false;
    }
    directory->items[directory->count++] = counted;
    return true;
}

// A copy of `old` with room for one more, without the items that `leave_out` names.
static struct directory *copy_without(const struct directory *old,
                                      bool (*leave_out)(const struct directory_item *item,
                                                        const void *context),
                                      const void *context)
{
    struct directory *next = directory_create();
    if (next == NULL) {
        return NULL;
    }
    next->items = calloc(old->count + 1, sizeof(struct counted *));
    bool fits = next->items != NULL;
    for (size_t i = 0; fits && i < old->count; i++) {
        if (!leave_out(&old->items[i]->item, context)) {
            atomic_fetch_add(&old->items[i]->users, 1);
            fits = take_item(next, old->items[i]);
        }
    }
    if (!fits) {
        directory_destroy(&next);
    }
    return next;
}

struct newcomer {
    const struct directory_item *item;
    uint64_t newest; // the node's newest serial so far, which stays
    int64_t now_ms;
};

// The node's announcements but the newest, and whatever ended a while ago.
static bool is_outlived(const struct directory_item *item, const void *context)
{
    const struct newcomer *newcomer = context;
    enum { GRACE_MS = 10 * 60 * 1000 };
    if ((int64_t)item->not_after + GRACE_MS < newcomer->now_ms) {
        return true;
    }
    return digest_equal(&item->batch_key, &newcomer->item->batch_key) &&
           item->serial != newcomer->newest;
}

enum status directory_next(const struct directory *old, const struct directory_item *item,
                           int64_t now_ms, struct directory **next, struct error *err)
{
    struct newcomer newcomer = { .item = item, .now_ms = now_ms };
    for (size_t i = 0; i < old->count; i++) {
        const struct directory_item *other = &old->items[i]->item;
        if (digest_equal(&other->batch_key, &item->batch_key) && other->serial > newcomer.newest) {
            newcomer.newest = other->serial;
        }
    }
    if (item->serial <= newcomer.newest) {
        return error_set(err, ST_STALE, "announcement: its serial is not above the last one's");
    }
    struct counted *counted = copy_item(item);
    struct directory *copy = counted == NULL ? NULL : copy_without(old, is_outlived, &newcomer);
    if (copy == NULL) {
        let_go(counted);
        return error_set(err, ST_NOMEM, "directory: no memory");
    }
    if (!take_item(copy, counted)) {
        directory_destroy(&copy);
        return error_set(err, ST_NOMEM, "directory: no memory");
    }
    *next = copy;
    return ST_OK;
}

static bool is_of_key(const struct directory_item *item, const void *context)
{
    return digest_equal(&item->batch_key, context);
}

enum status directory_without(const struct directory *old, const struct digest *batch_key,
                              struct directory **next, struct error *err)
{
    struct directory *copy = copy_without(old, is_of_key, batch_key);
    if (copy == NULL) {
        return error_set(err, ST_NOMEM, "directory: no memory");
    }
    *next = copy;
    return ST_OK;
}

const struct directory_item *directory_by_hash(const struct directory *directory,
                                               const struct digest *hash)
{
    const struct counted *counted = map_get(directory->by_hash, bytes_digest(hash));
    return counted == NULL ? NULL : &counted->item;
}

const struct directory_item *directory_of_member(const struct directory *directory,
                                                 struct bytes member, int64_t now_ms)
{
    const struct directory_item *best = NULL;
    for (size_t i = 0; i < directory->count; i++) {
        const struct directory_item *item = &directory->items[i]->item;
        bool current = (int64_t)item->not_after > now_ms;
        if (current && bytes_equal(item->member, member) &&
            (best == NULL || item->not_after > best->not_after)) {
            best = item;
        }
    }
    return best;
}

bool directory_is_newest(const struct directory *directory, const struct directory_item *item)
{
    for (size_t i = 0; i < directory->count; i++) {
        const struct directory_item *other = &directory->items[i]->item;
        if (digest_equal(&other->batch_key, &item->batch_key) && other->serial > item->serial) {
            return false;
        }
    }
    return true;
}

size_t directory_count(const struct directory *directory)
{
    return directory->count;
}
