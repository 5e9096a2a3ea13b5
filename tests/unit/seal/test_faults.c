// Each allocation in turn fails; the call says so, leaves its results alone and loses nothing.
#include "fault.h"
#include "hex.h"
#include "seal/batch.h"
#include "seal/exchange.h"
#include "seal/keyfile.h"
#include "seal/secret.h"
#include "test.h"

#include <stdio.h>
#include <unistd.h>

TEST(a_secret_or_signer_without_memory_is_not_made)
{
    bool failed = true;
    for (size_t k = 1; failed; k++) {
        struct error err;
        struct seal_secret *secret = NULL;
        struct seal_signer *signer = NULL;
        fault_arm(k);
        enum status status = seal_secret_random(32, &secret, &err);
        if (status == ST_OK) {
            status = seal_signer_create(secret, &signer, &err);
        }
        failed = fault_disarm();
        assert_int_equal(status, failed ? ST_NOMEM : ST_OK);
        assert_int_equal(signer == NULL, failed);
        seal_signer_destroy(&signer);
        seal_secret_destroy(&secret);
    }
}

TEST(an_exchange_key_without_memory_is_not_made)
{
    bool failed = true;
    for (size_t k = 1; failed; k++) {
        struct error err;
        struct seal_secret *secret = NULL;
        struct digest key;
        fault_arm(k);
        enum status status = seal_exchange_create(&secret, &key, &err);
        failed = fault_disarm();
        assert_int_equal(status, failed ? ST_NOMEM : ST_OK);
        assert_int_equal(secret == NULL, failed);
        seal_secret_destroy(&secret);
    }
}

TEST(an_identity_without_memory_is_neither_made_nor_written_nor_loaded)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/one.key", test_directory());
    bool failed = true;
    for (size_t k = 1; failed; k++) {
        struct error err;
        struct seal_identity made = { 0 };
        struct seal_identity loaded = { 0 };
        fault_arm(k);
        enum status status = seal_identity_create(SEAL_ROLE_NODE, "a/b", "n", &made, &err);
        if (status == ST_OK) {
            status = seal_keyfile_create(path, &made, &err);
        }
        if (status == ST_OK) {
            status = seal_keyfile_load(path, &loaded, &err);
        }
        failed = fault_disarm();
        assert_int_equal(status == ST_OK, !failed);
        assert_int_equal(loaded.role, failed ? SEAL_ROLE_NONE : SEAL_ROLE_NODE);
        seal_identity_fini(&made);
        seal_identity_fini(&loaded);
        unlink(path);
    }
}

TEST(a_cache_without_memory_is_not_made)
{
    bool failed = true;
    for (size_t k = 1; failed; k++) {
        fault_arm(k);
        struct seal_batch_cache *cache = seal_batch_cache_create(100);
        failed = fault_disarm();
        assert_int_equal(cache == NULL, failed);
        seal_batch_cache_destroy(&cache);
    }
}
