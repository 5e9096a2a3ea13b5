// The proxy's clients: the same threads, sockets and windows as in the full path, with messages
// that say nothing.
#include "bench_proxy.h"

#include "bus/poller.h"
#include "seal/random.h"
#include "seal/secret.h"

#include <stdlib.h>

enum {
    BARE_BATCH = 64,
    BARE_HWM = 65536,
    CONNECT_MS = 20 * 1000,
    GREET_EVERY_MS = 5,
    SLOTS_OPEN_LOOP = 512,
    HANDSHAKE_MS = 5000,
    HEARTBEAT_MS = 10 * 1000,
};

struct party {
    struct bus_socket *socket;
    uint32_t number;
    bool greeted;    // the socket took the greeting: it takes none before it is connected
    bool known;      // the proxy has sent the greeting back
    uint64_t *slots; // begun_ns of what is under way; 0: free
    size_t slot_count;
    size_t next_slot;
    size_t under_way;
};

struct crowd {
    struct bench_crew *crew;
    const struct bench_bare_load *load;
    struct party *parties;
    size_t count;
    size_t first;
    bool asks;
    struct bus_poller *poller;
    struct bus_message messages[BARE_BATCH];
    size_t turn;
};

struct bench_bare_load {
    const struct bench_home *home;
    const struct bench_proxy *proxy;
    struct bus_context *context;
    struct bench_pace pace;
    struct bench_legs legs;
    struct bench_crew *crews;
    struct crowd *crowds;
    size_t crowd_count;
};

// ---- sending

static enum status send_head(struct party *party, const struct bench_bare *bare, size_t bytes,
                             struct bus_frame *boxes, struct error *err)
{
    struct bus_frame head;
    uint8_t *data;
    size_t size = bytes < BENCH_BARE_BYTES ? BENCH_BARE_BYTES : bytes;
    enum status status = bus_frame_make(&head, size, &data, err);
    if (status == ST_OK) {
        memset(data + BENCH_BARE_BYTES, 0x5a, size - BENCH_BARE_BYTES);
        bench_bare_write(bare, data);
        status = bus_socket_send(party->socket, NULL, &head, boxes, err);
        bus_frame_fini(&head);
    }
    return status;
}

static enum status greet(struct crowd *crowd, struct party *party, struct error *err)
{
    struct bus_frame boxes;
    const struct bench_bare bare = { .kind = crowd->asks ? BENCH_BARE_ASKER : BENCH_BARE_HOLDER,
                                     .asker = crowd->asks ? party->number : 0,
                                     .holder = crowd->asks ? 0 : party->number };
    bus_frame_init(&boxes);
    return send_head(party, &bare, BENCH_BARE_BYTES, &boxes, err);
}

static enum status ask(struct crowd *crowd, struct party *party, int64_t begun_ns,
                       struct error *err)
{
    const struct bench_bare_load *load = crowd->load;
    while (party->under_way < party->slot_count && party->slots[party->next_slot] != 0) {
        party->next_slot = (party->next_slot + 1) % party->slot_count;
    }
    if (party->under_way == party->slot_count) {
        return error_set(err, ST_BUSY, "bench: the window is full");
    }
    struct bus_frame boxes;
    uint32_t chance;
    seal_random(&chance, sizeof(chance));
    const struct bench_bare bare = { .kind = BENCH_BARE_REQUEST,
                                     .asker = party->number,
                                     .holder = chance % (uint32_t)load->home->holder_count,
                                     .slot = (uint32_t)party->next_slot,
                                     .next_bytes = (uint32_t)load->legs.ask,
                                     .begun_ns = (uint64_t)begun_ns };
    bus_frame_init(&boxes);
    enum status status = send_head(party, &bare, load->legs.request, &boxes, err);
    if (status == ST_OK) {
        party->slots[party->next_slot] = (uint64_t)begun_ns;
        party->under_way++;
    }
    return status;
}

