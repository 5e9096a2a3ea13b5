// The outbox on a real ROUTER whose peer does not read.
#include "test.h"

#include "base/clock.h"
#include "broker/router.h"
#include "registry/card.h"
#include "registry/registry.h"
#include "seal/batch.h"
#include "seal/keyfile.h"
#include "bus/poller.h"
#include "bus/zap.h"

#include <poll.h>

enum { BOXES_BYTES = 200 * 1024, EXCHANGES = 200, WAIT_MS = 10 * 1000 };

struct fixture {
    struct bus_context *context;
    struct bus_zap *zap;
    struct bus_socket *router;
    struct bus_socket *dealer;
    struct map *connections;
    struct connection *connection;
    struct outbox *outbox;
    struct exchange *exchanges[EXCHANGES];
    size_t count;
    size_t lost;
};

static const struct digest key = { .bytes = { 5 } };

static bool allow(void *argument, const struct digest *curve_key, const char *address)
{
    (void)argument;
    (void)curve_key;
    (void)address;
    return true;
}

static void count_lost(void *owner, struct exchange *exchange)
{
    struct fixture *fixture = owner;
    assert_null(exchange->waiting);
    fixture->lost++;
}

static struct bus_socket *open_socket(struct fixture *fixture, enum bus_kind kind,
                                      const struct digest *server)
{
    struct error err = { 0 };
    struct digest public_key;
    uint8_t secret[DIGEST_BYTES];
    struct bus_socket *socket = NULL;
    assert_ok(bus_key_pair(&public_key, secret, &err));
    struct bus_socket_options options = { .kind = kind,
                                          .public_key = public_key,
                                          .secret_key = secret,
                                          .send_hwm = 2,
                                          .receive_hwm = 2,
                                          .head_max_bytes = 1024,
                                          .boxes_max_bytes = 2 * BOXES_BYTES,
                                          .handshake_ms = 5000,
                                          .heartbeat_ms = 5000,
                                          .backlog = 8 };
    if (server != NULL) {
        options.server_key = *server;
    }
    assert_ok(bus_socket_open(fixture->context, &options, &socket, &err));
    if (server == NULL) {
        assert_ok(bus_socket_bind(socket, "tcp://127.0.0.1:0", &err));
        fixture->connection = NULL;
        memcpy(fixture->exchanges, &public_key, sizeof(public_key));
    }
    return socket;
}

static void receive_one(struct bus_socket *socket, struct bus_message *message)
{
    struct error err = { 0 };
    int64_t deadline_ms = clock_monotonic_ms() + WAIT_MS;
    size_t count = 0;
    while (count == 0 && clock_monotonic_ms() < deadline_ms) {
        assert_ok(bus_socket_receive(socket, message, 1, &count, &err));
        if (count == 0) {
            poll(NULL, 0, 1);
        }
    }
    assert_int_equal(count, 1);
    assert_int_equal(message->fault, BUS_FAULT_NONE);
}

static void set_up(struct fixture *fixture)
{
    struct error err = { 0 };
    struct digest server;
    struct bus_frame head;
    struct bus_frame boxes;
    struct bus_message message;
    memset(fixture, 0, sizeof(*fixture));
    assert_ok(bus_context_create(1, &fixture->context, &err));
    assert_ok(bus_zap_start(fixture->context, allow, NULL, &fixture->zap, &err));
    fixture->router = open_socket(fixture, BUS_ROUTER, NULL);
    memcpy(&server, fixture->exchanges, sizeof(server));
    memset(fixture->exchanges, 0, sizeof(server));
    fixture->dealer = open_socket(fixture, BUS_DEALER, &server);
    assert_ok(bus_socket_connect(fixture->dealer, bus_socket_endpoint(fixture->router), &err));
    assert_ok(bus_frame_copy(&head, bytes_text("hello"), &err));
    bus_frame_init(&boxes);
    int64_t deadline_ms = clock_monotonic_ms() + WAIT_MS;
    enum status status = ST_BUSY;
    while (status == ST_BUSY && clock_monotonic_ms() < deadline_ms) {
        status = bus_socket_send(fixture->dealer, NULL, &head, &boxes, &err);
        poll(NULL, 0, 1);
    }
    assert_int_equal(status, ST_OK);
    bus_message_init(&message);
    receive_one(fixture->router, &message);
    fixture->connections = map_create();
    fixture->connection = connection_find(fixture->connections, &key, true);
    fixture->connection->route = message.route;
    fixture->connection->greeted = true;
    bus_message_fini(&message);
    assert_ok(outbox_create(fixture->router, fixture->connections, count_lost, fixture,
                            &fixture->outbox, &err));
}

