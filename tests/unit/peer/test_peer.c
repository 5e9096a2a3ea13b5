// The peer against a broker that is honest, slow, gone, or lying.
#include "fake_broker.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "seal/hash.h"

static struct error err; // of the running test
static struct fake_broker fake;

// What the handler was given last.
static struct {
    size_t count[WIRE_TYPE_COUNT];
    struct id ref;
    size_t boxes_bytes;
} given;

static void note_message(void *argument, const struct peer_message *message)
{
    (void)argument;
    given.count[message->type]++;
    given.ref = message->ref;
    given.boxes_bytes = message->boxes.size;
}

static struct peer *start_with(struct peer_config config)
{
    struct peer *peer = NULL;
    memset(&given, 0, sizeof(given));
    assert_ok(peer_create(&config, &peer, &err));
    return peer;
}

static struct peer *start(void)
{
    fake_start(&fake);
    return start_with(fake_config(&fake));
}

static void end(struct peer *peer)
{
    peer_destroy(&peer);
    peer_destroy(&peer);
    fake_stop(&fake);
}

static bool is_ready(struct fake_broker *broker, struct peer *peer)
{
    (void)broker;
    return peer_state(peer) == PEER_READY;
}

static bool has_problem(struct fake_broker *broker, struct peer *peer)
{
    (void)broker;
    return peer_problem(peer)->status != ST_OK;
}

static bool is_stopped(struct fake_broker *broker, struct peer *peer)
{
    (void)broker;
    return peer_state(peer) == PEER_STOPPED;
}

static bool until(struct peer *peer, fake_condition condition)
{
    return fake_until(&fake, peer, note_message, NULL, condition);
}

static struct peer *start_ready(void)
{
    struct peer *peer = start();
    assert_true(until(peer, is_ready));
    return peer;
}

static void assert_problem(struct peer *peer, enum status status, const char *words)
{
    assert_true(until(peer, has_problem));
    assert_int_equal(peer_problem(peer)->status, status);
    if (strstr(peer_problem(peer)->message, words) == NULL) {
        fail_msg("'%s' does not say '%s'", peer_problem(peer)->message, words);
    }
}

static enum status send_query(struct peer *peer, uint8_t number)
{
    struct id ref = { { 1 } };
    const struct wire_query query = { .version = 1, .kind = WIRE_QUERY_STATUS, .limit = number };
    struct buffer payload = buffer_init(1000);
    ref.bytes[15] = number;
    assert_ok(wire_encode(WIRE_SCHEMA_QUERY, &query, &payload, &err));
    enum status status =
        peer_send(peer, WIRE_QUERY, &ref, buffer_view(&payload), (struct bytes){ 0 }, &err);
    buffer_fini(&payload);
    return status;
}

TEST(a_greeted_peer_is_ready_and_knows_what_welcome_said)
{
    struct peer *peer = start_ready();
    struct digest hash = seal_sha256(bytes_text("first bundle"));
    struct bytes note;
    assert_int_equal(fake.seen[0].type, WIRE_HELLO);
    assert_true(fake.seen[0].signed_well);
    assert_int_equal(fake.hello_size, 0);
    assert_int_equal(given.count[WIRE_WELCOME], 1);
    assert_int_equal(peer_credit(peer), 64);
    assert_true(digest_equal(peer_bundle_hash(peer), &hash));
    assert_in_range(peer_clock_skew_ms(peer) + 30000, 0, 60000);
    assert_int_equal(peer_checkpoint(peer, &note), 3);
    assert_true(note.size > 0);
    assert_int_equal(peer_problem(peer)->status, ST_OK);
    end(peer);
}

TEST(nothing_is_sent_before_the_broker_has_greeted)
{
    struct peer *peer = start();
    fake.mute = true;
    assert_status(ST_CLOSED, send_query(peer, 1));
    for (int i = 0; i < 50 || fake.hellos == 0; i++) {
        assert_ok(peer_step(peer, clock_monotonic_ms() + 5, note_message, NULL, &err));
        fake_serve(&fake);
        assert_int_not_equal(peer_state(peer), PEER_READY);
        assert_status(ST_CLOSED, send_query(peer, 1));
    }
    assert_int_equal(fake.seen_count, fake.hellos);
    end(peer);
}

static bool got_300(struct fake_broker *broker, struct peer *peer)
{
    (void)peer;
    return fake_count(broker, WIRE_QUERY) == 300;
}