static enum status answer(struct crowd *crowd, struct party *party, struct bench_bare *bare,
                          struct error *err)
{
    const struct bench_legs *legs = &crowd->load->legs;
    struct bus_frame boxes;
    uint8_t *data;
    enum status status = bus_frame_make(&boxes, legs->boxes, &data, err);
    if (status == ST_OK) {
        memset(data, 0xa5, legs->boxes);
        bare->kind = BENCH_BARE_ANSWER;
        bare->next_bytes = (uint32_t)legs->release;
        status = send_head(party, bare, legs->answer, &boxes, err);
        bus_frame_fini(&boxes);
    }
    return status;
}

// ---- receiving

static void take_release(struct crowd *crowd, struct party *party, const struct bench_bare *bare)
{
    struct bench_crew *crew = crowd->crew;
    if (bare->slot >= party->slot_count || party->slots[bare->slot] != bare->begun_ns ||
        bare->begun_ns == 0) {
        bench_tally_wrong(&crew->tally, "the proxy's release to nobody's request");
        return;
    }
    party->slots[bare->slot] = 0;
    party->under_way--;
    bench_tally_latency(&crew->tally, clock_monotonic_ns() - (int64_t)bare->begun_ns);
    crew->tally.released++;
    crew->tally.in_time += atomic_load(&crew->pace->running) ? 1 : 0;
}

static enum status take_messages(struct crowd *crowd, struct party *party, struct error *err)
{
    size_t count = BARE_BATCH;
    enum status status = ST_OK;
    for (size_t round = 0; status == ST_OK && count == BARE_BATCH && round < 4; round++) {
        status = bus_socket_receive(party->socket, crowd->messages, BARE_BATCH, &count, err);
        for (size_t i = 0; status == ST_OK && i < count; i++) {
            struct bench_bare bare;
            if (!bench_bare_read(bus_frame_view(&crowd->messages[i].head), &bare)) {
                status = error_set(err, ST_MALFORMED, "bench: not the proxy's message");
            } else if (bare.kind == BENCH_BARE_REQUEST) {
                status = answer(crowd, party, &bare, err);
            } else if (bare.kind == BENCH_BARE_ANSWER) {
                take_release(crowd, party, &bare);
            } else {
                party->known = true;
            }
        }
    }
    return status;
}

// ---- connecting

static enum status open_party(struct crowd *crowd, size_t i, struct error *err)
{
    const struct bench_bare_load *load = crowd->load;
    struct party *party = &crowd->parties[i];
    party->number = (uint32_t)(crowd->first + i);
    const struct seal_identity *identity = crowd->asks
                                               ? &load->home->askers[party->number].identity
                                               : &load->home->holders[party->number].identity;
    const struct bus_socket_options options = {
        .kind = BUS_DEALER,
        .public_key = identity->curve_key,
        .secret_key = seal_secret_view(identity->curve_secret).data,
        .server_key = load->proxy->key,
        .send_hwm = BARE_HWM,
        .receive_hwm = BARE_HWM,
        .head_max_bytes = WIRE_HEAD_MAX_BYTES,
        .boxes_max_bytes = WIRE_BOXES_MAX_BYTES,
        .handshake_ms = HANDSHAKE_MS,
        .heartbeat_ms = HEARTBEAT_MS,
    };
    party->slot_count = load->pace.rate > 0 ? SLOTS_OPEN_LOOP : load->pace.window;
    party->slots = crowd->asks ? calloc(party->slot_count, sizeof(*party->slots)) : NULL;
    if (crowd->asks && party->slots == NULL) {
        return error_set(err, ST_NOMEM, "bench: no memory");
    }
    enum status status = bus_socket_open(load->context, &options, &party->socket, err);
    if (status == ST_OK) {
        status = bus_poller_add_socket(crowd->poller, party->socket, (unsigned)i, err);
    }
    if (status == ST_OK) {
        status = bus_socket_connect(party->socket, load->proxy->endpoint, err);
    }
    return status;
}

static enum status step_parties(struct crowd *crowd, uint64_t ready, struct error *err)
{
    enum status status = ST_OK;
    if ((ready >> BENCH_WAKE_TAG & 1) != 0) {
        bench_crew_woken(crowd->crew);
    }
    for (size_t i = 0; status == ST_OK && i < crowd->count; i++) {
        if ((ready >> i & 1) != 0) {
            status = take_messages(crowd, &crowd->parties[i], err);
        }
    }
    return status;
}

