// Ed25519. libsodium's verification refuses non-canonical S and keys, and small orders, by itself;
// it is told the lengths because everything that comes here is outside bytes.
#include "seal/sign.h"

#include "base/text.h"
#include "seal/secret.h"

#include <sodium.h>
#include <stdlib.h>

struct seal_signer {
    struct seal_secret *secret; // seed ‖ public key, as libsodium wants it
    struct digest key;
};

enum status seal_signer_create(const struct seal_secret *seed, struct seal_signer **signer,
                               struct error *err)
{
    struct bytes view = seal_secret_view(seed);
    if (view.size != crypto_sign_SEEDBYTES) {
        return error_set(err, ST_MALFORMED, "a signing seed has %u bytes, not %zu",
                         crypto_sign_SEEDBYTES, view.size);
    }
    struct seal_signer *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return error_set(err, ST_NOMEM, "no memory for a signer");
    }
    uint8_t expanded[crypto_sign_SECRETKEYBYTES];
    crypto_sign_seed_keypair(made->key.bytes, expanded, view.data);
    enum status status = seal_secret_copy(bytes_of(expanded, sizeof(expanded)), &made->secret, err);
    seal_wipe(expanded, sizeof(expanded));
    if (status != ST_OK) {
        free(made);
        return status;
    }
    *signer = made;
    return ST_OK;
}

void seal_signer_destroy(struct seal_signer **signer)
{
    if (*signer != NULL) {
        seal_secret_destroy(&(*signer)->secret);
        free(*signer);
        *signer = NULL;
    }
}

const struct digest *seal_signer_key(const struct seal_signer *signer)
{
    return &signer->key;
}

void seal_sign(const struct seal_signer *signer, struct bytes message,
               uint8_t signature[SEAL_SIGNATURE_BYTES])
{
    crypto_sign_detached(signature, NULL, message.data, message.size,
                         seal_secret_view(signer->secret).data);
}

bool seal_verify(const struct digest *public_key, struct bytes message, struct bytes signature)
{
    return signature.size == SEAL_SIGNATURE_BYTES &&
           crypto_sign_verify_detached(signature.data, message.data, message.size,
                                       public_key->bytes) == 0;
}

static const char key_prefix[] = "ed25519:";
enum { KEY_PREFIX_BYTES = sizeof(key_prefix) - 1 };

void seal_key_format(struct buffer *out, const struct digest *public_key)
{
    buffer_text(out, key_prefix);
    text_base64_encode(out, bytes_digest(public_key));
}

bool seal_key_parse(struct bytes text, struct digest *public_key)
{
    if (text.size < KEY_PREFIX_BYTES || memcmp(text.data, key_prefix, KEY_PREFIX_BYTES) != 0) {
        return false;
    }
    struct buffer decoded = buffer_init(DIGEST_BYTES);
    bool good = text_base64_decode(&decoded, bytes_of(text.data + KEY_PREFIX_BYTES,
                                                      text.size - KEY_PREFIX_BYTES)) &&
                !decoded.failed && decoded.size == DIGEST_BYTES;
    if (good) {
        memcpy(public_key->bytes, decoded.data, DIGEST_BYTES);
    }
    buffer_fini(&decoded);
    return good;
}
