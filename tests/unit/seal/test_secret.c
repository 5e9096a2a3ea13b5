#include "seal/secret.h"

#include "hex.h"
#include "test.h"

TEST(a_secret_keeps_a_copy_of_its_bytes)
{
    struct error err;
    struct digest bytes = count_digest(1);
    struct seal_secret *secret = NULL;
    assert_ok(seal_secret_copy(bytes_digest(&bytes), &secret, &err));
    seal_wipe(&bytes, sizeof(bytes));
    assert_true(digest_is_zero(&bytes));
    struct digest again = count_digest(1);
    assert_true(bytes_equal(seal_secret_view(secret), bytes_digest(&again)));
    seal_secret_destroy(&secret);
    assert_null(secret);
    seal_secret_destroy(&secret);
}

TEST(random_secrets_differ_and_equal_ones_are_equal)
{
    struct error err;
    struct seal_secret *a = NULL;
    struct seal_secret *b = NULL;
    struct seal_secret *copy = NULL;
    assert_ok(seal_secret_random(32, &a, &err));
    assert_ok(seal_secret_random(32, &b, &err));
    assert_ok(seal_secret_copy(seal_secret_view(a), &copy, &err));
    assert_false(seal_secret_equal(a, b));
    assert_true(seal_secret_equal(a, copy));
    (void)seal_secret_is_locked(a);
    seal_secret_destroy(&a);
    seal_secret_destroy(&b);
    seal_secret_destroy(&copy);
}

TEST(a_secret_of_no_or_of_too_many_bytes_is_refused)
{
    struct error err;
    struct seal_secret *secret = NULL;
    assert_status(ST_USAGE, seal_secret_random(0, &secret, &err));
    assert_status(ST_USAGE, seal_secret_random(4097, &secret, &err));
    assert_null(secret);
}

TEST(subkeys_follow_the_published_construction)
{
    struct error err;
    struct digest key = count_digest(0);
    struct seal_secret *master = NULL;
    struct seal_secret *subkey = NULL;
    assert_ok(seal_secret_copy(bytes_digest(&key), &master, &err));
    assert_ok(seal_kdf(master, "bodies", 7, &subkey, &err));
    struct digest wanted =
        hex_digest("58fd618c203c6add091b121295b59253b718d14ccfb8776a66e9ade591e794d1");
    assert_true(bytes_equal(seal_secret_view(subkey), bytes_digest(&wanted)));
    seal_secret_destroy(&subkey);
    seal_secret_destroy(&master);
}

TEST(subkeys_differ_by_purpose_and_by_id)
{
    struct error err;
    struct seal_secret *master = NULL;
    struct seal_secret *keys[3] = { 0 };
    assert_ok(seal_secret_random(32, &master, &err));
    assert_ok(seal_kdf(master, "bodies", 1, &keys[0], &err));
    assert_ok(seal_kdf(master, "bodies", 2, &keys[1], &err));
    assert_ok(seal_kdf(master, "cursors", 1, &keys[2], &err));
    assert_false(seal_secret_equal(keys[0], keys[1]));
    assert_false(seal_secret_equal(keys[0], keys[2]));
    for (size_t i = 0; i < 3; i++) {
        seal_secret_destroy(&keys[i]);
    }
    seal_secret_destroy(&master);
}

TEST(a_master_key_of_another_size_is_refused)
{
    struct error err;
    struct seal_secret *master = NULL;
    struct seal_secret *subkey = NULL;
    assert_ok(seal_secret_random(16, &master, &err));
    assert_status(ST_MALFORMED, seal_kdf(master, "bodies", 1, &subkey, &err));
    assert_null(subkey);
    seal_secret_destroy(&master);
}
