#include "proof/cache.h"

#include "hex.h"
#include "seal/hash.h"
#include "seal/secret.h"
#include "seal/sign.h"
#include "test.h"

#include <stdio.h>

struct setting {
    struct seal_signer *signer;
    struct proof_key log;
    struct proof_cache *cache;
};

static void set_up(struct setting *s, size_t capacity)
{
    struct error err;
    struct digest seed = count_digest(0);
    struct seal_secret *secret = NULL;
    assert_ok(seal_secret_copy(bytes_digest(&seed), &secret, &err));
    assert_ok(seal_signer_create(secret, &s->signer, &err));
    seal_secret_destroy(&secret);
    assert_ok(proof_key_make("example.com/audit", PROOF_KEY_ED25519, seal_signer_key(s->signer),
                             &s->log, &err));
    s->cache = proof_cache_create(capacity);
    assert_non_null(s->cache);
}

static void tear_down(struct setting *s)
{
    seal_signer_destroy(&s->signer);
    proof_cache_destroy(&s->cache);
    assert_null(s->cache);
    proof_cache_destroy(&s->cache);
}

// A signed checkpoint of `size`.
static struct buffer note_of(const struct setting *s, uint64_t size)
{
    struct proof_checkpoint checkpoint = { .size = size, .root = count_digest((uint8_t)size) };
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    snprintf(checkpoint.origin, sizeof(checkpoint.origin), "%s", s->log.name);
    proof_checkpoint_sign(&checkpoint, &s->log, s->signer, &note);
    return note;
}

// Opens a checkpoint of `size`; returns whether that took a verification.
static bool open_size(struct setting *s, uint64_t size)
{
    struct error err;
    struct proof_checkpoint checkpoint;
    struct buffer note = note_of(s, size);
    uint64_t before = proof_cache_misses(s->cache);
    assert_ok(proof_cache_open(s->cache, buffer_view(&note), &s->log, &checkpoint, &err));
    assert_int_equal(checkpoint.size, size);
    buffer_fini(&note);
    return proof_cache_misses(s->cache) != before;
}

TEST(a_checkpoint_is_verified_once)
{
    struct setting s;
    set_up(&s, 4);
    assert_true(open_size(&s, 1));
    assert_true(open_size(&s, 2));
    assert_false(open_size(&s, 1));
    assert_false(open_size(&s, 2));
    tear_down(&s);
}

TEST(the_oldest_checkpoint_makes_room)
{
    struct setting s;
    set_up(&s, 3);
    for (uint64_t size = 1; size <= 4; size++) {
        assert_true(open_size(&s, size));
    }
    assert_false(open_size(&s, 2));
    assert_false(open_size(&s, 4));
    assert_true(open_size(&s, 1));
    assert_true(open_size(&s, 2));
    tear_down(&s);
}

TEST(a_bad_note_neither_opens_nor_takes_a_place)
{
    struct error err;
    struct setting s;
    struct proof_checkpoint checkpoint;
    set_up(&s, 1);
    assert_true(open_size(&s, 1));
    struct buffer note = note_of(&s, 1);
    for (size_t i = 0; i < note.size; i++) {
        note.data[i] ^= 1;
        assert_true(proof_cache_open(s.cache, buffer_view(&note), &s.log, &checkpoint, &err) !=
                    ST_OK);
        note.data[i] ^= 1;
    }
    assert_false(open_size(&s, 1));
    buffer_fini(&note);
    tear_down(&s);
}

TEST(a_known_note_does_not_open_under_another_key_or_name)
{
    struct error err;
    struct setting s;
    struct proof_checkpoint checkpoint;
    set_up(&s, 2);
    assert_true(open_size(&s, 1));
    struct buffer note = note_of(&s, 1);
    struct proof_key other = s.log;
    other.key.bytes[0] ^= 1;
    assert_status(ST_UNPROVEN,
                  proof_cache_open(s.cache, buffer_view(&note), &other, &checkpoint, &err));
    assert_ok(proof_key_make("example.com/other", PROOF_KEY_ED25519, &s.log.key, &other, &err));
    assert_status(ST_UNPROVEN,
                  proof_cache_open(s.cache, buffer_view(&note), &other, &checkpoint, &err));
    buffer_fini(&note);
    tear_down(&s);
}

TEST(a_receipt_verifies_through_the_cache)
{
    struct error err;
    struct setting s;
    set_up(&s, 2);
    struct digest salt = count_digest(1);
    struct digest parts[2] = { count_digest(2),
                               proof_part_hash(PROOF_PART_PUBLIC, &salt, bytes_text("part")) };
    struct proof_leaf leaf = { .class = PROOF_CLASS_GOVERNANCE,
                               .commitment = proof_body_commitment(PROOF_CLASS_GOVERNANCE, parts) };
    uint8_t leaf_bytes[PROOF_LEAF_BYTES];
    proof_leaf_encode(&leaf, leaf_bytes);
    struct proof_checkpoint checkpoint = { .origin = "example.com/audit",
                                           .size = 1,
                                           .root = seal_leaf_hash(
                                               bytes_of(leaf_bytes, sizeof(leaf_bytes))) };
    struct buffer note = buffer_init(PROOF_NOTE_MAX);
    proof_checkpoint_sign(&checkpoint, &s.log, s.signer, &note);
    const struct bytes other = bytes_digest(&parts[0]);
    struct proof_receipt receipt = { .checkpoint = buffer_view(&note),
                                     .leaf = bytes_of(leaf_bytes, sizeof(leaf_bytes)),
                                     .part_type = PROOF_PART_PUBLIC,
                                     .part_salt = salt,
                                     .part = bytes_text("part"),
                                     .others = &other,
                                     .other_count = 1 };
    struct proof_proven proven;
    for (size_t i = 0; i < 3; i++) {
        assert_ok(proof_cache_verify(s.cache, &receipt, &s.log, &proven, &err));
        assert_int_equal(proof_cache_misses(s.cache), 1);
    }
    receipt.part = bytes_text("parT");
    assert_status(ST_UNPROVEN, proof_cache_verify(s.cache, &receipt, &s.log, &proven, &err));
    receipt.part = bytes_text("part");
    receipt.checkpoint.size--;
    assert_status(ST_MALFORMED, proof_cache_verify(s.cache, &receipt, &s.log, &proven, &err));
    buffer_fini(&note);
    tear_down(&s);
}
