// The asking side. A request's slot stands in the last two bytes of its id, so that an answer finds
// it without a search; the byte before marks what is checked whole.
#include "bench_party.h"
#include "receipts.h"
#include "bench_fill.h"
#include "bench_request.h"

#include "base/text.h"
#include "node/open.h"
#include "seal/exchange.h"
#include "seal/random.h"
#include "seal/secret.h"

#include <stdio.h>

enum {
    MARK_AT = 13, // of the id
    SLOT_AT = 14,
    LOST_S = 40, // without any answer: lost
    PAUSE_MAX_MS = 1000,
    NS_OF_S = 1000 * 1000 * 1000,
};

bool bench_is_checked(const struct id *id)
{
    return id->bytes[MARK_AT] == 1;
}

void bench_value(const struct bench_home *home, struct bytes subject, size_t field,
                 char text[BENCH_VALUE_MAX])
{
    int size = snprintf(text, home->value_bytes, "field %zu of %.*s, ", field, (int)subject.size,
                        (const char *)subject.data);
    size_t written =
        size > 0 && (size_t)size < home->value_bytes ? (size_t)size : home->value_bytes - 1;
    memset(text + written, '.', home->value_bytes - written);
}

static uint64_t draw(struct bench_table *bench)
{
    bench->chance ^= bench->chance << 13;
    bench->chance ^= bench->chance >> 7;
    bench->chance ^= bench->chance << 17;
    return bench->chance;
}

// ---- asking

static struct bench_slot *free_slot(struct bench_party *asker)
{
    static const struct id none;
    for (size_t i = 0; asker->flow.under_way < asker->slot_count && i < asker->slot_count; i++) {
        struct bench_slot *slot = &asker->slots[asker->next_slot];
        asker->next_slot = (asker->next_slot + 1) % asker->slot_count;
        if (id_equal(&slot->id, &none)) {
            return slot;
        }
    }
    return NULL;
}

static void let_go(struct bench_party *asker, struct bench_slot *slot)
{
    slot->id = (struct id){ 0 };
    buffer_clear(&slot->payload);
    asker->flow.under_way--;
}

static struct id make_id(const struct bench_party *asker, const struct bench_slot *slot,
                         int64_t wall_ms, bool checked)
{
    uint8_t random[ID_BYTES];
    size_t place = (size_t)(slot - asker->slots);
    seal_random(random, sizeof(random));
    random[MARK_AT] = checked ? 1 : 0;
    random[SLOT_AT] = (uint8_t)(place >> 8);
    random[SLOT_AT + 1] = (uint8_t)place;
    return id_make(wall_ms, random);
}

static enum status pack_request(struct bench_party *asker, const struct id *id, int64_t wall_ms,
                                const struct bench_known *holder, struct error *err)
{
    struct bench_table *bench = asker->bench;
    const struct bench_home *home = bench->home;
    struct id consent;
    uint64_t subjects = bench_load_options(bench->load)->subjects;
    uint64_t person = draw(bench) % subjects;
    if (home->consents > 0) {
        // Each asker has its own persons: every so manyth of those with a consent.
        uint64_t persons = home->consents < subjects ? home->consents : subjects;
        uint64_t own = persons / home->asker_count;
        person = draw(bench) % own * home->asker_count + asker->number;
        consent = bench_consent_id(person);
    }
    const struct bench_wanted wanted = {
        .home = home,
        .id = *id,
        .wall_ms = wall_ms,
        .asker = asker->member->code,
        .holder = holder->member->code,
        .asker_announcement = bench_load_asker(bench->load, asker->number)->announcement.hash,
        .holder_announcement = holder->announcement.hash,
        .person = person,
        .consent = home->consents > 0 ? &consent : NULL,
    };
    return bench_request_pack(&wanted, &bench->payload, err);
}

