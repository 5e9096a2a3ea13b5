// XChaCha20-Poly1305 (IETF construction): sealed and authenticated bytes. Any thread.
#pragma once

#include "base/bytes.h"
#include "base/compiler.h"

enum {
    SEAL_NONCE_BYTES = 24,
    SEAL_TAG_BYTES = 16 // a box is that much longer than what is in it
};

// Seals `plain` under the key; `ad` is authenticated with it and not stored. A pair of key and
// nonce is used once. `box` has room for plain.size + SEAL_TAG_BYTES and may begin where plain
// does.
void seal_box_close(const struct digest *key, const uint8_t nonce[SEAL_NONCE_BYTES],
                    struct bytes ad, struct bytes plain, uint8_t *box);

// Opens a box; `plain` has room for box.size - SEAL_TAG_BYTES and may begin where the box does.
// False: not what was sealed under this key, nonce and ad; `plain` is then of no use.
NODISCARD bool seal_box_open(const struct digest *key, const uint8_t nonce[SEAL_NONCE_BYTES],
                             struct bytes ad, struct bytes box, uint8_t *plain);
