// The shared set of digests: says what was put in, forgets the oldest, is shared by threads.
#include "test.h"

#include <pthread.h>

#include "base/recent.h"
#include "fault.h"

static struct digest digest_of(uint64_t number)
{
    struct digest digest = { { 0 } };
    uint64_t spread = (number + 1) * UINT64_C(0x9E3779B97F4A7C15);
    memcpy(digest.bytes, &spread, sizeof(spread));
    memcpy(digest.bytes + sizeof(spread), &number, sizeof(number));
    return digest;
}

TEST(it_has_what_was_put_in_and_nothing_else)
{
    struct recent *recent = recent_create(64);
    struct digest none = { { 0 } };
    assert_false(recent_has(recent, &none));
    for (uint64_t i = 0; i < 10; i++) {
        struct digest one = digest_of(i);
        struct digest like = one; // differs in its last byte only
        like.bytes[DIGEST_BYTES - 1] ^= 1;
        assert_false(recent_has(recent, &one));
        recent_put(recent, &one);
        recent_put(recent, &one);
        assert_true(recent_has(recent, &one));
        assert_false(recent_has(recent, &like));
    }
    assert_false(recent_has(recent, &none));
    recent_destroy(&recent);
    assert_null(recent);
    recent_destroy(&recent);
}

TEST(the_newest_stay_when_there_is_no_room)
{
    enum { MANY = 10000 };
    struct recent *recent = recent_create(64);
    size_t kept = 0;
    for (uint64_t i = 0; i < MANY; i++) {
        struct digest one = digest_of(i);
        recent_put(recent, &one);
        assert_true(recent_has(recent, &one));
    }
    for (uint64_t i = 0; i < MANY; i++) {
        struct digest one = digest_of(i);
        kept += recent_has(recent, &one) ? 1 : 0;
    }
    assert_in_range(kept, 32, 64);
    recent_destroy(&recent);
}

static void *put_and_look(void *argument)
{
    struct recent *recent = argument;
    for (uint64_t i = 0; i < 2000; i++) {
        struct digest one = digest_of(i);
        recent_put(recent, &one);
        assert_true(recent_has(recent, &one));
    }
    return NULL;
}

TEST(threads_share_it)
{
    struct recent *recent = recent_create(8192);
    pthread_t threads[3];
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, put_and_look, recent), 0);
    }
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++) {
        pthread_join(threads[i], NULL);
    }
    struct digest one = digest_of(1999);
    assert_true(recent_has(recent, &one));
    recent_destroy(&recent);
}

TEST(without_memory_there_is_none)
{
    for (size_t k = 1; k <= 2; k++) {
        fault_arm(k);
        assert_null(recent_create(64));
        assert_true(fault_disarm());
    }
}