static void tear_down(struct fixture *fixture)
{
    outbox_destroy(&fixture->outbox);
    for (size_t i = 0; i < fixture->count; i++) {
        exchange_destroy(&fixture->exchanges[i]);
    }
    connections_destroy(&fixture->connections);
    bus_socket_close(&fixture->dealer);
    bus_socket_close(&fixture->router);
    bus_zap_stop(&fixture->zap);
    bus_context_destroy(&fixture->context);
}

static enum outbox_result send_one(struct fixture *fixture)
{
    struct error err = { 0 };
    struct bus_frame head;
    struct bus_frame boxes;
    uint8_t *data;
    uint8_t number = (uint8_t)fixture->count;
    struct exchange *exchange = exchange_create(NULL);
    fixture->exchanges[fixture->count++] = exchange;
    assert_ok(bus_frame_copy(&head, bytes_of(&number, 1), &err));
    assert_ok(bus_frame_make(&boxes, BOXES_BYTES, &data, &err));
    memset(data, number, BOXES_BYTES);
    enum outbox_result result = outbox_send(fixture->outbox, &key, exchange, &head, &boxes);
    bus_frame_fini(&head);
    bus_frame_fini(&boxes);
    return result;
}

// True when the connection has taken nothing more for a while.
static bool stands_still(struct fixture *fixture)
{
    enum { LOOKS = 30, LOOK_MS = 10 };
    for (int i = 0; i < LOOKS; i++) {
        poll(NULL, 0, LOOK_MS);
        if (!outbox_retry(fixture->outbox)) {
            return false;
        }
    }
    return true;
}

// Fills the connection for good; the last exchange waits. Returns how many were sent.
static size_t fill(struct fixture *fixture)
{
    do {
        while (send_one(fixture) == OUTBOX_SENT) {
            assert_true(fixture->count < EXCHANGES - 3);
        }
    } while (!stands_still(fixture));
    assert_non_null(fixture->exchanges[fixture->count - 1]->waiting);
    return fixture->count - 1;
}

TEST(what_waits_arrives_in_order_once_the_peer_reads_and_what_was_recalled_never)
{
    struct fixture f;
    struct bus_message message;
    set_up(&f);
    size_t sent = fill(&f);
    assert_int_equal(send_one(&f), OUTBOX_WAITS);
    assert_int_equal(send_one(&f), OUTBOX_WAITS);
    assert_true(outbox_retry(f.outbox));
    assert_true(outbox_recall(f.exchanges[sent + 1]));
    assert_false(outbox_recall(f.exchanges[sent + 1]));
    const struct outbox_item *cursor = NULL;
    assert_ptr_equal(outbox_next(f.outbox, &cursor), f.exchanges[sent]);
    assert_ptr_equal(outbox_next(f.outbox, &cursor), f.exchanges[sent + 2]);
    assert_null(outbox_next(f.outbox, &cursor));
    bus_message_init(&message);
    for (size_t i = 0; i < sent + 3; i++) {
        if (i == sent + 1) {
            continue;
        }
        int64_t deadline_ms = clock_monotonic_ms() + WAIT_MS;
        size_t count = 0;
        struct error err = { 0 };
        while (count == 0 && clock_monotonic_ms() < deadline_ms) {
            outbox_retry(f.outbox);
            assert_ok(bus_socket_receive(f.dealer, &message, 1, &count, &err));
        }
        assert_int_equal(count, 1);
        assert_int_equal(bus_frame_view(&message.head).data[0], i);
    }
    assert_false(outbox_retry(f.outbox));
    assert_int_equal(f.connection->waiting, 0);
    assert_int_equal(f.lost, 0);
    bus_message_fini(&message);
    tear_down(&f);
}

static void tell(struct fixture *fixture, const char *text)
{
    struct error err = { 0 };
    struct bus_frame head;
    assert_ok(bus_frame_copy(&head, bytes_text(text), &err));
    outbox_tell(fixture->outbox, fixture->connection, &head);
    bus_frame_fini(&head);
}

// What arrives at the peer, in order, until the outbox is empty; returns the last head's first
// byte.
static uint8_t read_all(struct fixture *f, size_t count)
{
    struct error err = { 0 };
    struct bus_message message;
    uint8_t last = 0;
    int64_t deadline_ms = clock_monotonic_ms() + WAIT_MS;
    bus_message_init(&message);
    while (count > 0 && clock_monotonic_ms() < deadline_ms) {
        size_t taken = 0;
        outbox_retry(f->outbox);
        assert_ok(bus_socket_receive(f->dealer, &message, 1, &taken, &err));
        count -= taken;
        last = taken == 0 ? last : bus_frame_view(&message.head).data[0];
    }
    assert_int_equal(count, 0);
    bus_message_fini(&message);
    return last;
}

