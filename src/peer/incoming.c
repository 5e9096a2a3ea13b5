// What comes in from the broker: who vouches for it, what the peer does with it, who gets it next.
//
// Invariants: nothing that the broker should have signed passes unverified; a type that is not
// understood in this state is dropped and counted; WELCOME moves the peer to READY only after the
// version, the clock and the log have been found good.
#include <string.h>

#include "base/clock.h"
#include "peer/inside.h"
#include "seal/hash.h"

enum {
    HEARTBEAT_MIN_MS = 100,
    SKEW_MAX_MS = 60 * 1000,
    RECEIVE_ROUNDS = 16 // batches in one step
};

// Verifies that the broker has signed the message.
static enum status verify(struct peer *peer, const struct wire_head *head, struct error *err)
{
    if (head->sig == NULL || !digest_equal(&head->sig->key, &peer->config.broker_batch_key)) {
        return error_set(err, ST_UNPROVEN, "%s not signed by the broker's key",
                         wire_type_name((enum wire_type)head->type));
    }
    const struct seal_batch_sig sig = {
        .key = head->sig->key,
        .size = head->sig->size,
        .index = head->sig->index,
        .salt = head->sig->salt,
        .path = head->sig->path,
        .signature = head->sig->signature,
    };
    return seal_batch_verify(peer->roots, &peer->audience, &sig,
                             wire_type_name((enum wire_type)head->type), head->payload, err);
}

// What the broker says of witnesses beside it.
struct vouched {
    struct bytes note;
    struct bytes path;
    bool trial;
    uint64_t at_ms;
};

// A claim of the broker's about the log. False: the connection is gone, or the peer has stopped.
static bool advance(struct peer *peer, const struct peer_claim *claim,
                    const struct vouched *vouched)
{
    enum peer_verdict verdict = peer_trust_advance(&peer->trust, claim, &peer->problem);
    if (verdict == PEER_HOLDS) {
        verdict = peer_trust_vouch(&peer->trust, vouched->note, vouched->path, &peer->problem);
        peer->trial = vouched->trial;
        peer->vouched_at_ms = vouched->at_ms;
    }
    switch (verdict) {
    case PEER_HOLDS:
        return true;
    case PEER_STRANGE:
        peer_fail(peer);
        return false;
    case PEER_BROKEN:
        peer_stop(peer);
        return false;
    }
    return false;
}

// New keys first: what comes with them may be signed by them alone. An unproven one is remembered,
// for whoever looks; without it nothing changes.
static void follow_keys(struct peer *peer, const struct wire_receipt *receipts, size_t count)
{
    struct error why;
    if (count > 0) {
        enum status status = peer_trust_follow(&peer->trust, receipts, count, &why);
        if (status != ST_OK) {
            peer->key_problem = why;
            peer->key_problem.status = status;
        }
    }
}

static bool take_welcome(struct peer *peer, const struct wire_welcome *welcome)
{
    const struct peer_claim claim = {
        .note = welcome->checkpoint,
        .from = peer->trust.newest.size,
        .consistency = welcome->consistency,
    };
    peer->skew_ms = clock_wall_ms() - (int64_t)welcome->now;
    if (welcome->speak != PEER_PROTOCOL) {
        error_set(&peer->problem, ST_UNSUPPORTED, "the broker speaks version %u of the protocol",
                  welcome->speak);
        peer_fail(peer);
        return false;
    }
    if (peer->skew_ms > SKEW_MAX_MS || peer->skew_ms < -SKEW_MAX_MS) {
        long long seconds = (long long)(peer->skew_ms / 1000);
        error_set(&peer->problem, ST_DENIED,
                  "this machine's clock is %lld s %s the broker's; at most 60 s are allowed",
                  seconds < 0 ? -seconds : seconds, seconds < 0 ? "behind" : "ahead of");
        peer_fail(peer);
        return false;
    }
    follow_keys(peer, welcome->key_changes, welcome->key_changes_count);
    const struct vouched vouched = { .note = welcome->witnessed,
                                     .path = welcome->witnessed_path,
                                     .trial = welcome->witnessed_trial,
                                     .at_ms = welcome->witnessed_at };
    if (!advance(peer, &claim, &vouched)) {
        return false;
    }
    peer->credit = welcome->credit;
    peer->heartbeat_ms = welcome->heartbeat_ms == 0 ? PEER_HEARTBEAT_MS : welcome->heartbeat_ms;
    if (peer->heartbeat_ms < HEARTBEAT_MIN_MS) {
        peer->heartbeat_ms = HEARTBEAT_MIN_MS;
    }
    peer->bundle_hash = welcome->bundle_hash;
    peer->state = PEER_READY;
    peer->problem = (struct error){ .status = ST_OK };
    peer->ready_ms = clock_monotonic_ms();
    peer->deadline_ms = INT64_MAX;
    return true;
}

static bool take_proof(struct peer *peer, const struct wire_proof *proof)
{
    const struct peer_claim claim = {
        .note = proof->checkpoint,
        .from = proof->old_size,
        .consistency = proof->consistency,
    };
    follow_keys(peer, proof->key_changes, proof->key_changes_count);
    const struct vouched vouched = { .note = proof->witnessed,
                                     .path = proof->witnessed_path,
                                     .trial = proof->witnessed_trial,
                                     .at_ms = proof->witnessed_at };
    if (!advance(peer, &claim, &vouched)) {
        return false;
    }
    peer->bundle_hash = proof->bundle_hash;
    return true;
}

static void take_ping(struct peer *peer, const struct wire_ping *message)
{
    const struct id none = { { 0 } };
    const struct wire_pong pong = { .version = 1, .number = message->number };
    struct error ignored;
    // Without a place in the queue there is traffic enough to show that the peer lives.
    if (peer_put(peer, WIRE_PONG, &none, &pong, &ignored) == ST_OK) {
        peer->happened++;
    }
}

