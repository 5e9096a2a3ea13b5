// The fake broker.
#include "fake_broker.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "seal/hash.h"
#include "seal/random.h"
#include "seal/secret.h"

static const char origin[] = "vedomo.example/log";

static bool admits(void *argument, const struct digest *key, const char *address)
{
    const struct fake_broker *fake = argument;
    return address != NULL && fake->admit && digest_equal(key, &fake->peer.curve_key);
}

void fake_open_endpoint(struct fake_broker *fake)
{
    struct error err = { 0 };
    const struct bus_socket_options options = {
        .kind = BUS_ROUTER,
        .public_key = fake->broker.curve_key,
        .secret_key = seal_secret_view(fake->broker.curve_secret).data,
        .send_hwm = 64,
        .receive_hwm = 64,
        .head_max_bytes = WIRE_HEAD_MAX_BYTES,
        .boxes_max_bytes = WIRE_BOXES_MAX_BYTES,
        .handshake_ms = 5000,
        .heartbeat_ms = 5000,
        .backlog = 16,
    };
    assert_ok(bus_socket_open(fake->context, &options, &fake->router, &err));
    enum status status = ST_EXISTS;
    int64_t deadline = clock_monotonic_ms() + FAKE_PATIENCE_MS;
    while (status == ST_EXISTS && clock_monotonic_ms() < deadline) {
        status = bus_socket_bind(fake->router, fake->endpoint, &err);
    }
    assert_int_equal(status, ST_OK);
    snprintf(fake->endpoint, sizeof(fake->endpoint), "%s", bus_socket_endpoint(fake->router));
    assert_ok(bus_poller_add_socket(fake->poller, fake->router, 0, &err));
}

void fake_close_endpoint(struct fake_broker *fake)
{
    bus_poller_remove(fake->poller, 0);
    bus_socket_close(&fake->router);
}

void fake_start(struct fake_broker *fake)
{
    struct error err = { 0 };
    *fake = (struct fake_broker){
        .admit = true,
        .speak = 1,
        .size = 3,
        .heartbeat_ms = 10000,
        .endpoint = "tcp://127.0.0.1:0",
    };
    fake->signs = &fake->broker;
    fake->notes = &fake->log;
    fake->arena = arena_create(1 << 20);
    assert_non_null(fake->arena);
    assert_ok(seal_identity_create(SEAL_ROLE_BROKER, "ru/vedomo", "broker", &fake->broker, &err));
    assert_ok(seal_identity_create(SEAL_ROLE_LOG, "", origin, &fake->log, &err));
    assert_ok(seal_identity_create(SEAL_ROLE_NODE, "ru/interior/road-safety", "gate-1", &fake->peer,
                                   &err));
    assert_ok(seal_identity_create(SEAL_ROLE_NODE, "ru/nobody", "x", &fake->stranger, &err));
    assert_ok(proof_key_make(origin, PROOF_KEY_ED25519, &fake->log.sign_key, &fake->log_key, &err));
    struct buffer vkey = buffer_init(sizeof(fake->vkey));
    proof_key_format(&fake->log_key, &vkey);
    buffer_u8(&vkey, 0);
    assert_ok(buffer_ok(&vkey, "vkey", &err));
    memcpy(fake->vkey, vkey.data, vkey.size);
    buffer_fini(&vkey);
    for (uint8_t i = 0; i < FAKE_LEAVES; i++) {
        fake->leaves[i] = seal_leaf_hash(bytes_of(&i, 1));
    }
    assert_ok(bus_context_create(1, &fake->context, &err));
    assert_ok(bus_zap_start(fake->context, admits, fake, &fake->zap, &err));
    assert_ok(bus_poller_create(1, &fake->poller, &err));
    fake_open_endpoint(fake);
}

void fake_stop(struct fake_broker *fake)
{
    fake_close_endpoint(fake);
    bus_poller_destroy(&fake->poller);
    bus_zap_stop(&fake->zap);
    bus_context_destroy(&fake->context);
    seal_identity_fini(&fake->broker);
    seal_identity_fini(&fake->log);
    seal_identity_fini(&fake->peer);
    seal_identity_fini(&fake->stranger);
    arena_destroy(&fake->arena);
}

static enum status read_node(void *context, unsigned level, uint64_t position, struct digest *node,
                             struct error *err)
{
    const struct fake_broker *fake = context;
    struct digest left;
    struct digest right;
    if (level == 0) {
        *node = fake->leaves[position];
        return ST_OK;
    }
    enum status status = read_node(context, level - 1, 2 * position, &left, err);
    if (status == ST_OK) {
        status = read_node(context, level - 1, 2 * position + 1, &right, err);
    }
    *node = seal_node_hash(&left, &right);
    return status;
}

void fake_note(struct fake_broker *fake, uint64_t size, struct buffer *out)
{
    struct error err = { 0 };
    struct proof_checkpoint checkpoint = { .size = size };
    snprintf(checkpoint.origin, sizeof(checkpoint.origin), "%s", origin);
    assert_ok(proof_root(size, read_node, fake, &checkpoint.root, &err));
    struct proof_key key;
    assert_ok(proof_key_make(origin, PROOF_KEY_ED25519, &fake->notes->sign_key, &key, &err));
    proof_checkpoint_sign(&checkpoint, &key, fake->notes->signer, out);
}

