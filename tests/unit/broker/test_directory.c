#include "test.h"

#include "broker/directory.h"

static struct directory_item item(uint8_t key, uint64_t serial, uint64_t not_after)
{
    struct directory_item item = { .member = bytes_text("ru/health/clinic-2"),
                                   .node = bytes_text("gate-1"),
                                   .serial = serial,
                                   .not_after = not_after,
                                   .head = bytes_text("head") };
    item.batch_key.bytes[0] = key;
    item.hash.bytes[0] = key;
    item.hash.bytes[1] = (uint8_t)serial;
    return item;
}

static void add(struct directory **directory, const struct directory_item *one)
{
    struct error err;
    struct directory *next = NULL;
    assert_ok(directory_next(*directory, one, 0, &next, &err));
    directory_destroy(directory);
    *directory = next;
}

TEST(the_last_two_announcements_of_a_node_are_known)
{
    struct directory *directory = directory_create();
    struct directory_item items[] = { item(1, 1, 100), item(1, 2, 200), item(1, 3, 300) };
    for (size_t i = 0; i < 3; i++) {
        add(&directory, &items[i]);
    }
    assert_null(directory_by_hash(directory, &items[0].hash));
    assert_non_null(directory_by_hash(directory, &items[1].hash));
    assert_non_null(directory_by_hash(directory, &items[2].hash));
    assert_int_equal(directory_of_member(directory, items[0].member, 0)->serial, 3);
    directory_destroy(&directory);
}

TEST(an_announcement_that_was_followed_by_another_of_the_same_node_is_not_the_newest)
{
    struct directory *directory = directory_create();
    struct directory_item items[] = { item(1, 1, 100), item(1, 2, 100), item(2, 1, 100) };
    for (size_t i = 0; i < 3; i++) {
        add(&directory, &items[i]);
    }
    assert_false(directory_is_newest(directory, directory_by_hash(directory, &items[0].hash)));
    assert_true(directory_is_newest(directory, directory_by_hash(directory, &items[1].hash)));
    assert_true(directory_is_newest(directory, directory_by_hash(directory, &items[2].hash)));
    directory_destroy(&directory);
}

TEST(a_serial_that_does_not_grow_is_refused)
{
    struct error err;
    struct directory *next = NULL;
    struct directory *directory = directory_create();
    struct directory_item first = item(1, 5, 100);
    struct directory_item same = item(1, 5, 100);
    add(&directory, &first);
    assert_status(ST_STALE, directory_next(directory, &same, 0, &next, &err));
    assert_null(next);
    directory_destroy(&directory);
}

TEST(a_revoked_key_leaves_the_directory)
{
    struct error err;
    struct directory *next = NULL;
    struct directory *directory = directory_create();
    struct directory_item ours = item(1, 1, 100);
    struct directory_item other = item(2, 1, 100);
    add(&directory, &ours);
    add(&directory, &other);
    assert_ok(directory_without(directory, &ours.batch_key, &next, &err));
    assert_null(directory_by_hash(next, &ours.hash));
    assert_non_null(directory_by_hash(next, &other.hash));
    assert_int_equal(directory_count(directory), 2);
    directory_destroy(&directory);
    directory_destroy(&next);
}

TEST(an_announcement_that_has_ended_is_not_offered)
{
    struct directory *directory = directory_create();
    struct directory_item one = item(1, 1, 100);
    add(&directory, &one);
    assert_non_null(directory_of_member(directory, one.member, 99));
    assert_null(directory_of_member(directory, one.member, 100));
    directory_destroy(&directory);
}
