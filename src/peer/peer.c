// A peer's connection to the broker, as a table of states.
//
// Invariants: nothing but HELLO is sent before WELCOME has verified: broker's signature, log's
// checkpoint, consistency, clock. Messages of the owner leave in READY only. A state that waits for
// the other side has a deadline. What comes back after a failure is a new socket, after a delay
// that doubles, with jitter, so that a thousand agencies do not come back in the same second.
// Failure modes: whatever breaks the connection is kept in `problem` and tried again; a log that
// contradicts what was verified stops the peer for good.
#include "peer/inside.h"

#include <stdlib.h>

#include "base/clock.h"
#include "seal/keyfile.h"
#include "seal/random.h"
#include "seal/secret.h"

enum {
    CONNECT_MS = 10 * 1000,  // TCP and handshake
    GREETING_MS = 10 * 1000, // HELLO to WELCOME
    RETRY_MS = 5,            // a socket that took no more
    BACKOFF_MIN_MS = 250,
    BACKOFF_MAX_MS = 30 * 1000,
    FAILURES_AFTER_WELCOME = 2,
    STEADY_MS = 10 * 1000,     // a connection that lasted so long starts the back-off anew
    HEARTBEATS_MISSED = 3,     // before the connection counts as dead
    KEEP_EVERY_MS = 10 * 1000, // writes of the checkpoint's file
    ROOTS_CACHED = 64,         // of the broker's batches
    SOCKET_HWM = 1000,
    LINGER_MS = 500,
    TAG_SOCKET = 0, // in the peer's own poller
    TAG_MONITOR = 1
};

// ---- the connection ----------------------------------------------------------------------------

static void unwatch(struct peer *peer)
{
    bus_poller_remove(peer->poller, TAG_SOCKET);
    bus_poller_remove(peer->poller, TAG_MONITOR);
    if (peer->owner != NULL) {
        bus_poller_remove(peer->owner, peer->owner_tag);
        bus_poller_remove(peer->owner, peer->owner_monitor_tag);
    }
}

static enum status watch_in(struct peer *peer, struct bus_poller *poller, unsigned tag,
                            unsigned monitor_tag, struct error *err)
{
    enum status status = bus_poller_add_socket(poller, peer->socket, tag, err);
    if (status == ST_OK) {
        status = bus_poller_add_monitor(poller, peer->monitor, monitor_tag, err);
    }
    return status;
}

static enum status watch(struct peer *peer, struct error *err)
{
    enum status status = watch_in(peer, peer->poller, TAG_SOCKET, TAG_MONITOR, err);
    if (status == ST_OK && peer->owner != NULL) {
        status = watch_in(peer, peer->owner, peer->owner_tag, peer->owner_monitor_tag, err);
    }
    return status;
}

static void disconnect(struct peer *peer)
{
    unwatch(peer);
    bus_monitor_close(&peer->monitor);
    bus_socket_close(&peer->socket);
    peer_outbox_clear(peer->outbox);
    peer->acks.count = 0;
    peer->handshaken = false;
}

// Half of the delay at least, the rest by chance.
static int64_t backoff_ms(unsigned failures)
{
    int64_t delay = BACKOFF_MIN_MS;
    for (unsigned i = 1; i < failures && delay < BACKOFF_MAX_MS; i++) {
        delay *= 2;
    }
    delay = delay < BACKOFF_MAX_MS ? delay : BACKOFF_MAX_MS;
    uint32_t chance = 0;
    seal_random(&chance, sizeof(chance));
    return delay / 2 + (int64_t)chance % (delay / 2 + 1);
}

void peer_fail(struct peer *peer)
{
    int64_t now = clock_monotonic_ms();
    bool steady = peer->state == PEER_READY && now - peer->ready_ms >= STEADY_MS;
    // A broker that had let us in and went down is back soon; one that never did may stay away.
    bool welcome = peer->state == PEER_READY && peer->failures > FAILURES_AFTER_WELCOME;
    unsigned before = steady ? 0 : welcome ? FAILURES_AFTER_WELCOME : peer->failures;
    peer->failures = before + 1;
    disconnect(peer);
    peer->happened++;
    peer->state = PEER_WAITING;
    peer->deadline_ms = now + backoff_ms(peer->failures);
}

void peer_stop(struct peer *peer)
{
    disconnect(peer);
    peer->happened++;
    peer->state = PEER_STOPPED;
    peer->deadline_ms = INT64_MAX;
}

