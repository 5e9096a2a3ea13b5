// The cell of immutable versions: a pinned version lives, the last reader frees it, once.
#include "test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/snapshot.h"

static atomic_int alive;

struct version {
    int first;
    int second; // always the same as `first`
};

static struct version *version_create(int number)
{
    struct version *version = malloc(sizeof(*version));
    *version = (struct version){ number, number };
    atomic_fetch_add(&alive, 1);
    return version;
}

static void version_destroy(void *object)
{
    struct version *version = object;
    version->first = -1;
    free(version);
    atomic_fetch_sub(&alive, 1);
}

TEST(a_pinned_version_outlives_its_successor)
{
    struct snapshot *cell = snapshot_create(version_destroy);
    struct snapshot_item *pinned = NULL;
    assert_null(snapshot_pin(cell, &pinned));
    assert_null(pinned);
    snapshot_unpin(&pinned);
    assert_true(snapshot_swap(cell, version_create(1)));
    const struct version *one = snapshot_pin(cell, &pinned);
    assert_true(snapshot_swap(cell, version_create(2)));
    assert_int_equal(atomic_load(&alive), 2);
    assert_int_equal(one->first, 1);
    struct snapshot_item *newer = NULL;
    assert_int_equal(((const struct version *)snapshot_pin(cell, &newer))->first, 2);
    snapshot_unpin(&pinned);
    assert_int_equal(atomic_load(&alive), 1);
    snapshot_unpin(&newer);
    assert_true(snapshot_swap(cell, NULL));
    assert_int_equal(atomic_load(&alive), 0);
    snapshot_destroy(&cell);
    snapshot_destroy(&cell);
}

enum { READERS = 3, SWAPS = 3000 };
static atomic_bool done;

static void *read_versions(void *argument)
{
    while (!atomic_load(&done)) {
        struct snapshot_item *item = NULL;
        const struct version *version = snapshot_pin(argument, &item);
        if (version != NULL && (version->first < 0 || version->first != version->second)) {
            abort();
        }
        snapshot_unpin(&item);
    }
    return NULL;
}

TEST(readers_never_see_a_version_that_is_gone_or_half)
{
    struct snapshot *cell = snapshot_create(version_destroy);
    pthread_t readers[READERS];
    atomic_store(&done, false);
    for (size_t i = 0; i < READERS; i++) {
        assert_int_equal(pthread_create(&readers[i], NULL, read_versions, cell), 0);
    }
    for (int i = 0; i < SWAPS; i++) {
        assert_true(snapshot_swap(cell, version_create(i)));
    }
    atomic_store(&done, true);
    for (size_t i = 0; i < READERS; i++) {
        pthread_join(readers[i], NULL);
    }
    snapshot_destroy(&cell);
    assert_int_equal(atomic_load(&alive), 0);
}
