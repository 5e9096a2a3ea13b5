// The engine's thread. One turn: wait for the connection, tasks, lookups or a deadline;
// take a bounded batch of each; act. Nothing in a turn blocks: registers are
// read in their own pools, HTTP has its own thread.
//
// Failure modes: the broker is away (calls fail at once, asks wait for nobody, the peer comes back
// by itself); the log was forked or rolled back (the engine stops asking and answering for good and
// says so in every report); a queue is full (ST_BUSY to whoever hands in).
#include "node/inside.h"
#include "node/log_keys.h"

#include "base/clock.h"
#include "base/event.h"
#include "seal/random.h"
#include "wire/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH = 64,
    IDLE_MS = 1000,
    TAG_PEER = 1,
    TAG_MONITOR,
    TAG_TASKS,
    TAG_FOUND,
    POLLER_ROOM = 8
};

uint64_t node_now(void)
{
    return (uint64_t)clock_wall_ms();
}

struct node_task *node_task_create(enum node_task_kind kind)
{
    struct node_task *task = calloc(1, sizeof(*task));
    if (task != NULL) {
        task->kind = kind;
    }
    return task;
}

void node_task_destroy(struct node_task **task)
{
    if (*task != NULL) {
        arena_destroy(&(*task)->arena);
        free(*task);
        *task = NULL;
    }
}

void node_report_fill(const struct node_engine *engine, const struct catalogue *catalogue,
                      struct node_report *report)
{
    report->catalogue = catalogue;
    report->member = engine->config->member;
    report->peer = peer_state(engine->peer);
    report->problem = peer_problem(engine->peer);
    report->skew_ms = peer_clock_skew_ms(engine->peer);
    struct bytes note;
    report->log_size = peer_checkpoint(engine->peer, &note);
    report->has_witnesses = engine->witness.trees != NULL;
    report->witnessed_trial = engine->witness.trial;
    if (report->has_witnesses) {
        report->witnessed_size =
            node_trees_witnessed(engine->witness.trees, &report->witnessed_s).size;
    }
    report->under_way = engine->calls_open;
    report->answering = engine->asked.under_way;
    report->decision_file = "";
    report->ending_file = "";
    report->holder = "";
    report->dataset = "";
}

// --- questions to the broker ---

bool node_query_pending(const struct node_engine *engine, node_query_done done,
                        struct bytes context)
{
    size_t cursor = 0;
    struct bytes key;
    void *value = NULL;
    while (map_next(engine->queries, &cursor, &key, &value)) {
        const struct node_query *query = value;
        if (query->done == done &&
            bytes_equal(bytes_of(query->context, query->context_size), context)) {
            return true;
        }
    }
    return false;
}

enum status node_query_send(struct node_engine *engine, const struct wire_query *query,
                            node_query_done done, struct bytes context, struct error *err)
{
    if (map_count(engine->queries) >= NODE_QUERIES_MAX) {
        return error_set(err, ST_BUSY, "too many questions to the broker are under way");
    }
    struct node_query *kept = calloc(1, sizeof(*kept));
    if (kept == NULL || context.size > sizeof(kept->context)) {
        free(kept);
        return error_set(err, ST_NOMEM, "question to the broker: no memory");
    }
    kept->ref = seal_random_id();
    kept->done = done;
    kept->context_size = context.size;
    if (context.size > 0) {
        memcpy(kept->context, context.data, context.size);
    }
    kept->deadline_ms = clock_monotonic_ms() + NODE_QUERY_MS;
    struct buffer payload = buffer_init(WIRE_HEAD_MAX_BYTES);
    enum status status = wire_encode(WIRE_SCHEMA_QUERY, query, &payload, err);
    if (status == ST_OK) {
        status = peer_send(engine->peer, WIRE_QUERY, &kept->ref, buffer_view(&payload),
                           (struct bytes){ 0 }, err);
    }
    buffer_fini(&payload);
    if (status == ST_OK && !map_put(engine->queries, bytes_id(&kept->ref), kept)) {
        status = error_set(err, ST_NOMEM, "question to the broker: no memory");
    }
    if (status != ST_OK) {
        free(kept);
    }
    return status;
}

static void query_end(struct node_engine *engine, struct node_query *query, enum status status,
                      const struct wire_result *result, struct bytes body, const struct error *err)
{
    map_remove(engine->queries, bytes_id(&query->ref));
    query->done(engine, bytes_of(query->context, query->context_size), status, result, body, err);
    free(query);
}