TEST(what_is_queued_is_signed_in_batches_and_arrives_in_order)
{
    struct peer *peer = start_ready();
    for (int i = 0; i < 300; i++) {
        assert_ok(send_query(peer, (uint8_t)i));
    }
    assert_true(until(peer, got_300));
    size_t first = fake.seen_count - 300;
    for (size_t i = 0; i < 300; i++) {
        const struct fake_seen *seen = &fake.seen[first + i];
        assert_int_equal(seen->type, WIRE_QUERY);
        assert_int_equal(seen->ref.bytes[15], i & 0xFF);
        assert_true(seen->signed_well);
        assert_int_equal(seen->batch_size, i < 256 ? 256 : 44);
        assert_int_equal(seen->batch_index, i % 256);
    }
    end(peer);
}

static bool got_acknowledged(struct fake_broker *broker, struct peer *peer)
{
    (void)peer;
    return fake_count(broker, WIRE_ACK) == 1 && fake_count(broker, WIRE_QUERY) == 2;
}

TEST(acknowledgements_are_not_signed_and_stand_between_signed_messages)
{
    static const uint8_t ack[] = { 0x08, 1 };
    const struct id ref = { { 9 } };
    struct peer *peer = start_ready();
    assert_ok(send_query(peer, 1));
    assert_ok(peer_send(peer, WIRE_ACK, &ref, bytes_of(ack, 2), (struct bytes){ 0 }, &err));
    assert_ok(send_query(peer, 2));
    assert_true(until(peer, got_acknowledged));
    const struct fake_seen *seen = &fake.seen[fake.seen_count - 3];
    assert_true(seen[0].signed_well && seen[2].signed_well && !seen[1].signed_well);
    assert_int_equal(seen[1].type, WIRE_ACK);
    assert_int_equal(seen[1].batch_size, 0);
    assert_int_equal(seen[2].batch_size, 2);
    end(peer);
}

TEST(the_queue_is_bounded_in_messages_and_bytes)
{
    static uint8_t payload[WIRE_HEAD_MAX_BYTES];
    static uint8_t boxes[WIRE_BOXES_MAX_BYTES + 1];
    const struct id ref = { { 9 } };
    struct peer *peer = start_ready();
    for (int i = 0; i < 1024; i++) {
        assert_ok(send_query(peer, 1));
    }
    assert_status(ST_BUSY, send_query(peer, 1));
    peer_destroy(&peer);
    fake_stop(&fake);

    peer = start_ready();
    enum status status = ST_OK;
    size_t count = 0;
    while ((status = peer_send(peer, WIRE_QUERY, &ref, bytes_of(payload, 1),
                               bytes_of(boxes, WIRE_BOXES_MAX_BYTES), &err)) == ST_OK) {
        count++;
    }
    assert_int_equal(status, ST_BUSY);
    assert_int_equal(count, 63); // 16 MB, and a byte of payload each
    assert_status(ST_USAGE, peer_send(peer, WIRE_QUERY, &ref, bytes_of(payload, 1),
                                      bytes_of(boxes, sizeof(boxes)), &err));
    assert_status(ST_USAGE, peer_send(peer, WIRE_QUERY, &ref, bytes_of(payload, sizeof(payload)),
                                      (struct bytes){ 0 }, &err));
    assert_status(ST_UNSUPPORTED, peer_send(peer, WIRE_RELEASE, &ref, bytes_of(payload, 1),
                                            (struct bytes){ 0 }, &err));
    end(peer);
}

static bool got_one_query(struct fake_broker *broker, struct peer *peer)
{
    (void)peer;
    return fake_count(broker, WIRE_CHUNK) == 256;
}

TEST(the_largest_payload_fits_into_a_head_with_the_longest_path)
{
    static uint8_t payload[WIRE_HEAD_MAX_BYTES - 512];
    const struct id ref = { { 9 } };
    struct peer *peer = start_ready();
    memset(payload, 7, sizeof(payload));
    for (int i = 0; i < 256; i++) {
        assert_ok(peer_send(peer, WIRE_CHUNK, &ref, bytes_of(payload, sizeof(payload)),
                            (struct bytes){ 0 }, &err));
    }
    assert_true(until(peer, got_one_query));
    assert_true(fake.seen[fake.seen_count - 1].signed_well);
    assert_int_equal(fake.seen[fake.seen_count - 1].batch_size, 256);
    end(peer);
}

static bool got_result(struct fake_broker *broker, struct peer *peer)
{
    (void)broker;
    (void)peer;
    return given.count[WIRE_RESULT] > 0;
}

static bool dropped_one(struct fake_broker *broker, struct peer *peer)
{
    (void)broker;
    return peer_dropped(peer) > 0;
}