TEST(what_every_peer_is_told_reaches_a_full_connection_behind_what_waits_there)
{
    struct fixture f;
    set_up(&f);
    size_t sent = fill(&f);
    tell(&f, "proof");
    assert_int_equal(f.connection->told, 1);
    assert_int_equal(read_all(&f, sent + 2), 'p');
    assert_false(outbox_retry(f.outbox));
    assert_int_equal(f.connection->told, 0);
    assert_int_equal(f.connection->waiting, 0);
    tear_down(&f);
}

TEST(a_connection_greeted_anew_is_not_told_what_is_older_than_its_welcome)
{
    struct fixture f;
    set_up(&f);
    size_t sent = fill(&f);
    tell(&f, "proof");
    outbox_untell(f.outbox, f.connection);
    assert_int_equal(f.connection->told, 0);
    assert_int_equal(read_all(&f, sent + 1), (uint8_t)sent);
    assert_false(outbox_retry(f.outbox));
    tear_down(&f);
}

TEST(a_connection_that_lets_too_much_wait_is_no_longer_greeted)
{
    struct fixture f;
    set_up(&f);
    fill(&f);
    for (size_t i = 0; f.connection->greeted; i++) {
        assert_true(i < 1000);
        tell(&f, "proof");
    }
    assert_false(outbox_retry(f.outbox));
    assert_int_equal(f.connection->waiting, 0);
    assert_int_equal(f.lost, 1);
    tear_down(&f);
}

TEST(what_waits_for_a_connection_that_goes_is_told_lost_once)
{
    struct fixture f;
    set_up(&f);
    fill(&f);
    assert_int_equal(send_one(&f), OUTBOX_WAITS);
    f.connection->greeted = false;
    assert_false(outbox_retry(f.outbox));
    assert_int_equal(f.lost, 2);
    assert_int_equal(send_one(&f), OUTBOX_GONE);
    tear_down(&f);
}

TEST(replies_wait_for_a_full_connection_too_and_arrive_in_order)
{
    struct fixture f;
    struct error err = { 0 };
    struct bus_message message;
    set_up(&f);
    size_t sent = fill(&f);
    for (uint8_t i = 0; i < 3; i++) {
        struct bus_frame head;
        struct bus_frame boxes;
        uint8_t number = (uint8_t)(200 + i);
        assert_ok(bus_frame_copy(&head, bytes_of(&number, 1), &err));
        bus_frame_init(&boxes);
        outbox_reply(f.outbox, f.connection, &f.connection->route, &head, &boxes);
        bus_frame_fini(&head);
        bus_frame_fini(&boxes);
    }
    assert_int_equal(f.connection->replies, 3);
    bus_message_init(&message);
    for (size_t i = 0; i < sent + 4; i++) {
        int64_t deadline_ms = clock_monotonic_ms() + WAIT_MS;
        size_t count = 0;
        while (count == 0 && clock_monotonic_ms() < deadline_ms) {
            outbox_retry(f.outbox);
            assert_ok(bus_socket_receive(f.dealer, &message, 1, &count, &err));
        }
        assert_int_equal(count, 1);
        assert_int_equal(bus_frame_view(&message.head).data[0], i <= sent ? i : 200 + i - sent - 1);
    }
    assert_int_equal(f.connection->replies, 0);
    bus_message_fini(&message);
    tear_down(&f);
}

// A job of the recorder's that comes back to a router with this outbox.
static struct job *come_back(struct fixture *f, enum job_outcome outcome, enum record_kind kind)
{
    struct job *job = job_create(JOB_MESSAGE);
    assert_non_null(job);
    job->outcome = outcome;
    job->connection = f->connection;
    job->from.route = f->connection->route;
    job->from.batch_key = key;
    job->record.kind = kind;
    return job;
}

