// The log's thread. One turn: wait for the broker, visits or a deadline; take a bounded batch of
// each; fetch what is missing; answer. Nothing in a turn blocks.
//
// Failure modes: the broker is away (what is on the shelf is shown, the rest gets 503); it gives
// something that does not prove itself (an event, 503); it shows another log than before (the peer
// stops for good: an event, and from then on only what is on the shelf); too many wait (503).
#include "portal/inside.h"

#include "base/clock.h"
#include "base/event.h"
#include "seal/random.h"

#include <stdlib.h>

enum {
    BATCH = 64,
    FLIGHTS_MAX = 32,       // questions to the broker under way
    FLIGHT_MS = 4000,       // the broker's time for one
    PIECES_MAX = 2048,      // on the shelf: 20 MB at most
    PAUSE_MS = 1000,        // before a part of the edge is asked for again
    WAITING_MAX = 1024,     // visits
    VOUCHED_MS = 60 * 1000, // so long a cosigned checkpoint goes before a newer one without
    IDLE_MS = 1000,
    TICK_MS = 100,
    TAG_PEER = 1,
    TAG_MONITOR,
    TAG_VISITS,
    POLLER_ROOM = 8
};

// A question to the broker.
struct flight {
    bool under_way;
    struct id ref;
    struct portal_want want;
    int64_t deadline_ms;
};

struct log {
    struct portal *portal;
    struct peer *peer;
    struct bus_poller *poller;
    struct arena *arena;
    struct portal_shelf *shelf;
    struct flight flights[FLIGHTS_MAX];
    struct portal_visit *waiting[WAITING_MAX];
    size_t waiting_count;
    int64_t edge_again_ms; // not before
    enum peer_state seen;
    unsigned keys_followed;
    bool stopped;
};

// ---- questions

static struct flight *find_flight(struct log *log, const struct portal_want *want)
{
    for (size_t i = 0; i < FLIGHTS_MAX; i++) {
        if (log->flights[i].under_way && portal_want_equal(&log->flights[i].want, want)) {
            return &log->flights[i];
        }
    }
    return NULL;
}

static enum status send_question(struct log *log, const struct portal_want *want,
                                 struct flight *flight, struct error *err)
{
    struct wire_query query = { .version = 1, .kind = WIRE_QUERY_TILE, .to = want->size };
    if (want->tile.entries) {
        query.kind = WIRE_QUERY_LEAVES;
        query.from = want->tile.number * PROOF_TILE_HASHES;
        query.to = query.from + want->tile.width;
    } else {
        query.index = want->tile.number;
        query.offset = want->tile.level;
        query.limit = want->tile.width;
    }
    struct buffer payload = buffer_init(WIRE_HEAD_MAX_BYTES);
    struct id ref = seal_random_id();
    enum status status = wire_encode(WIRE_SCHEMA_QUERY, &query, &payload, err);
    if (status == ST_OK) {
        status =
            peer_send(log->peer, WIRE_QUERY, &ref, buffer_view(&payload), (struct bytes){ 0 }, err);
    }
    buffer_fini(&payload);
    if (status == ST_OK) {
        *flight = (struct flight){ .under_way = true,
                                   .ref = ref,
                                   .want = *want,
                                   .deadline_ms = clock_monotonic_ms() + FLIGHT_MS };
    }
    return status;
}

// Asks, unless that is asked already. False: it cannot be asked, the broker is away. With every
// flight taken it is asked later.
static bool ask(struct log *log, const struct portal_want *want)
{
    struct error err;
    if (find_flight(log, want) != NULL) {
        return true;
    }
    for (size_t i = 0; i < FLIGHTS_MAX; i++) {
        if (!log->flights[i].under_way) {
            return send_question(log, want, &log->flights[i], &err) == ST_OK;
        }
    }
    return true;
}

// ---- visits

// True: answered. `failed` (may be NULL): what could not be fetched just now.
static bool answer(struct log *log, struct portal_visit *visit, const struct portal_want *failed)
{
    struct bytes content = { 0 };
    struct portal_want want;
    if (portal_shelf_checkpoint(log->shelf, &content) == 0) {
        portal_pages_refuse(&visit, 503);
        return true;
    }
    if (visit->checkpoint) {
        portal_pages_show(&visit, content);
        return true;
    }
    switch (portal_shelf_find(log->shelf, &visit->tile, &content, &want)) {
    case PORTAL_NONE:
        portal_pages_refuse(&visit, 404);
        return true;
    case PORTAL_HERE:
        portal_pages_show(&visit, content);
        return true;
    case PORTAL_MISSING:
        break;
    }
    if ((failed != NULL && portal_want_equal(failed, &want)) ||
        clock_monotonic_ms() >= visit->deadline_ms || !ask(log, &want)) {
        portal_pages_refuse(&visit, 503);
        return true;
    }
    return false;
}

