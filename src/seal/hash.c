// Hashes. SHA-256 goes through libcrypto's low-level calls: they use the processor's SHA
// instructions (libsodium's do not) and keep their state on the stack. The EVP interface would
// allocate or look up an algorithm on each call, which costs more than hashing a tree node does.
#define OPENSSL_SUPPRESS_DEPRECATED 1

#include "seal/hash.h"

#include <assert.h>
#include <openssl/sha.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

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

// ---- hashes of the tree: messages of one or two blocks, padded here instead of by the library

enum { BLOCK_BYTES = 64, LEAF_ROOM = BLOCK_BYTES - 1 - 1 - 8 };

static struct digest state_digest(const SHA256_CTX *state)
{
    struct digest digest;
    for (size_t i = 0; i < 8; i++) {
        for (size_t j = 0; j < 4; j++) {
            digest.bytes[4 * i + j] = (uint8_t)(state->h[i] >> (24 - 8 * j));
        }
    }
    return digest;
}

// Fills up the last block of a message of `bytes` bytes, of which `used` stand in the block.
static void pad_block(uint8_t block[BLOCK_BYTES], size_t used, size_t bytes)
{
    block[used] = 0x80;
    memset(block + used + 1, 0, BLOCK_BYTES - used - 1);
    block[BLOCK_BYTES - 2] = (uint8_t)(bytes >> 5); // the length in bits; messages are short
    block[BLOCK_BYTES - 1] = (uint8_t)(bytes << 3);
}

struct digest seal_leaf_hash(struct bytes data)
{
    static const uint8_t prefix = 0x00;
    if (data.size > LEAF_ROOM) {
        const struct bytes parts[] = { bytes_of(&prefix, 1), data };
        return seal_sha256_parts(parts, ARRAY_COUNT(parts));
    }
    SHA256_CTX state;
    uint8_t block[BLOCK_BYTES];
    block[0] = prefix;
    if (data.size > 0) {
        memcpy(block + 1, data.data, data.size);
    }
    pad_block(block, 1 + data.size, 1 + data.size);
    SHA256_Init(&state);
    SHA256_Transform(&state, block);
    return state_digest(&state);
}

struct digest seal_node_hash(const struct digest *left, const struct digest *right)
{
    SHA256_CTX state;
    uint8_t block[BLOCK_BYTES];
    block[0] = 0x01;
    memcpy(block + 1, left->bytes, DIGEST_BYTES);
    memcpy(block + 1 + DIGEST_BYTES, right->bytes, DIGEST_BYTES - 1);
    SHA256_Init(&state);
    SHA256_Transform(&state, block);
    block[0] = right->bytes[DIGEST_BYTES - 1];
    pad_block(block, 1, 1 + 2 * DIGEST_BYTES);
    SHA256_Transform(&state, block);
    return state_digest(&state);
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

uint64_t seal_short(const uint8_t key[SEAL_SHORT_KEY_BYTES], struct bytes bytes)
{
    uint8_t hash[crypto_shorthash_BYTES];
    uint64_t number;
    _Static_assert(sizeof(hash) == sizeof(number), "a hash is a number");
    _Static_assert(crypto_shorthash_KEYBYTES == SEAL_SHORT_KEY_BYTES, "the library's key");
    crypto_shorthash(hash, bytes.data, bytes.size, key);
    memcpy(&number, hash, sizeof(number));
    return number;
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