TEST(a_result_counts_only_with_the_brokers_signature_and_its_own_body)
{
    struct peer *peer = start_ready();
    fake.body = bytes_text("rows");
    assert_ok(send_query(peer, 5));
    assert_true(until(peer, got_result));
    assert_int_equal(given.ref.bytes[15], 5);
    assert_int_equal(given.boxes_bytes, 4);
    end(peer);

    for (int lie = 0; lie < 4; lie++) {
        peer = start_ready();
        fake.body = bytes_text("rows");
        fake.unsigned_result = lie == 0;
        fake.spoil_body = lie == 1;
        fake.signs = lie == 2 ? &fake.stranger : &fake.broker;
        fake.label = lie == 3 ? "welcome" : NULL;
        assert_ok(send_query(peer, 5));
        assert_true(until(peer, dropped_one));
        assert_int_equal(given.count[WIRE_RESULT], 0);
        assert_int_equal(peer_state(peer), PEER_READY);
        end(peer);
    }
}

TEST(a_welcome_that_another_key_signed_is_not_heard)
{
    struct peer *peer = start();
    fake.signs = &fake.stranger;
    assert_true(until(peer, dropped_one));
    assert_int_equal(peer_state(peer), PEER_GREETING);
    assert_int_equal(given.count[WIRE_WELCOME], 0);
    end(peer);
}

TEST(a_release_before_the_greeting_is_not_heard)
{
    static const uint8_t byte = 1;
    const struct id ref = { { 3 } };
    struct peer *peer = start();
    fake.mute = true;
    while (fake.hellos == 0) {
        assert_ok(peer_step(peer, clock_monotonic_ms() + 2, note_message, NULL, &err));
        fake_serve(&fake);
    }
    const struct wire_busy busy = { .version = 1 };
    const struct wire_cancel cancel = { .version = 1, .id = ref };
    fake_send(&fake, WIRE_CANCEL, &ref, &cancel, bytes_of(&byte, 1), true);
    assert_true(until(peer, dropped_one));
    fake_send(&fake, WIRE_BUSY, &ref, &busy, (struct bytes){ 0 }, false);
    assert_problem(peer, ST_BUSY, "busy");
    end(peer);
}

TEST(the_newest_checkpoint_is_kept_and_shown_in_the_next_greeting)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/kept", test_directory());
    fake_start(&fake);
    struct peer_config config = fake_config(&fake);
    config.checkpoint_path = path;
    struct peer *peer = start_with(config);
    assert_true(until(peer, is_ready));
    assert_true(file_exists(path)); // a crash of the peer would find it
    peer_destroy(&peer);

    fake.size = 17;
    peer = start_with(config);
    struct bytes note;
    assert_int_equal(peer_checkpoint(peer, &note), 3);
    assert_true(until(peer, is_ready));
    assert_int_equal(fake.hello_size, 3);
    assert_int_equal(peer_checkpoint(peer, &note), 17);
    peer_destroy(&peer);

    // The log goes back behind what was kept.
    fake.size = 5;
    peer = start_with(config);
    assert_true(until(peer, is_stopped));
    assert_status(ST_UNPROVEN, peer_step(peer, 0, NULL, NULL, &err));
    assert_non_null(strstr(err.message, "rolled back"));
    peer_destroy(&peer);

    // And what is kept must be a checkpoint of this log.
    assert_ok(file_replace(path, bytes_text("nothing of the kind\n"), 0600, &err));
    assert_status(ST_CORRUPT, peer_create(&config, &peer, &err));
    config.origin = "another.example/log";
    config.checkpoint_path = NULL;
    assert_status(ST_USAGE, peer_create(&config, &peer, &err));
    fake_stop(&fake);
}

// Connects, lets the log become what `lie` says, greets again: the peer must stop.
static void assert_stops(void (*lie)(void), const char *words)
{
    char path[512];
    char conflict[600];
    snprintf(path, sizeof(path), "%s/%s", test_directory(), words);
    snprintf(conflict, sizeof(conflict), "%s.conflict", path);
    fake_start(&fake);
    fake.size = 20;
    struct peer_config config = fake_config(&fake);
    config.checkpoint_path = path;
    struct peer *peer = start_with(config);
    assert_true(until(peer, is_ready));
    peer_destroy(&peer);
    lie();
    peer = start_with(config);
    assert_true(until(peer, is_stopped));
    assert_non_null(strstr(peer_problem(peer)->message, words));
    assert_true(file_exists(conflict));
    assert_int_equal(given.count[WIRE_WELCOME], 0);
    uint64_t hellos = fake.hellos;
    for (int i = 0; i < 20; i++) {
        assert_status(ST_UNPROVEN, peer_step(peer, clock_monotonic_ms() + 1, NULL, NULL, &err));
        fake_serve(&fake);
    }
    assert_int_equal(fake.hellos, hellos);
    assert_status(ST_CLOSED, send_query(peer, 1));
    end(peer);
}