static void on_result(struct node_engine *engine, const struct peer_message *message)
{
    struct node_query *query = map_get(engine->queries, bytes_id(&message->ref));
    struct arena *arena = arena_create(WIRE_ARENA_BYTES);
    if (query == NULL || arena == NULL) {
        arena_destroy(&arena);
        return;
    }
    struct error err = { 0 };
    struct wire_result result = { 0 };
    enum status status = wire_decode(WIRE_SCHEMA_RESULT, message->payload, arena, &result, &err);
    if (status == ST_OK && result.status != 0) {
        status = result.status < ST_COUNT ? (enum status)result.status : ST_MALFORMED;
        error_set(&err, status, "the broker: %.*s", (int)result.message.size,
                  result.message.size == 0 ? "" : (const char *)result.message.data);
    }
    query_end(engine, query, status, &result, message->boxes, &err);
    arena_destroy(&arena);
}

static void expire_queries(struct node_engine *engine)
{
    int64_t now_ms = clock_monotonic_ms();
    size_t cursor = 0;
    struct bytes key;
    void *value = NULL;
    struct node_query *late[BATCH];
    size_t count = 0;
    while (count < BATCH && map_next(engine->queries, &cursor, &key, &value)) {
        struct node_query *query = value;
        if (query->deadline_ms <= now_ms) {
            late[count++] = query;
        }
    }
    for (size_t i = 0; i < count; i++) {
        struct error err;
        error_set(&err, ST_TIMEOUT, "the broker did not answer a question in time");
        query_end(engine, late[i], ST_TIMEOUT, NULL, (struct bytes){ 0 }, &err);
    }
}

size_t node_directory_take(struct node_engine *engine, struct bytes body, struct error *err)
{
    size_t good = 0;
    struct wire_rows rows;
    struct arena *arena = arena_create(WIRE_ROWS_ARENA_BYTES);
    if (arena == NULL) {
        error_set(err, ST_NOMEM, "directory: no memory");
        return 0;
    }
    if (wire_decode(WIRE_SCHEMA_ROWS, body, arena, &rows, err) != ST_OK) {
        arena_destroy(&arena);
        return 0;
    }
    for (size_t i = 0; i < rows.rows_count; i++) {
        struct node_partner partner;
        enum status status = node_partner_verify(&engine->trust, engine->cache, &rows.rows[i],
                                                 node_now(), arena, &partner, err);
        if (status == ST_OK) {
            status = node_partners_keep(engine->partners, &partner, err);
        }
        if (status == ST_OK) {
            good++;
        } else {
            log_event(LOG_LEVEL_WARNING, "directory.refused", log_text("why", err->message));
        }
    }
    arena_destroy(&arena);
    return good;
}

// --- messages of the broker ---

void node_engine_announce(struct node_engine *engine)
{
    struct error err;
    struct digest hash;
    engine->announced = seal_random_id();
    struct bytes payload = node_keys_announcement(engine->keys, &hash);
    if (peer_send(engine->peer, WIRE_ANNOUNCEMENT, &engine->announced, payload, (struct bytes){ 0 },
                  &err) != ST_OK) {
        log_event(LOG_LEVEL_WARNING, "key.not-announced", log_text("why", err.message));
    }
}

// A key that the broker has already needs no announcement; anything else is worth a word.
static void on_announcement_refused(const struct peer_message *message)
{
    struct error err;
    struct wire_refusal refusal;
    struct arena *arena = arena_create(WIRE_ARENA_BYTES);
    if (arena != NULL &&
        wire_decode(WIRE_SCHEMA_REFUSAL, message->payload, arena, &refusal, &err) == ST_OK &&
        !bytes_equal_text(refusal.reason, status_name(ST_STALE))) {
        char why[ERROR_MESSAGE_BYTES];
        snprintf(why, sizeof(why), "%.*s", (int)refusal.message.size,
                 refusal.message.size == 0 ? "" : (const char *)refusal.message.data);
        log_event(LOG_LEVEL_ERROR, "key.refused", log_text("why", why));
    }
    arena_destroy(&arena);
}

static void on_proof(struct node_engine *engine, const struct peer_message *message)
{
    struct error err;
    struct wire_proof proof;
    struct arena *arena = arena_create(WIRE_ARENA_BYTES);
    if (arena == NULL ||
        wire_decode(WIRE_SCHEMA_PROOF, message->payload, arena, &proof, &err) != ST_OK) {
        arena_destroy(&arena);
        return;
    }
    for (size_t i = 0; i < proof.dropped_keys_count; i++) {
        struct digest key;
        if (proof.dropped_keys[i].size == DIGEST_BYTES) {
            memcpy(key.bytes, proof.dropped_keys[i].data, DIGEST_BYTES);
            node_partners_drop(engine->partners, &key, engine->keys);
            seal_batch_cache_drop(engine->cache, &key);
            log_event(LOG_LEVEL_NOTICE, "key.dropped");
        }
    }
    arena_destroy(&arena);
}

