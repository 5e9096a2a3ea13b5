// Hashes. SHA-256 goes through libcrypto's low-level calls: they use the processor's SHA
// instructions (libsodium's do not) and keep their state on the stack. The EVP interface would
// allocate or look up an algorithm on each call, which costs more than hashing a tree node does.
#define OPENSSL_SUPPRESS_DEPRECATED 1

#include "seal/hash.h"

#include <assert.h>
#include <openssl/sha.h>
#include <sodium.h>
#include <stdlib.h>

// libsodium picks its fastest code once, before any thread is there. It can fail only where the
// system has no randomness; nothing here may run then.
__attribute__((constructor)) static void start_libsodium(void)
{
    if (sodium_init() < 0) {
        abort();
    }
}

struct digest seal_sha256_parts(const struct bytes *parts, size_t count)
{
    struct digest digest;
    SHA256_CTX state;
    SHA256_Init(&state);
    for (size_t i = 0; i < count; i++) {
        SHA256_Update(&state, parts[i].data, parts[i].size);
    }
    SHA256_Final(digest.bytes, &state);
    return digest;
}

struct digest seal_sha256(struct bytes bytes)
{
    return seal_sha256_parts(&bytes, 1);
}

struct digest seal_leaf_hash(struct bytes data)
{
    static const uint8_t prefix = 0x00;
    const struct bytes parts[] = { bytes_of(&prefix, 1), data };
    return seal_sha256_parts(parts, ARRAY_COUNT(parts));
}

struct digest seal_node_hash(const struct digest *left, const struct digest *right)
{
    uint8_t message[1 + 2 * DIGEST_BYTES];
    message[0] = 0x01;
    memcpy(message + 1, left->bytes, DIGEST_BYTES);
    memcpy(message + 1 + DIGEST_BYTES, right->bytes, DIGEST_BYTES);
    return seal_sha256(bytes_of(message, sizeof(message)));
}

struct digest seal_blake2b(struct bytes key, const struct bytes *parts, size_t count)
{
    assert(key.size == 0 || (key.size >= crypto_generichash_KEYBYTES_MIN &&
                             key.size <= crypto_generichash_KEYBYTES_MAX));
    struct digest digest;
    crypto_generichash_state state;
    crypto_generichash_init(&state, key.size == 0 ? NULL : key.data, key.size, DIGEST_BYTES);
    for (size_t i = 0; i < count; i++) {
        crypto_generichash_update(&state, parts[i].data, parts[i].size);
    }
    crypto_generichash_final(&state, digest.bytes, DIGEST_BYTES);
    sodium_memzero(&state, sizeof(state)); // it has the key in it
    return digest;
}

struct bytes seal_u16(uint8_t storage[2], uint16_t value)
{
    storage[0] = (uint8_t)(value >> 8);
    storage[1] = (uint8_t)value;
    return bytes_of(storage, 2);
}

struct bytes seal_u64(uint8_t storage[8], uint64_t value)
{
    for (size_t i = 0; i < 8; i++) {
        storage[i] = (uint8_t)(value >> (56 - 8 * i));
    }
    return bytes_of(storage, 8);
}
