// The threads of the full path. Each has up to BENCH_CROWD peers, steps those that have something,
// and rests in one poller; askers then fill their windows, or set off what is due.
//
// Order of the start: every thread connects and announces its peers, leaves what the others must
// know in its own part of a shared table, and says READY; the table is read only in a run, and the
// first run begins after the last thread is ready.
#include "bench_fill.h"
#include "bench_party.h"

#include "base/map.h"
#include "seal/random.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    CONNECT_MS = 60 * 1000,
    SLOTS_OPEN_LOOP = 512, // places of an asker when the rate is given
    ROOTS_CACHED = 1024,
    EXPIRE_EVERY_MS = 1000,
    KEPT_BYTES = 16 * 1024 * 1024,
};

struct crowd {
    struct bench_table bench;
    struct bench_party *parties;
    size_t count;
    size_t first; // number of its first party
    bool asks;
    struct bus_poller *poller;
    struct bus_context *context;
    struct bench_known *known; // of this crowd: written before READY
    size_t turn;               // which asker is next in the open loop
    int64_t expire_ms;
};

struct bench_load {
    const struct bench_home *home;
    struct bus_context *context;
    struct bench_load_options options;
    size_t asker_count;
    struct bench_known *askers;
    struct bench_known *holders;
    struct map *by_hash; // announcement hash -> struct bench_known of an asker
    struct bench_prepared prepared;
    struct bench_crew *crews; // the crowds' own, in one array for the pace
    struct crowd *crowds;
    size_t crowd_count;
};

const struct bench_known *bench_load_asker(const struct bench_load *load, size_t number)
{
    return &load->askers[number];
}

const struct bench_known *bench_load_holder(const struct bench_load *load, size_t number)
{
    return &load->holders[number];
}

const struct digest *bench_load_holder_hash(const struct bench_load *load, size_t number)
{
    return &load->holders[number].announcement.hash;
}

const struct bench_load_options *bench_load_options(const struct bench_load *load)
{
    return &load->options;
}

size_t bench_load_asker_by_hash(const struct bench_load *load, const struct digest *hash)
{
    const struct bench_known *found = map_get(load->by_hash, bytes_digest(hash));
    return found == NULL ? SIZE_MAX : (size_t)(found - load->askers);
}

void bench_table_keep(struct bench_table *bench, struct bytes message)
{
    if (bench->kept == NULL || bench->message_count == BENCH_KEPT) {
        return;
    }
    struct bytes kept = arena_copy(bench->kept, message);
    if (kept.data != NULL) {
        bench->messages[bench->message_count++] = kept;
    }
}

size_t bench_load_recorded(const struct bench_load *load, bool asks, struct bytes *messages,
                           size_t most)
{
    size_t count = 0;
    for (size_t i = 0; i < load->crowd_count; i++) {
        const struct crowd *crowd = &load->crowds[i];
        for (size_t k = 0; crowd->asks != asks && k < crowd->bench.message_count; k++) {
            if (count < most) {
                messages[count++] = crowd->bench.messages[k];
            }
        }
    }
    return count;
}

// ---- connecting

static void ignore(void *argument, const struct peer_message *message)
{
    (void)argument;
    (void)message;
}

static enum status open_keys(struct crowd *crowd, struct bench_party *party,
                             struct bench_known *known, struct error *err)
{
    struct bench_table *bench = &crowd->bench;
    bool renewed;
    uint64_t now_ms = (uint64_t)clock_wall_ms();
    enum status status = node_keys_create(party->member->code, party->member->identity.node,
                                          &bench->trust.audience, &party->keys, err);
    if (status == ST_OK) {
        status = node_keys_turn(party->keys, now_ms, &renewed, err);
    }
    if (status == ST_OK) {
        struct digest hash;
        arena_reset(bench->arena);
        known->member = party->member;
        status = node_announcement_read(&bench->trust.audience,
                                        node_keys_announcement(party->keys, &hash), now_ms,
                                        bench->arena, &known->announcement, err);
    }
    return status;
}

