// The asker of 'bench withdraw'.
#include "bench_probe.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/text.h"
#include "node/keys.h"
#include "seal/batch.h"
#include "seal/random.h"

enum { PAUSE_MAX_MS = 1000, KEPT_BYTES = 32 << 20 };

static const struct id none;

static void wrong(struct bench_probe *probe, const char *why)
{
    if (probe->wrong++ == 0) {
        snprintf(probe->first_wrong, sizeof(probe->first_wrong), "%.150s", why);
    }
}

enum status bench_probe_open(struct bench_probe *probe, const struct bench_home *home,
                             const struct bench_load *load, struct bus_context *context,
                             const struct bench_member *member, size_t window, struct error *err)
{
    const struct registry_pins registrar = { .keys = { home->registrar.sign_key },
                                             .count = 1,
                                             .threshold = 1 };
    const struct registry_pins policy = { .keys = { home->policy.sign_key },
                                          .count = 1,
                                          .threshold = 1 };
    bool renewed;
    *probe = (struct bench_probe){ .home = home,
                                   .load = load,
                                   .member = member,
                                   .window = window,
                                   .arena = arena_create(WIRE_ARENA_BYTES * 2),
                                   .kept_arena = arena_create(KEPT_BYTES),
                                   .payload = buffer_init(WIRE_HEAD_MAX_BYTES) };
    enum status status =
        probe->arena == NULL || probe->kept_arena == NULL
            ? error_set(err, ST_NOMEM, "bench: no memory")
            : node_trust_init(&probe->trust, bytes_text(home->vkey), &registrar, &policy, err);
    if (status == ST_OK) {
        status = node_keys_create(member->code, member->identity.node, &probe->trust.audience,
                                  &probe->keys, err);
    }
    if (status == ST_OK) {
        status = node_keys_turn(probe->keys, (uint64_t)clock_wall_ms(), &renewed, err);
    }
    return status == ST_OK
               ? bench_home_peer(home, context, &member->identity, NULL, &probe->peer, err)
               : status;
}

void bench_probe_close(struct bench_probe *probe)
{
    peer_destroy(&probe->peer);
    node_keys_destroy(&probe->keys);
    arena_destroy(&probe->arena);
    arena_destroy(&probe->kept_arena);
    buffer_fini(&probe->payload);
}

void bench_probe_begin(struct bench_probe *probe, const struct bench_consent *consent)
{
    probe->consent = consent;
    probe->asking = true;
    probe->released_count = 0;
    probe->refused_after = 0;
    probe->newest_release = 0;
    probe->acknowledged = false;
    probe->first_refusal_ns = 0;
}

// ---- asking

static enum status ask_once(struct bench_probe *probe, struct bench_probe_slot *slot,
                            struct error *err)
{
    size_t holder = (size_t)(probe->turn % probe->home->holder_count);
    struct id random = seal_random_id();
    int64_t wall_ms = clock_wall_ms();
    random.bytes[ID_BYTES - 3] = 0; // the load's holders check whole what is marked here
    struct bench_wanted wanted = {
        .home = probe->home,
        .id = id_make(wall_ms, random.bytes),
        .wall_ms = wall_ms,
        .asker = probe->member->code,
        .holder = probe->home->holders[holder].code,
        .holder_announcement = *bench_load_holder_hash(probe->load, holder),
        .person = probe->consent->person,
        .consent = &probe->consent->id,
    };
    (void)node_keys_announcement(probe->keys, &wanted.asker_announcement);
    enum status status = bench_request_pack(&wanted, &probe->payload, err);
    if (status == ST_OK) {
        status = peer_send(probe->peer, WIRE_REQUEST, &wanted.id, buffer_view(&probe->payload),
                           (struct bytes){ 0 }, err);
    }
    if (status == ST_OK) {
        *slot = (struct bench_probe_slot){ .id = wanted.id, .after = probe->acknowledged };
        probe->under_way++;
        probe->turn++;
    }
    return status;
}

enum status bench_probe_ask(struct bench_probe *probe, struct error *err)
{
    enum status status = ST_OK;
    if (!probe->asking || clock_monotonic_ms() < probe->pause_ms ||
        peer_state(probe->peer) != PEER_READY) {
        return ST_OK;
    }
    for (size_t i = 0; status == ST_OK && i < probe->window; i++) {
        if (id_equal(&probe->slots[i].id, &none)) {
            status = ask_once(probe, &probe->slots[i], err);
        }
    }
    return status == ST_OK || status == ST_BUSY ? peer_flush(probe->peer, err) : status;
}

// ---- judging

