// The holding side. An exchange that is checked whole is checked and sealed here as a node does it;
// the others get boxes that were made ahead, under a hash that fits them.
#include "bench_party.h"

#include "base/clock.h"
#include "node/answer.h"
#include "seal/exchange.h"
#include "seal/hash.h"
#include "seal/random.h"
#include "seal/secret.h"

static void wrong(struct bench_party *holder, const char *why)
{
    bench_tally_wrong(&holder->bench->crew->tally, why);
}

// ---- checked and sealed

static enum status check_ask(struct bench_party *holder, const struct node_asked *asked,
                             const struct bench_known *asker, struct node_grant *grant,
                             struct error *err)
{
    struct bench_table *bench = holder->bench;
    struct node_partner partner = { .announcement = asker->announcement };
    uint64_t now_ms = (uint64_t)clock_wall_ms();
    partner.card.batch_key = asker->member->identity.sign_key;
    partner.card.not_after = now_ms + 1;
    memcpy(partner.card.member, asker->announcement.member, sizeof(partner.card.member));
    const struct node_ask_setting setting = { .trust = &bench->trust,
                                              .cache = bench->roots,
                                              .catalogue = bench->home->catalogue,
                                              .partner = &partner,
                                              .member = holder->member->code,
                                              .now_ms = now_ms,
                                              .arena = bench->arena };
    return node_ask_check(&setting, asked, grant, err);
}

static enum status seal_answer(struct bench_party *holder, const struct node_asked *asked,
                               const struct node_grant *grant, const struct digest *pair,
                               struct error *err)
{
    struct bench_table *bench = holder->bench;
    const struct bench_home *home = bench->home;
    struct node_found found[BENCH_FIELDS_MAX];
    char *values = arena_take(bench->arena, home->field_count * BENCH_VALUE_MAX);
    struct node_match match = { 0 };
    if (values == NULL || grant->field_count != home->field_count) {
        return error_set(err, ST_UNPROVEN, "granted are other fields than were asked for");
    }
    for (size_t i = 0; i < home->field_count; i++) {
        size_t place = grant->fields[i].index;
        struct bytes value = bytes_of(values + i * BENCH_VALUE_MAX, home->value_bytes);
        if (bench->reg != NULL) {
            value = bench->row.values[place].text;
        } else {
            bench_value(home, asked->request.subject, place, values + i * BENCH_VALUE_MAX);
        }
        found[i] = (struct node_found){ .status = CATALOGUE_VALUE_PRESENT, .value = value };
    }
    const struct node_answer_setting setting = { .pair = pair,
                                                 .match = &match,
                                                 .source = bytes_text("register"),
                                                 .now_ms = (uint64_t)clock_wall_ms() };
    return node_answer_build(asked, grant, found, &setting, &bench->payload, &bench->boxes, err);
}

static enum status answer_whole(struct bench_party *holder, const struct node_asked *asked,
                                struct error *err)
{
    struct bench_table *bench = holder->bench;
    const struct bench_known *self = bench_load_holder(bench->load, holder->number);
    size_t number = bench_load_asker_by_hash(bench->load, &asked->request.asker_announcement);
    struct digest pair;
    if (number == SIZE_MAX) {
        return error_set(err, ST_UNPROVEN, "asked by nobody of this benchmark");
    }
    const struct bench_known *asker = bench_load_asker(bench->load, number);
    struct node_grant *grant = arena_take(bench->arena, sizeof(*grant));
    if (grant == NULL) {
        return error_set(err, ST_NOMEM, "bench: no memory");
    }
    enum status status = check_ask(holder, asked, asker, grant, err);
    if (status == ST_OK) {
        status = node_keys_pair(holder->keys, &self->announcement.hash, &asker->announcement, false,
                                (uint64_t)clock_wall_ms(), &pair, err);
    }
    if (status == ST_OK) {
        status = seal_answer(holder, asked, grant, &pair, err);
        seal_wipe(&pair, sizeof(pair));
    }
    return status;
}

// ---- made ahead

