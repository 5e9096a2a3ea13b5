// One question, one answer: for programs that only call.
#include "base/clock.h"
#include "peer/peer.h"
#include "seal/random.h"

struct call {
    struct id ref;
    struct arena *arena;
    struct wire_result *result;
    struct bytes *body;
    enum status status; // of reading the answer
    struct error *err;
    bool answered;
};

static enum status read_result(const struct call *call, const struct peer_message *message)
{
    enum status status =
        wire_decode(WIRE_SCHEMA_RESULT, message->payload, call->arena, call->result, call->err);
    if (status == ST_OK) {
        *call->body = arena_copy(call->arena, message->boxes);
        if (call->body->size != message->boxes.size) {
            status = error_set(call->err, ST_NOMEM, "the broker's answer is too long");
        }
    }
    return status;
}

static enum status read_refusal(const struct call *call, const struct peer_message *message)
{
    struct wire_refusal refusal;
    enum status status =
        wire_decode(WIRE_SCHEMA_REFUSAL, message->payload, call->arena, &refusal, call->err);
    if (status == ST_OK) {
        status = error_set(call->err, ST_DENIED, "%.*s: %.*s", (int)refusal.reason.size,
                           (const char *)refusal.reason.data, (int)refusal.message.size,
                           (const char *)refusal.message.data);
    }
    return status;
}

static enum status read_busy(const struct call *call, const struct peer_message *message)
{
    struct wire_busy busy;
    enum status status =
        wire_decode(WIRE_SCHEMA_BUSY, message->payload, call->arena, &busy, call->err);
    if (status == ST_OK) {
        status = error_set(call->err, ST_BUSY, "the broker is busy (%.*s); try again",
                           (int)busy.reason.size, (const char *)busy.reason.data);
    }
    return status;
}

// Takes RESULT, or what the broker sends in its place when it will not look at the call.
static void take_answer(void *argument, const struct peer_message *message)
{
    struct call *call = argument;
    if (call->answered || !id_equal(&message->ref, &call->ref)) {
        return;
    }
    call->answered = true;
    if (message->type == WIRE_RESULT) {
        call->status = read_result(call, message);
    } else if (message->type == WIRE_REFUSAL) {
        call->status = read_refusal(call, message);
    } else if (message->type == WIRE_BUSY) {
        call->status = read_busy(call, message);
    } else {
        call->answered = false;
    }
}

static enum status fail_call(const struct peer *peer, enum wire_type type, struct error *err)
{
    const struct error *problem = peer_problem(peer);
    if (problem->status == ST_OK) {
        return error_set(err, ST_TIMEOUT, "the broker has not answered %s in time",
                         wire_type_name(type));
    }
    *err = *problem;
    return problem->status;
}

enum status peer_call(struct peer *peer, enum wire_type type, struct bytes payload,
                      struct bytes boxes, int64_t deadline_ms, struct arena *arena,
                      struct wire_result *result, struct bytes *body, struct error *err)
{
    struct wire_result read = { .status = ST_OK };
    struct bytes read_body = { 0 };
    struct call call = {
        .ref = seal_random_id(),
        .arena = arena,
        .result = &read,
        .body = &read_body,
        .err = err,
    };
    enum status status = ST_OK;
    bool tried = false;
    while (status == ST_OK && peer_state(peer) != PEER_READY) {
        bool waiting = peer_state(peer) == PEER_WAITING;
        if ((tried && waiting) || clock_monotonic_ms() >= deadline_ms) {
            return fail_call(peer, type, err);
        }
        status = peer_step(peer, deadline_ms, NULL, NULL, err);
        tried = tried || peer_state(peer) != PEER_WAITING || peer_problem(peer)->status != ST_OK;
    }
    if (status == ST_OK) {
        status = peer_send(peer, type, &call.ref, payload, boxes, err);
    }
    while (status == ST_OK && !call.answered) {
        if (peer_state(peer) != PEER_READY || clock_monotonic_ms() >= deadline_ms) {
            return fail_call(peer, type, err);
        }
        status = peer_step(peer, deadline_ms, take_answer, &call, err);
    }
    if (status == ST_OK) {
        status = call.status;
    }
    if (status == ST_OK && read.status != ST_OK) {
        return error_set(err, (enum status)read.status, "%.*s", (int)read.message.size,
                         (const char *)read.message.data);
    }
    if (status == ST_OK) {
        *result = read;
        *body = read_body;
    }
    return status;
}
