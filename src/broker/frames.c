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

// The payload is packed behind room for what comes before it, so that it is copied once.
static enum status make_unsigned(struct frame_maker *maker, enum wire_type type,
                                 const struct id *ref, const void *in, struct bus_frame *frame,
                                 struct error *err)
{
    static const struct id none;
    uint8_t begin[WIRE_HEAD_BEGIN_MAX];
    buffer_clear(&maker->head);
    (void)buffer_reserve(&maker->head, WIRE_HEAD_BEGIN_MAX);
    enum status status = wire_encode(wire_type_schema(type), in, &maker->head, err);
    if (status != ST_OK) {
        return status;
    }
    size_t payload_bytes = maker->head.size - WIRE_HEAD_BEGIN_MAX;
    if (payload_bytes > WIRE_HEAD_MAX_BYTES) {
        return error_set(err, ST_NOMEM, "%s: larger than a Head may be", wire_type_name(type));
    }
    size_t size = wire_head_begin(type, ref == NULL ? &none : ref, payload_bytes, begin);
    uint8_t *head = maker->head.data + WIRE_HEAD_BEGIN_MAX - size;
    memcpy(head, begin, size);
    return bus_frame_copy(frame, bytes_of(head, size + payload_bytes), err);
}

static enum status make_signed(struct frame_maker *maker, enum wire_type type, const struct id *ref,
                               const void *in, struct bus_frame *frame, struct error *err)
{
    buffer_clear(&maker->payload);
    buffer_clear(&maker->head);
    enum status status = wire_encode(wire_type_schema(type), in, &maker->payload, err);
    if (status != ST_OK) {
        return status;
    }
    const struct broker_home *home = &maker->broker->home;
    uint8_t signature[SEAL_SIGNATURE_BYTES];
    struct seal_batch_path path;
    struct wire_batch_sig sig = { .size = 1, .key = home->broker.sign_key };
    struct wire_head head = { .type = type, .payload = buffer_view(&maker->payload), .sig = &sig };
    if (ref != NULL) {
        head.ref = *ref;
    }
    seal_random(sig.salt.bytes, DIGEST_BYTES);
    struct digest leaf = seal_batch_leaf(wire_type_name(type), &sig.salt, head.payload);
    seal_batch_sign(home->broker.signer, &maker->broker->audience, &leaf, 1, signature, &path);
    sig.signature = bytes_of(signature, sizeof(signature));
    status = wire_encode(WIRE_SCHEMA_HEAD, &head, &maker->head, err);
    return status != ST_OK ? status : bus_frame_copy(frame, buffer_view(&maker->head), err);
}

enum status frame_make(struct frame_maker *maker, enum wire_type type, const struct id *ref,
                       const void *in, struct bus_frame *frame, struct error *err)
{
    return is_signed(type) ? make_signed(maker, type, ref, in, frame, err)
                           : make_unsigned(maker, type, ref, in, frame, err);
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