static enum status answer_prepared(struct bench_party *holder, const struct node_asked *asked,
                                   struct error *err)
{
    struct bench_table *bench = holder->bench;
    const struct bench_prepared *prepared = bench->prepared;
    struct wire_answer_field fields[BENCH_FIELDS_MAX];
    for (size_t i = 0; i < bench->home->field_count; i++) {
        fields[i] = (struct wire_answer_field){ .index = (uint32_t)i,
                                                .name = asked->request.fields[i].name,
                                                .form = asked->request.fields[i].form,
                                                .box_hash = prepared->hashes[i],
                                                .box_length = prepared->box_bytes,
                                                .commitment = prepared->commitments[i] };
    }
    struct wire_answer answer = {
        .version = 1,
        .id = asked->request.id,
        .request_hash = asked->hash,
        .decision_leaf = seal_leaf_hash(asked->ask.decision->extra->leaf),
        .asker_announcement = asked->request.asker_announcement,
        .holder_announcement = asked->request.holder_announcement,
        .answer_nonce = seal_random_digest(),
        .answered_at = (uint64_t)clock_wall_ms(),
        .fields = fields,
        .fields_count = bench->home->field_count,
    };
    buffer_bytes(&bench->boxes, buffer_view(&prepared->boxes));
    return wire_encode(WIRE_SCHEMA_ANSWER, &answer, &bench->payload, err);
}

enum status bench_prepare(struct bench_prepared *prepared, const struct bench_home *home,
                          struct error *err)
{
    const struct catalogue_dataset *dataset =
        catalogue_dataset(home->catalogue, bytes_text("bench.record"));
    const struct catalogue_field *field =
        dataset == NULL ? NULL : catalogue_field(dataset, bytes_text("field_0"));
    if (field == NULL) {
        return error_set(err, ST_CORRUPT, "bench: its own dataset is not in the catalogue");
    }
    const struct catalogue_form full = { .kind = CATALOGUE_FORM_FULL };
    prepared->box_bytes = catalogue_box_bytes(field, full) + SEAL_TAG_BYTES;
    prepared->boxes = buffer_init(WIRE_BOXES_MAX_BYTES);
    if (prepared->box_bytes * home->field_count > WIRE_BOXES_MAX_BYTES) {
        return error_set(err, ST_USAGE, "--fields, --value-bytes: an answer has room for %d bytes",
                         WIRE_BOXES_MAX_BYTES);
    }
    for (size_t i = 0; i < home->field_count; i++) {
        uint8_t *box = buffer_reserve(&prepared->boxes, prepared->box_bytes);
        if (box == NULL) {
            return error_set(err, ST_NOMEM, "bench: no memory");
        }
        seal_random(box, prepared->box_bytes);
        prepared->hashes[i] = seal_sha256(bytes_of(box, prepared->box_bytes));
        prepared->commitments[i] = seal_random_digest();
    }
    return ST_OK;
}

// ---- the register

// Whatever goes out, the person was looked up.
static enum status look_up(struct bench_party *holder, const struct node_asked *asked,
                           struct error *err)
{
    enum { LOOK_MS = 1000 };
    struct bench_table *bench = holder->bench;
    if (bench->reg == NULL) {
        return ST_OK;
    }
    size_t fields = bench->home->field_count;
    uint64_t wanted = fields == 64 ? UINT64_MAX : (UINT64_C(1) << fields) - 1;
    enum status status = sql_register_read(bench->reg, asked->request.subject, wanted,
                                           clock_monotonic_ms() + LOOK_MS, &bench->row, err);
    return status == ST_OK && bench->row.found != SQL_FOUND_ONE
               ? error_set(err, ST_NOT_FOUND, "the register has not this person")
               : status;
}

// ---- what comes in

void bench_holder_handle(void *party, const struct peer_message *message)
{
    struct bench_party *holder = party;
    struct bench_table *bench = holder->bench;
    struct error err = { 0 };
    if (message->type != WIRE_ASK) {
        if (message->type == WIRE_REFUSAL || message->type == WIRE_BUSY) {
            wrong(holder, "the broker refused something of a holder's");
        }
        return;
    }
    arena_reset(bench->arena);
    buffer_clear(&bench->payload);
    buffer_clear(&bench->boxes);
    struct node_asked *asked = arena_take(bench->arena, sizeof(*asked));
    enum status status = asked == NULL ? error_set(&err, ST_NOMEM, "bench: no memory")
                                       : node_ask_read(message->payload, bench->arena, asked, &err);
    if (status == ST_OK) {
        bench_table_keep(bench, message->payload);
        bench->asks++;
        bench->ask_bytes += message->payload.size;
        bench->request_bytes += asked->ask.request.size;
        holder->flow.told = asked->ask.under_way;
        status = look_up(holder, asked, &err);
    }
    if (status == ST_OK) {
        status = bench_is_checked(&asked->request.id) ? answer_whole(holder, asked, &err)
                                                      : answer_prepared(holder, asked, &err);
    }
    if (status == ST_OK) {
        status = peer_send(holder->peer, WIRE_ANSWER, &asked->request.id,
                           buffer_view(&bench->payload), buffer_view(&bench->boxes), &err);
    }
    if (status != ST_OK) {
        wrong(holder, err.message);
    }
}
