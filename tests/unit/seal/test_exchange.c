#include "seal/exchange.h"

#include "hex.h"
#include "seal/hash.h"
#include "seal/secret.h"
#include "test.h"

static struct seal_secret *secret_of(const char *hex)
{
    struct error err;
    struct digest bytes = hex_digest(hex);
    struct seal_secret *secret = NULL;
    assert_ok(seal_secret_copy(bytes_digest(&bytes), &secret, &err));
    return secret;
}

TEST(shared_secrets_are_those_of_rfc_7748)
{
    static const char *const vectors[][3] = {
        { "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
          "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
          "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552" },
        { "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
          "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
          "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957" },
    };
    for (size_t i = 0; i < ARRAY_COUNT(vectors); i++) {
        struct error err;
        struct seal_secret *secret = secret_of(vectors[i][0]);
        struct digest other = hex_digest(vectors[i][1]);
        struct digest shared;
        assert_ok(seal_shared(secret, &other, &shared, &err));
        assert_digest(shared, vectors[i][2]);
        seal_secret_destroy(&secret);
    }
}

TEST(both_sides_share_the_same_secret)
{
    struct error err;
    struct seal_secret *secrets[2] = { 0 };
    struct digest keys[2];
    struct digest shared[2];
    for (size_t i = 0; i < 2; i++) {
        assert_ok(seal_exchange_create(&secrets[i], &keys[i], &err));
        struct digest again;
        assert_ok(seal_exchange_public(secrets[i], &again, &err));
        assert_true(digest_equal(&again, &keys[i]));
    }
    for (size_t i = 0; i < 2; i++) {
        assert_ok(seal_shared(secrets[i], &keys[1 - i], &shared[i], &err));
    }
    assert_true(digest_equal(&shared[0], &shared[1]));
    seal_secret_destroy(&secrets[0]);
    seal_secret_destroy(&secrets[1]);
}

TEST(a_key_of_small_order_is_refused)
{
    static const char *const keys[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    };
    struct error err;
    struct seal_secret *secret =
        secret_of("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4");
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        struct digest key = hex_digest(keys[i]);
        struct digest shared = count_digest(1);
        struct digest before = shared;
        assert_status(ST_UNPROVEN, seal_shared(secret, &key, &shared, &err));
        assert_true(digest_equal(&shared, &before));
    }
    seal_secret_destroy(&secret);
}

TEST(a_secret_of_another_size_is_refused)
{
    struct error err;
    struct seal_secret *secret = NULL;
    struct digest key = count_digest(1);
    struct digest shared;
    assert_ok(seal_secret_random(16, &secret, &err));
    assert_status(ST_MALFORMED, seal_shared(secret, &key, &shared, &err));
    assert_status(ST_MALFORMED, seal_exchange_public(secret, &key, &err));
    seal_secret_destroy(&secret);
}

TEST(a_request_hash_is_not_the_hash_of_the_payload)
{
    struct digest request = seal_request_hash(bytes_text("payload"));
    struct digest announcement = seal_announcement_hash(bytes_text("payload"));
    assert_false(digest_equal(&request, &announcement));
    struct digest wanted = seal_sha256(bytes_of("vedomo/1 request\0payload", 24));
    assert_true(digest_equal(&request, &wanted));
}

TEST(the_pair_key_depends_on_who_asks_whom)
{
    struct digest shared = count_digest(1);
    struct digest asker = count_digest(2);
    struct digest holder = count_digest(3);
    struct digest there = seal_pair_key(&shared, &asker, &holder);
    struct digest back = seal_pair_key(&shared, &holder, &asker);
    assert_false(digest_equal(&there, &back));
}

enum { SECRET_BYTES = 20, SECRET_BOX_BYTES = SECRET_BYTES + SEAL_TAG_BYTES };

