#include "node/memory.h"

#include "base/file.h"
#include "test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

static const char anna[] = "VD0042176";

static enum node_person check(struct node_memory *memory, const char *person, uint32_t key,
                              uint8_t value, uint64_t now_ms)
{
    struct digest digest = { .bytes = { value } };
    bool kept = false;
    enum node_person answer = node_memory_person(memory, bytes_text("vd"), bytes_text(person), key,
                                                 &digest, now_ms, &kept);
    assert_true(kept);
    return answer;
}

TEST(a_second_check_of_one_person_is_noticed)
{
    struct node_memory *memory = node_memory_create(1000000);
    assert_int_equal(check(memory, anna, 1, 1, 1), NODE_PERSON_AGREES);
    assert_int_equal(check(memory, anna, 1, 1, 2), NODE_PERSON_AGREES);
    assert_int_equal(check(memory, anna, 1, 2, 3), NODE_PERSON_DIFFERS);
    assert_int_equal(check(memory, anna, 1, 1, 4), NODE_PERSON_AGREES);
    assert_int_equal(check(memory, "VD0000011", 1, 2, 6), NODE_PERSON_AGREES);
    assert_int_equal(check(memory, anna, 1, 2, 1000001), NODE_PERSON_AGREES);
    node_memory_destroy(&memory);
}

TEST(a_new_tag_key_counts_only_when_it_was_accepted)
{
    struct node_memory *memory = node_memory_create(1000000);
    assert_int_equal(check(memory, anna, 3, 1, 1), NODE_PERSON_AGREES);
    assert_int_equal(check(memory, anna, 4, 2, 2), NODE_PERSON_KEY_UNKNOWN);
    assert_int_equal(check(memory, anna, 2, 2, 2), NODE_PERSON_KEY_UNKNOWN);
    assert_int_equal(check(memory, anna, 0, 2, 2), NODE_PERSON_KEY_UNKNOWN);
    assert_true(node_memory_accept_key(memory, 4, 3));
    assert_false(node_memory_accept_key(memory, 4, 3));
    assert_false(node_memory_accept_key(memory, 2, 3));
    assert_int_equal(check(memory, anna, 4, 2, 4), NODE_PERSON_AGREES);
    assert_int_equal(check(memory, anna, 4, 1, 5), NODE_PERSON_DIFFERS);
    assert_int_equal(check(memory, anna, 3, 1, 6), NODE_PERSON_AGREES);
    assert_int_equal(check(memory, anna, 3, 2, 6), NODE_PERSON_DIFFERS);
    assert_int_equal(check(memory, anna, 5, 2, 6), NODE_PERSON_KEY_UNKNOWN);
    node_memory_destroy(&memory);
}

// ---- what outlasts a restart

static struct node_memory *open_memory(const char *path, const char *key, uint64_t now_ms,
                                       bool *fresh)
{
    struct error err;
    uint8_t secret[32] = { 0 };
    struct node_memory *memory = node_memory_create(1000000);
    memcpy(secret, key, strlen(key));
    *fresh = false;
    assert_ok(
        node_memory_keep(memory, path, bytes_of(secret, sizeof(secret)), now_ms, fresh, &err));
    return memory;
}

static void file_in(char path[256])
{
    snprintf(path, 256, "%s/persons", test_directory());
}

TEST(after_a_restart_a_second_check_and_an_unknown_tag_key_are_still_noticed)
{
    char path[256];
    bool fresh;
    file_in(path);
    struct node_memory *memory = open_memory(path, "key", 1, &fresh);
    assert_false(fresh);
    assert_int_equal(check(memory, anna, 1, 1, 1), NODE_PERSON_AGREES);
    assert_true(node_memory_accept_key(memory, 2, 2));
    assert_int_equal(check(memory, anna, 2, 7, 2), NODE_PERSON_AGREES);
    node_memory_destroy(&memory);

    memory = open_memory(path, "key", 5, &fresh);
    assert_false(fresh);
    assert_int_equal(check(memory, anna, 1, 2, 5), NODE_PERSON_DIFFERS);
    assert_int_equal(check(memory, anna, 1, 1, 5), NODE_PERSON_AGREES);
    assert_int_equal(check(memory, anna, 2, 1, 5), NODE_PERSON_DIFFERS);
    assert_int_equal(check(memory, anna, 3, 1, 5), NODE_PERSON_KEY_UNKNOWN);
    assert_int_equal(check(memory, "VD0000011", 2, 9, 6), NODE_PERSON_AGREES);
    node_memory_destroy(&memory);

    // What its time has passed of is forgotten, as in memory.
    memory = open_memory(path, "key", 1000003, &fresh);
    assert_int_equal(check(memory, anna, 1, 2, 1000003), NODE_PERSON_AGREES);
    assert_int_equal(check(memory, "VD0000011", 2, 8, 1000004), NODE_PERSON_DIFFERS);
    node_memory_destroy(&memory);
}

