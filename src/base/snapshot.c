// Counted versions under one mutex, held for a few instructions only.
#include "base/snapshot.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct snapshot_item {
    void *object;
    void (*destroy)(void *object);
    atomic_size_t pins;
};

struct snapshot {
    pthread_mutex_t lock;
    struct snapshot_item *current;
    void (*destroy)(void *object);
};

struct snapshot *snapshot_create(void (*destroy)(void *object))
{
    struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
    if (snapshot != NULL) {
        pthread_mutex_init(&snapshot->lock, NULL);
        snapshot->destroy = destroy;
    }
    return snapshot;
}

void snapshot_unpin(struct snapshot_item **item)
{
    if (*item != NULL && atomic_fetch_sub(&(*item)->pins, 1) == 1) {
        (*item)->destroy((*item)->object);
        free(*item);
    }
    *item = NULL;
}

void snapshot_destroy(struct snapshot **snapshot)
{
    if (*snapshot != NULL) {
        snapshot_unpin(&(*snapshot)->current);
        pthread_mutex_destroy(&(*snapshot)->lock);
        free(*snapshot);
        *snapshot = NULL;
    }
}

bool snapshot_swap(struct snapshot *snapshot, void *object)
{
    struct snapshot_item *item = NULL;
    if (object != NULL) {
        item = calloc(1, sizeof(*item));
        if (item == NULL) {
            return false;
        }
        item->object = object;
        item->destroy = snapshot->destroy;
        atomic_init(&item->pins, 1);
    }
    pthread_mutex_lock(&snapshot->lock);
    struct snapshot_item *old = snapshot->current;
    snapshot->current = item;
    pthread_mutex_unlock(&snapshot->lock);
    snapshot_unpin(&old);
    return true;
}

void *snapshot_pin(struct snapshot *snapshot, struct snapshot_item **item)
{
    pthread_mutex_lock(&snapshot->lock);
    *item = snapshot->current;
    if (*item != NULL) {
        atomic_fetch_add(&(*item)->pins, 1);
    }
    pthread_mutex_unlock(&snapshot->lock);
    return *item == NULL ? NULL : (*item)->object;
}
