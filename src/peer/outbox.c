// A ring of messages. The first `built` of them have their heads, the others wait for a signature.
//
// Invariants: messages leave in the order in which they came; a batch is whatever waits when the
// one before is handed over, at most SEAL_BATCH_MAX; nothing is signed twice.
#include "peer/outbox.h"

#include <stdlib.h>

#include "base/clock.h"
#include "seal/batch.h"
#include "seal/random.h"

enum { HEAD_OVERHEAD_BYTES = 512 }; // signature and path at their longest, type, ref

struct item {
    enum wire_type type;
    struct id ref;
    struct bus_frame payload; // empty once the head is built
    struct bus_frame head;    // empty until then
    struct bus_frame boxes;
    size_t bytes; // that it counts for
};

struct peer_outbox {
    struct item items[PEER_QUEUE_MAX];
    size_t first; // of the ring
    size_t count;
    size_t built;
    size_t bytes;
    struct peer_unsigned fresh; // behind the `built`
    struct buffer scratch;      // heads while they are packed
    // One batch.
    struct item *batch[SEAL_BATCH_MAX];
    struct digest salts[SEAL_BATCH_MAX];
    struct digest leaves[SEAL_BATCH_MAX];
    struct seal_batch_path paths[SEAL_BATCH_MAX];
};

// Which types a peer sends, and which of them it signs.
enum sending { SENDS_NOT = 0, SENDS_PLAIN, SENDS_SIGNED };

static enum sending sending_of(enum wire_type type)
{
    static const enum sending table[WIRE_TYPE_COUNT] = {
        [WIRE_PING] = SENDS_PLAIN,          [WIRE_PONG] = SENDS_PLAIN,
        [WIRE_ACK] = SENDS_PLAIN,           [WIRE_HELLO] = SENDS_SIGNED,
        [WIRE_ANNOUNCEMENT] = SENDS_SIGNED, [WIRE_REQUEST] = SENDS_SIGNED,
        [WIRE_ANSWER] = SENDS_SIGNED,       [WIRE_CANCEL] = SENDS_SIGNED,
        [WIRE_SESSION] = SENDS_SIGNED,      [WIRE_CONSENT_CHANGE] = SENDS_SIGNED,
        [WIRE_QUERY] = SENDS_SIGNED,        [WIRE_CONTROL] = SENDS_SIGNED,
        [WIRE_CHUNK] = SENDS_SIGNED,
    };
    return type < WIRE_TYPE_COUNT ? table[type] : SENDS_NOT;
}

struct peer_outbox *peer_outbox_create(void)
{
    struct peer_outbox *outbox = calloc(1, sizeof(*outbox));
    if (outbox != NULL) {
        outbox->scratch = buffer_init(WIRE_HEAD_MAX_BYTES);
    }
    return outbox;
}

void peer_outbox_destroy(struct peer_outbox **outbox)
{
    if (*outbox == NULL) {
        return;
    }
    peer_outbox_clear(*outbox);
    buffer_fini(&(*outbox)->scratch);
    free(*outbox);
    *outbox = NULL;
}

static struct item *item_at(struct peer_outbox *outbox, size_t i)
{
    return &outbox->items[(outbox->first + i) % PEER_QUEUE_MAX];
}

struct peer_unsigned peer_outbox_unsigned(const struct peer_outbox *outbox)
{
    return outbox->fresh;
}

// Where messages of the type are counted until they are built; NULL: nowhere.
static size_t *fresh_of(struct peer_outbox *outbox, enum wire_type type)
{
    return type == WIRE_REQUEST  ? &outbox->fresh.requests
           : type == WIRE_ANSWER ? &outbox->fresh.answers
           : type == WIRE_ACK    ? NULL
                                 : &outbox->fresh.others;
}

static void count_fresh(struct peer_outbox *outbox, enum wire_type type)
{
    size_t *count = fresh_of(outbox, type);
    if (outbox->count == outbox->built) {
        outbox->fresh.since_ms = clock_monotonic_ms();
    }
    if (count != NULL) {
        (*count)++;
    }
}

static void uncount_fresh(struct peer_outbox *outbox, enum wire_type type)
{
    size_t *count = fresh_of(outbox, type);
    if (count != NULL) {
        (*count)--;
    }
}

// Takes the first item out; whatever it still holds is let go.
static void drop_first(struct peer_outbox *outbox)
{
    struct item *item = item_at(outbox, 0);
    bus_frame_fini(&item->payload);
    bus_frame_fini(&item->head);
    bus_frame_fini(&item->boxes);
    outbox->bytes -= item->bytes;
    outbox->first = (outbox->first + 1) % PEER_QUEUE_MAX;
    outbox->count--;
    if (outbox->built > 0) {
        outbox->built--;
    } else {
        uncount_fresh(outbox, item->type);
    }
}

void peer_outbox_clear(struct peer_outbox *outbox)
{
    while (outbox->count > 0) {
        drop_first(outbox);
    }
}

bool peer_outbox_is_empty(const struct peer_outbox *outbox)
{
    return outbox->count == 0;
}

