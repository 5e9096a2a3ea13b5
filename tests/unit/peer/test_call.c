// Calls that wait for their answer: the peer in a thread of its own, the broker in the test's.
#include "fake_broker.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/thread.h"

static struct error err; // of the running test
static struct fake_broker fake;

struct caller {
    struct peer_config config;
    int64_t patience_ms;
    atomic_bool done;
    enum status status;
    struct error err;
    struct arena *arena;
    struct wire_result result;
    struct bytes body;
    int calls;
};

static void run(struct thread *thread, void *argument)
{
    struct caller *caller = argument;
    struct peer *peer = NULL;
    struct buffer payload = buffer_init(1000);
    const struct wire_query query = { .version = 1, .kind = WIRE_QUERY_STATUS };
    thread_ready(thread, ST_OK, NULL);
    caller->status = wire_encode(WIRE_SCHEMA_QUERY, &query, &payload, &caller->err);
    if (caller->status == ST_OK) {
        caller->status = peer_create(&caller->config, &peer, &caller->err);
    }
    for (int i = 0; i < caller->calls && caller->status == ST_OK; i++) {
        caller->status = peer_call(peer, WIRE_QUERY, buffer_view(&payload), bytes_text("in"),
                                   clock_monotonic_ms() + caller->patience_ms, caller->arena,
                                   &caller->result, &caller->body, &caller->err);
    }
    peer_destroy(&peer);
    buffer_fini(&payload);
    atomic_store(&caller->done, true);
}

static struct caller caller_init(void)
{
    struct caller caller = { .config = fake_config(&fake),
                             .patience_ms = FAKE_PATIENCE_MS,
                             .arena = arena_create(1 << 20),
                             .calls = 1 };
    assert_non_null(caller.arena);
    return caller;
}

static void call(struct caller *caller)
{
    struct thread *thread = NULL;
    assert_ok(thread_start("caller", run, caller, &thread, &err));
    while (!atomic_load(&caller->done)) {
        uint64_t ready = 0;
        assert_ok(bus_poller_wait(fake.poller, clock_monotonic_ms() + 5, &ready, &err));
        fake_serve(&fake);
    }
    thread_join(&thread);
}

TEST(a_call_gives_the_result_and_its_long_body)
{
    uint8_t *body = calloc(1, WIRE_BOXES_MAX_BYTES);
    assert_non_null(body);
    fake_start(&fake);
    fake.body = bytes_of(body, WIRE_BOXES_MAX_BYTES);
    struct caller caller = caller_init();
    caller.calls = 3;
    call(&caller);
    assert_int_equal(caller.status, ST_OK);
    assert_true(bytes_equal_text(caller.result.value, "value"));
    assert_true(bytes_equal(caller.body, fake.body));
    assert_int_equal(fake.hellos, 1);
    assert_int_equal(fake_count(&fake, WIRE_QUERY), 3);
    arena_destroy(&caller.arena);
    fake_stop(&fake);
    free(body);
}

TEST(a_call_gives_the_brokers_status_and_words)
{
    fake_start(&fake);
    fake.result_status = ST_NOT_FOUND;
    struct caller caller = caller_init();
    call(&caller);
    assert_int_equal(caller.status, ST_NOT_FOUND);
    assert_string_equal(caller.err.message, "no such member");
    arena_destroy(&caller.arena);
    fake_stop(&fake);
}

TEST(a_body_larger_than_the_callers_arena_is_told)
{
    static const uint8_t body[5000];
    fake_start(&fake);
    fake.body = bytes_of(body, sizeof(body));
    struct caller caller = caller_init();
    arena_destroy(&caller.arena);
    caller.arena = arena_create(4000);
    call(&caller);
    assert_int_equal(caller.status, ST_NOMEM);
    arena_destroy(&caller.arena);
    fake_stop(&fake);
}

TEST(a_call_ends_at_its_deadline_and_at_the_first_failure_to_connect)
{
    fake_start(&fake);
    struct caller silent = caller_init();
    fake.mute = true;
    silent.patience_ms = 200;
    call(&silent);
    assert_int_equal(silent.status, ST_TIMEOUT);

    struct caller refused = caller_init();
    fake.admit = false;
    int64_t start_ms = clock_monotonic_ms();
    call(&refused);
    assert_int_equal(refused.status, ST_DENIED);
    assert_non_null(strstr(refused.err.message, "does not accept this key"));
    assert_true(clock_monotonic_ms() - start_ms < FAKE_PATIENCE_MS / 2);

    struct caller alone = caller_init();
    alone.config.endpoint = "tcp://127.0.0.1:1";
    call(&alone);
    assert_int_equal(alone.status, ST_CLOSED);
    arena_destroy(&silent.arena);
    arena_destroy(&refused.arena);
    arena_destroy(&alone.arena);
    fake_stop(&fake);
}
