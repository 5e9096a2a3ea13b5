// The router: the only thread that touches the public socket. It takes what comes in, knows who
// sent it by the key that ZAP admitted, keeps the waiting line and the pending table, and sends
// what the other threads have made. No disk, no crypto, and it never waits for anybody.
//
// Bounds: at most `in_threads_max` new requests are with the other threads; the rest waits in the
// fair line, and what does not fit there is told BUSY. Greetings, sessions and questions have a
// line of their own, so that they pass when requests do not. Answers need no place, as each belongs
// to an exchange under way. Withdrawals and orders have `urgent_max` reserved places.
#include "base/clock.h"
#include "base/event.h"
#include "broker/metric.h"
#include "broker/router.h"

#include <stdlib.h>

enum {
    TAG_SOCKET,
    TAG_QUEUE,
    IN_THREADS_MAX = 2048,
    CALLS_IN_THREADS_MAX = 512,
    CALLS_MAX = 4096,
    CALLS_BYTES = 32 << 20,
    URGENT_MAX = 512,
    SECOND_MS = 1000,
    OUTBOX_RETRY_MS = 1,
    GROUP_MAX = 64, // so many jobs at the most does a quiet member wait behind in one round
    HELD_COUNT_MAX = 65536,
    SEND_HWM = 64,
    RECEIVE_HWM = 16,
    HEAD_MARGIN_BYTES = 512,
    PLAIN_ARENA_BYTES = WIRE_ARENA_BYTES,
};

// ---- what may come, from whom

enum lane {
    LANE_NONE = 0, // nobody sends that to a broker
    LANE_ROUTER,   // handled here
    LANE_REQUEST,  // waits its turn, and for a place in the pending table
    LANE_CALL,     // waits its turn
    LANE_ANSWER,   // belongs to an exchange under way
    LANE_URGENT,   // reserved places
};

#define ROLE(name) (1U << REGISTRY_ROLE_##name)

enum {
    PEERS = ROLE(NODE) | ROLE(PORTAL) | ROLE(DESK) | ROLE(OFFICER) | ROLE(AUDITOR) | ROLE(COURT) |
            ROLE(OPERATOR) | ROLE(WITNESS),
};

static const struct {
    enum lane lane;
    unsigned roles;
} rules[WIRE_TYPE_COUNT] = {
    [WIRE_HELLO] = { LANE_CALL, PEERS },
    [WIRE_PING] = { LANE_ROUTER, PEERS },
    [WIRE_PONG] = { LANE_ROUTER, PEERS },
    [WIRE_ANNOUNCEMENT] = { LANE_CALL, ROLE(NODE) },
    [WIRE_REQUEST] = { LANE_REQUEST, ROLE(NODE) },
    [WIRE_ANSWER] = { LANE_ANSWER, ROLE(NODE) },
    [WIRE_ACK] = { LANE_ROUTER, ROLE(NODE) },
    [WIRE_CANCEL] = { LANE_URGENT, ROLE(NODE) },
    [WIRE_SESSION] = { LANE_CALL, ROLE(PORTAL) | ROLE(DESK) },
    [WIRE_CONSENT_CHANGE] = { LANE_URGENT, ROLE(NODE) | ROLE(PORTAL) | ROLE(DESK) },
    [WIRE_QUERY] = { LANE_CALL, PEERS },
    [WIRE_CONTROL] = { LANE_URGENT, ROLE(OPERATOR) | ROLE(OFFICER) },
    [WIRE_CHUNK] = { LANE_CALL, ROLE(OPERATOR) },
};

// ---- taking messages

static void refuse_now(struct router *router, struct job *job, const char *reason,
                       const char *message)
{
    if (job->connection != NULL) {
        job->connection->rejected++;
    }
    frame_refuse(&router->maker, job, reason, message, 0);
    outbox_reply(router->outbox, job->connection, &job->from.route, &job->reply_head,
                 &job->reply_boxes);
}

