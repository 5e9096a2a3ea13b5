// Orders of new log keys. Invariant: what leaves this file names two different keys and a time for
// both to sign that begins with the order and ends within REGISTRY_BOTH_DAYS_MAX days.
#include "registry/log_key.h"

#include "seal/batch.h"
#include "wire/wire.h"

enum { PAYLOAD_VERSION = 1 };

static enum status check(const struct registry_log_key *order, enum status bad, struct error *err)
{
    uint64_t most_ms = (uint64_t)REGISTRY_BOTH_DAYS_MAX * 24 * 60 * 60 * 1000;
    if (digest_is_zero(&order->old_key) || digest_is_zero(&order->new_key) ||
        digest_equal(&order->old_key, &order->new_key)) {
        return error_set(err, bad, "log-key: it must name two keys, the old one and a new one");
    }
    if (order->both_until < order->issued_at || order->both_until - order->issued_at > most_ms) {
        return error_set(err, bad, "log-key: both keys may sign for 0 to %d days",
                         REGISTRY_BOTH_DAYS_MAX);
    }
    return ST_OK;
}

enum status registry_log_key_encode(const struct registry_log_key *order, struct bytes origin,
                                    struct buffer *out, struct error *err)
{
    enum status status = check(order, ST_USAGE, err);
    if (status != ST_OK) {
        return status;
    }
    const struct wire_log_key_change message = {
        .version = PAYLOAD_VERSION,
        .origin = origin,
        .old_key = order->old_key,
        .new_key = order->new_key,
        .issued_at = order->issued_at,
        .both_until = order->both_until,
    };
    status = wire_encode(WIRE_SCHEMA_LOG_KEY_CHANGE, &message, out, err);
    return status == ST_MALFORMED ? ST_USAGE : status;
}

enum status registry_log_key_decode(struct bytes payload, struct bytes origin,
                                    struct registry_log_key *order, struct error *err)
{
    struct arena *arena = arena_create(WIRE_ARENA_BYTES);
    if (arena == NULL) {
        return error_set(err, ST_NOMEM, "reading a log-key");
    }
    struct wire_log_key_change message;
    enum status status = wire_decode(WIRE_SCHEMA_LOG_KEY_CHANGE, payload, arena, &message, err);
    struct registry_log_key read = { .both_until = 0 };
    if (status == ST_OK) {
        read = (struct registry_log_key){ .old_key = message.old_key,
                                          .new_key = message.new_key,
                                          .issued_at = message.issued_at,
                                          .both_until = message.both_until };
        status = bytes_equal(message.origin, origin)
                     ? check(&read, ST_MALFORMED, err)
                     : error_set(err, ST_DENIED, "log-key: for the log %.*s, not for %.*s",
                                 (int)message.origin.size, (const char *)message.origin.data,
                                 (int)origin.size, (const char *)origin.data);
    }
    arena_destroy(&arena);
    if (status == ST_OK) {
        *order = read;
    }
    return status;
}

enum status registry_log_key_verify(struct bytes signed_message, struct bytes origin,
                                    const struct registry_pins *pins,
                                    struct registry_log_key *order, struct error *err)
{
    struct arena *arena = arena_create(WIRE_ARENA_BYTES);
    if (arena == NULL) {
        return error_set(err, ST_NOMEM, "verifying a log-key");
    }
    struct digest audience = seal_audience(origin);
    struct bytes payload;
    enum status status = registry_signed_verify(REGISTRY_LOG_KEY, pins, &audience, signed_message,
                                                arena, &payload, err);
    if (status == ST_OK) {
        status = registry_log_key_decode(payload, origin, order, err);
    }
    arena_destroy(&arena);
    return status;
}

enum status registry_log_key_admit(const void *argument, struct bytes signed_message,
                                   struct digest *old_key, struct digest *new_key,
                                   uint64_t *both_until, struct error *err)
{
    const struct registry_of_log *of = argument;
    struct registry_log_key order;
    enum status status =
        registry_log_key_verify(signed_message, of->origin, of->registrar, &order, err);
    if (status == ST_OK) {
        *old_key = order.old_key;
        *new_key = order.new_key;
        *both_until = order.both_until;
    }
    return status;
}