static void lie_same_size(void)
{
    fake.leaves[4].bytes[0] ^= 1;
}

static void lie_grown(void)
{
    fake.leaves[4].bytes[0] ^= 1;
    fake.size = 33;
}

static void lie_proof(void)
{
    fake.size = 33;
    fake.spoil_proof = true;
}

static void lie_shrunk(void)
{
    fake.size = 19;
}

static void lie_hidden(void)
{
    fake.hide = true;
}

TEST(a_forked_or_shrunk_log_stops_the_peer_for_good_and_keeps_both_notes)
{
    assert_stops(lie_same_size, "two trees");
    assert_stops(lie_grown, "do not begin with");
    assert_stops(lie_proof, "do not begin with");
    assert_stops(lie_shrunk, "rolled back");
    assert_stops(lie_hidden, "rolled back");
}

TEST(a_checkpoint_that_the_logs_key_did_not_sign_keeps_the_peer_out)
{
    struct peer *peer = start();
    fake.notes = &fake.stranger;
    assert_problem(peer, ST_UNPROVEN, "checkpoint");
    assert_int_equal(peer_state(peer), PEER_WAITING);
    end(peer);
}

static bool is_at_40(struct fake_broker *broker, struct peer *peer)
{
    struct bytes note;
    (void)broker;
    return peer_state(peer) == PEER_READY && peer_checkpoint(peer, &note) == 40;
}

static bool greeted_twice(struct fake_broker *broker, struct peer *peer)
{
    return broker->hellos == 2 && peer_state(peer) == PEER_READY;
}

TEST(proofs_move_the_peer_on_and_one_from_elsewhere_makes_it_greet_again)
{
    struct peer *peer = start_ready();
    struct digest hash = seal_sha256(bytes_text("second bundle"));
    fake_send_proof(&fake, 3, 40);
    assert_true(until(peer, is_at_40));
    assert_int_equal(given.count[WIRE_PROOF], 1);
    assert_true(digest_equal(peer_bundle_hash(peer), &hash));

    fake.size = 50;
    fake_send_proof(&fake, 45, 50);
    assert_true(until(peer, greeted_twice));
    assert_int_equal(fake.hello_size, 40);
    assert_int_equal(given.count[WIRE_PROOF], 1);

    fake_send_proof(&fake, 30, 30);
    assert_true(until(peer, is_stopped));
    end(peer);
}

static bool pinged_twice(struct fake_broker *broker, struct peer *peer)
{
    (void)peer;
    return fake_count(broker, WIRE_PING) >= 2;
}

static bool ponged(struct fake_broker *broker, struct peer *peer)
{
    (void)peer;
    return fake_count(broker, WIRE_PONG) == 1;
}

TEST(an_idle_peer_pings_answers_pings_and_gives_up_on_a_silent_broker)
{
    const struct id none = { { 0 } };
    const struct wire_ping ping = { .version = 1, .number = 4711 };
    struct peer *peer = start();
    fake.heartbeat_ms = 100;
    assert_true(until(peer, is_ready));
    assert_true(until(peer, pinged_twice));
    assert_int_equal(peer_state(peer), PEER_READY);
    fake_send(&fake, WIRE_PING, &none, &ping, (struct bytes){ 0 }, false);
    assert_true(until(peer, ponged));
    for (size_t i = 0; i < fake.seen_count; i++) {
        assert_true(fake.seen[i].type != WIRE_PONG || fake.seen[i].number == 4711);
    }
    fake.mute = true;
    int64_t start_ms = clock_monotonic_ms();
    assert_problem(peer, ST_TIMEOUT, "not answered");
    assert_in_range(clock_monotonic_ms() - start_ms, 100, 10000);
    end(peer);
}