static enum status open_connection(struct peer *peer, struct error *err)
{
    const struct peer_config *config = &peer->config;
    const struct bus_socket_options options = {
        .kind = BUS_DEALER,
        .public_key = config->identity->curve_key,
        .secret_key = seal_secret_view(config->identity->curve_secret).data,
        .server_key = config->broker_curve_key,
        .send_hwm = SOCKET_HWM,
        .receive_hwm = SOCKET_HWM,
        .head_max_bytes = WIRE_HEAD_MAX_BYTES,
        .boxes_max_bytes = WIRE_BOXES_MAX_BYTES,
        .linger_ms = LINGER_MS,
        .handshake_ms = CONNECT_MS,
        .heartbeat_ms = PEER_HEARTBEAT_MS,
    };
    enum status status = bus_socket_open(config->context, &options, &peer->socket, err);
    if (status == ST_OK) {
        status = bus_monitor_open(config->context, peer->socket, &peer->monitor, err);
    }
    if (status == ST_OK) {
        status = watch(peer, err);
    }
    if (status == ST_OK) {
        status = bus_socket_connect(peer->socket, config->endpoint, err);
    }
    return status;
}

static void begin(struct peer *peer)
{
    if (open_connection(peer, &peer->problem) != ST_OK) {
        peer_fail(peer);
        return;
    }
    peer->state = PEER_CONNECTING;
    peer->deadline_ms = clock_monotonic_ms() + CONNECT_MS;
}

// ---- what goes out -----------------------------------------------------------------------------

enum status peer_put(struct peer *peer, enum wire_type type, const struct id *ref,
                     const void *message, struct error *err)
{
    struct buffer payload = buffer_init(WIRE_HEAD_MAX_BYTES);
    enum status status = wire_encode(wire_type_schema(type), message, &payload, err);
    if (status == ST_OK) {
        status = peer_outbox_put(peer->outbox, type, ref, buffer_view(&payload),
                                 (struct bytes){ 0 }, err);
    }
    buffer_fini(&payload);
    return status;
}

static enum status queue_hello(struct peer *peer, struct error *err)
{
    enum { FEATURES_MAX = 32 };
    struct bytes features[FEATURES_MAX];
    size_t count = peer->config.features_count;
    count = count < FEATURES_MAX ? count : FEATURES_MAX;
    for (size_t i = 0; i < count; i++) {
        features[i] = bytes_text(peer->config.features[i]);
    }
    const struct wire_hello hello = {
        .version = 1,
        .version_min = PEER_PROTOCOL,
        .version_max = PEER_PROTOCOL,
        .features = features,
        .features_count = count,
        .checkpoint = buffer_view(&peer->trust.note),
        .member = bytes_text(peer->config.identity->member),
        .node = bytes_text(peer->config.identity->node),
        .now = (uint64_t)clock_wall_ms(),
    };
    const struct id none = { { 0 } };
    return peer_put(peer, WIRE_HELLO, &none, &hello, err);
}

// Until when what is queued gathers; 0: not at all.
static int64_t gathers_until_ms(const struct peer *peer)
{
    const struct peer_config *config = &peer->config;
    struct peer_unsigned fresh = peer_outbox_unsigned(peer->outbox);
    if (peer->hurried || fresh.others > 0 || fresh.requests + fresh.answers == 0) {
        return 0;
    }
    int64_t most_ms = config->gather_ms;
    if (fresh.requests > 0) {
        most_ms = peer_gather_requests_ms(config->requests, fresh.requests, most_ms);
    }
    if (fresh.answers > 0) {
        most_ms = peer_gather_answers_ms(config->answers, fresh.answers, most_ms);
    }
    return most_ms == 0 ? 0 : fresh.since_ms + most_ms;
}

bool peer_gathers(const struct peer *peer)
{
    int64_t until_ms = gathers_until_ms(peer);
    return until_ms > 0 && clock_monotonic_ms() < until_ms;
}

void peer_hurry(struct peer *peer)
{
    peer->hurried = true;
}

