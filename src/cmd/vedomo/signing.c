// Signing with offline keys.
#include "signing.h"

#include "seal/batch.h"

enum status signing_add(enum registry_label label, bool fresh, struct bytes message,
                        struct bytes origin, const struct seal_identity *identity,
                        struct buffer *out, struct error *err)
{
    struct digest audience = seal_audience(origin);
    return fresh ? registry_signed_make(label, message, &audience, identity->signer, out, err)
                 : registry_signed_add(label, message, &audience, identity->signer, out, err);
}