static void busy_now(struct router *router, struct job *job, const char *reason)
{
    metric_add(METRIC_BUSY, 1);
    frame_busy(&router->maker, job, reason, SECOND_MS / 2);
    outbox_reply(router->outbox, job->connection, &job->from.route, &job->reply_head,
                 &job->reply_boxes);
}

static bool count_fault(const struct bus_message *message)
{
    static const enum metric metrics[] = {
        [BUS_FAULT_FRAMES] = METRIC_DROPPED_FRAMES,
        [BUS_FAULT_SIZE] = METRIC_DROPPED_SIZE,
        [BUS_FAULT_KEY] = METRIC_DROPPED_KEY,
    };
    if (message->fault != BUS_FAULT_NONE) {
        metric_add(metrics[message->fault], 1);
    }
    return message->fault != BUS_FAULT_NONE;
}

// Who it is, by the key that ZAP admitted, looked up anew for each message.
static bool identify(struct router *router, const struct registry *registry, struct job *job)
{
    const struct registry_key *key = registry_by_curve(registry, &job->message.key);
    enum registry_standing standing = registry_key_standing(key, (uint64_t)clock_wall_ms());
    job->from.route = job->message.route;
    job->from.curve_key = job->message.key;
    if (standing != REGISTRY_GOOD && standing != REGISTRY_SUSPENDED) {
        metric_add(METRIC_DROPPED_KEY, 1);
        refuse_now(router, job, "key-not-enrolled", registry_standing_name(standing));
        return false;
    }
    job->from.batch_key = key->card.batch_key;
    job->from.role = key->card.role;
    job->from.member = job_keep(job, bytes_of(key->card.member, strlen(key->card.member) + 1));
    job->from.node = job_keep(job, bytes_text(key->card.node));
    job->connection = connection_find(router->connections, &key->card.batch_key, true);
    if (job->from.member.size == 0 || job->connection == NULL) {
        return false;
    }
    job->from.member.size--; // the terminator is there for log lines
    if (job->connection->heard_ms == 0) {
        memcpy(job->connection->member, key->card.member, sizeof(key->card.member));
        memcpy(job->connection->node, key->card.node, sizeof(key->card.node));
        atomic_store(&job->connection->budget,
                     (int)router->broker->home.settings->limits.verifications_per_second);
    }
    job->connection->heard_ms = clock_monotonic_ms();
    return true;
}

static void pong(struct router *router, struct job *job, const struct wire_ping *ping)
{
    struct error err;
    struct wire_pong answer = { .version = 1, .number = ping->number };
    if (frame_make(&router->maker, WIRE_PONG, &job->head.ref, &answer, &job->reply_head, &err) !=
            ST_OK ||
        bus_socket_send(router->socket, &job->from.route, &job->reply_head, &job->reply_boxes,
                        &err) != ST_OK) {
        log_event(LOG_LEVEL_DEBUG, "pong.not-sent", log_text("why", err.message));
    }
}

// PING, PONG and ACK: unsigned, they change nothing that was decided.
static void take_here(struct router *router, struct job *job)
{
    union {
        struct wire_ping ping;
        struct wire_pong pong;
        struct wire_ack ack;
    } payload;
    struct error err;
    enum wire_schema schema = wire_type_schema((enum wire_type)job->head.type);
    if (wire_decode(schema, job->head.payload, job->arena, &payload, &err) != ST_OK) {
        metric_add(METRIC_MALFORMED, 1);
        refuse_now(router, job, "malformed", err.message);
    } else if (job->head.type == WIRE_PING) {
        pong(router, job, &payload.ping);
    } else if (job->head.type == WIRE_ACK) {
        router_acknowledged(router, job, &payload.ack);
    }
}

// An answer counts once, from the node that was asked, while the exchange waits for it.
static bool claim_exchange(struct router *router, struct job *job)
{
    struct exchange *exchange = pending_find(router->pending, &job->head.ref);
    if (exchange == NULL || exchange->state != PENDING_ASKED ||
        !digest_equal(&exchange->holder_key, &job->from.batch_key)) {
        metric_add(METRIC_ANSWERS_LATE, 1);
        return false;
    }
    pending_move(router->pending, exchange, PENDING_RELEASING, -1);
    job->exchange = exchange;
    return true;
}

