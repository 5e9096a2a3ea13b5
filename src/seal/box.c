// XChaCha20-Poly1305.
#include "seal/box.h"

#include <sodium.h>

void seal_box_close(const struct digest *key, const uint8_t nonce[SEAL_NONCE_BYTES],
                    struct bytes ad, struct bytes plain, uint8_t *box)
{
    crypto_aead_xchacha20poly1305_ietf_encrypt(box, NULL, plain.data, plain.size, ad.data, ad.size,
                                               NULL, nonce, key->bytes);
}

bool seal_box_open(const struct digest *key, const uint8_t nonce[SEAL_NONCE_BYTES], struct bytes ad,
                   struct bytes box, uint8_t *plain)
{
    return crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, box.data, box.size,
                                                      ad.data, ad.size, nonce, key->bytes) == 0;
}