TEST(parameters_open_only_under_their_own_request_and_announcements)
{
    struct digest pair = count_digest(1);
    struct seal_params params = { count_digest(2), count_digest(3), count_digest(4) };
    uint8_t box[SECRET_BOX_BYTES];
    uint8_t plain[SECRET_BYTES];
    struct bytes sealed = bytes_of(box, sizeof(box));
    seal_params_close(&pair, &params, bytes_of("twenty secret bytes.", SECRET_BYTES), box);
    assert_true(seal_params_open(&pair, &params, sealed, plain));
    assert_memory_equal(plain, "twenty secret bytes.", SECRET_BYTES);

    struct digest *const bound[] = { &params.nonce, &params.asker_announcement,
                                     &params.holder_announcement, &pair };
    for (size_t i = 0; i < ARRAY_COUNT(bound); i++) {
        bound[i]->bytes[i] ^= 1;
        assert_false(seal_params_open(&pair, &params, sealed, plain));
        bound[i]->bytes[i] ^= 1;
    }
}

TEST(a_field_opens_only_as_what_it_was_sealed_for)
{
    struct digest pair = count_digest(1);
    struct digest nonce = count_digest(5);
    const struct seal_field good = { .request_hash = count_digest(2),
                                     .index = 7,
                                     .dataset = bytes_text("health.certificate"),
                                     .name = bytes_text("valid"),
                                     .form = bytes_text("exists") };
    struct digest key = seal_answer_key(&pair, &good.request_hash, &nonce);
    uint8_t box[SECRET_BOX_BYTES];
    uint8_t plain[SECRET_BYTES];
    struct bytes sealed = bytes_of(box, sizeof(box));
    seal_field_close(&key, &good, bytes_of("twenty secret bytes.", SECRET_BYTES), box);
    assert_true(seal_field_open(&key, &good, sealed, plain));
    assert_memory_equal(plain, "twenty secret bytes.", SECRET_BYTES);

    struct seal_field others[6];
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        others[i] = good;
    }
    others[0].request_hash.bytes[0] ^= 1;
    others[1].index = 8;
    others[2].dataset = bytes_text("health.certificates");
    others[3].name = bytes_text("validity");
    others[4].form = bytes_text("full");
    others[5].name = bytes_text("val");
    others[5].form = bytes_text("idexists"); // the same letters, cut elsewhere
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        assert_false(seal_field_open(&key, &others[i], sealed, plain));
    }
    struct digest other_nonce = count_digest(6);
    struct digest other_key = seal_answer_key(&pair, &good.request_hash, &other_nonce);
    assert_false(seal_field_open(&other_key, &good, sealed, plain));
}

TEST(a_field_with_an_overlong_text_does_not_open)
{
    static const uint8_t text[SEAL_TEXT_MAX + 1];
    struct digest key = count_digest(1);
    struct seal_field field = { .dataset = bytes_of(text, SEAL_TEXT_MAX),
                                .name = bytes_of(text, SEAL_TEXT_MAX),
                                .form = bytes_of(text, SEAL_TEXT_MAX) };
    uint8_t box[SECRET_BOX_BYTES];
    uint8_t plain[SECRET_BYTES];
    seal_field_close(&key, &field, bytes_of(text, SECRET_BYTES), box);
    assert_true(seal_field_open(&key, &field, bytes_of(box, sizeof(box)), plain));
    field.dataset.size++;
    assert_false(seal_field_open(&key, &field, bytes_of(box, sizeof(box)), plain));
}

TEST(a_value_commitment_changes_with_each_thing_that_it_covers)
{
    struct digest request = count_digest(1);
    struct digest salt = count_digest(2);
    struct digest other = count_digest(3);
    struct bytes field = bytes_text("valid");
    struct bytes form = bytes_text("full");
    struct bytes value = bytes_text("true");
    struct digest all[] = {
        seal_value_commitment(&request, field, form, &salt, 1, value),
        seal_value_commitment(&other, field, form, &salt, 1, value),
        seal_value_commitment(&request, bytes_text("v"), form, &salt, 1, value),
        seal_value_commitment(&request, field, bytes_text("exists"), &salt, 1, value),
        seal_value_commitment(&request, field, form, &other, 1, value),
        seal_value_commitment(&request, field, form, &salt, 2, value),
        seal_value_commitment(&request, field, form, &salt, 1, bytes_text("false")),
        seal_value_commitment(&request, field, form, &salt, 1, (struct bytes){ 0 }),
    };
    for (size_t i = 0; i < ARRAY_COUNT(all); i++) {
        for (size_t k = 0; k < i; k++) {
            assert_false(digest_equal(&all[i], &all[k]));
        }
    }
}