TEST(the_file_has_no_identifier_and_no_check_and_is_of_no_use_under_another_key)
{
    struct error err;
    char path[256];
    bool fresh;
    file_in(path);
    struct node_memory *memory = open_memory(path, "key", 1, &fresh);
    struct digest value;
    bool kept = false;
    memset(value.bytes, 0x5a, sizeof(value.bytes));
    assert_int_equal(
        node_memory_person(memory, bytes_text("vd"), bytes_text(anna), 1, &value, 1, &kept),
        NODE_PERSON_AGREES);
    node_memory_destroy(&memory);
    struct buffer content = buffer_init(1 << 20);
    assert_ok(file_read(path, 1 << 20, &content, &err));
    assert_int_equal(content.size, 48 + 2 * 80);
    assert_null(memmem(content.data, content.size, anna, strlen(anna)));
    assert_null(memmem(content.data, content.size, value.bytes, 8));
    // Another node's file, for the same person, has nothing in common with it.
    char other[256];
    snprintf(other, sizeof(other), "%.250s.2", path);
    memory = open_memory(other, "other key", 1, &fresh);
    assert_int_equal(
        node_memory_person(memory, bytes_text("vd"), bytes_text(anna), 1, &value, 1, &kept),
        NODE_PERSON_AGREES);
    node_memory_destroy(&memory);
    struct buffer second = buffer_init(1 << 20);
    assert_ok(file_read(other, 1 << 20, &second, &err));
    assert_int_equal(second.size, content.size);
    assert_null(memmem(second.data, second.size, content.data + 48 + 81, 32));
    buffer_fini(&content);
    buffer_fini(&second);
    memory = open_memory(path, "other key", 2, &fresh);
    assert_true(fresh);
    node_memory_destroy(&memory);
}

TEST(a_record_that_was_cut_short_or_damaged_is_left_out_alone)
{
    char path[256];
    bool fresh;
    file_in(path);
    struct node_memory *memory = open_memory(path, "key", 1, &fresh);
    assert_int_equal(check(memory, "one", 1, 1, 1), NODE_PERSON_AGREES);
    assert_int_equal(check(memory, "two", 1, 1, 1), NODE_PERSON_AGREES);
    assert_int_equal(check(memory, "three", 1, 1, 1), NODE_PERSON_AGREES);
    node_memory_destroy(&memory);
    assert_int_equal(truncate(path, 48 + 3 * 80 + 50), 0); // into the third person
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, 48 + 80 + 20, SEEK_SET), 0); // into the first
    fputc('x', file);
    fclose(file);
    memory = open_memory(path, "key", 2, &fresh);
    assert_int_equal(check(memory, "two", 1, 2, 3), NODE_PERSON_DIFFERS);
    assert_int_equal(check(memory, "one", 1, 2, 3), NODE_PERSON_AGREES);
    assert_int_equal(check(memory, "three", 1, 2, 3), NODE_PERSON_AGREES);
    node_memory_destroy(&memory);
    memory = open_memory(path, "key", 4, &fresh);
    assert_int_equal(check(memory, "three", 1, 1, 5), NODE_PERSON_DIFFERS);
    assert_int_equal(check(memory, "one", 1, 1, 5), NODE_PERSON_DIFFERS);
    node_memory_destroy(&memory);
}

TEST(a_full_table_of_persons_forgets_the_oldest_alone_and_its_file_stays_bounded)
{
    struct error err;
    char path[256];
    bool fresh;
    file_in(path);
    struct node_memory *memory = open_memory(path, "key", 1, &fresh);
    char person[16];
    for (uint32_t i = 0; i < 2 * NODE_PERSONS_MAX + 100; i++) {
        snprintf(person, sizeof(person), "p%u", i);
        assert_int_equal(check(memory, person, 1, 1, 1), NODE_PERSON_AGREES);
    }
    snprintf(person, sizeof(person), "p%u", NODE_PERSONS_MAX + 100);
    assert_int_equal(check(memory, person, 1, 2, 3), NODE_PERSON_DIFFERS);
    snprintf(person, sizeof(person), "p%u", NODE_PERSONS_MAX + 99);
    assert_int_equal(check(memory, person, 1, 2, 4), NODE_PERSON_AGREES);
    node_memory_destroy(&memory);
    struct buffer content = buffer_init(64 << 20);
    assert_ok(file_read(path, 64 << 20, &content, &err));
    assert_true(content.size < 48 + (NODE_PERSONS_MAX + 300) * 80);
    buffer_fini(&content);
    memory = open_memory(path, "key", 5, &fresh);
    snprintf(person, sizeof(person), "p%u", 2 * NODE_PERSONS_MAX + 99);
    assert_int_equal(check(memory, person, 1, 2, 5), NODE_PERSON_DIFFERS);
    node_memory_destroy(&memory);
}
