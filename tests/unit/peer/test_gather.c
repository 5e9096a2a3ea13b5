// Messages that wait for company under one signature: who waits, for how long, and who never does.
#include "fake_broker.h"

#include "base/clock.h"

enum {
    MANY = 40,              // under way: no share of them is ready
    LONG_US = 60 * 1000000, // an exchange: half of it is beyond any test's end
    CAP_MS = 100000,
};

static struct error err; // of the running test
static struct fake_broker fake;
static struct peer_flow requests;
static struct peer_flow answers;

static bool is_ready(struct fake_broker *broker, struct peer *peer)
{
    (void)broker;
    return peer_state(peer) == PEER_READY;
}

static struct peer *start_within(int64_t gather_ms)
{
    struct peer *peer = NULL;
    fake_start(&fake);
    struct peer_config config = fake_config(&fake);
    requests = answers = (struct peer_flow){ .took_us = LONG_US };
    config.requests = &requests;
    config.answers = &answers;
    config.gather_ms = gather_ms;
    assert_ok(peer_create(&config, &peer, &err));
    assert_true(fake_until(&fake, peer, NULL, NULL, is_ready));
    return peer;
}

static struct peer *start(void)
{
    return start_within(CAP_MS);
}

static void end(struct peer *peer)
{
    peer_destroy(&peer);
    fake_stop(&fake);
}

// What the broker would not read is of no interest here: the fake one looks at heads only.
static void queue(struct peer *peer, enum wire_type type)
{
    static const uint8_t payload[] = { 0x08, 1 };
    const struct id ref = { { 7 } };
    if (type == WIRE_REQUEST) {
        requests.under_way++;
    }
    assert_ok(peer_send(peer, type, &ref, bytes_of(payload, 2), (struct bytes){ 0 }, &err));
}

static size_t seen_of(const struct fake_broker *broker)
{
    return fake_count(broker, WIRE_REQUEST) + fake_count(broker, WIRE_ANSWER) +
           fake_count(broker, WIRE_CANCEL) + fake_count(broker, WIRE_ACK);
}

static size_t expected;

static bool has_come(struct fake_broker *broker, struct peer *peer)
{
    (void)peer;
    return seen_of(broker) >= expected;
}

static void assert_come(struct peer *peer, size_t count)
{
    expected = count;
    assert_true(fake_until(&fake, peer, NULL, NULL, has_come));
    assert_int_equal(seen_of(&fake), count);
}

// Longer than a message takes.
static void assert_waits(struct peer *peer)
{
    enum { A_WHILE_MS = 50 };
    size_t before = seen_of(&fake);
    int64_t until_ms = clock_monotonic_ms() + A_WHILE_MS;
    assert_true(peer_gathers(peer));
    while (clock_monotonic_ms() < until_ms) {
        assert_ok(peer_step(peer, clock_monotonic_ms() + 1, NULL, NULL, &err));
        fake_serve(&fake);
    }
    assert_int_equal(seen_of(&fake), before);
    assert_true(peer_gathers(peer));
}

static const struct fake_seen *last(void)
{
    return &fake.seen[fake.seen_count - 1];
}

TEST(a_request_goes_at_once_while_few_are_under_way)
{
    struct peer *peer = start();
    requests.under_way = PEER_GATHER_FROM - 1;
    queue(peer, WIRE_REQUEST);
    assert_false(peer_gathers(peer));
    assert_come(peer, 1);
    assert_int_equal(last()->batch_size, 1);
    end(peer);
}

TEST(with_many_under_way_requests_are_signed_together_once_as_many_are_ready)
{
    struct peer *peer = start();
    requests.under_way = MANY;
    for (size_t i = 1; i < MANY; i++) {
        queue(peer, WIRE_REQUEST);
    }
    assert_waits(peer);
    queue(peer, WIRE_REQUEST);
    assert_false(peer_gathers(peer));
    assert_come(peer, MANY);
    assert_true(last()->signed_well);
    assert_int_equal(last()->batch_size, MANY);
    end(peer);
}

TEST(what_is_answered_meanwhile_makes_the_wait_shorter)
{
    struct peer *peer = start();
    requests.under_way = MANY;
    for (size_t i = 0; i < PEER_GATHER_FROM; i++) {
        queue(peer, WIRE_REQUEST);
    }
    assert_waits(peer);
    requests.under_way = 2 * PEER_GATHER_FROM;
    assert_false(peer_gathers(peer));
    assert_come(peer, PEER_GATHER_FROM);
    assert_int_equal(last()->batch_size, PEER_GATHER_FROM);
    end(peer);
}

TEST(nobody_waits_longer_than_the_setting_allows)
{
    enum { WAIT_MS = 120 };
    struct peer *peer = start_within(WAIT_MS);
    int64_t begun_ms = clock_monotonic_ms();
    requests.under_way = MANY;
    queue(peer, WIRE_REQUEST);
    assert_true(peer_gathers(peer));
    assert_in_range(peer_deadline_ms(peer), begun_ms, clock_monotonic_ms() + WAIT_MS);
    assert_come(peer, 1);
    assert_true(clock_monotonic_ms() >= begun_ms + WAIT_MS);
    end(peer);
}

