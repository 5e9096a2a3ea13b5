#include "test.h"

#include "broker/pending.h"

static struct exchange *make_exchange(uint8_t number)
{
    struct exchange *exchange = exchange_create(NULL);
    assert_non_null(exchange);
    exchange->id.bytes[0] = number;
    return exchange;
}

static struct exchange *add_asked(struct pending *pending, uint8_t number, int64_t deadline_ms)
{
    struct error err;
    struct exchange *exchange = make_exchange(number);
    struct exchange *added = exchange;
    assert_ok(pending_add(pending, &exchange, &err));
    pending_move(pending, added, PENDING_RECORDING, -1);
    pending_move(pending, added, PENDING_ASKED, deadline_ms);
    return added;
}

TEST(every_ending_is_reached_from_asked_and_left_by_nothing)
{
    static const enum pending_state endings[] = { PENDING_RELEASED, PENDING_REFUSED,
                                                  PENDING_EXPIRED, PENDING_CANCELLED };
    for (size_t i = 0; i < ARRAY_COUNT(endings); i++) {
        for (int to = 0; to < PENDING_STATE_COUNT; to++) {
            assert_false(pending_may_move(endings[i], (enum pending_state)to));
        }
    }
    assert_true(pending_may_move(PENDING_ASKED, PENDING_EXPIRED));
    assert_true(pending_may_move(PENDING_ASKED, PENDING_CANCELLED));
    assert_true(pending_may_move(PENDING_ASKED, PENDING_REFUSED));
    assert_false(pending_may_move(PENDING_ASKED, PENDING_RELEASED));
}

TEST(a_release_under_way_can_neither_expire_nor_be_cancelled)
{
    assert_false(pending_may_move(PENDING_RELEASING, PENDING_EXPIRED));
    assert_false(pending_may_move(PENDING_RELEASING, PENDING_CANCELLED));
    assert_true(pending_may_move(PENDING_RELEASING, PENDING_REFUSED));
}

TEST(the_earliest_deadline_is_due_first_whatever_the_order_of_adding)
{
    struct error err;
    struct pending *pending = NULL;
    assert_ok(pending_create(64, 1 << 20, &pending, &err));
    static const int64_t deadlines[] = { 50, 10, 40, 20, 30, 60, 5, 45 };
    for (size_t i = 0; i < ARRAY_COUNT(deadlines); i++) {
        add_asked(pending, (uint8_t)i, deadlines[i]);
    }
    int64_t last = 0;
    for (size_t i = 0; i < ARRAY_COUNT(deadlines); i++) {
        struct exchange *due = pending_due(pending, 1000);
        assert_non_null(due);
        assert_true(due->deadline_ms >= last);
        assert_int_equal(due->deadline_ms, pending_next_deadline(pending));
        last = due->deadline_ms;
        pending_drop(pending, &due);
    }
    assert_null(pending_due(pending, 1000));
    assert_int_equal(pending_next_deadline(pending), -1);
    assert_int_equal(pending_under_way(pending), 0);
    pending_destroy(&pending);
}

TEST(nothing_is_due_before_its_time)
{
    struct error err;
    struct pending *pending = NULL;
    assert_ok(pending_create(4, 1 << 20, &pending, &err));
    add_asked(pending, 1, 100);
    assert_null(pending_due(pending, 99));
    assert_non_null(pending_due(pending, 100));
    pending_destroy(&pending);
}

TEST(a_second_exchange_with_the_same_id_is_refused)
{
    struct error err;
    struct pending *pending = NULL;
    assert_ok(pending_create(4, 1 << 20, &pending, &err));
    add_asked(pending, 1, 100);
    struct exchange *again = make_exchange(1);
    assert_status(ST_EXISTS, pending_add(pending, &again, &err));
    assert_non_null(again);
    exchange_destroy(&again);
    pending_destroy(&pending);
}

TEST(a_full_table_is_busy_and_keeps_what_it_has)
{
    struct error err;
    struct pending *pending = NULL;
    assert_ok(pending_create(2, 1 << 20, &pending, &err));
    add_asked(pending, 1, 100);
    add_asked(pending, 2, 100);
    struct exchange *third = make_exchange(3);
    assert_status(ST_BUSY, pending_add(pending, &third, &err));
    exchange_destroy(&third);
    assert_int_equal(pending_count(pending), 2);
    pending_destroy(&pending);
}

TEST(the_oldest_held_answer_is_the_first_to_give_way)
{
    struct error err;
    struct pending *pending = NULL;
    assert_ok(pending_create(8, 1, &pending, &err));
    struct exchange *first = add_asked(pending, 1, 100);
    struct exchange *second = add_asked(pending, 2, 100);
    struct exchange *both[] = { first, second };
    for (size_t i = 0; i < 2; i++) {
        pending_move(pending, both[i], PENDING_RELEASING, -1);
        pending_move(pending, both[i], PENDING_RELEASED, 1000);
        pending_hold(pending, both[i]);
    }
    assert_ptr_equal(pending_surplus(pending), first);
    pending_drop(pending, &first);
    assert_ptr_equal(pending_surplus(pending), second);
    pending_drop(pending, &second);
    assert_null(pending_surplus(pending));
    assert_int_equal(pending_held_bytes(pending), 0);
    pending_destroy(&pending);
}

static struct exchange *add_asked_under(struct pending *pending, uint8_t number, uint8_t consent)
{
    struct error err;
    struct exchange *exchange = make_exchange(number);
    struct exchange *added = exchange;
    exchange->consent.bytes[0] = consent;
    assert_ok(pending_add(pending, &exchange, &err));
    pending_move(pending, added, PENDING_RECORDING, -1);
    assert_null(added->behind);
    pending_move(pending, added, PENDING_ASKED, 100);
    return added;
}

TEST(what_is_asked_for_under_a_consent_is_found_by_it_until_it_moves_on)
{
    struct error err;
    struct pending *pending = NULL;
    const struct id consents[] = { { { 0 } }, { { 7 } }, { { 8 } }, { { 9 } } };
    assert_ok(pending_create(64, 1 << 20, &pending, &err));
    add_asked_under(pending, 1, 0); // under the law
    struct exchange *other = add_asked_under(pending, 2, 8);
    struct exchange *answered = NULL;
    struct exchange *dropped = NULL;
    for (uint8_t i = 10; i < 20; i++) {
        struct exchange *exchange = add_asked_under(pending, i, 7);
        dropped = i == 10 ? exchange : dropped; // the first of the chain
        answered = i == 15 ? exchange : answered;
    }
    pending_move(pending, answered, PENDING_RELEASING, -1);
    pending_drop(pending, &dropped);
    size_t ended = 0;
    struct exchange *exchange;
    struct exchange *newer = add_asked_under(pending, 30, 7);
    newer->consent_revision = 3; // the one that the change has made, or a later one
    while ((exchange = pending_asked_under(pending, &consents[1], 3)) != NULL) {
        assert_true(exchange != answered && exchange != newer && exchange->consent.bytes[0] == 7);
        pending_move(pending, exchange, PENDING_REFUSED, -1);
        ended++;
    }
    assert_int_equal(ended, 8);
    assert_ptr_equal(pending_asked_under(pending, &consents[1], 4), newer);
    assert_ptr_equal(pending_asked_under(pending, &consents[2], 3), other);
    assert_null(pending_asked_under(pending, &consents[0], 3));
    assert_null(pending_asked_under(pending, &consents[3], 3));
    pending_destroy(&pending);
}