static bool wait_in_line(struct router *router, struct job **job)
{
    struct error err;
    struct connection *connection = (*job)->connection;
    bool request = (*job)->head.type == WIRE_REQUEST;
    struct fair *line = request ? router->fair : router->calls;
    if (request && atomic_load(&router->broker->full)) {
        busy_now(router, *job, "record-full");
    } else if (request && connection->requests >= router->broker->home.settings->limits.credit) {
        busy_now(router, *job, "credit");
    } else if (fair_push(line, job, &err) != ST_OK) {
        busy_now(router, *job, "waiting-line");
    } else {
        connection->requests += request ? 1 : 0;
        return true;
    }
    return false;
}

// True: the job went on, or waits; else it ends here.
static bool sort_job(struct router *router, struct job **job)
{
    const struct wire_head *head = &(*job)->head;
    if (head->type >= WIRE_TYPE_COUNT || rules[head->type].lane == LANE_NONE ||
        (rules[head->type].roles & 1U << (*job)->from.role) == 0) {
        metric_add(METRIC_NOT_ALLOWED, 1);
        refuse_now(router, *job, "not-allowed", "a key of this role may not do that");
        return false;
    }
    switch (rules[head->type].lane) {
    case LANE_ROUTER:
        take_here(router, *job);
        return false;
    case LANE_REQUEST:
    case LANE_CALL:
        return wait_in_line(router, job);
    case LANE_ANSWER:
        if (!claim_exchange(router, *job)) {
            return false;
        }
        router->passing[router->passing_count++] = *job;
        *job = NULL;
        return true;
    case LANE_URGENT:
        if ((*job)->from.role == REGISTRY_ROLE_NODE && head->type == WIRE_CONSENT_CHANGE) {
            return wait_in_line(router, job); // an agency asks for a consent: that can wait
        }
        if (!connection_take_urgent((*job)->connection, (*job)->from.role, router->urgent_max,
                                    &router->urgent_in_threads)) {
            busy_now(router, *job, "urgent-places");
            return false;
        }
        (*job)->urgent = true;
        break;
    case LANE_NONE:
        return false;
    }
    // Control opens changes of consent itself: no withdrawal waits for a worker.
    broker_pass_ahead(head->type == WIRE_CONSENT_CHANGE ? router->broker->to_control
                                                        : router->broker->to_workers,
                      *job);
    *job = NULL;
    return true;
}

static void take_message(struct router *router, const struct registry *registry,
                         struct bus_message *message)
{
    struct error err;
    metric_add(METRIC_RECEIVED, 1);
    struct job *job = job_create_in(router->broker->arenas, JOB_MESSAGE);
    if (job == NULL) {
        return; // no memory: as if the network had lost it
    }
    job->received_ns = clock_monotonic_ns();
    job->message.route = message->route;
    job->message.key = message->key;
    bus_frame_keep(&job->message.head, &message->head);
    bus_frame_keep(&job->message.boxes, &message->boxes);
    if (message->fault == BUS_FAULT_KEY) {
        count_fault(message);
    } else if (!identify(router, registry, job)) {
        // told already
    } else if (count_fault(message)) {
        refuse_now(router, job, "malformed", "a message has two frames of bounded size");
    } else if (wire_decode_here(WIRE_SCHEMA_HEAD, bus_frame_view(&job->message.head), job->arena,
                                &job->head, &err) != ST_OK) {
        metric_add(METRIC_MALFORMED, 1);
        refuse_now(router, job, "malformed", err.message);
    } else if (sort_job(router, &job)) {
        return;
    }
    job_destroy(&job);
}