static enum status open_party(struct crowd *crowd, size_t i, struct error *err)
{
    struct bench_party *party = &crowd->parties[i];
    const struct bench_home *home = crowd->bench.home;
    const struct bench_pace *pace = &crowd->bench.load->options.pace;
    party->bench = &crowd->bench;
    party->number = crowd->first + i;
    party->member = crowd->asks ? &home->askers[party->number] : &home->holders[party->number];
    party->slot_count = pace->rate > 0 ? SLOTS_OPEN_LOOP : pace->window;
    party->slots = crowd->asks ? calloc(party->slot_count, sizeof(*party->slots)) : NULL;
    if (crowd->asks && party->slots == NULL) {
        return error_set(err, ST_NOMEM, "bench: no memory");
    }
    for (size_t k = 0; crowd->asks && k < party->slot_count; k++) {
        party->slots[k].payload = buffer_init(WIRE_HEAD_MAX_BYTES);
    }
    enum status status = open_keys(crowd, party, &crowd->known[i], err);
    if (status == ST_OK) {
        status = bench_home_peer(home, crowd->context, &party->member->identity, &party->flow,
                                 &party->peer, err);
    }
    if (status == ST_OK) {
        status =
            peer_attach(party->peer, crowd->poller, (unsigned)(2 * i), (unsigned)(2 * i + 1), err);
    }
    return status;
}

static enum status connect_party(struct bench_party *party, struct error *err)
{
    int64_t deadline_ms = clock_monotonic_ms() + CONNECT_MS;
    enum status status = ST_OK;
    while (status == ST_OK && peer_state(party->peer) != PEER_READY) {
        if (clock_monotonic_ms() >= deadline_ms) {
            return error_set(err, ST_TIMEOUT, "bench: %s does not get through: %s",
                             party->member->code, peer_problem(party->peer)->message);
        }
        status = peer_step(party->peer, deadline_ms, ignore, NULL, err);
    }
    struct digest hash;
    if (status == ST_OK) {
        const struct id none = { { 0 } };
        status = peer_send(party->peer, WIRE_ANNOUNCEMENT, &none,
                           node_keys_announcement(party->keys, &hash), (struct bytes){ 0 }, err);
    }
    return status == ST_OK ? peer_flush(party->peer, err) : status;
}

static enum status open_bench(struct bench_table *bench, bool asks, struct error *err)
{
    struct registry_pins registrar = { .keys = { bench->home->registrar.sign_key },
                                       .count = 1,
                                       .threshold = 1 };
    struct registry_pins policy = { .keys = { bench->home->policy.sign_key },
                                    .count = 1,
                                    .threshold = 1 };
    bench->roots = seal_batch_cache_create(ROOTS_CACHED);
    bench->arena = arena_create(WIRE_ARENA_BYTES * 4);
    bench->payload = buffer_init(WIRE_HEAD_MAX_BYTES);
    bench->boxes = buffer_init(WIRE_BOXES_MAX_BYTES);
    seal_random(&bench->chance, sizeof(bench->chance));
    bench->chance |= 1; // the generator never leaves zero
    bool records = bench_load_options(bench->load)->record;
    bench->kept = records ? arena_create(KEPT_BYTES) : NULL;
    if (bench->roots == NULL || bench->arena == NULL || (records && bench->kept == NULL)) {
        return error_set(err, ST_NOMEM, "bench: no memory");
    }
    enum status status =
        node_trust_init(&bench->trust, bytes_text(bench->home->vkey), &registrar, &policy, err);
    return status == ST_OK && !asks ? bench_register_open(bench->home, &bench->reg, err) : status;
}