static enum status greet_all(struct crowd *crowd, struct error *err)
{
    for (size_t i = 0; i < crowd->count; i++) {
        struct party *party = &crowd->parties[i];
        enum status status = party->greeted ? ST_OK : greet(crowd, party, err);
        if (status != ST_OK && status != ST_BUSY) {
            return status;
        }
        party->greeted = status == ST_OK;
    }
    return ST_OK;
}

static bool all_known(const struct crowd *crowd)
{
    for (size_t i = 0; i < crowd->count; i++) {
        if (!crowd->parties[i].known) {
            return false;
        }
    }
    return true;
}

static enum status open_crowd(struct crowd *crowd, struct error *err)
{
    int64_t deadline_ms = clock_monotonic_ms() + CONNECT_MS;
    for (size_t i = 0; i < BARE_BATCH; i++) {
        bus_message_init(&crowd->messages[i]);
    }
    crowd->parties = calloc(crowd->count, sizeof(*crowd->parties));
    if (crowd->parties == NULL) {
        return error_set(err, ST_NOMEM, "bench: no memory");
    }
    enum status status = bus_poller_create(BENCH_CROWD + 1, &crowd->poller, err);
    if (status == ST_OK) {
        status = bus_poller_add_fd(crowd->poller, crowd->crew->wake, BENCH_WAKE_TAG, err);
    }
    for (size_t i = 0; status == ST_OK && i < crowd->count; i++) {
        status = open_party(crowd, i, err);
    }
    while (status == ST_OK && !all_known(crowd)) {
        uint64_t ready = 0;
        if (clock_monotonic_ms() >= deadline_ms) {
            return error_set(err, ST_TIMEOUT, "bench: the proxy does not answer");
        }
        status = greet_all(crowd, err);
        if (status == ST_OK) {
            status =
                bus_poller_wait(crowd->poller, clock_monotonic_ms() + GREET_EVERY_MS, &ready, err);
        }
        if (status == ST_OK) {
            status = step_parties(crowd, ready, err);
        }
    }
    return status;
}

static void close_crowd(struct crowd *crowd)
{
    for (size_t i = 0; crowd->parties != NULL && i < crowd->count; i++) {
        bus_socket_close(&crowd->parties[i].socket);
        free(crowd->parties[i].slots);
    }
    for (size_t i = 0; i < BARE_BATCH; i++) {
        bus_message_fini(&crowd->messages[i]);
    }
    free(crowd->parties);
    bus_poller_destroy(&crowd->poller);
}

// ---- a thread's turn

static void ask_more(struct crowd *crowd)
{
    struct error err;
    int64_t now_ns = clock_monotonic_ns();
    int64_t due_ns;
    if (crowd->crew->pace->rate == 0) {
        for (size_t i = 0; i < crowd->count; i++) {
            while (ask(crowd, &crowd->parties[i], now_ns, &err) == ST_OK) {
            }
        }
        return;
    }
    while (bench_crew_due(crowd->crew, now_ns, &due_ns)) {
        struct party *party = &crowd->parties[crowd->turn];
        crowd->turn = (crowd->turn + 1) % crowd->count;
        if (ask(crowd, party, due_ns, &err) != ST_OK) {
            crowd->crew->tally.late++;
        }
    }
}

static bool is_quiet(const struct crowd *crowd)
{
    for (size_t i = 0; i < crowd->count; i++) {
        if (crowd->parties[i].under_way > 0) {
            return false;
        }
    }
    return !atomic_load(&crowd->crew->pace->running);
}