static void on_message(void *argument, const struct peer_message *message)
{
    struct node_engine *engine = argument;
    switch (message->type) {
    case WIRE_ASK:
        node_holder_ask(engine, message);
        break;
    case WIRE_REFUSAL:
        if (id_equal(&message->ref, &engine->announced)) {
            on_announcement_refused(message);
            break;
        }
        node_asker_message(engine, message);
        break;
    case WIRE_RELEASE:
    case WIRE_BUSY:
        node_asker_message(engine, message);
        break;
    case WIRE_RESULT:
        on_result(engine, message);
        break;
    case WIRE_PROOF:
        node_log_keys_turn(engine);
        on_proof(engine, message);
        node_witness_heard(engine);
        break;
    case WIRE_WELCOME:
        node_log_keys_turn(engine);
        node_witness_heard(engine);
        break;
    case WIRE_NONE:
    case WIRE_HELLO:
    case WIRE_PING:
    case WIRE_PONG:
    case WIRE_ANNOUNCEMENT:
    case WIRE_REQUEST:
    case WIRE_ANSWER:
    case WIRE_ACK:
    case WIRE_CANCEL:
    case WIRE_SESSION:
    case WIRE_CONSENT_CHANGE:
    case WIRE_QUERY:
    case WIRE_CONTROL:
    case WIRE_CHUNK:
    case WIRE_QUEUED:
    case WIRE_NOTIFY:
    case WIRE_REDIRECT:
    case WIRE_TYPE_COUNT:
        break;
    }
}

// --- tasks ---

static void report_state(struct node_engine *engine, struct node_task *task)
{
    struct snapshot_item *item = NULL;
    const struct catalogue *catalogue = snapshot_pin(engine->policy, &item);
    struct node_report report = { 0 };
    node_report_fill(engine, catalogue, &report);
    task->report(task, &report);
    snapshot_unpin(&item);
}

static void take_tasks(struct node_engine *engine)
{
    void *items[BATCH];
    size_t count = queue_take(engine->tasks, items, BATCH);
    for (size_t i = 0; i < count; i++) {
        struct node_task *task = items[i];
        switch (task->kind) {
        case NODE_TASK_ASK:
            node_asker_ask(engine, task);
            break;
        case NODE_TASK_LOOK:
            node_asker_look(engine, task, false);
            break;
        case NODE_TASK_CANCEL:
            node_asker_look(engine, task, true);
            break;
        case NODE_TASK_STATE:
            report_state(engine, task);
            break;
        }
    }
}

static void take_found(struct node_engine *engine)
{
    void *items[BATCH];
    size_t count = queue_take(engine->found, items, BATCH);
    for (size_t i = 0; i < count; i++) {
        node_holder_found(engine, items[i]);
    }
}

// --- the thread ---

static void turn_keys(struct node_engine *engine)
{
    struct error err;
    bool renewed = false;
    if (node_keys_turn(engine->keys, node_now(), &renewed, &err) != ST_OK) {
        log_event(LOG_LEVEL_ERROR, "key.not-renewed", log_text("why", err.message));
        return;
    }
    if (renewed && peer_state(engine->peer) == PEER_READY) {
        node_engine_announce(engine);
    }
    node_partners_expire(engine->partners, node_now());
}

static void turn_peer(struct node_engine *engine)
{
    struct error err;
    if (!engine->stopped && peer_step(engine->peer, 0, on_message, engine, &err) != ST_OK &&
        peer_state(engine->peer) == PEER_STOPPED) {
        engine->stopped = true;
        peer_detach(engine->peer); // nothing of it is of interest any more
        log_event(LOG_LEVEL_ERROR, "log.forked", log_text("why", err.message));
    }
    enum peer_state state = peer_state(engine->peer);
    if (state == PEER_READY && engine->peer_seen != PEER_READY) {
        log_event(LOG_LEVEL_NOTICE, "broker.connected");
        node_engine_announce(engine);
        node_asker_ready(engine);
    } else if (state != PEER_READY && engine->peer_seen == PEER_READY) {
        log_event(LOG_LEVEL_WARNING, "broker.lost",
                  log_text("why", peer_problem(engine->peer)->message));
    }
    engine->peer_seen = state;
}

