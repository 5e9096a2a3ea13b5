// What the broker is told of answers: of several at once, soon, of each once.
#include "fake_broker.h"

#include "base/clock.h"
#include "peer/acks.h"

static struct error err; // of the running test
static struct fake_broker fake;

static bool is_ready(struct fake_broker *broker, struct peer *peer)
{
    (void)broker;
    return peer_state(peer) == PEER_READY;
}

static bool has_told(struct fake_broker *broker, struct peer *peer)
{
    (void)peer;
    return fake_count(broker, WIRE_ACK) > 0;
}

static struct peer *start(void)
{
    struct peer *peer = NULL;
    fake_start(&fake);
    struct peer_config config = fake_config(&fake);
    assert_ok(peer_create(&config, &peer, &err));
    assert_true(fake_until(&fake, peer, NULL, NULL, is_ready));
    return peer;
}

static void end(struct peer *peer)
{
    peer_destroy(&peer);
    fake_stop(&fake);
}

static void acknowledge(struct peer *peer, size_t count, const char *problem)
{
    for (size_t i = 0; i < count; i++) {
        const struct id id = { { 1, (uint8_t)(i >> 8), (uint8_t)i } };
        peer_acknowledge(peer, &id, problem);
    }
}

static const struct fake_seen *told(void)
{
    for (size_t i = 0; i < fake.seen_count; i++) {
        if (fake.seen[i].type == WIRE_ACK) {
            return &fake.seen[i];
        }
    }
    fail_msg("the broker was not told");
    return NULL;
}

TEST(several_are_told_at_once_after_a_while)
{
    struct peer *peer = start();
    int64_t begun_ms = clock_monotonic_ms();
    acknowledge(peer, 3, NULL);
    assert_ok(peer_flush(peer, &err));
    assert_true(peer_deadline_ms(peer) <= clock_monotonic_ms() + PEER_ACK_MS);
    acknowledge(peer, 1, "malformed");
    assert_true(fake_until(&fake, peer, NULL, NULL, has_told));
    assert_true(clock_monotonic_ms() - begun_ms >= PEER_ACK_MS);
    assert_int_equal(told()->number, 4);
    assert_int_equal(told()->opened, 3);
    assert_string_equal(told()->problem, "malformed");
    assert_false(told()->signed_well);
    int64_t until_ms = clock_monotonic_ms() + PEER_ACK_MS + PEER_ACK_MS / 2;
    while (clock_monotonic_ms() < until_ms) {
        assert_ok(peer_step(peer, clock_monotonic_ms() + 10, NULL, NULL, &err));
        fake_serve(&fake);
    }
    assert_int_equal(fake_count(&fake, WIRE_ACK), 1);
    end(peer);
}

TEST(a_full_message_of_long_problems_leaves_before_the_next_begins)
{
    struct peer *peer = start();
    acknowledge(peer, PEER_ACKS_MAX + 1, "a-name-as-long-as-names-may-be");
    assert_true(fake_until(&fake, peer, NULL, NULL, has_told));
    assert_int_equal(told()->number, PEER_ACKS_MAX);
    assert_int_equal(told()->opened, 0);
    end(peer);
}

TEST(what_is_to_be_told_when_the_peer_ends_is_told_and_what_else_was_queued_is_not_sent)
{
    static const uint8_t payload[] = { 0x08, 1 };
    const struct id ref = { { 7 } };
    struct peer *peer = start();
    acknowledge(peer, 2, NULL);
    assert_ok(peer_send(peer, WIRE_REQUEST, &ref, bytes_of(payload, 2), (struct bytes){ 0 }, &err));
    peer_destroy(&peer);
    int64_t until_ms = clock_monotonic_ms() + FAKE_PATIENCE_MS;
    while (fake_count(&fake, WIRE_ACK) == 0 && clock_monotonic_ms() < until_ms) {
        fake_serve(&fake);
    }
    assert_int_equal(told()->number, 2);
    assert_int_equal(fake_count(&fake, WIRE_REQUEST), 0);
    fake_stop(&fake);
}

TEST(a_connection_that_ends_takes_along_what_was_not_told)
{
    struct peer *peer = start();
    acknowledge(peer, 2, NULL);
    fake_close_endpoint(&fake);
    int64_t until_ms = clock_monotonic_ms() + FAKE_PATIENCE_MS;
    while (peer_state(peer) == PEER_READY && clock_monotonic_ms() < until_ms) {
        assert_ok(peer_step(peer, clock_monotonic_ms() + 10, NULL, NULL, &err));
    }
    acknowledge(peer, 2, NULL); // nobody is there to be told
    fake_open_endpoint(&fake);
    fake.seen_count = 0;
    assert_true(fake_until(&fake, peer, NULL, NULL, is_ready));
    acknowledge(peer, 1, NULL);
    assert_true(fake_until(&fake, peer, NULL, NULL, has_told));
    assert_int_equal(told()->number, 1);
    end(peer);
}