static void run_crowd(struct thread *thread, void *argument)
{
    struct crowd *crowd = argument;
    struct error err = { 0 };
    enum status status = open_crowd(crowd, &err);
    thread_ready(thread, status, &err);
    while (status == ST_OK && !atomic_load(&crowd->crew->pace->ending)) {
        uint64_t ready = 0;
        int64_t deadline_ms = bench_crew_deadline_ms(crowd->crew, clock_monotonic_ms());
        status = bus_poller_wait(crowd->poller, deadline_ms, &ready, &err);
        if (status == ST_OK) {
            status = step_parties(crowd, ready, &err);
        }
        if (status == ST_OK && crowd->asks && atomic_load(&crowd->crew->pace->running)) {
            ask_more(crowd);
        }
        if (status != ST_OK) {
            bench_tally_wrong(&crowd->crew->tally, err.message);
        }
        bench_crew_rest(crowd->crew, status != ST_OK || is_quiet(crowd));
    }
    close_crowd(crowd);
    atomic_store(&crowd->crew->gone, true);
}

// ---- life

static enum status start_crowd(struct bench_bare_load *load, bool asks, size_t first,
                               struct error *err)
{
    size_t all = asks ? load->home->asker_count : load->home->holder_count;
    struct crowd *crowd = &load->crowds[load->crowd_count];
    struct bench_crew *crew = &load->crews[load->crowd_count];
    crowd->crew = crew;
    crowd->load = load;
    crowd->asks = asks;
    crowd->first = first;
    crowd->count = all - first < BENCH_CROWD ? all - first : BENCH_CROWD;
    load->crowd_count++;
    enum status status = bench_crew_init(crew, &load->pace, asks ? crowd->count : 0, err);
    return status == ST_OK ? thread_start(asks ? "bare-askers" : "bare-holders", run_crowd, crowd,
                                          &crew->thread, err)
                           : status;
}

enum status bench_bare_create(const struct bench_home *home, const struct bench_proxy *proxy,
                              struct bus_context *context, const struct bench_pace *pace,
                              struct bench_bare_load **load, struct error *err)
{
    size_t crowds = (home->asker_count + BENCH_CROWD - 1) / BENCH_CROWD +
                    (home->holder_count + BENCH_CROWD - 1) / BENCH_CROWD;
    struct bench_bare_load *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return error_set(err, ST_NOMEM, "bench: no memory");
    }
    made->home = home;
    made->proxy = proxy;
    made->context = context;
    made->pace = *pace;
    made->pace.askers = home->asker_count;
    made->crews = calloc(crowds, sizeof(*made->crews));
    made->crowds = calloc(crowds, sizeof(*made->crowds));
    enum status status = made->crews == NULL || made->crowds == NULL
                             ? error_set(err, ST_NOMEM, "bench: no memory")
                             : ST_OK;
    for (size_t i = 0; status == ST_OK && i < home->holder_count; i += BENCH_CROWD) {
        status = start_crowd(made, false, i, err);
    }
    for (size_t i = 0; status == ST_OK && i < home->asker_count; i += BENCH_CROWD) {
        status = start_crowd(made, true, i, err);
    }
    if (status != ST_OK) {
        bench_bare_destroy(&made);
        return status;
    }
    *load = made;
    return ST_OK;
}

void bench_bare_destroy(struct bench_bare_load **load)
{
    struct bench_bare_load *old = *load;
    if (old == NULL) {
        return;
    }
    bench_pace_end(&old->pace, old->crews, old->crowd_count);
    for (size_t i = 0; i < old->crowd_count; i++) {
        bench_crew_fini(&old->crews[i]);
    }
    free(old->crews);
    free(old->crowds);
    free(old);
    *load = NULL;
}

void bench_bare_set_legs(struct bench_bare_load *load, const struct bench_legs *legs)
{
    load->legs = *legs;
}

void bench_bare_start(struct bench_bare_load *load)
{
    bench_pace_start(&load->pace, load->crews, load->crowd_count);
}

void bench_bare_stop(struct bench_bare_load *load)
{
    bench_pace_stop(&load->pace, load->crews, load->crowd_count);
}

bool bench_bare_quiet(const struct bench_bare_load *load)
{
    return bench_pace_quiet(&load->pace, load->crews, load->crowd_count);
}

void bench_bare_collect(struct bench_bare_load *load, struct bench_tally *tally)
{
    bench_pace_collect(load->crews, load->crowd_count, tally);
}
