#include "seal/sign.h"

#include "signer.h"

static struct seal_signer *signer_of_hex(const char *seed_hex)
{
    struct digest seed = hex_digest(seed_hex);
    return signer_of_seed(&seed);
}

TEST(signatures_are_those_of_rfc_8032)
{
    static const struct {
        const char *seed, *key, *message, *signature;
    } vectors[] = {
        { "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
          "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
          "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e3970"
          "1cf"
          "9b46bd25bf5f0595bbe24655141438e7a100b" },
        { "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
          "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
          "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613"
          "d0f"
          "11d8c387b2eaeb4302aeeb00d291612bb0c00" },
        { "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
          "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
          "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760"
          "984"
          "dc6594a7c15e9716ed28dc027beceea1ec40a" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(vectors); i++) {
        uint8_t room[2][64];
        struct seal_signer *signer = signer_of_hex(vectors[i].seed);
        assert_digest(*seal_signer_key(signer), vectors[i].key);
        struct bytes message = hex_into(vectors[i].message, room[0], sizeof(room[0]));
        struct bytes wanted = hex_into(vectors[i].signature, room[1], sizeof(room[1]));
        uint8_t signature[SEAL_SIGNATURE_BYTES];
        seal_sign(signer, message, signature);
        assert_memory_equal(signature, wanted.data, sizeof(signature));
        assert_true(seal_verify(seal_signer_key(signer), message, wanted));
        seal_signer_destroy(&signer);
        assert_null(signer);
    }
}

TEST(one_changed_bit_anywhere_does_not_verify)
{
    struct seal_signer *signer =
        signer_of_hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    uint8_t message[] = "a message";
    uint8_t signature[SEAL_SIGNATURE_BYTES];
    struct digest key = *seal_signer_key(signer);
    seal_sign(signer, bytes_of(message, sizeof(message)), signature);
    for (size_t bit = 0; bit < 8 * sizeof(signature); bit++) {
        signature[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_false(seal_verify(&key, bytes_of(message, sizeof(message)),
                                 bytes_of(signature, sizeof(signature))));
        signature[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    message[0] ^= 1;
    assert_false(seal_verify(&key, bytes_of(message, sizeof(message)),
                             bytes_of(signature, sizeof(signature))));
    seal_signer_destroy(&signer);
}

TEST(a_signature_of_another_length_does_not_verify)
{
    struct seal_signer *signer =
        signer_of_hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    uint8_t signature[SEAL_SIGNATURE_BYTES + 1] = { 0 };
    seal_sign(signer, bytes_text("m"), signature);
    const struct digest *key = seal_signer_key(signer);
    assert_true(seal_verify(key, bytes_text("m"), bytes_of(signature, 64)));
    assert_false(seal_verify(key, bytes_text("m"), bytes_of(signature, 63)));
    assert_false(seal_verify(key, bytes_text("m"), bytes_of(signature, 65)));
    assert_false(seal_verify(key, bytes_text("m"), (struct bytes){ 0 }));
    seal_signer_destroy(&signer);
}

TEST(a_signature_whose_s_is_not_reduced_does_not_verify)
{
    // S + L signs the same in the group, so a lax verifier takes it for a second signature.
    static const uint8_t order[32] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,       0xd6,
                                       0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10 };
    struct seal_signer *signer =
        signer_of_hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    uint8_t signature[SEAL_SIGNATURE_BYTES];
    seal_sign(signer, bytes_text("m"), signature);
    unsigned carry = 0;
    for (size_t i = 0; i < 32; i++) {
        unsigned sum = signature[32 + i] + order[i] + carry;
        signature[32 + i] = (uint8_t)sum;
        carry = sum >> 8;
    }
    assert_false(seal_verify(seal_signer_key(signer), bytes_text("m"), bytes_of(signature, 64)));
    seal_signer_destroy(&signer);
}

TEST(a_key_of_small_order_verifies_nothing)
{
    // The neutral element with R = neutral and S = 0 satisfies the equation for every message.
    struct digest key = { .bytes = { 1 } };
    uint8_t signature[SEAL_SIGNATURE_BYTES] = { 1 };
    assert_false(seal_verify(&key, bytes_text("anything"), bytes_of(signature, 64)));
}

TEST(a_seed_of_another_size_is_refused)
{
    struct error err;
    struct seal_secret *secret = NULL;
    struct seal_signer *signer = NULL;
    assert_ok(seal_secret_random(31, &secret, &err));
    assert_status(ST_MALFORMED, seal_signer_create(secret, &signer, &err));
    assert_null(signer);
    seal_secret_destroy(&secret);
}

TEST(a_public_key_reads_back_from_its_text)
{
    struct error err;
    struct digest key = count_digest(9);
    struct digest read = { 0 };
    struct buffer text = buffer_init(100);
    seal_key_format(&text, &key);
    assert_ok(buffer_ok(&text, "key", &err));
    assert_true(bytes_equal_text(buffer_view(&text),
                                 "ed25519:CQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJyg="));
    assert_true(seal_key_parse(buffer_view(&text), &read));
    assert_true(digest_equal(&key, &read));
    buffer_fini(&text);
}

TEST(what_is_not_the_text_of_a_public_key_is_refused)
{
    static const char *const texts[] = {
        "",
        "ed25519:",
        "ed25519:AAAA",
        "CQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJyg=",
        "ED25519:CQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJyg=",
        "ed25519:CQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJyh=",
        "ed25519:CQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJyg",
        "ed25519:CQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygA",
        "ed25519:CQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJyg=\n",
    };
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        struct digest key;
        assert_false(seal_key_parse(bytes_text(texts[i]), &key));
    }
}