static void keep_release(struct bench_probe *probe, const struct bench_probe_slot *slot,
                         const struct peer_message *message)
{
    struct bytes payload = arena_copy(probe->kept_arena, message->payload);
    probe->released++;
    probe->released_count++;
    if (payload.data == NULL || probe->kept_count == BENCH_KEPT_MAX) {
        wrong(probe, "more releases than can be kept");
        return;
    }
    probe->kept[probe->kept_count++] =
        (struct bench_probe_kept){ .payload = payload,
                                   .slot = *slot,
                                   .acknowledged = probe->acknowledged,
                                   .after_refusal = probe->first_refusal_ns != 0 };
}

static void judge_release(struct bench_probe *probe, const struct bench_probe_kept *kept)
{
    struct error err = { 0 };
    struct wire_release release;
    struct wire_exchange_part part;
    struct proof_proven proven;
    arena_reset(probe->arena);
    enum status status =
        wire_decode(WIRE_SCHEMA_RELEASE, kept->payload, probe->arena, &release, &err);
    if (status == ST_OK) {
        status = node_trust_exchange(&probe->trust, release.release, "the release", probe->arena,
                                     &part, &proven, &err);
    }
    if (status != ST_OK) {
        wrong(probe, err.message);
        return;
    }
    if (release.release->index > probe->newest_release) {
        probe->newest_release = release.release->index;
    }
    if (kept->slot.after) {
        wrong(probe, "a request set off after the withdrawal was released");
    } else if (probe->acknowledged && release.release->index > probe->withdrawal) {
        wrong(probe, "a release stands behind the withdrawal in the log");
    } else if (kept->after_refusal) {
        wrong(probe, "a release was sent after a refusal");
    } else if (kept->acknowledged) {
        probe->crossed++;
    }
}

bool bench_probe_is_full(const struct bench_probe *probe)
{
    return probe->kept_count + probe->window > BENCH_KEPT_MAX;
}

void bench_probe_judge(struct bench_probe *probe)
{
    for (size_t i = 0; i < probe->kept_count; i++) {
        judge_release(probe, &probe->kept[i]);
    }
    probe->kept_count = 0;
    arena_reset(probe->kept_arena);
}

static void judge_refusal(struct bench_probe *probe, const struct bench_probe_slot *slot,
                          const struct peer_message *message)
{
    struct error err = { 0 };
    struct wire_refusal refusal;
    int64_t now_ns = clock_monotonic_ns();
    arena_reset(probe->arena);
    if (wire_decode(WIRE_SCHEMA_REFUSAL, message->payload, probe->arena, &refusal, &err) != ST_OK) {
        wrong(probe, err.message);
        return;
    }
    // What a withdrawal looks like to an asker: as if there were no consent.
    if (!bytes_equal_text(refusal.reason, "no-consent")) {
        char why[128];
        snprintf(why, sizeof(why), "refused for another reason: %.*s",
                 (int)(refusal.reason.size < 64 ? refusal.reason.size : 64),
                 (const char *)refusal.reason.data);
        wrong(probe, why);
        return;
    }
    probe->refused++;
    probe->refused_after += slot->after ? 1 : 0;
    if (probe->first_refusal_ns == 0) {
        probe->first_refusal_ns = now_ns;
    }
}

static void take_busy(struct bench_probe *probe, const struct peer_message *message)
{
    struct error err;
    struct wire_busy busy;
    uint32_t wait_ms = PAUSE_MAX_MS;
    arena_reset(probe->arena);
    if (wire_decode(WIRE_SCHEMA_BUSY, message->payload, probe->arena, &busy, &err) == ST_OK &&
        busy.retry_after_ms < PAUSE_MAX_MS) {
        wait_ms = busy.retry_after_ms;
    }
    probe->busy++;
    probe->pause_ms = clock_monotonic_ms() + wait_ms;
}

void bench_probe_handle(void *argument, const struct peer_message *message)
{
    struct bench_probe *probe = argument;
    struct bench_probe_slot *slot = NULL;
    if (message->type != WIRE_RELEASE && message->type != WIRE_REFUSAL &&
        message->type != WIRE_BUSY) {
        return;
    }
    for (size_t i = 0; slot == NULL && i < probe->window; i++) {
        slot = id_equal(&probe->slots[i].id, &message->ref) ? &probe->slots[i] : NULL;
    }
    if (slot == NULL) {
        wrong(probe, "an answer to a question that nobody asked");
        return;
    }
    if (message->type == WIRE_RELEASE) {
        keep_release(probe, slot, message);
    } else if (message->type == WIRE_REFUSAL) {
        judge_refusal(probe, slot, message);
    } else {
        take_busy(probe, message);
    }
    *slot = (struct bench_probe_slot){ .after = false };
    probe->under_way--;
}

void bench_probe_acknowledged(struct bench_probe *probe, uint64_t index)
{
    probe->acknowledged = true;
    probe->withdrawal = index;
    if (probe->newest_release > index) {
        wrong(probe, "a release stands behind the withdrawal in the log");
    }
}
