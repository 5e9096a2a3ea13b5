#include "seal/batch.h"

#include "seal/hash.h"
#include "signer.h"

// A batch of `count` messages whose payload is their number.
struct batch {
    struct seal_signer *signer;
    struct digest audience;
    size_t count;
    struct digest salts[SEAL_BATCH_MAX];
    uint8_t payloads[SEAL_BATCH_MAX][2];
    struct seal_batch_path paths[SEAL_BATCH_MAX];
    uint8_t signature[SEAL_SIGNATURE_BYTES];
};

static void batch_make(struct batch *batch, uint8_t first, size_t count)
{
    struct digest leaves[SEAL_BATCH_MAX];
    batch->signer = signer_of(first);
    batch->audience = seal_audience(bytes_text("example.com/audit"));
    batch->count = count;
    for (size_t i = 0; i < count; i++) {
        batch->salts[i] = count_digest((uint8_t)i);
        seal_u16(batch->payloads[i], (uint16_t)i);
        leaves[i] = seal_batch_leaf("request", &batch->salts[i], bytes_of(batch->payloads[i], 2));
    }
    seal_batch_sign(batch->signer, &batch->audience, leaves, count, batch->signature, batch->paths);
}

static void batch_drop(struct batch *batch)
{
    seal_signer_destroy(&batch->signer);
}

static struct seal_batch_sig batch_sig(const struct batch *batch, size_t i)
{
    return (struct seal_batch_sig){
        .key = *seal_signer_key(batch->signer),
        .size = (uint32_t)batch->count,
        .index = (uint32_t)i,
        .salt = batch->salts[i],
        .path = bytes_of(batch->paths[i].steps, batch->paths[i].count * DIGEST_BYTES),
        .signature = bytes_of(batch->signature, SEAL_SIGNATURE_BYTES),
    };
}

static struct bytes batch_payload(const struct batch *batch, size_t i)
{
    return bytes_of(batch->payloads[i], 2);
}

TEST(every_message_of_every_size_of_batch_verifies)
{
    struct error err;
    struct seal_batch_cache *cache = seal_batch_cache_create(64);
    assert_non_null(cache);
    for (size_t count = 1; count <= SEAL_BATCH_MAX; count++) {
        struct batch batch;
        batch_make(&batch, 1, count);
        for (size_t i = 0; i < count; i++) {
            struct seal_batch_sig sig = batch_sig(&batch, i);
            assert_ok(seal_batch_verify(cache, &batch.audience, &sig, "request",
                                        batch_payload(&batch, i), &err));
        }
        batch_drop(&batch);
    }
    seal_batch_cache_destroy(&cache);
}

TEST(a_message_verifies_without_a_cache)
{
    struct error err;
    struct batch batch;
    batch_make(&batch, 1, 3);
    struct seal_batch_sig sig = batch_sig(&batch, 2);
    assert_ok(
        seal_batch_verify(NULL, &batch.audience, &sig, "request", batch_payload(&batch, 2), &err));
    batch_drop(&batch);
}

// What verifying gives when one thing is off.
static enum status verdict(const struct batch *batch, const struct digest *audience,
                           const struct seal_batch_sig *sig, const char *type, struct bytes payload)
{
    struct error err;
    struct seal_batch_cache *cache = seal_batch_cache_create(16);
    // The true root is in the cache: what is off must not slip through it.
    struct seal_batch_sig good = batch_sig(batch, 0);
    assert_ok(seal_batch_verify(cache, &batch->audience, &good, "request", batch_payload(batch, 0),
                                &err));
    enum status status = seal_batch_verify(cache, audience, sig, type, payload, &err);
    seal_batch_cache_destroy(&cache);
    return status;
}

TEST(a_message_does_not_pass_as_another_type_payload_place_or_at_another_audience)
{
    struct batch batch;
    batch_make(&batch, 1, 5);
    struct bytes payload = batch_payload(&batch, 3);
    const struct seal_batch_sig good = batch_sig(&batch, 3);
    struct seal_batch_sig sig = good;
    assert_status(ST_OK, verdict(&batch, &batch.audience, &sig, "request", payload));
    assert_status(ST_UNPROVEN, verdict(&batch, &batch.audience, &sig, "answer", payload));
    assert_status(ST_UNPROVEN,
                  verdict(&batch, &batch.audience, &sig, "request", batch_payload(&batch, 2)));
    struct digest elsewhere = seal_audience(bytes_text("example.org/audit"));
    assert_status(ST_UNPROVEN, verdict(&batch, &elsewhere, &sig, "request", payload));
    sig.index = 2;
    assert_status(ST_UNPROVEN, verdict(&batch, &batch.audience, &sig, "request", payload));
    sig = good;
    sig.salt.bytes[0] ^= 1;
    assert_status(ST_UNPROVEN, verdict(&batch, &batch.audience, &sig, "request", payload));
    sig = good;
    sig.key.bytes[0] ^= 1;
    assert_status(ST_UNPROVEN, verdict(&batch, &batch.audience, &sig, "request", payload));
    sig = good;
    sig.size = 6; // message 3 has a path of the same length in 5 and in 6
    assert_status(ST_UNPROVEN, verdict(&batch, &batch.audience, &sig, "request", payload));
    batch_drop(&batch);
}

