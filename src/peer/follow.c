// Following the log from key to key, and its tags from key to key. What WELCOME and PROOF carry of
// it is believed only with proof: the entry lies in the log under a key that is known here; a new
// key of the log needs the registrar's order besides, whoever signs checkpoints with it.
//
// Invariant: a key of the log is kept in the file before anything that it alone signed counts.
#include <stdio.h>

#include "base/file.h"
#include "peer/trust.h"
#include "proof/receipt.h"
#include "wire/wire.h"

enum { FOLLOW_ARENA_BYTES = 1 << 20 };

static enum status keys_path(const struct peer_trust *trust, char path[PEER_PATH_BYTES],
                             struct error *err)
{
    if (snprintf(path, PEER_PATH_BYTES, "%s.keys", trust->path) >= PEER_PATH_BYTES) {
        return error_set(err, ST_USAGE, "%s: path too long", trust->path);
    }
    return ST_OK;
}

enum status peer_trust_load_keys(struct peer_trust *trust, struct error *err)
{
    char path[PEER_PATH_BYTES];
    struct proof_ring kept;
    struct buffer text = buffer_init(PROOF_RING_TEXT_MAX);
    const struct proof_key *pinned = &trust->ring.keys[0];
    enum status status = trust->path == NULL ? ST_OK : keys_path(trust, path, err);
    if (status != ST_OK || trust->path == NULL || !file_exists(path)) {
        goto out;
    }
    status = file_read(path, PROOF_RING_TEXT_MAX, &text, err);
    if (status == ST_OK) {
        status = proof_ring_parse(buffer_view(&text), &kept, err);
    }
    if (status == ST_OK &&
        (!proof_ring_has(&kept, &pinned->key) || strcmp(kept.keys[0].name, pinned->name) != 0)) {
        status = error_set(err, ST_CORRUPT, "they are not those of the log that is pinned");
    }
    if (status == ST_OK) {
        trust->ring = kept;
    } else {
        error_wrap(err, "kept keys of the log '%s'", path);
    }
out:
    buffer_fini(&text);
    return status;
}

static enum status keep_keys(const struct peer_trust *trust, const struct proof_ring *ring,
                             struct error *err)
{
    char path[PEER_PATH_BYTES];
    struct buffer text = buffer_init(PROOF_RING_TEXT_MAX);
    enum status status = trust->path == NULL ? ST_OK : keys_path(trust, path, err);
    if (status == ST_OK && trust->path != NULL) {
        proof_ring_format(ring, &text);
        status = buffer_ok(&text, "keys of the log", err);
        if (status == ST_OK) {
            status = file_replace(path, buffer_view(&text), 0600, err);
        }
    }
    buffer_fini(&text);
    return status;
}

// Verifies that the entry is in the log, under one of `count` keys.
static enum status prove(const struct wire_receipt *receipt, const struct proof_key *keys,
                         size_t count, struct error *err)
{
    const struct proof_receipt plain = {
        .index = receipt->index,
        .path = receipt->proof,
        .checkpoint = receipt->checkpoint,
        .leaf = receipt->extra->leaf,
        .part_type = receipt->extra->part_type,
        .part_salt = receipt->extra->part_salt,
        .part = receipt->extra->part,
        .others = receipt->extra->others,
        .other_count = receipt->extra->others_count,
    };
    const struct proof_trust trust = { .log = keys, .log_count = count };
    struct proof_proven proven;
    enum status status = proof_receipt_verify(&plain, &trust, &proven, err);
    if (status == ST_OK && proven.leaf.class != PROOF_CLASS_GOVERNANCE) {
        status = error_set(err, ST_UNPROVEN, "it is an entry of another class");
    }
    return status;
}

static enum status follow_log(struct peer_trust *trust, const struct wire_receipt *receipt,
                              const struct wire_public_part *part, struct error *err)
{
    struct digest old_key;
    struct digest new_key;
    uint64_t until_ms = 0;
    struct proof_ring *ring = &trust->ring;
    if (trust->admit == NULL) {
        return ST_OK;
    }
    enum status status =
        trust->admit(trust->admit_argument, part->signed_, &old_key, &new_key, &until_ms, err);
    if (status != ST_OK || proof_ring_has(ring, &new_key)) {
        return status;
    }
    size_t old = 0;
    while (old < ring->count && !digest_equal(&ring->keys[old].key, &old_key)) {
        old++;
    }
    if (old == ring->count) {
        return error_set(err, ST_UNPROVEN, "a new key of the log follows one that is not known");
    }
    struct proof_ring next = *ring;
    status = prove(receipt, &ring->keys[old], 1, err);
    if (status == ST_OK) {
        status = proof_ring_follow(&next, &old_key, &new_key, until_ms, err);
    }
    if (status == ST_OK) {
        status = keep_keys(trust, &next, err);
    }
    if (status == ST_OK) {
        trust->ring = next;
        trust->followed++;
    }
    return status;
}

static enum status follow_tags(struct peer_trust *trust, const struct wire_receipt *receipt,
                               const struct wire_key_change *change, struct error *err)
{
    if (change->number < 2 || change->number > PEER_TAG_KEYS_MAX) {
        return error_set(err, ST_UNPROVEN, "a key of tags with the number %u", change->number);
    }
    size_t place = change->number - 1;
    enum status status = prove(receipt, trust->ring.keys, trust->ring.count, err);
    if (status == ST_OK && trust->tags_proven[place] &&
        trust->tag_entries[place] != receipt->index) {
        status = error_set(err, ST_UNPROVEN, "the key %u of tags comes from two entries",
                           change->number);
    }
    if (status == ST_OK) {
        trust->tags_proven[place] = true;
        trust->tag_entries[place] = receipt->index;
    }
    return status;
}

static enum status follow(struct peer_trust *trust, const struct wire_receipt *receipt,
                          struct arena *arena, struct error *err)
{
    struct wire_public_part part;
    if (receipt->extra->part_type != WIRE_PART_PUBLIC) {
        return error_set(err, ST_UNPROVEN, "a change of keys without its public part");
    }
    enum status status =
        wire_decode(WIRE_SCHEMA_PUBLIC_PART, receipt->extra->part, arena, &part, err);
    if (status != ST_OK) {
        return status;
    }
    if (part.kind != WIRE_KIND_KEY_CHANGE || part.key_change == NULL) {
        return error_set(err, ST_UNPROVEN, "an entry that changes no key");
    }
    switch ((enum wire_key_changed)part.key_change->what) {
    case WIRE_KEY_OF_LOG:
        return follow_log(trust, receipt, &part, err);
    case WIRE_KEY_OF_TAGS:
        return follow_tags(trust, receipt, part.key_change, err);
    case WIRE_KEY_OF_BODIES:
    case WIRE_KEY_MASTER:
        break;
    }
    return ST_OK;
}

enum status peer_trust_follow(struct peer_trust *trust, const struct wire_receipt *receipts,
                              size_t count, struct error *err)
{
    if (count == 0) {
        return ST_OK;
    }
    struct arena *arena = arena_create(FOLLOW_ARENA_BYTES);
    enum status status = arena == NULL ? error_set(err, ST_NOMEM, "keys of the log") : ST_OK;
    for (size_t i = 0; status == ST_OK && i < count; i++) {
        status = follow(trust, &receipts[i], arena, err);
        arena_reset(arena);
    }
    arena_destroy(&arena);
    return status == ST_OK ? ST_OK : error_wrap(err, "a change of the log's keys");
}