void fake_send(struct fake_broker *fake, enum wire_type type, const struct id *ref,
               const void *message, struct bytes boxes, bool sign)
{
    struct error err = { 0 };
    struct buffer payload = buffer_init(WIRE_HEAD_MAX_BYTES);
    struct buffer bytes = buffer_init(WIRE_HEAD_MAX_BYTES);
    uint8_t signature[SEAL_SIGNATURE_BYTES];
    struct seal_batch_path path;
    assert_ok(wire_encode(wire_type_schema(type), message, &payload, &err));
    struct wire_batch_sig sig = { .key = fake->signs->sign_key,
                                  .size = 1,
                                  .salt = seal_random_digest() };
    struct digest audience = seal_audience(bytes_text(origin));
    struct digest leaf = seal_batch_leaf(fake->label != NULL ? fake->label : wire_type_name(type),
                                         &sig.salt, buffer_view(&payload));
    seal_batch_sign(fake->signs->signer, &audience, &leaf, 1, signature, &path);
    sig.signature = bytes_of(signature, sizeof(signature));
    const struct wire_head head = {
        .type = type,
        .ref = *ref,
        .payload = buffer_view(&payload),
        .sig = sign ? &sig : NULL,
    };
    struct bus_frame frames[2];
    assert_ok(wire_encode(WIRE_SCHEMA_HEAD, &head, &bytes, &err));
    assert_ok(bus_frame_copy(&frames[0], buffer_view(&bytes), &err));
    assert_ok(bus_frame_copy(&frames[1], boxes, &err));
    // The peer may have gone already: then it is not told.
    if (bus_socket_send(fake->router, &fake->route, &frames[0], &frames[1], &err) != ST_OK) {
        bus_frame_fini(&frames[0]);
        bus_frame_fini(&frames[1]);
    }
    buffer_fini(&payload);
    buffer_fini(&bytes);
}

void fake_send_proof(struct fake_broker *fake, uint64_t from, uint64_t size)
{
    struct error err = { 0 };
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    struct proof_path path = { .count = 0 };
    const struct id none = { { 0 } };
    fake_note(fake, size, &note);
    assert_ok(proof_consistency(from, size, read_node, fake, &path, &err));
    const struct wire_proof proof = {
        .version = 1,
        .checkpoint = buffer_view(&note),
        .old_size = from,
        .consistency = proof_path_view(&path),
        .bundle_hash = seal_sha256(bytes_text("second bundle")),
    };
    fake_send(fake, WIRE_PROOF, &none, &proof, (struct bytes){ 0 }, true);
    buffer_fini(&note);
}

static void welcome(struct fake_broker *fake, const struct wire_hello *hello)
{
    struct error err = { 0 };
    const struct id none = { { 0 } };
    if (fake->refuse) {
        const struct wire_refusal refusal = { .version = 1, .reason = bytes_text("no-card") };
        fake_send(fake, WIRE_REFUSAL, &none, &refusal, (struct bytes){ 0 }, false);
        return;
    }
    if (fake->busy) {
        const struct wire_busy busy = { .version = 1, .retry_after_ms = 5 };
        fake_send(fake, WIRE_BUSY, &none, &busy, (struct bytes){ 0 }, false);
        return;
    }
    struct proof_checkpoint theirs = { .size = 0 };
    struct proof_path path = { .count = 0 };
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    if (hello->checkpoint.size > 0) {
        assert_ok(proof_checkpoint_open(hello->checkpoint, &fake->log_key, &theirs, &err));
    }
    fake->hello_size = theirs.size;
    if (!fake->hide) {
        fake_note(fake, fake->size, &note);
    }
    if (theirs.size < fake->size) {
        assert_ok(proof_consistency(theirs.size, fake->size, read_node, fake, &path, &err));
    }
    if (fake->spoil_proof) {
        path.steps[0].bytes[0] ^= 1;
    }
    static const struct bytes feature = { (const uint8_t *)"bulk", 4 };
    const struct wire_welcome message = {
        .version = 1,
        .speak = fake->speak,
        .features = &feature,
        .features_count = 1,
        .checkpoint = buffer_view(&note),
        .consistency = proof_path_view(&path),
        .bundle_hash = seal_sha256(bytes_text("first bundle")),
        .credit = 64,
        .heartbeat_ms = fake->heartbeat_ms,
        .now = (uint64_t)(clock_wall_ms() + fake->skew_ms),
    };
    fake_send(fake, WIRE_WELCOME, &none, &message, (struct bytes){ 0 }, true);
    buffer_fini(&note);
}

static void result(struct fake_broker *fake, const struct id *ref)
{
    struct wire_result message = { .version = 1,
                                   .status = fake->result_status,
                                   .value = bytes_text("value") };
    if (fake->result_status != 0) {
        message.message = bytes_text("no such member");
    }
    if (fake->body.size > 0) {
        message.body_hash = seal_sha256(fake->body);
        message.body_hash.bytes[0] ^= fake->spoil_body ? 1 : 0;
    }
    fake_send(fake, WIRE_RESULT, ref, &message, fake->body, !fake->unsigned_result);
}

