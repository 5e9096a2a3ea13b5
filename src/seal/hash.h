// SHA-256, the hashes of the log's tree (RFC 6962), and keyed BLAKE2b. No allocation; any thread.
#pragma once

#include "base/bytes.h"
#include "base/compiler.h"

struct digest seal_sha256(struct bytes bytes);

// SHA-256 of the parts one after another.
struct digest seal_sha256_parts(const struct bytes *parts, size_t count);

// SHA-256(0x00 ‖ data).
struct digest seal_leaf_hash(struct bytes data);

// SHA-256(0x01 ‖ left ‖ right).
struct digest seal_node_hash(const struct digest *left, const struct digest *right);

// BLAKE2b-256 of the parts one after another, under a key of 16 to 64 bytes, or none.
struct digest seal_blake2b(struct bytes key, const struct bytes *parts, size_t count);

enum { SEAL_SHORT_KEY_BYTES = 16 };

// A short keyed hash (SipHash-2-4) for tables: whoever has not the key finds no two values with the
// same hash, and cannot try values out.
uint64_t seal_short(const uint8_t key[SEAL_SHORT_KEY_BYTES], struct bytes bytes);

// A label of protocol.md with its closing NUL: "vedomo/1 request\0". `label` is a literal.
#define seal_label(label) bytes_of((label), sizeof(label))

// An integer as its big-endian bytes, for use among parts. The storage is the caller's.
struct bytes seal_u16(uint8_t storage[2], uint16_t value);
struct bytes seal_u64(uint8_t storage[8], uint64_t value);
