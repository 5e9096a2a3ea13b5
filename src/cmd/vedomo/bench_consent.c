// Consents through the broker's own door: nothing is written past it.
#include "bench_consent.h"

#include "base/clock.h"
#include "base/text.h"
#include "catalogue/catalogue.h"
#include "consent/artefact.h"
#include "seal/hash.h"
#include "seal/random.h"

enum { CALL_MS = 30 * 1000 };

static const uint64_t days_ms = (uint64_t)BENCH_CONSENT_DAYS * 24 * 60 * 60 * 1000;

enum status bench_desk_open(const struct bench_home *home, struct bus_context *context,
                            struct bench_desk *desk, struct error *err)
{
    *desk = (struct bench_desk){ .home = home,
                                 .arena = arena_create(WIRE_ARENA_BYTES),
                                 .payload = buffer_init(WIRE_HEAD_MAX_BYTES),
                                 .artefact = buffer_init(WIRE_HEAD_MAX_BYTES) };
    enum status status = desk->arena == NULL
                             ? error_set(err, ST_NOMEM, "bench: no memory")
                             : bench_home_peer(home, context, &home->desk, NULL, &desk->desk, err);
    if (status == ST_OK) {
        status = bench_home_peer(home, context, &home->portal, NULL, &desk->portal, err);
    }
    return status;
}

void bench_desk_close(struct bench_desk *desk)
{
    peer_destroy(&desk->desk);
    peer_destroy(&desk->portal);
    arena_destroy(&desk->arena);
    buffer_fini(&desk->payload);
    buffer_fini(&desk->artefact);
}

static enum status call(struct bench_desk *desk, struct peer *peer, enum wire_type type,
                        enum wire_schema schema, const void *message, struct wire_result *result,
                        struct error *err)
{
    struct bytes body;
    buffer_clear(&desk->payload);
    enum status status = wire_encode(schema, message, &desk->payload, err);
    return status == ST_OK
               ? peer_call(peer, type, buffer_view(&desk->payload), (struct bytes){ 0 },
                           clock_monotonic_ms() + CALL_MS, desk->arena, result, &body, err)
               : status;
}

static enum status open_session(struct bench_desk *desk, struct bench_consent *consent,
                                struct error *err)
{
    char subject[BENCH_SUBJECT_BYTES];
    struct wire_result result = { .version = 1 };
    bench_subject(consent->person, subject);
    const struct wire_session make = { .version = 1,
                                       .action = WIRE_SESSION_MAKE_CODE,
                                       .subject_scheme = bytes_text(BENCH_SCHEME),
                                       .subject = bytes_text(subject) };
    struct wire_session open = { .version = 1,
                                 .action = WIRE_SESSION_OPEN,
                                 .clerk = bytes_text("bench-clerk") };
    enum status status =
        call(desk, desk->portal, WIRE_SESSION, WIRE_SCHEMA_SESSION, &make, &result, err);
    if (status == ST_OK && result.value.size == ID_BYTES) {
        memcpy(open.code.bytes, result.value.data, ID_BYTES);
        status = call(desk, desk->desk, WIRE_SESSION, WIRE_SCHEMA_SESSION, &open, &result, err);
    }
    if (status == ST_OK && result.value.size != DIGEST_BYTES) {
        return error_set(err, ST_MALFORMED, "bench: a session without a handle");
    }
    if (status == ST_OK) {
        memcpy(consent->session.bytes, result.value.data, DIGEST_BYTES);
    }
    return status;
}

// Packs the revision after the current one, and the change that brings it.
static enum status pack_change(struct bench_desk *desk, const struct bench_consent *consent,
                               enum consent_action action, enum consent_state state,
                               struct error *err)
{
    struct wire_field_ask fields[BENCH_FIELDS_MAX];
    bench_request_fields(desk->home, fields);
    const struct wire_artefact artefact = {
        .version = 1,
        .id = consent->id,
        .revision = consent->revision + 1,
        .previous = consent->hash,
        .asker = bytes_text(consent->asker),
        .dataset = bytes_text(BENCH_DATASET),
        .fields = fields,
        .fields_count = desk->home->field_count,
        .purpose = bytes_text(BENCH_CONSENT_PURPOSE),
        .not_before = consent->begun_ms,
        .not_after = consent->begun_ms + days_ms,
        .uses = BENCH_CONSENT_USES,
        .notice_hash = desk->home->bundle_hash, // there is no sentence to show here
        .language = bytes_text("en"),
        .state = (uint32_t)state,
        .collected_at = (uint64_t)clock_wall_ms(),
        .bundle_hash = desk->home->bundle_hash,
    };
    buffer_clear(&desk->artefact);
    enum status status = wire_encode(WIRE_SCHEMA_ARTEFACT, &artefact, &desk->artefact, err);
    if (status == ST_OK) {
        const struct wire_consent_change change = { .version = 1,
                                                    .action = (uint32_t)action,
                                                    .artefact = buffer_view(&desk->artefact),
                                                    .session = consent->session,
                                                    .clerk = bytes_text("bench-clerk") };
        buffer_clear(&desk->payload);
        status = wire_encode(WIRE_SCHEMA_CONSENT_CHANGE, &change, &desk->payload, err);
    }
    return status;
}

enum status bench_consent_grant(struct bench_desk *desk, const char *asker, uint64_t person,
                                struct bench_consent *consent, struct error *err)
{
    struct id random = seal_random_id();
    struct wire_result result;
    struct bytes body;
    uint64_t now_ms = (uint64_t)clock_wall_ms();
    *consent = (struct bench_consent){ .id = id_make((int64_t)now_ms, random.bytes),
                                       .asker = asker,
                                       .person = person,
                                       .begun_ms = now_ms };
    arena_reset(desk->arena);
    enum status status = open_session(desk, consent, err);
    if (status == ST_OK) {
        status = pack_change(desk, consent, CONSENT_GRANT, CONSENT_ACTIVE, err);
    }
    if (status == ST_OK) {
        status = peer_call(desk->desk, WIRE_CONSENT_CHANGE, buffer_view(&desk->payload),
                           (struct bytes){ 0 }, clock_monotonic_ms() + CALL_MS, desk->arena,
                           &result, &body, err);
    }
    if (status == ST_OK) {
        consent->revision = 1;
        consent->hash = seal_sha256(buffer_view(&desk->artefact));
    } else {
        error_wrap(err, "bench: a consent");
    }
    return status;
}

enum status bench_consent_withdraw(struct bench_desk *desk, const struct bench_consent *consent,
                                   struct error *err)
{
    return pack_change(desk, consent, CONSENT_WITHDRAW, CONSENT_WITHDRAWN, err);
}