static enum status take_messages(struct router *router, struct error *err)
{
    struct snapshot_item *item;
    size_t count = 0;
    enum status status =
        bus_socket_receive(router->socket, router->messages, ROUTER_BATCH, &count, err);
    uint64_t strangers = bus_socket_strangers(router->socket);
    metric_add(METRIC_DROPPED_STRANGER, strangers - router->strangers);
    router->strangers = strangers;
    const struct registry *registry = snapshot_pin(router->broker->registry, &item);
    for (size_t i = 0; status == ST_OK && i < count; i++) {
        take_message(router, registry, &router->messages[i]);
    }
    snapshot_unpin(&item);
    return status;
}

static bool has_place(const struct router *router)
{
    size_t pending_max = (size_t)router->broker->home.settings->limits.pending_max;
    return router->in_threads < router->in_threads_max &&
           router->in_threads + pending_under_way(router->pending) < pending_max;
}

// Hands what has come in to the workers, and lets in what waits, as far as there are places. True
// while more could go on.
static bool dispatch(struct router *router)
{
    struct connection *from[3 * ROUTER_BATCH];
    size_t count = 0;
    for (; count < ROUTER_BATCH && fair_count(router->calls) > 0 &&
           router->calls_in_threads < CALLS_IN_THREADS_MAX;
         count++) {
        struct job *job = fair_pop(router->calls);
        job->called = true;
        router->calls_in_threads++;
        router->passing[router->passing_count++] = job;
    }
    for (; count < 2 * ROUTER_BATCH && fair_count(router->fair) > 0 && has_place(router); count++) {
        struct job *job = fair_pop(router->fair);
        job->admitted = true;
        router->in_threads++;
        router->passing[router->passing_count++] = job;
    }
    for (size_t i = 0; i < router->passing_count; i++) {
        from[i] = router->passing[i]->connection;
    }
    for (size_t i = 0; i < router->passing_count; i += GROUP_MAX) {
        size_t left = router->passing_count - i;
        connections_group(router->passing + i, from + i, left < GROUP_MAX ? left : GROUP_MAX);
    }
    broker_pass(router->broker->to_workers, router->passing, router->passing_count);
    router->passing_count = 0;
    return count == 2 * ROUTER_BATCH;
}

// Whom an exchange's next message is for; NULL: the job is of another kind, or nobody is there.
static struct connection *receiver_of(struct router *router, const struct job *job)
{
    const struct digest *key = job->outcome == OUTCOME_ASK       ? &job->exchange->holder_key
                               : job->outcome == OUTCOME_RELEASE ? &job->exchange->asker_key
                                                                 : NULL;
    return key == NULL ? NULL : connection_find(router->connections, key, false);
}

// Messages of exchanges go grouped by who gets them. Everything else stands where it stood among
// them: a consent's change is acknowledged after the releases that came before it.
static size_t take_back(struct router *router)
{
    struct job *jobs[ROUTER_BATCH];
    struct connection *to[ROUTER_BATCH];
    size_t count = queue_take(router->broker->to_router, (void **)jobs, ROUTER_BATCH);
    size_t begin = 0;
    for (size_t i = 0; i < count; i++) {
        to[i] = receiver_of(router, jobs[i]);
        if (to[i] == NULL) {
            connections_group(jobs + begin, to + begin, i - begin);
            begin = i + 1;
        }
    }
    connections_group(jobs + begin, to + begin, count - begin);
    for (size_t i = 0; i < count; i++) {
        router_finish(router, jobs[i]);
    }
    return count;
}

// ---- time

static void expire(struct router *router, int64_t now_ms)
{
    struct exchange *exchange;
    while ((exchange = pending_due(router->pending, now_ms)) != NULL) {
        if (exchange->state == PENDING_ASKED) {
            router_end(router, exchange, WIRE_KIND_EXPIRED, "holder-silent");
        } else if (exchange->lent) {
            pending_postpone(router->pending, exchange, now_ms + SECOND_MS);
        } else {
            router_forget(router, exchange);
        }
    }
}

