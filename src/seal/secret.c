// Secrets: a small header on the heap, the bytes in libsodium's guarded memory. That memory is also
// excluded from core dumps; a refused lock is remembered rather than fatal, because
// RLIMIT_MEMLOCK is small in many containers and the operator is told by the program.
#include "seal/secret.h"

#include "base/error.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { SECRET_MAX = 4096 };

struct seal_secret {
    uint8_t *bytes; // sodium_malloc
    size_t size;
    bool locked;
};

static enum status secret_create(size_t size, struct seal_secret **secret, struct error *err)
{
    if (size == 0 || size > SECRET_MAX) {
        return error_set(err, ST_USAGE, "a secret of %zu bytes: 1..%d are possible", size,
                         SECRET_MAX);
    }
    // Guarded memory needs libsodium to be up; only its first call does anything.
    if (sodium_init() < 0) {
        return error_set(err, ST_IO, "libsodium does not start: the system has no randomness");
    }
    struct seal_secret *made = calloc(1, sizeof(*made));
    uint8_t *bytes = made == NULL ? NULL : sodium_malloc(size);
    if (bytes == NULL) {
        free(made);
        return error_set(err, ST_NOMEM, "no guarded memory for a secret");
    }
    *made = (struct seal_secret){ .bytes = bytes, .size = size };
    made->locked = sodium_mlock(bytes, size) == 0;
    *secret = made;
    return ST_OK;
}

enum status seal_secret_random(size_t size, struct seal_secret **secret, struct error *err)
{
    enum status status = secret_create(size, secret, err);
    if (status == ST_OK) {
        randombytes_buf((*secret)->bytes, size);
    }
    return status;
}

enum status seal_secret_copy(struct bytes bytes, struct seal_secret **secret, struct error *err)
{
    enum status status = secret_create(bytes.size, secret, err);
    if (status == ST_OK) {
        memcpy((*secret)->bytes, bytes.data, bytes.size);
    }
    return status;
}

void seal_secret_destroy(struct seal_secret **secret)
{
    if (*secret != NULL) {
        sodium_free((*secret)->bytes); // wipes and unlocks
        free(*secret);
        *secret = NULL;
    }
}

struct bytes seal_secret_view(const struct seal_secret *secret)
{
    return bytes_of(secret->bytes, secret->size);
}

bool seal_secret_equal(const struct seal_secret *a, const struct seal_secret *b)
{
    return a->size == b->size && sodium_memcmp(a->bytes, b->bytes, a->size) == 0;
}

bool seal_secret_is_locked(const struct seal_secret *secret)
{
    return secret->locked;
}

enum status seal_kdf(const struct seal_secret *master, const char *purpose, uint64_t id,
                     struct seal_secret **subkey, struct error *err)
{
    char context[crypto_kdf_CONTEXTBYTES] = { 0 };
    size_t length = strlen(purpose);
    assert(length >= 1 && length <= sizeof(context));
    memcpy(context, purpose, length);
    if (master->size != crypto_kdf_KEYBYTES) {
        return error_set(err, ST_MALFORMED, "a master key has %u bytes, not %zu",
                         crypto_kdf_KEYBYTES, master->size);
    }
    struct seal_secret *made = NULL;
    enum status status = secret_create(DIGEST_BYTES, &made, err);
    if (status == ST_OK) {
        crypto_kdf_derive_from_key(made->bytes, DIGEST_BYTES, id, context, master->bytes);
        *subkey = made;
    }
    return status;
}

void seal_wipe(void *memory, size_t size)
{
    sodium_memzero(memory, size);
}