static enum status open_crowd(struct crowd *crowd, struct error *err)
{
    enum status status = open_bench(&crowd->bench, crowd->asks, err);
    crowd->parties = calloc(crowd->count, sizeof(*crowd->parties));
    if (crowd->parties == NULL) {
        return error_set(err, ST_NOMEM, "bench: no memory");
    }
    if (status == ST_OK) {
        status = bus_poller_create(2 * BENCH_CROWD + 1, &crowd->poller, err);
    }
    if (status == ST_OK) {
        status = bus_poller_add_fd(crowd->poller, crowd->bench.crew->wake, BENCH_WAKE_TAG, err);
    }
    for (size_t i = 0; status == ST_OK && i < crowd->count; i++) {
        status = open_party(crowd, i, err);
    }
    for (size_t i = 0; status == ST_OK && i < crowd->count; i++) {
        status = connect_party(&crowd->parties[i], err);
    }
    return status;
}

static void close_crowd(struct crowd *crowd)
{
    for (size_t i = 0; crowd->parties != NULL && i < crowd->count; i++) {
        struct bench_party *party = &crowd->parties[i];
        if (party->peer != NULL) {
            peer_detach(party->peer);
        }
        peer_destroy(&party->peer);
        node_keys_destroy(&party->keys);
        for (size_t k = 0; party->slots != NULL && k < party->slot_count; k++) {
            buffer_fini(&party->slots[k].payload);
        }
        free(party->slots);
    }
    free(crowd->parties);
    bus_poller_destroy(&crowd->poller);
    seal_batch_cache_destroy(&crowd->bench.roots);
    arena_destroy(&crowd->bench.arena);
    arena_destroy(&crowd->bench.kept);
    sql_register_close(&crowd->bench.reg);
    buffer_fini(&crowd->bench.payload);
    buffer_fini(&crowd->bench.boxes);
}

// ---- a thread's turn

// Closed loop: each asker fills its window.
static void fill_windows(struct crowd *crowd, int64_t now_ns)
{
    struct error err;
    for (size_t i = 0; i < crowd->count; i++) {
        struct bench_party *asker = &crowd->parties[i];
        while (asker->flow.under_way < asker->slot_count && asker->pause_ms <= now_ns / 1000000 &&
               bench_ask(asker, now_ns, &err) == ST_OK) {
        }
    }
}

// Open loop: what is due goes to the askers in turn; without a place it counts as late.
static void set_off_due(struct crowd *crowd, int64_t now_ns)
{
    struct error err;
    int64_t due_ns;
    while (bench_crew_due(crowd->bench.crew, now_ns, &due_ns)) {
        struct bench_party *asker = &crowd->parties[crowd->turn];
        crowd->turn = (crowd->turn + 1) % crowd->count;
        if (bench_ask(asker, due_ns, &err) != ST_OK) {
            crowd->bench.crew->tally.late++;
        }
    }
}

static bool is_quiet(const struct crowd *crowd)
{
    for (size_t i = 0; i < crowd->count; i++) {
        if (crowd->parties[i].flow.under_way > 0) {
            return false;
        }
    }
    return !atomic_load(&crowd->bench.crew->pace->running);
}

static int64_t next_look_ms(const struct crowd *crowd)
{
    int64_t deadline_ms = bench_crew_deadline_ms(crowd->bench.crew, clock_monotonic_ms());
    for (size_t i = 0; i < crowd->count; i++) {
        int64_t own_ms = peer_deadline_ms(crowd->parties[i].peer);
        deadline_ms = own_ms < deadline_ms ? own_ms : deadline_ms;
    }
    return deadline_ms;
}

// A connection that was lost counts among the refusals, under what is known of the cause.
static void watch_connection(struct bench_party *party)
{
    bool ready = peer_state(party->peer) == PEER_READY;
    if (party->connected && !ready) {
        bench_tally_refused(&party->bench->crew->tally,
                            bytes_text(peer_problem(party->peer)->message));
    }
    party->connected = ready;
}

static enum status step_parties(struct crowd *crowd, uint64_t ready, struct error *err)
{
    enum status status = ST_OK;
    int64_t now_ms = clock_monotonic_ms();
    for (size_t i = 0; status == ST_OK && i < crowd->count; i++) {
        struct bench_party *party = &crowd->parties[i];
        if ((ready >> (2 * i) & 3) != 0 || peer_deadline_ms(party->peer) <= now_ms) {
            status = peer_step(party->peer, 0,
                               crowd->asks ? bench_asker_handle : bench_holder_handle, party, err);
            watch_connection(party);
        }
    }
    return status;
}