static enum status flush(struct peer *peer, struct error *err)
{
    struct error full;
    if (clock_monotonic_ms() >= peer_acks_until_ms(&peer->acks) &&
        peer_acks_put(&peer->acks, peer->outbox, &full) != ST_OK) {
        peer->acks.since_ms += PEER_ACK_MS; // there is no hurry
    }
    enum status status = peer_outbox_flush(peer->outbox, peer->config.identity->signer,
                                           &peer->audience, peer->socket, peer_gathers(peer), err);
    peer->hurried = peer->hurried && !peer_outbox_is_empty(peer->outbox);
    return status;
}

// Sends HELLO once the handshake is done; the socket may need a moment until it takes it.
static void greet(struct peer *peer)
{
    enum status status = ST_OK;
    if (peer_outbox_is_empty(peer->outbox)) {
        status = queue_hello(peer, &peer->problem);
    }
    if (status == ST_OK) {
        status = flush(peer, &peer->problem);
    }
    if (status != ST_OK) {
        peer_fail(peer);
    } else if (peer_outbox_is_empty(peer->outbox)) {
        peer->state = PEER_GREETING;
        peer->deadline_ms = clock_monotonic_ms() + GREETING_MS;
    }
}

static void ping(struct peer *peer, int64_t now)
{
    const struct id none = { { 0 } };
    const struct wire_ping message = { .version = 1, .number = ++peer->ping_number };
    struct error ignored;
    // A full queue is alive enough.
    if (peer_put(peer, WIRE_PING, &none, &message, &ignored) == ST_OK) {
        peer->happened++;
    }
    peer->pinged_ms = now;
}

// ---- what happens to the connection -------------------------------------------------------------

static void take_event(struct peer *peer, enum bus_event event)
{
    switch (event) {
    case BUS_EVENT_NONE:
    case BUS_EVENT_CONNECTED:
        return;
    case BUS_EVENT_READY:
        peer->handshaken = true;
        return;
    case BUS_EVENT_UNREACHABLE:
        error_set(&peer->problem, ST_CLOSED, "the broker cannot be reached at '%s'",
                  peer->config.endpoint);
        break;
    case BUS_EVENT_KEY_REFUSED:
        error_set(&peer->problem, ST_DENIED,
                  "the broker does not accept this key: is its card enrolled, and not revoked?");
        break;
    case BUS_EVENT_HANDSHAKE:
        error_set(&peer->problem, ST_UNPROVEN,
                  "whoever answers at '%s' has not the key of the broker's card",
                  peer->config.endpoint);
        break;
    case BUS_EVENT_DISCONNECTED:
        error_set(&peer->problem, ST_CLOSED, "the broker closed the connection");
        break;
    }
    peer_fail(peer);
}

static void take_events(struct peer *peer)
{
    enum bus_event event = BUS_EVENT_NONE;
    while (peer->monitor != NULL && (event = bus_monitor_next(peer->monitor)) != BUS_EVENT_NONE) {
        peer->happened++;
        take_event(peer, event);
    }
}

// ---- steps -------------------------------------------------------------------------------------

static void check_alive(struct peer *peer, int64_t now)
{
    int64_t heard = peer->heard_ms > peer->ready_ms ? peer->heard_ms : peer->ready_ms;
    if (now - heard >= (int64_t)HEARTBEATS_MISSED * peer->heartbeat_ms) {
        error_set(&peer->problem, ST_TIMEOUT, "the broker has not answered for %lld s",
                  (long long)((now - heard) / 1000));
        peer_fail(peer);
    } else if (now - peer->pinged_ms >= peer->heartbeat_ms && now - heard >= peer->heartbeat_ms) {
        ping(peer, now);
    }
}

static void check_deadline(struct peer *peer, int64_t now)
{
    if (now < peer->deadline_ms) {
        return;
    }
    if (peer->state == PEER_WAITING) {
        begin(peer);
    } else if (peer->state == PEER_CONNECTING || peer->state == PEER_GREETING) {
        bool connecting = peer->state == PEER_CONNECTING;
        error_set(&peer->problem, connecting ? ST_CLOSED : ST_TIMEOUT, "%s at '%s'",
                  connecting ? "nobody answers" : "the broker does not answer the greeting",
                  peer->config.endpoint);
        peer_fail(peer);
    }
}