enum status bench_ask(struct bench_party *asker, int64_t begun_ns, struct error *err)
{
    struct bench_table *bench = asker->bench;
    const struct bench_load_options *options = bench_load_options(bench->load);
    struct bench_slot *slot = free_slot(asker);
    if (slot == NULL) {
        return error_set(err, ST_BUSY, "bench: the window is full");
    }
    int64_t wall_ms = clock_wall_ms();
    bool checked = bench->asked % options->sample == 0;
    size_t number = (size_t)(draw(bench) % bench->home->holder_count);
    const struct bench_known *holder = bench_load_holder(bench->load, number);
    struct id id = make_id(asker, slot, wall_ms, checked);
    enum status status = pack_request(asker, &id, wall_ms, holder, err);
    if (status == ST_OK) {
        status = peer_send(asker->peer, WIRE_REQUEST, &id, buffer_view(&bench->payload),
                           (struct bytes){ 0 }, err);
    }
    if (status != ST_OK) {
        return status;
    }
    if (checked) {
        buffer_bytes(&slot->payload, buffer_view(&bench->payload));
    }
    slot->id = id;
    slot->begun_ns = begun_ns;
    slot->holder = number;
    bench->asked++;
    asker->flow.under_way++;
    return ST_OK;
}

// ---- checking

static enum status check_values(const struct bench_home *home, const struct node_sent *sent,
                                const struct node_opened *opened, struct error *err)
{
    if (!opened->released || opened->field_count != home->field_count) {
        return error_set(err, ST_UNPROVEN, "released are other fields than were asked for");
    }
    for (size_t i = 0; i < opened->field_count; i++) {
        const struct node_opened_field *field = &opened->fields[i];
        char expected[BENCH_VALUE_MAX];
        bench_value(home, sent->request.subject, i, expected);
        if (!field->delivered || field->fault != NODE_FAULT_NONE ||
            !bytes_equal(field->value, bytes_of(expected, home->value_bytes))) {
            return error_set(err, ST_UNPROVEN, "field %zu has not the register's value", i);
        }
    }
    return ST_OK;
}

static enum status check_release(struct bench_party *asker, const struct bench_slot *slot,
                                 const struct wire_release *release, struct bytes boxes,
                                 struct error *err)
{
    struct bench_table *bench = asker->bench;
    const struct bench_known *self = bench_load_asker(bench->load, asker->number);
    const struct bench_known *holder = bench_load_holder(bench->load, slot->holder);
    struct node_sent sent = {
        .id = slot->id,
        .hash = seal_request_hash(buffer_view(&slot->payload)),
        .own_key = asker->member->identity.sign_key,
        .holder_key = holder->member->identity.sign_key,
    };
    const struct node_open_setting setting = { .trust = &bench->trust,
                                               .cache = bench->roots,
                                               .catalogue = bench->home->catalogue,
                                               .arena = bench->arena };
    struct node_opened *opened = arena_take(bench->arena, sizeof(*opened));
    enum node_fault fault = NODE_FAULT_NONE;
    if (opened == NULL) {
        return error_set(err, ST_NOMEM, "bench: no memory");
    }
    enum status status = wire_decode(WIRE_SCHEMA_REQUEST, buffer_view(&slot->payload), bench->arena,
                                     &sent.request, err);
    if (status == ST_OK) {
        status = node_keys_pair(asker->keys, &self->announcement.hash, &holder->announcement, true,
                                (uint64_t)clock_wall_ms(), &sent.pair, err);
    }
    if (status == ST_OK) {
        status = node_release_open(&setting, &sent, release, boxes, opened, &fault, err);
    }
    seal_wipe(&sent.pair, sizeof(sent.pair));
    return status == ST_OK ? check_values(bench->home, &sent, opened, err) : status;
}