// What the peer itself reads of what comes in.
union payload {
    struct wire_welcome welcome;
    struct wire_proof proof;
    struct wire_result result;
    struct wire_refusal refusal;
    struct wire_busy busy;
    struct wire_ping ping;
    struct wire_pong pong;
};

// The broker turned HELLO away. Unsigned, so only a reason to wait.
static void take_greeting_refused(struct peer *peer, enum wire_type type,
                                  const union payload *payload)
{
    if (type == WIRE_BUSY) {
        error_set(&peer->problem, ST_BUSY, "the broker is busy");
    } else {
        error_set(&peer->problem, ST_DENIED, "the broker refused the greeting (%.*s): %.*s",
                  (int)payload->refusal.reason.size, (const char *)payload->refusal.reason.data,
                  (int)payload->refusal.message.size, (const char *)payload->refusal.message.data);
    }
    peer_fail(peer);
}

static bool body_matches(const struct wire_result *result, struct bytes body)
{
    if (body.size == 0) {
        return digest_is_zero(&result->body_hash);
    }
    struct digest hash = seal_sha256(body);
    return digest_equal(&hash, &result->body_hash);
}

// What the types that a peer understands may be, and in which states.
struct incoming {
    bool greeting; // understood while WELCOME is awaited
    bool ready;    // understood afterwards
    bool proven;   // the broker signs it
    bool passed;   // goes to the owner's handler
};

static const struct incoming incoming_rules[WIRE_TYPE_COUNT] = {
    [WIRE_WELCOME] = { .greeting = true, .proven = true, .passed = true },
    [WIRE_PROOF] = { .ready = true, .proven = true, .passed = true },
    [WIRE_RESULT] = { .ready = true, .proven = true, .passed = true },
    [WIRE_ASK] = { .ready = true, .passed = true },
    [WIRE_RELEASE] = { .ready = true, .passed = true },
    [WIRE_REFUSAL] = { .greeting = true, .ready = true, .passed = true },
    [WIRE_BUSY] = { .greeting = true, .ready = true, .passed = true },
    [WIRE_PING] = { .ready = true },
    [WIRE_PONG] = { .ready = true },
};

// What the peer itself does with a payload. False: it goes no further.
static bool act(struct peer *peer, enum wire_type type, const union payload *payload,
                struct bytes boxes)
{
    if (type == WIRE_WELCOME) {
        return take_welcome(peer, &payload->welcome);
    }
    if (type == WIRE_PROOF) {
        return take_proof(peer, &payload->proof);
    }
    if (type == WIRE_PING) {
        take_ping(peer, &payload->ping);
    }
    if (peer->state == PEER_GREETING && (type == WIRE_REFUSAL || type == WIRE_BUSY)) {
        take_greeting_refused(peer, type, payload);
        return false;
    }
    if (type == WIRE_RESULT && !body_matches(&payload->result, boxes)) {
        peer->dropped++;
        return false;
    }
    return true;
}

// The types that the peer itself reads; the others are decoded by whoever handles them.
static bool is_read_here(enum wire_type type)
{
    return type == WIRE_WELCOME || type == WIRE_PROOF || type == WIRE_RESULT ||
           type == WIRE_REFUSAL || type == WIRE_BUSY || type == WIRE_PING || type == WIRE_PONG;
}

static void take_message(struct peer *peer, const struct bus_message *message, peer_handler handler,
                         void *argument)
{
    struct wire_head head = { .type = WIRE_NONE };
    union payload payload;
    memset(&payload, 0, sizeof(payload));
    struct error why;
    arena_reset(peer->arena);
    if (message->fault != BUS_FAULT_NONE ||
        wire_decode(WIRE_SCHEMA_HEAD, bus_frame_view(&message->head), peer->arena, &head, &why) !=
            ST_OK) {
        peer->dropped++;
        return;
    }
    enum wire_type type = (enum wire_type)head.type;
    const struct incoming *rule = &incoming_rules[type];
    bool understood =
        peer->state == PEER_READY ? rule->ready : peer->state == PEER_GREETING && rule->greeting;
    if (!understood || (rule->proven && verify(peer, &head, &why) != ST_OK) ||
        (is_read_here(type) &&
         wire_decode(wire_type_schema(type), head.payload, peer->arena, &payload, &why) != ST_OK)) {
        peer->dropped++;
        return;
    }
    struct bytes boxes = bus_frame_view(&message->boxes);
    if (act(peer, type, &payload, boxes) && rule->passed && handler != NULL) {
        const struct peer_message passed = {
            .type = type,
            .ref = head.ref,
            .payload = head.payload,
            .boxes = boxes,
        };
        handler(argument, &passed);
    }
}

void peer_take_messages(struct peer *peer, peer_handler handler, void *argument)
{
    for (size_t round = 0; round < RECEIVE_ROUNDS && peer->socket != NULL; round++) {
        size_t count = 0;
        if (bus_socket_receive(peer->socket, peer->messages, PEER_RECEIVE_BATCH, &count,
                               &peer->problem) != ST_OK) {
            peer_fail(peer);
            return;
        }
        for (size_t i = 0; i < count && peer->socket != NULL; i++) {
            take_message(peer, &peer->messages[i], handler, argument);
        }
        for (size_t i = 0; i < count; i++) {
            bus_message_fini(&peer->messages[i]);
        }
        peer->happened += count;
        if (count > 0) {
            peer->heard_ms = clock_monotonic_ms();
        }
        if (count < PEER_RECEIVE_BATCH) {
            return;
        }
    }
}