// Does all there is to do now. What waits is taken before the events, so that nothing which came in
// before a connection ended is lost with it.
static enum status pump(struct peer *peer, peer_handler handler, void *argument, struct error *err)
{
    check_deadline(peer, clock_monotonic_ms());
    if (peer->socket != NULL) {
        peer_take_messages(peer, handler, argument);
        take_events(peer);
    }
    if (peer->state == PEER_CONNECTING && peer->handshaken) {
        greet(peer);
    }
    if (peer->state == PEER_READY) {
        check_alive(peer, clock_monotonic_ms());
    }
    enum status status = peer_flush(peer, err);
    if (status == ST_OK) {
        status = peer_trust_keep(&peer->trust, KEEP_EVERY_MS, err);
    }
    if (peer->state == PEER_STOPPED) {
        status = error_set(err, ST_UNPROVEN, "%s", peer->problem.message);
    }
    return status;
}

enum status peer_step(struct peer *peer, int64_t deadline_ms, peer_handler handler, void *argument,
                      struct error *err)
{
    uint64_t before = peer->happened;
    enum status status = pump(peer, handler, argument, err);
    while (status == ST_OK && peer->happened == before && clock_monotonic_ms() < deadline_ms) {
        int64_t own = peer_deadline_ms(peer);
        uint64_t ready = 0;
        status = bus_poller_wait(peer->poller, own < deadline_ms ? own : deadline_ms, &ready, err);
        if (status == ST_OK) {
            status = pump(peer, handler, argument, err);
        }
    }
    return status;
}

int64_t peer_deadline_ms(const struct peer *peer)
{
    int64_t deadline = peer->deadline_ms;
    if (peer->state == PEER_READY) {
        int64_t last = peer->heard_ms > peer->pinged_ms ? peer->heard_ms : peer->pinged_ms;
        last = last > peer->ready_ms ? last : peer->ready_ms;
        deadline = last + peer->heartbeat_ms;
    }
    if (peer->state == PEER_READY && peer_acks_until_ms(&peer->acks) < deadline) {
        deadline = peer_acks_until_ms(&peer->acks);
    }
    bool waits = peer->state == PEER_READY && !peer_outbox_is_empty(peer->outbox);
    bool eager = peer->state == PEER_CONNECTING && peer->handshaken;
    if (waits || eager) {
        int64_t until = peer_outbox_is_blocked(peer->outbox) ? 0 : gathers_until_ms(peer);
        int64_t soon = until > 0 ? until : clock_monotonic_ms() + RETRY_MS;
        deadline = soon < deadline ? soon : deadline;
    }
    return deadline;
}

enum status peer_flush(struct peer *peer, struct error *err)
{
    if (peer->state != PEER_READY) {
        return ST_OK;
    }
    return flush(peer, err);
}

enum status peer_send(struct peer *peer, enum wire_type type, const struct id *ref,
                      struct bytes payload, struct bytes boxes, struct error *err)
{
    if (peer->state != PEER_READY) {
        return error_set(err, ST_CLOSED, "not connected to the broker%s%s",
                         peer->problem.message[0] == '\0' ? "" : ": ", peer->problem.message);
    }
    return peer_outbox_put(peer->outbox, type, ref, payload, boxes, err);
}

void peer_acknowledge(struct peer *peer, const struct id *id, const char *problem)
{
    struct error full;
    if (peer->state == PEER_READY && peer->acks.count == PEER_ACKS_MAX &&
        peer_acks_put(&peer->acks, peer->outbox, &full) != ST_OK) {
        peer->acks.count = 0; // the broker takes nothing: it will note these as handed over
    }
    if (peer->state == PEER_READY) {
        peer_acks_add(&peer->acks, id, problem, clock_monotonic_ms());
    }
}

// ---- life --------------------------------------------------------------------------------------

enum status peer_create(const struct peer_config *config, struct peer **peer, struct error *err)
{
    struct peer *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return error_set(err, ST_NOMEM, "no memory for a peer");
    }
    made->config = *config;
    made->audience = seal_audience(bytes_text(config->origin));
    made->heartbeat_ms = PEER_HEARTBEAT_MS;
    for (size_t i = 0; i < PEER_RECEIVE_BATCH; i++) {
        bus_message_init(&made->messages[i]);
    }
    enum status status =
        peer_trust_init(&made->trust, config->log_vkey, config->checkpoint_path, err);
    const char *name = made->trust.ring.keys[0].name;
    if (status == ST_OK && strcmp(name, config->origin) != 0) {
        status = error_set(err, ST_USAGE, "the log's key is named '%s', and its origin is '%s'",
                           name, config->origin);
    }
    made->trust.admit = config->key_order;
    made->trust.admit_argument = config->key_order_argument;
    if (status == ST_OK) {
        status = bus_poller_create(2, &made->poller, err);
    }
    made->outbox = peer_outbox_create();
    made->roots = seal_batch_cache_create(ROOTS_CACHED);
    made->arena = arena_create(WIRE_ARENA_BYTES);
    if (status == ST_OK && (made->outbox == NULL || made->roots == NULL || made->arena == NULL)) {
        status = error_set(err, ST_NOMEM, "no memory for a peer");
    }
    if (status != ST_OK) {
        peer_destroy(&made);
        return status;
    }
    *peer = made;
    return ST_OK;
}