static void check_whole(struct bench_party *asker, const struct bench_slot *slot,
                        const struct peer_message *message)
{
    struct bench_table *bench = asker->bench;
    struct error err = { 0 };
    struct wire_release release;
    arena_reset(bench->arena);
    enum status status =
        wire_decode(WIRE_SCHEMA_RELEASE, message->payload, bench->arena, &release, &err);
    if (status == ST_OK) {
        bench_table_keep(bench, message->payload);
        bench->releases++;
        bench->answer_bytes += release.answer.size;
        bench->release_bytes += message->payload.size;
        bench->boxes_bytes += message->boxes.size;
        status = check_release(asker, slot, &release, message->boxes, &err);
    }
    if (status == ST_OK) {
        status = receipts_append(
            bench_load_options(bench->load)->receipts,
            (const struct wire_receipt *[]){ release.decision, release.release }, 2, &err);
    }
    if (status == ST_OK) {
        bench->crew->tally.verified++;
    } else {
        bench_tally_wrong(&bench->crew->tally, err.message);
    }
}

// ---- what comes in

static struct bench_slot *find_slot(struct bench_party *asker, const struct id *id)
{
    size_t place = (size_t)id->bytes[SLOT_AT] << 8 | id->bytes[SLOT_AT + 1];
    return place < asker->slot_count && id_equal(&asker->slots[place].id, id) ? &asker->slots[place]
                                                                              : NULL;
}

static void take_release(struct bench_party *asker, struct bench_slot *slot,
                         const struct peer_message *message)
{
    struct bench_crew *crew = asker->bench->crew;
    int64_t took_ns = clock_monotonic_ns() - slot->begun_ns;
    peer_flow_took(&asker->flow, took_ns / 1000);
    bench_tally_latency(&crew->tally, took_ns);
    crew->tally.released++;
    crew->tally.in_time += atomic_load(&crew->pace->running) ? 1 : 0;
    if (bench_is_checked(&slot->id)) {
        check_whole(asker, slot, message);
    }
    peer_acknowledge(asker->peer, &slot->id, NULL);
}

static void take_refusal(struct bench_party *asker, const struct peer_message *message)
{
    struct bench_table *bench = asker->bench;
    struct error err;
    struct wire_refusal refusal;
    struct wire_busy busy;
    arena_reset(bench->arena);
    if (message->type == WIRE_BUSY &&
        wire_decode(WIRE_SCHEMA_BUSY, message->payload, bench->arena, &busy, &err) == ST_OK) {
        uint32_t wait_ms = busy.retry_after_ms;
        asker->pause_ms =
            clock_monotonic_ms() + (wait_ms < PAUSE_MAX_MS ? wait_ms : (uint32_t)PAUSE_MAX_MS);
        bench_tally_refused(&bench->crew->tally, busy.reason);
    } else if (message->type == WIRE_REFUSAL &&
               wire_decode(WIRE_SCHEMA_REFUSAL, message->payload, bench->arena, &refusal, &err) ==
                   ST_OK) {
        bench_tally_refused(&bench->crew->tally, refusal.reason);
    } else {
        bench_tally_wrong(&bench->crew->tally, "a refusal that does not decode");
    }
}

void bench_asker_handle(void *party, const struct peer_message *message)
{
    struct bench_party *asker = party;
    bool refused = message->type == WIRE_REFUSAL || message->type == WIRE_BUSY;
    if (message->type != WIRE_RELEASE && !refused) {
        return;
    }
    struct bench_slot *slot = find_slot(asker, &message->ref);
    if (refused) {
        take_refusal(asker, message);
    } else if (slot != NULL) {
        take_release(asker, slot, message);
    } else {
        bench_tally_wrong(&asker->bench->crew->tally, "a release that nobody waits for");
    }
    if (slot != NULL) {
        let_go(asker, slot);
    }
}

void bench_asker_expire(struct bench_party *asker, int64_t now_ns)
{
    static const struct id none;
    for (size_t i = 0; asker->flow.under_way > 0 && i < asker->slot_count; i++) {
        struct bench_slot *slot = &asker->slots[i];
        if (!id_equal(&slot->id, &none) && now_ns - slot->begun_ns > (int64_t)LOST_S * NS_OF_S) {
            asker->bench->crew->tally.lost++;
            let_go(asker, slot);
        }
    }
}