bool peer_outbox_is_blocked(const struct peer_outbox *outbox)
{
    return outbox->built > 0;
}

enum status peer_outbox_put(struct peer_outbox *outbox, enum wire_type type, const struct id *ref,
                            struct bytes payload, struct bytes boxes, struct error *err)
{
    size_t bytes = payload.size + boxes.size;
    if (sending_of(type) == SENDS_NOT) {
        return error_set(err, ST_UNSUPPORTED, "a peer sends no message of type %s",
                         wire_type_name(type));
    }
    if (payload.size > WIRE_HEAD_MAX_BYTES - HEAD_OVERHEAD_BYTES ||
        boxes.size > WIRE_BOXES_MAX_BYTES) {
        return error_set(err, ST_USAGE, "%s: %zu bytes, more than a message holds",
                         wire_type_name(type), bytes);
    }
    if (outbox->count == PEER_QUEUE_MAX || bytes > PEER_QUEUE_MAX_BYTES - outbox->bytes) {
        return error_set(err, ST_BUSY, "the broker takes no more for now");
    }
    struct item *item = item_at(outbox, outbox->count);
    *item = (struct item){ .type = type, .ref = *ref, .bytes = bytes };
    bus_frame_init(&item->head);
    enum status status = bus_frame_copy(&item->payload, payload, err);
    if (status == ST_OK) {
        status = bus_frame_copy(&item->boxes, boxes, err);
    }
    if (status != ST_OK) {
        bus_frame_fini(&item->payload);
        return status;
    }
    count_fresh(outbox, type);
    outbox->count++;
    outbox->bytes += bytes;
    return ST_OK;
}

static enum status build_head(struct peer_outbox *outbox, struct item *item,
                              const struct wire_batch_sig *sig, struct error *err)
{
    const struct wire_head head = {
        .type = item->type,
        .ref = item->ref,
        .payload = bus_frame_view(&item->payload),
        .sig = sig,
    };
    buffer_clear(&outbox->scratch);
    enum status status = wire_encode(WIRE_SCHEMA_HEAD, &head, &outbox->scratch, err);
    if (status == ST_OK) {
        status = bus_frame_copy(&item->head, buffer_view(&outbox->scratch), err);
    }
    if (status == ST_OK) {
        bus_frame_fini(&item->payload);
        uncount_fresh(outbox, item->type);
    }
    return status;
}

// Signs what waits as one batch and builds the heads. After a failure the heads that are built
// count, and the others wait for another batch.
static enum status build_batch(struct peer_outbox *outbox, const struct seal_signer *signer,
                               const struct digest *audience, struct error *err)
{
    size_t signing = 0;
    size_t taken = 0;
    for (; taken < outbox->count && signing < SEAL_BATCH_MAX; taken++) {
        struct item *item = item_at(outbox, taken);
        if (sending_of(item->type) == SENDS_SIGNED) {
            seal_random(&outbox->salts[signing], sizeof(outbox->salts[signing]));
            outbox->leaves[signing] =
                seal_batch_leaf(wire_type_name(item->type), &outbox->salts[signing],
                                bus_frame_view(&item->payload));
            outbox->batch[signing++] = item;
        }
    }
    uint8_t signature[SEAL_SIGNATURE_BYTES];
    if (signing > 0) {
        seal_batch_sign(signer, audience, outbox->leaves, signing, signature, outbox->paths);
    }
    for (size_t k = 0; outbox->built < taken; outbox->built++) {
        struct item *item = item_at(outbox, outbox->built);
        if (k == signing || outbox->batch[k] != item) {
            enum status status = build_head(outbox, item, NULL, err);
            if (status != ST_OK) {
                return status;
            }
            continue;
        }
        const struct seal_batch_path *path = &outbox->paths[k];
        const struct wire_batch_sig sig = {
            .key = *seal_signer_key(signer),
            .size = (uint32_t)signing,
            .index = (uint32_t)k,
            .salt = outbox->salts[k],
            .path = bytes_of(path->steps, path->count * DIGEST_BYTES),
            .signature = bytes_of(signature, sizeof(signature)),
        };
        enum status status = build_head(outbox, item, &sig, err);
        if (status != ST_OK) {
            return status;
        }
        k++;
    }
    return ST_OK;
}

enum status peer_outbox_flush(struct peer_outbox *outbox, const struct seal_signer *signer,
                              const struct digest *audience, struct bus_socket *socket,
                              bool gathers, struct error *err)
{
    enum status status = ST_OK;
    while (outbox->count > 0 && status == ST_OK) {
        if (outbox->built == 0 && gathers) {
            break;
        }
        if (outbox->built == 0) {
            status = build_batch(outbox, signer, audience, err);
            continue;
        }
        struct item *item = item_at(outbox, 0);
        status = bus_socket_send(socket, NULL, &item->head, &item->boxes, err);
        if (status == ST_OK) {
            drop_first(outbox);
        }
    }
    return status == ST_BUSY ? ST_OK : status;
}