static bool is_signed_well(struct fake_broker *fake, const struct wire_head *head)
{
    struct error err = { 0 };
    struct digest audience = seal_audience(bytes_text(origin));
    if (head->sig == NULL || !digest_equal(&head->sig->key, &fake->peer.sign_key)) {
        return false;
    }
    const struct seal_batch_sig sig = { head->sig->key,  head->sig->size, head->sig->index,
                                        head->sig->salt, head->sig->path, head->sig->signature };
    return seal_batch_verify(NULL, &audience, &sig, wire_type_name((enum wire_type)head->type),
                             head->payload, &err) == ST_OK;
}

static void take_items(struct fake_seen *seen, const struct wire_ack *ack)
{
    for (size_t i = 0; i < ack->items_count; i++) {
        seen->number++;
        seen->opened += ack->items[i].opened ? 1 : 0;
        snprintf(seen->problem, sizeof(seen->problem), "%.*s", (int)ack->items[i].problem.size,
                 (const char *)ack->items[i].problem.data);
    }
}

static void take(struct fake_broker *fake, const struct bus_message *message)
{
    struct error err = { 0 };
    struct wire_head head;
    struct wire_hello hello;
    struct wire_ack ack;
    struct wire_ping ping;
    arena_reset(fake->arena);
    assert_int_equal(message->fault, BUS_FAULT_NONE);
    assert_true(digest_equal(&message->key, &fake->peer.curve_key));
    assert_ok(
        wire_decode(WIRE_SCHEMA_HEAD, bus_frame_view(&message->head), fake->arena, &head, &err));
    enum wire_type type = (enum wire_type)head.type;
    assert_true(fake->seen_count < FAKE_SEEN_MAX);
    struct fake_seen *seen = &fake->seen[fake->seen_count++];
    *seen = (struct fake_seen){ .type = type,
                                .ref = head.ref,
                                .signed_well = is_signed_well(fake, &head) };
    if (head.sig != NULL) {
        seen->batch_size = head.sig->size;
        seen->batch_index = head.sig->index;
    }
    if (type == WIRE_HELLO) {
        fake->route = message->route;
        fake->hellos++;
        assert_ok(wire_decode(WIRE_SCHEMA_HELLO, head.payload, fake->arena, &hello, &err));
        if (!fake->mute) {
            welcome(fake, &hello);
        }
    } else if (type == WIRE_PING || type == WIRE_PONG) {
        assert_ok(wire_decode(wire_type_schema(type), head.payload, fake->arena, &ping, &err));
        seen->number = ping.number;
        if (type == WIRE_PING && !fake->mute) {
            const struct wire_pong pong = { .version = 1, .number = ping.number };
            fake_send(fake, WIRE_PONG, &head.ref, &pong, (struct bytes){ 0 }, false);
        }
    } else if (type == WIRE_ACK &&
               wire_decode(WIRE_SCHEMA_ACK, head.payload, fake->arena, &ack, &err) == ST_OK) {
        take_items(seen, &ack);
    } else if (type == WIRE_QUERY && !fake->mute) {
        result(fake, &head.ref);
    }
}

void fake_serve(struct fake_broker *fake)
{
    struct error err = { 0 };
    struct bus_message message;
    size_t count = 1;
    bus_message_init(&message);
    while (fake->router != NULL && count > 0) {
        assert_ok(bus_socket_receive(fake->router, &message, 1, &count, &err));
        if (count > 0) {
            take(fake, &message);
        }
    }
    bus_message_fini(&message);
}

struct peer_config fake_config(struct fake_broker *fake)
{
    static const char *const features[] = { "bulk" };
    return (struct peer_config){
        .context = fake->context,
        .endpoint = fake->endpoint,
        .identity = &fake->peer,
        .broker_curve_key = fake->broker.curve_key,
        .broker_batch_key = fake->broker.sign_key,
        .origin = origin,
        .log_vkey = fake->vkey,
        .features = features,
        .features_count = 1,
    };
}

bool fake_until(struct fake_broker *fake, struct peer *peer, peer_handler handler, void *argument,
                fake_condition condition)
{
    struct error err = { 0 };
    int64_t deadline = clock_monotonic_ms() + FAKE_PATIENCE_MS;
    while (!condition(fake, peer) && clock_monotonic_ms() < deadline) {
        uint64_t ready = 0;
        enum status status = peer_step(peer, clock_monotonic_ms() + 1, handler, argument, &err);
        assert_true(status == ST_OK || status == ST_UNPROVEN);
        if (fake->router != NULL) {
            assert_ok(bus_poller_wait(fake->poller, clock_monotonic_ms() + 1, &ready, &err));
            fake_serve(fake);
        }
    }
    return condition(fake, peer);
}

size_t fake_count(const struct fake_broker *fake, enum wire_type type)
{
    size_t count = 0;
    for (size_t i = 0; i < fake->seen_count; i++) {
        count += fake->seen[i].type == type;
    }
    return count;
}