static enum status ask_more(struct crowd *crowd, struct error *err)
{
    enum status status = ST_OK;
    const struct bench_pace *pace = crowd->bench.crew->pace;
    int64_t now_ns = clock_monotonic_ns();
    if (atomic_load(&pace->running)) {
        if (pace->rate > 0) {
            set_off_due(crowd, now_ns);
        } else {
            fill_windows(crowd, now_ns);
        }
    }
    bool expire = now_ns / 1000000 >= crowd->expire_ms;
    for (size_t i = 0; status == ST_OK && i < crowd->count; i++) {
        if (expire) {
            bench_asker_expire(&crowd->parties[i], now_ns);
        }
        status = peer_flush(crowd->parties[i].peer, err);
    }
    if (expire) {
        crowd->expire_ms = now_ns / 1000000 + EXPIRE_EVERY_MS;
    }
    return status;
}

static enum status take_turn(struct crowd *crowd, struct error *err)
{
    uint64_t ready = 0;
    enum status status = bus_poller_wait(crowd->poller, next_look_ms(crowd), &ready, err);
    if ((ready >> BENCH_WAKE_TAG & 1) != 0) {
        bench_crew_woken(crowd->bench.crew);
    }
    if (status == ST_OK) {
        status = step_parties(crowd, ready, err);
    }
    if (status == ST_OK && crowd->asks) {
        status = ask_more(crowd, err);
    }
    bench_crew_rest(crowd->bench.crew, is_quiet(crowd));
    return status;
}

static void run_crowd(struct thread *thread, void *argument)
{
    struct crowd *crowd = argument;
    struct error err = { 0 };
    enum status status = open_crowd(crowd, &err);
    thread_ready(thread, status, &err);
    while (status == ST_OK && !atomic_load(&crowd->bench.crew->pace->ending)) {
        status = take_turn(crowd, &err);
        if (status != ST_OK) {
            bench_tally_wrong(&crowd->bench.crew->tally, err.message);
            atomic_store(&crowd->bench.crew->quiet, true);
        }
    }
    close_crowd(crowd);
    atomic_store(&crowd->bench.crew->gone, true);
}

// ---- life

static size_t crowds_of(size_t parties)
{
    return (parties + BENCH_CROWD - 1) / BENCH_CROWD;
}

static enum status start_crowd(struct bench_load *load, bool asks, size_t first, struct error *err)
{
    size_t place = load->crowd_count;
    size_t all = asks ? load->asker_count : load->home->holder_count;
    struct crowd *crowd = &load->crowds[place];
    struct bench_crew *crew = &load->crews[place];
    crowd->asks = asks;
    crowd->first = first;
    crowd->count = all - first < BENCH_CROWD ? all - first : BENCH_CROWD;
    crowd->known = asks ? &load->askers[first] : &load->holders[first];
    crowd->context = load->context;
    crowd->bench.crew = crew;
    crowd->bench.load = load;
    crowd->bench.home = load->home;
    crowd->bench.prepared = &load->prepared;
    enum status status = bench_crew_init(crew, &load->options.pace, asks ? crowd->count : 0, err);
    load->crowd_count++;
    return status == ST_OK
               ? thread_start(asks ? "askers" : "holders", run_crowd, crowd, &crew->thread, err)
               : status;
}

static enum status start_all(struct bench_load *load, struct error *err)
{
    enum status status = ST_OK;
    for (size_t i = 0; status == ST_OK && i < load->home->holder_count; i += BENCH_CROWD) {
        status = start_crowd(load, false, i, err);
    }
    for (size_t i = 0; status == ST_OK && i < load->asker_count; i += BENCH_CROWD) {
        status = start_crowd(load, true, i, err);
    }
    for (size_t i = 0; status == ST_OK && i < load->asker_count; i++) {
        struct bench_known *known = &load->askers[i];
        if (!map_put(load->by_hash, bytes_digest(&known->announcement.hash), known)) {
            status = error_set(err, ST_NOMEM, "bench: no memory");
        }
    }
    return status;
}

