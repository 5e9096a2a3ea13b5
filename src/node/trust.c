// Receipts as they come in messages, checked against the pinned log key. Invariant: a checkpoint is
// taken from the memory of good ones only when the whole note is the same, byte for byte.
#include "node/trust.h"

#include "base/clock.h"
#include "seal/batch.h"
#include "seal/hash.h"
#include "wire/wire.h"

enum status node_trust_init(struct node_trust *trust, struct bytes vkey,
                            const struct registry_pins *registrar,
                            const struct registry_pins *policy, struct error *err)
{
    struct node_trust made = { .registrar = *registrar, .policy = *policy };
    enum status status = proof_key_parse(vkey, &made.log, err);
    if (status == ST_OK) {
        status = proof_ring_init(&made.ring, &made.log, err);
    }
    if (status != ST_OK) {
        return status;
    }
    made.audience = seal_audience(bytes_text(made.log.name));
    *trust = made;
    return ST_OK;
}

struct bytes node_trust_origin(const struct node_trust *trust)
{
    return bytes_text(trust->log.name);
}

static struct proof_receipt receipt_of(const struct wire_receipt *receipt)
{
    return (struct proof_receipt){ .index = receipt->index,
                                   .path = receipt->proof,
                                   .checkpoint = receipt->checkpoint,
                                   .leaf = receipt->extra->leaf,
                                   .part_type = receipt->extra->part_type,
                                   .part_salt = receipt->extra->part_salt,
                                   .part = receipt->extra->part,
                                   .others = receipt->extra->others,
                                   .other_count = receipt->extra->others_count };
}

void node_trust_keys(struct node_trust *trust, const struct proof_ring *ring)
{
    trust->ring = *ring;
    memset(trust->seen, 0, sizeof(trust->seen));
}

// The checkpoint that a note holds, once its signature is good.
static enum status open_checkpoint(struct node_trust *trust, struct bytes note,
                                   struct proof_checkpoint *checkpoint, struct error *err)
{
    struct digest hash = seal_sha256(note);
    for (size_t i = 0; i < NODE_CHECKPOINTS; i++) {
        if (digest_equal(&trust->seen[i].note, &hash)) {
            *checkpoint = trust->seen[i].checkpoint;
            return ST_OK;
        }
    }
    enum status status =
        proof_ring_open(&trust->ring, (uint64_t)clock_wall_ms(), note, checkpoint, err);
    if (status == ST_OK) {
        trust->seen[trust->next].note = hash;
        trust->seen[trust->next].checkpoint = *checkpoint;
        trust->next = (trust->next + 1) % NODE_CHECKPOINTS;
    }
    if (status == ST_OK && trust->trees != NULL) {
        const struct node_tree tree = { .size = checkpoint->size, .root = checkpoint->root };
        node_trees_add(trust->trees, &tree, clock_monotonic_ms());
    }
    return status;
}

enum status node_trust_receipt(struct node_trust *trust, const struct wire_receipt *receipt,
                               unsigned entry_class, unsigned part_type, const char *what,
                               struct proof_proven *proven, struct error *err)
{
    if (receipt == NULL || receipt->extra == NULL) {
        return error_set(err, ST_UNPROVEN, "%s: there is no receipt", what);
    }
    struct proof_receipt given = receipt_of(receipt);
    struct proof_checkpoint checkpoint;
    struct proof_proven found;
    enum status status = open_checkpoint(trust, given.checkpoint, &checkpoint, err);
    if (status == ST_OK) {
        status = proof_receipt_check(&given, &checkpoint, &found, err);
    }
    if (status != ST_OK) {
        error_wrap(err, "%s: receipt", what);
        return status;
    }
    if (found.leaf.class != entry_class || given.part_type != part_type) {
        return error_set(err, ST_UNPROVEN, "%s: the receipt is of another kind of entry", what);
    }
    *proven = found;
    return ST_OK;
}

enum status node_trust_exchange(struct node_trust *trust, const struct wire_receipt *receipt,
                                const char *what, struct arena *arena,
                                struct wire_exchange_part *part, struct proof_proven *proven,
                                struct error *err)
{
    enum status status = node_trust_receipt(trust, receipt, PROOF_CLASS_EXCHANGE,
                                            PROOF_PART_EXCHANGE, what, proven, err);
    if (status != ST_OK) {
        return status;
    }
    status = wire_decode(WIRE_SCHEMA_EXCHANGE_PART, receipt->extra->part, arena, part, err);
    if (status != ST_OK) {
        error_wrap(err, "%s", what);
    }
    return status;
}

enum status node_receipt_text(const struct wire_receipt *receipt, struct buffer *out,
                              struct error *err)
{
    if (receipt == NULL || receipt->extra == NULL) {
        return error_set(err, ST_UNPROVEN, "there is no receipt");
    }
    struct proof_receipt given = receipt_of(receipt);
    proof_receipt_write(&given, out);
    return buffer_ok(out, "receipt", err);
}