static void look_at_waiting(struct log *log, const struct portal_want *failed)
{
    size_t kept = 0;
    for (size_t i = 0; i < log->waiting_count; i++) {
        struct portal_visit *visit = log->waiting[i];
        if (!answer(log, visit, failed)) {
            log->waiting[kept++] = visit;
        }
    }
    log->waiting_count = kept;
}

static void take_visits(struct log *log)
{
    void *items[BATCH];
    size_t count = queue_take(log->portal->visits, items, BATCH);
    for (size_t i = 0; i < count; i++) {
        struct portal_visit *visit = items[i];
        if (log->waiting_count == WAITING_MAX) {
            portal_pages_refuse(&visit, 503);
        } else if (!answer(log, visit, NULL)) {
            log->waiting[log->waiting_count++] = visit;
        }
    }
}

// ---- what comes from the broker

static void fail_flight(struct log *log, struct flight *flight, const char *why)
{
    struct portal_want want = flight->want;
    flight->under_way = false;
    log_event(LOG_LEVEL_WARNING, "log.not-fetched", log_text("why", why));
    if (!want.tile.entries && want.tile.width < PROOF_TILE_HASHES) {
        log->edge_again_ms = clock_monotonic_ms() + PAUSE_MS;
    }
    look_at_waiting(log, &want);
}

static void land(struct log *log, struct flight *flight, struct bytes body)
{
    struct error err;
    enum status status = portal_shelf_put(log->shelf, &flight->want, body, &err);
    if (status == ST_OK || status == ST_STALE) {
        flight->under_way = false;

        return;
    }
    if (status == ST_UNPROVEN) {
        log_event(LOG_LEVEL_ERROR, "log.unproven", log_text("why", err.message));
    }
    fail_flight(log, flight, err.message);
}

static void on_message(void *argument, const struct peer_message *message)
{
    struct log *log = argument;
    struct error err = { 0 };
    struct wire_result result;
    struct flight *flight = NULL;
    for (size_t i = 0; i < FLIGHTS_MAX; i++) {
        if (log->flights[i].under_way && id_equal(&log->flights[i].ref, &message->ref)) {
            flight = &log->flights[i];
        }
    }
    if (flight == NULL) {
        return;
    }
    if (message->type != WIRE_RESULT) {
        fail_flight(log, flight, wire_type_name(message->type));
        return;
    }
    arena_reset(log->arena);
    if (wire_decode(WIRE_SCHEMA_RESULT, message->payload, log->arena, &result, &err) != ST_OK) {
        fail_flight(log, flight, err.message);
    } else if (result.status != ST_OK) {
        fail_flight(log, flight,
                    result.status < ST_COUNT ? status_name((enum status)result.status) : "unknown");
    } else {
        land(log, flight, message->boxes);
    }
}

// ---- a turn

// What the peer has learnt of the log's keys.
static void tell_keys(struct log *log)
{
    struct error problem;
    if (peer_take_key_problem(log->peer, &problem)) {
        log_event(LOG_LEVEL_ERROR, "log.key-refused", log_text("why", problem.message));
    }
    if (peer_keys_followed(log->peer) != log->keys_followed) {
        log->keys_followed = peer_keys_followed(log->peer);
        log_event(LOG_LEVEL_NOTICE, "log.key-followed",
                  log_number("number", (int64_t)peer_log_keys(log->peer)->count));
    }
}

static void turn_peer(struct log *log)
{
    struct error err = { 0 };
    if (!log->stopped && peer_step(log->peer, 0, on_message, log, &err) != ST_OK) {
        log->stopped = peer_state(log->peer) == PEER_STOPPED;
        log_event(LOG_LEVEL_ERROR, log->stopped ? "log.forked" : "broker.connection",
                  log_text("why", err.message));
    }
    tell_keys(log);
    enum peer_state state = peer_state(log->peer);
    if (state == PEER_READY && log->seen != PEER_READY) {
        log_event(LOG_LEVEL_NOTICE, "broker.connected");
    } else if (state != PEER_READY && log->seen == PEER_READY) {
        log_event(LOG_LEVEL_WARNING, "broker.lost",
                  log_text("why", peer_problem(log->peer)->message));
    }
    log->seen = state;
}

// Flights whose time is over, or whose connection is gone.
static void end_flights(struct log *log)
{
    int64_t now_ms = clock_monotonic_ms();
    bool away = log->seen != PEER_READY;
    for (size_t i = 0; i < FLIGHTS_MAX; i++) {
        struct flight *flight = &log->flights[i];
        if (flight->under_way && (away || now_ms >= flight->deadline_ms)) {
            fail_flight(log, flight, away ? "the broker is away" : "no answer in time");
        }
    }
}