enum status bench_load_create(const struct bench_home *home, struct bus_context *context,
                              const struct bench_load_options *options, struct bench_load **load,
                              struct error *err)
{
    size_t askers = options->askers == 0 ? home->asker_count : options->askers;
    size_t crowds = crowds_of(askers) + crowds_of(home->holder_count);
    struct bench_load *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return error_set(err, ST_NOMEM, "bench: no memory");
    }
    made->home = home;
    made->context = context;
    made->options = *options;
    made->options.pace.askers = askers;
    made->asker_count = askers;
    made->askers = calloc(askers, sizeof(*made->askers));
    made->holders = calloc(home->holder_count, sizeof(*made->holders));
    made->crews = calloc(crowds, sizeof(*made->crews));
    made->crowds = calloc(crowds, sizeof(*made->crowds));
    made->by_hash = map_create();
    enum status status = made->askers == NULL || made->holders == NULL || made->crews == NULL ||
                                 made->crowds == NULL || made->by_hash == NULL
                             ? error_set(err, ST_NOMEM, "bench: no memory")
                             : bench_prepare(&made->prepared, home, err);
    if (status == ST_OK) {
        status = start_all(made, err);
    }
    if (status != ST_OK) {
        bench_load_destroy(&made);
        return status;
    }
    *load = made;
    return ST_OK;
}

void bench_load_destroy(struct bench_load **load)
{
    struct bench_load *old = *load;
    if (old == NULL) {
        return;
    }
    bench_pace_end(&old->options.pace, old->crews, old->crowd_count);
    for (size_t i = 0; i < old->crowd_count; i++) {
        bench_crew_fini(&old->crews[i]);
    }
    map_destroy(&old->by_hash);
    buffer_fini(&old->prepared.boxes);
    free(old->crews);
    free(old->crowds);
    free(old->askers);
    free(old->holders);
    free(old);
    *load = NULL;
}

void bench_load_start(struct bench_load *load)
{
    bench_pace_start(&load->options.pace, load->crews, load->crowd_count);
}

void bench_load_stop(struct bench_load *load)
{
    bench_pace_stop(&load->options.pace, load->crews, load->crowd_count);
}

bool bench_load_quiet(const struct bench_load *load)
{
    return bench_pace_quiet(&load->options.pace, load->crews, load->crowd_count);
}

void bench_load_collect(struct bench_load *load, struct bench_tally *tally)
{
    bench_pace_collect(load->crews, load->crowd_count, tally);
}

// What Head adds around a payload that is not signed.
static size_t head_bytes(size_t payload)
{
    size_t length = payload < 128 ? 1 : payload < 16384 ? 2 : 3;
    return 2 + 2 + ID_BYTES + 1 + length + payload;
}

enum status bench_load_legs(const struct bench_load *load, struct bench_legs *legs,
                            struct error *err)
{
    struct bench_table sum = { 0 };
    for (size_t i = 0; i < load->crowd_count; i++) {
        const struct bench_table *one = &load->crowds[i].bench;
        sum.asks += one->asks;
        sum.request_bytes += one->request_bytes;
        sum.ask_bytes += one->ask_bytes;
        sum.releases += one->releases;
        sum.answer_bytes += one->answer_bytes;
        sum.release_bytes += one->release_bytes;
        sum.boxes_bytes += one->boxes_bytes;
    }
    if (sum.asks == 0 || sum.releases == 0) {
        return error_set(err, ST_NOT_FOUND, "bench: no exchange came through in the warm-up");
    }
    *legs = (struct bench_legs){
        .request = (size_t)(sum.request_bytes / sum.asks),
        .ask = head_bytes((size_t)(sum.ask_bytes / sum.asks)),
        .answer = (size_t)(sum.answer_bytes / sum.releases),
        .release = head_bytes((size_t)(sum.release_bytes / sum.releases)),
        .boxes = (size_t)(sum.boxes_bytes / sum.releases),
    };
    return ST_OK;
}