void peer_destroy(struct peer **peer)
{
    struct peer *old = *peer;
    if (old == NULL) {
        return;
    }
    struct error ignored;
    if (old->state == PEER_READY) {
        peer_outbox_clear(old->outbox);
        if (peer_acks_put(&old->acks, old->outbox, &ignored) != ST_OK ||
            flush(old, &ignored) != ST_OK) {
            old->dropped++; // the broker notes these as handed over
        }
    }
    if (old->poller != NULL) {
        unwatch(old);
    }
    bus_monitor_close(&old->monitor);
    bus_socket_close(&old->socket);
    if (peer_trust_keep(&old->trust, 0, &ignored) != ST_OK) {
        // The file stays a few seconds behind: an older checkpoint is good as well.
        old->trust.unkept = true;
    }
    for (size_t i = 0; i < PEER_RECEIVE_BATCH; i++) {
        bus_message_fini(&old->messages[i]);
    }
    bus_poller_destroy(&old->poller);
    peer_trust_fini(&old->trust);
    peer_outbox_destroy(&old->outbox);
    seal_batch_cache_destroy(&old->roots);
    arena_destroy(&old->arena);
    free(old);
    *peer = NULL;
}

enum status peer_attach(struct peer *peer, struct bus_poller *poller, unsigned tag,
                        unsigned monitor_tag, struct error *err)
{
    peer_detach(peer);
    peer->owner = poller;
    peer->owner_tag = tag;
    peer->owner_monitor_tag = monitor_tag;
    enum status status =
        peer->socket == NULL ? ST_OK : watch_in(peer, poller, tag, monitor_tag, err);
    if (status != ST_OK) {
        peer_detach(peer);
    }
    return status;
}

void peer_detach(struct peer *peer)
{
    if (peer->owner != NULL) {
        bus_poller_remove(peer->owner, peer->owner_tag);
        bus_poller_remove(peer->owner, peer->owner_monitor_tag);
        peer->owner = NULL;
    }
}

enum peer_state peer_state(const struct peer *peer)
{
    return peer->state;
}

const struct error *peer_problem(const struct peer *peer)
{
    return &peer->problem;
}

uint32_t peer_credit(const struct peer *peer)
{
    return peer->credit;
}

const struct digest *peer_bundle_hash(const struct peer *peer)
{
    return &peer->bundle_hash;
}

int64_t peer_clock_skew_ms(const struct peer *peer)
{
    return peer->skew_ms;
}

uint64_t peer_checkpoint(const struct peer *peer, struct bytes *note)
{
    *note = buffer_view(&peer->trust.note);
    return peer->trust.newest.size;
}

struct peer_vouched peer_vouched(const struct peer *peer)
{
    return (struct peer_vouched){ .size = peer->trust.vouched_size,
                                  .note = buffer_view(&peer->trust.vouched),
                                  .at_ms = peer->vouched_at_ms,
                                  .trial = peer->trial };
}

uint64_t peer_dropped(const struct peer *peer)
{
    return peer->dropped;
}

const struct proof_ring *peer_log_keys(const struct peer *peer)
{
    return &peer->trust.ring;
}

unsigned peer_keys_followed(const struct peer *peer)
{
    return peer->trust.followed;
}

bool peer_tag_key_proven(const struct peer *peer, uint32_t number)
{
    return number == 1 ||
           (number > 1 && number <= PEER_TAG_KEYS_MAX && peer->trust.tags_proven[number - 1]);
}

bool peer_take_key_problem(struct peer *peer, struct error *problem)
{
    if (peer->key_problem.status == ST_OK) {
        return false;
    }
    *problem = peer->key_problem;
    peer->key_problem = (struct error){ .status = ST_OK };
    return true;
}
