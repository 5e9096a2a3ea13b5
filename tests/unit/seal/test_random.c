#include "seal/random.h"

#include "test.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

TEST(no_two_digests_repeat_across_refills_of_the_pool)
{
    enum { COUNT = 1000 };
    static struct digest seen[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        seen[i] = seal_random_digest();
        for (size_t k = 0; k < i; k++) {
            assert_false(digest_equal(&seen[i], &seen[k]));
        }
    }
}

TEST(large_requests_are_filled_to_the_end)
{
    static uint8_t bytes[3 * 4096];
    static const uint8_t zeros[64];
    seal_random(bytes, sizeof(bytes));
    for (size_t i = 0; i + 64 <= sizeof(bytes); i += 64) {
        assert_memory_not_equal(bytes + i, zeros, 64);
    }
}

TEST(a_child_process_does_not_repeat_what_its_parent_draws)
{
    (void)seal_random_digest(); // the pool is filled before the fork
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        struct digest drawn = seal_random_digest();
        _exit(write(ends[1], drawn.bytes, DIGEST_BYTES) == DIGEST_BYTES ? 0 : 1);
    }
    struct digest mine = seal_random_digest();
    struct digest theirs;
    assert_int_equal(read(ends[0], theirs.bytes, DIGEST_BYTES), DIGEST_BYTES);
    int state = 0;
    assert_int_equal(waitpid(child, &state, 0), child);
    assert_int_equal(state, 0);
    assert_false(digest_equal(&mine, &theirs));
    close(ends[0]);
    close(ends[1]);
}

static void *draw(void *out)
{
    *(struct digest *)out = seal_random_digest();
    return NULL;
}

TEST(threads_have_pools_of_their_own)
{
    struct digest drawn[2];
    pthread_t threads[2];
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, draw, &drawn[i]), 0);
    }
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_false(digest_equal(&drawn[0], &drawn[1]));
}

TEST(random_ids_differ)
{
    struct id a = seal_random_id();
    struct id b = seal_random_id();
    assert_false(id_equal(&a, &b));
}
