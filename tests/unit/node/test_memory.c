#include "node/memory.h"

#include "test.h"

#include <string.h>

TEST(an_exchange_is_answered_once_and_another_askers_same_id_is_another)
{
    struct node_memory *memory = node_memory_create(1000);
    struct id id = { .bytes = { 1 } };
    struct id other = { .bytes = { 2 } };
    assert_true(node_memory_once(memory, bytes_text("a"), &id, 1000));
    assert_false(node_memory_once(memory, bytes_text("a"), &id, 2000));
    assert_true(node_memory_once(memory, bytes_text("b"), &id, 2000));
    assert_true(node_memory_once(memory, bytes_text("a"), &other, 2000));
    // Longer than a request can live.
    assert_false(node_memory_once(memory, bytes_text("a"), &id, 1000 + 15 * 60 * 1000));
    assert_true(node_memory_once(memory, bytes_text("a"), &id, 1000 + 16 * 60 * 1000));
    node_memory_destroy(&memory);
    node_memory_destroy(&memory);
}

TEST(a_second_check_of_one_person_is_noticed_and_a_new_key_of_the_log_is_not)
{
    struct node_memory *memory = node_memory_create(1000000);
    struct bytes scheme = bytes_text("vd");
    struct bytes anna = bytes_text("VD0042176");
    struct digest first = { .bytes = { 1 } };
    struct digest second = { .bytes = { 2 } };
    assert_true(node_memory_person(memory, scheme, anna, 1, &first, 1));
    assert_true(node_memory_person(memory, scheme, anna, 1, &first, 2));
    assert_false(node_memory_person(memory, scheme, anna, 1, &second, 3));
    assert_true(node_memory_person(memory, scheme, anna, 1, &first, 4));
    assert_true(node_memory_person(memory, scheme, anna, 2, &second, 5));
    assert_true(node_memory_person(memory, scheme, bytes_text("VD0000011"), 1, &second, 6));
    assert_true(node_memory_person(memory, scheme, anna, 1, &second, 1000001));
    node_memory_destroy(&memory);
}

TEST(a_full_table_of_persons_forgets_the_oldest_alone)
{
    struct node_memory *memory = node_memory_create(1000000);
    struct digest first = { .bytes = { 1 } };
    struct digest second = { .bytes = { 2 } };
    for (uint32_t i = 0; i < NODE_PERSONS_MAX; i++) {
        struct bytes person = bytes_of(&i, sizeof(i));
        assert_true(node_memory_person(memory, bytes_text("vd"), person, 1, &first, 1));
    }
    uint32_t more = NODE_PERSONS_MAX;
    assert_true(
        node_memory_person(memory, bytes_text("vd"), bytes_of(&more, sizeof(more)), 1, &first, 2));
    uint32_t youngest = 1;
    assert_false(node_memory_person(memory, bytes_text("vd"), bytes_of(&youngest, sizeof(youngest)),
                                    1, &second, 3));
    uint32_t oldest = 0;
    assert_true(node_memory_person(memory, bytes_text("vd"), bytes_of(&oldest, sizeof(oldest)), 1,
                                   &second, 4));
    node_memory_destroy(&memory);
}