// What is to be shown: the newest checkpoint with witnesses' lines, unless they have been silent
// for too long; then the newest of all.
static struct bytes choose_checkpoint(const struct log *log)
{
    struct bytes note = { 0 };
    struct peer_vouched vouched = peer_vouched(log->peer);
    if (vouched.size > 0 && clock_wall_ms() - (int64_t)vouched.at_ms < VOUCHED_MS) {
        return vouched.note;
    }
    return peer_checkpoint(log->peer, &note) == 0 ? (struct bytes){ 0 } : note;
}

static void turn_checkpoint(struct log *log)
{
    struct error err;
    struct portal_want want;
    struct bytes note = choose_checkpoint(log);
    if (log->seen != PEER_READY || note.size == 0) {
        return;
    }
    if (portal_shelf_offer(log->shelf, note, &err) != ST_OK) {
        log_event(LOG_LEVEL_ERROR, "log.checkpoint", log_text("why", err.message));
        return;
    }
    for (unsigned level = 0; level < PROOF_TILE_LEVELS; level++) {
        if (clock_monotonic_ms() >= log->edge_again_ms &&
            portal_shelf_edge(log->shelf, level, &want)) {
            (void)ask(log, &want); // else with the next turn
        }
    }
}

static bool is_busy(const struct log *log)
{
    bool busy = log->waiting_count > 0;
    for (size_t i = 0; i < FLIGHTS_MAX && !busy; i++) {
        busy = log->flights[i].under_way;
    }
    return busy;
}

static void turn(struct log *log)
{
    struct error err;
    uint64_t ready = 0;
    int64_t deadline_ms = clock_monotonic_ms() + (is_busy(log) ? TICK_MS : IDLE_MS);
    int64_t peer_ms = log->stopped ? deadline_ms : peer_deadline_ms(log->peer);
    if (bus_poller_wait(log->poller, peer_ms < deadline_ms ? peer_ms : deadline_ms, &ready, &err) !=
        ST_OK) {
        log_event(LOG_LEVEL_ERROR, "portal.poll", log_text("why", err.message));
    }
    turn_peer(log);
    end_flights(log);
    turn_checkpoint(log);
    take_visits(log);
    look_at_waiting(log, NULL);
    if (log->seen == PEER_READY && peer_flush(log->peer, &err) != ST_OK) {
        log_event(LOG_LEVEL_WARNING, "broker.not-sent", log_text("why", err.message));
    }
}

// ---- the thread

static enum status open_log(struct log *log, struct error *err)
{
    struct portal *portal = log->portal;
    const struct peer_config config = {
        .context = portal->context,
        .endpoint = portal->config->broker.endpoint,
        .identity = &portal->identity,
        .broker_curve_key = portal->broker.curve_key,
        .broker_batch_key = portal->broker.batch_key,
        .origin = portal->log.name,
        .log_vkey = portal->config->broker.vkey,
        .checkpoint_path = portal->checkpoint_path,
        .key_order = registry_log_key_admit,
        .key_order_argument = &portal->of_log,
    };
    enum status status = peer_create(&config, &log->peer, err);
    if (status != ST_OK) {
        return status;
    }
    log->arena = arena_create(WIRE_ARENA_BYTES);
    log->shelf = portal_shelf_create(peer_log_keys(log->peer), PIECES_MAX);
    if (log->arena == NULL || log->shelf == NULL) {
        status = error_set(err, ST_NOMEM, "portal: no memory");
    }
    if (status == ST_OK) {
        status = bus_poller_create(POLLER_ROOM, &log->poller, err);
    }
    if (status == ST_OK) {
        status = peer_attach(log->peer, log->poller, TAG_PEER, TAG_MONITOR, err);
    }
    if (status == ST_OK) {
        status = bus_poller_add_fd(log->poller, queue_fd(portal->visits), TAG_VISITS, err);
    }
    return status;
}

static void close_log(struct log *log)
{
    void *item = NULL;
    for (size_t i = 0; i < log->waiting_count; i++) {
        portal_pages_refuse(&log->waiting[i], 503);
    }
    while (queue_take(log->portal->visits, &item, 1) == 1) {
        struct portal_visit *visit = item;
        portal_pages_refuse(&visit, 503);
    }
    if (log->peer != NULL && log->poller != NULL) {
        peer_detach(log->peer);
    }
    peer_destroy(&log->peer);
    bus_poller_destroy(&log->poller);
    portal_shelf_destroy(&log->shelf);
    arena_destroy(&log->arena);
}

void portal_log_run(struct thread *thread, void *argument)
{
    struct error err = { 0 };
    struct log *log = calloc(1, sizeof(*log));
    if (log == NULL) {
        thread_ready(thread, error_set(&err, ST_NOMEM, "portal: no memory"), &err);
        return;
    }
    log->portal = argument;
    enum status status = open_log(log, &err);
    thread_ready(thread, status, &err);
    while (status == ST_OK && !queue_is_closed(log->portal->visits)) {
        turn(log);
    }
    close_log(log);
    free(log);
}