bool router_ping(struct router *router, struct connection *connection, int64_t now_ms)
{
    struct error err;
    struct bus_frame head;
    struct bus_frame boxes;
    struct wire_ping message = { .version = 1, .number = ++connection->ping_number };
    bus_frame_init(&head);
    bus_frame_init(&boxes);
    connection->pinged_ms = now_ms;
    if (frame_make(&router->maker, WIRE_PING, NULL, &message, &head, &err) == ST_OK &&
        bus_socket_send(router->socket, &connection->route, &head, &boxes, &err) == ST_CLOSED) {
        connection->greeted = false;
    }
    bus_frame_fini(&head);
    bus_frame_fini(&boxes);
    return connection->greeted;
}

// Once a second: fresh budgets, pings to the silent, the dead are no longer connected.
static void every_second(struct router *router, int64_t now_ms)
{
    const struct config_vedomod *settings = router->broker->home.settings;
    size_t cursor = 0;
    struct bytes key;
    void *value;
    struct snapshot_item *item;
    const struct registry *registry = snapshot_pin(router->broker->registry, &item);
    while (map_next(router->connections, &cursor, &key, &value)) {
        struct connection *connection = value;
        const struct registry_key *known = registry_by_batch(registry, &connection->batch_key);
        if (known == NULL || known->state == REGISTRY_KEY_REVOKED) {
            connection->greeted = false;
        }
        int64_t silent_ms = now_ms - connection->heard_ms;
        atomic_store(&connection->budget, (int)settings->limits.verifications_per_second);
        if (connection->rejected > 0 && now_ms >= connection->rejected_ms) {
            router_note_rejected(router, connection, now_ms);
        }
        if (connection->greeted && silent_ms > settings->listen.dead_after_ms) {
            connection->greeted = false;
        } else if (connection->greeted && silent_ms > settings->listen.heartbeat_ms &&
                   now_ms - connection->pinged_ms > settings->listen.heartbeat_ms) {
            router_ping(router, connection, now_ms);
        }
    }
    snapshot_unpin(&item);
    size_t unrecorded = router->unrecorded_count;
    router->unrecorded_count = 0;
    for (size_t i = 0; i < unrecorded; i++) {
        struct exchange *exchange = router->unrecorded[i];
        router_end(router, exchange, exchange->ending_kind, exchange->ending_reason);
    }
    router->second_ms = now_ms + SECOND_MS;
}

static int64_t next_deadline(const struct router *router)
{
    int64_t deadline_ms = router->second_ms;
    int64_t due_ms = pending_next_deadline(router->pending);
    if (due_ms >= 0 && due_ms < deadline_ms) {
        deadline_ms = due_ms;
    }
    if (router->delivery != NULL && router->delivery_ms < deadline_ms) {
        deadline_ms = router->delivery_ms;
    }
    return deadline_ms;
}

// ---- life

static enum status open_socket(struct router *router, struct error *err)
{
    const struct config_vedomod *settings = router->broker->home.settings;
    const struct seal_identity *identity = &router->broker->home.broker;
    struct bus_socket_options options = {
        .kind = BUS_ROUTER,
        .public_key = identity->curve_key,
        .secret_key = seal_secret_view(identity->curve_secret).data,
        .send_hwm = SEND_HWM,
        .receive_hwm = RECEIVE_HWM,
        .head_max_bytes = WIRE_HEAD_MAX_BYTES + HEAD_MARGIN_BYTES,
        .boxes_max_bytes = WIRE_BOXES_MAX_BYTES,
        .linger_ms = 1000,
        .handshake_ms = (int)settings->listen.handshake_ms,
        .heartbeat_ms = (int)settings->listen.heartbeat_ms,
        .backlog = 1024,
    };
    enum status status = bus_socket_open(router->broker->context, &options, &router->socket, err);
    if (status == ST_OK) {
        status = bus_socket_bind(router->socket, settings->listen.endpoint, err);
    }
    if (status == ST_OK) {
        status = bus_poller_create(4, &router->poller, err);
    }
    if (status == ST_OK) {
        status = bus_poller_add_socket(router->poller, router->socket, TAG_SOCKET, err);
    }
    if (status == ST_OK) {
        status =
            bus_poller_add_fd(router->poller, queue_fd(router->broker->to_router), TAG_QUEUE, err);
    }
    return status;
}