TEST(each_reason_for_not_being_connected_has_its_own_words)
{
    fake_start(&fake);
    struct peer_config config = fake_config(&fake);
    config.endpoint = "tcp://127.0.0.1:1";
    struct peer *peer = start_with(config);
    assert_problem(peer, ST_CLOSED, "cannot be reached at 'tcp://127.0.0.1:1'");
    peer_destroy(&peer);

    config = fake_config(&fake);
    config.broker_curve_key = fake.stranger.curve_key;
    peer = start_with(config);
    assert_problem(peer, ST_UNPROVEN, "has not the key of the broker's card");
    peer_destroy(&peer);

    fake.admit = false;
    peer = start_with(fake_config(&fake));
    assert_problem(peer, ST_DENIED, "does not accept this key");
    peer_destroy(&peer);
    fake.admit = true;

    fake.skew_ms = 73 * 1000;
    peer = start_with(fake_config(&fake));
    assert_problem(peer, ST_DENIED, "behind the broker's");
    peer_destroy(&peer);
    fake.skew_ms = -73 * 1000;
    peer = start_with(fake_config(&fake));
    assert_problem(peer, ST_DENIED, "ahead of the broker's");
    peer_destroy(&peer);
    fake.skew_ms = 50 * 1000;
    peer = start_with(fake_config(&fake));
    assert_true(until(peer, is_ready));
    peer_destroy(&peer);

    fake.speak = 2;
    peer = start_with(fake_config(&fake));
    assert_problem(peer, ST_UNSUPPORTED, "version 2");
    peer_destroy(&peer);
    fake.refuse = true;
    peer = start_with(fake_config(&fake));
    assert_problem(peer, ST_DENIED, "no-card");
    end(peer);
}

TEST(the_delay_before_the_next_try_doubles_and_is_not_the_same_for_all)
{
    fake_start(&fake);
    struct peer_config config = fake_config(&fake);
    config.endpoint = "tcp://127.0.0.1:1";
    int64_t shortest = INT64_MAX;
    int64_t longest = 0;
    for (int i = 0; i < 8; i++) {
        struct peer *peer = start_with(config);
        int64_t expected = 250;
        for (int tries = 0; tries < (i == 0 ? 3 : 1); tries++, expected *= 2) {
            do {
                assert_ok(peer_step(peer, clock_monotonic_ms() + 1000, NULL, NULL, &err));
            } while (peer_state(peer) != PEER_WAITING);
            int64_t delay = peer_deadline_ms(peer) - clock_monotonic_ms();
            assert_in_range(delay, expected / 2 - 50, expected);
            shortest = tries == 0 && delay < shortest ? delay : shortest;
            longest = tries == 0 && delay > longest ? delay : longest;
        }
        peer_destroy(&peer);
    }
    // Eight draws out of 125 ms lie within 15 ms of one another once in a million runs.
    assert_true(longest - shortest >= 15);
    fake_stop(&fake);
}

static bool is_closed(struct fake_broker *broker, struct peer *peer)
{
    (void)broker;
    return peer_state(peer) == PEER_WAITING;
}

TEST(a_peer_comes_back_by_itself_after_the_broker_was_away)
{
    struct peer *peer = start_ready();
    assert_ok(send_query(peer, 1));
    fake_close_endpoint(&fake);
    assert_true(until(peer, is_closed));
    assert_int_equal(peer_problem(peer)->status, ST_CLOSED);
    assert_status(ST_CLOSED, send_query(peer, 1));
    fake_open_endpoint(&fake);
    assert_true(until(peer, is_ready));
    assert_int_equal(fake.hellos, 2);
    assert_int_equal(fake.hello_size, 3);
    end(peer);
}

TEST(the_owners_poller_wakes_for_whatever_socket_the_peer_has)
{
    enum { TAG = 5, MONITOR_TAG = 6 };
    struct bus_poller *poller = NULL;
    struct peer *peer = start();
    assert_ok(bus_poller_create(2, &poller, &err));
    assert_ok(peer_attach(peer, poller, TAG, MONITOR_TAG, &err));
    int64_t deadline = clock_monotonic_ms() + FAKE_PATIENCE_MS;
    uint64_t woken = 0;
    while (peer_state(peer) != PEER_READY && clock_monotonic_ms() < deadline) {
        uint64_t ready = 0;
        int64_t soon = clock_monotonic_ms() + 2;
        int64_t own = peer_deadline_ms(peer);
        assert_ok(bus_poller_wait(poller, own < soon ? own : soon, &ready, &err));
        woken |= ready;
        assert_ok(peer_step(peer, 0, note_message, NULL, &err));
        fake_serve(&fake);
    }
    assert_int_equal(peer_state(peer), PEER_READY);
    assert_true(woken == (UINT64_C(1) << TAG | UINT64_C(1) << MONITOR_TAG));
    peer_detach(peer);
    uint64_t ready = 1;
    assert_ok(bus_poller_wait(poller, 0, &ready, &err));
    assert_int_equal(ready, 0);
    bus_poller_destroy(&poller);
    end(peer);
}
