// The arena: capped, aligned, zeroed, given back at once.
#include "test.h"

#include <stdalign.h>

#include "base/arena.h"
#include "fault.h"

TEST(memory_is_zeroed_and_aligned_after_a_reset_too)
{
    struct arena *arena = arena_create(100000);
    for (int round = 0; round < 3; round++) {
        for (size_t size = 0; size < 300; size += 7) {
            uint8_t *taken = arena_take(arena, size);
            assert_non_null(taken);
            assert_int_equal((uintptr_t)taken % alignof(max_align_t), 0);
            for (size_t i = 0; i < size; i++) {
                assert_int_equal(taken[i], 0);
                taken[i] = 0xFF;
            }
        }
        arena_reset(arena);
        assert_int_equal(arena_used_bytes(arena), 0);
    }
    arena_destroy(&arena);
    assert_null(arena);
    arena_destroy(&arena);
}

TEST(nothing_is_handed_out_past_the_limit)
{
    struct arena *arena = arena_create(1024);
    assert_null(arena_take(arena, 1025));
    assert_null(arena_take(arena, SIZE_MAX));
    size_t taken = 0;
    while (arena_take(arena, 64) != NULL) {
        taken += 64;
    }
    assert_int_equal(taken, 1024);
    assert_null(arena_copy(arena, bytes_text("x")).data);
    assert_null(arena_text(arena, bytes_text("x")));
    arena_reset(arena);
    assert_non_null(arena_take(arena, 1024));
    arena_destroy(&arena);
}

TEST(a_piece_larger_than_a_block_fits_below_the_limit)
{
    struct arena *arena = arena_create(1 << 20);
    uint8_t *large = arena_take(arena, 900000);
    assert_non_null(large);
    large[899999] = 1;
    assert_non_null(arena_take(arena, 16));
    arena_reset(arena);
    assert_non_null(arena_take(arena, 16));
    arena_destroy(&arena);
}

TEST(copies_do_not_share_with_what_was_copied)
{
    struct arena *arena = arena_create(4096);
    char source[] = "abc";
    struct bytes copy = arena_copy(arena, bytes_text(source));
    char *text = arena_text(arena, bytes_text(source));
    source[0] = 'x';
    assert_true(bytes_equal_text(copy, "abc"));
    assert_string_equal(text, "abc");
    assert_string_equal(arena_text(arena, (struct bytes){ 0 }), "");
    arena_destroy(&arena);
}

TEST(an_arena_of_a_pool_behaves_as_any_other)
{
    struct arena_pool *pool = arena_pool_create(1000, 2);
    for (int round = 0; round < 4; round++) {
        struct arena *arenas[4];
        for (size_t i = 0; i < ARRAY_COUNT(arenas); i++) {
            arenas[i] = arena_create_in(pool, 6000);
            assert_non_null(arenas[i]);
        }
        for (size_t i = 0; i < ARRAY_COUNT(arenas); i++) {
            for (size_t size = 1; size < 100; size += 7) {
                uint8_t *taken = arena_take(arenas[i], size);
                assert_non_null(taken);
                assert_int_equal((uintptr_t)taken % alignof(max_align_t), 0);
                for (size_t k = 0; k < size; k++) {
                    assert_int_equal(taken[k], 0);
                }
                memset(taken, 0xFF, size);
            }
            assert_non_null(arena_take(arenas[i], 3000));
            assert_null(arena_take(arenas[i], 6000 - arena_used_bytes(arenas[i]) + 16));
            if (i % 2 == 0) {
                arena_reset(arenas[i]);
                assert_int_equal(arena_used_bytes(arenas[i]), 0);
                assert_non_null(arena_take(arenas[i], 5000));
            }
        }
        for (size_t i = 0; i < ARRAY_COUNT(arenas); i++) {
            arena_destroy(&arenas[i]);
            assert_null(arenas[i]);
        }
    }
    arena_pool_destroy(&pool);
    assert_null(pool);
    arena_pool_destroy(&pool);
}

TEST(what_is_trimmed_is_handed_out_again)
{
    struct arena *arena = arena_create(1 << 16);
    uint8_t *room = arena_room(arena, 1024);
    assert_non_null(room);
    arena_trim(arena, room + 512, 512);
    assert_int_equal(arena_used_bytes(arena), 512);
    assert_ptr_equal(arena_take(arena, 16), room + 512);
    arena_trim(arena, room + 512, 512); // something has been taken since
    assert_int_equal(arena_used_bytes(arena), 528);
    arena_trim(arena, NULL, 0);
    assert_int_equal(arena_used_bytes(arena), 528);
    arena_destroy(&arena);
}

TEST(without_memory_a_pool_gives_no_arena)
{
    fault_arm(1);
    assert_null(arena_pool_create(1000, 2));
    assert_true(fault_disarm());
    struct arena_pool *pool = arena_pool_create(1000, 2);
    fault_arm(1);
    assert_null(arena_create_in(pool, 6000));
    assert_true(fault_disarm());
    struct arena *arena = arena_create_in(pool, 6000);
    assert_non_null(arena_take(arena, 900));
    fault_arm(1);
    assert_null(arena_take(arena, 900));
    assert_true(fault_disarm());
    assert_non_null(arena_take(arena, 900));
    arena_destroy(&arena);
    arena_pool_destroy(&pool);
}
