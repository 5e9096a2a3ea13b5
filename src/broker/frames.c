// Frames: encode the payload, sign where the type demands it, encode the Head.
#include "broker/frames.h"

#include "base/event.h"
#include "seal/batch.h"
#include "seal/hash.h"
#include "seal/random.h"

#include <string.h>

struct frame_maker frame_maker_init(struct broker *broker)
{
    return (struct frame_maker){ .broker = broker,
                                 .payload = buffer_init(WIRE_HEAD_MAX_BYTES),
                                 .head = buffer_init(WIRE_HEAD_MAX_BYTES + 512) };
}

void frame_maker_fini(struct frame_maker *maker)
{
    buffer_fini(&maker->payload);
    buffer_fini(&maker->head);
}

static bool is_signed(enum wire_type type)
{
    return type == WIRE_WELCOME || type == WIRE_PROOF || type == WIRE_RESULT;
}

enum status frame_make(struct frame_maker *maker, enum wire_type type, const struct id *ref,
                       const void *in, struct bus_frame *frame, struct error *err)
{
    buffer_clear(&maker->payload);
    buffer_clear(&maker->head);
    enum status status = wire_encode(wire_type_schema(type), in, &maker->payload, err);
    if (status != ST_OK) {
        return status;
    }
    struct wire_head head = { .type = type, .payload = buffer_view(&maker->payload) };
    if (ref != NULL) {
        head.ref = *ref;
    }
    uint8_t signature[SEAL_SIGNATURE_BYTES];
    struct wire_batch_sig sig = { .size = 1 };
    if (is_signed(type)) {
        const struct broker_home *home = &maker->broker->home;
        seal_random(sig.salt.bytes, DIGEST_BYTES);
        struct digest leaf = seal_batch_leaf(wire_type_name(type), &sig.salt, head.payload);
        struct seal_batch_path path;
        seal_batch_sign(home->broker.signer, &maker->broker->audience, &leaf, 1, signature, &path);
        sig.key = home->broker.sign_key;
        sig.signature = bytes_of(signature, sizeof(signature));
        head.sig = &sig;
    }
    status = wire_encode(WIRE_SCHEMA_HEAD, &head, &maker->head, err);
    return status != ST_OK ? status : bus_frame_copy(frame, buffer_view(&maker->head), err);
}

static void reply_or_nothing(struct job *job, enum status status)
{
    job->outcome = status == ST_OK ? OUTCOME_REPLY : OUTCOME_NONE;
}

void frame_refuse(struct frame_maker *maker, struct job *job, const char *reason,
                  const char *message, uint32_t retry_after_ms)
{
    struct wire_refusal refusal = {
        .version = 1,
        .id = job->head.ref,
        .reason = bytes_text(reason),
        .message = bytes_text(message),
        .retry_after_ms = retry_after_ms,
    };
    struct error err;
    reply_or_nothing(
        job, frame_make(maker, WIRE_REFUSAL, &job->head.ref, &refusal, &job->reply_head, &err));
}

void frame_busy(struct frame_maker *maker, struct job *job, const char *reason,
                uint32_t retry_after_ms)
{
    struct wire_busy busy = { .version = 1,
                              .retry_after_ms = retry_after_ms,
                              .reason = bytes_text(reason) };
    struct error err;
    reply_or_nothing(job,
                     frame_make(maker, WIRE_BUSY, &job->head.ref, &busy, &job->reply_head, &err));
}

void frame_result(struct frame_maker *maker, struct job *job, struct wire_result *result,
                  struct bytes body)
{
    struct error err;
    result->version = 1;
    enum status status = ST_OK;
    if (body.size > 0) {
        result->body_hash = seal_sha256(body);
        bus_frame_fini(&job->reply_boxes);
        status = bus_frame_copy(&job->reply_boxes, body, &err);
    }
    if (status == ST_OK) {
        status = frame_make(maker, WIRE_RESULT, &job->head.ref, result, &job->reply_head, &err);
    }
    if (status != ST_OK) {
        log_event(LOG_LEVEL_ERROR, "reply.failed", log_text("why", err.message));
    }
    reply_or_nothing(job, status);
}

void frame_failed(struct frame_maker *maker, struct job *job, const struct error *why)
{
    struct wire_result result = { .status = why->status == ST_OK ? ST_IO : why->status,
                                  .message = bytes_text(why->message) };
    frame_result(maker, job, &result, (struct bytes){ 0 });
}