static int64_t next_deadline(const struct node_engine *engine)
{
    int64_t now_ms = clock_monotonic_ms();
    bool active = engine->calls_open > 0 || engine->asked.under_way > 0 ||
                  map_count(engine->queries) > 0 || engine->fetch.under_way;
    int64_t deadline = now_ms + (active ? NODE_TICK_MS : IDLE_MS);
    int64_t peer_ms = engine->stopped ? deadline : peer_deadline_ms(engine->peer);
    return peer_ms >= 0 && peer_ms < deadline ? peer_ms : deadline;
}

static void turn(struct node_engine *engine)
{
    struct error err;
    uint64_t ready = 0;
    if (bus_poller_wait(engine->poller, next_deadline(engine), &ready, &err) != ST_OK) {
        log_event(LOG_LEVEL_ERROR, "node.poll", log_text("why", err.message));
    }
    turn_keys(engine);
    turn_peer(engine);
    take_tasks(engine);
    take_found(engine);
    expire_queries(engine);
    node_policy_turn(engine);
    node_witness_turn(engine);
    node_asker_turn(engine);
    node_holder_turn(engine);
    if (!engine->stopped && peer_flush(engine->peer, &err) != ST_OK) {
        log_event(LOG_LEVEL_WARNING, "broker.flush", log_text("why", err.message));
    }
}

// The connection is made, used and closed by this thread.
static enum status open_peer(struct node_engine *engine, struct error *err)
{
    struct peer_config config = { .context = engine->context,
                                  .endpoint = engine->config->broker.endpoint,
                                  .identity = &engine->identity,
                                  .broker_curve_key = engine->broker.curve_key,
                                  .broker_batch_key = engine->broker.batch_key,
                                  .origin = engine->trust.log.name,
                                  .log_vkey = engine->config->broker.vkey,
                                  .checkpoint_path = engine->checkpoint_path,
                                  .key_order = registry_log_key_admit,
                                  .key_order_argument = &engine->trust.of_log,
                                  .requests = &engine->sent,
                                  .answers = &engine->asked,
                                  .gather_ms = engine->config->broker.gather_ms };
    engine->trust.of_log = (struct registry_of_log){ .registrar = &engine->trust.registrar,
                                                     .origin = node_trust_origin(&engine->trust) };
    enum status status = bus_poller_create(POLLER_ROOM, &engine->poller, err);
    if (status == ST_OK) {
        status = peer_create(&config, &engine->peer, err);
    }
    if (status == ST_OK) {
        node_trust_keys(&engine->trust, peer_log_keys(engine->peer)); // those kept earlier
    }
    if (status == ST_OK) {
        status = peer_attach(engine->peer, engine->poller, TAG_PEER, TAG_MONITOR, err);
    }
    if (status == ST_OK) {
        status = bus_poller_add_fd(engine->poller, queue_fd(engine->tasks), TAG_TASKS, err);
    }
    if (status == ST_OK) {
        status = bus_poller_add_fd(engine->poller, queue_fd(engine->found), TAG_FOUND, err);
    }
    return status;
}

static void close_peer(struct node_engine *engine)
{
    if (engine->peer != NULL) {
        peer_detach(engine->peer);
    }
    peer_destroy(&engine->peer);
    bus_poller_destroy(&engine->poller);
}

// What gathers when the node ends leaves without more company.
static void say_the_last(struct node_engine *engine)
{
    struct error err;
    peer_hurry(engine->peer);
    if (!engine->stopped && peer_flush(engine->peer, &err) != ST_OK) {
        log_event(LOG_LEVEL_WARNING, "broker.flush", log_text("why", err.message));
    }
}

void node_engine_run(struct thread *thread, void *argument)
{
    struct node_engine *engine = argument;
    struct error err = { 0 };
    bool renewed = false;
    enum status status = open_peer(engine, &err);
    if (status == ST_OK) {
        status = node_keys_turn(engine->keys, node_now(), &renewed, &err);
    }
    thread_ready(thread, status, &err);
    while (status == ST_OK && !queue_is_closed(engine->tasks)) {
        turn(engine);
    }
    if (status == ST_OK) {
        // Tasks that came in before the end are answered by the same rules.
        while (queue_length(engine->tasks) > 0) {
            take_tasks(engine);
        }
        node_asker_stop(engine);
        say_the_last(engine);
    }
    close_peer(engine);
}

enum status node_engine_hand(struct node_engine *engine, struct node_task **task, struct error *err)
{
    void *item = *task;
    if (queue_push(engine->tasks, &item, 1) == 0) {
        return queue_is_closed(engine->tasks)
                   ? error_set(err, ST_CLOSED, "the node is stopping")
                   : error_set(err, ST_BUSY, "too many calls wait for this node");
    }
    *task = NULL;
    return ST_OK;
}