TEST(nobody_waits_longer_than_half_of_what_an_exchange_takes)
{
    struct peer *peer = start();
    int64_t begun_ms = clock_monotonic_ms();
    requests.under_way = MANY;
    requests.took_us = 200 * 1000;
    queue(peer, WIRE_REQUEST);
    assert_true(peer_gathers(peer));
    assert_come(peer, 1);
    assert_true(clock_monotonic_ms() >= begun_ms + 100);
    end(peer);
}

TEST(nothing_gathers_where_the_setting_says_never)
{
    struct peer *peer = start_within(0);
    requests.under_way = MANY;
    queue(peer, WIRE_REQUEST);
    assert_false(peer_gathers(peer));
    assert_come(peer, 1);
    end(peer);
}

TEST(a_cancel_takes_what_gathers_along_and_stands_behind_it)
{
    struct peer *peer = start();
    requests.under_way = MANY;
    queue(peer, WIRE_REQUEST);
    assert_waits(peer);
    queue(peer, WIRE_CANCEL);
    assert_false(peer_gathers(peer));
    assert_come(peer, 2);
    assert_int_equal(last()->type, WIRE_CANCEL);
    assert_int_equal(last()->batch_size, 2);
    assert_int_equal(last()[-1].type, WIRE_REQUEST);
    end(peer);
}

TEST(what_has_no_time_left_takes_what_gathers_along)
{
    struct peer *peer = start();
    requests.under_way = MANY;
    queue(peer, WIRE_REQUEST);
    assert_waits(peer);
    peer_hurry(peer);
    assert_false(peer_gathers(peer));
    assert_come(peer, 1);
    queue(peer, WIRE_REQUEST); // that was once
    assert_waits(peer);
    end(peer);
}

TEST(answers_wait_for_the_asks_that_are_being_looked_up)
{
    struct peer *peer = start();
    answers.under_way = MANY;
    queue(peer, WIRE_ANSWER);
    assert_waits(peer);
    answers.under_way = PEER_GATHER_FROM - 1;
    assert_come(peer, 1);
    end(peer);
}

TEST(answers_that_are_there_at_once_wait_for_half_of_what_the_broker_tells_of)
{
    struct peer_flow flow = { .told = 64 };
    assert_int_equal(peer_gather_answers_ms(&flow, 1, CAP_MS), PEER_TOLD_MS);
    assert_int_equal(peer_gather_answers_ms(&flow, 15, CAP_MS), PEER_TOLD_MS);
    assert_int_equal(peer_gather_answers_ms(&flow, 16, CAP_MS), 0); // as many as still come
    assert_int_equal(peer_gather_answers_ms(&flow, 33, CAP_MS), 0); // more than were told of
    assert_int_equal(peer_gather_answers_ms(&flow, 1, 3), 3);       // the setting
    flow.told = 2 * PEER_GATHER_FROM + 1;
    assert_int_equal(peer_gather_answers_ms(&flow, 1, CAP_MS), 0); // too few come
    flow.took_us = LONG_US;                                        // but many are looked up
    flow.under_way = MANY;
    assert_int_equal(peer_gather_answers_ms(&flow, 1, CAP_MS), LONG_US / 2 / 1000);
    assert_int_equal(peer_gather_answers_ms(NULL, 1, CAP_MS), 0);

    struct peer *peer = start();
    answers.told = MANY;
    int64_t begun_ms = clock_monotonic_ms();
    queue(peer, WIRE_ANSWER);
    assert_true(peer_gathers(peer));
    queue(peer, WIRE_ANSWER);
    assert_come(peer, 2);
    assert_true(clock_monotonic_ms() >= begun_ms + PEER_TOLD_MS);
    assert_int_equal(last()->batch_size, 2);
    end(peer);
}

TEST(requests_and_answers_wait_together_only_while_both_may)
{
    struct peer *peer = start();
    requests.under_way = MANY;
    queue(peer, WIRE_REQUEST);
    assert_waits(peer);
    queue(peer, WIRE_ANSWER); // the only one
    assert_false(peer_gathers(peer));
    assert_come(peer, 2);
    assert_int_equal(last()->batch_size, 2);
    end(peer);
}

TEST(an_acknowledgement_alone_never_waits)
{
    struct peer *peer = start();
    requests.under_way = MANY;
    queue(peer, WIRE_ACK);
    assert_false(peer_gathers(peer));
    assert_come(peer, 1);
    end(peer);
}

TEST(how_long_an_exchange_takes_is_smoothed)
{
    struct peer_flow flow = { .under_way = 1 };
    peer_flow_took(&flow, 8000);
    assert_int_equal(flow.took_us, 8000);
    peer_flow_took(&flow, 16000);
    assert_int_equal(flow.took_us, 9000);
    peer_flow_took(&flow, -5); // no clock goes back, but nothing breaks if one did
    assert_int_equal(flow.took_us, 7875);
    flow.took_us = 3000;
    flow.under_way = MANY;
    assert_int_equal(peer_gather_requests_ms(&flow, 1, CAP_MS), 1);
    flow.took_us = 1900; // less than the clock's grain
    assert_int_equal(peer_gather_requests_ms(&flow, 1, CAP_MS), 0);
}
