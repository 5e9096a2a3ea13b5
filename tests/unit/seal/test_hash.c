#include "seal/hash.h"

#include "hex.h"
#include "test.h"

TEST(sha256_gives_the_answers_of_fips_180)
{
    assert_digest(seal_sha256(bytes_text("abc")),
                  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_digest(seal_sha256((struct bytes){ 0 }),
                  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_digest(
        seal_sha256(bytes_text("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(parts_hash_as_their_concatenation)
{
    const struct bytes parts[] = { bytes_text("a"), { 0 }, bytes_text("bc") };
    struct digest whole = seal_sha256(bytes_text("abc"));
    struct digest pieces = seal_sha256_parts(parts, ARRAY_COUNT(parts));
    assert_true(digest_equal(&whole, &pieces));
}

TEST(leaf_and_node_hashes_have_their_prefixes)
{
    assert_digest(seal_leaf_hash((struct bytes){ 0 }),
                  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    uint8_t zero = 0;
    struct digest left = seal_leaf_hash((struct bytes){ 0 });
    struct digest right = seal_leaf_hash(bytes_of(&zero, 1));
    assert_digest(seal_node_hash(&left, &right),
                  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125");
}

TEST(blake2b_agrees_with_another_implementation)
{
    struct digest key = count_digest(0);
    struct bytes abc = bytes_text("abc");
    assert_digest(seal_blake2b((struct bytes){ 0 }, &abc, 1),
                  "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
    assert_digest(seal_blake2b(bytes_digest(&key), &abc, 1),
                  "d63a32d3e44738d7907f964316c241adaba0abfeabc32349677578a15a203f7f");
    assert_digest(seal_blake2b(bytes_digest(&key), NULL, 0),
                  "4e51e7a913fc80137da52880fecca175bf81e117d5c68126dc2774033517ea0d");
}

TEST(a_label_ends_in_one_nul_byte)
{
    struct bytes label = seal_label("vedomo/1 pair");
    assert_int_equal(label.size, 14);
    assert_int_equal(label.data[13], 0);
}

TEST(integers_are_big_endian)
{
    uint8_t storage[8];
    assert_memory_equal(seal_u16(storage, 0x0102).data, "\x01\x02", 2);
    assert_memory_equal(seal_u64(storage, 0x0102030405060708).data, "\1\2\3\4\5\6\7\10", 8);
}

TEST(leaves_of_every_length_hash_as_their_bytes_do)
{
    static const uint8_t prefix = 0;
    uint8_t data[200];
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)(7 * i + 1);
    }
    for (size_t size = 0; size <= sizeof(data); size++) {
        const struct bytes parts[] = { bytes_of(&prefix, 1), bytes_of(data, size) };
        struct digest expected = seal_sha256_parts(parts, ARRAY_COUNT(parts));
        struct digest leaf = seal_leaf_hash(bytes_of(data, size));
        assert_true(digest_equal(&leaf, &expected));
    }
}
