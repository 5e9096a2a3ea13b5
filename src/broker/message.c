// Opening a message: its signature, its payload, and what its sender is told when either is wrong.
#include "broker/message.h"

#include "broker/connection.h"
#include "broker/metric.h"
#include "seal/hash.h"
#include "wire/wire.h"

// What a signature that verified is remembered by: all that was verified, under a key of this
// process, so that nobody can find two alike or push another's out.
static struct digest mark_of(const struct broker *broker, const struct seal_batch_sig *sig,
                             const struct digest *root)
{
    uint8_t size[8];
    const struct bytes parts[] = { bytes_digest(&sig->key), bytes_digest(&broker->audience),
                                   seal_u64(size, sig->size), bytes_digest(root), sig->signature };
    return seal_blake2b(bytes_digest(&broker->verified_key), parts, ARRAY_COUNT(parts));
}

enum status message_verify(struct broker *broker, struct seal_batch_cache *roots,
                           const struct job *job, struct error *err)
{
    const struct digest *audience = &broker->audience;
    const struct wire_batch_sig *from = job->head.sig;
    if (from == NULL) {
        return error_set(err, ST_UNPROVEN, "the message is not signed");
    }
    if (!digest_equal(&from->key, &job->from.batch_key)) {
        return error_set(err, ST_UNPROVEN,
                         "the message is signed by another key than the "
                         "connection's");
    }
    struct seal_batch_sig sig = { .key = from->key,
                                  .size = from->size,
                                  .index = from->index,
                                  .salt = from->salt,
                                  .path = from->path,
                                  .signature = from->signature };
    struct digest root;
    enum status status = seal_batch_root(&sig, wire_type_name((enum wire_type)job->head.type),
                                         job->head.payload, &root, err);
    if (status != ST_OK) {
        return status;
    }
    if (seal_batch_known(roots, audience, &sig, &root)) {
        metric_add(METRIC_ROOTS_KNOWN, 1);
        return ST_OK;
    }
    // The rest of a batch may have met another thread.
    struct digest mark = mark_of(broker, &sig, &root);
    if (recent_has(broker->verified, &mark)) {
        metric_add(METRIC_ROOTS_KNOWN, 1);
        seal_batch_remember(roots, audience, &sig, &root);
        return ST_OK;
    }
    // An answer was asked for, so there are no more of them than exchanges under way.
    if (job->head.type != WIRE_ANSWER && !connection_spend(job->connection)) {
        return error_set(err, ST_BUSY, "too many signatures to verify; sign larger batches");
    }
    metric_add(METRIC_VERIFICATIONS, 1);
    if (!seal_batch_check(roots, audience, &sig, &root)) {
        return error_set(err, ST_UNPROVEN, "the signature does not verify");
    }
    recent_put(broker->verified, &mark);
    return ST_OK;
}

// Room for the struct of any message that a peer may send.
static void *payload_room(struct job *job)
{
    union any {
        struct wire_hello hello;
        struct wire_announcement announcement;
        struct wire_answer answer;
        struct wire_cancel cancel;
        struct wire_session session;
        struct wire_consent_change change;
        struct wire_query query;
        struct wire_control control;
        struct wire_chunk chunk;
        struct wire_ack ack;
        struct wire_ping ping;
    };
    return arena_take(job->arena, sizeof(union any));
}

enum status message_decode(struct job *job, struct error *err)
{
    enum wire_schema schema = wire_type_schema((enum wire_type)job->head.type);
    void *payload = payload_room(job);
    if (payload == NULL) {
        return error_set(err, ST_NOMEM, "no memory for the message");
    }
    enum status status = wire_decode_here(schema, job->head.payload, job->arena, payload, err);
    job->payload = status == ST_OK ? payload : NULL;
    return status;
}

static bool is_called(uint32_t type)
{
    return type == WIRE_SESSION || type == WIRE_CONSENT_CHANGE || type == WIRE_QUERY ||
           type == WIRE_CONTROL || type == WIRE_CHUNK;
}

void message_reject(struct frame_maker *maker, struct job *job, const struct error *why)
{
    metric_add(why->status == ST_UNPROVEN ? METRIC_UNSIGNED
               : why->status == ST_BUSY   ? METRIC_BUSY
                                          : METRIC_MALFORMED,
               1);
    job->rejected = why->status != ST_BUSY;
    if (job->head.type == WIRE_ANSWER) {
        job->outcome = OUTCOME_END; // the router ends the exchange
        return;
    }
    if (is_called(job->head.type)) {
        frame_failed(maker, job, why);
    } else if (why->status == ST_BUSY) {
        frame_busy(maker, job, "verifications", 1000);
    } else {
        frame_refuse(maker, job, status_name(why->status), why->message, 0);
    }
}