TEST(a_signature_of_another_shape_is_malformed)
{
    struct batch batch;
    batch_make(&batch, 1, 5);
    struct bytes payload = batch_payload(&batch, 4);
    const struct seal_batch_sig good = batch_sig(&batch, 4);
    struct seal_batch_sig sig = good;
    sig.index = 5;
    assert_status(ST_MALFORMED, verdict(&batch, &batch.audience, &sig, "request", payload));
    sig = good;
    sig.size = 0;
    assert_status(ST_MALFORMED, verdict(&batch, &batch.audience, &sig, "request", payload));
    sig.size = SEAL_BATCH_MAX + 1;
    assert_status(ST_MALFORMED, verdict(&batch, &batch.audience, &sig, "request", payload));
    sig = good;
    sig.path.size -= 1;
    assert_status(ST_MALFORMED, verdict(&batch, &batch.audience, &sig, "request", payload));
    sig.path.size = 0;
    assert_status(ST_MALFORMED, verdict(&batch, &batch.audience, &sig, "request", payload));
    sig = good;
    sig.path = bytes_of(batch.paths[0].steps, 3 * DIGEST_BYTES);
    assert_status(ST_MALFORMED, verdict(&batch, &batch.audience, &sig, "request", payload));
    sig = good;
    sig.signature.size = 63;
    assert_status(ST_MALFORMED, verdict(&batch, &batch.audience, &sig, "request", payload));
    batch_drop(&batch);
}

TEST(a_place_outside_its_batch_is_malformed_even_where_the_path_would_fit)
{
    struct error err;
    struct digest root;
    struct batch batch;
    batch_make(&batch, 1, 1);
    struct seal_batch_sig sig = batch_sig(&batch, 0);
    struct bytes payload = batch_payload(&batch, 0);
    sig.index = 1; // of one: no path either
    assert_status(ST_MALFORMED, seal_batch_root(&sig, "request", payload, &root, &err));
    sig.size = SEAL_BATCH_MAX + 1;
    sig.index = SEAL_BATCH_MAX; // the last of 257 has a path of one step
    sig.path = bytes_of(batch.salts, DIGEST_BYTES);
    assert_status(ST_MALFORMED, seal_batch_root(&sig, "request", payload, &root, &err));
    sig.size = 65537; // 1, if it were cut to the 16 bits that are signed
    sig.index = 65536;
    assert_status(ST_MALFORMED, seal_batch_root(&sig, "request", payload, &root, &err));
    batch_drop(&batch);
}

TEST(another_signature_on_a_known_root_is_not_taken_on_trust)
{
    // Otherwise a signer could hand in messages whose stored signature proves nothing later.
    struct batch batch;
    batch_make(&batch, 1, 4);
    uint8_t garbage[SEAL_SIGNATURE_BYTES] = { 7 };
    struct seal_batch_sig sig = batch_sig(&batch, 1);
    sig.signature = bytes_of(garbage, sizeof(garbage));
    assert_status(ST_UNPROVEN,
                  verdict(&batch, &batch.audience, &sig, "request", batch_payload(&batch, 1)));
    batch_drop(&batch);
}

TEST(a_known_root_needs_no_public_key_work_until_its_key_is_dropped)
{
    struct error err;
    struct batch mine;
    struct batch theirs;
    batch_make(&mine, 1, 2);
    batch_make(&theirs, 2, 2);
    struct seal_batch_cache *cache = seal_batch_cache_create(16);
    struct seal_batch_sig sigs[2] = { batch_sig(&mine, 1), batch_sig(&theirs, 1) };
    struct digest roots[2];
    for (size_t i = 0; i < 2; i++) {
        struct bytes payload = batch_payload(&mine, 1);
        assert_ok(seal_batch_root(&sigs[i], "request", payload, &roots[i], &err));
        assert_false(seal_batch_known(cache, &mine.audience, &sigs[i], &roots[i]));
        assert_true(seal_batch_check(cache, &mine.audience, &sigs[i], &roots[i]));
        assert_true(seal_batch_known(cache, &mine.audience, &sigs[i], &roots[i]));
    }
    seal_batch_cache_drop(cache, &sigs[0].key);
    assert_false(seal_batch_known(cache, &mine.audience, &sigs[0], &roots[0]));
    assert_true(seal_batch_known(cache, &mine.audience, &sigs[1], &roots[1]));
    seal_batch_cache_destroy(&cache);
    assert_null(cache);
    batch_drop(&mine);
    batch_drop(&theirs);
}

TEST(the_cache_is_bounded_and_keeps_the_newest)
{
    enum { ROUNDS = 200, CAPACITY = 16 };
    struct error err;
    struct seal_batch_cache *cache = seal_batch_cache_create(CAPACITY);
    struct seal_signer *signer = signer_of(1);
    struct digest audience = count_digest(3);
    static struct seal_batch_path path;
    static uint8_t signatures[ROUNDS][SEAL_SIGNATURE_BYTES];
    static struct seal_batch_sig sigs[ROUNDS];
    static struct digest roots[ROUNDS];
    for (size_t i = 0; i < ROUNDS; i++) {
        struct digest salt = count_digest((uint8_t)i);
        struct digest leaf = seal_batch_leaf("request", &salt, (struct bytes){ 0 });
        seal_batch_sign(signer, &audience, &leaf, 1, signatures[i], &path);
        sigs[i] = (struct seal_batch_sig){ .key = *seal_signer_key(signer),
                                           .size = 1,
                                           .salt = salt,
                                           .signature = bytes_of(signatures[i], 64) };
        assert_ok(seal_batch_root(&sigs[i], "request", (struct bytes){ 0 }, &roots[i], &err));
        assert_true(seal_batch_check(cache, &audience, &sigs[i], &roots[i]));
        assert_true(seal_batch_known(cache, &audience, &sigs[i], &roots[i]));
    }
    size_t known = 0;
    for (size_t i = 0; i < ROUNDS; i++) {
        known += seal_batch_known(cache, &audience, &sigs[i], &roots[i]) ? 1 : 0;
    }
    assert_in_range(known, 1, CAPACITY);
    seal_batch_cache_destroy(&cache);
    seal_signer_destroy(&signer);
}
