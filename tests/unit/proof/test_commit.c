#include "proof/commit.h"

#include "hex.h"
#include "seal/hash.h"
#include "test.h"

TEST(a_leaf_is_38_bytes_and_reads_back)
{
    struct error err;
    struct proof_leaf leaf = { .class = PROOF_CLASS_CONSENT,
                               .minutes = 0x01020304,
                               .commitment = count_digest(0x40) };
    struct proof_leaf read;
    uint8_t bytes[PROOF_LEAF_BYTES];
    proof_leaf_encode(&leaf, bytes);
    assert_memory_equal(bytes, "\x01\x02\x01\x02\x03\x04\x40\x41", 8);
    assert_ok(proof_leaf_decode(bytes_of(bytes, sizeof(bytes)), &read, &err));
    assert_int_equal(read.class, leaf.class);
    assert_int_equal(read.minutes, leaf.minutes);
    assert_true(digest_equal(&read.commitment, &leaf.commitment));
}

TEST(a_leaf_of_another_size_format_or_class_is_refused)
{
    struct error err;
    struct proof_leaf leaf = { .class = PROOF_CLASS_EPOCH };
    uint8_t bytes[PROOF_LEAF_BYTES + 1] = { 0 };
    proof_leaf_encode(&leaf, bytes);
    assert_status(ST_MALFORMED, proof_leaf_decode(bytes_of(bytes, 37), &leaf, &err));
    assert_status(ST_MALFORMED, proof_leaf_decode(bytes_of(bytes, 39), &leaf, &err));
    assert_status(ST_MALFORMED, proof_leaf_decode((struct bytes){ 0 }, &leaf, &err));
    bytes[1] = 0;
    assert_status(ST_MALFORMED, proof_leaf_decode(bytes_of(bytes, 38), &leaf, &err));
    bytes[1] = 7;
    assert_status(ST_MALFORMED, proof_leaf_decode(bytes_of(bytes, 38), &leaf, &err));
    bytes[0] = 2;
    assert_status(ST_UNSUPPORTED, proof_leaf_decode(bytes_of(bytes, 38), &leaf, &err));
}

TEST(each_class_has_its_parts_in_their_order)
{
    const uint8_t *types = NULL;
    assert_int_equal(proof_class_parts(PROOF_CLASS_EXCHANGE, &types), 3);
    assert_memory_equal(types, "\1\2\3", 3);
    assert_int_equal(proof_class_parts(PROOF_CLASS_OVERSIGHT, &types), 2);
    assert_memory_equal(types, "\2\3", 2);
    assert_int_equal(proof_class_parts(PROOF_CLASS_GOVERNANCE, &types), 2);
    assert_memory_equal(types, "\3\4", 2);
    assert_int_equal(proof_class_parts(0, NULL), 0);
    assert_int_equal(proof_class_parts(7, NULL), 0);
    assert_int_equal(proof_class_place(PROOF_CLASS_EXCHANGE, PROOF_PART_OFFICER), 2);
    assert_int_equal(proof_class_place(PROOF_CLASS_EXCHANGE, PROOF_PART_PUBLIC), -1);
    assert_int_equal(proof_class_place(PROOF_CLASS_GOVERNANCE, PROOF_PART_PUBLIC), 1);
    assert_int_equal(proof_class_place(99, PROOF_PART_PUBLIC), -1);
}

TEST(commitments_are_hashes_of_label_count_and_parts)
{
    struct digest salt = count_digest(0x10);
    struct digest part = proof_part_hash(PROOF_PART_EXCHANGE, &salt, bytes_text("abc"));
    uint8_t part_text[14 + 1 + 32 + 3] = "vedomo/1 part";
    part_text[14] = PROOF_PART_EXCHANGE;
    memcpy(part_text + 15, salt.bytes, 32);
    memcpy(part_text + 47, "abc", 3);
    struct digest wanted = seal_sha256(bytes_of(part_text, sizeof(part_text)));
    assert_true(digest_equal(&part, &wanted));

    struct digest parts[2] = { count_digest(1), count_digest(2) };
    struct digest body = proof_body_commitment(PROOF_CLASS_GOVERNANCE, parts);
    uint8_t body_text[14 + 1 + 64] = "vedomo/1 body";
    body_text[14] = 2;
    memcpy(body_text + 15, parts, 64);
    wanted = seal_sha256(bytes_of(body_text, sizeof(body_text)));
    assert_true(digest_equal(&body, &wanted));
}

TEST(a_part_hash_depends_on_type_salt_and_bytes)
{
    struct digest salt = count_digest(1);
    struct digest other = count_digest(2);
    struct digest hashes[] = {
        proof_part_hash(1, &salt, bytes_text("a")),     proof_part_hash(2, &salt, bytes_text("a")),
        proof_part_hash(1, &other, bytes_text("a")),    proof_part_hash(1, &salt, bytes_text("b")),
        proof_part_hash(1, &salt, (struct bytes){ 0 }),
    };
    for (size_t i = 0; i < ARRAY_COUNT(hashes); i++) {
        for (size_t k = 0; k < i; k++) {
            assert_false(digest_equal(&hashes[i], &hashes[k]));
        }
    }
}