TEST(an_answer_that_is_given_again_and_waits_does_not_leave_after_a_withdrawal)
{
    struct fixture f;
    struct error err = { 0 };
    struct id consent = { .bytes = { 7 } };
    set_up(&f);
    size_t sent = fill(&f);
    struct router router = { .outbox = f.outbox, .connections = f.connections };
    assert_ok(pending_create(4, 1 << 20, &router.pending, &err));
    struct exchange *held = exchange_create(NULL);
    f.exchanges[f.count++] = held;
    held->asker_key = key;
    held->consent = consent;
    held->state = PENDING_RELEASED;
    assert_ok(bus_frame_copy(&held->held_head, bytes_text("again"), &err));
    for (int i = 0; i < 2; i++) { // asked for twice, it waits once
        struct job *again = come_back(&f, OUTCOME_REPEAT, RECORD_REPEAT);
        again->record.result = RECORD_AGAIN;
        again->exchange = held;
        held->lent = true;
        router_finish(&router, again);
        assert_false(held->lent);
    }
    const struct wire_consent_record record = { .id = consent };
    struct wire_officer_part officer = { .consent = &record };
    struct job *withdrawal = come_back(&f, OUTCOME_REPLY, RECORD_CONSENT);
    withdrawal->record.result = RECORD_DONE;
    withdrawal->record.officer = &officer;
    assert_ok(bus_frame_copy(&withdrawal->reply_head, bytes_text("withdrawn"), &err));
    router_finish(&router, withdrawal);
    assert_int_equal(read_all(&f, sent + 2), 'w'); // right behind what the connection had
    assert_false(outbox_retry(f.outbox));
    assert_int_equal(f.connection->waiting, 0);
    assert_null(router.delivery); // nothing is said of the first time
    pending_destroy(&router.pending);
    tear_down(&f);
}

static void free_registry(void *registry)
{
    struct registry *r = registry;
    registry_destroy(&r);
}

// A registry that knows one key, of a node.
static struct registry *know_key(const struct digest *batch_key)
{
    static const char origin[] = "test.example/log";
    struct error err = { 0 };
    struct seal_identity registrar;
    struct registry *empty = NULL;
    struct registry *next = NULL;
    struct buffer payload = buffer_init(4096);
    struct buffer message = buffer_init(8192);
    struct digest audience = seal_audience(bytes_text(origin));
    struct registry_card card = { .role = REGISTRY_ROLE_NODE,
                                  .member = "ru/interior",
                                  .node = "gate",
                                  .curve_key = { .bytes = { 9 } },
                                  .batch_key = *batch_key,
                                  .not_before = 1,
                                  .not_after = (uint64_t)clock_wall_ms() + 3600000 };
    assert_ok(seal_identity_create(SEAL_ROLE_REGISTRAR, "", "registrar", &registrar, &err));
    struct registry_pins pins = { .keys = { registrar.sign_key }, .count = 1, .threshold = 1 };
    assert_ok(registry_create(bytes_text(origin), &pins, &empty, &err));
    assert_ok(registry_card_encode(&card, bytes_text(origin), &payload, &err));
    assert_ok(registry_signed_make(REGISTRY_CARD, buffer_view(&payload), &audience,
                                   registrar.signer, &message, &err));
    struct registry_change change = { .label = REGISTRY_CARD,
                                      .signed_message = buffer_view(&message) };
    assert_ok(registry_next(empty, &change, 1, &next, &err));
    registry_destroy(&empty);
    buffer_fini(&payload);
    buffer_fini(&message);
    seal_identity_fini(&registrar);
    return next;
}

TEST(an_answer_that_waits_does_not_leave_after_its_member_was_suspended)
{
    struct fixture f;
    struct error err = { 0 };
    struct broker broker = { .registry = snapshot_create(free_registry) };
    assert_true(snapshot_swap(broker.registry, know_key(&key)));
    set_up(&f);
    size_t sent = fill(&f);
    struct router router = { .broker = &broker, .outbox = f.outbox, .connections = f.connections };
    for (uint8_t i = 0; i < 3; i++) { // all is well; the asker is not; the holder is not
        assert_int_equal(send_one(&f), OUTBOX_WAITS);
        struct exchange *exchange = f.exchanges[f.count - 1];
        exchange->state = PENDING_RELEASED;
        exchange->asker_key = i == 1 ? (struct digest){ .bytes = { 66 } } : key;
        exchange->holder_key = i == 2 ? (struct digest){ .bytes = { 66 } } : key;
    }
    struct job *order = come_back(&f, OUTCOME_REPLY, RECORD_REGISTRY);
    order->record.result = RECORD_DONE;
    assert_ok(bus_frame_copy(&order->reply_head, bytes_text("suspended"), &err));
    router_finish(&router, order);
    assert_non_null(f.exchanges[sent + 1]->waiting);
    assert_null(f.exchanges[sent + 2]->waiting);
    assert_null(f.exchanges[sent + 3]->waiting);
    assert_int_equal(router.delivery->record.exchange->deliveries_count, 2);
    assert_int_equal(read_all(&f, sent + 3), 's');
    assert_false(outbox_retry(f.outbox));
    job_destroy(&router.delivery);
    tear_down(&f);
    snapshot_destroy(&broker.registry);
}