static enum status open_router(struct router *router, struct error *err)
{
    const struct config_vedomod *settings = router->broker->home.settings;
    size_t pending_max = (size_t)settings->limits.pending_max;
    router->in_threads_max = IN_THREADS_MAX;
    router->urgent_max = URGENT_MAX;
    router->connections = map_create();
    router->messages = calloc(ROUTER_BATCH, sizeof(*router->messages));
    router->unrecorded = calloc(pending_max + IN_THREADS_MAX, sizeof(struct exchange *));
    router->maker = frame_maker_init(router->broker);
    if (router->connections == NULL || router->messages == NULL || router->unrecorded == NULL) {
        return error_set(err, ST_NOMEM, "router: no memory");
    }
    for (size_t i = 0; i < ROUTER_BATCH; i++) {
        bus_message_init(&router->messages[i]);
    }
    enum status status =
        pending_create(pending_max + IN_THREADS_MAX + HELD_COUNT_MAX,
                       (size_t)settings->limits.memory_bytes / 2, &router->pending, err);
    if (status == ST_OK) {
        status = fair_create((size_t)settings->threads.queue,
                             (size_t)settings->limits.memory_bytes / 2, &router->fair, err);
    }
    if (status == ST_OK) {
        status = fair_create(CALLS_MAX, CALLS_BYTES, &router->calls, err);
    }
    if (status == ST_OK) {
        status = open_socket(router, err);
    }
    return status == ST_OK ? outbox_create(router->socket, router->connections, router_lost, router,
                                           &router->outbox, err)
                           : status;
}

static void close_router(struct router *router)
{
    job_destroy(&router->delivery);
    fair_destroy(&router->fair);
    fair_destroy(&router->calls);
    outbox_destroy(&router->outbox);
    pending_destroy(&router->pending);
    bus_poller_destroy(&router->poller);
    bus_socket_close(&router->socket);
    for (size_t i = 0; router->messages != NULL && i < ROUTER_BATCH; i++) {
        bus_message_fini(&router->messages[i]);
    }
    free(router->messages);
    free(router->unrecorded);
    connections_destroy(&router->connections);
    frame_maker_fini(&router->maker);
}

static enum status run_once(struct router *router, struct error *err)
{
    uint64_t ready = 0;
    int64_t deadline_ms = router->more_waits ? 0 : next_deadline(router);
    if (router->outbox_waits && deadline_ms > clock_monotonic_ms() + OUTBOX_RETRY_MS) {
        deadline_ms = clock_monotonic_ms() + OUTBOX_RETRY_MS;
    }
    enum status status = bus_poller_wait(router->poller, deadline_ms, &ready, err);
    if (status != ST_OK) {
        return status;
    }
    // Answers and releases first: they make room.
    take_back(router);
    router->outbox_waits = outbox_retry(router->outbox);
    if ((ready & 1U << TAG_SOCKET) != 0) {
        status = take_messages(router, err);
    }
    router->more_waits = dispatch(router);
    int64_t now_ms = clock_monotonic_ms();
    expire(router, now_ms);
    router_flush_deliveries(router, now_ms, false);
    if (now_ms >= router->second_ms) {
        every_second(router, now_ms);
        if (!bus_zap_alive(router->broker->zap)) {
            return error_set(err, ST_IO, "the ZAP handler has ended: CURVE would admit every key");
        }
    }
    return status;
}

void broker_router_run(struct thread *thread, void *argument)
{
    struct router router = { .broker = argument };
    struct broker *broker = argument;
    struct error err = { 0 };
    enum status status = open_router(&router, &err);
    thread_ready(thread, status, &err);
    while (status == ST_OK && !atomic_load(&broker->stopping)) {
        status = run_once(&router, &err);
    }
    if (status != ST_OK) {
        broker_fail(broker, "router.failed", &err);
    }
    // The other threads have ended by now, or find their queues closed: what is left goes.
    struct job *job;
    while (queue_take(broker->to_router, (void **)&job, 1) == 1) {
        job_destroy(&job);
    }
    close_router(&router);
}
